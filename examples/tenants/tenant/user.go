package tenant

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/monotable/monotable"
)

// User is a person. A deleted one keeps id and status, and nothing else.
type User struct {
	ID            string      `dynamodbav:"userId" json:"id"`
	Email         string      `dynamodbav:"email,omitempty" json:"email,omitempty"`
	Username      string      `dynamodbav:"username,omitempty" json:"username,omitempty"`
	Name          string      `dynamodbav:"name,omitempty" json:"name,omitempty"`
	Status        Status      `dynamodbav:"status" json:"status"`
	Preferences   Preferences `dynamodbav:"preferences" json:"preferences,omitzero"`
	MailToken     string      `dynamodbav:"mailToken,omitempty" json:"-"` // stands in the links of our mails, and lets whoever has it unsubscribe
	Organizations int         `dynamodbav:"organizations" json:"organizations"`
	Created       time.Time   `dynamodbav:"createdAt" json:"createdAt"`
	Updated       time.Time   `dynamodbav:"updatedAt" json:"updatedAt"`
	Version       int64       `dynamodbav:"version" json:"version"`
}

// Preferences is stored as a map inside the user.
type Preferences struct {
	Theme    string `dynamodbav:"theme" json:"theme"`
	Language string `dynamodbav:"language" json:"language"`
	Digest   string `dynamodbav:"digest" json:"digest"`
	Mail     *bool  `dynamodbav:"mail" json:"mail"` // a pointer: false is an answer, and not its absence
}

// Status is where a user stands.
type Status string

// A user is active until deleted.
const (
	Active  Status = "active"
	Deleted Status = "deleted"
)

// maxOrganizations is how many organisations a user can be in: so many memberships end in one transaction with the user.
const maxOrganizations = 50

var (
	userID            = monotable.Field(func(u *User) *string { return &u.ID })
	userEmail         = monotable.Field(func(u *User) *string { return &u.Email })
	userUsername      = monotable.Field(func(u *User) *string { return &u.Username })
	userName          = monotable.Field(func(u *User) *string { return &u.Name })
	userStatus        = monotable.Field(func(u *User) *Status { return &u.Status })
	userPreferences   = monotable.Field(func(u *User) *Preferences { return &u.Preferences })
	userTheme         = monotable.Field(func(u *User) *string { return &u.Preferences.Theme })
	userLanguage      = monotable.Field(func(u *User) *string { return &u.Preferences.Language })
	userDigest        = monotable.Field(func(u *User) *string { return &u.Preferences.Digest })
	userMail          = monotable.Field(func(u *User) **bool { return &u.Preferences.Mail })
	userMailToken     = monotable.Field(func(u *User) *string { return &u.MailToken })
	userOrganizations = monotable.Field(func(u *User) *int { return &u.Organizations })
	userCreated       = monotable.Field(func(u *User) *time.Time { return &u.Created })
	userUpdated       = monotable.Field(func(u *User) *time.Time { return &u.Updated })
	userVersion       = monotable.Field(func(u *User) *int64 { return &u.Version })
)

var userSchema = monotable.Schema[User]{
	Name: "User",
	Key:  monotable.Key{Partition: "USER#{userId}", Sort: "PROFILE"},
	Indexes: map[string]monotable.Key{
		"GSI1": {Partition: "EMAIL#{email}", Sort: "USER#{userId}"},
		"GSI2": {Partition: "USERNAME#{username}", Sort: "USER#{userId}"},
		"GSI3": {Partition: "STATUS#{status}", Sort: "{createdAt}#{userId}"}, // one partition takes 1000 writes a second: shard it if more people come
	},
	Rules: []monotable.Rule[User]{
		monotable.Pattern(userID, idPattern),
		userEmail.Transform(strings.ToLower).Validate(validEmail).Unique().Escaped(), // an address may have a #
		monotable.Pattern(userUsername, `^[a-z0-9_]{2,20}$`).Transform(strings.ToLower).Unique(),
		monotable.Length(userName, 0, 80),
		userStatus.Default(Active).OneOf(Active, Deleted),
		userTheme.Default("light").OneOf("light", "dark"),
		userLanguage.Default("en").OneOf("en", "de", "tr"),
		userDigest.Default("weekly").OneOf("never", "daily", "weekly"),
		userMail.Default(new(true)),
		userMailToken.DefaultFunc(func(*User) string { return rand.Text() }).Hidden(),
		monotable.Min(userOrganizations, 0),
		monotable.Max(userOrganizations, maxOrganizations),
		monotable.CreatedAt(userCreated),
		monotable.UpdatedAt(userUpdated),
		monotable.Version(userVersion),
	},
	Validate: func(u *User) error { // no Required for the email: it must be possible to delete it
		if u.Status == Active && u.Email == "" {
			return errors.New("an active user has an email")
		}
		return nil
	},
}

// CreateUser stores a new user who is, or is not, in an organisation from the first day. ErrAlreadyExists if the id is there, ErrDuplicate if email or
// username is another's, ErrNotFound if the organisation does not exist; nothing is stored then.
func (s *Service) CreateUser(ctx context.Context, u User, in ...Membership) (User, error) {
	u.Organizations = len(in)
	ops := []monotable.WriteOp{s.users.CreateOp(u).Into(&u)}
	for _, m := range in {
		m.UserID = u.ID
		if err := notOwner(m.Role); err != nil {
			return User{}, err
		}
		ops = append(ops, s.organizations.CheckOp(Organization{ID: m.OrgID}), s.memberships.CreateOp(m))
	}
	return u, s.table.TransactWrite(ctx, ops...)
}

// User is a user by id.
func (s *Service) User(ctx context.Context, id string) (User, error) {
	return s.users.Get(ctx, User{ID: id})
}

// UserByEmail is a user by email, in any letter case: the one that holds it at this moment. Two reads, strongly consistent.
func (s *Service) UserByEmail(ctx context.Context, email string) (User, error) {
	return s.users.GetBy(ctx, userEmail.Eq(email))
}

// UserByUsername is a user by username.
func (s *Service) UserByUsername(ctx context.Context, username string) (User, error) {
	return s.users.GetBy(ctx, userUsername.Eq(username))
}

// FindByEmail is UserByEmail by the index: one request, and a moment behind. It shows a user; it cannot refuse one.
func (s *Service) FindByEmail(ctx context.Context, email string) (User, error) {
	return s.users.Query(User{Email: email}).Index("GSI1").First(ctx)
}

// FindByUsername is UserByUsername by the index.
func (s *Service) FindByUsername(ctx context.Context, username string) (User, error) {
	return s.users.Query(User{Username: username}).Index("GSI2").First(ctx)
}

// Users is a page of the users of a status, the newest first.
func (s *Service) Users(ctx context.Context, status Status, limit int, from monotable.Cursor) (monotable.Page[User], error) {
	return page(ctx, s.users.Query(User{Status: status}).Index("GSI3").Descending(), limit, from)
}

// UserPatch is what to change of a user: what is nil stays.
type UserPatch struct {
	Email    *string `json:"email"`
	Username *string `json:"username"`
	Name     *string `json:"name"`
}

// UpdateUser changes an active user, else ErrDeleted. A version above 0 must be the stored one, else ErrVersionConflict; with 0 it reads again if another
// writer was faster, and changes what they left. What comes of it is checked as a whole, so it reads first.
func (s *Service) UpdateUser(ctx context.Context, id string, p UserPatch, version int64) (User, error) {
	return s.users.Modify(ctx, User{ID: id, Version: version}, func(u *User) error {
		if u.Status != Active {
			return ErrDeleted
		}
		set(&u.Email, p.Email)
		set(&u.Username, p.Username)
		set(&u.Name, p.Name)
		return nil
	})
}

// PreferencesPatch is what to change of a user's preferences: what is nil stays.
type PreferencesPatch struct {
	Theme    *string `json:"theme"`
	Language *string `json:"language"`
	Digest   *string `json:"digest"`
	Mail     *bool   `json:"mail"`
}

// MergePreferences changes those preferences that are given, by one request, so that two who change different ones do not meet; with none it reads.
// ErrDeleted if the user is.
func (s *Service) MergePreferences(ctx context.Context, id string, p PreferencesPatch) (User, error) {
	changes := []monotable.Change[User]{userStatus.Eq(Active)} // a condition
	if p.Theme != nil {
		changes = append(changes, userTheme.Set(*p.Theme))
	}
	if p.Language != nil {
		changes = append(changes, userLanguage.Set(*p.Language))
	}
	if p.Digest != nil {
		changes = append(changes, userDigest.Set(*p.Digest))
	}
	if p.Mail != nil {
		changes = append(changes, userMail.Set(p.Mail))
	}
	if len(changes) == 1 {
		u, err := s.User(ctx, id)
		if err == nil && u.Status != Active {
			err = ErrDeleted
		}
		return u, err
	}
	u, err := s.users.Update(ctx, User{ID: id}, changes...)
	return u, s.isDeleted(err)
}

// set changes what a patch has.
func set[V any](field, to *V) {
	if to != nil {
		*field = *to
	}
}

// DeleteUser takes a user out of all organisations and forgets the person, in one transaction: email and username are free again, and id and status stay.
// ErrOwner if an organisation is theirs. A user who is deleted already is no error.
//
// Invitations to their address go before, while it is known: a call that is cut off in between can be made again. Those to an address that they had
// earlier, and one that the index does not have yet, end by themselves within the month.
//
// The reverse index may not have the latest memberships yet. The user's own count says how many there are, and the version that nobody joins meanwhile; if
// somebody does, it begins again.
func (s *Service) DeleteUser(ctx context.Context, id string) error {
	for wait := 50 * time.Millisecond; wait < 5*time.Second; wait *= 2 {
		u, err := s.users.With(monotable.Consistent()).Get(ctx, User{ID: id})
		if err != nil || u.Status == Deleted {
			return err
		}
		memberships, err := s.of(id).Collect(ctx)
		if err != nil {
			return err
		}
		if len(memberships) == u.Organizations {
			if err = s.deleteUser(ctx, u, memberships); !errors.Is(err, monotable.ErrVersionConflict) {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	return errBehind
}

func (s *Service) deleteUser(ctx context.Context, u User, memberships []Membership) error {
	ops := []monotable.WriteOp{s.users.UpdateOp(
		User{ID: u.ID, Version: u.Version},
		userStatus.Set(Deleted), userCreated.Given(u.Created), // both are part of the key of GSI3
		userEmail.Remove(), userUsername.Remove(), userName.Remove(), userPreferences.Remove(), userMailToken.Remove(),
		userOrganizations.Set(0),
	)}
	for _, m := range memberships {
		if m.Role == Owner {
			return ErrOwner
		}
		ops = append(ops, s.memberships.DeleteOp(Membership{OrgID: m.OrgID, UserID: m.UserID}, memberRole.Ne(Owner)))
	}
	invitations, err := s.invitations.Query(Invitation{Email: u.Email}).Index("GSI1").Collect(ctx)
	if err != nil {
		return err
	}
	if err := s.invitations.BatchDelete(ctx, invitations); err != nil {
		return err
	}
	return s.table.TransactWrite(ctx, ops...)
}
