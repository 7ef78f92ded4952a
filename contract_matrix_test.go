package monotable_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// The matrix: every verb × key type × with and without sort key × where it is sent × nothing or an item
// there × no condition, one that holds, one that fails. What each cell does is one function below.

// cell is an item whose key is of type V.
type cell[V any] struct {
	Part  V      `dynamodbav:"part"`
	Rank  V      `dynamodbav:"rank"`
	Count int    `dynamodbav:"count"`
	Note  string `dynamodbav:"note"`
}

// keyKind is a type of key attribute.
type keyKind[V any] struct {
	kind     types.ScalarAttributeType
	template string // of a placeholder's value
	part     V
	rank     V
	keyPart  types.AttributeValue // as stored in the key
	keyRank  types.AttributeValue
	avPart   types.AttributeValue // as stored in the attribute of T
	avRank   types.AttributeValue
	avZero   types.AttributeValue // how a zero value that is no key is stored; nil if it is not
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	runMatrix(t, keyKind[string]{"S", "K#{%s}", "a b", "é", avS("K#a b"), avS("K#é"), avS("a b"), avS("é"), avS("")})
	runMatrix(t, keyKind[int64]{"N", "{%s}", 9007199254740993, -1, avN("9007199254740993"), avN("-1"), avN("9007199254740993"), avN("-1"), avN("0")})
	runMatrix(t, keyKind[[]byte]{"B", "{%s}", []byte{0, 255}, []byte("#"), avB("\x00\xff"), avB("#"), avB("\x00\xff"), avB("#"), nil})
}

func runMatrix[V any](t *testing.T, k keyKind[V]) {
	for _, sorted := range []bool{false, true} {
		for _, where := range []string{"its own table", "another table"} {
			t.Run(fmt.Sprintf("%s/sort=%v/%s", k.kind, sorted, where), func(t *testing.T) {
				m := newMatrix(t, k, sorted, where == "another table")
				for _, seeded := range []bool{false, true} {
					for _, cond := range []condition{noCondition, holds, fails} {
						for _, verb := range m.verbs() {
							name := fmt.Sprintf("%s/seeded=%v/%s", verb.name, seeded, cond)
							ok := t.Run(name, func(t *testing.T) { m.run(t, verb, seeded, cond) })
							if !ok {
								return // the rest would say the same
							}
						}
					}
				}
				m.cfg.Name = "main"
				if where == "another table" {
					require.Empty(t, m.dump(), "something was sent to the entity's own table")
				}
			})
		}
	}
}

type condition string

const (
	noCondition condition = "no condition"
	holds       condition = "holds"
	fails       condition = "fails"
)

// matrix is one table with one entity.
type matrix[V any] struct {
	*store
	e     *monotable.Entity[cell[V]]
	count monotable.Attr[cell[V], int]
	note  monotable.Attr[cell[V], string]
	key   cell[V]
	at    rawItem
	seed  rawItem // what is stored in a seeded cell
}

func newMatrix[V any](t *testing.T, k keyKind[V], sorted, elsewhere bool) *matrix[V] {
	cfg := monotable.TableConfig{Name: "main", PartitionKey: "PK", PartitionKeyType: k.kind}
	key := monotable.Key{Partition: fmt.Sprintf(k.template, "part")}
	at := rawItem{"PK": k.keyPart}
	if !sorted {
		var zero V
		k.rank, k.avRank = zero, k.avZero
	} else {
		cfg.SortKey, cfg.SortKeyType = "SK", k.kind
		key.Sort = fmt.Sprintf(k.template, "rank")
		at["SK"] = k.keyRank
	}
	m := &matrix[V]{
		store: openStore(t, cfg),
		count: monotable.Field(func(c *cell[V]) *int { return &c.Count }),
		note:  monotable.Field(func(c *cell[V]) *string { return &c.Note }),
		key:   cell[V]{Part: k.part, Rank: k.rank},
		at:    at,
		seed:  with(at, rawItem{"part": k.avPart, "rank": k.avRank, "count": avN("1"), "note": avS("old"), "_et": avS("Cell")}),
	}
	m.e = mustEntity(t, m.Table, monotable.Schema[cell[V]]{Name: "Cell", Key: key})
	if elsewhere {
		_, err := m.client.CreateTable(t.Context(), m.With(monotable.TableName("other")).CreateInput())
		require.NoError(t, err)
		m.cfg.Name = "other"
		m.e = m.e.With(monotable.TableName("other"))
	}
	return m
}

// item is the argument of Create and Put.
func (m *matrix[V]) item() cell[V] {
	item := m.key
	item.Count, item.Note = 5, "new"
	return item
}

func (m *matrix[V]) conds(seeded bool, c condition) []monotable.Cond[cell[V]] {
	switch {
	case c == noCondition:
		return nil
	case c == holds && seeded:
		return []monotable.Cond[cell[V]]{m.count.Eq(1), m.note.Exists()}
	case c == holds:
		return []monotable.Cond[cell[V]]{m.count.NotExists()}
	case seeded:
		return []monotable.Cond[cell[V]]{m.note.Exists(), m.count.Gt(1)}
	}
	return []monotable.Cond[cell[V]]{m.note.Exists()}
}

func (m *matrix[V]) changes(seeded bool, c condition) []monotable.Change[cell[V]] {
	changes := []monotable.Change[cell[V]]{m.note.Set("new"), monotable.Add(m.count, 4)}
	for _, cond := range m.conds(seeded, c) {
		changes = append(changes, cond)
	}
	return changes
}

// outcome is what a verb must do: the errors it must be, or the count and note returned and stored.
type outcome struct {
	errs   []error
	none   bool // nothing is returned, without an error
	count  int
	note   string
	stored bool // count and note are what is stored afterwards; else nothing has changed
	gone   bool
}

var (
	notFound = outcome{errs: []error{monotable.ErrNotFound, monotable.ErrConditionFailed}}
	exists   = outcome{errs: []error{monotable.ErrAlreadyExists, monotable.ErrConditionFailed}}
	refused  = outcome{errs: []error{monotable.ErrConditionFailed}}
	none     = outcome{none: true}
	written  = outcome{count: 5, note: "new", stored: true}
	created  = outcome{count: 4, note: "new", stored: true}
	found    = outcome{count: 1, note: "old"}
	deleted  = outcome{count: 1, note: "old", gone: true}
)

// matrixVerb is a verb: what it does where nothing is and where an item is, by condition.
type matrixVerb[V any] struct {
	name   string
	call   func(t *testing.T, seeded bool, c condition) (*cell[V], error)
	absent [3]outcome // no condition, holds, fails
	there  [3]outcome
}

func (m *matrix[V]) verbs() []matrixVerb[V] {
	ptr := func(c cell[V], err error) (*cell[V], error) { return &c, err }
	errStop := errors.New("stop")
	return []matrixVerb[V]{
		{"Create", func(t *testing.T, seeded bool, c condition) (*cell[V], error) {
			return ptr(m.e.Create(t.Context(), m.item(), m.conds(seeded, c)...))
		}, [3]outcome{written, written, refused}, [3]outcome{exists, exists, exists}},
		{"Put", func(t *testing.T, seeded bool, c condition) (*cell[V], error) {
			return ptr(m.e.Put(t.Context(), m.item(), m.conds(seeded, c)...))
		}, [3]outcome{written, written, refused}, [3]outcome{written, written, refused}},
		{"Update", func(t *testing.T, seeded bool, c condition) (*cell[V], error) {
			return ptr(m.e.Update(t.Context(), m.key, m.changes(seeded, c)...))
		}, [3]outcome{notFound, notFound, notFound}, [3]outcome{written, written, refused}},
		{"Upsert", func(t *testing.T, seeded bool, c condition) (*cell[V], error) {
			return ptr(m.e.Upsert(t.Context(), m.key, m.changes(seeded, c)...))
		}, [3]outcome{created, created, refused}, [3]outcome{written, written, refused}},
		{"Modify", func(t *testing.T, _ bool, c condition) (*cell[V], error) {
			item, err := m.e.Modify(t.Context(), m.key, func(item *cell[V]) error {
				item.Count, item.Note = item.Count+4, "new"
				if c == fails {
					return errStop
				}
				return nil
			})
			if errors.Is(err, errStop) || errors.Is(err, monotable.ErrNotFound) {
				err = monotable.ErrConditionFailed // whatever else it is
			}
			return &item, err
		}, [3]outcome{refused, refused, refused}, [3]outcome{written, written, refused}},
		{"Delete", func(t *testing.T, seeded bool, c condition) (*cell[V], error) {
			return m.e.Delete(t.Context(), m.key, m.conds(seeded, c)...)
		}, [3]outcome{none, notFound, notFound}, [3]outcome{deleted, deleted, refused}},
		{"Get", func(t *testing.T, _ bool, c condition) (*cell[V], error) {
			e := m.e
			if c == holds {
				e = e.With(monotable.Consistent())
			}
			item, err := e.Get(t.Context(), m.key)
			if errors.Is(err, monotable.ErrNotFound) && !errors.Is(err, monotable.ErrConditionFailed) {
				return nil, nil
			}
			return &item, err
		}, [3]outcome{none, none, none}, [3]outcome{found, found, found}},
		{"Query", func(t *testing.T, seeded bool, c condition) (*cell[V], error) {
			items, err := m.e.Query(m.key).Filter(m.conds(seeded, c)...).Collect(t.Context())
			return only(t, items), err
		}, [3]outcome{none, none, none}, [3]outcome{found, found, none}},
		{"Scan", func(t *testing.T, seeded bool, c condition) (*cell[V], error) {
			items, err := m.e.Scan().Filter(m.conds(seeded, c)...).Collect(t.Context())
			return only(t, items), err
		}, [3]outcome{none, none, none}, [3]outcome{found, found, none}},
	}
}

func only[T any](t *testing.T, items []T) *T {
	t.Helper()
	require.LessOrEqual(t, len(items), 1)
	if len(items) == 0 {
		return nil
	}
	return &items[0]
}

func (m *matrix[V]) run(t *testing.T, verb matrixVerb[V], seeded bool, c condition) {
	_, err := m.e.Delete(t.Context(), m.key)
	require.NoError(t, err)
	before, outcomes := rawItem(nil), verb.absent
	if seeded {
		m.write(m.seed)
		before, outcomes = m.seed, verb.there
	}
	want := outcomes[map[condition]int{noCondition: 0, holds: 1, fails: 2}[c]]

	got, err := verb.call(t, seeded, c)
	expect := m.key
	expect.Count, expect.Note = want.count, want.note
	switch {
	case want.errs != nil:
		requireError(t, err, want.errs...)
	case want.none:
		require.NoError(t, err)
		require.Nil(t, got)
	default:
		require.NoError(t, err)
		require.Equal(t, &expect, got)
	}
	after := before
	switch {
	case want.gone:
		after = nil
	case want.stored:
		after = with(m.seed, rawItem{"count": avN(fmt.Sprint(want.count)), "note": avS(want.note)})
	}
	require.Equal(t, after, m.stored(m.at))
	if want.errs != nil && seeded {
		if old, ok := m.e.Old(err); ok { // Modify's own error has none
			expect.Count, expect.Note = 1, "old"
			require.Equal(t, expect, old)
		} else {
			require.Equal(t, "Modify", verb.name)
		}
	}
}
