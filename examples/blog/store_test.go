package main

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// newStore is an empty blog in a database of the test's own, whose requests go through the recorder, and its clock.
func newStore(t *testing.T) (*Store, *monotabletest.Recorder, *monotabletest.Clock) {
	t.Helper()
	rec := new(monotabletest.Recorder)
	client := monotabletest.Client(t)
	s, clock := storeOn(t, client, rec.Client(client))
	return s, rec, clock
}

func storeOn(t *testing.T, admin *dynamodb.Client, client monotable.Client) (*Store, *monotabletest.Clock) {
	t.Helper()
	clock := monotabletest.NewClock(today())
	s, err := openStore(client, Options{Table: monotabletest.Name(t), CursorSecret: bytes.Repeat([]byte("s"), 32), Clock: clock.Now})
	require.NoError(t, err)
	require.NoError(t, s.table.Ensure(t.Context(), admin))
	name := s.table.Name()
	t.Cleanup(func() { _, _ = admin.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}) })
	require.NoError(t, s.Join(t.Context(), User{ID: "ann", Email: "Ann@Example.com"}, Profile{Name: "Ann"}))
	return s, clock
}

// publish writes and publishes a post a day, from a to e.
func publish(t *testing.T, s *Store, clock *monotabletest.Clock) {
	t.Helper()
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		_, err := s.Write(t.Context(), Post{ID: id, Author: "ann", Title: "Post " + id, Text: "Text."})
		require.NoError(t, err)
		require.NoError(t, s.Publish(t.Context(), id, "ann"))
		clock.Advance(24 * time.Hour)
	}
}

// Every access pattern finds what it is for, and nothing else, by the requests that the README says.
func TestAccessPatterns(t *testing.T) {
	ctx := t.Context()
	s, rec, clock := newStore(t)
	publish(t, s, clock)
	_, err := s.Write(ctx, Post{ID: "draft", Author: "ann", Title: "Draft", Text: "Text."})
	require.NoError(t, err)
	for i := range 2 {
		clock.Advance(time.Minute)
		_, err := s.Comment(ctx, Comment{PostID: "a", ID: fmt.Sprint(9 - i), Author: "ben", Text: "!"})
		require.NoError(t, err)
	}
	for _, row := range []struct {
		name     string
		requests int
		pattern  func(t *testing.T)
	}{
		{"user with profile", 1, func(t *testing.T) {
			user, profile, err := s.Account(ctx, "ann")
			require.NoError(t, err)
			require.Equal(t, User{ID: "ann", Email: "ann@example.com", Created: today()}, user)
			require.Equal(t, Profile{UserID: "ann", Name: "Ann", Theme: "light"}, profile)
		}},
		{"profile", 1, func(t *testing.T) {
			profile, err := s.Profile(ctx, "ann")
			require.NoError(t, err)
			require.Equal(t, "Ann", profile.Name)
		}},
		{"user by email", 2, func(t *testing.T) {
			user, err := s.UserByEmail(ctx, "ANN@example.com")
			require.NoError(t, err)
			require.Equal(t, "ann", user.ID)
		}},
		{"posts by date, newest first, no drafts", 1, func(t *testing.T) {
			page, err := s.Latest(ctx, "")
			require.NoError(t, err)
			require.Equal(t, []string{"e", "d", "c", "b", "a"}, ids(page.Items))
		}},
		{"posts of a month", 1, func(t *testing.T) {
			posts, err := s.Month(ctx, 2046, time.October)
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b", "c", "d", "e"}, ids(posts))
		}},
		{"none of another", 1, func(t *testing.T) {
			posts, err := s.Month(ctx, 2046, time.November)
			require.NoError(t, err)
			require.Empty(t, posts)
		}},
		{"an author's posts with drafts", 1, func(t *testing.T) {
			page, err := s.PostsOf(ctx, "ann", "")
			require.NoError(t, err)
			require.Equal(t, []string{"draft", "e", "d", "c", "b", "a"}, ids(page.Items))
		}},
		{"post with comments by time", 1, func(t *testing.T) {
			post, comments, err := s.Post(ctx, "a")
			require.NoError(t, err)
			require.Equal(t, 2, post.Comments)
			require.Equal(t, []string{"9", "8"}, []string{comments[0].ID, comments[1].ID}, "not by id")
		}},
		{"comments page by page", 1, func(t *testing.T) {
			page, err := s.Comments(ctx, "a", "")
			require.NoError(t, err)
			require.Len(t, page.Items, 2)
		}},
		{"outbox", 1, func(t *testing.T) {
			news, err := s.Outbox(ctx)
			require.NoError(t, err)
			require.Len(t, news, 5)
			require.Equal(t, Notification{PostID: "a", Author: "ann", At: today()}, news[0])
		}},
		{"publish", 1, func(t *testing.T) { require.NoError(t, s.Publish(ctx, "draft", "ann")) }},
		{"comment", 1, func(t *testing.T) {
			_, err := s.Comment(ctx, Comment{PostID: "draft", ID: "1", Author: "ben", Text: "!"})
			require.NoError(t, err)
		}},
		{"join", 1, func(t *testing.T) {
			require.NoError(t, s.Join(ctx, User{ID: "ben", Email: "ben@example.com"}, Profile{Name: "Ben"}))
		}},
	} {
		t.Run(row.name, func(t *testing.T) { rec.Expect(t, row.requests, func() { row.pattern(t) }) })
	}
}

func TestMonthEndsWithItsLastMoment(t *testing.T) {
	ctx := t.Context()
	s, _, clock := newStore(t)
	for id, at := range map[string]time.Time{
		"first": time.Date(2046, time.November, 1, 0, 0, 0, 0, time.UTC), "last": time.Date(2046, time.November, 30, 23, 59, 59, 999_999_999, time.UTC),
		"before": time.Date(2046, time.October, 31, 23, 59, 59, 999_999_999, time.UTC), "after": time.Date(2046, time.December, 1, 0, 0, 0, 0, time.UTC),
	} {
		clock.Set(at)
		_, err := s.Write(ctx, Post{ID: id, Author: "ann", Title: "Post", Text: "Text."})
		require.NoError(t, err)
		require.NoError(t, s.Publish(ctx, id, "ann"))
	}
	posts, err := s.Month(ctx, 2046, time.November)
	require.NoError(t, err)
	require.Equal(t, []string{"first", "last"}, ids(posts))
}

func TestUsersAndProfiles(t *testing.T) {
	ctx := t.Context()
	s, _, _ := newStore(t)
	require.ErrorIs(t, s.Join(ctx, User{ID: "ann", Email: "new@example.com"}, Profile{Name: "Ann"}), monotable.ErrAlreadyExists)
	require.ErrorIs(t, s.Join(ctx, User{ID: "eve", Email: "ANN@example.com"}, Profile{Name: "Eve"}), monotable.ErrDuplicate)
	require.ErrorIs(t, s.Join(ctx, User{ID: "eve", Email: "eve"}, Profile{Name: "Eve"}), monotable.ErrInvalid)
	require.ErrorIs(t, s.Join(ctx, User{ID: "eve", Email: "eve@example.com"}, Profile{}), monotable.ErrInvalid)
	_, _, err := s.Account(ctx, "eve")
	require.ErrorIs(t, err, monotable.ErrNotFound, "no half of her is there")
	_, err = s.UserByEmail(ctx, "eve@example.com")
	require.ErrorIs(t, err, monotable.ErrNotFound)

	_, err = s.EditProfile(ctx, "ann", func(p *Profile) error { p.Theme = "pink"; return nil })
	require.ErrorIs(t, err, monotable.ErrInvalid)
	profile, err := s.EditProfile(ctx, "ann", func(p *Profile) error { p.Theme = "dark"; return nil })
	require.NoError(t, err)
	require.Equal(t, Profile{UserID: "ann", Name: "Ann", Theme: "dark"}, profile)
}

func ids(posts []Post) []string {
	var all []string
	for _, p := range posts {
		all = append(all, p.ID)
	}
	return all
}

func all[T any](t *testing.T, entity *monotable.Entity[T]) []T {
	t.Helper()
	items, err := entity.With(monotable.Consistent()).Scan().Collect(t.Context())
	require.NoError(t, err)
	return items
}
