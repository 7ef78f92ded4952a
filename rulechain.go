package monotable

// The rules of Attr once more, behind a rule that is there already.

// Required adds [Attr.Required].
func (r AttrRule[T, V]) Required() AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.kind(ruleRequired)}
}

// Default adds [Attr.Default].
func (r AttrRule[T, V]) Default(v V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.valued(ruleDefault, v)}
}

// DefaultZero adds [Attr.DefaultZero].
func (r AttrRule[T, V]) DefaultZero(v V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.valued(ruleDefaultZero, v)}
}

// ReadDefault adds [Attr.ReadDefault].
func (r AttrRule[T, V]) ReadDefault(v V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.valued(ruleReadDefault, v)}
}

// DefaultFunc adds [Attr.DefaultFunc].
func (r AttrRule[T, V]) DefaultFunc(make func(*T) V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.making(ruleDefaultFunc, erased(make), nil)}
}

// Derived adds [Attr.Derived].
func (r AttrRule[T, V]) Derived(make func(*T) V, reads ...Ref[T]) AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.making(ruleDerived, erased(make), locations(reads))}
}

// Transform adds [Attr.Transform].
func (r AttrRule[T, V]) Transform(f func(V) V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.transforming(erasedChange(f))}
}

// Validate adds [Attr.Validate].
func (r AttrRule[T, V]) Validate(checks ...func(V) error) AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.validating(erasedChecks(checks))}
}

// OneOf adds [Attr.OneOf].
func (r AttrRule[T, V]) OneOf(values ...V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.oneOf(values, equal[V])}
}

// Immutable adds [Attr.Immutable].
func (r AttrRule[T, V]) Immutable() AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.kind(ruleImmutable)}
}

// Hidden adds [Attr.Hidden].
func (r AttrRule[T, V]) Hidden() AttrRule[T, V] { return AttrRule[T, V]{spec: r.spec.kind(ruleHidden)} }

// Escaped adds [Attr.Escaped].
func (r AttrRule[T, V]) Escaped() AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.kind(ruleEscaped)}
}

// Unique adds [Attr.Unique].
func (r AttrRule[T, V]) Unique(scope ...Ref[T]) AttrRule[T, V] {
	return AttrRule[T, V]{spec: r.spec.unique(locations(scope))}
}
