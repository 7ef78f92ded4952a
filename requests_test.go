package monotable_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
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
	return slices.Concat(rqRefusedWrites, rqRefusedUpdates, rqScopedRefusals, rqRefusedReads)
}

func TestRequests(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
				rqOf(users.GetOp(rqAnnRead(), nil).Request), rqOf(users.PutOp(rqAnnRead()).Request),
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
	cursor := rqFrom(s, s.orders.Query(rqOrder{UserID: "ann"}).Index("byTotal").Descending().SortKey(rqOrderTotal.Lt(9)).With(monotable.TableName("app-eu")),
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
