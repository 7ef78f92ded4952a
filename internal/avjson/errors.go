package avjson

import (
	"errors"
	"strconv"
)

// SyntaxError is input that is no JSON, or no attribute value where one must be.
type SyntaxError struct {
	Offset int // in the reply, of the byte that does not fit
	reason string
}

// Error names the place and what is wrong with it, never what is there.
func (e *SyntaxError) Error() string {
	return "malformed reply at byte " + strconv.Itoa(e.Offset) + ": " + e.reason
}

// Reasons why a value cannot be appended.
var (
	ErrNil   = errors.New("attribute value is nil")
	ErrDepth = errors.New("attribute value is nested too deep, or cyclic")

	errUnknown = errors.New("unknown type of attribute value")
)

func (r *Reader) fail(i int, reason string) *SyntaxError {
	if i >= len(r.Data) {
		return &SyntaxError{len(r.Data), "unexpected end"}
	}
	return &SyntaxError{i, reason}
}
