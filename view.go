package monotable

import (
	"context"
	"fmt"
	"iter"
	"reflect"

	"github.com/monotable/monotable/internal/codec"
)

// View is a query that returns a smaller struct, see [As]. The zero View is an error in use.
type View[S any] struct {
	_    [0]func(*S)
	spec *querySpec // nil of the zero View
}

// As reads only the attributes of S, a smaller struct with dynamodbav tags: a projection. Every attribute of S must be one
// of T and stored alike. It also reads indexes that do not project all of T. Attributes hidden in T are hidden in S.
func As[S, T any](q Query[T]) View[S] { return View[S]{spec: q.spec.as(reflect.TypeFor[S]())} }

// Request is [Query.Request].
func (v View[S]) Request() (any, error) { return v.spec.request() }

// All is [Query.All].
func (v View[S]) All(ctx context.Context) iter.Seq2[S, error] { return all[S](ctx, v.spec) }

// Page is [Query.Page].
func (v View[S]) Page(ctx context.Context) (Page[S], error) { return page[S](ctx, v.spec) }

// Collect is [Query.Collect].
func (v View[S]) Collect(ctx context.Context) ([]S, error) { return gather[S](ctx, v.spec) }

// First is [Query.First], but without its limit of one item a request: give the query a Limit or PageSize.
func (v View[S]) First(ctx context.Context) (S, error) { return first[S](ctx, v.spec) }

// view is a struct that a part of T's attributes is read into.
type view struct {
	plan   *codec.Plan
	hidden [][]*codec.Field
}

// view compiles a struct type against the entity, once.
func (m *model) view(t reflect.Type) (*view, error) {
	if v, ok := m.views.Load(t); ok {
		return v.(*view), nil
	}
	if t.Kind() != reflect.Struct {
		return nil, invalidf("As: %s is no struct", t)
	}
	plain, err := planOf(t)
	if err != nil {
		return nil, invalidf("As: %s cannot be stored: %v", t, err)
	}
	if err := alike(m.plan, plain, nil); err != nil {
		return nil, invalidf("As: %v", err)
	}
	opts := codec.Options{TimeLayouts: map[string]string{}, UnixTimes: map[string]bool{}}
	for _, a := range m.ruled {
		if _, ok := fieldChain(plain, a.path); !ok {
			continue
		}
		if layout := a.rule(ruleTimeLayout); layout != nil {
			opts.TimeLayouts[a.String()] = layout.value.(string)
		}
		if a.has(ruleExpiresAt) {
			opts.UnixTimes[a.String()] = true
		}
	}
	v := &view{}
	if v.plan, err = codec.Compile(t, opts); err != nil {
		return nil, invalidf("As: %s: %v", t, err)
	}
	for _, a := range m.ruled {
		if chain, ok := fieldChain(v.plan, a.path); ok && a.has(ruleHidden) {
			v.hidden = append(v.hidden, chain)
		}
	}
	m.views.Store(t, v)
	return v, nil
}

// alike says whether each attribute of part is one of whole and of the same type.
func alike(whole, part *codec.Plan, at path) error {
	for _, f := range part.Fields {
		p := at.child(nameElement(f.Name))
		same := whole.Field(f.Name)
		if same == nil {
			return fmt.Errorf("%s has no attribute %q%s", whole.Type, p, nearest(f.Name, attributeNames(whole)))
		}
		a, b := same.Value.Deref(), f.Value.Deref()
		if a.Type == b.Type {
			continue
		}
		if a.Struct == nil || b.Struct == nil {
			return fmt.Errorf("%s is a %s in %s and a %s in %s", p, a.Type, whole.Type, b.Type, part.Type)
		}
		if err := alike(a.Struct, b.Struct, p); err != nil {
			return err
		}
	}
	return nil
}
