package avjson_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable/internal/avjson"
)

// texts are such that JSON writes them in more than one way, or not at all.
var texts = []string{
	"", "x", "a longer text of ASCII only", `"`, `\`, "seven77\"", "eight888\n", "\x00\x1f\x7f", "<a href='b'>&amp;</a>", "é\u2028\u2029😀", "\xff", "a\xe2\x82z",
	"\xed\xa0\x80", "/", "\b\f\n\r\t", "\ufffd",
}

func drawAV(rt *rapid.T, depth int) av {
	text := rapid.OneOf(rapid.SampledFrom(texts), rapid.String())
	bytes := rapid.SliceOf(rapid.Byte())
	n := 11
	if depth > 3 {
		n = 9
	}
	switch rapid.IntRange(0, n).Draw(rt, "type") {
	case 0:
		return &types.AttributeValueMemberN{Value: text.Draw(rt, "n")}
	case 1:
		return &types.AttributeValueMemberB{Value: bytes.Draw(rt, "b")}
	case 2:
		return &types.AttributeValueMemberBOOL{Value: rapid.Bool().Draw(rt, "bool")}
	case 3:
		return &types.AttributeValueMemberNULL{Value: rapid.Bool().Draw(rt, "null")}
	case 4:
		return &types.AttributeValueMemberSS{Value: rapid.SliceOf(text).Draw(rt, "ss")}
	case 5:
		return &types.AttributeValueMemberNS{Value: rapid.SliceOf(text).Draw(rt, "ns")}
	case 6:
		return &types.AttributeValueMemberBS{Value: rapid.SliceOf(bytes).Draw(rt, "bs")}
	case 7:
		return rapid.SampledFrom([]av{
			&types.AttributeValueMemberB{}, &types.AttributeValueMemberSS{}, &types.AttributeValueMemberNS{}, &types.AttributeValueMemberBS{},
			&types.AttributeValueMemberBS{Value: [][]byte{nil, {}}}, &types.AttributeValueMemberL{}, &types.AttributeValueMemberM{},
		}).Draw(rt, "empty")
	case 10:
		list := make([]av, rapid.IntRange(0, 3).Draw(rt, "len"))
		for i := range list {
			list[i] = drawAV(rt, depth+1)
		}
		return &types.AttributeValueMemberL{Value: list}
	case 11:
		return &types.AttributeValueMemberM{Value: drawItem(rt, depth+1)}
	}
	return &types.AttributeValueMemberS{Value: text.Draw(rt, "s")}
}

func drawItem(rt *rapid.T, depth int) item {
	it, written := item{}, map[string]bool{}
	for range rapid.IntRange(0, 4).Draw(rt, "len") {
		name := rapid.OneOf(rapid.SampledFrom(texts), rapid.String()).Draw(rt, "name")
		if as := string([]rune(name)); !written[as] { // two names that are written alike come in any order
			written[as] = true
			it[name] = drawAV(rt, depth)
		}
	}
	return it
}

// What is appended and what the SDK writes are the same to any reader of JSON.
func TestAppendIsTheSDKs(t *testing.T) {
	parsed := func(rt *rapid.T, b []byte) any {
		var v any
		require.NoError(rt, json.Unmarshal(b, &v), "%s", b)
		return v
	}
	rapid.Check(t, func(rt *rapid.T) {
		it := drawItem(rt, 0)
		want := sdkWrite(t, it)
		got, err := avjson.AppendItem([]byte("before"), it)
		require.NoError(rt, err)
		require.Equal(rt, "before", string(got[:6]))
		got = got[6:]
		require.Equal(rt, parsed(rt, want), parsed(rt, got))

		theirs, err := sdkRead(want)
		require.NoError(rt, err)
		ours, end, err := (&avjson.Reader{Data: got}).Map(0)
		require.NoError(rt, err)
		require.Equal(rt, len(got), end)
		if !nilInside(&types.AttributeValueMemberM{Value: ours}) { // {"B":null} is nothing
			require.Equal(rt, theirs, ours)
		}
	})
}

func TestAppendString(t *testing.T) {
	all := slices.Clone(texts)
	for n := range 26 { // every kind of character at every place, in texts that are looked at in one piece, in several and by byte
		for at := range n {
			for _, odd := range []string{`"`, `\`, "\x00", "\x1f", "é", "\xff"} {
				all = append(all, strings.Repeat("x", at)+odd+strings.Repeat("y", n-at-1))
			}
		}
	}
	for _, s := range all {
		checked, valid := avjson.AppendText([]byte("-"), s)
		require.Equal(t, utf8.ValidString(s), valid, "%q", s)
		if valid {
			require.Equal(t, "-"+string(avjson.AppendString(nil, s)), string(checked))
		}
		want, err := json.Marshal(s)
		require.NoError(t, err)
		var text, wanted string
		b := avjson.AppendString(nil, s)
		require.True(t, json.Valid(b))
		require.NoError(t, json.Unmarshal(b, &text))
		require.NoError(t, json.Unmarshal(want, &wanted))
		require.Equal(t, wanted, text)
	}
}

func TestF086_NilIsRefused(t *testing.T) {
	cyclic := item{}
	cyclic["a"] = &types.AttributeValueMemberM{Value: cyclic}
	for _, c := range []struct {
		v   av
		err error
	}{
		{nil, avjson.ErrNil},
		{(*types.AttributeValueMemberS)(nil), avjson.ErrNil},
		{(*types.AttributeValueMemberM)(nil), avjson.ErrNil},
		{&types.AttributeValueMemberL{Value: []av{nil}}, avjson.ErrNil},
		{&types.AttributeValueMemberM{Value: item{"a": nil}}, avjson.ErrNil},
		{cyclic["a"], avjson.ErrDepth},
		{&types.UnknownUnionMember{Tag: "X"}, nil},
	} {
		_, err := avjson.AppendValue(nil, c.v)
		require.Error(t, err)
		if c.err != nil {
			require.ErrorIs(t, err, c.err)
		}
		_, err = avjson.AppendItem(nil, item{"a": c.v})
		require.Error(t, err)
	}
}

func TestAppendAtTheLimit(t *testing.T) {
	for _, wrap := range []func(av) av{
		func(v av) av { return &types.AttributeValueMemberL{Value: []av{v}} },
		func(v av) av { return &types.AttributeValueMemberM{Value: item{"a": v}} },
	} {
		v := av(&types.AttributeValueMemberS{Value: "x"})
		for range 1000 {
			v = wrap(v)
		}
		b, err := avjson.AppendValue(nil, v)
		require.NoError(t, err)
		require.True(t, json.Valid(b))
		_, err = avjson.AppendItem(nil, item{"a": v})
		require.NoError(t, err)
		_, err = avjson.AppendValue(nil, wrap(v))
		require.ErrorIs(t, err, avjson.ErrDepth)
		_, err = avjson.AppendItem(nil, item{"a": wrap(v)})
		require.ErrorIs(t, err, avjson.ErrDepth)
	}
}
