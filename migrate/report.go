package migrate

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/call"
)

// Report is what has become of the items of a [Backfill], [Reindex], [MovePartition] or [DeletePartition]. Of a backfill it counts what all its workers have
// done, as of the pages that they have saved, so an item that was worked on twice, after a crash, may count as rewritten by the first and as current by the second.
type Report struct {
	Scanned   int // items read; the sum of the next five
	Rewritten int // changed, moved or deleted; in a dry run, what would be
	Current   int // left as they were
	Foreign   int // of no entity, and guards and records of leases
	Gone      int // deleted meanwhile, or expired
	Failed    int

	Overtaken int // times that another writer was faster and the item was read again

	Segments int // of the table; 0 for a partition
	Done     int // of them

	Failures []Failure // of Failed; the first, see [KeepFailures]
}

// Failure is an item that could not be worked on.
type Failure struct {
	Key map[string]types.AttributeValue // never printed
	Err error                           // nil if another process, or one before, has met it
}

// Format prints the counts, by every verb.
func (r Report) Format(f fmt.State, _ rune) {
	var words []string
	for _, count := range []struct {
		n    int
		what string
	}{
		{r.Scanned, "scanned"},
		{r.Rewritten, "rewritten"},
		{r.Current, "current"},
		{r.Foreign, "foreign"},
		{r.Gone, "gone"},
		{r.Failed, "failed"},
		{r.Overtaken, "times overtaken"},
	} {
		if count.n > 0 || count.what == "scanned" {
			words = append(words, fmt.Sprintf("%d %s", count.n, count.what))
		}
	}
	if r.Segments > 0 {
		words = append(words, fmt.Sprintf("%d of %d segments done", r.Done, r.Segments))
	}
	_, _ = fmt.Fprint(f, strings.Join(words, ", "))
}

// Format prints the names of the key's attributes and the reason, by every verb: a key is a value.
func (f Failure) Format(s fmt.State, _ rune) {
	reason := "met by another call"
	if f.Err != nil {
		reason = call.Text(f.Err)
	}
	_, _ = fmt.Fprintf(s, "item with the key %s: %s", strings.Join(names(f.Key), ", "), reason)
}

// LogValue is what Format prints.
func (r Report) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// LogValue is what Format prints.
func (f Failure) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(f)) }

func (r *Report) add(other Report) {
	r.Scanned += other.Scanned
	r.Rewritten += other.Rewritten
	r.Current += other.Current
	r.Foreign += other.Foreign
	r.Gone += other.Gone
	r.Failed += other.Failed
	r.Overtaken += other.Overtaken
	r.Failures = append(r.Failures, other.Failures...)
}

// FailedError says that all items have been looked at and some have failed. errors.Is and As reach what made them fail.
type FailedError struct {
	Name   string // of the backfill
	Report Report
}

func (e *FailedError) Error() string {
	text := fmt.Sprintf("migrate: %s: %d of %d items failed", e.Name, e.Report.Failed, e.Report.Scanned)
	for _, f := range e.Report.Failures {
		if f.Err != nil {
			return text + ", one of them: " + call.Text(f.Err)
		}
	}
	return text
}

// Unwrap gives the errors that are known.
func (e *FailedError) Unwrap() []error {
	var all []error
	for _, f := range e.Report.Failures {
		if f.Err != nil {
			all = append(all, f.Err)
		}
	}
	return all
}

// failed is the error of a report.
func (r *Report) failed(name string) error {
	if r.Failed == 0 {
		return nil
	}
	return &FailedError{Name: name, Report: *r}
}

func (r *Report) count(o outcome) {
	switch o {
	case rewritten:
		r.Rewritten++
	case current:
		r.Current++
	case foreign:
		r.Foreign++
	case gone:
		r.Gone++
	}
}
