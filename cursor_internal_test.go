package monotable

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// Cursors from the inside, where a million of them can be tried.

type dot struct {
	Box   string `dynamodbav:"box"`
	ID    string `dynamodbav:"id"`
	Group string `dynamodbav:"group"`
	Rank  int    `dynamodbav:"rank"`
}

var (
	dotID   = Field(func(m *dot) *string { return &m.ID })
	dotRank = Field(func(m *dot) *int { return &m.Rank })
)

func dotSecret(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// unsent is a client whose every call would be a nil dereference.
type unsent struct{ Client }

func dotTable(t testing.TB, change func(*TableConfig)) *Table {
	t.Helper()
	cfg := TableConfig{
		Name: "dots", PartitionKey: "PK", SortKey: "SK", Logger: slog.New(slog.DiscardHandler),
		CursorKeys: []CursorKey{{ID: "one", Secret: dotSecret(1)}},
		Indexes: []Index{
			{Name: "groups", PartitionKey: "GPK", SortKey: "GSK"},
			{Name: "again", PartitionKey: "GPK", SortKey: "GSK"}, // the same keys, under another name
			{Name: "local", SortKey: "rank", SortKeyType: "N", Local: true},
			{Name: "several", PartitionKeys: []KeyAttribute{{Name: "group"}, {Name: "box"}}, SortKeys: []KeyAttribute{{Name: "rank", Type: "N"}, {Name: "id"}}},
		},
	}
	if change != nil {
		change(&cfg)
	}
	table, err := NewTable(unsent{}, cfg)
	require.NoError(t, err)
	return table
}

func dotEntity(t testing.TB, table *Table, name string) *Entity[dot] {
	t.Helper()
	group := Key{Partition: "GROUP#{group}", Sort: "{id}"}
	e, err := NewEntity(table, Schema[dot]{
		Name: name, Key: Key{Partition: "BOX#{box}", Sort: name + "#{id}"}, Indexes: map[string]Key{"groups": group, "again": group},
	})
	require.NoError(t, err)
	return e
}

// dotKey is the key of some item, as the service would say it.
func dotKey(p *readPlan, id string) attributeMap {
	key := attributeMap{}
	for _, k := range p.keys {
		if key[k.Name] = scalarOf(k.Type, "BOX#1-"+id); k.Type == types.ScalarAttributeTypeN {
			key[k.Name] = scalarOf(k.Type, "12")
		}
	}
	return key
}

// dotPlans are plans that are alike but for one thing each. No cursor of one is good in another.
func dotPlans(t testing.TB) map[string]*readPlan {
	t.Helper()
	plans := map[string]*readPlan{}
	add := func(name string, plan func() (*readPlan, error)) {
		p, err := plan()
		require.NoError(t, err, name)
		plans[name] = p
	}
	table := dotTable(t, nil)
	dots, stamps := dotEntity(t, table, "Dot"), dotEntity(t, table, "Stamp")
	key := dot{Box: "1", Group: "1"}
	for name, q := range map[string]Query[dot]{
		"table":             dots.Query(key),
		"partition":         dots.Query(dot{Box: "2", Group: "2"}),
		"delimited":         dots.Query(dot{Box: "1-", Group: "1"}),
		"range":             dots.Query(key).SortKey(dotID.Ge("1")),
		"another range":     dots.Query(key).SortKey(dotID.Ge("2")),
		"another operator":  dots.Query(key).SortKey(dotID.Gt("1")),
		"between":           dots.Query(key).SortKey(dotID.Between("1", "2")),
		"prefix":            dots.Query(key).SortKey(HasPrefix(dotID, "1")),
		"one":               dots.Query(key).SortKey(dotID.Eq("1")),
		"entity":            stamps.Query(key),
		"index":             dots.Query(key).Index("groups"),
		"its twin":          dots.Query(key).Index("again"),
		"index and entity":  stamps.Query(key).Index("groups"),
		"local":             dots.Query(key).Index("local"),
		"local range":       dots.Query(key).Index("local").SortKey(dotRank.Ge(1)),
		"local other range": dots.Query(key).Index("local").SortKey(dotRank.Le(1)),
		"several":           dots.Query(key).Index("several"),
		"several, range":    dots.Query(key).Index("several").SortKey(dotRank.Eq(1)),
		"several, deeper":   dots.Query(key).Index("several").SortKey(dotRank.Eq(1), dotID.Ge("1")),
		"several, one box":  dots.Query(dot{Box: "11", Group: "1"}).Index("several"),
		"context":           dots.With(CursorContext("ann")).Query(key),
		"another context":   dots.With(CursorContext("bob")).Query(key),
		"table name":        dots.With(TableName("other")).Query(key),
		"scan":              dots.Scan(),
		"scan of an index":  dots.Scan().Index("groups"),
		"segment":           dots.Scan().Segment(0, 2),
		"another segment":   dots.Scan().Segment(1, 2),
		"another total":     dots.Scan().Segment(0, 3),
		"1 of 3":            dots.Scan().Segment(1, 3),
	} {
		add(name, q.spec.plan)
		if !q.spec.scan {
			add(name+" descending", q.Descending().spec.plan)
		}
	}
	for name, scope := range map[string]string{"scope": "BOX", "narrower scope": "BOX#1"} {
		scoped := dotEntity(t, table.Scoped(scope), "Dot")
		add(name, scoped.Query(key).spec.plan)
		add(name+" index", scoped.Query(key).Index("groups").spec.plan)
		add(name+" scan", scoped.Scan().spec.plan)
	}
	add("scopes", dotEntity(t, table.Scoped("BOX").Scoped("BOX#1"), "Dot").Query(key).spec.plan)
	for name, change := range map[string]func(*TableConfig){
		"key id":     func(cfg *TableConfig) { cfg.CursorKeys[0].ID = "two" },
		"secret":     func(cfg *TableConfig) { cfg.CursorKeys[0].Secret = dotSecret(2) },
		"other name": func(cfg *TableConfig) { cfg.Name = "marks2" },
		"no keys":    func(cfg *TableConfig) { cfg.CursorKeys = nil },
		"no keys 2":  func(cfg *TableConfig) { cfg.CursorKeys = nil },
	} {
		add(name, dotEntity(t, dotTable(t, change), "Dot").Query(key).spec.plan)
	}
	var some, others []dot
	collection := func(from Partition, into ...Collector) func() (*readPlan, error) {
		return func() (*readPlan, error) {
			p, _, err := from.compile(table.tableCore, into)
			return p, err
		}
	}
	partition := dots.Partition(key)
	add("collection", collection(partition, Into(dots, &some), Into(stamps, &others)))
	add("collection of one", collection(partition, Into(dots, &some)))
	add("collection of the other", collection(partition, Into(stamps, &others)))
	add("collection, prefix", collection(partition.SortPrefix("Do"), Into(dots, &some)))
	add("collection, between", collection(partition.SortBetween("Do", "Dp"), Into(dots, &some)))
	add("collection, descending", collection(partition.Descending(), Into(dots, &some)))
	return plans
}

// alter changes a cursor somehow, so that it is another text.
func alter(dice *rand.Rand, c Cursor, other Cursor) Cursor {
	raw, _ := base64.RawURLEncoding.DecodeString(string(c))
	switch dice.IntN(10) {
	case 0: // bits
		for range 1 + dice.IntN(3) {
			raw[dice.IntN(len(raw))] ^= 1 << dice.IntN(8)
		}
	case 1:
		raw = raw[:dice.IntN(len(raw))]
	case 2:
		for range 1 + dice.IntN(9) {
			raw = append(raw, byte(dice.IntN(256)))
		}
	case 3: // bytes put in or taken out
		i := dice.IntN(len(raw))
		if dice.IntN(2) == 0 {
			raw = append(raw[:i:i], raw[i+1:]...)
		} else {
			raw = append(append(raw[:i:i], byte(dice.IntN(256))), raw[i:]...)
		}
	case 4: // the head of one, the payload of the other
		foreign, _ := base64.RawURLEncoding.DecodeString(string(other))
		i := dice.IntN(min(len(raw), len(foreign)))
		raw = append(raw[:i:i], foreign[i:]...)
	case 5: // characters
		b := []byte(c)
		b[dice.IntN(len(b))] = byte(dice.IntN(256))
		return Cursor(b)
	case 6: // other alphabets and padding
		return Cursor([]string{
			base64.StdEncoding.EncodeToString(append([]byte{0xfb, 0xff}, raw...)), base64.URLEncoding.EncodeToString(raw) + "=",
			base64.RawStdEncoding.EncodeToString(append(raw, 0xfb, 0xff)), strings.ToLower(string(c)), strings.ToUpper(string(c)),
			fmt.Sprintf("%x", raw), base64.RawURLEncoding.EncodeToString([]byte(c)),
		}[dice.IntN(7)])
	case 7: // white space, which decoders like to pass over
		i := dice.IntN(len(c) + 1)
		return c[:i] + Cursor([]string{"\n", "\r", "\r\n", " ", "\t", "\x00", "%"}[dice.IntN(7)]) + c[i:]
	case 8: // anything
		raw = make([]byte, dice.IntN(200))
		for i := range raw {
			raw[i] = byte(dice.IntN(256))
		}
	case 9: // anything behind a head that looks right
		raw = raw[:2+int(raw[1])]
		for range dice.IntN(200) {
			raw = append(raw, byte(dice.IntN(256)))
		}
	}
	return Cursor(base64.RawURLEncoding.EncodeToString(raw))
}

func TestF121_AMillionAlteredCursors(t *testing.T) {
	tries := 1_000_000
	if testing.Short() || os.Getenv("DYNAMODB_ENDPOINT") != "" { // no server is asked
		tries = 20_000
	}
	plans := dotPlans(t)
	var all []*readPlan
	var cursors []Cursor
	for _, p := range plans {
		for _, back := range []bool{false, true} {
			c, err := p.cursor(position{key: dotKey(p, "7"), back: back})
			require.NoError(t, err)
			all, cursors = append(all, p), append(cursors, c)
		}
	}
	dice := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	for range tries {
		i, j := dice.IntN(len(all)), dice.IntN(len(all))
		altered := alter(dice, cursors[i], cursors[j])
		if altered == cursors[i] || altered == cursors[j] || altered == "" {
			continue
		}
		if at, err := all[i].resume(altered); err != ErrBadCursor || at.key != nil || at.back { //nolint:errorlint // nothing but it
			t.Fatalf("%q, altered to %q: %v, %v", cursors[i], altered, at, err)
		}
	}
}

// TestF122_CursorsOfAnotherPlan has every plan refuse the cursors of every other one, and take its own.
func TestF122_CursorsOfAnotherPlan(t *testing.T) {
	plans := dotPlans(t)
	require.Greater(t, len(plans), 60)
	for name, p := range plans {
		for _, place := range []position{{key: dotKey(p, "7")}, {key: dotKey(p, "8"), back: true}, {back: true}, {}} {
			c, err := p.cursor(place)
			require.NoError(t, err)
			at, err := p.resume(c)
			require.NoError(t, err, name)
			require.Equal(t, place, at, name)
			for other, q := range plans {
				if other != name {
					_, err := q.resume(c)
					require.Equal(t, ErrBadCursor, err, "of %s in %s", name, other)
				}
			}
		}
	}
}

// TestF122_TheIndexHasOtherKeysNow refuses what was signed when an index of this name was another.
func TestF122_TheIndexHasOtherKeysNow(t *testing.T) {
	keys := func(name string, kind types.ScalarAttributeType) *readPlan {
		table := dotTable(t, func(cfg *TableConfig) {
			cfg.Indexes = []Index{{Name: "groups", PartitionKey: "group", SortKey: name, SortKeyType: kind}}
		})
		e, err := NewEntity(table, Schema[dot]{Name: "Dot", Key: Key{Partition: "BOX#{box}", Sort: "Dot#{id}"}})
		require.NoError(t, err)
		p, err := e.Query(dot{Group: "1"}).Index("groups").spec.plan()
		require.NoError(t, err)
		return p
	}
	plans := []*readPlan{keys("id", "S"), keys("box", "S"), keys("rank", "N"), keys("", "")}
	for i, p := range plans {
		c, err := p.cursor(position{key: dotKey(p, "7")})
		require.NoError(t, err)
		for j, q := range plans {
			if _, err := q.resume(c); i == j {
				require.NoError(t, err)
			} else {
				require.Equal(t, ErrBadCursor, err, "of %d in %d", i, j)
			}
		}
	}
}

// TestCursorFormat says what is in a cursor, so that a change of it is noticed: cursors outlive a deployment.
func TestCursorFormat(t *testing.T) {
	now := time.Unix(0x0102030405, 0)
	table := dotTable(t, func(cfg *TableConfig) {
		cfg.CursorLifetime, cfg.Clock = time.Hour, func() time.Time { return now }
	})
	p, err := dotEntity(t, table, "Dot").Query(dot{Box: "1"}).Index("local").spec.plan()
	require.NoError(t, err)
	c, err := p.cursor(position{back: true, key: attributeMap{"PK": scalarOf("S", "BOX#1"), "SK": scalarOf("S", "Dot#é"), "rank": scalarOf("N", "1.50")}})
	require.NoError(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(string(c))
	require.NoError(t, err)
	require.Equal(t, "\x01\x03one", string(raw[:5]), "version, length of the id, id")
	require.Equal(t, "\x05\x00\x00\x00\x01\x02\x03\x04\x05S\x05BOX#1S\x06Dot#éN\x031.5", string(raw[5+32:]), "flags, time, values of the key")
	at, err := p.resume(c)
	require.NoError(t, err)
	require.True(t, at.back)
}

func FuzzCursor(f *testing.F) {
	q := dotEntity(f, dotTable(f, nil), "Dot").Query(dot{Box: "1"})
	f.Add("AQQyMDI2")
	f.Fuzz(func(t *testing.T, c string) {
		if _, err := q.From(Cursor(c)).Request(); c != "" && err == nil {
			t.Fatal("accepted")
		}
	})
}

// FuzzCursorPayload signs whatever it is given: behind the signature, too, nothing may panic, and what is taken must be a place.
func FuzzCursorPayload(f *testing.F) {
	p, err := dotEntity(f, dotTable(f, nil), "Dot").Query(dot{Box: "1"}).spec.plan()
	require.NoError(f, err)
	key := p.m.table.cursors.signing()
	f.Fuzz(func(t *testing.T, payload []byte) {
		text := append([]byte{cursorVersion, byte(len(key.id))}, key.id...)
		text = append(append(text, p.mac(key, payload)...), payload...)
		at, err := p.resume(Cursor(base64.RawURLEncoding.EncodeToString(text)))
		if err != nil {
			require.Equal(t, ErrBadCursor, err)
			require.Equal(t, position{}, at)
			return
		}
		again, err := p.cursor(at)
		require.NoError(t, err)
		back, err := p.resume(again)
		require.NoError(t, err)
		require.Equal(t, at, back)
	})
}

// TestF121_SignedAndWrong has what is behind a right signature and still no place.
func TestF121_SignedAndWrong(t *testing.T) {
	p, err := dotEntity(t, dotTable(t, nil), "Dot").Query(dot{Box: "1"}).spec.plan()
	require.NoError(t, err)
	key := p.m.table.cursors.signing()
	sign := func(payload string) Cursor {
		text := append([]byte{cursorVersion, byte(len(key.id))}, key.id...)
		text = append(append(text, p.mac(key, []byte(payload))...), payload...)
		return Cursor(base64.RawURLEncoding.EncodeToString(text))
	}
	at, err := p.resume(sign("\x00S\x05BOX#1S\x05Dot#7"))
	require.NoError(t, err)
	require.Equal(t, position{key: attributeMap{"PK": scalarOf("S", "BOX#1"), "SK": scalarOf("S", "Dot#7")}}, at)
	for _, payload := range []string{
		"", "\x00", "\x00S", "\x00S\x05BOX#", "\x00S\x05BOX#1", "\x00S\x05BOX#1S\x06Dot#7", "\x00S\x05BOX#1S\x05Dot#7x", "\x00N\x05BOX#1S\x05Dot#7", "\x00S\x05BOX#1B\x05Dot#7",
		"\x00S\x00S\x05Dot#7", "\x00S\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01BOX#1", "\x10S\x05BOX#1S\x05Dot#7", "\x08S\x05BOX#1S\x05Dot#7", "\x04S\x05BO",
	} {
		at, err := p.resume(sign(payload))
		require.Equal(t, ErrBadCursor, err, "%q", payload)
		require.Equal(t, position{}, at)
	}
	for _, lacking := range []attributeMap{{}, {"PK": scalarOf("S", "BOX#1")}, {"PK": scalarOf("S", "BOX#1"), "SK": scalarOf("N", "1")}, {"PK": scalarOf("S", "BOX#1"), "SK": scalarOf("S", "")}} {
		c, err := p.cursor(position{key: lacking})
		require.ErrorContains(t, err, "lacks its key attribute")
		require.Empty(t, c)
	}
}

// TestF123_EncryptedPlaces hold the same places, and nothing of them to read.
func TestF123_EncryptedPlaces(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, life := range []time.Duration{0, time.Hour} {
		p, err := dotEntity(t, dotTable(t, func(cfg *TableConfig) {
			cfg.CursorKeys[0].Encrypt, cfg.CursorLifetime, cfg.Clock = true, life, func() time.Time { return now }
		}), "Dot").Query(dot{Box: "1"}).spec.plan()
		require.NoError(t, err)
		for _, place := range []position{{key: dotKey(p, "secret")}, {key: dotKey(p, "secret"), back: true}, {back: true}, {}} {
			c, err := p.cursor(place)
			require.NoError(t, err)
			raw, err := base64.RawURLEncoding.DecodeString(string(c))
			require.NoError(t, err)
			require.NotContains(t, string(raw), "secret")
			at, err := p.resume(c)
			require.NoError(t, err)
			require.Equal(t, place, at)
			now = now.Add(life)
			at, err = p.resume(c)
			require.NoError(t, err, "as old as it may be")
			require.Equal(t, place, at)
			if now = now.Add(time.Second); life > 0 {
				_, err = p.resume(c)
				require.Equal(t, ErrBadCursor, err)
			}
		}
	}
}

// TestF121_TheLogKnowsWhy says what a caller is not told; and that a table without keys makes one, once.
func TestF121_TheLogKnowsWhy(t *testing.T) {
	var log bytes.Buffer
	p, err := dotEntity(t, dotTable(t, func(cfg *TableConfig) {
		cfg.CursorKeys, cfg.Logger = nil, slog.New(slog.NewTextHandler(&log, nil))
	}), "Dot").Query(dot{Box: "1"}).spec.plan()
	require.NoError(t, err)
	for range 2 {
		c, err := p.cursor(position{key: dotKey(p, "7")})
		require.NoError(t, err)
		_, err = p.resume(c)
		require.NoError(t, err)
	}
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), log.String())
	_, err = p.resume("AAAA")
	require.Equal(t, ErrBadCursor, err)
	require.Contains(t, log.String(), `reason="not a cursor" table=dots entity=Dot`)
}

// TestF124_CursorsThatAreTooLong are refused by their length alone.
func TestF124_CursorsThatAreTooLong(t *testing.T) {
	p, err := dotEntity(t, dotTable(t, nil), "Dot").Query(dot{Box: "1"}).spec.plan()
	require.NoError(t, err)
	for _, n := range []int{maxCursor - 1, maxCursor, maxCursor + 1, 1 << 20, 64 << 20} {
		c := Cursor(strings.Repeat("A", n))
		allocated := testing.AllocsPerRun(1, func() {
			_, refused := p.placeOf(c)
			require.NotEmpty(t, refused)
		})
		require.Less(t, allocated, 20.0)
	}
	t.Run("the longest keys there are", func(t *testing.T) {
		index := Index{Name: "longest"}
		for i := range 4 {
			index.PartitionKeys = append(index.PartitionKeys, KeyAttribute{Name: fmt.Sprint("part", i)})
			index.SortKeys = append(index.SortKeys, KeyAttribute{Name: fmt.Sprint("sort", i)})
		}
		table := dotTable(t, func(cfg *TableConfig) { cfg.Indexes = append(cfg.Indexes, index) })
		type long struct {
			Part0 string `dynamodbav:"part0"`
			Part1 string `dynamodbav:"part1"`
			Part2 string `dynamodbav:"part2"`
			Part3 string `dynamodbav:"part3"`
			Sort0 string `dynamodbav:"sort0"`
			Sort1 string `dynamodbav:"sort1"`
			Sort2 string `dynamodbav:"sort2"`
			Sort3 string `dynamodbav:"sort3"`
		}
		longs, err := NewEntity(table, Schema[long]{Name: "Long", Key: Key{Partition: "L#{part0}", Sort: "L"}})
		require.NoError(t, err)
		one := func(s string) string { return strings.Repeat(s, 2048) }
		p, err := longs.Query(long{Part0: one("0"), Part1: one("1"), Part2: one("2"), Part3: one("3")}).Index("longest").spec.plan()
		require.NoError(t, err)
		key := attributeMap{}
		for _, k := range p.keys {
			if key[k.Name] = scalarOf("S", strings.Repeat("x", 1024)); strings.HasPrefix(strings.ToLower(k.Name), "p") {
				key[k.Name] = scalarOf("S", strings.Repeat("x", 2048))
			}
		}
		require.Len(t, key, 10)
		c, err := p.cursor(position{key: key})
		require.NoError(t, err)
		at, err := p.resume(c)
		require.NoError(t, err, "a cursor of %d bytes", len(c))
		require.Equal(t, key, at.key)
	})
}

func benchmarkCursor(b *testing.B, encrypt bool, run func(b *testing.B, p *readPlan, at position, c Cursor)) {
	table := dotTable(b, func(cfg *TableConfig) { cfg.CursorKeys[0].Encrypt = encrypt })
	p, err := dotEntity(b, table, "Dot").Query(dot{Box: "1", Group: "1"}).Index("groups").spec.plan()
	require.NoError(b, err)
	at := position{key: dotKey(p, "7")}
	c, err := p.cursor(at)
	require.NoError(b, err)
	b.ReportAllocs()
	run(b, p, at, c)
}

func BenchmarkCursorMake(b *testing.B) {
	for name, encrypt := range map[string]bool{"signed": false, "encrypted": true} {
		b.Run(name, func(b *testing.B) {
			benchmarkCursor(b, encrypt, func(b *testing.B, p *readPlan, at position, _ Cursor) {
				for b.Loop() {
					if _, err := p.cursor(at); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkCursorResume(b *testing.B) {
	for name, encrypt := range map[string]bool{"signed": false, "encrypted": true} {
		b.Run(name, func(b *testing.B) {
			benchmarkCursor(b, encrypt, func(b *testing.B, p *readPlan, _ position, c Cursor) {
				for b.Loop() {
					if _, err := p.resume(c); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
