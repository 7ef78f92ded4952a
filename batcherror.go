package monotable

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// BatchFailure is an operation of a batch that was not carried out, or perhaps not.
type BatchFailure struct {
	Index  int     // in the call
	Op     BatchOp // ready to be sent again
	Entity string
	Key    map[string]types.AttributeValue // a copy; never part of an error's text
	Err    error
}

// BatchError says what has become of each operation of a BatchWrite, BatchPut or BatchDelete that did not complete: every index of the call is in one of the lists,
// each in the call's order. It matches ErrUnprocessed if the service left something unprocessed to the end, ErrOutcomeUnknown if some outcome is
// unknown, ErrStopped if something was not sent for [StopOnFailure], and whatever else the failures match. Its text holds no key.
type BatchError struct {
	Written    []int          // indexes of the operations that were carried out
	NotWritten []BatchFailure // certainly not carried out
	Unknown    []BatchFailure // sent, without a definite answer
}

func (e *BatchError) Error() string {
	text := fmt.Sprintf("monotable: batch: %d written, %d not written, %d unknown", len(e.Written), len(e.NotWritten), len(e.Unknown))
	for _, f := range e.failures() {
		return text + fmt.Sprintf("; operation %d (%s): %s", f.Index, f.Entity, bare(f.Err))
	}
	return text
}

func (e *BatchError) failures() []BatchFailure { return slices.Concat(e.NotWritten, e.Unknown) }

// Unwrap gives the errors of the failures, one of each kind.
func (e *BatchError) Unwrap() []error {
	var errs []error
	for _, f := range e.failures() {
		// The operations of one request share their error, and they stand together.
		if len(errs) == 0 || !same(errs[len(errs)-1], f.Err) {
			errs = append(errs, f.Err)
		}
	}
	return errs
}

// Rest is what to pass to BatchWrite to finish the work: Put and Delete can be repeated, so Unknown is in it too.
func (e *BatchError) Rest() []BatchOp {
	var ops []BatchOp
	for _, f := range e.failures() {
		ops = append(ops, f.Op)
	}
	return ops
}

func batchError(entries []*batchEntry) error {
	if !slices.ContainsFunc(entries, func(entry *batchEntry) bool { return entry.err != nil }) {
		return nil
	}
	e := &BatchError{}
	for i, entry := range entries {
		failure := BatchFailure{Index: i, Entity: entry.entity(), Key: maps.Clone(entry.attributes()), Err: entry.err}
		switch {
		case entry.err == nil:
			e.Written = append(e.Written, i)
		case errors.Is(entry.err, ErrOutcomeUnknown):
			e.Unknown = append(e.Unknown, failure)
		default:
			e.NotWritten = append(e.NotWritten, failure)
		}
	}
	return e
}

// same says that two errors are one value.
func same(a, b error) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b //nolint:errorlint // the same value, not the same kind
}

// because joins errors in one line, without nil and without repeating itself.
func because(errs ...error) error {
	var all reasons
	for _, err := range errs {
		if err != nil && !slices.ContainsFunc(all, func(other error) bool { return same(other, err) }) {
			all = append(all, err)
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return &all
}

type reasons []error

func (r *reasons) Error() string {
	lines := make([]string, len(*r))
	for i, err := range *r {
		lines[i] = bare(err)
	}
	return "monotable: " + strings.Join(lines, "; ")
}

func (r *reasons) Unwrap() []error { return *r }
