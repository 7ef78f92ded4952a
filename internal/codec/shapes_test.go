package codec_test

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"pgregory.net/rapid"
)

// The shapes are struct types that both this package and attributevalue can
// store; properties are checked for random values of each.

type (
	Name     string
	Flags    uint8
	Blob     []byte
	Blobs    [][]byte
	Instant  time.Time
	Base     struct{ ID, Kind string }
	Audit    struct{ Created, Updated time.Time }
	Shadow   struct{ ID int }
	point    struct{ X, Y float64 }
	Tree     struct{ Kids []*Tree }
	Chain    struct{ Next *Chain }
	Web      struct{ Links map[string]Web }
	Everyone struct {
		S  string  `dynamodbav:"s"`
		I  int64   `dynamodbav:"i"`
		F  float64 `dynamodbav:"f"`
		B  []byte  `dynamodbav:"b"`
		L  []Everyone
		M  map[Name]*Everyone
		At time.Time
	}
)

var shapes = []reflect.Type{
	reflect.TypeFor[struct{}](),
	reflect.TypeFor[struct{ S, T string }](),
	reflect.TypeFor[struct {
		S Name `dynamodbav:"s"`
		_ int
		x int
	}](),
	reflect.TypeFor[struct{ B bool }](),
	reflect.TypeFor[struct {
		A int
		B int8
		C int16
		D int32
		E int64
	}](),
	reflect.TypeFor[struct {
		A uint
		B Flags
		C uint16
		D uint32
		E uint64
	}](),
	reflect.TypeFor[struct {
		A float32
		B float64
	}](),
	reflect.TypeFor[struct {
		A attributevalue.Number
		B json.Number
	}](),
	reflect.TypeFor[struct{ T time.Time }](),
	reflect.TypeFor[struct {
		T Instant
		P *time.Time
	}](),
	reflect.TypeFor[struct {
		T time.Time  `dynamodbav:",unixtime"`
		P *time.Time `dynamodbav:",unixtime"`
		U attributevalue.UnixTime
	}](),
	reflect.TypeFor[struct {
		B []byte
		N Blob
		A [4]byte
	}](),
	reflect.TypeFor[struct {
		S []string
		N []int
		A [3]string
	}](),
	reflect.TypeFor[struct {
		L [][]string
		P []*int
		Q *[]int
	}](),
	reflect.TypeFor[struct {
		S []string  `dynamodbav:",stringset"`
		N []float64 `dynamodbav:",numberset"`
		B []Blob    `dynamodbav:",binaryset"`
	}](),
	reflect.TypeFor[struct {
		S *[]Name                 `dynamodbav:",stringset"`
		N []attributevalue.Number `dynamodbav:",numberset,omitempty"`
		A [2]int                  `dynamodbav:",numberset"`
	}](),
	reflect.TypeFor[struct {
		D [][]byte
		E Blobs
		F map[string][][]byte
	}](),
	reflect.TypeFor[struct {
		M map[string]int
		N map[Name]map[string]bool
	}](),
	reflect.TypeFor[struct {
		I map[int]string
		U map[uint16]string
		F map[float64]string
		B map[bool]string
		T map[textKey]string
	}](),
	reflect.TypeFor[struct{ M map[string]struct{} }](),
	reflect.TypeFor[struct{ A any }](),
	reflect.TypeFor[struct {
		A []any
		M map[string]any
	}](),
	reflect.TypeFor[struct {
		P *string
		Q **int
		R *point
	}](),
	reflect.TypeFor[struct {
		P point `dynamodbav:"p"`
		Q []point
		R map[string]point
	}](),
	reflect.TypeFor[struct {
		Base
		Audit
		N int
	}](),
	reflect.TypeFor[struct {
		*Base
		S string
	}](),
	reflect.TypeFor[struct {
		Base
		*Shadow
		ID string
	}](),
	reflect.TypeFor[struct {
		Base `dynamodbav:"base"`
		point
	}](),
	reflect.TypeFor[struct {
		S string         `dynamodbav:",omitempty"`
		I int            `dynamodbav:",omitempty"`
		F float64        `dynamodbav:",omitempty"`
		B bool           `dynamodbav:",omitempty"`
		L []int          `dynamodbav:",omitempty"`
		M map[string]int `dynamodbav:",omitempty"`
		P *int           `dynamodbav:",omitempty"`
		A any            `dynamodbav:",omitempty"`
		T time.Time      `dynamodbav:",omitempty"`
		Z point          `dynamodbav:",omitempty"`
	}](),
	reflect.TypeFor[struct {
		S string    `dynamodbav:",nullempty"`
		I int       `dynamodbav:",nullempty"`
		B bool      `dynamodbav:",nullempty"`
		L []int     `dynamodbav:",nullempty"`
		P *int      `dynamodbav:",nullempty"`
		T time.Time `dynamodbav:",nullempty"`
		N []string  `dynamodbav:",nullempty,stringset"`
	}](),
	reflect.TypeFor[struct {
		L []string            `dynamodbav:",omitemptyelem"`
		M map[string]int      `dynamodbav:",omitemptyelem"`
		D map[string][]string `dynamodbav:",omitemptyelem"`
		S []string            `dynamodbav:",omitemptyelem,stringset"`
	}](),
	reflect.TypeFor[struct {
		L []string            `dynamodbav:",nullemptyelem"`
		M map[string]int      `dynamodbav:",nullemptyelem"`
		D map[string][]string `dynamodbav:",nullemptyelem"`
	}](),
	reflect.TypeFor[struct {
		I int                   `dynamodbav:",string"`
		U *uint8                `dynamodbav:",string"`
		F float32               `dynamodbav:",string,omitempty"`
		N attributevalue.Number `dynamodbav:",string"`
	}](),
	reflect.TypeFor[struct {
		A byPointer
		B *byPointer
		L []byPointer
		V byValue
		W map[string]byValue
	}](),
	reflect.TypeFor[struct {
		V []byValue `dynamodbav:",omitempty"`
		I string    `dynamodbav:"-"`
		J string    `dynamodbav:"-,"`
	}](),
	reflect.TypeFor[Tree](),
	reflect.TypeFor[Chain](),
	reflect.TypeFor[Web](),
	reflect.TypeFor[Everyone](),
}

// ownShapes are types that attributevalue cannot store.
var ownShapes = []reflect.Type{
	reflect.TypeFor[struct {
		F []Flags
		G [3]Flags
		H float32
	}](),
	reflect.TypeFor[struct {
		I big.Int
		P *big.Int
		R *big.Rat
		L []*big.Int
	}](),
	reflect.TypeFor[struct {
		I *big.Int   `dynamodbav:",string"`
		N []*big.Int `dynamodbav:",numberset"`
	}](),
	reflect.TypeFor[struct{ M map[string]byPointer }](),
	reflect.TypeFor[struct {
		S []byValue `dynamodbav:",stringset"`
		M map[color]color
	}](),
}

// drawValue makes a random value of t.
func drawValue(rt *rapid.T, t reflect.Type, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	if fill := special[t]; fill != nil {
		v.Set(reflect.ValueOf(fill(rt, depth)).Convert(t))
		return v
	}
	elems := 3
	if depth > 3 {
		elems = 0
	}
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(rt, "bool"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		half := int64(1) << (t.Bits() - 1) // wraps to the minimum for 64 bits
		v.SetInt(rapid.Int64Range(-(half-1), half-1).Draw(rt, "int"))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(rt, "uint") >> (64 - t.Bits()))
	case reflect.Float32:
		v.SetFloat(float64(rapid.Float32().Filter(func(f float32) bool { // the largest one attributevalue cannot read back
			return math.Abs(float64(f)) < math.MaxFloat32
		}).Draw(rt, "float32")))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Filter(storable).Draw(rt, "float64"))
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.Just(""), rapid.String()).Draw(rt, "string"))
	case reflect.Pointer:
		if depth < 6 && rapid.Bool().Draw(rt, "set") {
			p := reflect.New(t.Elem())
			p.Elem().Set(drawValue(rt, t.Elem(), depth+1))
			v.Set(p)
		}
	case reflect.Slice:
		if n := rapid.IntRange(-1, elems).Draw(rt, "len"); n >= 0 {
			v.Set(reflect.MakeSlice(t, n, n))
			for i := range n {
				v.Index(i).Set(drawValue(rt, t.Elem(), depth+1))
			}
		}
	case reflect.Array:
		for i := range t.Len() {
			v.Index(i).Set(drawValue(rt, t.Elem(), depth+1))
		}
	case reflect.Map:
		if n := rapid.IntRange(-1, elems).Draw(rt, "len"); n >= 0 {
			v.Set(reflect.MakeMap(t))
			for range n {
				key := drawValue(rt, t.Key(), depth+1)
				if key.Kind() == reflect.String && key.String() == "" {
					key.SetString("k")
				}
				v.SetMapIndex(key, drawValue(rt, t.Elem(), depth+1))
			}
		}
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			switch {
			case f.IsExported() && !strings.HasPrefix(f.Tag.Get("dynamodbav"), "-"):
				v.Field(i).Set(drawValue(rt, f.Type, depth+1))
			case f.Anonymous: // an unexported embedded struct
				for j := range f.Type.NumField() {
					v.Field(i).Field(j).Set(drawValue(rt, f.Type.Field(j).Type, depth+1))
				}
			}
		}
	default:
		panic(t.String())
	}
	return v
}

func storable(f float64) bool {
	abs := math.Abs(f)
	return f == 0 || abs < 1e126 && abs >= 1e-130
}

// special draws types whose kind says nothing about their values.
var special map[reflect.Type]func(rt *rapid.T, depth int) any

func init() {
	instant := func(rt *rapid.T, _ int) any {
		sec := rapid.Int64Range(-62135596800, 253402300799-7200).Draw(rt, "sec")
		if rapid.Bool().Draw(rt, "zero") {
			return time.Time{}
		}
		zone := rapid.SampledFrom([]*time.Location{time.UTC, cet, time.Local}).Draw(rt, "zone")
		return time.Unix(sec, rapid.Int64Range(0, 999_999_999).Draw(rt, "nsec")).In(zone)
	}
	number := func(rt *rapid.T, _ int) any {
		return strconv.FormatInt(rapid.Int64().Draw(rt, "digits"), 10) + rapid.SampledFrom([]string{"", ".0", ".25", "E3", "e-12"}).Draw(rt, "tail")
	}
	bigInt := func(rt *rapid.T, _ int) any {
		n := new(big.Int).Mul(big.NewInt(rapid.Int64().Draw(rt, "a")), big.NewInt(rapid.Int64().Draw(rt, "b")))
		return *n
	}
	special = map[reflect.Type]func(*rapid.T, int) any{
		reflect.TypeFor[time.Time]():               instant,
		reflect.TypeFor[Instant]():                 instant,
		reflect.TypeFor[attributevalue.UnixTime](): instant,
		reflect.TypeFor[attributevalue.Number]():   number,
		reflect.TypeFor[json.Number]():             number,
		reflect.TypeFor[big.Int]():                 bigInt,
		reflect.TypeFor[big.Rat](): func(rt *rapid.T, _ int) any {
			return *big.NewRat(rapid.Int64Range(-1e9, 1e9).Draw(rt, "num"), 1<<rapid.IntRange(0, 9).Draw(rt, "den"))
		},
		reflect.TypeFor[textKey](): func(rt *rapid.T, _ int) any {
			return textKey{rapid.StringMatching(`[a-zé]{1,4}`).Draw(rt, "key")}
		},
		reflect.TypeFor[byValue](): func(rt *rapid.T, _ int) any { return rapid.IntRange(0, 9).Draw(rt, "n") },
		reflect.TypeFor[any]():     drawAny,
	}
}

// drawAny makes a value for an interface, of types that reading gives back.
func drawAny(rt *rapid.T, depth int) any {
	kinds := 6
	if depth > 3 {
		kinds = 4
	}
	var held any
	switch rapid.IntRange(0, kinds).Draw(rt, "held") {
	case 0:
		held = rapid.String().Draw(rt, "string")
	case 1:
		held = rapid.Int32().Draw(rt, "int")
	case 2:
		held = rapid.Bool().Draw(rt, "bool")
	case 3:
		held = rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes")
	case 4:
		if rapid.Bool().Draw(rt, "nil") {
			return (*string)(nil)
		}
		return new("pointed to")
	case 5:
		return drawValue(rt, reflect.TypeFor[map[string]any](), depth+1).Interface()
	case 6:
		return drawValue(rt, reflect.TypeFor[[]any](), depth+1).Interface()
	}
	return held
}

// shapeName is short enough for the file in which rapid keeps a failure.
func shapeName(t reflect.Type) string {
	if t.Name() != "" {
		return t.Name()
	}
	var names []string
	for i := range min(t.NumField(), 4) {
		f := t.Field(i)
		names = append(names, f.Type.String()+strings.ReplaceAll(f.Tag.Get("dynamodbav"), ",", "_"))
	}
	return strings.Join(names, "+")
}
