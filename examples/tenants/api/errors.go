package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
)

// failure is an error as it is sent: a code for programs, and of what the caller did wrong the fields. Nothing else of what is known goes out.
type failure struct {
	status    int
	Code      string  `json:"code"`
	Fields    []field `json:"fields,omitempty"`
	RequestID string  `json:"requestId"`
}

type field struct {
	Name    string `json:"name"`
	Problem string `json:"problem,omitempty"`
}

// fields says which field of the request brought which attribute: "" is an attribute of the path, and the attribute "" the whole item.
type fields map[string]string

// fieldError is an error about what the fields of a request brought.
type fieldError struct {
	error
	fields fields
}

func (e *fieldError) Unwrap() error { return e.error }

// explain gives an error of the service the names that the request has.
func (f fields) explain(err error) error {
	if err == nil {
		return nil
	}
	return &fieldError{err, f}
}

// checkID refuses what cannot be an id.
func checkID(name, id string) error {
	if !tenant.ValidID(id) {
		return invalid("invalid", name, "is not an id")
	}
	return nil
}

// Error is the code.
func (f *failure) Error() string { return f.Code }

func invalid(code, name, problem string) error {
	f := &failure{status: http.StatusBadRequest, Code: code}
	if name != "" {
		f.Fields = []field{{name, problem}}
	}
	return f
}

// failureOf sorts errors: 400 for what is wrong with the request, 404 for what is not there, 409 for what stands against it, 500 for everything else.
func failureOf(err error) failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return *f
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return failure{status: http.StatusRequestEntityTooLarge, Code: "too_large"}
	}
	var names fields
	if e, ok := errors.AsType[*fieldError](err); ok {
		names = e.fields
	}
	if invalid, ok := errors.AsType[*monotable.ValidationError](err); ok {
		return names.refused(invalid)
	}
	for _, row := range []struct {
		is     error
		status int
		code   string
	}{
		{monotable.ErrOutcomeUnknown, http.StatusInternalServerError, "internal"}, // whatever else it is
		{monotable.ErrWrongEntity, http.StatusInternalServerError, "internal"},
		{monotable.ErrInvalid, http.StatusBadRequest, "invalid"}, // a key that cannot be one
		{monotable.ErrBadCursor, http.StatusBadRequest, "bad_cursor"},
		{monotable.ErrNotFound, http.StatusNotFound, "not_found"},
		{monotable.ErrDuplicate, http.StatusConflict, "taken"},
		{monotable.ErrAlreadyExists, http.StatusConflict, "exists"},
		{monotable.ErrVersionConflict, http.StatusConflict, "version_conflict"},
		{tenant.ErrOwner, http.StatusConflict, "is_owner"},
		{tenant.ErrDeleted, http.StatusConflict, "deleted"},
		{monotable.ErrConditionFailed, http.StatusConflict, "conflict"},
	} {
		if errors.Is(err, row.is) {
			f := failure{status: row.status, Code: row.code}
			if refused, ok := errors.AsType[*monotable.ConditionError](err); ok && refused.Attribute != "" && (row.code == "taken" || row.code == "conflict") {
				f.Fields = []field{{Name: cmp.Or(names[refused.Attribute], refused.Attribute)}}
			}
			return f
		}
	}
	return failure{status: http.StatusInternalServerError, Code: "internal"}
}

// refused is 400 with each field once, or 500 if an attribute is wrong that the request does not have: the caller cannot mend what is stored.
func (f fields) refused(invalid *monotable.ValidationError) failure {
	answer := failure{status: http.StatusBadRequest, Code: "invalid"}
	for _, v := range invalid.Violations {
		name, ok := f[v.Attribute]
		if !ok {
			return failure{status: http.StatusInternalServerError, Code: "internal"}
		}
		if name != "" && !slices.ContainsFunc(answer.Fields, func(known field) bool { return known.Name == name }) {
			answer.Fields = append(answer.Fields, field{name, v.Err.Error()})
		}
	}
	return answer
}

// recovered calls a handler; a panic is an error like others.
func recovered(h handler, r *http.Request) (body any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(r)
}
