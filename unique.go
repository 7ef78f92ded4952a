package monotable

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
	"github.com/monotable/monotable/internal/keytmpl"
)

const (
	guardWord  = "UNIQUE" // begins the partition key of every guard and is its sort key
	guardOwner = "_owner" // the primary key of the item that has the value
)

// uniqueKey makes the guard items of a unique attribute: one item for each value, whose key is the value, written in the same
// transaction as the item that has it.
type uniqueKey struct {
	attribute *attribute
	inputs    []*attribute // the scope, and the attribute
	key       *keySet
}

// compileUnique finds the unique attributes.
func (c *compiler) compileUnique() {
	for _, a := range c.ruled {
		part := a.rule(ruleUnique)
		if part == nil {
			continue
		}
		c.checkReads(a.String(), *part)
		if a.has(ruleVersion) || a.has(ruleUpdatedAt) || a.has(ruleExpiresAt) {
			c.problems.add(a.String(), "changes with writes, so it cannot be Unique")
		}
		u := &uniqueKey{attribute: a}
		for _, loc := range part.reads {
			if scope, err := c.attributeAt(loc.path); loc.err == nil && err == nil {
				u.inputs = append(u.inputs, scope)
			}
		}
		if u.inputs = append(u.inputs, a); c.guardKey(u) {
			c.uniques = append(c.uniques, u)
		}
	}
}

// guardName is the entity's name in guards: its oldest, so that a value keeps its guard when the entity is renamed.
func (m *model) guardName() string {
	if n := len(m.aliases); n > 0 {
		return m.aliases[n-1]
	}
	return m.name
}

// guardKey compiles the key of the guards: UNIQUE#Entity#attribute#scope#value, and the constant UNIQUE.
func (c *compiler) guardKey(u *uniqueKey) bool {
	delimiter := string(c.table.delimiter)
	where := u.attribute.String()
	if strings.ContainsAny(c.guardName()+where, delimiter+"{}") {
		c.problems.add(where, "Unique: neither the entity's name nor the attribute's may contain %q or braces", delimiter)
		return false
	}
	words := []string{guardWord, c.guardName(), where}
	for i := range u.inputs {
		words = append(words, fmt.Sprintf("{%d}", i))
	}
	text := strings.Join(words, delimiter)
	if u.attribute.keyField().Kind == keytmpl.Text {
		text = strings.TrimSuffix(text, "}") + ":raw}"
	}
	number := -1
	partition, err := keytmpl.Parse(text, c.table.delimiter, func(string) (keytmpl.Field, error) {
		number++
		f := u.inputs[number].keyField()
		f.Escaped = number < len(u.inputs)-1
		return f, nil
	})
	if err != nil {
		c.problems.add(where, "Unique: %v", err)
		return false
	}
	sort, _ := keytmpl.Parse(guardWord, c.table.delimiter, nil)
	var keys []*keyAttr
	for i, k := range c.table.primary.all() {
		if k.Type != types.ScalarAttributeTypeS {
			c.problems.add(where, "Unique needs a table whose keys are text; %s is of type %s", k.Name, k.Type)
			return false
		}
		attr := &keyAttr{KeyAttribute: k, limit: maxPartitionKey, label: "the guard of " + where, tmpl: partition, parts: u.inputs}
		if i > 0 {
			attr.tmpl, attr.parts = sort, nil
		}
		keys = append(keys, attr)
	}
	u.key = newKeySet(&c.table.primary, keys[:1], keys[1:])
	return true
}

// guard is the key of the guard of an item's value; nil if the item has no value.
func (u *uniqueKey) guard(m *model, item reflect.Value) (attributeMap, error) {
	key := attributeMap{}
	for _, k := range u.key.all() {
		av, err := k.of(m, item)
		if err != nil || av == nil {
			return nil, err
		}
		key[k.Name] = av
	}
	return key, nil
}

// claim notes the unique attributes that an update may change. The guards carry the item's expiry, so a change of it touches them all.
func (u *updateCompiler) claim() {
	changed := func(a *attribute) bool { return u.known[a].changed }
	for _, unique := range u.m.uniques {
		if slices.ContainsFunc(unique.inputs, changed) || u.m.expires != nil && changed(u.m.expires) {
			u.uniques = append(u.uniques, unique)
		}
	}
	u.knows = func(a *attribute) bool { return u.known[a].value }
}

// reading is what was stored at a write's key a moment before it.
type reading struct {
	raw     attributeMap  // nil if nothing was there
	present bool          // it is the entity's and has not expired
	item    reflect.Value // what raw holds, if present
}

func (m *model) readingOf(raw attributeMap) (*reading, error) {
	r := &reading{item: reflect.New(m.typ).Elem()}
	if len(raw) > 0 {
		r.raw = raw
	}
	if m.present(recordOf(raw)) != nil {
		return r, nil
	}
	r.present = true
	inputs := attributeMap{} // whatever else is stored need not decode
	for _, u := range m.uniques {
		for _, a := range u.inputs {
			if av, ok := raw[a.path[0].name]; ok {
				inputs[a.path[0].name] = av
			}
		}
	}
	if err := m.plan.Decode(inputs, r.item); err != nil {
		return nil, &DecodeError{Entity: m.name, Item: raw, Err: err}
	}
	for _, u := range m.uniques {
		for _, a := range u.inputs {
			transformAt(a, r.item) // what is stored may be older than the transforms
		}
	}
	return r, nil
}

// before is the item that was read, if it counts.
func (r *reading) before() attributeMap {
	if r == nil || !r.present {
		return nil
	}
	return r.raw
}

// guardChange is what a write does to one guard.
type guardChange struct {
	unique *uniqueKey
	key    attributeMap
	take   bool // it must be the item's; otherwise it is freed
}

// guardChanges compares what was read with what the write makes of it.
func (w *write) guardChanges(was *reading) ([]guardChange, error) {
	var changes []guardChange
	moves := w.m.expires != nil && w.changesExpiry(was)
	for _, u := range w.uniques {
		var before, after attributeMap
		var err error
		if was != nil && was.present {
			before, _ = u.guard(w.m, was.item) // a value from before it was Unique may make no guard
		}
		if w.action != actionDelete {
			if after, err = u.guard(w.m, w.itemAfter(u, was)); err != nil {
				return nil, err
			}
		}
		same := before != nil && after != nil && sameAttributes(before, after)
		if before != nil && !same {
			changes = append(changes, guardChange{unique: u, key: before})
		}
		if after != nil && (!same || moves) {
			changes = append(changes, guardChange{unique: u, key: after, take: true})
		}
	}
	return changes, nil
}

// itemAfter is what the call knows of the item after the write, completed by what was read.
func (w *write) itemAfter(u *uniqueKey, was *reading) reflect.Value {
	if w.knows == nil || was == nil {
		return w.after
	}
	after := reflect.New(w.m.typ).Elem()
	for _, a := range u.inputs {
		from := was.item
		if w.knows(a) {
			from = w.after
		}
		if v, ok := get(from, a.chain); ok {
			place(after, a.chain).Set(v)
		}
	}
	return after
}

// expiryAfter is the stored form of the expiry after the write; nil if there is none.
func (w *write) expiryAfter(was *reading) types.AttributeValue {
	e := w.m.expires
	if e == nil {
		return nil
	}
	if w.knows != nil && !w.knows(e) {
		if was == nil {
			return nil
		}
		return was.raw[e.path[0].name]
	}
	v, ok := get(w.after, e.chain)
	if !ok || v.IsZero() {
		return nil
	}
	av, err := e.value.Encode(v)
	if err != nil {
		return nil // building the write has refused it already
	}
	return av
}

func (w *write) changesExpiry(was *reading) bool {
	if was == nil || !was.present || w.action == actionDelete {
		return false
	}
	return !codec.Equal(orNull(w.expiryAfter(was)), orNull(was.raw[w.m.expires.path[0].name]))
}

// asRead makes what was read the write's condition, as far as guards, or the old item that is returned, follow from it.
func (w *write) asRead(was *reading) []term {
	if was == nil {
		return nil
	}
	there := w.top(w.m.primary.partition[0].Name)
	if was.raw == nil {
		return []term{there.AttributeNotExists()}
	}
	var conds []term
	if w.action == actionDelete {
		conds = append(conds, there.AttributeExists())
	}
	for _, p := range w.readPaths() {
		if old := valueIn(was.raw, p); old != nil {
			conds = append(conds, w.name(p).Equal(value(old)))
		} else {
			conds = append(conds, w.name(p).AttributeNotExists())
		}
	}
	return conds
}

// readPaths are the attributes that the write depends on as they were read.
func (w *write) readPaths() []path {
	var paths []path
	add := func(a *attribute) {
		if a != nil && !w.m.primary.uses(a.path) && !slices.ContainsFunc(paths, a.path.equal) {
			paths = append(paths, a.path)
		}
	}
	for _, u := range w.uniques {
		for _, a := range u.inputs {
			add(a)
		}
	}
	if len(w.uniques) > 0 {
		add(w.m.expires)
	}
	if w.action == actionDelete && w.expect.version == nil {
		if add(w.m.version); w.m.version == nil {
			for _, f := range w.m.plan.Fields { // the item that is returned is the one that goes
				if p := (path{nameElement(f.Name)}); !slices.ContainsFunc(paths, p.equal) {
					paths = append(paths, p)
				}
			}
		}
	}
	return paths
}

// outdated says that the item that refused the write is not what was read, so that another reading may do.
func (w *write) outdated(was *reading, item attributeMap) bool {
	if was == nil {
		return false
	}
	if (was.raw == nil) != (len(item) == 0) {
		return true
	}
	return slices.ContainsFunc(w.readPaths(), func(p path) bool {
		return !codec.Equal(orNull(valueIn(item, p)), orNull(valueIn(was.raw, p)))
	})
}
