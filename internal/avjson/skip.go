package avjson

// Skip passes over one JSON value of any kind.
func (r *Reader) Skip(i int) (int, error) {
	const openS = `{"S":"` // as keys and tags begin
	if end := i + len(openS); end <= len(r.Data) && string(r.Data[i:end]) == openS {
		end = plainEnd(r.Data, end)
		if r.at(end) == '"' && r.at(end+1) == '}' {
			return end + 2, nil
		}
	}
	return r.skip(r.Space(i), 0)
}

// skip begins at the value itself, behind white space.
func (r *Reader) skip(i, depth int) (int, error) {
	switch r.at(i) {
	case '"':
		return r.skipString(i)
	case '{':
		return r.skipObject(i+1, depth+1)
	case '[':
		return r.skipArray(i+1, depth+1)
	case 't':
		if r.literal(i, "true") {
			return i + len("true"), nil
		}
	case 'f':
		if r.literal(i, "false") {
			return i + len("false"), nil
		}
	case 'n':
		if r.literal(i, "null") {
			return i + len("null"), nil
		}
	default:
		if end, ok := numberEnd(r.Data, i); ok {
			return end, nil
		}
	}
	return 0, r.fail(i, wantValue)
}

// skipString begins at the opening quote.
func (r *Reader) skipString(i int) (int, error) {
	for i++; ; {
		i = plainEnd(r.Data, i)
		switch r.at(i) {
		case '"':
			return i + 1, nil
		case '\\':
			var err error
			if _, i, err = r.escape(i); err != nil {
				return 0, err
			}
		default:
			return 0, r.fail(i, "control character in a string")
		}
	}
}

// skipObject begins behind the opening brace.
func (r *Reader) skipObject(i, depth int) (int, error) {
	if depth > maxDepth {
		return 0, r.fail(i, tooDeep)
	}
	if i = r.Space(i); r.at(i) == '}' {
		return i + 1, nil
	}
	var err error
	for {
		if r.at(i) != '"' {
			return 0, r.fail(i, wantKey)
		}
		if i, err = r.skipString(i); err != nil {
			return 0, err
		}
		if r.at(i) != ':' {
			if i = r.Space(i); r.at(i) != ':' {
				return 0, r.fail(i, wantColon)
			}
		}
		if i, err = r.skip(r.Space(i+1), depth); err != nil {
			return 0, err
		}
		i = r.Space(i)
		switch r.at(i) {
		case ',':
			i = r.Space(i + 1)
		case '}':
			return i + 1, nil
		default:
			return 0, r.fail(i, wantMember)
		}
	}
}

// skipArray begins behind the opening bracket.
func (r *Reader) skipArray(i, depth int) (int, error) {
	if depth > maxDepth {
		return 0, r.fail(i, tooDeep)
	}
	if i = r.Space(i); r.at(i) == ']' {
		return i + 1, nil
	}
	var err error
	for {
		if i, err = r.skip(i, depth); err != nil {
			return 0, err
		}
		i = r.Space(i)
		switch r.at(i) {
		case ',':
			i = r.Space(i + 1)
		case ']':
			return i + 1, nil
		default:
			return 0, r.fail(i, wantElem)
		}
	}
}
