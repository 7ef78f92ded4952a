// Package tenant keeps users, organisations and who belongs to which in one DynamoDB table: a service layer, without HTTP and without AttributeValues.
//
// Read user.go, organization.go and membership.go: each has a kind of record, and what is done with it. This file has the table.
//
// Errors are those of monotable, to be told apart with errors.Is (ErrNotFound, ErrDuplicate, ErrVersionConflict, …), [ErrOwner] and [ErrDeleted]. A [Service] is
// immutable and safe for concurrent use: make one, when the program starts.
package tenant

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"time"

	"github.com/monotable/monotable"
)

// Options are what differs between places where the service runs.
type Options struct {
	Table        string           // its name
	CursorSecret []byte           // signs and encrypts cursors; 32 bytes or more, the same for all processes
	Clock        func() time.Time // defaults to time.Now
}

// Service is the table and what is done with it.
type Service struct {
	table         *monotable.Table
	users         *monotable.Entity[User]
	organizations *monotable.Entity[Organization]
	memberships   *monotable.Entity[Membership]
	invitations   *monotable.Entity[Invitation]
	now           func() time.Time
}

// New declares the table and its entities for a client: one client, made once, serves the whole program. It sends nothing; a mistake in a schema shows
// here, when the program starts.
func New(client monotable.Client, o Options) (*Service, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: o.Table, PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}, // users and invitations by email; memberships the other way round
			{Name: "GSI2", PartitionKey: "GSI2PK", SortKey: "GSI2SK"}, // users by username
			{Name: "GSI3", PartitionKey: "GSI3PK", SortKey: "GSI3SK"}, // users by status, in the order in which they came
		},
		CursorKeys: []monotable.CursorKey{{ID: "2026-11", Secret: o.CursorSecret, Encrypt: true}}, // the ids in them are nobody's business
		Clock:      o.Clock,
		Strict:     true, // no scan by accident
	})
	if err != nil {
		return nil, err
	}
	s := &Service{table: table, now: o.Clock}
	if s.users, err = monotable.NewEntity(table, userSchema); err != nil {
		return nil, err
	}
	if s.organizations, err = monotable.NewEntity(table, organizationSchema); err != nil {
		return nil, err
	}
	if s.memberships, err = monotable.NewEntity(table, membershipSchema); err != nil {
		return nil, err
	}
	if s.invitations, err = monotable.NewEntity(table, invitationSchema); err != nil {
		return nil, err
	}
	return s, nil
}

// Ensure creates the table if it is missing and waits until it can be used. It is for deployments and tests: what serves requests needs no such permission.
func (s *Service) Ensure(ctx context.Context, admin monotable.Admin) error {
	return s.table.Ensure(ctx, admin)
}

// What the service refuses besides.
var (
	ErrOwner   = errors.New("tenant: owner of an organisation") // who cannot go before handing it over
	ErrDeleted = errors.New("tenant: user is deleted")
)

// errBehind says that the reverse index had not caught up with the table after some seconds.
var errBehind = errors.New("tenant: the index is behind")

// isDeleted makes ErrDeleted of the refusal of a write to a deleted user. It stays ErrConditionFailed.
func (s *Service) isDeleted(err error) error {
	if u, ok := s.users.Old(err); ok && u.Status == Deleted {
		return fmt.Errorf("%w: %w", ErrDeleted, err)
	}
	return err
}

const idPattern = `^[a-z0-9-]{1,40}$`

var idRegexp = regexp.MustCompile(idPattern)

// ValidID says whether a user or an organisation can have an id.
func ValidID(id string) bool { return idRegexp.MatchString(id) }

func validEmail(email string) error {
	if address, err := mail.ParseAddress(email); err != nil || address.Address != email {
		return errors.New("is not an email address")
	}
	return nil
}

// page is up to limit items of a list, from where a cursor leads. It reads one item more, so that Next is "" exactly where the list ends.
func page[T any](ctx context.Context, q monotable.Query[T], limit int, from monotable.Cursor) (monotable.Page[T], error) {
	limit = min(max(limit, 1), 100)
	return q.Limit(limit).PageSize(limit + 1).From(from).Page(ctx)
}
