package monotable_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// The golden requests: one file for each operation, with what is sent on the wire or why it is refused.
// Run with -update to rewrite them, on a server to rewrite what is stored afterwards too; then read the difference.

var rqUpdate = flag.Bool("update", false, "rewrite testdata/requests")

const rqDir = "testdata/requests"

// rqOp is an operation as a value, ready to tell its request any number of times.
type rqOp func() (any, error)

// rqOf takes the Request method of an operation.
func rqOf[I any](request func() (*I, error)) rqOp {
	return func() (any, error) {
		in, err := request()
		if in == nil || err != nil {
			return nil, err
		}
		return in, nil
	}
}

// rqRow is an operation that is accepted.
type rqRow struct {
	name, why string
	op        func(*rqSchemas) rqOp

	before []rqItem // stored before a write
	fails  []rqItem // each of them stored instead: the server's condition must refuse the write; nil is nothing at all
	finds  []rqItem // stored before a read, and returned
	skips  []rqItem // stored before a read, and not returned
}

// rqRefusal is an operation that is refused before anything is sent.
type rqRefusal struct {
	name, why string
	op        func(*rqSchemas) rqOp
	is        error
	names     []string // what the error must name
	secret    string   // what it must not
}

// rqFile is a golden file.
type rqFile struct {
	Why       string   `json:"why"`
	Operation string   `json:"operation,omitempty"`
	Request   any      `json:"request,omitempty"`
	Before    []any    `json:"before,omitempty"`
	After     any      `json:"after,omitempty"` // the one item that is stored after a write
	Refused   string   `json:"refused,omitempty"`
	Names     []string `json:"names,omitempty"`
}

func rqRows() []rqRow {
	return slices.Concat(rqGetRows, rqCreateRows, rqPutRows, rqDeleteRows, rqUpdateRows, rqRuleRows, rqCondRows, rqQueryRows, rqSortRows, rqScanRows)
}

func rqRefusals() []rqRefusal {
	return slices.Concat(rqRefusedWrites, rqRefusedUpdates, rqRefusedReads)
}

func TestRequests(t *testing.T) {
	for _, row := range rqRows() {
		t.Run(row.name, func(t *testing.T) {
			s := newRqSchemas(t)
			in, err := row.op(s)()
			require.NoError(t, err)
			operation, request := rqWire(t, in)
			want := rqFile{Why: row.why, Operation: operation, Request: request}
			for _, item := range row.before {
				want.Before = append(want.Before, rqJSON(item.item()))
			}
			// What is stored afterwards is the server's to say, save that a whole item is stored as it is.
			want.After = rqRead(t, row.name).After
			if put, ok := in.(*dynamodb.PutItemInput); ok {
				want.After = rqJSON(put.Item)
			}
			rqCompare(t, row.name, want)
		})
	}
}

func TestRequests_Refused(t *testing.T) {
	for _, row := range rqRefusals() {
		t.Run(row.name, func(t *testing.T) {
			sentinel := "ErrInvalid"
			if errors.Is(row.is, monotable.ErrBadCursor) {
				sentinel = "ErrBadCursor"
			}
			rqCompare(t, "refused-"+row.name, rqFile{Why: row.why, Refused: sentinel, Names: row.names})
			in, err := row.op(newRqSchemas(t))()
			if in != nil {
				_, request := rqWire(t, in)
				t.Errorf("accepted: %s", rqText(t, request))
			}
			require.ErrorIs(t, err, row.is)
			for _, name := range row.names {
				assert.ErrorContains(t, err, name)
			}
			if row.secret != "" {
				assert.NotContains(t, err.Error(), row.secret, "an error's text never holds values")
			}
		})
	}
}

// TestRequests_Files finds files that no row has, and rows that are there twice or do not say why.
func TestRequests_Files(t *testing.T) {
	rows := map[string]string{}
	add := func(name, why string) {
		assert.NotContains(t, rows, name+".json", "two rows of this name")
		assert.NotEmpty(t, why, name)
		rows[name+".json"] = why
	}
	for _, row := range rqRows() {
		add(row.name, row.why)
	}
	for _, row := range rqRefusals() {
		add("refused-"+row.name, row.why)
	}
	files, err := os.ReadDir(rqDir)
	require.NoError(t, err)
	for _, file := range files {
		if _, ok := rows[file.Name()]; ok {
			continue
		}
		if *rqUpdate {
			require.NoError(t, os.Remove(filepath.Join(rqDir, file.Name())))
			continue
		}
		t.Errorf("%s has no row", file.Name())
	}
}

// TestF120_RequestTwice asks one operation for its request again and again, between which its answers are
// spoiled, and builds the operation anew.
func TestF120_RequestTwice(t *testing.T) {
	s := newRqSchemas(t)
	for _, row := range rqRows() {
		op := row.op(s)
		first, err := op()
		require.NoError(t, err, row.name)
		operation, want := rqWire(t, first)
		rqSpoil(first)
		second, err := op()
		require.NoError(t, err, row.name)
		again, got := rqWire(t, second)
		assert.Equal(t, operation, again, row.name)
		assert.Equal(t, want, got, "%s: the same operation, asked twice", row.name)
		third, err := row.op(s)()
		require.NoError(t, err, row.name)
		_, got = rqWire(t, third)
		assert.Equal(t, want, got, "%s: the same operation, built twice", row.name)
	}
}

// rqSpoil overwrites everything in an input that can be.
func rqSpoil(in any) {
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case !f.CanSet():
		case f.Kind() == reflect.Map:
			f.Clear()
		case f.Kind() == reflect.Pointer && !f.IsNil() && f.Elem().Kind() == reflect.String:
			f.Elem().SetString("spoiled")
		case f.Kind() == reflect.Pointer && !f.IsNil():
			f.Elem().SetZero()
		}
	}
}

// rqWire is the body that the SDK sends for an input, and the operation it names.
func rqWire(t testing.TB, in any) (operation string, body any) {
	t.Helper()
	client := dynamodb.New(dynamodb.Options{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		HTTPClient: rqTransport(func(r *http.Request) {
			_, operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
			text, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			body = rqDecode(t, text)
		}),
	})
	_, err := rqSend(t.Context(), client, in)
	require.NoError(t, err)
	return operation, body
}

type rqTransport func(*http.Request)

func (f rqTransport) Do(r *http.Request) (*http.Response, error) {
	f(r)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// rqSend makes the call that an input is for. items are those of a read.
func rqSend(ctx context.Context, client *dynamodb.Client, in any) (items []map[string]types.AttributeValue, err error) {
	switch in := in.(type) {
	case *dynamodb.GetItemInput:
		out, err := client.GetItem(ctx, in)
		if err != nil || out.Item == nil {
			return nil, err
		}
		return []map[string]types.AttributeValue{out.Item}, nil
	case *dynamodb.PutItemInput:
		_, err = client.PutItem(ctx, in)
	case *dynamodb.UpdateItemInput:
		_, err = client.UpdateItem(ctx, in)
	case *dynamodb.DeleteItemInput:
		_, err = client.DeleteItem(ctx, in)
	case *dynamodb.QueryInput:
		out, err := client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.Items, nil
	case *dynamodb.ScanInput:
		out, err := client.Scan(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.Items, nil
	default:
		err = fmt.Errorf("a request of type %T", in)
	}
	return nil, err
}

// rqItem is a stored item: text is S, an int N, a float64 N, []byte B, bool BOOL, []any L, a map M, rqSet SS.
type rqItem map[string]any

type rqSet []string

func (i rqItem) item() map[string]types.AttributeValue {
	out := map[string]types.AttributeValue{}
	for name, v := range i {
		out[name] = rqValue(v)
	}
	return out
}

// with gives a copy with some attributes changed; nil takes one out.
func (i rqItem) with(changes rqItem) rqItem {
	out := maps.Clone(i)
	for name, v := range changes {
		if out[name] = v; v == nil {
			delete(out, name)
		}
	}
	return out
}

func rqValue(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case int, float64:
		return &types.AttributeValueMemberN{Value: fmt.Sprint(v)}
	case []byte:
		return &types.AttributeValueMemberB{Value: v}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case []any:
		list := []types.AttributeValue{}
		for _, e := range v {
			list = append(list, rqValue(e))
		}
		return &types.AttributeValueMemberL{Value: list}
	case rqItem:
		return &types.AttributeValueMemberM{Value: v.item()}
	case rqSet:
		return &types.AttributeValueMemberSS{Value: v}
	}
	panic(fmt.Sprintf("a %T in a stored item", v))
}

// rqJSON is an item as DynamoDB JSON.
func rqJSON(item map[string]types.AttributeValue) any {
	out := map[string]any{}
	for name, av := range item {
		out[name] = rqJSONValue(av)
	}
	return out
}

func rqJSONValue(av types.AttributeValue) any {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": av.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": av.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": base64.StdEncoding.EncodeToString(av.Value)}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": av.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": av.Value}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": rqJSON(av.Value)}
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range av.Value {
			list = append(list, rqJSONValue(e))
		}
		return map[string]any{"L": list}
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": rqSorted(av.Value)}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": rqSorted(av.Value)}
	case *types.AttributeValueMemberBS:
		texts := make([]string, len(av.Value))
		for i, b := range av.Value {
			texts[i] = base64.StdEncoding.EncodeToString(b)
		}
		return map[string]any{"BS": rqSorted(texts)}
	}
	panic(fmt.Sprintf("a %T in an item", av))
}

// rqSorted makes the order of a set's members, which means nothing, the same everywhere.
func rqSorted(members []string) []any {
	out := []any{}
	for _, m := range slices.Sorted(slices.Values(members)) {
		out = append(out, m)
	}
	return out
}

func rqDecode(t testing.TB, text []byte) any {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&v), "%s", text)
	return v
}

// rqText is canonical JSON in ASCII: sorted names, two blanks of indentation.
func rqText(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	require.NoError(t, e.Encode(v))
	var out strings.Builder
	for _, r := range b.String() {
		switch {
		case r < 0x7f:
			out.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

func rqRead(t testing.TB, name string) (file rqFile) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(rqDir, name+".json"))
	if *rqUpdate && errors.Is(err, os.ErrNotExist) {
		return file
	}
	require.NoError(t, err, "run with -update to write it")
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&file))
	return file
}

func rqCompare(t testing.TB, name string, got rqFile) {
	t.Helper()
	text := rqText(t, got)
	where := filepath.Join(rqDir, name+".json")
	if *rqUpdate {
		require.NoError(t, os.MkdirAll(rqDir, 0o755))
		require.NoError(t, os.WriteFile(where, []byte(text), 0o644))
		return
	}
	want, err := os.ReadFile(where)
	require.NoError(t, err, "run with -update to write it")
	assert.Equal(t, string(want), text, "%s: run with -update and read the difference", where)
}

// rqNothingStored is what is stored after a Delete.
const rqNothingStored = "nothing"

// TestF120_OptionsInAnyOrder gives the same options in every order.
func TestF120_OptionsInAnyOrder(t *testing.T) {
	s := newRqSchemas(t)
	used := new(monotable.ConsumedCapacity)
	options := []monotable.Option{
		monotable.Consistent(), monotable.TableName("app-eu"), monotable.Capacity(used), monotable.WithoutVersionCheck(), monotable.AdoptUnversioned(), monotable.Reveal(),
	}
	var want [4]any
	for i, order := range rqOrders(len(options)) {
		together, apart := s.users, s.users
		var all []monotable.Option
		for _, o := range order {
			all = append(all, options[o])
			apart = apart.With(options[o])
		}
		together = together.With(all...)
		for j, users := range []*monotable.Entity[rqUser]{together, apart} {
			for k, op := range []rqOp{
				rqOf(users.GetOp(rqAnnRead()).Request), rqOf(users.PutOp(rqAnnRead()).Request),
				rqOf(users.UpdateOp(rqAnnRead(), rqPlan.Set("pro")).Request), users.Query(rqUser{ID: "ann"}).Request,
			} {
				in, err := op()
				require.NoError(t, err)
				_, got := rqWire(t, in)
				if i+j == 0 {
					want[k] = got
				}
				require.Equal(t, want[k], got, "%v", order)
			}
		}
	}
}

// TestF120_StepsInAnyOrder calls the methods of a query in every order.
func TestF120_StepsInAnyOrder(t *testing.T) {
	s := newRqSchemas(t)
	type query = monotable.Query[rqOrder]
	cursor := rqFrom(s, s.orders.Query(rqOrder{UserID: "ann"}).Index("byTotal").Descending().SortKey(rqOrderTotal.Lt(9)),
		rqOrdered("1", 5, ""), rqItem{"PK": "USER#ann", "SK": "ORDER#1", "total": 5})
	steps := []func(query) query{
		func(q query) query { return q.Index("byTotal") },
		func(q query) query { return q.SortKey(rqOrderTotal.Lt(9)) },
		func(q query) query { return q.Filter(rqOrderStatus.Eq("paid")) },
		query.Descending,
		func(q query) query { return q.Limit(3) },
		func(q query) query { return q.PageSize(7).From(cursor) },
		func(q query) query { return q.With(monotable.Consistent(), monotable.TableName("app-eu")) },
	}
	var want any
	for _, order := range rqOrders(len(steps)) {
		base := s.orders.Query(rqOrder{UserID: "ann"})
		q := base
		for _, step := range order {
			q = steps[step](q)
		}
		in, err := q.Request()
		require.NoError(t, err, "%v", order)
		operation, got := rqWire(t, in)
		require.Equal(t, "Query", operation)
		if want == nil {
			want = got
		}
		require.Equal(t, want, got, "%v", order)
	}
	base, err := s.orders.Query(rqOrder{UserID: "ann"}).Request()
	require.NoError(t, err)
	_, got := rqWire(t, base)
	require.NotEqual(t, want, got)
}

// rqOrders are the orders of n steps: each rotation and its reverse, and every exchange of two.
func rqOrders(n int) [][]int {
	straight := make([]int, n)
	for i := range straight {
		straight[i] = i
	}
	orders := [][]int{straight}
	for i := range n {
		rotated := append(slices.Clone(straight[i:]), straight[:i]...)
		reversed := slices.Clone(rotated)
		slices.Reverse(reversed)
		orders = append(orders, rotated, reversed)
		for j := range i {
			exchanged := slices.Clone(straight)
			exchanged[i], exchanged[j] = exchanged[j], exchanged[i]
			orders = append(orders, exchanged)
		}
	}
	return orders
}
