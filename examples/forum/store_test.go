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

// newStore is an empty forum in a database of the test's own, whose requests go through the recorder. Each look at the clock is a minute after the last.
func newStore(t *testing.T) (*Store, *monotabletest.Recorder) {
	t.Helper()
	rec := new(monotabletest.Recorder)
	client := monotabletest.Client(t)
	clock := monotabletest.NewClock(today())
	return storeOn(t, client, rec.Client(client), func() time.Time { return clock.Advance(time.Minute) }), rec
}

func storeOn(t *testing.T, admin *dynamodb.Client, client monotable.Client, clock func() time.Time) *Store {
	t.Helper()
	s, err := openStore(client, Options{Table: monotabletest.Name(t), CursorSecret: bytes.Repeat([]byte("s"), 32), PageSize: 3, Clock: clock})
	require.NoError(t, err)
	require.NoError(t, s.table.Ensure(t.Context(), admin))
	name := s.table.Name()
	t.Cleanup(func() { _, _ = admin.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}) })
	return s
}

// seed makes two categories and three topics; the first has four posts.
func seed(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	for _, id := range []string{"garden", "kitchen"} {
		_, err := s.AddCategory(ctx, id, "The "+id)
		require.NoError(t, err)
	}
	for _, topic := range []Topic{
		{ID: "slugs", Category: "garden", Author: "ann", Title: "Slugs"},
		{ID: "roses", Category: "garden", Author: "ben", Title: "Roses"},
		{ID: "bread", Category: "kitchen", Author: "ann", Title: "Bread"},
	} {
		_, err := s.Open(ctx, topic, Post{ID: topic.ID + "-0", Text: "Help!"})
		require.NoError(t, err)
	}
	for i, author := range []string{"ben", "ann", "ben"} {
		_, err := s.Reply(ctx, Post{ID: fmt.Sprintf("slugs-%d", i+1), TopicID: "slugs", Author: author, Text: "Beer."})
		require.NoError(t, err)
	}
}

// Every access pattern finds what it is for, and nothing else, by the requests that the README says.
func TestAccessPatterns(t *testing.T) {
	ctx := t.Context()
	s, rec := newStore(t)
	seed(t, s)
	slugs, err := s.Topic(ctx, "slugs")
	require.NoError(t, err)
	last, err := s.Post(ctx, "slugs-3")
	require.NoError(t, err)

	for _, row := range []struct {
		name     string
		requests int
		pattern  func(t *testing.T)
	}{
		{"front page", 1, func(t *testing.T) {
			categories, err := s.Categories(ctx)
			require.NoError(t, err)
			require.Equal(t, []Category{
				{ID: "garden", Title: "The garden", Topics: 2, Posts: 5, LastPost: last.Posted},
				{ID: "kitchen", Title: "The kitchen", Topics: 1, Posts: 1, LastPost: categories[1].LastPost},
			}, categories)
		}},
		{"category by id", 1, func(t *testing.T) {
			garden, err := s.Category(ctx, "garden")
			require.NoError(t, err)
			require.Equal(t, "The garden", garden.Title)
		}},
		{"topic by id", 1, func(t *testing.T) {
			topic, err := s.Topic(ctx, "slugs")
			require.NoError(t, err)
			require.Equal(t, Topic{ID: "slugs", Category: "garden", Author: "ann", Title: "Slugs", Posts: 4, Opened: slugs.Opened, LastPost: last.Posted}, topic)
		}},
		{"post by id alone", 2, func(t *testing.T) {
			post, err := s.Post(ctx, "slugs-3")
			require.NoError(t, err)
			require.Equal(t, Post{ID: "slugs-3", TopicID: "slugs", Author: "ben", Text: "Beer.", Posted: last.Posted}, post)
		}},
		{"post by topic, time and id", 1, func(t *testing.T) {
			post, err := s.PostAt(ctx, "slugs", last.Posted, "slugs-3")
			require.NoError(t, err)
			require.Equal(t, last, post)
		}},
		{"topics of a category, latest post first", 1, func(t *testing.T) {
			page, err := s.Topics(ctx, "garden", "")
			require.NoError(t, err)
			require.Len(t, page.Items, 2)
			require.Equal(t, []string{"slugs", "roses"}, []string{page.Items[0].ID, page.Items[1].ID}, "opened first, answered last")
		}},
		{"posts of a topic, oldest first", 1, func(t *testing.T) {
			page, err := s.Posts(ctx, "slugs", "")
			require.NoError(t, err)
			require.Equal(t, []string{"slugs-0", "slugs-1", "slugs-2"}, ids(page.Items))
		}},
		{"posts by author, newest first", 1, func(t *testing.T) {
			page, err := s.PostsBy(ctx, "ben", "")
			require.NoError(t, err)
			require.Equal(t, []string{"slugs-3", "slugs-1", "roses-0"}, ids(page.Items))
		}},
		{"topics by author, newest first", 1, func(t *testing.T) {
			page, err := s.TopicsBy(ctx, "ann", "")
			require.NoError(t, err)
			require.Len(t, page.Items, 2)
			require.Equal(t, []string{"bread", "slugs"}, []string{page.Items[0].ID, page.Items[1].ID})
		}},
		{"answer", 2, func(t *testing.T) {
			_, err := s.Reply(ctx, Post{ID: "new", TopicID: "slugs", Author: "ben", Text: "Beer."})
			require.NoError(t, err)
		}},
		{"remove", 5, func(t *testing.T) { require.NoError(t, s.Remove(ctx, "new")) }},
		{"open", 1, func(t *testing.T) {
			_, err := s.Open(ctx, Topic{ID: "new", Category: "garden", Author: "ann", Title: "New"}, Post{ID: "new", Text: "?"})
			require.NoError(t, err)
		}},
	} {
		t.Run(row.name, func(t *testing.T) { rec.Expect(t, row.requests, func() { row.pattern(t) }) })
	}
}

// Posts and topics are paged both ways, and what is written meanwhile neither repeats nor hides others.
func TestPagingBothWays(t *testing.T) {
	ctx := t.Context()
	s, _ := newStore(t)
	seed(t, s)
	for i := 4; i < 8; i++ {
		_, err := s.Reply(ctx, Post{ID: fmt.Sprintf("slugs-%d", i), TopicID: "slugs", Author: "cem", Text: "Beer."})
		require.NoError(t, err)
	}
	first, err := s.Posts(ctx, "slugs", "")
	require.NoError(t, err)
	require.Equal(t, []string{"slugs-0", "slugs-1", "slugs-2"}, ids(first.Items))
	require.Empty(t, first.Prev, "nothing is before the first page")
	second, err := s.Posts(ctx, "slugs", first.Next)
	require.NoError(t, err)
	require.Equal(t, []string{"slugs-3", "slugs-4", "slugs-5"}, ids(second.Items))
	third, err := s.Posts(ctx, "slugs", second.Next)
	require.NoError(t, err)
	require.Equal(t, []string{"slugs-6", "slugs-7"}, ids(third.Items))
	require.Empty(t, third.Next)

	back, err := s.Posts(ctx, "slugs", third.Prev)
	require.NoError(t, err)
	require.Equal(t, ids(second.Items), ids(back.Items), "in the same order")
	back, err = s.Posts(ctx, "slugs", back.Prev)
	require.NoError(t, err)
	require.Equal(t, ids(first.Items), ids(back.Items))
	nothing, err := s.Posts(ctx, "slugs", back.Prev) // a page that is full does not know whether there is more
	require.NoError(t, err)
	require.Empty(t, nothing.Items)

	require.NoError(t, s.Remove(ctx, "slugs-3"))
	second, err = s.Posts(ctx, "slugs", first.Next)
	require.NoError(t, err)
	require.Equal(t, []string{"slugs-4", "slugs-5", "slugs-6"}, ids(second.Items))
	_, err = s.Posts(ctx, "roses", first.Next)
	require.ErrorIs(t, err, monotable.ErrBadCursor, "another topic's")

	for i := range 4 {
		_, err := s.Open(ctx, Topic{ID: fmt.Sprint("t", i), Category: "garden", Author: "ann", Title: "T"}, Post{ID: fmt.Sprint("p", i), Text: "?"})
		require.NoError(t, err)
	}
	newest, err := s.Topics(ctx, "garden", "")
	require.NoError(t, err)
	older, err := s.Topics(ctx, "garden", newest.Next)
	require.NoError(t, err)
	again, err := s.Topics(ctx, "garden", older.Prev)
	require.NoError(t, err)
	require.Equal(t, newest.Items, again.Items)
	require.Len(t, append(newest.Items, older.Items...), 6)
}
