package avjson

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Reader reads the JSON of one reply. Positions are offsets in Data; a method
// takes the position of a value, or of white space before it, and returns the
// position behind it. A Reader is not safe for concurrent use, and not copied.
//
// Strings never share memory with Data: they are cut from pieces of their own, of
// at most 8 KiB, so that one that is kept keeps no more than that.
type Reader struct {
	Data []byte // never changed, and free for others to read for as long as they like

	text    strings.Builder
	piece   int    // how large the next piece of text will be
	scratch []byte // the last string that had escapes
}

const (
	firstPiece = 256
	maxPiece   = 8 << 10
	ownPiece   = 2 << 10 // longer strings have memory of their own

	maxDepth = 1000
)

const (
	wantObject = "expected an object"
	wantArray  = "expected an array"
	wantString = "expected a string"
	wantKey    = "expected a key"
	wantColon  = "expected a colon"
	wantBool   = "expected true or false"
	wantNumber = "expected a number"
	wantValue  = "expected a value"
	wantMember = "expected a comma or the end of the object"
	wantElem   = "expected a comma or the end of the array"
	tooDeep    = "nested too deep"
)

// Space returns the position of the first byte that is no white space.
func (r *Reader) Space(i int) int {
	for i < len(r.Data) && r.Data[i] <= ' ' {
		switch r.Data[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// at returns the byte at i; 0, which is nowhere right, behind the end.
func (r *Reader) at(i int) byte {
	if i < len(r.Data) {
		return r.Data[i]
	}
	return 0
}

// Cut returns a copy of b as a string.
func (r *Reader) Cut(b []byte) string {
	n := len(b)
	if n == 0 {
		return ""
	}
	begin := r.text.Len()
	if n > r.text.Cap()-begin {
		if n > ownPiece {
			return string(b)
		}
		if r.piece == 0 {
			r.piece = min(max(len(r.Data)/4, firstPiece), maxPiece)
		}
		r.text = strings.Builder{}
		r.text.Grow(max(r.piece, n))
		r.piece, begin = min(2*r.piece, maxPiece), 0
	}
	r.text.Write(b)
	return r.text.String()[begin:]
}

// String reads a string.
func (r *Reader) String(i int) (string, int, error) {
	b, end, err := r.Text(i)
	if err != nil {
		return "", 0, err
	}
	return r.Cut(b), end, nil
}

// Text reads a string and returns its text, which is part of Data, or holds until
// the next string is read.
func (r *Reader) Text(i int) ([]byte, int, error) {
	i = r.Space(i)
	if r.at(i) != '"' {
		return nil, 0, r.fail(i, wantString)
	}
	return r.Rest(i + 1)
}

// Rest is Text from behind the opening quote on.
func (r *Reader) Rest(i int) ([]byte, int, error) {
	j := plainEnd(r.Data, i)
	if r.at(j) == '"' {
		return r.Data[i:j], j + 1, nil
	}
	text := r.scratch[:0]
	for {
		text = appendValid(text, r.Data[i:j])
		switch r.at(j) {
		case '"':
			r.scratch = text
			return text, j + 1, nil
		case '\\':
			c, end, err := r.escape(j)
			if err != nil {
				return nil, 0, err
			}
			text, i = utf8.AppendRune(text, c), end
		default:
			return nil, 0, r.fail(j, "control character in a string")
		}
		j = plainEnd(r.Data, i)
	}
}

// appendValid appends b with U+FFFD for each wrong byte: so the SDK does it, in
// strings with escapes only.
func appendValid(text, b []byte) []byte {
	if utf8.Valid(b) {
		return append(text, b...)
	}
	for len(b) > 0 {
		c, n := utf8.DecodeRune(b)
		text, b = utf8.AppendRune(text, c), b[n:]
	}
	return text
}

// escape reads the escape at i. A surrogate without its other half is U+FFFD.
func (r *Reader) escape(i int) (rune, int, error) {
	switch c := r.at(i + 1); c {
	case '"', '\\', '/':
		return rune(c), i + 2, nil
	case 'b':
		return '\b', i + 2, nil
	case 'f':
		return '\f', i + 2, nil
	case 'n':
		return '\n', i + 2, nil
	case 'r':
		return '\r', i + 2, nil
	case 't':
		return '\t', i + 2, nil
	case 'u':
		c, ok := r.hex(i)
		if !ok {
			break
		}
		if !utf16.IsSurrogate(c) {
			return c, i + 6, nil
		}
		if low, ok := r.hex(i + 6); ok {
			if both := utf16.DecodeRune(c, low); both != utf8.RuneError {
				return both, i + 12, nil
			}
		}
		return utf8.RuneError, i + 6, nil
	}
	return 0, 0, r.fail(i, "not an escape")
}

// hex reads \uXXXX at i.
func (r *Reader) hex(i int) (c rune, ok bool) {
	if i+6 > len(r.Data) || r.Data[i] != '\\' || r.Data[i+1] != 'u' {
		return 0, false
	}
	for _, h := range r.Data[i+2 : i+6] {
		switch {
		case h-'0' <= 9:
			h -= '0'
		case (h|0x20)-'a' <= 5:
			h = (h | 0x20) - 'a' + 10
		default:
			return 0, false
		}
		c = c<<4 | rune(h)
	}
	return c, true
}

// Key reads the key of a member and the colon behind it. The position is that of
// the member's value, and the text holds as that of Text does.
func (r *Reader) Key(i int) ([]byte, int, error) {
	i = r.Space(i)
	if r.at(i) != '"' {
		return nil, 0, r.fail(i, wantKey)
	}
	key, i, err := r.Rest(i + 1)
	if err != nil {
		return nil, 0, err
	}
	if i = r.Space(i); r.at(i) != ':' {
		return nil, 0, r.fail(i, wantColon)
	}
	return key, r.Space(i + 1), nil
}

// Null reports whether null is at i; if it is not, the position is that of what is
// there.
func (r *Reader) Null(i int) (int, bool) {
	i = r.Space(i)
	if r.literal(i, "null") {
		return i + len("null"), true
	}
	return i, false
}

func (r *Reader) literal(i int, text string) bool {
	return i+len(text) <= len(r.Data) && string(r.Data[i:i+len(text)]) == text
}

// Bool reads true or false.
func (r *Reader) Bool(i int) (bool, int, error) {
	i = r.Space(i)
	switch {
	case r.literal(i, "true"):
		return true, i + len("true"), nil
	case r.literal(i, "false"):
		return false, i + len("false"), nil
	}
	return false, 0, r.fail(i, wantBool)
}

// Number reads a number and returns its text, a part of Data.
func (r *Reader) Number(i int) ([]byte, int, error) {
	i = r.Space(i)
	end, ok := numberEnd(r.Data, i)
	if !ok {
		return nil, 0, r.fail(end, wantNumber)
	}
	return r.Data[i:end], end, nil
}

// Int reads a whole number without exponent.
func (r *Reader) Int(i int) (int64, int, error) {
	i = r.Space(i)
	b, end, err := r.Number(i)
	if err != nil {
		return 0, 0, err
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return 0, 0, r.fail(i, "expected a whole number of 64 bits")
	}
	return n, end, nil
}

// Members reads an object: member gets each key, as Key returns it, and the
// position of its value, and returns the position behind that.
func (r *Reader) Members(i int, member func(key []byte, i int) (int, error)) (int, error) {
	i = r.Space(i)
	if r.at(i) != '{' {
		return 0, r.fail(i, wantObject)
	}
	if i = r.Space(i + 1); r.at(i) == '}' {
		return i + 1, nil
	}
	for {
		key, j, err := r.Key(i)
		if err != nil {
			return 0, err
		}
		if i, err = member(key, j); err != nil {
			return 0, err
		}
		i = r.Space(i)
		switch r.at(i) {
		case ',':
			i++
		case '}':
			return i + 1, nil
		default:
			return 0, r.fail(i, wantMember)
		}
	}
}

// Elements reads an array: element gets the position of each element and returns
// the position behind it.
func (r *Reader) Elements(i int, element func(i int) (int, error)) (int, error) {
	i = r.Space(i)
	if r.at(i) != '[' {
		return 0, r.fail(i, wantArray)
	}
	if i = r.Space(i + 1); r.at(i) == ']' {
		return i + 1, nil
	}
	var err error
	for {
		if i, err = element(i); err != nil {
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
