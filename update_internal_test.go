package monotable

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// Arbitrary changes of arbitrary items, beside a small model of what DynamoDB says of them.

type thing struct {
	ID    string           `dynamodbav:"id"`
	N     int64            `dynamodbav:"n"`
	Small int8             `dynamodbav:"small"`
	List  []int64          `dynamodbav:"li.st"`
	Names []string         `dynamodbav:"names,stringset"`
	Map   map[string]int64 `dynamodbav:"map"`
	In    struct {
		X    int64    `dynamodbav:"x"`
		Tags []string `dynamodbav:"#tags,stringset"`
		Z    []int64  `dynamodbav:"z"`
	} `dynamodbav:"in"`
}

var (
	thingSmall = Field(func(v *thing) *int8 { return &v.Small })
	thingList  = Field(func(v *thing) *[]int64 { return &v.List })
	thingZ     = Field(func(v *thing) *[]int64 { return &v.In.Z })
	thingMap   = Field(func(v *thing) *map[string]int64 { return &v.Map })
	thingNames = Field(func(v *thing) *[]string { return &v.Names })
	thingTags  = Field(func(v *thing) *[]string { return &v.In.Tags })
	thingN     = Field(func(v *thing) *int64 { return &v.N })
	thingX     = Field(func(v *thing) *int64 { return &v.In.X })
)

// tape is the bytes that a program of changes is made of; behind its end there are zeros.
type tape []byte

func (t *tape) next(n int) int {
	if len(*t) == 0 {
		return 0
	}
	b := (*t)[0]
	*t = (*t)[1:]
	return int(b) % n
}

func (t *tape) number() int64 { return int64(t.next(256) - 128) }

func (t *tape) numbers() []int64 {
	all := make([]int64, t.next(4))
	for i := range all {
		all[i] = t.number()
	}
	return all
}

func (t *tape) words() []string {
	var all []string
	for i, bits := 0, t.next(8); i < 3; i++ {
		if bits&(1<<i) != 0 {
			all = append(all, string("abc"[i]))
		}
	}
	return all
}

func avNumber(n int64) types.AttributeValue { return number(n).av }

func avNumbers(all []int64) types.AttributeValue {
	list := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
	for _, n := range all {
		list.Value = append(list.Value, avNumber(n))
	}
	return list
}

// avWords is nil for an empty set, which cannot be stored.
func avWords(all []string) types.AttributeValue {
	if len(all) == 0 {
		return nil
	}
	return &types.AttributeValueMemberSS{Value: all}
}

// stored is an item with any attributes of a thing.
func (t *tape) stored() attributeMap {
	item := attributeMap{}
	put := func(into attributeMap, name string, av types.AttributeValue) {
		if t.next(4) > 0 && av != nil {
			into[name] = av
		}
	}
	put(item, "n", avNumber(t.number()))
	put(item, "small", avNumber(t.number()))
	put(item, "li.st", avNumbers(t.numbers()))
	put(item, "names", avWords(t.words()))
	fields, in := attributeMap{}, attributeMap{}
	put(fields, "a", avNumber(t.number()))
	put(fields, "b.c", avNumber(t.number()))
	put(item, "map", &types.AttributeValueMemberM{Value: fields})
	put(in, "x", avNumber(t.number()))
	put(in, "#tags", avWords(t.words()))
	put(in, "z", avNumbers(t.numbers()))
	put(item, "in", &types.AttributeValueMemberM{Value: in})
	return item
}

// modelled is what DynamoDB would make of a change: the value after it, from the one before; nil stands for none.
type modelled struct {
	path  path
	check func(at func(path) types.AttributeValue) bool // of the whole item before; nil where nothing can go wrong
	apply func(before types.AttributeValue, at func(path) types.AttributeValue) types.AttributeValue
	wrong bool // it is refused, whatever the item
}

func whole(av types.AttributeValue) func(types.AttributeValue, func(path) types.AttributeValue) types.AttributeValue {
	return func(types.AttributeValue, func(path) types.AttributeValue) types.AttributeValue { return av }
}

func integer(av types.AttributeValue) int64 {
	if av == nil {
		return 0
	}
	n, _ := strconv.ParseInt(av.(*types.AttributeValueMemberN).Value, 10, 64)
	return n
}

func elements(av types.AttributeValue) []types.AttributeValue {
	if av == nil {
		return nil
	}
	return av.(*types.AttributeValueMemberL).Value
}

func members(av types.AttributeValue) []string {
	if av == nil {
		return nil
	}
	return av.(*types.AttributeValueMemberSS).Value
}

// change is the next change of the program, and its model; a condition has no apply.
func (t *tape) change() (Change[thing], modelled) {
	numbers := []Attr[thing, int64]{thingN, thingX, At(thingList, t.next(4)), At(thingZ, 0), MapKey(thingMap, "a"), MapKey(thingMap, "b.c"), MapKey(thingMap, "new")}
	lists, sets := []Attr[thing, []int64]{thingList, thingZ}, []Attr[thing, []string]{thingNames, thingTags}
	a, list, set := numbers[t.next(len(numbers))], lists[t.next(len(lists))], sets[t.next(len(sets))]
	m := modelled{path: a.spec.loc.path}
	op := t.next(18)
	switch op {
	case 0, 1, 2, 3, 4, 5, 6:
		n := t.number()
		switch op {
		case 0:
			m.apply = whole(avNumber(n))
			return a.Set(n), m
		case 1:
			m.apply = func(before types.AttributeValue, _ func(path) types.AttributeValue) types.AttributeValue {
				return cmp.Or(before, avNumber(n))
			}
			return a.SetIfAbsent(n), m
		case 2:
			m.apply = func(before types.AttributeValue, _ func(path) types.AttributeValue) types.AttributeValue {
				return avNumber(integer(before) + n)
			}
			return Add(a, n), m
		case 3:
			m.check = func(at func(path) types.AttributeValue) bool {
				before := at(a.spec.loc.path)
				return before != nil && integer(before) >= n
			}
			return a.Ge(n), m
		case 4:
			m.check = func(at func(path) types.AttributeValue) bool {
				before := at(a.spec.loc.path)
				return before == nil || integer(before) != n
			}
			return a.Ne(n), m
		case 5:
			m.check = func(at func(path) types.AttributeValue) bool {
				before := at(a.spec.loc.path)
				return before == nil || integer(before) < n
			}
			return Any(a.NotExists(), Not(a.Ge(n))), m
		}
		m.path = thingSmall.spec.loc.path
		step := int8(n)
		fits := func(sum int64) bool { return sum >= math.MinInt8 && sum <= math.MaxInt8 }
		m.check = func(at func(path) types.AttributeValue) bool { return fits(integer(at(m.path)) + int64(step)) }
		m.apply = func(before types.AttributeValue, _ func(path) types.AttributeValue) types.AttributeValue {
			return avNumber(integer(before) + int64(step))
		}
		return Add(thingSmall, step), m
	case 7:
		m.apply = whole(nil)
		return a.Remove(), m
	case 8:
		source := numbers[t.next(len(numbers))]
		m.wrong = source.spec.loc.path.equal(m.path)
		m.check = func(at func(path) types.AttributeValue) bool { return at(source.spec.loc.path) != nil }
		m.apply = func(_ types.AttributeValue, at func(path) types.AttributeValue) types.AttributeValue {
			return at(source.spec.loc.path)
		}
		return a.SetFrom(source), m
	case 9, 10, 11, 12:
		all := t.numbers()
		m.path = list.spec.loc.path
		switch op {
		case 9:
			m.apply = whole(avNumbers(all))
			return list.Set(all), m
		case 10:
			m.apply = whole(nil)
			return list.Remove(), m
		}
		m.wrong = len(all) == 0
		more := elements(avNumbers(all))
		m.apply = func(before types.AttributeValue, _ func(path) types.AttributeValue) types.AttributeValue {
			if op == 11 {
				return &types.AttributeValueMemberL{Value: slices.Concat(elements(before), more)}
			}
			return &types.AttributeValueMemberL{Value: slices.Concat(more, elements(before))}
		}
		if op == 11 {
			return Append(list, all...), m
		}
		return Prepend(list, all...), m
	case 13, 14, 15:
		all := t.words()
		m.path = set.spec.loc.path
		if op == 13 {
			m.apply = whole(avWords(all))
			return set.Set(all), m
		}
		m.wrong = len(all) == 0
		m.apply = func(before types.AttributeValue, _ func(path) types.AttributeValue) types.AttributeValue {
			left := slices.DeleteFunc(slices.Clone(members(before)), func(s string) bool { return slices.Contains(all, s) })
			if op == 14 {
				left = append(left, all...)
			}
			return avWords(left)
		}
		if op == 14 {
			return AddTo(set, all...), m
		}
		return DeleteFrom(set, all...), m
	case 16:
		fields := map[string]int64{"a": t.number()}
		m.path, m.apply = thingMap.spec.loc.path, whole(&types.AttributeValueMemberM{Value: attributeMap{"a": avNumber(fields["a"])}})
		return thingMap.Set(fields), m
	}
	m.path, m.apply = thingMap.spec.loc.path, whole(nil)
	return thingMap.Remove(), m
}

// storedAt finds what is stored at a path; nil where nothing is.
func storedAt(item attributeMap, p path) types.AttributeValue {
	var av types.AttributeValue = &types.AttributeValueMemberM{Value: item}
	for _, e := range p {
		switch v := av.(type) {
		case *types.AttributeValueMemberM:
			av = v.Value[e.name]
		case *types.AttributeValueMemberL:
			if av = nil; e.index < len(v.Value) {
				av = v.Value[e.index]
			}
		default:
			return nil
		}
	}
	return av
}

// with is the value after changes of what is in it. Elements that are removed go last, for the others' indexes are those of before.
func with(av types.AttributeValue, changes map[string]modelled, here path, at func(path) types.AttributeValue) types.AttributeValue {
	if m, ok := changes[here.String()]; ok {
		return m.apply(av, at)
	}
	switch v := av.(type) {
	case *types.AttributeValueMemberM:
		fields := attributeMap{}
		names := slices.Collect(maps.Keys(v.Value))
		for _, m := range changes {
			if len(m.path) > len(here) && m.path.under(here) {
				names = append(names, m.path[len(here)].name)
			}
		}
		for _, name := range names {
			if after := with(v.Value[name], changes, here.child(nameElement(name)), at); after != nil {
				fields[name] = after
			}
		}
		return &types.AttributeValueMemberM{Value: fields}
	case *types.AttributeValueMemberL:
		list := []types.AttributeValue{}
		for i := range len(v.Value) + 1 + 4 { // an index beyond the end appends
			var before types.AttributeValue
			if i < len(v.Value) {
				before = v.Value[i]
			}
			if after := with(before, changes, here.child(indexElement(i)), at); after != nil {
				list = append(list, after)
			}
		}
		return &types.AttributeValueMemberL{Value: list}
	}
	return av
}

// expected is the item after the changes; false if they must be refused.
func expected(item attributeMap, all []modelled) (attributeMap, bool) {
	at := func(p path) types.AttributeValue { return storedAt(item, p) }
	changes := map[string]modelled{}
	var written []path
	for _, m := range all {
		if m.wrong || m.check != nil && !m.check(at) {
			return nil, false
		}
		if m.apply == nil {
			continue
		}
		for _, p := range written {
			if p.under(m.path) || m.path.under(p) {
				return nil, false
			}
		}
		if len(m.path) > 1 && at(m.path[:len(m.path)-1]) == nil {
			return nil, false
		}
		written = append(written, m.path)
		changes[m.path.String()] = m
	}
	if len(changes) == 0 {
		return nil, false
	}
	return with(&types.AttributeValueMemberM{Value: item}, changes, nil, at).(*types.AttributeValueMemberM).Value, true
}

// updating is an entity and its database.
type updating struct {
	client *dynamodb.Client
	things *Entity[thing]
	key    attributeMap
}

func newUpdating(t testing.TB) *updating {
	t.Helper()
	client := memory(t)
	table, err := NewTable(client, TableConfig{Name: "things", PartitionKey: "the key"})
	require.NoError(t, err)
	things, err := NewEntity(table, Schema[thing]{Name: "Thing", Key: Key{Partition: "THING#{id}"}, Tag: TagNone})
	require.NoError(t, err)
	key, err := things.Key(thing{ID: "1"})
	require.NoError(t, err)
	return &updating{client, things, key}
}

// run makes the changes of a program on an item: either all of what they say is stored, or they are refused and nothing is. It says
// whether they were made.
func (u *updating) run(t *testing.T, itemBytes, program []byte) bool {
	ctx, from, steps := context.Background(), tape(itemBytes), tape(program)
	item := from.stored()
	maps.Copy(item, u.key)
	item["id"] = text("1").av
	_, err := u.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("things"), Item: item})
	require.NoError(t, err)

	var changes []Change[thing]
	var models []modelled
	beyond := map[string]bool{}
	for range 1 + steps.next(5) {
		c, m := steps.change()
		above := m.path[:len(m.path)-1]
		if last := m.path[len(above)]; m.apply != nil && last.name == "" && last.index >= len(elements(storedAt(item, above))) {
			if beyond[above.String()] {
				return false // their order is the service's
			}
			beyond[above.String()] = true
		}
		changes, models = append(changes, c), append(models, m)
	}
	want, ok := expected(item, models)
	got, err := u.things.Update(ctx, thing{ID: "1"}, changes...)
	after, getErr := u.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("things"), Key: u.key})
	require.NoError(t, getErr)
	said := fmt.Sprint(changes)
	if !ok {
		require.Error(t, err, said)
		require.Equal(t, sorted(item), sorted(after.Item), said)
		return false
	}
	require.NoError(t, err, said)
	require.Equal(t, sorted(want), sorted(after.Item), said)
	again, err := u.things.Get(ctx, thing{ID: "1"})
	require.NoError(t, err)
	require.Equal(t, again, got)
	return true
}

func TestAnyChangesOfAnyItem(t *testing.T) {
	u := newUpdating(t)
	dice := rand.New(rand.NewPCG(4, 18)) //nolint:gosec // a test
	bytes := func() []byte {
		b := make([]byte, dice.IntN(40))
		for i := range b {
			b[i] = byte(dice.IntN(256))
		}
		return b
	}
	made := 0
	for range 2000 {
		if u.run(t, bytes(), bytes()) {
			made++
		}
	}
	require.Greater(t, made, 400)
}

func FuzzUpdate(f *testing.F) {
	u := newUpdating(f)
	for op := range byte(18) {
		f.Add([]byte{1, 130, 1, 200, 1, 2, 129, 131, 1, 7, 1, 140, 1, 150, 1, 1, 133, 1, 3, 1, 1, 9, 1}, []byte{1, 0, op, 1, op, 200, 100, 3, 140})
		f.Add([]byte{}, []byte{0, 3, 6, 0, 1, op, 131, 1, 1})
		f.Add([]byte{1, 130}, []byte{2, 1, 2, 1, 0, op, 129, 3, op, 1, 1, 17, 1, 2, 0})
	}
	f.Fuzz(func(t *testing.T, item, program []byte) { u.run(t, item, program) })
}

// sorted is the item with its sets in order.
func sorted(item attributeMap) attributeMap {
	out := attributeMap{}
	for name, av := range item {
		switch v := av.(type) {
		case *types.AttributeValueMemberSS:
			av = &types.AttributeValueMemberSS{Value: slices.Compact(slices.Sorted(slices.Values(v.Value)))}
		case *types.AttributeValueMemberM:
			av = &types.AttributeValueMemberM{Value: sorted(v.Value)}
		}
		out[name] = av
	}
	return out
}

type gauge struct {
	ID     string                  `dynamodbav:"id"`
	Values []json.Number           `dynamodbav:"values"`
	In     struct{ N json.Number } `dynamodbav:"in"`
	Notes  []*string               `dynamodbav:"notes"`
}

// What cannot be stored is named by its whole path.
func TestRefusedValuesAreNamed(t *testing.T) {
	table, err := NewTable(unsent{}, TableConfig{Name: "gauges", PartitionKey: "PK"})
	require.NoError(t, err)
	gauges, err := NewEntity(table, Schema[gauge]{Name: "Gauge", Key: Key{Partition: "GAUGE#{id}"}})
	require.NoError(t, err)
	values, in, notes := Field(func(r *gauge) *[]json.Number { return &r.Values }), Field(func(r *gauge) *struct{ N json.Number } { return &r.In }), Field(func(r *gauge) *[]*string { return &r.Notes })
	for want, change := range map[string]Change[gauge]{
		"invalid: values[1]: ": values.Set([]json.Number{"1", "x"}),
		"invalid: in.N: ":      in.Set(struct{ N json.Number }{"x"}),
		"cannot be contained":  Contains(notes, nil),
		"values: ":             Contains(values, "x"),
	} {
		_, err := gauges.Update(context.Background(), gauge{ID: "1"}, change, At(values, 0).Set("7"))
		require.ErrorIs(t, err, ErrInvalid)
		require.ErrorContains(t, err, want)
	}
}
