package monotable_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// What values may be stored, through the verbs. The codec's own tests are in internal/codec.

type sample struct {
	ID     string             `dynamodbav:"id"`
	Text   string             `dynamodbav:"text"`
	Texts  []string           `dynamodbav:"texts"`
	Set    []string           `dynamodbav:"set,stringset"`
	Nums   []float64          `dynamodbav:"nums,numberset"`
	Words  map[string]string  `dynamodbav:"words"`
	Float  float64            `dynamodbav:"float"`
	Int    int64              `dynamodbav:"int"`
	Uint   uint64             `dynamodbav:"uint"`
	Small  int8               `dynamodbav:"small"`
	Big    *big.Int           `dynamodbav:"big"`
	Number json.Number        `dynamodbav:"number,omitempty"`
	Bytes  []byte             `dynamodbav:"bytes"`
	Flag   bool               `dynamodbav:"flag"`
	Any    any                `dynamodbav:"any"`
	At     time.Time          `dynamodbav:"at"`
	Unix   time.Time          `dynamodbav:"unix,unixtime"`
	Pair   [2]int             `dynamodbav:"pair"`
	Tree   *sampleTree        `dynamodbav:"tree"`
	Odd    sampleOdd          `dynamodbav:"odd"`
	Omit   string             `dynamodbav:"omit,omitempty"`
	Deep   map[string][]int64 `dynamodbav:"deep"`
}

type sampleTree struct {
	Next *sampleTree `dynamodbav:"next"`
}

// sampleOdd is a type with a mind of its own.
type sampleOdd struct{ mode string }

func (o sampleOdd) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	if o.mode == "error" {
		return nil, errors.New("odd")
	}
	return &types.AttributeValueMemberS{Value: "odd" + o.mode}, nil
}

func (o *sampleOdd) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	s, ok := av.(*types.AttributeValueMemberS)
	if !ok || s.Value == "odd!" {
		return errors.New("not odd")
	}
	o.mode = strings.TrimPrefix(s.Value, "odd")
	return nil
}

var (
	sampleText   = monotable.Field(func(s *sample) *string { return &s.Text })
	sampleTexts  = monotable.Field(func(s *sample) *[]string { return &s.Texts })
	sampleSet    = monotable.Field(func(s *sample) *[]string { return &s.Set })
	sampleNums   = monotable.Field(func(s *sample) *[]float64 { return &s.Nums })
	sampleWords  = monotable.Field(func(s *sample) *map[string]string { return &s.Words })
	sampleFloat  = monotable.Field(func(s *sample) *float64 { return &s.Float })
	sampleInt    = monotable.Field(func(s *sample) *int64 { return &s.Int })
	sampleBig    = monotable.Field(func(s *sample) **big.Int { return &s.Big })
	sampleNumber = monotable.Field(func(s *sample) *json.Number { return &s.Number })
	sampleBytes  = monotable.Field(func(s *sample) *[]byte { return &s.Bytes })
	sampleFlag   = monotable.Field(func(s *sample) *bool { return &s.Flag })
	sampleAt     = monotable.Field(func(s *sample) *time.Time { return &s.At })
	sampleOmit   = monotable.Field(func(s *sample) *string { return &s.Omit })
	sampleOddly  = monotable.Field(func(s *sample) *sampleOdd { return &s.Odd })
)

func openSamples(t *testing.T) (*store, *spyClient, *monotable.Entity[sample]) {
	t.Helper()
	s := openStore(t, monotable.TableConfig{})
	spy := &spyClient{Client: s.client}
	e := mustEntity(t, s.over(spy), monotable.Schema[sample]{Name: "Sample", Key: monotable.Key{Partition: "S#{id}", Sort: "S"}})
	return s, spy, e
}

// TestF078_RefusedValues also is F079, F085, F090 and F091: nothing that the service refuses or changes is sent.
func TestF078_RefusedValues(t *testing.T) {
	_, spy, e := openSamples(t)
	ctx := t.Context()
	tree := &sampleTree{}
	for range 40 {
		tree = &sampleTree{Next: tree}
	}
	cycle := &sampleTree{}
	cycle.Next = cycle
	huge, _ := new(big.Int).SetString(strings.Repeat("9", 39), 10)
	for _, row := range []struct {
		name   string
		item   func(*sample)
		change monotable.Change[sample] // the same by Update; nil: not there
		path   string
	}{
		{"invalid UTF-8", func(s *sample) { s.Text = "a\xff" }, sampleText.Set("a\xff"), "text"},
		{"in a list", func(s *sample) { s.Texts = []string{"a", "\xff"} }, monotable.Append(sampleTexts, "\xff"), "texts"},
		{"in a set", func(s *sample) { s.Set = []string{"\xff"} }, monotable.AddTo(sampleSet, "\xff"), "set"},
		{"in a map", func(s *sample) { s.Words = map[string]string{"k": "\xff"} }, monotable.MapKey(sampleWords, "k").Set("\xff"), "words"},
		{"in a map's key", func(s *sample) { s.Words = map[string]string{"\xff": "v"} }, monotable.MapKey(sampleWords, "\xff").Set("v"), "words"},
		{"in any", func(s *sample) { s.Any = map[string]any{"k": []any{"\xff"}} }, nil, "any"},
		{"in the key", func(s *sample) { s.ID = "a\xff" }, nil, "id"},
		{"NaN", func(s *sample) { s.Float = math.NaN() }, sampleFloat.Set(math.NaN()), "float"},
		{"Inf", func(s *sample) { s.Float = math.Inf(-1) }, monotable.Add(sampleFloat, math.Inf(1)), "float"},
		{"too large", func(s *sample) { s.Float = math.MaxFloat64 }, sampleFloat.Set(1e126), "float"},
		{"too small", func(s *sample) { s.Float = 5e-324 }, sampleFloat.Set(9e-131), "float"},
		{"39 digits", func(s *sample) { s.Big = huge }, sampleBig.Set(huge), "big"},
		{"no number", func(s *sample) { s.Number = "1x" }, sampleNumber.Set("0x10"), "number"},
		{"NaN in a set", func(s *sample) { s.Nums = []float64{1, math.NaN()} }, monotable.AddTo(sampleNums, math.NaN()), "nums"},
		{"equal members", func(s *sample) { s.Set = []string{"a", "b", "a"} }, monotable.AddTo(sampleSet, "a", "a"), "set"},
		{"equal numbers", func(s *sample) { s.Nums = []float64{1, 1.0} }, sampleNums.Set([]float64{2, 2}), "nums"},
		{"more than 32 levels", func(s *sample) { s.Tree = tree }, nil, ""},
		{"a cycle", func(s *sample) { s.Tree = cycle }, nil, ""},
		{"a marshaler's error", func(s *sample) { s.Odd.mode = "error" }, sampleOddly.Set(sampleOdd{"error"}), "odd"},
		{"more than 400 KB", func(s *sample) { s.Text = strings.Repeat("x", 400<<10) }, nil, ""},
		{"a year past 9999", func(s *sample) { s.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, sampleAt.Set(time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)), "at"},
	} {
		t.Run(row.name, func(t *testing.T) {
			item := sample{ID: "1"}
			row.item(&item)
			var errs []error
			_, err := e.Create(ctx, item)
			errs = append(errs, err)
			_, err = e.Put(ctx, item)
			errs = append(errs, err)
			if row.change != nil {
				_, err = e.Update(ctx, sample{ID: "1"}, row.change)
				errs = append(errs, err)
				_, err = e.Upsert(ctx, sample{ID: "1"}, row.change)
				errs = append(errs, err)
			}
			for _, err := range errs {
				requireError(t, err, monotable.ErrInvalid)
				require.ErrorContains(t, err, row.path)
			}
		})
	}
	t.Run("keys and operands", func(t *testing.T) {
		for _, call := range []func() error{
			func() error { _, err := e.Get(ctx, sample{ID: "\xff"}); return err },
			func() error { _, err := e.Delete(ctx, sample{ID: "\xff"}); return err },
			func() error { _, err := e.Query(sample{ID: "\xff"}).First(ctx); return err },
			func() error { _, err := e.Query(sample{ID: "1"}).Filter(sampleText.Eq("\xff")).First(ctx); return err },
			func() error {
				_, err := e.Query(sample{ID: "1"}).Filter(monotable.HasPrefix(sampleText, "\xff")).First(ctx)
				return err
			},
			func() error {
				_, err := e.Query(sample{ID: "1"}).Filter(monotable.Contains(sampleSet, "\xff")).First(ctx)
				return err
			},
			func() error {
				_, err := e.Query(sample{ID: "1"}).Filter(sampleFloat.Lt(math.NaN())).First(ctx)
				return err
			},
			func() error { _, err := e.Delete(ctx, sample{ID: "1"}, sampleFloat.In(1, math.Inf(1))); return err },
		} {
			requireError(t, call(), monotable.ErrInvalid)
		}
	})
	require.Zero(t, spy.calls())
}

// TestF080_ValuesComeBackAsTheyWere also is F078, F079, F084 and F088.
func TestF080_ValuesComeBackAsTheyWere(t *testing.T) {
	s, _, e := openSamples(t)
	ctx := t.Context()
	digits, _ := new(big.Int).SetString(strings.Repeat("9", 38), 10)
	zone := time.FixedZone("X", -5*3600)
	for _, row := range []struct {
		name string
		item func(*sample)
		raw  rawItem // some of what is stored; nil: must not be
	}{
		{"control characters, nothing trimmed or folded", func(s *sample) { s.Text = " \x00\x1f é e\u0301 \U0010FFFF " }, rawItem{"text": avS(" \x00\x1f é e\u0301 \U0010FFFF ")}},
		{"extremes", func(s *sample) { s.Int, s.Uint, s.Small = math.MinInt64, math.MaxUint64, -128 }, rawItem{"int": avN("-9223372036854775808"), "uint": avN("18446744073709551615")}},
		{"past 2^53", func(s *sample) { s.Int = 9007199254740993 }, rawItem{"int": avN("9007199254740993")}},
		{"38 digits", func(s *sample) { s.Big = digits }, rawItem{"big": avN(strings.Repeat("9", 38))}},
		{"nil slices and maps", func(s *sample) {}, rawItem{"texts": nil, "set": nil, "words": nil, "bytes": nil, "any": nil, "big": nil, "tree": nil, "omit": nil}},
		{"empty ones", func(s *sample) { s.Texts, s.Words, s.Bytes = []string{}, map[string]string{}, []byte{} }, rawItem{
			"texts": avL(), "words": avM(rawItem{}), "bytes": avB(""),
		}},
		{"empty in a map", func(s *sample) { s.Deep = map[string][]int64{"a": {}, "b": {1}} }, nil},
		{"zero values", func(s *sample) {}, rawItem{"text": avS(""), "float": avN("0"), "flag": avBool(false), "at": avS("0001-01-01T00:00:00.000000000Z")}},
		{"a time", func(s *sample) { s.At = noon.Add(10).In(zone) }, rawItem{"at": avS(sortable(noon.Add(10)))}},
		{"a time without fractions", func(s *sample) { s.At = noon.Truncate(time.Hour) }, rawItem{"at": avS("2026-11-21T12:00:00.000000000Z")}},
		{"a time with a monotonic part", func(s *sample) { s.At = time.Now() }, nil},
		{"unix", func(s *sample) { s.Unix = noon.In(zone) }, rawItem{"unix": avN("1795262400")}},
		{"any", func(s *sample) { s.Any = map[string]any{"a": []any{"b", true, nil}} }, nil},
		{"a marshaler", func(s *sample) { s.Odd.mode = "ity" }, rawItem{"odd": avS("oddity")}},
		{"an array", func(s *sample) { s.Pair = [2]int{1, 2} }, rawItem{"pair": avL(avN("1"), avN("2"))}},
	} {
		t.Run(row.name, func(t *testing.T) {
			item := sample{ID: "1"}
			row.item(&item)
			check := unchanged(t, &item)
			written, err := e.Put(ctx, item)
			require.NoError(t, err)
			check()
			stored := s.stored(keyPS("S#1", "S"))
			for name, av := range row.raw {
				if av == nil {
					require.NotContains(t, stored, name)
				} else {
					require.Equal(t, av, stored[name], name)
				}
			}
			read, err := e.Get(ctx, item)
			require.NoError(t, err)
			require.Equal(t, read, written, "what is returned is what is read back")
			require.True(t, item.At.Equal(read.At))
			require.True(t, item.Unix.Truncate(time.Second).Equal(read.Unix))
			item.At, item.Unix, read.At, read.Unix = noon, noon, noon, noon
			if _, ok := item.Any.(map[string]any); !ok {
				require.Equal(t, item, read)
			}
			modified, err := e.Modify(ctx, item, func(s *sample) error { s.Flag = !s.Flag; return nil })
			require.NoError(t, err)
			again, err := e.Get(ctx, item)
			require.NoError(t, err)
			require.Equal(t, again, modified)
		})
	}
}

// TestF083_ZeroAndEmptyBySet also is F085 and F093: untouched, set and removed are three states.
func TestF083_ZeroAndEmptyBySet(t *testing.T) {
	s, spy, e := openSamples(t)
	ctx := t.Context()
	full := sample{
		ID: "1", Text: "t", Texts: []string{"a"}, Set: []string{"a"}, Words: map[string]string{"a": "b"}, Float: 1, Flag: true, Bytes: []byte("b"), Big: big.NewInt(1), Omit: "o",
	}
	_, err := e.Create(ctx, full)
	require.NoError(t, err)
	seed := s.stored(keyPS("S#1", "S"))
	type changes = []monotable.Change[sample]
	for _, row := range []struct {
		name    string
		changes changes
		want    rawItem
	}{
		{"zero", changes{sampleText.Set(""), sampleFloat.Set(0), sampleFlag.Set(false)}, rawItem{"text": avS(""), "float": avN("0"), "flag": avBool(false)}},
		{"zero of an omitempty attribute", changes{sampleOmit.Set("")}, rawItem{"omit": avS("")}},
		{"empty", changes{sampleTexts.Set([]string{}), sampleWords.Set(map[string]string{}), sampleBytes.Set([]byte{})}, rawItem{"texts": avL(), "words": avM(rawItem{}), "bytes": avB("")}},
		{"an empty set", changes{sampleSet.Set([]string{})}, rawItem{"set": nil}},
		{"nil", changes{sampleTexts.Set(nil), sampleSet.Set(nil), sampleWords.Set(nil), sampleBytes.Set(nil), sampleBig.Set(nil)}, rawItem{"texts": nil, "set": nil, "words": nil, "bytes": nil, "big": nil}},
		{"removed", changes{sampleText.Remove(), sampleFloat.Remove(), sampleFlag.Remove(), sampleSet.Remove()}, rawItem{"text": nil, "float": nil, "flag": nil, "set": nil}},
		{"the last member", changes{monotable.DeleteFrom(sampleSet, "a", "x")}, rawItem{"set": nil}},
		{"an element of a map", changes{monotable.MapKey(sampleWords, "a").Remove(), monotable.MapKey(sampleWords, "").Set("x")}, nil},
		{"elements", changes{monotable.MapKey(sampleWords, "a").Remove(), monotable.MapKey(sampleWords, "c").Set("")}, rawItem{"words": avM(rawItem{"c": avS("")})}},
		{"of a list", changes{monotable.At(sampleTexts, 0).Set("z"), monotable.At(sampleTexts, 9).Set("y")}, rawItem{"texts": avL(avS("z"), avS("y"))}},
		{"around a list", changes{monotable.Prepend(sampleTexts, "x", "y")}, rawItem{"texts": avL(avS("x"), avS("y"), avS("a"))}},
		{"what was not there", changes{monotable.AddTo(sampleNums, 1), monotable.MapKey(sampleWords, "gone").Remove(), monotable.Add(sampleInt, 0)}, rawItem{"nums": &types.AttributeValueMemberNS{Value: []string{"1"}}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.write(seed)
			_, err := e.Update(ctx, sample{ID: "1"}, row.changes...)
			if row.want == nil {
				requireError(t, err, monotable.ErrInvalid)
				row.want = rawItem{}
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, with(seed, row.want), s.stored(keyPS("S#1", "S")))
		})
	}
	t.Run("conditions on what is never stored", func(t *testing.T) {
		before := spy.calls()
		for name, c := range map[string]monotable.Cond[sample]{
			"omitempty": sampleOmit.Eq(""), "nil": sampleBig.Eq(nil), "a nil slice": sampleTexts.Ne(nil), "an empty set": sampleSet.Eq([]string{}), "In": sampleOmit.In("a", ""),
		} {
			_, err := e.Query(sample{ID: "1"}).Filter(c).Collect(ctx)
			require.ErrorIs(t, err, monotable.ErrInvalid, name)
		}
		require.Equal(t, before, spy.calls())
	})
}

// TestF092_StoredTypeDiffers also is F082 and F019: what does not fit is a typed error with the path, on every verb.
func TestF092_StoredTypeDiffers(t *testing.T) {
	s, _, e := openSamples(t)
	ctx := t.Context()
	base := rawItem{"PK": avS("S#1"), "SK": avS("S"), "_et": avS("Sample"), "id": avS("1")}
	for path, bad := range map[string]rawItem{
		"text": {"text": avN("1")}, "small": {"small": avN("300")}, "uint": {"uint": avN("-1")}, "int": {"int": avN("1.5")}, "pair": {"pair": avL(avN("1"), avN("2"), avN("3"))},
		"words": {"words": avS("x")}, "texts": {"texts": avL(avS("a"), avM(rawItem{}))}, "at": {"at": avS("yesterday")}, "odd": {"odd": avS("odd!")}, "big": {"big": avS("1")},
	} {
		s.write(with(base, bad))
		for name, call := range map[string]func() error{
			"Get":    func() error { _, err := e.Get(ctx, sample{ID: "1"}); return err },
			"Query":  func() error { _, err := e.Query(sample{ID: "1"}).Collect(ctx); return err },
			"Scan":   func() error { _, err := e.Scan().First(ctx); return err },
			"Modify": func() error { _, err := e.Modify(ctx, sample{ID: "1"}, func(*sample) error { return nil }); return err },
		} {
			err := call()
			failed, ok := errors.AsType[*monotable.DecodeError](err)
			require.True(t, ok, "%s of %s: %v", name, path, err)
			require.False(t, failed.Written)
			require.Equal(t, base["PK"], failed.Item["PK"])
			require.ErrorContains(t, err, path)
			require.NotErrorIs(t, err, monotable.ErrNotFound)
		}
		_, err := e.Update(ctx, sample{ID: "1"}, sampleFlag.Set(true))
		failed, ok := errors.AsType[*monotable.DecodeError](err)
		require.True(t, ok, "%v", err)
		require.True(t, failed.Written, "it was written, and the error says so")
		require.NotErrorIs(t, err, monotable.ErrConditionFailed)
		require.Equal(t, with(base, with(bad, rawItem{"flag": avBool(true)})), s.stored(keyPS("S#1", "S")))
	}
	t.Run("numbers in any form", func(t *testing.T) {
		s.write(with(base, rawItem{"int": avN("1E3"), "float": avN("1.50"), "uint": avN("10.0")}))
		got, err := e.Get(ctx, sample{ID: "1"})
		require.NoError(t, err)
		require.Equal(t, []float64{1000, 1.5, 10}, []float64{float64(got.Int), got.Float, float64(got.Uint)})
	})
	t.Run("NULL and missing", func(t *testing.T) {
		null := &types.AttributeValueMemberNULL{Value: true}
		s.write(with(base, rawItem{"big": null, "texts": null, "words": null}))
		got, err := e.Get(ctx, sample{ID: "1"})
		require.NoError(t, err)
		require.Nil(t, got.Big)
		require.Nil(t, got.Texts)
	})
}
