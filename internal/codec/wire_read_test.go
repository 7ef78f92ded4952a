package codec_test

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/avjson"
)

// onePage is how many users a page of 1 MB has.
const onePage = 2570

func TestPageOfUsers(t *testing.T) {
	plan := compile(t, reflect.TypeFor[user]())
	json := userPage(t, onePage)
	for _, expect := range []int{onePage, 0, 7, -1, 1 << 60} {
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
