package expr

import (
	"fmt"
	"strings"

	"github.com/monotable/monotable/memdb/internal/value"
)

// Element is one step of a document path: a member of a map, or, where IsIndex is
// set, an element of a list.
type Element struct {
	Name    string
	Index   int
	IsIndex bool
}

// Path leads from an item to a value. The first element is always a name.
type Path []Element

// String is the form the service uses in messages.
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, e := range p {
		parts[i] = e.Name
		if e.IsIndex {
			parts[i] = fmt.Sprintf("[%d]", e.Index)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (p Path) equal(o Path) bool {
	if len(p) != len(o) {
		return false
	}
	for i := range p {
		if p[i] != o[i] {
			return false
		}
	}
	return true
}

// find follows the path; nil means that there is nothing.
func (p Path) find(item value.Map) value.Value {
	var v value.Value = item
	for _, e := range p {
		if v = step(v, e); v == nil {
			return nil
		}
	}
	return v
}

func step(v value.Value, e Element) value.Value {
	switch v := v.(type) {
	case value.Map:
		if !e.IsIndex {
			return v[e.Name]
		}
	case value.List:
		if e.IsIndex && e.Index < len(v) {
			return v[e.Index]
		}
	}
	return nil
}

// tree joins paths that share a beginning. What hangs on a leaf is up to the user.
type tree[T any] struct {
	leaf     bool
	path     Path // of the leaf
	data     T
	children map[Element]*tree[T]
	order    []Element // of the children as they came
}

// insert adds a path, which must neither lead to, through nor beside another in
// the same place: one cannot be a map and a list at once.
func (t *tree[T]) insert(kind Kind, path Path, data T) error {
	node := t
	for i, e := range path {
		if node.leaf {
			return overlap(kind, node.path, path)
		}
		if len(node.order) > 0 && node.order[0].IsIndex != e.IsIndex {
			return errorf("Invalid %s: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %s, path two: %s",
				kind, node.children[node.order[0]].any(), path)
		}
		child := node.children[e]
		if child == nil {
			child = &tree[T]{}
			if node.children == nil {
				node.children = map[Element]*tree[T]{}
			}
			node.children[e] = child
			node.order = append(node.order, e)
		} else if i == len(path)-1 {
			return overlap(kind, child.any(), path)
		}
		node = child
	}
	node.leaf, node.path, node.data = true, path, data
	return nil
}

// any is the path of some leaf below.
func (t *tree[T]) any() Path {
	for !t.leaf {
		t = t.children[t.order[0]]
	}
	return t.path
}

func overlap(kind Kind, one, two Path) error {
	return errorf("Invalid %s: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", kind, one, two)
}
