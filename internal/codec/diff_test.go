package codec_test

import (
	"encoding/json"
	"math"
	"math/big"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/codec"
)

// The rows below prove the table of differences in doc.go, by its numbers: each
// pins what this package does and what attributevalue does with the same input.

// writeDiff is a difference in what is written. A nil item is an error, or with
// attributevalue a panic.
type writeDiff struct {
	at     string
	number int
	value  any
	ours   item
	theirs item
}

var cet = time.FixedZone("CET", 3600)

func writeDiffs() []writeDiff {
	nilTwice := (*int)(nil)
	noon := time.Date(2026, 11, 21, 12, 0, 0, 120_000_000, cet)
	zero := new(int)
	return []writeDiff{
		{here(), 1, struct{ P *int }{}, item{}, item{"P": null()}},
		{here(), 1, struct{ P **int }{&nilTwice}, item{}, item{"P": null()}},
		{here(), 1, struct{ S []int }{}, item{}, item{"S": null()}},
		{here(), 1, struct{ B []byte }{}, item{}, item{"B": null()}},
		{here(), 1, struct{ M map[string]int }{}, item{}, item{"M": null()}},
		{here(), 1, struct{ A any }{}, item{}, item{"A": null()}},
		{here(), 1, struct{ A any }{nilTwice}, item{}, item{"A": null()}},
		{here(), 2, struct {
			S []string `dynamodbav:",stringset"`
		}{[]string{}}, item{}, item{"S": null()}},
		{here(), 2, struct{ B [][]byte }{[][]byte{}}, item{}, item{"B": null()}},
		{here(), 2, struct {
			S []string `dynamodbav:",stringset,omitemptyelem"`
		}{[]string{""}}, item{}, item{"S": strSet()}},
		{here(), 3, struct {
			S []string `dynamodbav:",stringset"`
		}{[]string{"a", "a"}}, nil, item{"S": strSet("a", "a")}},
		{here(), 3, struct {
			N []attributevalue.Number `dynamodbav:",numberset"`
		}{[]attributevalue.Number{"1", "1.0"}}, nil, item{"N": numSet("1", "1.0")}},
		{here(), 3, struct{ B [][]byte }{[][]byte{{1}, {1}}}, nil, item{"B": binSet([]byte{1}, []byte{1})}},
		{here(), 4, struct {
			T time.Time `dynamodbav:",omitempty"`
		}{}, item{}, item{"T": str("0001-01-01T00:00:00Z")}},
		{here(), 4, struct {
			T time.Time `dynamodbav:",omitempty,unixtime"`
		}{}, item{}, item{"T": num("-62135596800")}},
		{here(), 5, struct{ T time.Time }{noon}, item{"T": str("2026-11-21T11:00:00.120000000Z")}, item{"T": str("2026-11-21T12:00:00.12+01:00")}},
		{here(), 5, struct{ T time.Time }{}, item{"T": str("0001-01-01T00:00:00.000000000Z")}, item{"T": str("0001-01-01T00:00:00Z")}},
		{here(), 6, struct{ T time.Time }{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, nil, item{"T": str("10000-01-01T00:00:00Z")}},
		{here(), 6, struct{ T time.Time }{time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}, nil, item{"T": str("-0001-01-01T00:00:00Z")}},
		{here(), 7, struct{ F float64 }{math.NaN()}, nil, item{"F": num("NaN")}},
		{here(), 7, struct{ F float32 }{float32(math.Inf(-1))}, nil, item{"F": num("-Inf")}},
		{here(), 7, struct{ F float64 }{5e-324}, nil, item{"F": num("0." + strings.Repeat("0", 323) + "5")}},
		{here(), 7, struct{ L []float64 }{[]float64{1e126}}, nil, item{"L": list(num("1" + strings.Repeat("0", 126)))}},
		{here(), 7, struct{ N json.Number }{json.Number(strings.Repeat("9", 39))}, nil, item{"N": num(strings.Repeat("9", 39))}},
		{here(), 8, struct{ N attributevalue.Number }{"1.50E1"}, item{"N": num("15")}, item{"N": num("1.50E1")}},
		{here(), 8, struct{ N json.Number }{}, nil, item{"N": num("")}},
		{here(), 8, struct{ N json.Number }{"١٢"}, nil, item{"N": num("١٢")}},
		{here(), 9, struct{ F float64 }{math.Copysign(0, -1)}, item{"F": num("0")}, item{"F": num("-0")}},
		{here(), 10, struct{ N big.Int }{*big.NewInt(12)}, item{"N": num("12")}, item{"N": object(item{})}},
		{here(), 10, struct{ N *big.Rat }{big.NewRat(-1, 8)}, item{"N": num("-0.125")}, item{"N": object(item{})}},
		{here(), 10, struct{ N *big.Float }{big.NewFloat(0.1)}, item{"N": num("0.1")}, item{"N": object(item{})}},
		{here(), 11, struct{ S string }{"k\xff"}, nil, item{"S": str("k\xff")}},
		{here(), 11, struct{ M map[string]int }{map[string]int{"k\xff": 1}}, nil, item{"M": object(item{"k\xff": num("1")})}},
		{here(), 12, struct{ A any }{untyped(32)}, nil, item{"A": nested(32)}},
		{
			here(), 13,
			struct{ M map[string]byPointer }{map[string]byPointer{"a": {7}}},
			item{"M": object(item{"a": str("<7>")})},
			item{"M": object(item{"a": object(item{"N": num("7")})})},
		},
		{here(), 14, struct{ A marshalsNil }{1}, nil, item{"A": num("1")}},
		{here(), 15, struct{ A marshalsBadNumber }{}, nil, item{"A": num("many")}},
		{here(), 16, struct{ M map[color]int }{map[color]int{2: 1}}, item{"M": object(item{"2": num("1")})}, item{"M": object(item{"color two": num("1")})}},
		{here(), 17, struct{ M map[oneName]int }{map[oneName]int{{1}: 1, {2}: 1}}, nil, item{"M": object(item{"x": num("1")})}},
		{here(), 18, struct{ A any }{make(chan int)}, nil, item{}},
		{here(), 18, struct{ A any }{[]any{func() {}, 1}}, nil, item{"A": list(num("1"))}},
		{here(), 19, struct {
			P **int `dynamodbav:",omitempty"`
			A any   `dynamodbav:",omitempty"`
			N **int `dynamodbav:",nullempty"`
		}{&zero, zero, &zero}, item{"P": num("0"), "A": num("0"), "N": num("0")}, item{"N": null()}},
		{here(), 20, struct{ B []Flags }{[]Flags{1}}, item{"B": bin(1)}, nil},
	}
}

func TestDifferencesInWriting(t *testing.T) {
	for _, row := range writeDiffs() {
		it, err := encode(t, row.value)
		if row.ours == nil {
			require.Error(t, err, "row %d at %s", row.number, row.at)
		} else {
			require.NoError(t, err, "row %d at %s", row.number, row.at)
			require.Equal(t, row.ours, it, "row %d at %s", row.number, row.at)
		}
		it, err = theirEncode(row.value)
		if row.theirs == nil {
			require.Error(t, err, "row %d at %s", row.number, row.at)
			continue
		}
		require.NoError(t, err, "row %d at %s", row.number, row.at)
		require.Equal(t, row.theirs, it, "row %d at %s", row.number, row.at)
	}
}

// readDiff is a difference in what is read. A nil value is an error; where the
// values hold times they are compared by their text.
type readDiff struct {
	at     string
	number int
	item   item
	zero   any
	ours   any
	theirs any
}

type (
	set1 struct {
		S []string `dynamodbav:",stringset"`
	}
	member struct {
		S []wholeSet `dynamodbav:",stringset"`
	}
	asText struct {
		N int `dynamodbav:",string"`
	}
	asUnix struct {
		T time.Time `dynamodbav:",unixtime"`
	}
	upper    struct{ Name string }
	Inner    struct{ A *int }
	embedsIt struct{ *Inner }
)

func readDiffs() []readDiff {
	text := "2026-11-21T12:00:00+01:00"
	parsed, _ := time.Parse(time.RFC3339, text)
	return []readDiff{
		{here(), 21, item{"name": str("x")}, upper{}, upper{}, upper{"x"}},
		{here(), 22, item{"S": num("1")}, struct{ S string }{}, nil, struct{ S string }{"1"}},
		{here(), 22, item{"T": num("0")}, struct{ T time.Time }{}, nil, struct{ T time.Time }{time.Unix(0, 0)}},
		{here(), 22, item{"T": str("1970-01-01T00:00:00Z")}, asUnix{}, nil, asUnix{time.Unix(0, 0).UTC()}},
		{here(), 22, item{"N": num("7")}, asText{}, nil, asText{7}},
		{here(), 22, item{"S": strSet("a")}, struct{ S []string }{}, nil, struct{ S []string }{[]string{"a"}}},
		{here(), 22, item{"S": list(str("a"))}, set1{}, nil, set1{[]string{"a"}}},
		{here(), 23, item{"N": num("1E3")}, struct{ N int }{}, struct{ N int }{1000}, nil},
		{here(), 23, item{"N": num("7.0")}, struct{ N uint8 }{}, struct{ N uint8 }{7}, nil},
		{here(), 24, item{"F": num("0x10p0")}, struct{ F float64 }{}, nil, struct{ F float64 }{16}},
		{here(), 24, item{"F": num("Inf")}, struct{ F float64 }{}, nil, struct{ F float64 }{math.Inf(1)}},
		{here(), 24, item{"N": num("many")}, struct{ N json.Number }{}, nil, struct{ N json.Number }{"many"}},
		{
			here(), 25,
			item{"A": num("9007199254740993")},
			struct{ A any }{},
			struct{ A any }{attributevalue.Number("9007199254740993")},
			struct{ A any }{float64(9007199254740992)},
		},
		{here(), 26, item{"T": str(text)}, struct{ T time.Time }{}, struct{ T time.Time }{parsed.UTC()}, struct{ T time.Time }{parsed}},
		{here(), 26, item{"T": num("86400")}, asUnix{}, asUnix{time.Unix(86400, 0).UTC()}, asUnix{time.Unix(86400, 0)}},
		{here(), 27, item{"A": list(num("1"), num("2"), num("3"))}, struct{ A [2]int }{}, nil, struct{ A [2]int }{[2]int{1, 2}}},
		{here(), 27, item{"A": list(num("1"))}, struct{ A [2]int }{}, nil, struct{ A [2]int }{[2]int{1, 0}}},
		{here(), 27, item{"A": bin(1)}, struct{ A [2]byte }{}, nil, nil},
		{here(), 27, item{"A": bin(1, 2, 3)}, struct{ A [2]byte }{}, nil, nil},
		{here(), 29, item{"S": strSet("a", "b")}, member{}, member{[]wholeSet{"S a", "S b"}}, member{[]wholeSet{"SS a"}}},
		{here(), 30, item{"A": null()}, embedsIt{}, embedsIt{}, embedsIt{&Inner{}}},
		{here(), 31, item{"F": num("340282350000000000000000000000000000000")}, struct{ F float32 }{}, struct{ F float32 }{math.MaxFloat32}, nil},
	}
}

func TestDifferencesInReading(t *testing.T) {
	for _, row := range readDiffs() {
		v, err := decode(t, row.item, row.zero)
		if row.ours == nil {
			require.Error(t, err, "row %d at %s", row.number, row.at)
		} else {
			require.NoError(t, err, "row %d at %s", row.number, row.at)
			require.Equal(t, row.ours, v, "row %d at %s", row.number, row.at)
		}
		v, err = theirDecode(row.item, row.zero)
		if row.theirs == nil {
			require.Error(t, err, "row %d at %s", row.number, row.at)
		} else {
			require.NoError(t, err, "row %d at %s", row.number, row.at)
			require.Equal(t, row.theirs, v, "row %d at %s", row.number, row.at)
		}
	}
}

func TestDifference28DecodeReplaces(t *testing.T) {
	type T struct {
		A any
		M map[string]int
		L []int
		B string
	}
	old := func() T { return T{A: 1, M: map[string]int{"old": 1}, L: []int{1, 2, 3}, B: "old"} }
	in := item{"A": num("2"), "M": object(item{"new": num("2")}), "L": list(num("9"))}

	ours := old()
	require.NoError(t, compile(t, reflect.TypeFor[T]()).Decode(in, reflect.ValueOf(&ours).Elem()))
	require.Equal(t, T{A: attributevalue.Number("2"), M: map[string]int{"new": 2}, L: []int{9}}, ours)

	theirs := old()
	require.Panics(t, func() { _ = attributevalue.UnmarshalMap(in, &theirs) })
	delete(in, "A")
	require.NoError(t, attributevalue.UnmarshalMap(in, &theirs))
	require.Equal(t, T{A: 1, M: map[string]int{"old": 1, "new": 2}, L: []int{9}, B: "old"}, theirs)
}

// compileDiff is a type that is refused here, with the path of its mistake and
// what attributevalue writes of it (nil: an error or a panic).
type compileDiff struct {
	at     string
	number int
	value  any
	path   string
	says   string
	theirs item
}

type (
	Left     struct{ A, B int }
	Right    struct{ A, C int }
	Stringer interface{ Text() string }
	texter   struct{ X int }
	lower    struct{ X int }
	Clock    struct {
		time.Time
		N int
	}
	Rooted struct{ A int }
)

func (texter) Text() string { return "" }
func (Rooted) MarshalDynamoDBAttributeValue() (av, error) {
	return object(item{"own": num("1")}), nil
}

func compileDiffs() []compileDiff {
	key := "k"
	return []compileDiff{
		{here(), 32, struct {
			Left
			Right
		}{}, "A", "Left.A and Right.A", item{"B": num("0"), "C": num("0")}},
		{here(), 32, struct {
			A int `dynamodbav:"x"`
			B int `dynamodbav:"x"`
		}{}, "x", "A and B", item{}},
		{here(), 33, struct {
			A int `dynamodbav:"id"`
			B int `dynamodbav:"ID"`
		}{1, 2}, "ID", "letter case", item{"id": num("1"), "ID": num("2")}},
		{here(), 34, struct {
			C chan int
			N int
		}{make(chan int), 1}, "C", "chan int", item{"N": num("1")}},
		{here(), 34, struct{ F func() }{func() {}}, "F", "func()", item{}},
		{here(), 34, struct{ X complex128 }{}, "X", "complex128", item{}},
		{here(), 34, struct{ X uintptr }{}, "X", "uintptr", item{}},
		{here(), 34, struct{ L []map[string]chan int }{}, "L[][]", "chan int", item{"L": null()}},
		{here(), 35, struct{ I Stringer }{texter{3}}, "I", "Stringer", item{"I": object(item{"X": num("3")})}},
		{here(), 36, struct {
			A int `dynamodbav:"a,omitemtpy"`
		}{}, "a", `"omitemtpy"`, item{"a": num("0")}},
		{here(), 36, struct {
			A int `dynamodbav:",stringset"`
		}{}, "A", "set option", item{"A": num("0")}},
		{here(), 36, struct {
			M map[string]struct{} `dynamodbav:",stringset"`
		}{map[string]struct{}{"a": {}}}, "M", "set option", item{"M": object(item{"a": object(item{})})}},
		{here(), 36, struct {
			B []byte `dynamodbav:",binaryset"`
		}{[]byte{1}}, "B", "set option", item{"B": bin(1)}},
		{here(), 36, struct {
			S []int `dynamodbav:",stringset"`
		}{}, "S", "cannot be a set of S", item{"S": null()}},
		{here(), 36, struct {
			S string `dynamodbav:",string"`
		}{}, "S", "no number", item{"S": str("")}},
		{here(), 36, struct {
			N int `dynamodbav:",unixtime"`
		}{}, "N", "no time.Time", item{"N": num("0")}},
		{here(), 36, struct {
			S string `dynamodbav:",omitemptyelem"`
		}{}, "S", "elements", item{"S": str("")}},
		{here(), 36, struct {
			Left `dynamodbav:",omitempty"`
		}{}, "Left", "embedded", item{"A": num("0"), "B": num("0")}},
		{here(), 37, struct {
			S string `dynamodbav:",omitempty,nullempty"`
		}{}, "S", "exclude", nil},
		{here(), 38, struct {
			A [2]int `dynamodbav:",omitemptyelem"`
		}{[2]int{0, 1}}, "A", "omitemptyelem", item{"A": list(num("1"))}},
		{here(), 39, Clock{time.Unix(0, 0), 1}, "Time", "needs a name", item{"N": num("1")}},
		{here(), 40, struct{ A netip.Addr }{netip.IPv6Unspecified()}, "A", "nothing of netip.Addr", item{"A": object(item{})}},
		{here(), 41, struct{ *lower }{&lower{1}}, "lower", "cannot be set", item{"X": num("1")}},
		{here(), 42, struct {
			a int `dynamodbav:"a"`
		}{}, "a", "unexported", item{}},
		{here(), 43, struct{ M map[*textKey]int }{map[*textKey]int{{key}: 1}}, "M", "map key type", item{"M": object(item{"k": num("1")})}},
		{here(), 44, Rooted{1}, "", "own marshaler", item{"own": num("1")}},
	}
}

func TestDifferencesInCompiling(t *testing.T) {
	for _, row := range compileDiffs() {
		_, err := codec.Compile(reflect.TypeOf(row.value), codec.Options{})
		mistakes := fieldErrors(err)
		require.Len(t, mistakes, 1, "row %d at %s", row.number, row.at)
		require.Equal(t, row.path, mistakes[0].Path, "row %d at %s", row.number, row.at)
		require.ErrorContains(t, mistakes[0], row.says, "row %d at %s", row.number, row.at)

		it, err := theirEncode(row.value)
		if row.theirs == nil {
			require.Error(t, err, "row %d at %s", row.number, row.at)
			continue
		}
		require.NoError(t, err, "row %d at %s", row.number, row.at)
		require.Equal(t, row.theirs, it, "row %d at %s", row.number, row.at)
	}
}

// Every line of the table is proved, and nothing is proved that it does not say.
func TestDifferencesAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	documented := map[int]bool{}
	for _, m := range regexp.MustCompile(`(?m)^//\t *(\d+) `).FindAllStringSubmatch(string(doc), -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		documented[n] = true
	}
	proved := map[int]bool{28: true} // has a test of its own
	for _, row := range writeDiffs() {
		proved[row.number] = true
	}
	for _, row := range readDiffs() {
		proved[row.number] = true
	}
	for _, row := range compileDiffs() {
		proved[row.number] = true
	}
	require.Equal(t, documented, proved)
}
