package monotable_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// wireParcel has what the two roads of a reply could treat differently.
type wireParcel struct {
	Depot   string            `dynamodbav:"depot"`
	ID      int               `dynamodbav:"id"`
	Note    *string           `dynamodbav:"note"`
	Weight  float64           `dynamodbav:"weight"`
	Tags    []string          `dynamodbav:"tags"`
	Marks   []string          `dynamodbav:"marks,stringset,omitempty"`
	Stops   []wireStop        `dynamodbav:"stops"`
	Labels  map[string]string `dynamodbav:"labels"`
	Raw     []byte            `dynamodbav:"raw"`
	Any     any               `dynamodbav:"any"`
	Code    shouted           `dynamodbav:"code"`
	Secret  string            `dynamodbav:"secret"`
	Until   time.Time         `dynamodbav:"until"`
	Colour  string            `dynamodbav:"colour"`
	Size    string            `dynamodbav:"size"`
	Version int64             `dynamodbav:"version"`
}

type wireStop struct {
	Place string `dynamodbav:"place"`
	Km    int    `dynamodbav:"km"`
}

// shouted has its own marshaler.
type shouted string

func (s shouted) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return avS(string(s) + "!"), nil
}

func (s *shouted) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	text, ok := av.(*types.AttributeValueMemberS)
	if !ok {
		return errors.New("no shout")
	}
	*s = shouted(text.Value)
	return nil
}

type wirePart struct {
	ID   int      `dynamodbav:"id"`
	Tags []string `dynamodbav:"tags"`
}

func wireSchema() monotable.Schema[wireParcel] {
	return monotable.Schema[wireParcel]{
		Name: "Parcel", Key: monotable.Key{Partition: "DEPOT#{depot}", Sort: "PARCEL#{id:04}"},
		Indexes:  map[string]monotable.Key{"byColour": {Partition: "COLOUR#{colour}", Sort: "{id:04}"}},
		Upgrades: []monotable.Upgrade{func(item map[string]types.AttributeValue) error { item["weight"] = avN("7"); return nil }},
		Rules: []monotable.Rule[wireParcel]{
			monotable.Field(func(p *wireParcel) *string { return &p.Secret }).Hidden(),
			monotable.Field(func(p *wireParcel) *string { return &p.Size }).ReadDefault("small"),
			monotable.ExpiresAt(monotable.Field(func(p *wireParcel) *time.Time { return &p.Until })),
			monotable.Version(monotable.Field(func(p *wireParcel) *int64 { return &p.Version })),
		},
	}
}

func wireTable() monotable.TableConfig {
	return monotable.TableConfig{
		Clock:   func() time.Time { return time.Unix(1_800_000_000, 0) },
		Indexes: []monotable.Index{{Name: "byColour", PartitionKey: "cPK", SortKey: "cSK"}},
	}
}

// rawParcel is stored by hand, now and then with something wrong.
func rawParcel(r *rand.Rand, id int) rawItem {
	item := rawItem{
		"PK": avS("DEPOT#north"), "SK": avS(fmt.Sprintf("PARCEL#%04d", id)), "_et": avS("Parcel"), "_sv": avN("1"),
		"cPK": avS("COLOUR#red"), "cSK": avS(fmt.Sprintf("%04d", id)), "colour": avS("red"),
		"depot": avS("north"), "id": avN(strconv.Itoa(id)), "weight": avN("12.5"), "code": avS("x"),
		"tags": avL(avS("a\n\"b\""), avS("ü😀")), "labels": avM(rawItem{"to": avS("Bern")}), "secret": avS("s3cret"),
		"stops": avL(avM(rawItem{"place": avS("A"), "km": avN("3")}), avM(rawItem{"place": avS("B"), "more": avBool(true)})),
		"raw":   avB("\x00\xff"), "any": avM(rawItem{"deep": avL(avN("1.5"), avBool(false))}), "version": avN("3"), "unknown": avS("kept"),
	}
	for range r.IntN(3) {
		changes := []rawItem{
			{"weight": avS("heavy")},
			{"weight": avN("1e100")},
			{"id": avN("2.5")},
			{"tags": avSS("one", "two")},
			{"tags": avL(avS("a"), avN("1"))},
			{"tags": avL()},
			{"marks": avSS("x", "y")},
			{"marks": avL(avS("x"))},
			{"note": avS("")},
			{"note": &types.AttributeValueMemberNULL{Value: true}},
			{"stops": avL(avS("not a map"))},
			{"stops": &types.AttributeValueMemberNULL{Value: true}},
			{"labels": avM(rawItem{"to": avN("1")})},
			{"code": avN("1")},
			{"any": avSS("p", "q")},
			{"size": avS("large")},
			{"size": avN("1")},
			{"until": avN("1700000000")},
			{"until": avN("1.8e9")},
			{"until": avN("1900000000")},
			{"_sv": nil},
			{"_sv": avN("2")},
			{"_sv": avS("one")},
			{"_et": nil},
			{"_et": avS("Letter")},
			{"_et": avN("1")},
			{"version": nil},
		}
		item = with(item, changes[r.IntN(len(changes))])
	}
	maps.DeleteFunc(item, func(_ string, av types.AttributeValue) bool { return av == nil })
	return item
}

// told is what can be told of a read: what it gave, and of its error the text, the reasons, and the item in it.
type told struct {
	Got  any
	Err  string
	Item rawItem
	Is   []error
}

func toldOf(got any, err error) told {
	o := told{Got: got}
	if err == nil {
		return o
	}
	o.Err = err.Error()
	if failed, ok := errors.AsType[*monotable.DecodeError](err); ok {
		o.Item = failed.Item
	}
	for _, is := range []error{monotable.ErrNotFound, monotable.ErrWrongEntity, monotable.ErrNewerSchema, monotable.ErrOutdatedSchema, monotable.ErrInvalid} {
		if errors.Is(err, is) {
			o.Is = append(o.Is, is)
		}
	}
	return o
}

// TestWire_SameAsTheSDK: whatever is stored, every read gives the same by the reply's JSON and by the SDK's attribute values.
func TestWire_SameAsTheSDK(t *testing.T) {
	t.Parallel()
	s := openStore(t, wireTable())
	parcels := mustEntity(t, s.Table, wireSchema())
	ctx := t.Context()
	r := rand.New(rand.NewPCG(1, 2))
	for round := range envInt(t, "MONOTABLE_WIRE_ROUNDS", 40) {
		const n = 6
		var keys []wireParcel
		items := make([]rawItem, n)
		for id := range n {
			items[id] = rawParcel(r, id)
			s.write(items[id])
			keys = append(keys, wireParcel{Depot: "north", ID: id})
		}
		keys = append(keys, wireParcel{Depot: "north", ID: 99}, keys[0])
		key := keys[r.IntN(n)]
		changed := func(e *monotable.Entity[wireParcel], change func(*monotable.Entity[wireParcel]) (wireParcel, error)) (any, error) {
			s.write(items[key.ID])
			got, err := change(e)
			if failed, ok := errors.AsType[*monotable.DecodeError](err); ok {
				delete(failed.Item, "_w") // is never the same
			}
			return got, err
		}
		reads := map[string]func(e *monotable.Entity[wireParcel]) (any, error){
			"Get": func(e *monotable.Entity[wireParcel]) (any, error) { return e.Get(ctx, key) },
			"BatchGet": func(e *monotable.Entity[wireParcel]) (any, error) {
				results, err := e.BatchGet(ctx, keys)
				all := make([]told, len(results))
				for i, result := range results {
					all[i] = toldOf([]any{result.State, result.Item}, result.Err)
				}
				return all, err
			},
			"Collect": func(e *monotable.Entity[wireParcel]) (any, error) { return e.Query(key).Collect(ctx) },
			"All": func(e *monotable.Entity[wireParcel]) (any, error) {
				return collectAll(e.Query(key).PageSize(4).All(ctx))
			},
			"Page": func(e *monotable.Entity[wireParcel]) (any, error) { return e.Query(key).Limit(3).Page(ctx) },
			"Back": func(e *monotable.Entity[wireParcel]) (any, error) {
				page, err := e.Query(key).Limit(2).Page(ctx)
				if err != nil || page.Next == "" {
					return page, err
				}
				if page, err = e.Query(key).Limit(2).From(page.Next).Page(ctx); err != nil || page.Prev == "" {
					return page, err
				}
				return e.Query(key).Limit(2).From(page.Prev).Page(ctx)
			},
			"First": func(e *monotable.Entity[wireParcel]) (any, error) { return e.Query(key).Descending().First(ctx) },
			"Count": func(e *monotable.Entity[wireParcel]) (any, error) { return e.Query(key).Count(ctx) },
			"Index": func(e *monotable.Entity[wireParcel]) (any, error) {
				return e.Query(wireParcel{Colour: "red"}).Index("byColour").Collect(ctx)
			},
			"Hydrate": func(e *monotable.Entity[wireParcel]) (any, error) {
				return e.Query(wireParcel{Colour: "red"}).Index("byColour").Hydrate().Collect(ctx)
			},
			"As": func(e *monotable.Entity[wireParcel]) (any, error) {
				return monotable.As[wirePart](e.Query(key)).Collect(ctx)
			},
			"Update": func(e *monotable.Entity[wireParcel]) (any, error) {
				return changed(e, func(e *monotable.Entity[wireParcel]) (wireParcel, error) {
					return e.Update(ctx, key, monotable.Field(func(p *wireParcel) *string { return &p.Size }).Set("huge"))
				})
			},
			"Modify": func(e *monotable.Entity[wireParcel]) (any, error) {
				return changed(e, func(e *monotable.Entity[wireParcel]) (wireParcel, error) {
					return e.Modify(ctx, key, func(p *wireParcel) error { p.Size += "r"; return nil })
				})
			},
			"Scan": func(e *monotable.Entity[wireParcel]) (any, error) { return e.Scan().Collect(ctx) },
			"Reveal": func(e *monotable.Entity[wireParcel]) (any, error) {
				return e.With(monotable.Reveal()).Query(key).Collect(ctx)
			},
			"Many": func(e *monotable.Entity[wireParcel]) (any, error) {
				return monotable.QueryMany(e.Query(key), e.Query(key)).Collect(ctx)
			},
			"Partition": func(e *monotable.Entity[wireParcel]) (any, error) {
				var got struct {
					Parcels []wireParcel
					Others  []rawItem
				}
				err := monotable.TableOf(e).Collect(ctx, e.Partition(key), monotable.Into(e, &got.Parcels), monotable.OtherItems(&got.Others))
				return got, err
			},
		}
		for _, name := range slices.Sorted(maps.Keys(reads)) {
			want := toldOf(reads[name](parcels.With(monotable.NoWireCodec())))
			got := toldOf(reads[name](parcels))
			require.Equal(t, want, got, "%s, round %d", name, round)
		}
	}
}

// theSDKs is a middleware that remembers the last output, and answers with it when told to.
type theSDKs struct {
	last   any
	replay bool
}

func (m *theSDKs) add(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("cache", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		if m.replay {
			return middleware.InitializeOutput{Result: m.last}, middleware.Metadata{}, nil
		}
		out, metadata, err := next.HandleInitialize(ctx, in)
		m.last = out.Result
		return out, metadata, err
	}), middleware.Before)
}

// TestWire_CachedOutputs: a middleware that keeps outputs keeps them without their items, which must not be taken for a table without any.
func TestWire_CachedOutputs(t *testing.T) {
	ctx := t.Context()
	reads := map[string]func(e *monotable.Entity[wireParcel]) (int, error){
		"Get": func(e *monotable.Entity[wireParcel]) (int, error) {
			return 1, second(e.Get(ctx, wireParcel{Depot: "north", ID: 1}))
		},
		"Query": func(e *monotable.Entity[wireParcel]) (int, error) {
			found, err := e.Query(wireParcel{Depot: "north"}).Collect(ctx)
			return len(found), err
		},
		"Update": func(e *monotable.Entity[wireParcel]) (int, error) {
			return 1, second(e.Update(ctx, wireParcel{Depot: "north", ID: 1}, monotable.Field(func(p *wireParcel) *float64 { return &p.Weight }).Set(2)))
		},
		"BatchGet": func(e *monotable.Entity[wireParcel]) (int, error) {
			found, err := e.BatchGet(ctx, []wireParcel{{Depot: "north", ID: 1}})
			if err == nil && found[0].State != monotable.Found {
				return 0, nil
			}
			return len(found), err
		},
	}
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, wireTable())
			cache := &theSDKs{}
			client := dynamodb.New(s.client.Options(), func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, cache.add) })
			e := mustEntity(t, s.over(client), wireSchema())
			s.write(with(rawParcel(rand.New(rand.NewPCG(0, 0)), 1), rawItem{"id": avN("1")}))
			for _, opts := range [][]monotable.Option{nil, {monotable.NoWireCodec()}} {
				cache.replay = false
				n, err := read(e.With(opts...))
				require.NoError(t, err)
				require.Equal(t, 1, n)
				cache.replay = true
				n, err = read(e.With(opts...))
				if opts == nil {
					require.Error(t, err)
					require.NotErrorIs(t, err, monotable.ErrNotFound)
				} else {
					require.NoError(t, err)
					require.Equal(t, 1, n)
				}
			}
		})
	}
}

// TestWire_WhatOthersSee: the client's middleware sees outputs without items, and with them if the option says so or the client logs bodies.
func TestWire_WhatOthersSee(t *testing.T) {
	s := openStore(t, wireTable())
	s.write(with(rawParcel(rand.New(rand.NewPCG(0, 0)), 1), rawItem{"id": avN("1")}))
	for name, row := range map[string]struct {
		items int
		mode  aws.ClientLogMode
		opts  []monotable.Option
	}{
		"wire":        {},
		"NoWireCodec": {items: 1, opts: []monotable.Option{monotable.NoWireCodec()}},
		"bodies":      {items: 1, mode: aws.LogResponseWithBody},
	} {
		seen := &theSDKs{}
		client := dynamodb.New(s.client.Options(), func(o *dynamodb.Options) {
			o.APIOptions, o.ClientLogMode = append(o.APIOptions, seen.add), row.mode
		})
		e := mustEntity(t, s.over(client), wireSchema()).With(row.opts...)
		found, err := e.Query(wireParcel{Depot: "north"}).Collect(t.Context())
		require.NoError(t, err, name)
		require.Len(t, found, 1, name)
		out := seen.last.(*dynamodb.QueryOutput)
		require.Equal(t, int32(1), out.Count, name)
		require.Len(t, out.Items, row.items, name)
	}
}

type wireNote struct {
	Room  string         `dynamodbav:"room"`
	N     int            `dynamodbav:"n"`
	Text  string         `dynamodbav:"text,omitempty"`
	Tags  []string       `dynamodbav:"tags,stringset,omitempty"`
	Parts []wireStop     `dynamodbav:"parts"`
	More  map[string]any `dynamodbav:"more"`
	Code  shouted        `dynamodbav:"code"`
	At    time.Time      `dynamodbav:"at"`
	Topic string         `dynamodbav:"topic"`
}

// TestWire_PutsTheSame: what a batch stores does not depend on how its items are sent, nor does what it refuses.
func TestWire_PutsTheSame(t *testing.T) {
	t.Parallel()
	s := openStore(t, wireTable())
	note := func(change func(n *monotable.Schema[wireNote])) *monotable.Entity[wireNote] {
		schema := monotable.Schema[wireNote]{
			Name: `Note "x"`, Key: monotable.Key{Partition: "ROOM#{room}", Sort: "NOTE#{n:05}"},
			Indexes: map[string]monotable.Key{"byColour": {Partition: "TOPIC#{topic}", Sort: "{at}"}},
			Rules: []monotable.Rule[wireNote]{
				monotable.Field(func(n *wireNote) *string { return &n.Room }).Transform(strings.ToLower),
				monotable.CreatedAt(monotable.Field(func(n *wireNote) *time.Time { return &n.At })),
			},
		}
		change(&schema)
		return mustEntity(t, s.over(s.client), schema)
	}
	ctx := t.Context()
	r := rand.New(rand.NewPCG(3, 4))
	for name, notes := range map[string]*monotable.Entity[wireNote]{
		"tagged":   note(func(*monotable.Schema[wireNote]) {}),
		"untagged": note(func(s *monotable.Schema[wireNote]) { s.Tag = monotable.TagNone }),
		"validated": note(func(s *monotable.Schema[wireNote]) {
			s.Validate = func(n *wireNote) error {
				if n.Text == "no" {
					return errors.New("no")
				}
				return nil
			}
		}),
		"scoped": monotable.MustEntity(s.over(s.client).Scoped("ROOM#a"), monotable.Schema[wireNote]{
			Name: "Scoped", Key: monotable.Key{Partition: "ROOM#{room}", Sort: "NOTE#{n:05}"},
		}),
	} {
		for round := range 30 {
			all := make([]wireNote, 1+r.IntN(60))
			for i := range all {
				texts := []string{"", "plain", "\"quoted\"\n\u2028<ü😀>", "no", strings.Repeat("x", 3000)}
				all[i] = wireNote{
					Room: "a", N: i, Text: texts[r.IntN(len(texts))], Tags: [][]string{nil, {"one"}, {"one", "two"}}[r.IntN(3)],
					Parts: []wireStop{{Place: "p", Km: i}}[:r.IntN(2)], More: map[string]any{"k": []any{true, "x", 1.5}}, Code: "c",
					Topic: []string{"", "t"}[r.IntN(2)],
				}
			}
			odd := []func(n *wireNote){
				func(*wireNote) {},
				func(*wireNote) {},
				func(n *wireNote) { n.Room = "" },
				func(n *wireNote) { n.Room = "b#c" },
				func(n *wireNote) { n.Room = "elsewhere" },
				func(n *wireNote) { n.N = 1_000_000 },
				func(n *wireNote) { n.N = 0 },
				func(n *wireNote) { n.Text = strings.Repeat("y", 400*1024) },
				func(n *wireNote) { n.Text = "\xff" },
				func(n *wireNote) { n.Tags = []string{"same", "same"} },
				func(n *wireNote) { n.More = map[string]any{"c": make(chan int)} },
				func(n *wireNote) { n.Topic = strings.Repeat("t", 3000) },
			}
			odd[r.IntN(len(odd))](&all[r.IntN(len(all))])
			keep := unchanged(t, all)
			var dumps [2][]rawItem
			var errs [2]string
			for i, opts := range [][]monotable.Option{nil, {monotable.NoWireCodec()}} {
				for _, item := range s.dump() {
					require.NoError(t, s.remove(item))
				}
				if err := notes.With(opts...).BatchPut(ctx, all); err != nil {
					errs[i] = err.Error()
				}
				keep()
				dumps[i] = s.dump()
			}
			require.Equal(t, errs[1], errs[0], "%s, round %d", name, round)
			require.Equal(t, dumps[1], dumps[0], "%s, round %d", name, round)
			if errs[0] == "" {
				require.Len(t, dumps[0], len(all))
			}
		}
	}
}

// TestWire_OnePutTheSame: what a Put stores, returns and refuses does not depend on how its item is sent.
func TestWire_OnePutTheSame(t *testing.T) {
	t.Parallel()
	s := openStore(t, wireTable())
	type schema = monotable.Schema[wireNote]
	n := monotable.Field(func(n *wireNote) *int { return &n.N })
	words := monotable.Field(func(n *wireNote) *string { return &n.Text })
	for name, change := range map[string]func(*schema){
		"plain":     func(*schema) {},
		"untagged":  func(s *schema) { s.Tag = monotable.TagNone },
		"version":   func(s *schema) { s.Rules = append(s.Rules, monotable.Version(n)) },
		"upgrades":  func(s *schema) { s.Upgrades = []monotable.Upgrade{func(rawItem) error { return nil }} },
		"immutable": func(s *schema) { s.Rules = append(s.Rules, words.Immutable()) },
		"hidden":    func(s *schema) { s.Rules = append(s.Rules, words.Hidden()) },
		"required":  func(s *schema) { s.Rules = append(s.Rules, words.Required()) },
	} {
		of := schema{
			Name: `Note "x"`, Key: monotable.Key{Partition: "ROOM#{room}", Sort: "NOTE"},
			Indexes: map[string]monotable.Key{"byColour": {Partition: "TOPIC#{topic}", Sort: "{at}"}},
			Rules: []monotable.Rule[wireNote]{
				monotable.Field(func(n *wireNote) *string { return &n.Room }).Transform(strings.ToLower),
				monotable.CreatedAt(monotable.Field(func(n *wireNote) *time.Time { return &n.At })),
			},
		}
		change(&of)
		notes := mustEntity(t, s.over(s.client), of)
		key := keyPS("ROOM#a", "NOTE")
		r := rand.New(rand.NewPCG(5, 6))
		for round := range 150 {
			note := wireNote{
				Room: []string{"a", "A", "a", "", "b#c"}[r.IntN(5)], N: r.IntN(3), Text: []string{"", "plain", "\"quoted\"\n\u2028<ü😀>", "\xff", strings.Repeat("x", 3000)}[r.IntN(5)],
				Tags: [][]string{nil, {"one"}, {"one", "two"}, {"same", "same"}}[r.IntN(4)], Parts: []wireStop{{Place: "p", Km: 1}}[:r.IntN(2)],
				More: []map[string]any{nil, {"k": []any{true, "x", 1.5}}, {"c": make(chan int)}}[min(r.IntN(6), 2)%3], Code: "c", Topic: []string{"", "t"}[r.IntN(2)],
			}
			if r.IntN(20) == 0 {
				note.Text = strings.Repeat("y", 400*1024)
			}
			before := []rawItem{
				nil,
				with(key, rawItem{"_et": avS("Letter")}),
				with(key, rawItem{"_et": avS(`Note "x"`), "n": avN("1"), "text": avS("plain"), "_sv": avN("1")}),
			}[r.IntN(3)]
			conds := [][]monotable.Cond[wireNote]{nil, {words.NotExists()}, {n.Eq(1)}}[r.IntN(3)]
			create := r.IntN(3) == 0
			var outcomes [2]told
			var dumps [2][]rawItem
			for i, opts := range [][]monotable.Option{nil, {monotable.NoWireCodec()}} {
				for _, item := range s.dump() {
					require.NoError(t, s.remove(item))
				}
				if before != nil {
					s.write(before)
				}
				put := notes.With(opts...).Put
				if create {
					put = notes.With(opts...).Create
				}
				outcomes[i] = toldOf(put(t.Context(), note, conds...))
				dumps[i] = s.dump()
				for _, item := range dumps[i] {
					if item["_w"] != nil { // it is random
						item["_w"] = avS("somebody")
					}
				}
			}
			require.Equal(t, outcomes[1], outcomes[0], "%s, round %d", name, round)
			require.Equal(t, dumps[1], dumps[0], "%s, round %d", name, round)
		}
	}
}

// TestWire_OneWriteTheSame: what an Update or Delete does, returns and refuses does not depend on how its request is made.
func TestWire_OneWriteTheSame(t *testing.T) {
	t.Parallel()
	s := openStore(t, wireTable())
	n := monotable.Field(func(n *wireNote) *int { return &n.N })
	words := monotable.Field(func(n *wireNote) *string { return &n.Text })
	code := monotable.Field(func(n *wireNote) *shouted { return &n.Code })
	parts := monotable.Field(func(n *wireNote) *[]wireStop { return &n.Parts })
	more := monotable.Field(func(n *wireNote) *map[string]any { return &n.More })
	notes := mustEntity(t, s.over(s.client), monotable.Schema[wireNote]{
		Name: `Note "x"`, Key: monotable.Key{Partition: "ROOM#{room}", Sort: "NOTE"}, Rules: []monotable.Rule[wireNote]{words.Immutable()},
	})
	odd := "\"quoted\"\n\u2028<ü😀>"
	conds := []monotable.Cond[wireNote]{
		n.Eq(1),
		n.In(1, 2, 3),
		words.Eq(odd),
		code.Ne("c"),
		monotable.Any(monotable.Not(words.Exists()), n.Between(0, 1)),
		monotable.UncheckedCond[wireNote](expression.Name("topic").Equal(expression.Value(odd)).Or(expression.Name("n").GreaterThan(expression.Value(0)))),
	}
	changes := []monotable.Change[wireNote]{
		monotable.Add(n, 5),
		code.Set(shouted(odd)),
		parts.Set([]wireStop{{Place: odd, Km: 1}}),
		monotable.Append(parts, wireStop{Place: odd}),
		more.Set(map[string]any{"a\"b": []any{nil, true, 1.5, []byte{0, 255}, map[string]any{}}}),
		more.Remove(),
		parts.SetIfAbsent([]wireStop{}),
		monotable.UncheckedSet(n, expression.Name("n").Plus(expression.Value(7))),
	}
	r := rand.New(rand.NewPCG(7, 8))
	done := 0
	for round := range 400 {
		before := with(keyPS("ROOM#a", "NOTE"), rawItem{
			"_et": avS([]string{`Note "x"`, `Note "x"`, `Note "x"`, "Letter"}[r.IntN(4)]), "room": avS("a"), "n": avN(strconv.Itoa(r.IntN(3))), "text": avS(odd), "code": avS("x!"),
			"parts": []types.AttributeValue{avL(), nil}[r.IntN(2)], "topic": avS([]string{odd, ""}[r.IntN(2)]),
		})
		var only []monotable.Cond[wireNote]
		if r.IntN(2) == 0 {
			only = conds[r.IntN(len(conds)):][:1]
		}
		change := changes[r.IntN(len(changes)):][:1:1]
		for _, c := range only {
			change = append(change, c)
		}
		do := r.IntN(3)
		var outcomes [2]told
		var dumps [2][]rawItem
		for i, opts := range [][]monotable.Option{nil, {monotable.NoWireCodec()}} {
			for _, item := range s.dump() {
				require.NoError(t, s.remove(item))
			}
			s.write(before)
			e, key := notes.With(opts...), wireNote{Room: "a"}
			switch do {
			case 0:
				outcomes[i] = toldOf(e.Delete(t.Context(), key, only...))
			case 1: // which makes the item of an entity with Immutable attributes of attribute values
				outcomes[i] = toldOf(e.Put(t.Context(), wireNote{Room: "a", N: 4, Text: odd, More: map[string]any{"x": []byte{}}}, only...))
			default:
				outcomes[i] = toldOf(e.Update(t.Context(), key, change...))
			}
			dumps[i] = s.dump()
		}
		require.Equal(t, outcomes[1], outcomes[0], "round %d", round)
		require.Equal(t, dumps[1], dumps[0], "round %d", round)
		if outcomes[0].Err == "" {
			done++
		}
	}
	require.Greater(t, done, 100)
}

// middle is a client of the store's with a middleware of the caller's own.
func (s *store) middle(add func(*middleware.Stack) error) *dynamodb.Client {
	return dynamodb.New(s.client.Options(), func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, add) })
}

func wireNotes(t *testing.T, table *monotable.Table) *monotable.Entity[wireNote] {
	return mustEntity(t, table, monotable.Schema[wireNote]{Name: "Note", Key: monotable.Key{Partition: "ROOM#{room}", Sort: "NOTE#{n:05}"}})
}

// TestWire_InputsAreWhole: whoever looks at inputs finds keys and items in them, and may change them.
func TestWire_InputsAreWhole(t *testing.T) {
	s := openStore(t, wireTable())
	change := func(in any) {
		switch in := in.(type) {
		case *dynamodb.BatchWriteItemInput:
			for _, w := range in.RequestItems[s.cfg.Name] {
				w.PutRequest.Item["text"] = avS(text(w.PutRequest.Item["text"]) + "!")
			}
		case *dynamodb.PutItemInput:
			in.Item["text"] = avS(text(in.Item["text"]) + "?")
		case *dynamodb.BatchGetItemInput:
			for _, key := range in.RequestItems[s.cfg.Name].Keys {
				key["PK"] = avS(strings.Replace(text(key["PK"]), "b", "a", 1))
			}
		}
	}
	add := func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("change", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			change(in.Parameters)
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	}
	for name, notes := range map[string]*monotable.Entity[wireNote]{
		"of the client": wireNotes(t, s.over(s.middle(add))),
		"of the call": wireNotes(t, s.over(s.client)).With(monotable.ClientOptions(func(o *dynamodb.Options) {
			o.APIOptions = append(o.APIOptions, add)
		})),
		"an interceptor": wireNotes(t, s.over(dynamodb.New(s.client.Options(), func(o *dynamodb.Options) {
			o.Interceptors.AddBeforeExecution(changing(change))
		}))),
	} {
		require.NoError(t, notes.BatchPut(t.Context(), []wireNote{{Room: "a", N: 1, Text: "x"}}), name)
		require.Equal(t, avS("x!"), s.stored(keyPS("ROOM#a", "NOTE#00001"))["text"], name)
		found, err := wireNotes(t, s.Table).BatchGet(t.Context(), []wireNote{{Room: "a", N: 1}})
		require.NoError(t, err)
		require.Equal(t, "x!", found[0].Item.Text, name)
		found, err = notes.BatchGet(t.Context(), []wireNote{{Room: "a", N: 1}})
		require.NoError(t, err, name)
		require.Equal(t, monotable.Found, found[0].State, name)
		_, err = notes.Put(t.Context(), wireNote{Room: "a", N: 2, Text: "x"})
		require.NoError(t, err, name)
		require.Equal(t, avS("x?"), s.stored(keyPS("ROOM#a", "NOTE#00002"))["text"], name)
	}
}

type changing func(in any)

func (c changing) BeforeExecution(_ context.Context, in *smithyhttp.InterceptorContext) error {
	c(in.Input)
	return nil
}

// TestWire_RefusedOnItsWay: what the client's own middleware refuses has not been sent, and is not sent again.
func TestWire_RefusedOnItsWay(t *testing.T) {
	s := openStore(t, wireTable())
	refusal := errors.New("not on Sundays")
	calls := 0
	notes := wireNotes(t, s.over(s.middle(func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("refuse", func(context.Context, middleware.InitializeInput, middleware.InitializeHandler) (out middleware.InitializeOutput, metadata middleware.Metadata, _ error) {
			calls++
			return out, metadata, refusal
		}), middleware.Before)
	})))
	err := notes.BatchPut(t.Context(), []wireNote{{Room: "a", N: 1}})
	require.ErrorIs(t, err, refusal)
	require.NotErrorIs(t, err, monotable.ErrUnprocessed)
	require.NotErrorIs(t, err, monotable.ErrOutcomeUnknown)
	_, err = notes.BatchGet(t.Context(), []wireNote{{Room: "a", N: 1}})
	require.ErrorIs(t, err, refusal)
	require.NotErrorIs(t, err, monotable.ErrUnprocessed)
	require.Equal(t, 2, calls)
}

type flaky struct{}

func (flaky) Error() string        { return "flaky" }
func (flaky) RetryableError() bool { return true }

// TestWire_AttemptsBeginAnew: what one attempt has read is not the answer of the next.
func TestWire_AttemptsBeginAnew(t *testing.T) {
	t.Parallel()
	s := openStore(t, wireTable())
	require.NoError(t, wireNotes(t, s.Table).BatchPut(t.Context(), []wireNote{{Room: "a", N: 1}, {Room: "a", N: 2}}))
	for _, opts := range [][]monotable.Option{nil, {monotable.NoWireCodec()}} {
		attempts := 0
		notes := wireNotes(t, s.over(s.middle(func(stack *middleware.Stack) error {
			return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("flaky", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (out middleware.FinalizeOutput, metadata middleware.Metadata, err error) {
				if attempts++; attempts == 1 {
					if out, metadata, err = next.HandleFinalize(ctx, in); err == nil {
						err = flaky{}
					}
					return out, metadata, err
				}
				out.Result = &dynamodb.QueryOutput{}
				return out, metadata, nil
			}), "Retry", middleware.After)
		})))
		found, err := notes.With(opts...).Query(wireNote{Room: "a"}).Collect(t.Context())
		require.NoError(t, err)
		require.Empty(t, found)
		require.Equal(t, 2, attempts)
	}
}

// TestWire_OddReplies: replies that DynamoDB never gives are the same to both roads.
func TestWire_OddReplies(t *testing.T) {
	t.Parallel()
	item := `{"_et":{"S":"Note"},"PK":{"S":"ROOM#a"},"SK":{"S":"NOTE#00001"},"room":{"S":"a"},"n":{"N":"1"}}`
	for _, body := range []string{
		`{}`, `{"Item":null}`, `{"Item":{}}`, `{"Item":` + item + `}`, ` { "Item" : ` + item + ` } `, `{"Item":` + item + `,"Item":null}`, `{"Item":[]}`,
	} {
		for _, zipped := range []bool{false, true} {
			var got [2]told
			for i, opts := range [][]monotable.Option{nil, {monotable.NoWireCodec()}} {
				client := dynamodb.New(dynamodb.Options{
					Region: "local", BaseEndpoint: aws.String("http://localhost"), EnableAcceptEncodingGzip: zipped, Retryer: aws.NopRetryer{},
					Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), HTTPClient: canned{body, zipped},
				})
				table, err := monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
				require.NoError(t, err)
				got[i] = toldOf(wireNotes(t, table).With(opts...).Get(t.Context(), wireNote{Room: "a", N: 1}))
			}
			require.Equal(t, got[1], got[0], "%s, zipped %t", body, zipped)
			if body == `{"Item":`+item+`}` {
				require.Empty(t, got[0].Err)
			}
		}
	}
}

// scripted answers each operation with a text of its own.
type scripted map[string]string

func (s scripted) Do(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return canned{body: s[operation]}.Do(r)
}

// TestWire_BrokenValues: what stands behind a value that cannot be read is not taken for absent when the item goes to a function of the caller's.
func TestWire_BrokenValues(t *testing.T) {
	t.Parallel()
	whole := `"_et":{"S":"Note"},"PK":{"S":"ROOM#a"},"SK":{"S":"NOTE#00001"},"room":{"S":"a"},"n":{"N":"1"}`
	broken := `{` + whole + `,"_sv":{"N":"1"},"odd":{"S":5},"text":{"S":"precious"}}`
	for name, client := range map[string]scripted{
		"read":         {"GetItem": `{"Item":` + broken + `}`},
		"written back": {"GetItem": `{"Item":{` + whole + `,"text":{"S":"precious"}}}`, "UpdateItem": `{"Attributes":` + broken + `}`},
	} {
		table, err := monotable.NewTable(dynamodb.New(dynamodb.Options{
			Region: "local", BaseEndpoint: aws.String("http://localhost"), Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), HTTPClient: client,
		}), monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
		require.NoError(t, err)
		notes := mustEntity(t, table, monotable.Schema[wireNote]{
			Name: "Note", Key: monotable.Key{Partition: "ROOM#{room}", Sort: "NOTE#{n:05}"},
			Upgrades: []monotable.Upgrade{func(map[string]types.AttributeValue) error { return nil }},
		})
		_, err = notes.Modify(t.Context(), wireNote{Room: "a", N: 1}, func(n *wireNote) error {
			t.Errorf("%s: called with %v", name, n)
			return nil
		})
		failed, ok := errors.AsType[*monotable.DecodeError](err)
		require.True(t, ok, "%s: %v", name, err)
		require.Equal(t, name == "written back", failed.Written)
		require.NotContains(t, slices.Collect(maps.Values(failed.Item)), nil)
	}
}

// canned answers every request alike, without a checksum.
type canned struct {
	body   string
	zipped bool
}

func (c canned) Do(*http.Request) (*http.Response, error) {
	var body bytes.Buffer
	header := http.Header{}
	if c.zipped {
		header.Set("Content-Encoding", "gzip")
		w := gzip.NewWriter(&body)
		_, _ = io.WriteString(w, c.body)
		_ = w.Close()
	} else {
		body.WriteString(c.body)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(&body), ContentLength: int64(body.Len())}, nil
}

// TestWire_NothingBehindTheResult: what was read and is not the caller's does not lie behind a result either.
func TestWire_NothingBehindTheResult(t *testing.T) {
	s := openStore(t, wireTable())
	schema := monotable.Schema[wireNote]{Name: "Note", Key: monotable.Key{Partition: "ROOM#{room}", Sort: "NOTE#{n:05}"}, Tag: monotable.TagOptional}
	notes := mustEntity(t, s.Table, schema)
	for i := range 6 {
		key := keyPS("ROOM#a", fmt.Sprintf("NOTE#%05d", i))
		if i%2 == 1 {
			key = keyPS("ROOM#a", fmt.Sprintf("NOTE#x%d", i)) // none that the template makes
		}
		s.write(with(key, rawItem{"room": avS("a"), "n": avN(strconv.Itoa(i)), "text": avS("t")}))
	}
	found, err := notes.Query(wireNote{Room: "a"}).Collect(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 3)
	for _, n := range found[:cap(found)][len(found):] {
		require.Equal(t, wireNote{}, n)
	}
}

// TestWire_KeysAreTransformedOnce: a key that is refused by one road is refused by the other, whatever its transform makes of it the second time.
func TestWire_KeysAreTransformedOnce(t *testing.T) {
	s := openStore(t, wireTable())
	step := map[string]string{"x": "a", "a": "b"}
	notes := mustEntity(t, s.Table.Scoped("ROOM#b"), monotable.Schema[wireNote]{
		Name: "Note", Key: monotable.Key{Partition: "ROOM#{room}", Sort: "NOTE#{n:05}"},
		Rules: []monotable.Rule[wireNote]{
			monotable.Field(func(n *wireNote) *string { return &n.Room }).Transform(func(room string) string { return step[room] }),
		},
	})
	for _, opts := range [][]monotable.Option{nil, {monotable.NoWireCodec()}} {
		found, err := notes.With(opts...).BatchGet(t.Context(), []wireNote{{Room: "a", N: 1}})
		require.NoError(t, err)
		require.Equal(t, monotable.Missing, found[0].State)
		_, err = notes.With(opts...).BatchGet(t.Context(), []wireNote{{Room: "x", N: 1}})
		requireError(t, err, monotable.ErrInvalid)
		requireError(t, notes.With(opts...).BatchPut(t.Context(), []wireNote{{Room: "x", N: 1}}), monotable.ErrInvalid)
		require.Empty(t, s.dump())
	}
}

// around is a protocol around the SDK's own.
type around struct {
	smithyhttp.ClientProtocol
	t *testing.T
}

func (p around) SerializeRequest(ctx context.Context, op *smithy.OperationSchema, in smithy.Serializable, r *smithyhttp.Request) error {
	if put, ok := in.(*dynamodb.PutItemInput); ok {
		put.Item["text"] = avS(text(put.Item["text"]) + "?")
	}
	return p.ClientProtocol.SerializeRequest(ctx, op, in, r)
}

func (p around) DeserializeResponse(ctx context.Context, op *smithy.OperationSchema, errs *smithy.TypeRegistry, r *smithyhttp.Response, out smithy.Deserializable) error {
	err := p.ClientProtocol.DeserializeResponse(ctx, op, errs, r, out)
	if get, ok := out.(*dynamodb.GetItemOutput); ok {
		require.Equal(p.t, avS("x?"), get.Item["text"])
	}
	return err
}

// TestWire_ProtocolOfOthers: one around the SDK's own sees inputs and outputs as they are, and what it changes is of its own client only.
func TestWire_ProtocolOfOthers(t *testing.T) {
	s := openStore(t, wireTable())
	notes := wireNotes(t, s.over(dynamodb.New(s.client.Options(), func(o *dynamodb.Options) { o.Protocol = around{o.Protocol, t} })))
	_, err := notes.Put(t.Context(), wireNote{Room: "a", N: 1, Text: "x"})
	require.NoError(t, err)
	got, err := notes.Get(t.Context(), wireNote{Room: "a", N: 1})
	require.NoError(t, err)
	require.Equal(t, "x?", got.Text)
	got, err = wireNotes(t, s.Table).With(monotable.ClientOptions(func(o *dynamodb.Options) { o.Protocol = around{o.Protocol, t} })).Get(t.Context(), wireNote{Room: "a", N: 1})
	require.NoError(t, err)
	require.Equal(t, "x?", got.Text)
	got, err = wireNotes(t, s.Table).Put(t.Context(), wireNote{Room: "b", N: 1, Text: "x"})
	require.NoError(t, err)
	require.Equal(t, "x", got.Text)
}

// kept is an HTTP client that keeps the bodies of requests.
type kept struct {
	dynamodb.HTTPClient
	bodies []io.Reader
}

func (c *kept) Do(r *http.Request) (*http.Response, error) {
	c.bodies = append(c.bodies, r.Body)
	return c.HTTPClient.Do(r)
}

// TestWire_BodiesAreClosed: the room of a request's body serves other calls when the call is over, so nobody may read it any more. It is the SDK that closes it.
func TestWire_BodiesAreClosed(t *testing.T) {
	s := openStore(t, wireTable())
	keeps := &kept{HTTPClient: s.client.Options().HTTPClient}
	notes := wireNotes(t, s.over(dynamodb.New(s.client.Options(), func(o *dynamodb.Options) { o.HTTPClient = keeps })))
	require.NoError(t, second(notes.Put(t.Context(), wireNote{Room: "a", N: 1, Text: strings.Repeat("x", 5000)})))
	require.NoError(t, notes.BatchPut(t.Context(), []wireNote{{Room: "a", N: 1}}))
	require.NoError(t, second(notes.BatchGet(t.Context(), []wireNote{{Room: "a", N: 1}})))
	require.Len(t, keeps.bodies, 3)
	for _, body := range keeps.bodies {
		n, err := body.Read(make([]byte, 10))
		require.Zero(t, n)
		require.ErrorIs(t, err, io.EOF)
		if w, ok := body.(io.WriterTo); ok {
			written, err := w.WriteTo(io.Discard)
			require.Zero(t, written)
			require.ErrorIs(t, err, io.EOF)
		}
	}
}

// wrapping is an HTTP client that logs bodies by a wrapper which does not pass Close on, and keeps that of a connection that was given up.
type wrapping struct {
	dynamodb.HTTPClient
	fails bool
	late  io.Reader
}

func (c *wrapping) Do(r *http.Request) (*http.Response, error) {
	r.Body = io.NopCloser(io.TeeReader(r.Body, io.Discard))
	if c.fails {
		c.late = r.Body
		return nil, errors.New("timeout")
	}
	return c.HTTPClient.Do(r)
}

// TestWire_BodiesOfFailedAttempts: nothing but its own item is in a body that is read after its call.
func TestWire_BodiesOfFailedAttempts(t *testing.T) {
	s := openStore(t, wireTable())
	wraps := &wrapping{HTTPClient: s.client.Options().HTTPClient}
	notes := wireNotes(t, s.over(dynamodb.New(s.client.Options(), func(o *dynamodb.Options) { o.HTTPClient, o.Retryer = wraps, aws.NopRetryer{} })))
	for n := range 20 {
		wraps.fails = true
		require.Error(t, second(notes.Put(t.Context(), wireNote{Room: "ann", N: n})))
		wraps.fails = false
		require.NoError(t, second(notes.Put(t.Context(), wireNote{Room: "bob", N: n})))
		body, err := io.ReadAll(wraps.late)
		require.NoError(t, err)
		require.Contains(t, string(body), "ROOM#ann")
		require.NotContains(t, string(body), "bob")
	}
}
