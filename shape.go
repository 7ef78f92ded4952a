package monotable

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// built is the finished expressions of a request. Absent ones are nil.
type built struct {
	condition, filter, key, projection, update *string
	names                                      map[string]string
	values                                     map[string]types.AttributeValue
}

// expressions are those of a request before they are text.
type expressions struct{ conds, filters, key, project, changes []term }

func (e *expressions) lists() [5][]term {
	return [...][]term{e.conds, e.filters, e.key, e.project, e.changes}
}

// worded is expressions with their text, in which names and values have their places. The zero value is none.
type worded struct {
	known *wording // nil if own has everything
	shape *shape
	own   built
}

// build is the finished expressions.
func (b *exprBuilder) build() (built, error) {
	e, err := b.word()
	return e.built(), err
}

func (e *worded) built() built {
	if e.known == nil {
		return e.own
	}
	return e.known.with(e.shape)
}

// word makes the text of the expressions: by the SDK's builder, and once for each shape.
func (b *exprBuilder) word() (worded, error) {
	all := expressions{b.conds, b.filters, b.key, b.project, b.changes}
	s := newShape()
	lists := all.lists()
	for _, list := range lists {
		s.addAll(list)
	}
	if len(s.key) == len(lists) { // each is empty
		return worded{}, nil
	}
	if s.unchecked {
		expr, err := all.build(s.names, s.values)
		for placeholder, name := range expr.names {
			if i := s.number(name); i >= 0 {
				expr.names[placeholder] = s.names[i]
			}
		}
		return worded{own: expr}, err
	}
	known := b.m.table.shapes.find(s.key)
	if known == nil {
		numbers := make([]types.AttributeValue, len(s.values))
		for i := range numbers {
			numbers[i] = &types.AttributeValueMemberS{Value: strconv.Itoa(i)}
		}
		expr, err := all.build(s.names, numbers)
		if err != nil {
			return worded{}, err
		}
		known = s.wording(&expr)
		b.m.table.shapes.keep(s.key, known)
	}
	return worded{known: known, shape: s}, nil
}

// shape is what the text of expressions follows from: everything but the names and values, which are placeholders in it.
type shape struct {
	key       []byte // the terms from the outside in, each telling how many arguments it has: two shapes never have one key
	names     []string
	values    []types.AttributeValue
	unchecked bool // a part of it is a builder of the caller's, which has names and values of its own

	room struct { // that of most requests, in one piece
		key    [96]byte
		names  [10]string
		values [10]types.AttributeValue
	}
}

func newShape() *shape {
	s := &shape{}
	s.key, s.names, s.values = s.room.key[:0], s.room.names[:0], s.room.values[:0]
	return s
}

func (s *shape) addAll(list []term) {
	s.key = binary.AppendUvarint(s.key, uint64(len(list)))
	for i := range list {
		s.add(&list[i])
	}
}

func (s *shape) add(t *term) {
	s.key = append(s.key, byte(t.op))
	switch t.op {
	case opName:
		s.addPath(t.path)
	case opValue:
		s.values = append(s.values, t.av)
	case opUnchecked:
		s.unchecked = true
	default:
		s.addAll(t.args)
	}
}

// addPath adds each name as its number, so that a shape does not depend on them.
func (s *shape) addPath(p path) {
	s.key = binary.AppendUvarint(s.key, uint64(len(p)))
	for _, e := range p {
		if e.name == "" {
			s.key = binary.AppendVarint(append(s.key, 0), int64(e.index))
			continue
		}
		i := slices.Index(s.names, e.name)
		if i < 0 {
			i = len(s.names)
			s.names = append(s.names, e.name)
		}
		s.key = binary.AppendVarint(append(s.key, 1), int64(i))
	}
}

// wording is the text of a shape's expressions, and where its names and values stand in them.
type wording struct {
	expr   built
	json   []byte   // the text as members of a request, each behind a comma
	names  []string // the placeholder of each
	values []string
}

// number is that of a name's token, or -1 for what is none.
func (s *shape) number(name string) int {
	digits, ok := strings.CutPrefix(name, tokenPrefix)
	i, err := strconv.Atoi(digits)
	if !ok || err != nil || i < 0 || i >= len(s.names) {
		return -1
	}
	return i
}

// wording takes apart expressions that were built with tokens for names and numbers for values.
func (s *shape) wording(expr *built) *wording {
	t := &wording{expr: *expr, names: make([]string, len(expr.names)), values: make([]string, len(expr.values))}
	t.expr.names, t.expr.values = nil, nil
	for placeholder, name := range expr.names {
		t.names[s.number(name)] = placeholder
	}
	for placeholder, av := range expr.values {
		i, _ := strconv.Atoi(av.(*types.AttributeValueMemberS).Value)
		t.values[i] = placeholder
	}
	t.json = t.expr.appendTexts(nil)
	return t
}

// with is the expressions with the names and values of a request. They share no memory with t, for the request is its caller's to change.
func (t *wording) with(s *shape) built {
	expr := t.expr
	for _, text := range []**string{&expr.condition, &expr.filter, &expr.key, &expr.projection, &expr.update} {
		if *text != nil {
			*text = ptr(**text)
		}
	}
	if len(t.names) > 0 {
		expr.names = make(map[string]string, len(t.names))
		for i, placeholder := range t.names {
			expr.names[placeholder] = s.names[i]
		}
	}
	if len(t.values) > 0 {
		expr.values = make(map[string]types.AttributeValue, len(t.values))
		for i, placeholder := range t.values {
			expr.values[placeholder] = s.values[i]
		}
	}
	return expr
}

// maxShapes bounds what a table keeps. Programs have some dozens of shapes, but a list index or the length of an In is part of one.
const maxShapes = 512

// shapeCache keeps the wording of shapes. The zero value is ready; it is safe for concurrent use.
type shapeCache struct {
	mu    sync.RWMutex
	known map[string]*wording
}

func (c *shapeCache) find(key []byte) *wording {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.known[string(key)]
}

// keep adds one. When there is no more room, all are forgotten: those in use are soon back.
func (c *shapeCache) keep(key []byte, t *wording) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxShapes {
		c.known = map[string]*wording{}
	}
	c.known[string(key)] = t
}
