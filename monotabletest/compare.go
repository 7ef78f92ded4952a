package monotabletest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

const (
	defaultCompareConcurrency = 8
	compareAttempts           = 3
)

func newComparison(opts []CompareOption) *comparison {
	c := &comparison{concurrency: defaultCompareConcurrency, attempts: compareAttempts, missing: []func(error) bool{isNotFound}}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// CompareConcurrency is how many keys [Compare] reads at a time; 8 without, and if n is below 1. Both readers are then called by so many goroutines.
func CompareConcurrency(n int) CompareOption {
	return func(c *comparison) {
		if n > 0 {
			c.concurrency = n
		}
	}
}

// CompareAttempts is how often [Compare] reads a key whose answers differ before it says so, for a writer may have come between the two; 3 without, and if n is below 1.
func CompareAttempts(n int) CompareOption {
	return func(c *comparison) {
		if n > 0 {
			c.attempts = n
		}
	}
}

// MissingIf tells [Compare] which further errors of a reader say that the item is not there. [monotable.ErrNotFound] does, and so does a nil pointer or map. An empty list is
// an answer.
func MissingIf(missing func(error) bool) CompareOption {
	return func(c *comparison) { c.missing = append(c.missing, missing) }
}

func isNotFound(err error) bool { return errors.Is(err, monotable.ErrNotFound) }

// Comparison is what two readers have made of the same keys.
type Comparison[K any] struct {
	Keys        int             // that were read; the sum of the next three and of Differences
	Same        int             // both have the same
	BothMissing int             // neither finds it
	Failed      int             // a reader failed with an error, while the other may have answered
	Differences []Difference[K] // those that differ, in the order of the keys
	Failures    []ReadFailure[K]
}

// Difference is a key of which the two readers tell different things.
type Difference[K any] struct {
	Key   K
	Paths []string // of attributes, as [Diff] gives them; nil if one of the readers found nothing

	OnlyOld, OnlyNew bool // the other reader found nothing
}

// ReadFailure is a key that could not be compared. An error is nil if that reader has answered.
type ReadFailure[K any] struct {
	Key      K
	Old, New error
}

// Err is nil if there were keys and all were found the same or missing by both readers. Otherwise its text has counts and attributes, neither keys nor values.
func (c *Comparison[K]) Err() error {
	switch {
	case c.Keys == 0:
		return errors.New("monotabletest: no keys to compare")
	case len(c.Differences) == 0 && c.Failed == 0:
		return nil
	}
	return errors.New("monotabletest: " + c.String())
}

// String has counts and attributes, neither keys nor values.
func (c *Comparison[K]) String() string {
	text := fmt.Sprintf("%d keys: %d the same, %d missing in both, %d differ, %d failed", c.Keys, c.Same, c.BothMissing, len(c.Differences), c.Failed)
	var whats []string
	times := map[string]int{}
	for _, d := range c.Differences {
		for _, what := range d.whats() {
			if times[what]++; times[what] == 1 {
				whats = append(whats, what)
			}
		}
	}
	slices.Sort(whats)
	for i, what := range whats {
		separator := "; "
		if i > 0 {
			separator = ", "
		}
		text += fmt.Sprintf("%s%s × %d", separator, what, times[what])
	}
	return text
}

func (d Difference[K]) whats() []string {
	switch {
	case d.OnlyOld:
		return []string{"only old"}
	case d.OnlyNew:
		return []string{"only new"}
	}
	return d.Paths
}

// Check has the test fail, with what differs of each key, if [Comparison.Err] is an error. It shows the keys.
func (c *Comparison[K]) Check(t testing.TB) {
	t.Helper()
	if err := c.Err(); err != nil {
		t.Error(err)
	}
	for _, d := range c.Differences {
		t.Errorf("%v: %s", d.Key, strings.Join(d.whats(), ", "))
	}
	for _, f := range c.Failures {
		t.Errorf("%v: old: %v; new: %v", f.Key, f.Old, f.New)
	}
}

// Compare reads the same keys with an old and a new program, such as raw SDK code and what replaces it, and tells where their answers differ, while others go on writing. The
// answers may be of two types: they are compared as [Diff] does; where they need a common form first, let readOld and readNew return that. Keys are from [Keys] or [Sample].
//
// A reader's error is that key's, see Comparison.Failures, and ends nothing. The error of Compare is that of the keys, of values that cannot be compared, or of the context; the
// comparison has then what was read before.
func Compare[K, A, B any](ctx context.Context, keys iter.Seq2[K, error], readOld func(context.Context, K) (A, error), readNew func(context.Context, K) (B, error), opts ...CompareOption) (*Comparison[K], error) {
	c := newComparison(opts)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type job struct {
		index int
		key   K
	}
	jobs := make(chan job)
	var (
		mu       sync.Mutex
		compared = map[int]verdict{}
		asked    = map[int]K{}
		workers  sync.WaitGroup
	)
	for range c.concurrency {
		workers.Go(func() {
			for j := range jobs {
				a, err := compareKey(ctx, c, j.key, readOld, readNew)
				if err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				compared[j.index], asked[j.index] = a, j.key
				mu.Unlock()
			}
		})
	}
	n := 0
	for key, err := range keys {
		if err != nil {
			cancel(err)
		}
		if ctx.Err() != nil {
			break
		}
		select {
		case jobs <- job{n, key}:
			n++
		case <-ctx.Done():
		}
	}
	close(jobs)
	workers.Wait()
	report := &Comparison[K]{}
	for i := range n {
		if a, ok := compared[i]; ok {
			report.add(asked[i], a)
		}
	}
	return report, context.Cause(ctx)
}

func (c *Comparison[K]) add(key K, a verdict) {
	c.Keys++
	switch {
	case a.oldErr != nil || a.newErr != nil:
		c.Failed++
		c.Failures = append(c.Failures, ReadFailure[K]{key, a.oldErr, a.newErr})
	case !a.old && !a.new:
		c.BothMissing++
	case a.old && a.new && len(a.paths) == 0:
		c.Same++
	default:
		c.Differences = append(c.Differences, Difference[K]{key, a.paths, a.old && !a.new, a.new && !a.old})
	}
}

// verdict is what the readers have made of one key.
type verdict struct {
	old, new       bool // there was something
	oldErr, newErr error
	paths          []string
}

// compareKey reads one key with both readers, again if they differ.
func compareKey[K, A, B any](ctx context.Context, c *comparison, key K, readOld func(context.Context, K) (A, error), readNew func(context.Context, K) (B, error)) (verdict, error) {
	var a verdict
	for range c.attempts {
		first, oldErr := readOld(ctx, key)
		second, newErr := readNew(ctx, key)
		if ctx.Err() != nil {
			return a, context.Cause(ctx)
		}
		a = verdict{}
		a.old, a.oldErr = c.found(first, oldErr)
		a.new, a.newErr = c.found(second, newErr)
		switch {
		case a.oldErr != nil || a.newErr != nil, !a.old && !a.new:
			return a, nil
		case a.old && a.new:
			var err error
			if a.paths, err = c.diff(first, second); err != nil || len(a.paths) == 0 {
				return a, err
			}
		}
	}
	return a, nil
}

func (c *comparison) diff(first, second any) ([]string, error) {
	return Diff(first, second, func(own *comparison) { *own = *c })
}

// found says whether a reader has found something, or else why not if that is an error.
func (c *comparison) found(v any, err error) (bool, error) {
	for _, missing := range c.missing {
		if err != nil && missing(err) {
			return false, nil
		}
	}
	if err != nil {
		return false, err
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid:
		return false, nil
	case reflect.Pointer, reflect.Map:
		return !r.IsNil(), nil
	}
	return true, nil
}

// Keys are keys that are known.
func Keys[K any](keys ...K) iter.Seq2[K, error] {
	return func(yield func(K, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}

// Sample draws up to n keys from a table by a consistent scan in segments, read in turns, a small page of each at a time: an item is in a segment by the hash of its partition key, so all parts of the table are in
// the sample. n below 1 is the whole table; segments are 1 to 1,000,000. key makes a key of an item as it is stored, whoever has written it, or leaves it out. Iterating sends Scan requests to the table under
// client until there are enough keys; an error of them, or of the context, ends it, and is the last thing it yields.
func Sample[K any](ctx context.Context, client monotable.Client, table string, n, segments int, key func(item map[string]types.AttributeValue) (K, bool)) iter.Seq2[K, error] {
	return func(yield func(K, error) bool) {
		given, page := 0, int32(0)
		if n > 0 && segments > 0 {
			page = int32(min((n+segments-1)/segments, 1<<30))
		}
		for item, err := range items(ctx, client, table, segments, page) {
			if err != nil {
				yield(*new(K), err)
				return
			}
			k, ok := key(item)
			if !ok {
				continue
			}
			if !yield(k, nil) {
				return
			}
			if given++; given == n {
				return
			}
		}
	}
}
