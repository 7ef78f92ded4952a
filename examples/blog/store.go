package main

import (
	"context"
	"time"

	"github.com/monotable/monotable"
)

// Options are what differs between places where the program runs.
type Options struct {
	Table        string           // its name
	CursorSecret []byte           // signs cursors; 32 bytes or more
	Clock        func() time.Time // defaults to time.Now
}

// Store is the blog's table. Its methods are the access patterns: users here, keys and sessions in access.go, posts in post.go. It is safe for concurrent
// use: one is made when the program starts.
type Store struct {
	table         *monotable.Table
	users         *monotable.Entity[User]
	profiles      *monotable.Entity[Profile]
	keys          *monotable.Entity[APIKey]
	sessions      *monotable.Entity[Session]
	posts         *monotable.Entity[Post]
	comments      *monotable.Entity[Comment]
	notifications *monotable.Entity[Notification]
	now           func() time.Time
}

// openStore declares the table and its entities. It sends nothing; a mistake in a schema shows here, when the program starts.
func openStore(client monotable.Client, o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: o.Table, PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "GSI2", PartitionKey: "GSI2PK", SortKey: "GSI2SK"},
		},
		CursorKeys: []monotable.CursorKey{{ID: "2026-11", Secret: o.CursorSecret}},
		Clock:      o.Clock,
	})
	if err != nil {
		return nil, err
	}
	s := &Store{table: table, now: o.Clock}
	if s.users, err = monotable.NewEntity(table, userSchema); err != nil {
		return nil, err
	}
	if s.profiles, err = monotable.NewEntity(table, profileSchema); err != nil {
		return nil, err
	}
	if s.keys, err = monotable.NewEntity(table, apiKeySchema); err != nil {
		return nil, err
	}
	if s.sessions, err = monotable.NewEntity(table, sessionSchema); err != nil {
		return nil, err
	}
	if s.posts, err = monotable.NewEntity(table, postSchema); err != nil {
		return nil, err
	}
	if s.comments, err = monotable.NewEntity(table, commentSchema); err != nil {
		return nil, err
	}
	if s.notifications, err = monotable.NewEntity(table, notificationSchema); err != nil {
		return nil, err
	}
	return s, nil
}

// Join makes a user and the profile, both or none: monotable.ErrAlreadyExists if there is such a user, monotable.ErrDuplicate if the address is taken.
func (s *Store) Join(ctx context.Context, user User, profile Profile) error {
	profile.UserID = user.ID
	return s.table.TransactWrite(ctx, s.users.CreateOp(user), s.profiles.CreateOp(profile))
}

// Account is a user with the profile, by one request.
func (s *Store) Account(ctx context.Context, userID string) (user User, profile Profile, err error) {
	err = s.table.Collect(ctx, s.users.Partition(User{ID: userID}), monotable.One(s.users, &user), monotable.One(s.profiles, &profile))
	return user, profile, err
}

// Profile is what others see of a user.
func (s *Store) Profile(ctx context.Context, userID string) (Profile, error) {
	return s.profiles.Get(ctx, Profile{UserID: userID})
}

// UserByEmail is the user that has an address, in any letter case.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	return s.users.GetBy(ctx, userEmail.Eq(email))
}

// EditProfile changes a profile by a function: what it changes, and nothing else, is written.
func (s *Store) EditProfile(ctx context.Context, userID string, edit func(*Profile) error) (Profile, error) {
	return s.profiles.Modify(ctx, Profile{UserID: userID}, edit)
}
