package memdb

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/value"
)

// marshal writes JSON; what the engine answers with can always be written.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// item is a map of attribute values in a request. A broken rule is kept until the
// operation asks, because other checks come first.
type item struct {
	Map    value.Map // nil if the request has none
	broken error
}

// UnmarshalJSON reads the map.
func (i *item) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	m, err := value.DecodeMap(text)
	if broken, ok := errors.AsType[*value.InvalidError](err); ok {
		i.Map, i.broken = value.Map{}, broken
		return nil
	}
	i.Map = m
	return err
}

// given tells whether the request has the map.
func (i *item) given() bool { return i.Map != nil }

// attribute is one attribute value in a request.
type attribute struct {
	value  value.Value
	broken error
}

// UnmarshalJSON reads the value.
func (a *attribute) UnmarshalJSON(text []byte) error {
	v, err := value.Decode(text)
	if broken, ok := errors.AsType[*value.InvalidError](err); ok {
		a.broken = broken
		return nil
	}
	a.value = v
	return err
}

// placeholders are the names and values of a request's expressions.
type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]attribute
}

// source is one expression parameter of a request.
type source struct {
	kind expr.Kind
	text *string
}

// params checks the placeholders by themselves. The sources are those parameters
// that may hold expressions; values are of use in all but projections.
func (p *placeholders) params(sources ...source) (*expr.Params, error) {
	names, values, any := "", "", false
	for _, s := range sources {
		any = any || s.text != nil
		names = string(s.kind) + " is null"
		if s.kind != expr.ProjectionExpression {
			values = names
		}
	}
	if len(sources) > 1 {
		names, values = "", ""
	}
	if p.ExpressionAttributeNames != nil && !any {
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions%s", reason(names))
	}
	if p.ExpressionAttributeValues != nil && !any {
		return nil, invalid("ExpressionAttributeValues can only be specified when using expressions%s", reason(values))
	}
	if p.ExpressionAttributeNames != nil && len(p.ExpressionAttributeNames) == 0 {
		return nil, invalid("ExpressionAttributeNames must not be empty")
	}
	if p.ExpressionAttributeValues != nil && len(p.ExpressionAttributeValues) == 0 {
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	vs := make(map[string]value.Value, len(p.ExpressionAttributeValues))
	for _, name := range sortedKeys(p.ExpressionAttributeValues) {
		a := p.ExpressionAttributeValues[name]
		if a.broken != nil {
			return nil, invalid("ExpressionAttributeValues contains invalid value: %s for key %s", a.broken, name)
		}
		vs[name] = a.value
	}
	params := expr.NewParams(p.ExpressionAttributeNames, vs)
	return params, params.Check()
}

func reason(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// condition parses an optional condition, filter or key condition.
func condition(p *expr.Params, kind expr.Kind, text *string) (*expr.Condition, error) {
	if text == nil {
		return nil, nil
	}
	return p.Condition(kind, *text)
}

// projection parses an optional projection.
func projection(p *expr.Params, text *string) (*expr.Projection, error) {
	if text == nil {
		return nil, nil
	}
	return p.Projection(*text)
}

// legacy are the parameters from before there were expressions. The engine knows
// them in order to refuse them.
type legacy struct {
	AttributesToGet, AttributeUpdates, Expected, ConditionalOperator,
	KeyConditions, QueryFilter, ScanFilter json.RawMessage
}

func (l *legacy) refuse(sources ...source) error {
	name := ""
	for _, p := range []struct {
		name string
		text json.RawMessage
	}{
		{"AttributesToGet", l.AttributesToGet},
		{"AttributeUpdates", l.AttributeUpdates},
		{"Expected", l.Expected},
		{"KeyConditions", l.KeyConditions},
		{"QueryFilter", l.QueryFilter},
		{"ScanFilter", l.ScanFilter},
		{"ConditionalOperator", l.ConditionalOperator},
	} {
		if len(p.text) > 0 && string(p.text) != "null" {
			name = p.name
			break
		}
	}
	if name == "" {
		return nil
	}
	for _, s := range sources {
		if s.text != nil {
			return invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}", name, s.kind)
		}
	}
	return invalid("The legacy parameter %s is not supported by memdb; use an expression", name)
}
