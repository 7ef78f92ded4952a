package main

import (
	"context"
	"errors"
	"net/mail"
	"strings"
	"time"

	"github.com/monotable/monotable"
)

// User is a person. The tags name the attributes, as the SDK's attributevalue
// does; keys of the table and of its indexes need no fields.
type User struct {
	ID          string      `dynamodbav:"userId"`
	Email       string      `dynamodbav:"email"`
	Username    string      `dynamodbav:"username,omitempty"`
	Name        string      `dynamodbav:"name"`
	Bio         string      `dynamodbav:"bio,omitempty"`
	Status      Status      `dynamodbav:"status"`
	Preferences Preferences `dynamodbav:"preferences"`
	Created     time.Time   `dynamodbav:"createdAt"`
	Updated     time.Time   `dynamodbav:"updatedAt"`
	Version     int         `dynamodbav:"version"`
}

// Preferences is stored as a map inside the user.
type Preferences struct {
	Theme         string        `dynamodbav:"theme"`
	Language      string        `dynamodbav:"language"`
	Notifications Notifications `dynamodbav:"notifications"`
}

// Notifications says what a user hears of. Email is a pointer, so that "not said"
// and "no" are two things.
type Notifications struct {
	Email  *bool  `dynamodbav:"email"`
	Digest string `dynamodbav:"digest"`
}

// Status is where a user stands.
type Status string

const (
	StatusActive  Status = "active"
	StatusDeleted Status = "deleted"
)

// Typed handles on the attributes: of them are made rules, conditions and changes.
// The compiler refuses userName.Set(7), and userName in a query of organisations.
var (
	userEmail       = monotable.Field(func(u *User) *string { return &u.Email })
	userUsername    = monotable.Field(func(u *User) *string { return &u.Username })
	userName        = monotable.Field(func(u *User) *string { return &u.Name })
	userBio         = monotable.Field(func(u *User) *string { return &u.Bio })
	userStatus      = monotable.Field(func(u *User) *Status { return &u.Status })
	userTheme       = monotable.Field(func(u *User) *string { return &u.Preferences.Theme })
	userLanguage    = monotable.Field(func(u *User) *string { return &u.Preferences.Language })
	userNotifyEmail = monotable.Field(func(u *User) **bool { return &u.Preferences.Notifications.Email })
	userDigest      = monotable.Field(func(u *User) *string { return &u.Preferences.Notifications.Digest })
	userCreated     = monotable.Field(func(u *User) *time.Time { return &u.Created })
	userUpdated     = monotable.Field(func(u *User) *time.Time { return &u.Updated })
	userVersion     = monotable.Field(func(u *User) *int { return &u.Version })
)

var userSchema = monotable.Schema[User]{
	Name: "User",
	Key:  monotable.Key{Partition: "USER#{userId}", Sort: "PROFILE"},
	Indexes: map[string]monotable.Key{
		"GSI1": {Partition: "EMAIL#{email}", Sort: "USER#{userId}"},
		"GSI2": {Partition: "USERNAME#{username}", Sort: "USER#{userId}"}, // only users that have a username
	},
	Rules: []monotable.Rule[User]{
		userEmail.Required().Transform(strings.ToLower).Validate(validEmail),
		monotable.Pattern(userUsername, `^[a-z0-9_]{2,20}$`).Transform(strings.ToLower),
		monotable.Length(userName, 0, 80),
		userStatus.Default(StatusActive).OneOf(StatusActive, StatusDeleted),
		userTheme.Default("light").OneOf("light", "dark"),
		userLanguage.Default("en"),
		userNotifyEmail.Default(new(true)),
		userDigest.Default("weekly").OneOf("never", "daily", "weekly"),
		monotable.CreatedAt(userCreated),
		monotable.UpdatedAt(userUpdated),
		monotable.Version(userVersion),
	},
}

func validEmail(email string) error {
	if address, err := mail.ParseAddress(email); err != nil || address.Address != email {
		return errors.New("is not an email address")
	}
	return nil
}

// UserByEmail looks a user up in GSI1, in any letter case: the transform runs here too.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	return s.Users.Query(User{Email: email}).Index("GSI1").First(ctx)
}

// UserByUsername looks a user up in GSI2.
func (s *Store) UserByUsername(ctx context.Context, username string) (User, error) {
	return s.Users.Query(User{Username: username}).Index("GSI2").First(ctx)
}

// DeleteUser keeps the user's id and forgets the rest. The keys of the indexes follow in the same
// request: a tombstone's address takes the email's place in GSI1, and without a username the user
// leaves GSI2. The version that u was read with must still be the stored one.
func (s *Store) DeleteUser(ctx context.Context, u User) (User, error) {
	return s.Users.Update(ctx, u,
		userStatus.Set(StatusDeleted),
		userStatus.Ne(StatusDeleted), // a condition: not twice
		userName.Set(""),
		userBio.Remove(),
		userUsername.Remove(),
		userEmail.Set(u.ID+"@deleted.invalid"),
	)
}
