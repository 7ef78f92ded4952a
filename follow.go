package monotable

import (
	"slices"
	"strings"
)

// stampUpdate adds what every update writes: the time, the version, the tag.
func (u *updateCompiler) stampUpdate() error {
	if a := u.m.updatedAt; a != nil {
		u.m.stamp(u.after, u.expect.now, false)
		v, _ := get(u.after, a.chain)
		av, err := u.m.encodeAt(a.path, v.Interface())
		if err != nil {
			return err
		}
		u.known[a] = knowledge{value: true, changed: true}
		if err := u.set(a.path, value(av)); err != nil {
			return err
		}
	}
	if err := u.raiseVersion(); err != nil {
		return err
	}
	if u.m.tagMode == TagOptional || len(u.m.aliases) > 0 && u.m.tagMode != TagNone {
		return u.set(path{nameElement(u.m.table.tag)}, text(u.m.name))
	}
	return nil
}

// raiseVersion adds 1 to the stored version on the server. A version that has reached the end of its type stays as it is and refuses.
func (u *updateCompiler) raiseVersion() error {
	if u.m.version == nil {
		return nil
	}
	u.mark = u.m.newMark(u.o)
	if v := u.expect.version; v != nil {
		if err := u.m.roomFor(*v); err != nil {
			return err
		}
		u.mark.version = *v + 1
	} else {
		u.expect.versioned = !u.o.mayLackVersion()
		u.where(u.m.hasRoom(&u.exprBuilder, u.o))
	}
	u.keepMarks()
	if err := u.set(path{nameElement(u.m.table.writeID)}, text(u.mark.stored)); err != nil {
		return err
	}
	return u.countUp(u.o)
}

// mayLackVersion says that a stored item without a version is taken for one of version 0.
func (o *options) mayLackVersion() bool { return o.adoptVersion || o.noVersion }

// countUp sets the version to the stored one plus 1.
func (b *exprBuilder) countUp(o *options) error {
	name := b.name(b.m.version.path)
	if o.mayLackVersion() {
		return b.set(b.m.version.path, name.IfNotExists(number(0)).Plus(number(1)))
	}
	return b.set(b.m.version.path, name.Plus(number(1)))
}

// hasRoom is the condition that the stored version can be raised.
func (m *model) hasRoom(b *exprBuilder, o *options) term {
	name := b.name(m.version.path)
	room := name.LessThan(value(versionValue(m.maxVersion())))
	if o.mayLackVersion() {
		room = name.AttributeNotExists().Or(room)
	}
	return room
}

// derive recomputes derived attributes of which something changed.
func (u *updateCompiler) derive() error {
	for _, a := range u.m.derived {
		reads := u.m.at(a.rule(ruleDerived).reads)
		if !slices.ContainsFunc(reads, func(r *attribute) bool { return u.known[r].changed }) {
			continue
		}
		if err := u.needAll(a.String(), reads); err != nil {
			return err
		}
		field := a.derive(u.after)
		u.violations = append(u.violations, a.violations(u.after)...)
		av, err := u.m.encodeAt(a.path, field.Interface())
		if err != nil {
			return err
		}
		if av, err = u.m.asIndexKey(a.path, av); err != nil {
			return err
		}
		u.known[a] = knowledge{value: true, changed: true}
		if err := u.setOrRemove(a.path, av); err != nil {
			return err
		}
	}
	return validationError(u.violations)
}

// needAll refuses an update that changes some of the attributes another one is made from and does not know the rest.
func (u *updateCompiler) needAll(what string, attributes []*attribute) error {
	var missing []string
	for _, a := range attributes {
		if !u.known[a].value {
			missing = append(missing, a.String())
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return invalidf("%s is made from %s too, which this update does not know: Set it, say Given with its stored value, or use Modify", what, strings.Join(missing, " and "))
}

// indexKeys recomputes the key of every index of which a part changed.
func (u *updateCompiler) indexKeys() error {
	for _, set := range u.m.sets() {
		if !slices.ContainsFunc(set.all(), (*keyAttr).computed) {
			continue
		}
		attributes := set.attributes()
		if !slices.ContainsFunc(attributes, func(a *attribute) bool { return u.known[a].changed }) {
			continue
		}
		if !u.leavesIndex(set) {
			if err := u.needAll("the key of index "+set.name, attributes); err != nil {
				return err
			}
		}
		key, err := u.m.indexKey(set, u.after, func(a *attribute) bool { return u.known[a].removed })
		if err != nil {
			return err
		}
		for _, k := range set.all() {
			av, ok := key[k.Name]
			if !ok || k.lent && !slices.ContainsFunc(k.attributes(), func(a *attribute) bool { return u.known[a].changed }) {
				continue
			}
			if k.lent && !u.lacks(k) {
				if err := u.needAll("the key of index "+set.name, k.attributes()); err != nil {
					return err
				}
			}
			if err := u.setOrRemove(path{nameElement(k.Name)}, av); err != nil {
				return err
			}
		}
	}
	return nil
}

// leavesIndex says that a part is known to be absent, so that the item is not in the index whatever the others are.
func (u *updateCompiler) leavesIndex(set *keySet) bool {
	if set.when != nil && u.needAll("", set.whenReads) == nil && !set.when.when(u.after.Addr().Interface()) {
		return true
	}
	return slices.ContainsFunc(set.all(), u.lacks)
}

// lacks says that a part of a key attribute is known to be absent.
func (u *updateCompiler) lacks(k *keyAttr) bool {
	for i, a := range k.attributes() {
		if u.known[a].removed {
			return true
		}
		if !u.known[a].value {
			continue
		}
		if k.tmpl == nil || k.field != nil {
			if av, err := k.of(u.m, u.after); err == nil && av == nil {
				return true
			}
			continue
		}
		v, ok := get(u.after, a.chain)
		if !ok {
			return true
		}
		if _, present, err := k.tmpl.Parts[i].Format(v); err == nil && !present {
			return true
		}
	}
	return false
}
