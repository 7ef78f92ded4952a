package monotable_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// Whatever is done to an item, in whatever order, its index keys are those that its stored attributes make: the invariant
// of index keys. Random writes of every verb over three entities of one table are held against an oracle that knows the templates as
// lines of Go and nothing of the library.

// player is in indexes made by templates and in two of several attributes over the same ones.
type player struct {
	Org     string    `dynamodbav:"org"`
	Num     int       `dynamodbav:"num"`
	Team    string    `dynamodbav:"team"`
	Zone    string    `dynamodbav:"zone"`
	Level   int       `dynamodbav:"level"`
	Name    string    `dynamodbav:"name"`
	Label   string    `dynamodbav:"label"`
	Expires time.Time `dynamodbav:"expires"`
	Remark  string    `dynamodbav:"remark"`
}

// errand is in a sparse index, has a version, and its state may be nil.
type errand struct {
	Org     string  `dynamodbav:"org"`
	ID      string  `dynamodbav:"id"`
	Queue   string  `dynamodbav:"queue"`
	State   *string `dynamodbav:"state"`
	Prio    int     `dynamodbav:"prio"`
	Weight  float64 `dynamodbav:"weight"`
	Remark  string  `dynamodbav:"remark"`
	Version int64   `dynamodbav:"version"`
}

// memo has a part that is escaped, one that is a time, and attributes of player's index.
type memo struct {
	ID     string    `dynamodbav:"id"`
	Title  string    `dynamodbav:"title"`
	At     time.Time `dynamodbav:"at"`
	Team   string    `dynamodbav:"team"`
	Level  int       `dynamodbav:"level"`
	Name   string    `dynamodbav:"name"`
	Remark *string   `dynamodbav:"remark"`
}

// indexedTable has an index of every kind.
func indexedTable(clock *manualClock) monotable.TableConfig {
	return monotable.TableConfig{PartitionKey: "PK", SortKey: "SK", Clock: clock.now, Indexes: []monotable.Index{
		{Name: "overloaded", PartitionKey: "P1", SortKey: "S1"},
		{Name: "inverted", PartitionKey: "SK", SortKey: "PK"},
		{Name: "open", PartitionKey: "P2", SortKey: "S2"},
		{Name: "byLabel", PartitionKey: "P3"},
		{Name: "byExpiry", PartitionKey: "P4", SortKey: "expires", SortKeyType: "N"},
		{Name: "local", Local: true, SortKey: "L1"},
		{Name: "tagged", PartitionKeys: []monotable.KeyAttribute{{Name: "_et"}, {Name: "team"}}, SortKeys: []monotable.KeyAttribute{{Name: "level", Type: "N"}, {Name: "name"}}},
		{Name: "beside", PartitionKeys: []monotable.KeyAttribute{{Name: "team"}, {Name: "zone"}}, SortKeys: []monotable.KeyAttribute{{Name: "level", Type: "N"}, {Name: "name"}}},
	}}
}

// indexKeysOf are the keys of the indexes, by their names.
var indexKeysOf = map[string][]string{
	"overloaded": {"P1", "S1"}, "inverted": {"SK", "PK"}, "open": {"P2", "S2"}, "byLabel": {"P3"}, "byExpiry": {"P4", "expires"},
	"local": {"PK", "L1"}, "tagged": {"_et", "team", "level", "name"}, "beside": {"team", "zone", "level", "name"},
}

// madeKeys are the attributes that templates write.
var madeKeys = []string{"P1", "S1", "P2", "S2", "P3", "P4", "L1"}

// oracleKeys makes the index keys of an item from its stored attributes alone.
func oracleKeys(item rawItem) rawItem {
	keys := rawItem{}
	put := func(holds bool, pairs ...string) { // name, value, …
		for i := 0; holds && i < len(pairs); i += 2 {
			keys[pairs[i]] = avS(pairs[i+1])
		}
	}
	a := func(name string) string { return text(item[name]) }
	n := func(name string) float64 { f, _ := strconv.ParseFloat(asN(item[name]), 64); return f }
	has := func(names ...string) bool { // stored, and not empty
		return !slices.ContainsFunc(names, func(name string) bool { return item[name] == nil || asN(item[name]) == "" && a(name) == "" })
	}
	switch a("_et") {
	case "Player":
		put(has("team", "zone", "name", "level"), "P1", "TEAM#"+a("team")+"#"+a("zone"), "S1", "L#"+paddedByHand(n("level"), 3, 0)+"#"+a("name"))
		put(has("label"), "P3", "LABEL#"+a("label"))
		put(has("zone", "expires"), "P4", "EXP#"+a("zone"))
		put(has("name", "zone"), "L1", "N#"+a("name")+"#"+a("zone"))
	case "Errand":
		put(has("queue", "state", "prio"), "P1", "QUEUE#"+a("queue"), "S1", paddedByHand(n("prio"), 2, 0)+"#"+a("state"))
		put(has("queue", "prio") && a("state") != "done", "P2", "OPEN#"+a("queue"), "S2", paddedByHand(n("prio"), 2, 0))
		put(has("weight"), "L1", "W#"+paddedByHand(n("weight"), 3, 2))
	case "Memo":
		put(has("title", "at"), "P1", "MEMO#"+strings.NewReplacer("$", "$24", "#", "$23", "!", "$21").Replace(a("title")), "S1", a("at"))
	}
	return keys
}

// paddedByHand writes a number with so many digits before and after the point; a negative one as what is left to the next power of ten.
func paddedByHand(n float64, digits, decimals int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", math.Pow10(digits)+n
	}
	width := digits
	if decimals > 0 {
		width += 1 + decimals
	}
	return fmt.Sprintf("%s%0*.*f", sign, width, decimals, n)
}

// column is an attribute of T that the test changes. Values are as the caller writes them; norm makes them what is stored.
type column[T any] struct {
	name   string
	part   bool // an index key or a derived attribute is made from it
	zero   any
	draw   func(*rapid.T) any
	norm   func(any) any
	raw    func(any) types.AttributeValue // nil: not stored
	assign func(*T, any)
	set    func(any) monotable.Change[T]
	given  func(any) monotable.Change[T]
	absent func(any) monotable.Change[T]
	remove monotable.Change[T]
}

func columnOf[T, V any](part bool, selector func(*T) *V, raw func(V) types.AttributeValue, norm func(V) V, values ...V) column[T] {
	attr := monotable.Field(selector)
	var zero V
	return column[T]{
		name: attr.String(), part: part, zero: zero,
		draw: func(rt *rapid.T) any {
			v := rapid.SampledFrom(values).Draw(rt, attr.String())
			if !fits(raw(v)) && rapid.IntRange(0, 9).Draw(rt, "bad") > 0 { // most writes shall pass
				v = values[1]
			}
			return v
		},
		norm: func(v any) any {
			if norm == nil {
				return v
			}
			return norm(v.(V))
		},
		raw:    func(v any) types.AttributeValue { return raw(v.(V)) },
		assign: func(item *T, v any) { *selector(item) = v.(V) },
		set:    func(v any) monotable.Change[T] { return attr.Set(v.(V)) },
		given:  func(v any) monotable.Change[T] { return attr.Given(v.(V)) },
		absent: func(v any) monotable.Change[T] { return attr.SetIfAbsent(v.(V)) },
		remove: attr.Remove(),
	}
}

// How values are stored. A text that is an index key itself is left out when it is empty.
func rawText(s string) types.AttributeValue { return avS(s) }

func rawKeyText(s string) types.AttributeValue {
	if s == "" {
		return nil
	}
	return avS(s)
}

func rawInt(n int) types.AttributeValue { return avN(strconv.Itoa(n)) }

func rawTextPointer(s *string) types.AttributeValue {
	if s == nil {
		return nil
	}
	return avS(*s)
}

// record is what should be stored of an item's columns; what is not in it is not stored.
type record map[string]any

// cast is an entity, and what should be stored of it.
type cast[T any] struct {
	entity  *monotable.Entity[T]
	keys    []T
	key     func(T) rawItem // with the attributes it is made of and the tag
	columns []column[T]
	derive  func(rawItem) // adds what is derived, from what is stored
	version func(*T) *int64
	items   map[string]record // by place
	keyAt   map[string]T
}

// placed names the place of a stored item.
func placed(item rawItem) string { return text(item["PK"]) + " " + text(item["SK"]) }

// plain is an item as it should be stored, but for index keys and version.
func (c *cast[T]) plain(key T, r record) rawItem {
	out := c.key(key)
	for _, col := range c.columns {
		if v, ok := r[col.name]; ok {
			out[col.name] = col.raw(v)
		}
	}
	if c.derive != nil {
		c.derive(out)
	}
	return out
}

// put notes the value of a column.
func (r record) put(name string, v any, raw types.AttributeValue) {
	if delete(r, name); raw != nil {
		r[name] = v
	}
}

// expectations adds what should be stored.
func (c *cast[T]) expectations(all map[string]rawItem) {
	for at, r := range c.items {
		all[at] = c.plain(c.keyAt[at], r)
	}
}

// live says that the item has not expired.
func live(r record) bool {
	at, ok := r["expires"].(time.Time)
	return !ok || at.After(noon)
}

// attempt makes one random write. What it should have come to is in items afterwards.
func (c *cast[T]) attempt(rt *rapid.T, s *store) error {
	ctx := s.t.Context()
	key := rapid.SampledFrom(c.keys).Draw(rt, "key")
	at := placed(c.key(key))
	now, stored := c.items[at]
	there := stored && live(now)
	keep := func(r record, err error) error {
		if err == nil {
			c.items[at], c.keyAt[at] = r, key
		}
		return err
	}
	switch verb := rapid.SampledFrom([]string{"Create", "Put", "Update", "Update", "Update", "Upsert", "Modify", "Delete"}).Draw(rt, "verb"); verb {
	case "Create", "Put":
		item, r := key, record{}
		for _, col := range c.columns {
			v := col.draw(rt)
			col.assign(&item, v)
			r.put(col.name, col.norm(v), col.raw(col.norm(v)))
		}
		if verb == "Create" {
			_, err := c.entity.Create(ctx, item)
			require.False(rt, there && err == nil)
			return keep(r, err)
		}
		if c.version != nil && there {
			read, err := c.entity.Get(ctx, key)
			require.NoError(rt, err)
			*c.version(&item) = max(0, *c.version(&read)-rapid.Int64Range(0, 1).Draw(rt, "stale"))
		}
		_, err := c.entity.Put(ctx, item)
		return keep(r, err)
	case "Modify":
		r, values := maps.Clone(now), map[string]any{}
		for _, col := range c.columns {
			if !rapid.Bool().Draw(rt, "modify "+col.name) {
				continue
			}
			v := col.draw(rt)
			values[col.name] = v
			if old, ok := now[col.name]; there && (ok || !reflect.DeepEqual(col.norm(v), col.zero)) && !reflect.DeepEqual(old, v) {
				r.put(col.name, col.norm(v), col.raw(col.norm(v))) // a zero stays absent where nothing is stored
			}
		}
		_, err := c.entity.Modify(ctx, key, func(item *T) error {
			for _, col := range c.columns {
				if v, ok := values[col.name]; ok {
					col.assign(item, v)
				}
			}
			return nil
		})
		require.False(rt, !there && err == nil)
		return keep(r, err)
	case "Delete":
		_, err := c.entity.Delete(ctx, key)
		delete(c.items, at)
		return err
	default:
		changes, r, sure := c.changes(rt, now, there, verb == "Upsert")
		write := c.entity.Update
		if verb == "Upsert" {
			write = c.entity.Upsert
		}
		_, err := write(ctx, key, changes...)
		require.False(rt, verb == "Update" && !there && err == nil)
		if sure && there {
			require.NoError(rt, err, "all parts are known, and every value fits")
		}
		return keep(r, err)
	}
}

// changes draws an update, and what it should store. sure says that nothing stands against it.
func (c *cast[T]) changes(rt *rapid.T, now record, there, upsert bool) (changes []monotable.Change[T], r record, sure bool) {
	r = record{}
	for _, col := range c.columns { // what is new has all its columns
		r.put(col.name, col.zero, col.raw(col.zero))
	}
	if there {
		r = maps.Clone(now)
	}
	told := rapid.Bool().Draw(rt, "all parts told")
	changed := false
	sure = told
	for _, col := range c.columns {
		kinds := []string{"set", "remove", "given"}
		if !told || !col.part {
			kinds = append(kinds, "leave", "leave", "leave", "absent")
		}
		if told && col.part && upsert {
			kinds = append(kinds, "absent")
		}
		kind := rapid.SampledFrom(kinds).Draw(rt, "do to "+col.name)
		old, stored := now[col.name]
		if kind == "given" {
			if there && stored && text(col.raw(old)) == "" && asN(col.raw(old)) == "" || !there || !stored {
				kind = "set"
			} else {
				if wrong := col.draw(rt); rapid.IntRange(0, 9).Draw(rt, "given wrong") == 0 {
					changes, sure = append(changes, col.given(wrong)), false
				} else {
					changes = append(changes, col.given(old))
				}
				if rapid.Bool().Draw(rt, "and set") {
					kind = "set"
				}
			}
		}
		v := col.draw(rt)
		norm := col.norm(v)
		switch kind {
		case "set":
			changes, changed = append(changes, col.set(v)), true
			r.put(col.name, norm, col.raw(norm))
			sure = sure && fits(col.raw(norm))
		case "remove":
			changes, changed = append(changes, col.remove), true
			if there {
				delete(r, col.name)
			}
		case "absent":
			changes, sure = append(changes, col.absent(v)), false
			if !there || !stored && !col.part {
				r.put(col.name, norm, col.raw(norm))
			}
		}
	}
	return changes, r, sure && changed
}

// Values that cannot be in a key.
const (
	badText = "a#b"
	badInt  = 1000
)

func fits(av types.AttributeValue) bool {
	return !strings.EqualFold(text(av), badText) && asN(av) != strconv.Itoa(badInt)
}

// requireIndexes reads what is stored, and what each index holds, with the plain client.
func (s *store) requireIndexes(rt *rapid.T, want map[string]rawItem) {
	s.t.Helper()
	got := map[string]rawItem{}
	for _, item := range s.dump() {
		delete(item, "_w")
		delete(item, "version")
		bare := with(item, nil)
		for _, name := range madeKeys {
			delete(bare, name)
		}
		require.Equal(rt, with(bare, oracleKeys(bare)), item, "its index keys are not those of its attributes")
		got[placed(item)] = bare
	}
	require.Equal(rt, want, got, "what is stored")
	for index, names := range indexKeysOf {
		var holds, found []string
		for at, item := range want {
			item = with(item, oracleKeys(item))
			if !slices.ContainsFunc(names, func(name string) bool { return item[name] == nil }) {
				holds = append(holds, at)
			}
		}
		out, err := s.client.Scan(s.t.Context(), &dynamodb.ScanInput{TableName: &s.cfg.Name, IndexName: &index})
		require.NoError(rt, err)
		for _, item := range out.Items {
			found = append(found, placed(item))
		}
		require.ElementsMatch(rt, holds, found, "index %s", index)
	}
}

// requireScans reads each index through the entity: what of it has not expired.
func (c *cast[T]) requireScans(rt *rapid.T, s *store) {
	for index, names := range indexKeysOf {
		want := 0
		for at, r := range c.items {
			item := c.plain(c.keyAt[at], r)
			item = with(item, oracleKeys(item))
			if live(r) && !slices.ContainsFunc(names, func(name string) bool { return item[name] == nil }) {
				want++
			}
		}
		n, err := c.entity.Scan().Index(index).Count(s.t.Context())
		if errors.Is(err, monotable.ErrInvalid) { // the entity is not in this index
			require.Zero(rt, want, index)
			continue
		}
		require.NoError(rt, err)
		require.Equal(rt, want, n, "the entity's items in index %s", index)
	}
}

func trimLower(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func playerSchema() monotable.Schema[player] {
	team := monotable.Field(func(p *player) *string { return &p.Team })
	level := monotable.Field(func(p *player) *int { return &p.Level })
	return monotable.Schema[player]{
		Name: "Player", Key: monotable.Key{Partition: "ORG#{org}", Sort: "PLAYER#{num:04}"},
		Indexes: map[string]monotable.Key{
			"overloaded": {Partition: "TEAM#{team}#{zone}", Sort: "L#{level:03}#{name}"},
			"byLabel":    {Partition: "LABEL#{label}"},
			"byExpiry":   {Partition: "EXP#{zone}"},
			"local":      {Sort: "N#{name}#{zone}"},
		},
		Rules: []monotable.Rule[player]{
			team.Transform(trimLower),
			monotable.Field(func(p *player) *string { return &p.Name }).Transform(strings.ToUpper),
			monotable.Field(func(p *player) *string { return &p.Label }).Derived(func(p *player) string {
				if p.Team == "" {
					return ""
				}
				return fmt.Sprintf("%s/%d", p.Team, p.Level/10)
			}, team, level),
			monotable.ExpiresAt(monotable.Field(func(p *player) *time.Time { return &p.Expires })),
		},
	}
}

func openPlayers(s *store) *cast[player] {
	seconds := func(at time.Time) types.AttributeValue {
		if at.IsZero() {
			return nil
		}
		return avN(strconv.FormatInt(at.Unix(), 10))
	}
	whole := noon.Truncate(time.Second)
	return &cast[player]{
		entity: mustEntity(s.t, s.Table, playerSchema()),
		keys:   []player{{Org: "o", Num: 1}, {Org: "o", Num: -2}, {Org: "p", Num: 1}},
		key: func(p player) rawItem {
			return rawItem{"PK": avS("ORG#" + p.Org), "SK": avS("PLAYER#" + paddedByHand(float64(p.Num), 4, 0)), "org": avS(p.Org), "num": rawInt(p.Num), "_et": avS("Player")}
		},
		columns: []column[player]{
			columnOf(true, func(p *player) *string { return &p.Team }, rawKeyText, trimLower, "", "red", "Red ", "BLUE", badText),
			columnOf(true, func(p *player) *string { return &p.Zone }, rawKeyText, nil, "", "n", "s", badText),
			columnOf(true, func(p *player) *int { return &p.Level }, rawInt, nil, 0, 7, -7, 12, 999, badInt),
			columnOf(true, func(p *player) *string { return &p.Name }, rawKeyText, strings.ToUpper, "", "ann", "Bob", "é", badText),
			columnOf(true, func(p *player) *time.Time { return &p.Expires }, seconds, nil, time.Time{}, time.Time{}, whole.Add(-time.Hour), whole.Add(time.Hour), whole.Add(2*time.Hour)),
			columnOf(false, func(p *player) *string { return &p.Remark }, rawText, nil, "", "x", "y"),
		},
		derive: func(item rawItem) {
			label := ""
			if item["team"] != nil {
				n, _ := strconv.Atoi(asN(item["level"]))
				label = fmt.Sprintf("%s/%d", text(item["team"]), n/10)
			}
			item["label"] = avS(label)
		},
		items: map[string]record{}, keyAt: map[string]player{},
	}
}

func errandSchema() monotable.Schema[errand] {
	state := monotable.Field(func(e *errand) **string { return &e.State })
	return monotable.Schema[errand]{
		Name: "Errand", Key: monotable.Key{Partition: "ORG#{org}", Sort: "ERRAND#{id}"},
		Indexes: map[string]monotable.Key{
			"overloaded": {Partition: "QUEUE#{queue}", Sort: "{prio:02}#{state}"},
			"open":       {Partition: "OPEN#{queue}", Sort: "{prio:02}"},
			"local":      {Sort: "W#{weight:03.2}"},
		},
		Rules: []monotable.Rule[errand]{
			monotable.IndexWhen("open", func(e *errand) bool { return e.State == nil || *e.State != "done" }, state),
			monotable.Version(monotable.Field(func(e *errand) *int64 { return &e.Version })),
		},
	}
}

func openErrands(s *store) *cast[errand] {
	return &cast[errand]{
		entity: mustEntity(s.t, s.Table, errandSchema()),
		keys:   []errand{{Org: "o", ID: "1"}, {Org: "o", ID: "2"}},
		key: func(e errand) rawItem {
			return rawItem{"PK": avS("ORG#" + e.Org), "SK": avS("ERRAND#" + e.ID), "org": avS(e.Org), "id": avS(e.ID), "_et": avS("Errand")}
		},
		columns: []column[errand]{
			columnOf(true, func(e *errand) *string { return &e.Queue }, rawText, nil, "", "q", "r", badText),
			columnOf(true, func(e *errand) **string { return &e.State }, rawTextPointer, nil, nil, new(""), new("new"), new("done"), new(badText)),
			columnOf(true, func(e *errand) *int { return &e.Prio }, rawInt, nil, 0, 5, -5, badInt),
			columnOf(true, func(e *errand) *float64 { return &e.Weight }, func(f float64) types.AttributeValue {
				return avN(strconv.FormatFloat(f, 'f', -1, 64))
			}, nil, 0, 1.5, -1.5, 12.25, badInt),
			columnOf(false, func(e *errand) *string { return &e.Remark }, rawText, nil, "", "x"),
		},
		version: func(e *errand) *int64 { return &e.Version },
		items:   map[string]record{}, keyAt: map[string]errand{},
	}
}

func memoSchema() monotable.Schema[memo] {
	return monotable.Schema[memo]{
		Name: "Memo", Key: monotable.Key{Partition: "MEMO#{id}", Sort: "MEMO"},
		Indexes: map[string]monotable.Key{"overloaded": {Partition: "MEMO#{title}", Sort: "{at}"}},
		Rules:   []monotable.Rule[memo]{monotable.Field(func(m *memo) *string { return &m.Title }).Escaped()},
	}
}

func openMemos(s *store) *cast[memo] {
	return &cast[memo]{
		entity: mustEntity(s.t, s.Table, memoSchema()),
		keys:   []memo{{ID: "1"}, {ID: "2"}},
		key: func(m memo) rawItem {
			return rawItem{"PK": avS("MEMO#" + m.ID), "SK": avS("MEMO"), "id": avS(m.ID), "_et": avS("Memo")}
		},
		columns: []column[memo]{
			columnOf(true, func(m *memo) *string { return &m.Title }, rawText, nil, "", "t", "a$b", "#!", "x#"),
			columnOf(true, func(m *memo) *time.Time { return &m.At }, func(at time.Time) types.AttributeValue { return avS(sortable(at)) }, nil, time.Time{}, noon, noon.Add(time.Hour)),
			columnOf(false, func(m *memo) *string { return &m.Team }, rawKeyText, nil, "", "red", "#"),
			columnOf(false, func(m *memo) *int { return &m.Level }, rawInt, nil, 0, 7, 123456),
			columnOf(false, func(m *memo) *string { return &m.Name }, rawKeyText, nil, "", "ann"),
			columnOf(false, func(m *memo) **string { return &m.Remark }, rawTextPointer, nil, nil, new(""), new("x")),
		},
		items: map[string]record{}, keyAt: map[string]memo{},
	}
}

// TestF106_IndexKeysAreThoseOfTheItem also is F099, F104, F105 and F107: random histories.
func TestF106_IndexKeysAreThoseOfTheItem(t *testing.T) {
	t.Parallel()
	rounds, most := envInt(t, "MONOTABLE_KEY_ROUNDS", 5), 12 // of a hundred histories each; CI makes 20
	if testing.Short() || monotabletest.Endpoint(t) != "" {
		rounds = 1
	}
	if monotabletest.Endpoint(t) != "" {
		most = 6
	}
	s := openStore(t, indexedTable(newClock()))
	players, errands, memos := openPlayers(s), openErrands(s), openMemos(s)
	done, refused := 0, 0
	for range rounds {
		rapid.Check(t, func(rt *rapid.T) {
			for _, item := range s.dump() {
				require.NoError(rt, s.remove(item))
			}
			clear(players.items)
			clear(errands.items)
			clear(memos.items)
			for range rapid.IntRange(1, most).Draw(rt, "writes") {
				write := rapid.SampledFrom([]func(*rapid.T, *store) error{players.attempt, players.attempt, errands.attempt, memos.attempt}).Draw(rt, "of")
				if err := write(rt, s); err != nil {
					require.True(rt, isAny(err, monotable.ErrInvalid, monotable.ErrConditionFailed), "%v", err)
					refused++
				} else {
					done++
				}
				want := map[string]rawItem{}
				players.expectations(want)
				errands.expectations(want)
				memos.expectations(want)
				s.requireIndexes(rt, want)
			}
			players.requireScans(rt, s)
			errands.requireScans(rt, s)
			memos.requireScans(rt, s)
		})
	}
	t.Logf("%d writes done, %d refused", done, refused)
	require.Greater(t, done, refused/2, "most histories write something")
}
