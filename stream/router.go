package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
)

// ErrInvalid says that something was refused before any record was handled. It is [monotable.ErrInvalid].
var ErrInvalid = monotable.ErrInvalid

// Router brings the changes of items to the handlers of their entities. It is immutable and safe for concurrent use.
type Router struct {
	settings
	tables   map[string]*tableRoutes
	unknown  unknown
	problems []string
	warned   *sync.Map // tables
}

// tableRoutes are the handlers of a table's entities.
type tableRoutes struct {
	table  *monotable.Table
	tag    string // attribute
	routes map[string]*route
}

// NewRouter collects handlers, of entities of one table or of several with different names. An entity has its handlers in one [On]. All mistakes are reported at once, as
// ErrInvalid: nil functions, events or entities handled twice, entities of a Scoped table (a stream has the items of all scopes), and no [On] at all.
func NewRouter(handlers ...Handler) (*Router, error) {
	r := &Router{settings: settings{concurrency: defaultConcurrency}, tables: map[string]*tableRoutes{}, warned: new(sync.Map)}
	for _, h := range handlers {
		if h == nil {
			r.problem("a handler is nil")
			continue
		}
		h.addTo(r)
	}
	if len(r.tables) == 0 && len(r.problems) == 0 {
		r.problem("there is no On")
	}
	if len(r.problems) > 0 {
		return nil, fmt.Errorf("%w: stream: %s", ErrInvalid, strings.Join(r.problems, "; "))
	}
	return r, nil
}

// MustRouter is NewRouter for programs whose handlers are known to be right: it panics with the error.
func MustRouter(handlers ...Handler) *Router {
	r, err := NewRouter(handlers...)
	if err != nil {
		panic(err)
	}
	return r
}

func (r *Router) problem(text string) { r.problems = append(r.problems, text) }

func (r *Router) add(added route) {
	for _, p := range added.problems {
		r.problem(strings.TrimPrefix(added.entity+": "+p, ": "))
	}
	if added.table == nil {
		return
	}
	d := added.table.Declaration()
	if len(d.Scope) > 0 {
		r.problem(added.entity + ": its table is Scoped, and a stream has the items of all scopes")
	}
	name := bareName(d.Table)
	t := r.tables[name]
	if t == nil {
		t = &tableRoutes{table: added.table, tag: d.TypeTag, routes: map[string]*route{}}
		r.tables[name] = t
	}
	known := slices.IndexFunc(t.table.Declaration().Entities, func(e monotable.EntityDeclaration) bool { return e.Name == added.entity })
	if known < 0 {
		r.problem(added.entity + " is of another Table of the name " + name)
	} else {
		added.family = t.table.Declaration().Entities[known].Family
	}
	if t.routes[added.entity] != nil {
		r.problem(added.entity + " is handled by two On")
	}
	t.routes[added.entity] = &added
}

// bareName is the name of a table that is called by its ARN.
func bareName(table string) string {
	if name := TableOf(table); name != "" {
		return name
	}
	return table
}

// Check says whether a stream of this view gives every handler what it needs; if not it is ErrInvalid and names them. A [Poller] does so, for its table, before it reads.
func (r *Router) Check(view types.StreamViewType) error {
	for _, name := range slices.Sorted(maps.Keys(r.tables)) {
		if err := r.tables[name].check(view); err != nil {
			return err
		}
	}
	return nil
}

func (t *tableRoutes) check(view types.StreamViewType) error {
	var has images
	switch view {
	case types.StreamViewTypeNewImage:
		has = newImage
	case types.StreamViewTypeOldImage:
		has = oldImage
	case types.StreamViewTypeNewAndOldImages:
		has = newImage | oldImage
	case types.StreamViewTypeKeysOnly:
	default:
		return fmt.Errorf("%w: stream: unknown view %q", ErrInvalid, view)
	}
	var missing []string
	for _, route := range t.routes {
		for s, a := range route.actions {
			if a.needs&^has != 0 {
				missing = append(missing, fmt.Sprintf("%s of %s needs %s images", slot(s), route.entity, a.needs))
			}
		}
		if has == 0 && route.family != "" {
			missing = append(missing, route.entity+" is one of a Family, which keys alone do not tell apart")
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("%w: stream: the view is %s: %s", ErrInvalid, view, strings.Join(missing, "; "))
}

// RecordError says that a record was not handled. Its text has no keys and no values, save what the handler's error says.
type RecordError struct {
	Record Record
	Entity string // "" for one of no entity
	Err    error
}

func (e *RecordError) Error() string {
	of := e.Entity
	if of == "" {
		of = "an unknown item"
	}
	return fmt.Sprintf("stream: %s of %s, sequence %s: %v", e.Record.Event, of, e.Record.Sequence, e.Err)
}

// Unwrap gives the handler's error.
func (e *RecordError) Unwrap() error { return e.Err }

// PanicError is the error of a handler that panicked.
type PanicError struct {
	Value any
	Stack []byte
}

// Error does not quote the value: it may have anything in it.
func (e *PanicError) Error() string { return "the handler panicked" }

// Handle gives one record to its handler, once, and waits for it. An error of the handler, or its panic, is a [*RecordError]; so are an image that does not decode and one that is missing.
func (r *Router) Handle(ctx context.Context, record Record) error {
	parts, err := r.parts(&record)
	for _, p := range parts {
		if err == nil {
			err = p.call(ctx)
		}
	}
	return err
}

// call is a record on its way to its handler.
type part struct {
	record *Record
	entity string
	action action
}

// parts finds what is to be called: nothing for what no handler is for, and twice for an item that has become another entity's.
func (r *Router) parts(record *Record) ([]part, error) {
	t := r.tables[record.Table]
	if t == nil && record.Table == "" && len(r.tables) == 1 {
		for _, t = range r.tables {
		}
	}
	switch {
	case record.Err != nil:
		return nil, &RecordError{Record: *record, Err: record.Err}
	case t == nil && r.unknown == nil:
		return nil, &RecordError{Record: *record, Err: fmt.Errorf("%w: no handler is of table %q", ErrInvalid, record.Table)}
	case t == nil:
		return r.strange(record), nil
	case t.own(record) || r.leases != nil && r.leases.Has(record.Keys) && bareName(r.leases.Table()) == record.Table:
		return nil, nil
	case record.image() == nil:
		return r.byKey(t, record)
	case record.New == nil || record.Old == nil:
		return r.of(t, record, record.image())
	}
	if t.table.EntityOf(record.Old) == t.table.EntityOf(record.New) {
		return r.of(t, record, record.New)
	}
	was, is := *record, *record
	was.Event, was.New = Remove, nil
	is.Event, is.Old, is.part = Insert, nil, 1
	first, err := r.of(t, &was, was.Old)
	if err != nil {
		return nil, err
	}
	then, err := r.of(t, &is, is.New)
	return append(first, then...), err
}

// own says that an item is monotable's own: a guard, a lease or a mark. Leases are known by their tag, and, to a [Poller], by their key.
func (t *tableRoutes) own(record *Record) bool {
	if tag, ok := record.image()[t.tag].(*types.AttributeValueMemberS); ok && (tag.Value == lease.Tag || tag.Value == markName) {
		return true
	}
	return t.table.IsGuard(record.Keys) || isMark(record.Keys)
}

// of finds the handler of a record whose entity an image tells.
func (r *Router) of(t *tableRoutes, record *Record, image item) ([]part, error) {
	entity := t.table.EntityOf(image)
	if entity == "" {
		return r.strange(record), nil
	}
	return t.handled(record, entity)
}

func (r *Router) byKey(t *tableRoutes, record *Record) ([]part, error) {
	switch entities := t.table.EntitiesOf(record.Keys); len(entities) {
	case 1:
		return t.handled(record, entities[0])
	default:
		return r.strange(record), nil
	}
}

func (t *tableRoutes) handled(record *Record, entity string) ([]part, error) {
	route := t.routes[entity]
	if route == nil {
		return nil, nil
	}
	a := route.action(record)
	if a.run == nil {
		return nil, nil
	}
	if a.needs&newImage != 0 && record.New == nil || a.needs&oldImage != 0 && record.Old == nil {
		return nil, &RecordError{*record, entity, fmt.Errorf("%w: the record lacks an image: the handler needs %s images", ErrInvalid, a.needs)}
	}
	return []part{{record, entity, a}}, nil
}

// strange is for items of no entity.
func (r *Router) strange(record *Record) []part {
	if r.unknown != nil {
		return []part{{record: record, action: action{run: func(ctx context.Context, record *Record) error { return r.unknown(ctx, *record) }}}}
	}
	if _, told := r.warned.LoadOrStore(record.Table, true); !told {
		r.log().Warn("stream: items of no entity are passed over", "table", record.Table)
	}
	return nil
}

func (r *Router) log() *slog.Logger {
	if r.logger != nil {
		return r.logger
	}
	return slog.Default()
}

func (p part) call(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		if err != nil {
			if _, ok := errors.AsType[*RecordError](err); !ok {
				err = &RecordError{*p.record, p.entity, err}
			}
		}
	}()
	return p.action.run(context.WithValue(ctx, contextKey{}, &current{record: p.record}), p.record)
}
