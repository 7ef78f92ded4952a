package monotable_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable"
)

// piece is an entity whose keys are made of one part of every kind.
type piece struct {
	A    string    `dynamodbav:"a"`
	B    string    `dynamodbav:"b"`
	C    string    `dynamodbav:"c"`
	N    int       `dynamodbav:"n"`
	Flag bool      `dynamodbav:"flag"`
	Kind pieceKind `dynamodbav:"kind"`
	UUID pieceUUID `dynamodbav:"uuid"`
	At   time.Time `dynamodbav:"at"`
	Raw  []byte    `dynamodbav:"raw"`
	Ptr  *string   `dynamodbav:"ptr"`
	X    float64   `dynamodbav:"x"`
}

type pieceKind string

// pieceUUID writes itself as text.
type pieceUUID [4]byte

func (u pieceUUID) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(u[:])), nil }

func (u *pieceUUID) UnmarshalText(text []byte) error {
	_, err := hex.Decode(u[:], text)
	return err
}

var (
	pieceA = monotable.Field(func(p *piece) *string { return &p.A })
	pieceB = monotable.Field(func(p *piece) *string { return &p.B })
	pieceC = monotable.Field(func(p *piece) *string { return &p.C })
)

func pieceEntity(t testing.TB, table *monotable.Table, name, partition, sort string, rules ...monotable.Rule[piece]) *monotable.Entity[piece] {
	t.Helper()
	return mustEntity(t, table, monotable.Schema[piece]{Name: name, Key: monotable.Key{Partition: partition, Sort: sort}, Rules: rules})
}

func fullPiece() piece {
	return piece{
		A: "Az é!$", B: "b", C: "c", N: -7, Flag: true, Kind: "Kind", UUID: pieceUUID{0xde, 0xad, 0xbe, 0xef}, At: noon.In(time.FixedZone("X", 3600)),
		Raw: []byte{0, 0xfe}, Ptr: new("p"), X: -1.5,
	}
}

// TestF102_OneTextForEachType also is F101: the key of one item through every verb that makes keys.
func TestF102_OneTextForEachType(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	for i, row := range []struct{ template, want string }{
		{"{a}", "Az é!$"},
		{"{a}#{b}", "Az é!$#b"},
		{"N#{n:04}", "N#-9993"},
		{"N#{n}", "N#-7"},
		{"F#{flag}", "F#true"},
		{"K#{kind}", "K#Kind"},
		{"U#{uuid}", "U#deadbeef"},
		{"T#{at}", "T#2026-11-21T12:00:00.123456789Z"},
		{"R#{raw}", "R#00fe"},
		{"P#{ptr}", "P#p"},
		{"X#{x:03.2}", "X#-998.50"},
		{"{n:02}{at}{x:02.1}", "-932026-11-21T12:00:00.123456789Z-98.5"},
		{"A#{a}#B#{b:raw}", "A#Az é!$#B#b"},
	} {
		e := pieceEntity(t, s.Table, string(rune('A'+i)), string(rune('A'+i)), row.template)
		at := keyPS(string(rune('A'+i)), row.want)
		_, err := e.Create(t.Context(), fullPiece())
		require.NoError(t, err, row.template)
		require.NotNil(t, s.stored(at), "%s: %v", row.template, s.dump())
		_, err = e.Put(t.Context(), fullPiece())
		require.NoError(t, err, row.template)
		_, err = e.Update(t.Context(), fullPiece(), monotable.UncheckedSet(pieceC, expression.Value("x")))
		require.NoError(t, err, row.template)
		_, err = e.Upsert(t.Context(), fullPiece(), monotable.UncheckedSet(pieceC, expression.Value("x")))
		require.NoError(t, err, row.template)
		got, err := e.Get(t.Context(), fullPiece())
		require.NoError(t, err, row.template)
		require.Equal(t, "x", got.C)
		_, err = e.Delete(t.Context(), fullPiece())
		require.NoError(t, err, row.template)
		require.Nil(t, s.stored(at), row.template)
	}
	require.Empty(t, s.dump())
}

// TestF097_RefusedKeyParts also is F098, F100 and F101: what cannot be a key is refused, and names the attribute.
func TestF097_RefusedKeyParts(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	spy := &spyClient{Client: s.client}
	table := s.over(spy)
	texts := pieceEntity(t, table, "Texts", "T#{a}", "{b}#{ptr}")
	numbers := pieceEntity(t, table, "Numbers", "N#{n:03}", "{x:02.2}")
	longest := pieceEntity(t, table, "Longest", "L#{a}", "{b}")
	part := func(change func(*piece)) piece {
		p := fullPiece()
		p.N, p.X = 1, 1
		change(&p)
		return p
	}
	for _, row := range []struct {
		name string
		e    *monotable.Entity[piece]
		item piece
		want string // what the error names
	}{
		{"the delimiter", texts, part(func(p *piece) { p.A = "x#y" }), "a"},
		{"the delimiter at the end", texts, part(func(p *piece) { p.B = "x#" }), "b"},
		{"empty", texts, part(func(p *piece) { p.A = "" }), "a"},
		{"a nil pointer", texts, part(func(p *piece) { p.Ptr = nil }), "ptr"},
		{"empty behind a pointer", texts, part(func(p *piece) { p.Ptr = new("") }), "ptr"},
		{"invalid UTF-8", texts, part(func(p *piece) { p.A = "\xfe" }), "a"},
		{"the last character", texts, part(func(p *piece) { p.A = "\U0010FFFF" }), "a"},
		{"too many digits", numbers, part(func(p *piece) { p.N = 1000 }), "n"},
		{"too many negative digits", numbers, part(func(p *piece) { p.N = -1000 }), "n"},
		{"too many decimals", numbers, part(func(p *piece) { p.X = 0.125 }), "x"},
		{"too many digits before the point", numbers, part(func(p *piece) { p.X = 100 }), "x"},
		{"over 2048 bytes", longest, part(func(p *piece) { p.A = strings.Repeat("é", 1024) }), "2050"},
		{"over 1024 bytes", longest, part(func(p *piece) { p.B = strings.Repeat("x", 1025) }), "1025"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for name, call := range map[string]func() error{
				"Create": func() error { _, err := row.e.Create(t.Context(), row.item); return err },
				"Put":    func() error { _, err := row.e.Put(t.Context(), row.item); return err },
				"Get":    func() error { _, err := row.e.Get(t.Context(), row.item); return err },
				"Update": func() error { _, err := row.e.Update(t.Context(), row.item, pieceC.Set("x")); return err },
				"Upsert": func() error { _, err := row.e.Upsert(t.Context(), row.item, pieceC.Set("x")); return err },
				"Modify": func() error {
					_, err := row.e.Modify(t.Context(), row.item, func(*piece) error { return nil })
					return err
				},
				"Delete": func() error { _, err := row.e.Delete(t.Context(), row.item); return err },
			} {
				err := call()
				require.ErrorIs(t, err, monotable.ErrInvalid, name)
				require.ErrorContains(t, err, row.want, name)
			}
		})
	}
	require.Zero(t, spy.calls())
	t.Run("the longest that fit", func(t *testing.T) {
		_, err := longest.Create(t.Context(), part(func(p *piece) { p.A, p.B = strings.Repeat("é", 1023), strings.Repeat("x", 1024) }))
		require.NoError(t, err)
	})
	t.Run("zero numbers and false are values", func(t *testing.T) {
		_, err := numbers.Create(t.Context(), piece{})
		require.NoError(t, err)
		require.NotNil(t, s.stored(keyPS("N#000", "00.00")))
		flags := pieceEntity(t, s.Table, "Flags", "F#{flag}", "{n}")
		_, err = flags.Create(t.Context(), piece{})
		require.NoError(t, err)
		require.NotNil(t, s.stored(keyPS("F#false", "0")))
	})
}

func TestF100_IndexKeysTooLong(t *testing.T) {
	s := openStore(t, ticketConfig())
	tickets := mustEntity(t, s.Table, ticketSchema())
	long := strings.Repeat("x", 2100)
	_, err := tickets.Create(t.Context(), ticket{Board: "b", Num: 7, State: long, Owner: new("o")})
	requireError(t, err, monotable.ErrInvalid)
	require.ErrorContains(t, err, "2108 bytes")
	require.ErrorContains(t, err, "2048")
	_, err = tickets.Create(t.Context(), ticket{Board: "b", Num: 7, Queue: long})
	requireError(t, err, monotable.ErrInvalid)
	s.write(rawTicket("new", "ann", "q", "5"))
	_, err = tickets.Update(t.Context(), ticketKey, ticketOwner.Set(new(long)), ticketState.Given("new"))
	requireError(t, err, monotable.ErrInvalid)
	_, err = tickets.Update(t.Context(), ticketKey, ticketQueue.Set(long), ticketState.Given("new"), ticketWeight.Given(5))
	requireError(t, err, monotable.ErrInvalid)
	_, err = tickets.Modify(t.Context(), ticketKey, func(k *ticket) error { k.Queue = long; return nil })
	requireError(t, err, monotable.ErrInvalid)
	require.Equal(t, []rawItem{rawTicket("new", "ann", "q", "5")}, s.dump())
}

// TestF097_KeysAreInjective: different parts never make one key, whatever stands in them.
func TestF097_KeysAreInjective(t *testing.T) {
	table, err := monotable.NewTable(dynamodb.New(dynamodb.Options{Region: "us-east-1"}), monotable.TableConfig{Name: "keys", PartitionKey: "PK", SortKey: "SK"})
	require.NoError(t, err)
	e := pieceEntity(t, table, "E", "P#{a}#{b}", "{c}#{n:03}", pieceA.Escaped(), pieceB.Escaped(), pieceC.Escaped())
	plain := pieceEntity(t, table, "Q", "Q#{a}#{b}", "{c}#{n:03}")
	text := rapid.StringOfN(rapid.RuneFrom([]rune("#${}\\/\x00é2a!")), 1, 4, -1)
	keyOf := func(e *monotable.Entity[piece], p piece) (string, string, bool) {
		in, err := e.GetOp(p, nil).Request()
		if err != nil {
			require.ErrorIs(t, err, monotable.ErrInvalid)
			return "", "", false
		}
		return textOf(in, "PK"), textOf(in, "SK"), true
	}
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) piece {
			return piece{A: text.Draw(rt, name+"a"), B: text.Draw(rt, name+"b"), C: text.Draw(rt, name+"c"), N: rapid.IntRange(-999, 999).Draw(rt, name+"n")}
		}
		p, q := draw("1"), draw("2")
		pk, sk, ok := keyOf(e, p)
		require.True(rt, ok, "Escaped takes any text")
		pk2, sk2, _ := keyOf(e, q)
		same := p.A == q.A && p.B == q.B && p.C == q.C && p.N == q.N
		require.Equal(rt, same, pk == pk2 && sk == sk2)
		pk, sk, ok = keyOf(plain, p)
		require.Equal(rt, ok, !strings.Contains(p.A+p.B+p.C, "#"))
		pk2, sk2, ok2 := keyOf(plain, q)
		if ok && ok2 {
			require.Equal(rt, same, pk == pk2 && sk == sk2)
		}
	})
}

func textOf(in *dynamodb.GetItemInput, name string) string {
	return in.Key[name].(*types.AttributeValueMemberS).Value
}
