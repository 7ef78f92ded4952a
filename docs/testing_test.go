package docs_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// newTestLibrary is a library of the test's own: in memory, or on the server that DYNAMODB_ENDPOINT names.
func newTestLibrary(t *testing.T, clock *monotabletest.Clock) *Library {
	t.Helper()
	client := monotabletest.Client(t)
	cfg := libraryConfig
	cfg.Clock = clock.Now
	monotabletest.TableOn(t, client, cfg) // creates it, and deletes it when the test ends
	l, err := NewLibrary(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLoansOfAMember(t *testing.T) {
	var clock monotabletest.Clock
	l := newTestLibrary(t, &clock)
	monotabletest.Seed(t, l.Loans, aLoan("ann", "emma", 3), aLoan("ann", "ivanhoe", 9), aLoan("bob", "emma", 4))

	loans, err := l.Loans.Query(Loan{Member: "ann"}).Collect(t.Context())
	if err != nil || len(loans) != 2 {
		t.Fatal(loans, err)
	}
}

func TestChangedAt(t *testing.T) {
	var clock monotabletest.Clock
	l := newTestLibrary(t, &clock)
	monotabletest.Seed(t, l.Members, Member{ID: "ann", Name: "Ann", Email: "ann@example.com"})

	later := clock.Advance(time.Hour)
	ann, err := l.Members.Update(t.Context(), Member{ID: "ann"}, memberName.Set("Anna"))
	if err != nil || !ann.Changed.Equal(later) || !ann.Joined.Equal(later.Add(-time.Hour)) {
		t.Fatal(ann, err)
	}
}

func TestRequestsOfALoan(t *testing.T) {
	var rec monotabletest.Recorder
	client := monotabletest.Client(t)
	l := openLibraryOver(client, rec.Client(client))

	sent := rec.Expect(t, 1, func() {
		if _, err := l.Loans.Create(t.Context(), aLoan("ann", "emma", 3)); err != nil {
			t.Fatal(err)
		}
	})
	if sent[0].Operation != "PutItem" {
		t.Fatal(sent[0])
	}
}

func TestWhenTheReplyIsLost(t *testing.T) {
	var faults monotabletest.Faults
	client := monotabletest.Client(t)
	l := openLibraryOver(client, faults.Client(client))
	monotabletest.Seed(t, l.Books, Book{ID: "emma", Title: "Emma", Copies: 2})

	faults.Script("UpdateItem", monotabletest.ReplyLost())
	_, err := l.Books.Update(t.Context(), Book{ID: "emma"}, monotable.Add(bookCopies, -1))
	if !errors.Is(err, monotable.ErrOutcomeUnknown) {
		t.Fatal("the program must look: the copy may be gone already", err)
	}
}

func TestCrashes(t *testing.T) {
	for n := 1; ; n++ { // stopped before its n-th request, for all n
		engine := memdb.New(memdb.Options{})
		client := engine.Client()
		l := openLibraryOver(client, client)
		monotabletest.Seed(t, l.Books, Book{ID: "emma", Title: "Emma", Copies: 1})

		var faults monotabletest.Faults
		dying := mustBe(NewLibrary(faults.Client(client), libraryConfig))
		faults.StopAt(n)
		stopped := giveBack(dying, "emma")
		if err := giveBack(l, "emma"); err != nil { // the next process begins again
			t.Fatal(err)
		}
		if stopped == nil {
			break // there is no n-th request
		}
		if !errors.Is(stopped, monotabletest.ErrStopped) {
			t.Fatal(stopped)
		}
	}
}

// giveBack puts a copy back on the shelf.
func giveBack(l *Library, book string) error {
	_, err := l.Books.Update(ctx, Book{ID: book}, monotable.Add(bookCopies, 1))
	return err
}

func TestThrottledTable(t *testing.T) {
	engine := memdb.New(memdb.Options{})
	client := engine.Client(func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 }) // or the SDK waits and tries again
	l := openLibraryOver(client, client)

	engine.SetFaults(memdb.Faults{Throttle: func(c memdb.Call) *memdb.Throttling {
		if c.Operation == "GetItem" {
			return &memdb.Throttling{}
		}
		return nil
	}})
	_, err := l.Books.Get(t.Context(), Book{ID: "emma"})
	if !errors.Is(err, monotable.ErrThrottled) {
		t.Fatal(err)
	}
}

// TestKeysOfTheTable fails when a template changes: the items that are stored have the keys of the file, and must be
// rewritten before it is.
func TestKeysOfTheTable(t *testing.T) {
	l, _ := openLibrary()
	type keys struct {
		Key     monotable.Key
		Indexes map[string]monotable.Key
	}
	declared := map[string]keys{}
	for _, e := range l.Table.Declaration().Entities {
		declared[e.Name] = keys{e.Key, e.Indexes}
	}
	got, err := json.MarshalIndent(declared, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/keys.json")
	if err != nil || string(want) != string(got)+"\n" {
		t.Fatalf("stored items have other keys: %v\n%s", err, got)
	}
}

func TestPlanOfAQuery(t *testing.T) {
	l, _ := openLibrary()
	plan, err := l.Loans.Query(Loan{Book: "emma"}).Index("byBook").SortKey(loanBegun.Ge(noon)).Explain()
	if err != nil || plan.Filter != "" || plan.Warns("scan") {
		t.Fatal("it should be answered by the key alone", plan, err)
	}
}
