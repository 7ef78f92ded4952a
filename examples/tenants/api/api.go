// Package api serves package tenant over HTTP: a plain http.Handler, for a server of net/http as for AWS Lambda.
//
// It has no authentication: who may call what is for a handler in front of it.
package api

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
)

// maxBody is how many bytes a request's body may have.
const maxBody = 64 << 10

// Options are what differs between places where the API runs. The zero value is ready for use.
type Options struct {
	Logger    *slog.Logger                 // is told of what ends in status 500, with the request's id; defaults to slog.Default()
	RequestID func(r *http.Request) string // defaults to something random
}

type api struct {
	*tenant.Service
	log *slog.Logger
	id  func(r *http.Request) string
}

// New is the handler. It is safe for concurrent use, as the service is.
func New(service *tenant.Service, options Options) http.Handler {
	a := &api{Service: service, log: options.Logger, id: options.RequestID}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.id == nil {
		a.id = func(*http.Request) string { return rand.Text() }
	}
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"POST /signup":                              a.signUp,
		"POST /users":                               a.createUser,
		"GET /users":                                a.listUsers,
		"GET /users/{id}":                           a.getUser,
		"PATCH /users/{id}":                         a.updateUser,
		"DELETE /users/{id}":                        a.deleteUser,
		"PATCH /users/{id}/preferences":             a.mergePreferences,
		"GET /users/{id}/organizations":             a.organizations,
		"GET /users/{id}/colleagues":                a.colleagues,
		"POST /organizations":                       a.createOrganization,
		"GET /organizations/{id}":                   a.overview,
		"GET /organizations/{id}/members":           a.members,
		"POST /organizations/{id}/members":          a.join,
		"DELETE /organizations/{id}/members/{user}": a.leave,
		"PUT /organizations/{id}/owner":             a.transferOwnership,
		"POST /organizations/{id}/invitations":      a.invite,
		"/":                                         func(*http.Request) (any, error) { return nil, monotable.ErrNotFound },
	} {
		mux.Handle(pattern, a.serve(h))
	}
	return mux
}

// NewServer is an http.Server that neither slow nor silent clients can hold up.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

// handler answers a request with what is to be sent as JSON, or with an error, see errors.go.
type handler func(r *http.Request) (body any, err error)

// created is the body of an answer with status 201.
type created struct{ body any }

// serve makes of a handler what net/http calls.
func (a *api) serve(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := a.id(r)
		w.Header().Set("X-Request-Id", id)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		body, err := recovered(h, r)
		status := http.StatusOK
		if c, ok := body.(created); ok {
			status, body = http.StatusCreated, c.body
		}
		if err != nil {
			failure := failureOf(err)
			failure.RequestID = id
			if failure.status == http.StatusInternalServerError {
				a.log.ErrorContext(r.Context(), "request failed", "requestId", id, "method", r.Method, "route", r.Pattern, "error", err)
			}
			status, body = failure.status, map[string]any{"error": failure}
		}
		if body == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // to a client that may have gone
	})
}

// list is a page as it is sent. The cursor goes into the next request as it is.
type list[T any] struct {
	Items   []T              `json:"items"`
	Cursor  monotable.Cursor `json:"cursor,omitempty"`
	HasMore bool             `json:"hasMore"`
}

func listOf[T any](page monotable.Page[T], err error) (any, error) {
	return list[T]{page.Items, page.Next, page.Next != ""}, err
}

// position is which page a request wants.
func position(r *http.Request) (limit int, from monotable.Cursor, err error) {
	query := r.URL.Query()
	limit = 20
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 100 {
			return 0, "", invalid("bad_limit", "limit", "must be a number from 1 to 100")
		}
	}
	return limit, monotable.Cursor(query.Get("cursor")), nil
}

// decode reads a request's body: one JSON value with no field that T does not have.
func decode[T any](r *http.Request) (T, error) {
	var in T
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&in)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return in, nil
		}
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return in, tooLarge
	}
	return in, invalid("bad_json", "", "the body is not the JSON that is expected here")
}
