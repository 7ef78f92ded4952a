package monotable

import "github.com/monotable/monotable/internal/avjson"

// appendTexts appends the expressions without their names and values, as members of a request, each behind a comma.
func (e *built) appendTexts(b []byte) []byte {
	for _, member := range []struct {
		name string
		text *string
	}{
		{"ConditionExpression", e.condition},
		{"FilterExpression", e.filter},
		{"KeyConditionExpression", e.key},
		{"ProjectionExpression", e.projection},
		{"UpdateExpression", e.update},
	} {
		if member.text != nil {
			b = append(avjson.AppendString(append(b, ','), member.name), ':')
			b = avjson.AppendString(b, *member.text)
		}
	}
	return b
}

// appendJSON appends the expressions as members of a request, each behind a comma. After an error what was appended is of no use.
func (e *worded) appendJSON(b []byte) (_ []byte, err error) {
	t := e.known
	if t == nil {
		return e.own.appendJSON(b)
	}
	b = append(b, t.json...)
	for i, placeholder := range t.names {
		b = append(b, openingOf(i, `,"ExpressionAttributeNames":{`)...)
		b = append(avjson.AppendString(b, placeholder), ':')
		b = avjson.AppendString(b, e.shape.names[i])
	}
	b = append(b, closingOf(len(t.names))...)
	for i, placeholder := range t.values {
		b = append(b, openingOf(i, `,"ExpressionAttributeValues":{`)...)
		b = append(avjson.AppendString(b, placeholder), ':')
		if b, err = avjson.AppendValue(b, e.shape.values[i]); err != nil {
			return b, err
		}
	}
	return append(b, closingOf(len(t.values))...), nil
}

func (e *built) appendJSON(b []byte) (_ []byte, err error) {
	b = e.appendTexts(b)
	i := 0
	for placeholder, name := range e.names {
		b = append(b, openingOf(i, `,"ExpressionAttributeNames":{`)...)
		b = append(avjson.AppendString(b, placeholder), ':')
		b = avjson.AppendString(b, name)
		i++
	}
	b = append(b, closingOf(i)...)
	if len(e.values) > 0 {
		return avjson.AppendItem(append(b, `,"ExpressionAttributeValues":`...), e.values)
	}
	return b, nil
}

// openingOf is what comes before the i-th member of an object.
func openingOf(i int, first string) string {
	if i == 0 {
		return first
	}
	return ","
}

// closingOf is what comes behind an object of n members, which is left out if there are none.
func closingOf(n int) string {
	if n == 0 {
		return ""
	}
	return "}"
}
