package docs_test

import (
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/mail"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
)

// The lending library that most pages of the guide are about: members borrow books.

type Member struct {
	ID       string    `dynamodbav:"memberId"`
	Name     string    `dynamodbav:"name"`
	Email    string    `dynamodbav:"email"`
	Plan     string    `dynamodbav:"plan"`
	Fines    int       `dynamodbav:"fines"` // in cents
	Card     string    `dynamodbav:"card,omitempty"`
	Interest []string  `dynamodbav:"interest,stringset"`
	Joined   time.Time `dynamodbav:"joinedAt"`
	Changed  time.Time `dynamodbav:"changedAt"`
	Version  int       `dynamodbav:"version"`
}

var (
	memberName     = monotable.Field(func(m *Member) *string { return &m.Name })
	memberEmail    = monotable.Field(func(m *Member) *string { return &m.Email })
	memberPlan     = monotable.Field(func(m *Member) *string { return &m.Plan })
	memberFines    = monotable.Field(func(m *Member) *int { return &m.Fines })
	memberCard     = monotable.Field(func(m *Member) *string { return &m.Card })
	memberInterest = monotable.Field(func(m *Member) *[]string { return &m.Interest })
	memberJoined   = monotable.Field(func(m *Member) *time.Time { return &m.Joined })
	memberChanged  = monotable.Field(func(m *Member) *time.Time { return &m.Changed })
	memberVersion  = monotable.Field(func(m *Member) *int { return &m.Version })
)

var memberSchema = monotable.Schema[Member]{
	Name: "Member",
	Key:  monotable.Key{Partition: "MEMBER#{memberId}", Sort: "PROFILE"},
	Rules: []monotable.Rule[Member]{
		memberName.Required(),
		memberEmail.Required().Transform(strings.ToLower).Validate(isAddress).Unique(),
		memberPlan.Default("basic").OneOf("basic", "family"),
		monotable.Min(memberFines, 0),
		memberCard.Hidden(),
		monotable.CreatedAt(memberJoined),
		monotable.UpdatedAt(memberChanged),
		monotable.Version(memberVersion),
	},
	Validate: func(m *Member) error {
		if m.Plan == "family" && m.Card == "" {
			return errors.New("a family needs a card")
		}
		return nil
	},
}

func isAddress(s string) error {
	_, err := mail.ParseAddress(s)
	if err != nil {
		return errors.New("is not an address")
	}
	return nil
}

// A Loan stands in its member's partition, in the order of the days they began.
type Loan struct {
	Member string    `dynamodbav:"memberId"`
	Book   string    `dynamodbav:"bookId"`
	Begun  time.Time `dynamodbav:"begunAt"`
	Branch string    `dynamodbav:"branch"`
	Due    string    `dynamodbav:"due"` // a day, 2026-12-01
	State  string    `dynamodbav:"state"`
}

var (
	loanBook   = monotable.Field(func(l *Loan) *string { return &l.Book })
	loanBegun  = monotable.Field(func(l *Loan) *time.Time { return &l.Begun })
	loanBranch = monotable.Field(func(l *Loan) *string { return &l.Branch })
	loanDue    = monotable.Field(func(l *Loan) *string { return &l.Due })
	loanState  = monotable.Field(func(l *Loan) *string { return &l.State })
)

var loanSchema = monotable.Schema[Loan]{
	Name: "Loan",
	Key:  monotable.Key{Partition: "MEMBER#{memberId}", Sort: "LOAN#{begunAt}#{bookId}"},
	Indexes: map[string]monotable.Key{
		"byBook": {Partition: "BOOK#{bookId}", Sort: "LOAN#{begunAt}"},
		"byDue":  {Partition: "DUE#{branch}", Sort: "{due}#{bookId}"},
	},
	Rules: []monotable.Rule[Loan]{
		loanState.Default("out").OneOf("out", "back"),
		monotable.IndexWhen("byDue", func(l *Loan) bool { return l.State == "out" }, loanState),
	},
}

type Book struct {
	ID     string `dynamodbav:"bookId"`
	Title  string `dynamodbav:"title"`
	Copies int    `dynamodbav:"copies"`
}

var (
	bookTitle  = monotable.Field(func(b *Book) *string { return &b.Title })
	bookCopies = monotable.Field(func(b *Book) *int { return &b.Copies })
)

var bookSchema = monotable.Schema[Book]{
	Name:  "Book",
	Key:   monotable.Key{Partition: "BOOK#{bookId}", Sort: "BOOK"},
	Rules: []monotable.Rule[Book]{bookTitle.Required(), monotable.Min(bookCopies, 0)},
}

// Library is what the rest of a program is given.
type Library struct {
	Table   *monotable.Table
	Members *monotable.Entity[Member]
	Loans   *monotable.Entity[Loan]
	Books   *monotable.Entity[Book]
}

var libraryConfig = monotable.TableConfig{
	Name:         "library",
	PartitionKey: "PK",
	SortKey:      "SK",
	Indexes: []monotable.Index{
		{Name: "byBook", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
		{Name: "byDue", PartitionKey: "GSI2PK", SortKey: "GSI2SK"},
	},
	CursorKeys: []monotable.CursorKey{{ID: "2026-11", Secret: []byte("from your secret store, 32 bytes or more")}},
}

// NewLibrary declares all of it. It sends nothing, so every mistake of the schemas comes out where the program starts.
func NewLibrary(client monotable.Client, cfg monotable.TableConfig) (*Library, error) {
	table, err := monotable.NewTable(client, cfg)
	if err != nil {
		return nil, err
	}
	l := &Library{Table: table}
	if l.Members, err = monotable.NewEntity(table, memberSchema); err != nil {
		return nil, err
	}
	if l.Loans, err = monotable.NewEntity(table, loanSchema); err != nil {
		return nil, err
	}
	if l.Books, err = monotable.NewEntity(table, bookSchema); err != nil {
		return nil, err
	}
	return l, nil
}

// noon is when everything happens.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// openLibrary is a library in memory, and its client.
func openLibrary() (*Library, *dynamodb.Client) {
	client := memdb.New(memdb.Options{}).Client()
	return openLibraryOver(client, client), client
}

// openLibraryOver is a library that is created by one client and works through another.
func openLibraryOver(admin *dynamodb.Client, client monotable.Client) *Library {
	cfg := libraryConfig
	cfg.Clock = func() time.Time { return noon }
	cfg.Logger = slog.New(slog.DiscardHandler)
	l, err := NewLibrary(client, cfg)
	must(err)
	must(l.Table.Create(ctx, admin))
	return l
}

// aLoan is a loan of a book on a day of November.
func aLoan(member, book string, day int) Loan {
	begun := time.Date(2026, 11, day, 9, 0, 0, 0, time.UTC)
	return Loan{Member: member, Book: book, Begun: begun, Branch: "north", Due: begun.AddDate(0, 0, 28).Format(time.DateOnly)}
}

// stored prints attributes of an item as it is stored.
func stored(client *dynamodb.Client, key map[string]types.AttributeValue, names ...string) {
	table := libraryConfig.Name
	out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key})
	must(err)
	for _, name := range names {
		switch av := out.Item[name].(type) {
		case *types.AttributeValueMemberS:
			fmt.Println(name, "=", av.Value)
		case *types.AttributeValueMemberN:
			fmt.Println(name, "=", av.Value)
		case nil:
			fmt.Println(name, "is not there")
		}
	}
}

func must(err error) {
	if err != nil {
		log.Panic(err)
	}
}

// mustBe is must for a call with a result.
func mustBe[T any](v T, err error) T {
	must(err)
	return v
}

// newClient is a client of an empty database in memory.
func newClient() *dynamodb.Client { return memdb.New(memdb.Options{}).Client() }
