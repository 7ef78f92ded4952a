// Package usercode has what becomes of the errors of users' own methods.
package usercode

// Error is what a method of a user's type returned. Such a text may quote the
// value, so it is not printed; errors.Is and errors.As find it.
type Error struct {
	Method string
	Err    error
}

func (e *Error) Error() string { return e.Method + " failed" }

// Unwrap gives what the method returned.
func (e *Error) Unwrap() error { return e.Err }
