package codec_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/avjson"
	"github.com/monotable/monotable/internal/codec"
)

// onePage is how many users a page of 1 MB has.
const onePage = 2570

func TestPageOfUsers(t *testing.T) {
	plan := compile(t, reflect.TypeFor[user]())
	json := userPage(t, onePage)
	for _, expect := range []int{onePage, 0, 7, -1, math.MaxInt} {
		page := plan.Layout("SK", "nowhere", "version").Page(&avjson.Reader{Data: json}, expect)
		r := &avjson.Reader{Data: json}
		page.Reset(r, expect)
		require.NoError(t, readPage(page, r))
		require.Equal(t, onePage, page.Len())
		for i := range onePage {
			var u user
			require.NoError(t, page.Into(i, reflect.ValueOf(&u).Elem()))
			if want := sampleUser(i); !reflect.DeepEqual(want, u) {
				require.Equal(t, want, u)
			}
		}
	}
}

func TestPageAllocations(t *testing.T) {
	plan := compile(t, reflect.TypeFor[user]())
	layout := plan.Layout()
	json := userPage(t, onePage)
	users := make([]user, onePage)
	v := reflect.ValueOf(users)
	require.LessOrEqual(t, testing.AllocsPerRun(5, func() {
		r := &avjson.Reader{Data: json}
		page := layout.Page(r, onePage)
		if err := readPage(page, r); err != nil {
			t.Fatal(err)
		}
		for i := range page.Len() {
			if err := page.Into(i, v.Index(i)); err != nil {
				t.Fatal(err)
			}
		}
	}), 400.0)
	require.Equal(t, sampleUser(onePage-1), users[onePage-1])
}

func BenchmarkPage(b *testing.B) {
	plan := compile(b, reflect.TypeFor[user]())
	layout := plan.Layout("PK", "SK")
	json := userPage(b, onePage)
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(json)))
		for b.Loop() {
			r := &avjson.Reader{Data: json}
			page := layout.Page(r, onePage)
			require.NoError(b, readPage(page, r))
			users := make([]user, page.Len())
			v := reflect.ValueOf(users)
			for i := range users {
				if err := page.Into(i, v.Index(i)); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("skip", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(json)))
		for b.Loop() {
			_, err := (&avjson.Reader{Data: json}).Skip(0)
			require.NoError(b, err)
		}
	})
	b.Run("sdk", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(json)))
		for b.Loop() {
			items, err := sdkItems(json)
			require.NoError(b, err)
			var users []user
			require.NoError(b, attributevalue.UnmarshalListOfMaps(items, &users))
		}
	})
}

// BenchmarkPageOfOrders has pointers, maps and lists of structs.
func BenchmarkPageOfOrders(b *testing.B) {
	layout := compile(b, reflect.TypeFor[order]()).Layout()
	one := itemJSON(b, mustEncode(b, sampleOrder))
	json := append(append([]byte{'['}, bytes.Repeat(append(one, ','), 999)...), append(one, ']')...)
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := &avjson.Reader{Data: json}
			page := layout.Page(r, 1000)
			require.NoError(b, readPage(page, r))
			orders := make([]order, page.Len())
			v := reflect.ValueOf(orders)
			for i := range orders {
				if err := page.Into(i, v.Index(i)); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("sdk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			items, err := sdkItems(json)
			require.NoError(b, err)
			var orders []order
			require.NoError(b, attributevalue.UnmarshalListOfMaps(items, &orders))
		}
	})
}

func BenchmarkOneItem(b *testing.B) {
	layout := compile(b, reflect.TypeFor[user]()).Layout()
	json := userPage(b, 1)
	var u user
	v := reflect.ValueOf(&u).Elem()
	b.ReportAllocs()
	for b.Loop() {
		if err := fromWire(layout, json[1:], v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	plan := compile(b, reflect.TypeFor[user]())
	u := sampleUser(4711)
	v := reflect.ValueOf(&u).Elem()
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			var err error
			if buf, err = plan.AppendJSON(buf[:0], v, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("items", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			it, err := plan.Encode(v)
			require.NoError(b, err)
			buf, err = avjson.AppendItem(buf[:0], it)
			require.NoError(b, err)
		}
	})
}

func TestNotedAndRaw(t *testing.T) {
	type T struct {
		A string
		N int
	}
	layout := compile(t, reflect.TypeFor[T]()).Layout("type", "N", "missing", "type")
	items := []string{
		`{"type":{"S":"x"},"A":{"S":"a"},"N":{"N":"1"}}`, `{"N": {"N":"2"} ,"A":{"S":"b"},"type"  :  {"NULL":true}  }`, `{"other":{"S":"c"}}`, `{}`, `null`,
		`{"N":{"S":"no number"},"type":{"S":"x"},"type":{"S":"y"}}`, `{"N":{"N":"1"},"\u004e":{"N":"3"}}`,
	}
	want := [][2]string{
		{`{"S":"x"}`, `{"N":"1"}`}, {`{"NULL":true}`, `{"N":"2"}`}, {}, {}, {}, {`{"S":"y"}`, `{"S":"no number"}`}, {"", `{"N":"3"}`},
	}
	r := &avjson.Reader{Data: []byte("[" + strings.Join(items, " , ") + "]")}
	page := layout.Page(r, 0)
	require.Zero(t, page.Len())
	require.NoError(t, readPage(page, r))
	require.Equal(t, len(items), page.Len())
	for k := range items {
		require.Equal(t, items[k], string(page.Raw(k)))
		require.Equal(t, want[k][0], string(page.Noted(k, 0)))
		require.Equal(t, want[k][1], string(page.Noted(k, 1)))
		require.Nil(t, page.Noted(k, 2))
		require.Equal(t, page.Noted(k, 0), page.Noted(k, 3))
	}
	require.Nil(t, page.Noted(2, 0))
	var v T
	requireMismatch(t, page.Into(5, reflect.ValueOf(&v).Elem()), "N", "N", "S")
	require.NoError(t, page.Into(6, reflect.ValueOf(&v).Elem()))
	require.Equal(t, T{N: 3}, v)
	v = T{"old", 1}
	require.NoError(t, page.Into(4, reflect.ValueOf(&v).Elem()))
	require.Zero(t, v)

	page.Reset(&avjson.Reader{Data: []byte(`{"A":{"S":"again"}}`)}, 1)
	require.Zero(t, page.Len())
	_, err := page.Read(0)
	require.NoError(t, err)
	require.NoError(t, page.Into(0, reflect.ValueOf(&v).Elem()))
	require.Equal(t, T{A: "again"}, v)
}

// User code runs in Into alone, in the order of the fields, on the value itself.
func TestUserCodeRunsInInto(t *testing.T) {
	type inner struct{ K keeper }
	type T struct {
		A keeper
		B string
		C map[keptKey]int
		D []keptMember `dynamodbav:",stringset"`
		E inner
		F *keeper
		G int8
	}
	plan := compile(t, reflect.TypeFor[T]())
	data := `{"G":{"N":"1e1"},"F":{"S":"f"},"E":{"M":{"K":{"S":"e"}}},"D":{"SS":["d"]},"C":{"M":{"c":{"N":"1"}}},"B":{"S":"b"},"A":{"S":"a"}}`
	kept, keptKeys, keptMembers = nil, nil, nil
	page := plan.Layout().Page(&avjson.Reader{Data: []byte(data)}, 1)
	_, err := page.Read(0)
	require.NoError(t, err)
	require.Empty(t, kept)
	require.Empty(t, keptKeys)
	require.Empty(t, keptMembers)
	var v T
	require.NoError(t, page.Into(0, reflect.ValueOf(&v).Elem()))
	require.Len(t, kept, 3)
	require.Same(t, &v.A, kept[0])
	require.Same(t, &v.E.K, kept[1])
	require.Same(t, v.F, kept[2])
	require.Len(t, keptKeys, 1)
	require.Len(t, keptMembers, 1)
	require.Equal(t, "b", v.B)
	require.Equal(t, int8(10), v.G)
}

// The first field that is refused is the one that is told, as Decode does.
func TestFirstRefusalIsTold(t *testing.T) {
	type T struct{ A, B, C int8 }
	plan := compile(t, reflect.TypeFor[T]())
	var v T
	err := fromWire(plan.Layout(), []byte(`{"C":{"N":"1000"},"B":{"S":"x"},"A":{"N":"1"}}`), reflect.ValueOf(&v).Elem())
	requireMismatch(t, err, "B", "N", "S")
	err = fromWire(plan.Layout(), []byte(`{"A":{"N":"1"},"B":{"N":7}}`), reflect.ValueOf(&v).Elem())
	var broken *avjson.SyntaxError
	require.ErrorAs(t, err, &broken)
}

// What is read shares no memory with the reply nor with its neighbours.
func TestPageSharesNothing(t *testing.T) {
	plan := compile(t, reflect.TypeFor[user]())
	data := userPage(t, 200)
	r := &avjson.Reader{Data: data}
	page := plan.Layout().Page(r, 200)
	require.NoError(t, readPage(page, r))
	users := make([]user, 200)
	for i := range users {
		require.NoError(t, page.Into(i, reflect.ValueOf(&users[i]).Elem()))
		_ = append(users[i].Roles, "more")
		_ = append(users[i].Tags, "more")
	}
	clear(data)
	for i := range users {
		require.Equal(t, sampleUser(i), users[i])
		users[i].Tags[0] = "changed"
	}
	for i := range users {
		require.Equal(t, sampleUser(i).Roles, users[i].Roles)
	}
}

// One layout serves many at once.
func TestLayoutIsShared(t *testing.T) {
	layout := compile(t, reflect.TypeFor[user]()).Layout("PK")
	data := userPage(t, 50)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				r := &avjson.Reader{Data: data}
				page := layout.Page(r, 50)
				if !assert.NoError(t, readPage(page, r)) {
					return
				}
				var u user
				assert.NoError(t, page.Into(49, reflect.ValueOf(&u).Elem()))
				assert.Equal(t, sampleUser(49), u)
			}
		})
	}
	wg.Wait()
}

// Structs of more fields than a word has bits.
func TestPageOfManyFields(t *testing.T) {
	for _, n := range []int{64, 65, 256, 257, 300} {
		var fields []reflect.StructField
		it := item{}
		for i := range n {
			name := fmt.Sprintf("F%d", i)
			fields = append(fields, reflect.StructField{Name: name, Type: reflect.TypeFor[int]()})
			it[name] = num(strconv.Itoa(i))
		}
		typ := reflect.StructOf([]reflect.StructField{{Name: "In", Type: reflect.StructOf(fields)}, {Name: "Out", Type: reflect.StructOf(fields)}})
		plan := wired(compile(t, typ))
		data := itemJSON(t, item{"In": object(it), "Out": object(it)})
		requireSamePage(t, plan, data)
		last := fmt.Sprintf(`"F%d":{"N":"7"}`, n-1)
		requireSamePage(t, plan, []byte(`{"In":{"M":{`+last+`,`+last+`}}}`))
		requireSamePage(t, wired(compile(t, reflect.StructOf(fields))), []byte(`{`+last+`,"F0":{"N":"1"},`+last+`}`))
	}
}

// Items are read in any order, and any number of times.
func TestPageReadsBackwards(t *testing.T) {
	type item struct{ A string }
	plan, err := codec.Compile(reflect.TypeFor[item](), codec.Options{})
	require.NoError(t, err)
	data := []byte(`[{"A":{"S":"first"}},{"A":{"S":"second"}},{"A":{"S":"third"}}]`)
	page := plan.Layout().Page(&avjson.Reader{Data: data}, 0)
	for k, want := range []string{"third", "first", "second", "first"} {
		_, err := page.Read(bytes.Index(data, []byte(`{"A":{"S":"`+want)))
		require.NoError(t, err)
		var got item
		require.NoError(t, page.Into(k, reflect.ValueOf(&got).Elem()))
		require.Equal(t, want, got.A)
	}
}
