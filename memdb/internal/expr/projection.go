package expr

import (
	"slices"

	"github.com/monotable/monotable/memdb/internal/value"
)

// Projection picks parts of items.
type Projection struct {
	root  tree[struct{}]
	Paths []Path
}

// Projection parses a projection expression.
func (p *Params) Projection(source string) (*Projection, error) {
	s, err := p.parser(ProjectionExpression, source)
	if err != nil {
		return nil, err
	}
	for {
		if _, err := s.path(); err != nil {
			return nil, err
		}
		if !s.takeSign(",") {
			break
		}
	}
	if err := s.expectEnd(); err != nil {
		return nil, err
	}
	return newProjection(s.paths)
}

func newProjection(paths []Path) (*Projection, error) {
	r := &Projection{Paths: paths}
	for _, path := range paths {
		if err := r.root.insert(ProjectionExpression, path, struct{}{}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Apply is the picked part of an item: map members under their names, list
// elements close up in their order. Never nil.
func (r *Projection) Apply(item value.Map) value.Map {
	if m, ok := pick(&r.root, item).(value.Map); ok {
		return m
	}
	return value.Map{}
}

func pick(t *tree[struct{}], v value.Value) value.Value {
	if t.leaf {
		return v
	}
	switch v := v.(type) {
	case value.Map:
		m := value.Map{}
		for e, child := range t.children {
			if old := step(v, e); old != nil {
				if part := pick(child, old); part != nil {
					m[e.Name] = part
				}
			}
		}
		if len(m) > 0 {
			return m
		}
	case value.List:
		order := slices.Clone(t.order)
		slices.SortFunc(order, func(a, b Element) int { return a.Index - b.Index })
		var l value.List
		for _, e := range order {
			if old := step(v, e); old != nil {
				if part := pick(t.children[e], old); part != nil {
					l = append(l, part)
				}
			}
		}
		if len(l) > 0 {
			return l
		}
	}
	return nil
}
