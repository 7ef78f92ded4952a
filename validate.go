package monotable

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"
)

// The pipeline is the one way that values take into an item, whatever the verb:
// defaults, transforms, derived values, validators.

// prepare runs the pipeline on a whole item, in place. It gives the item's primary key if no code of the caller's runs after that is made.
func (m *model) prepare(ctx context.Context, item reflect.Value) (attributeMap, error) {
	found, err := m.prepareValues(item)
	if err != nil {
		return nil, err
	}
	return m.prepareWhole(ctx, item, found)
}

// prepareWhole is prepare after prepareValues, which has found something or not.
func (m *model) prepareWhole(ctx context.Context, item reflect.Value, found []Violation) (attributeMap, error) {
	key, missing := m.keyParts(item)
	found = append(found, missing...)
	if m.validate != nil || m.table.validator != nil {
		key, found = nil, append(found, m.validateWhole(ctx, item)...)
	}
	return key, validationError(found)
}

// prepareValues is prepare without the key and the caller's own validators.
func (m *model) prepareValues(item reflect.Value) (found []Violation, _ error) {
	for _, a := range m.ruled {
		if err := m.fillDefault(a, item); err != nil {
			return nil, err
		}
	}
	for _, a := range m.ruled {
		part := a.rule(ruleDefaultFunc)
		if v, ok := get(item, a.chain); part != nil && ok && v.IsZero() {
			assign(v, part.make(item.Addr().Interface()))
		}
	}
	for _, a := range m.ruled {
		transformAt(a, item)
	}
	for _, a := range m.derived {
		a.derive(item)
	}
	for _, a := range m.ruled {
		found = append(found, a.violations(item)...)
	}
	return found, nil
}

// keyParts makes the primary key, nil if there is something wrong with it, and finds what it lacks, so that it is reported beside everything else.
func (m *model) keyParts(item reflect.Value) (key attributeMap, missing []Violation) {
	key, whole := make(attributeMap, 2), true
	for _, k := range m.primary.all() {
		av, err := k.of(m, item)
		whole = whole && err == nil && av != nil
		if key[k.Name] = av; err == nil && av == nil {
			a := m.emptyPart(k, item)
			if a.has(ruleRequired) {
				continue // said already
			}
			missing = append(missing, Violation{Attribute: a.String(), Rule: "Key", Err: fmt.Errorf("is empty, but the key %s needs it", k.Name), hidden: a.concealed})
		}
	}
	if !whole {
		key = nil
	}
	return key, missing
}

// prepareAt runs the pipeline on the one value that an update sets, already placed in item.
func (m *model) prepareAt(item reflect.Value, p path) []Violation {
	var found []Violation
	for _, a := range m.ruled {
		if a.path.under(p) && len(a.path) > len(p) {
			if err := m.fillDefault(a, item); err != nil {
				found = append(found, Violation{Attribute: a.String(), Rule: string(ruleDefault), Err: err})
			}
		}
	}
	for _, a := range m.ruled {
		if a.path.under(p) {
			transformAt(a, item)
		}
	}
	for _, a := range m.ruled {
		if a.path.under(p) {
			found = append(found, a.violations(item)...)
		}
	}
	return found
}

func validationError(found []Violation) error {
	if len(found) == 0 {
		return nil
	}
	return &ValidationError{Violations: found}
}

// fillDefault gives a zero value its default. Below a nil pointer there is nothing to fill.
func (m *model) fillDefault(a *attribute, item reflect.Value) error {
	part := a.rule(ruleDefault)
	if part == nil {
		part = a.rule(ruleDefaultZero)
	}
	v, ok := get(item, a.chain)
	if part == nil || !ok || !v.IsZero() || part.value == nil {
		return nil
	}
	// Encoding and decoding makes a deep copy, so that items never share a default's memory.
	av, err := m.encodeAt(a.path, part.value)
	if err != nil || av == nil {
		return err
	}
	return a.value.Decode(av, v)
}

// derive computes a derived attribute and runs its transforms.
func (a *attribute) derive(item reflect.Value) reflect.Value {
	v := place(item, a.chain)
	assign(v, a.rule(ruleDerived).make(item.Addr().Interface()))
	transformAt(a, item)
	return v
}

func transformAt(a *attribute, item reflect.Value) {
	if !a.has(ruleTransform) {
		return
	}
	if v, ok := get(item, a.chain); ok && !isAbsent(v) {
		assign(v, a.transform(v.Interface()))
	}
}

// assignable says whether assign can store v.
func assignable(dst reflect.Value, v any) bool {
	t := reflect.TypeOf(v)
	for to := dst.Type(); t != nil; to = to.Elem() {
		if t.AssignableTo(to) {
			return true
		}
		if to.Kind() != reflect.Pointer {
			break
		}
	}
	return false
}

// assign stores what a rule made. Rules of a handle made by Elem make what the attribute points to.
func assign(dst reflect.Value, v any) {
	rv := reflect.ValueOf(v)
	switch {
	case v == nil:
		dst.SetZero()
	case dst.Kind() == reflect.Pointer && rv.Type() != dst.Type():
		p := reflect.New(dst.Type().Elem())
		assign(p.Elem(), v)
		dst.Set(p)
	default:
		dst.Set(rv)
	}
}

// violations runs the attribute's validators on what the item holds.
func (a *attribute) violations(item reflect.Value) []Violation {
	v, ok := get(item, a.chain)
	if !ok {
		return nil // the struct around it is nil; a rule on that struct can require it
	}
	hidden := a.concealed
	if v.IsZero() && a.has(ruleRequired) {
		return []Violation{{Attribute: a.String(), Rule: string(ruleRequired), Err: errors.New("is required"), hidden: hidden}}
	}
	if isAbsent(v) || a.omits() && v.IsZero() {
		return nil
	}
	var found []Violation
	for _, part := range a.parts {
		if part.check == nil {
			continue
		}
		if err := part.check(v.Interface()); err != nil {
			found = append(found, Violation{Attribute: a.String(), Rule: string(part.kind), Err: err, hidden: hidden})
		}
	}
	return found
}

// checked says that some rule looks at the attribute's whole value.
func (a *attribute) checked() bool {
	for _, part := range a.parts {
		if part.check != nil || part.kind == ruleTransform {
			return true
		}
	}
	return false
}

// checkedAbove finds an attribute around p whose value as a whole is checked, which a change of a part cannot do.
func (m *model) checkedAbove(p path) *attribute {
	for _, a := range m.ruled {
		if p.under(a.path) && len(p) > len(a.path) && a.checked() {
			return a
		}
	}
	return nil
}

// stamp writes the times of a write. created says that the item may be new.
func (m *model) stamp(item reflect.Value, now time.Time, created bool) {
	if m.updatedAt != nil {
		assign(place(item, m.updatedAt.chain), now)
	}
	if m.createdAt == nil || !created {
		return
	}
	if v := place(item, m.createdAt.chain); v.IsZero() {
		assign(v, now)
	}
}

// now is the time of one operation.
func (m *model) now() time.Time { return m.table.clock().UTC().Round(0) }

// versionOf reads the version of an item in memory.
func (m *model) versionOf(item reflect.Value) (uint64, error) {
	v, ok := get(item, m.version.chain)
	if !ok {
		return 0, nil
	}
	return m.versionOfValue(v)
}

func (m *model) versionOfValue(v reflect.Value) (uint64, error) {
	if v.CanUint() {
		return v.Uint(), nil
	}
	if v.Int() < 0 {
		return 0, invalidf("%s is negative", m.version)
	}
	return uint64(v.Int()), nil
}

// maxVersion is the greatest version that the attribute's type holds.
func (m *model) maxVersion() uint64 {
	t := m.version.value.Type
	if reflect.Zero(t).CanUint() {
		return math.MaxUint64 >> (64 - t.Bits())
	}
	return math.MaxUint64 >> (65 - t.Bits())
}

// roomFor refuses to raise version n if the attribute's type cannot hold the next one.
func (m *model) roomFor(n uint64) error {
	if n >= m.maxVersion() {
		return invalidf("%s has reached the end of its type", m.version)
	}
	return nil
}

// setVersion writes the version after a write.
func (m *model) setVersion(item reflect.Value, n uint64) {
	v := place(item, m.version.chain)
	if v.CanUint() {
		v.SetUint(n)
	} else {
		v.SetInt(int64(n)) //nolint:gosec // roomFor has checked it
	}
}
