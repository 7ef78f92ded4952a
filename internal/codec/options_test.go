package codec_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/codec"
)

func TestOptions(t *testing.T) {
	p, err := codec.Compile(reflect.TypeFor[Member](), codec.Options{
		TimeLayouts: map[string]string{"preferences.since": time.DateOnly, "old.until": time.RFC1123},
		UnixTimes:   map[string]bool{"ttl": true, "exact": true, "preferences.until": true, "old.since": false},
	})
	require.NoError(t, err)
	require.NotSame(t, p.Field("preferences").Value.Struct, p.Field("old").Value.Struct)
	require.Equal(t, codec.UnixTime, p.Field("ttl").Value.Kind)

	at := time.Date(2026, 11, 21, 23, 30, 0, 0, time.FixedZone("", -3600))
	text := "2026-11-22T00:30:00.000000000Z"
	m := Member{Prefs: Prefs{Since: at, Until: &at}, Old: &Prefs{Since: at, Until: &at}, All: []Prefs{{Since: at}}, TTL: at}
	it, err := p.Encode(reflect.ValueOf(m))
	require.NoError(t, err)
	requireEqualItems(t, item{
		"preferences": object(item{"theme": str(""), "since": str("2026-11-22"), "until": num("1795307400")}),
		"old":         object(item{"theme": str(""), "since": str(text), "until": str("Sun, 22 Nov 2026 00:30:00 UTC")}),
		"All":         list(object(item{"theme": str(""), "since": str(text)})),
		"ttl":         num("1795307400"),
	}, it)
	var back Member
	require.NoError(t, p.Decode(it, reflect.ValueOf(&back).Elem()))
	require.Equal(t, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), back.Prefs.Since)
	require.Equal(t, at.UTC(), *back.Old.Until)
	require.Equal(t, at.UTC(), back.TTL)

	again, err := p.Encode(reflect.ValueOf(back))
	require.NoError(t, err)
	requireEqualItems(t, it, again)

	require.Error(t, p.Decode(item{"preferences": object(item{"since": str(text)})}, reflect.ValueOf(&back).Elem()))

	// The zero time is left out where it is a TTL, and written elsewhere.
	it, err = p.Encode(reflect.ValueOf(Member{Prefs: Prefs{Until: &time.Time{}}}))
	require.NoError(t, err)
	requireEqualItems(t, item{"preferences": object(item{"theme": str(""), "since": str("0001-01-01")})}, it)
}

func TestOptionsInElements(t *testing.T) {
	type T struct {
		All   []Prefs
		Times map[string]*time.Time
		Plain []Prefs
	}
	p, err := codec.Compile(reflect.TypeFor[T](), codec.Options{
		TimeLayouts: map[string]string{"All[].since": time.DateOnly},
		UnixTimes:   map[string]bool{"Times[]": true},
	})
	require.NoError(t, err)
	at := time.Unix(86400, 0)
	it, err := p.Encode(reflect.ValueOf(T{[]Prefs{{Since: at}}, map[string]*time.Time{"a": &at}, []Prefs{{Since: at}}}))
	require.NoError(t, err)
	requireEqualItems(t, item{
		"All":   list(object(item{"theme": str(""), "since": str("1970-01-02")})),
		"Times": object(item{"a": num("86400")}),
		"Plain": list(object(item{"theme": str(""), "since": str("1970-01-02T00:00:00.000000000Z")})),
	}, it)
}

func TestOptionMistakes(t *testing.T) {
	_, err := codec.Compile(reflect.TypeFor[Member](), codec.Options{
		TimeLayouts: map[string]string{
			"nowhere":           time.DateOnly,
			"Prefs.Since":       time.DateOnly,
			"email":             time.DateOnly,
			"preferences":       time.DateOnly,
			"ttl":               time.DateOnly,
			"exact":             time.DateOnly,
			"preferences.since": "yesterday",
			"preferences.until": "",
			"All[].theme":       time.DateOnly,
			"All.since":         time.DateOnly,
		},
		UnixTimes: map[string]bool{"ttl": true, "old": true},
	})
	got := map[string]string{}
	for _, fe := range fieldErrors(err) {
		require.NotContains(t, got, fe.Path)
		got[fe.Path] = fe.Err.Error()
	}
	for path, says := range map[string]string{
		"nowhere":           "does not exist",
		"Prefs.Since":       "does not exist",
		"email":             "no time.Time",
		"preferences":       "no time.Time",
		"ttl":               "both",
		"exact":             "no time.Time",
		"preferences.since": "no element",
		"preferences.until": "empty",
		"old":               "no time.Time",
		"All[].theme":       "no time.Time",
		"All.since":         "does not exist",
	} {
		require.Contains(t, got[path], says, path)
		delete(got, path)
	}
	require.Empty(t, got)
}
