package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

func TestPublish(t *testing.T) {
	ctx := t.Context()
	s, _, clock := newStore(t)
	_, err := s.Write(ctx, Post{ID: "a", Author: "ann", Title: "A", Text: "Text.", Published: new(today()), Comments: 7})
	require.NoError(t, err)
	post, _, err := s.Post(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, Post{ID: "a", Author: "ann", Title: "A", Text: "Text.", Written: today()}, post, "whatever its writer says it is a draft")
	_, err = s.Write(ctx, Post{ID: "a", Author: "ann", Title: "B", Text: "Text."})
	require.ErrorIs(t, err, monotable.ErrAlreadyExists)
	_, err = s.Write(ctx, Post{ID: "b", Author: "ann", Title: "B"})
	require.ErrorIs(t, err, monotable.ErrInvalid)

	err = s.Publish(ctx, "a", "ben")
	require.ErrorIs(t, err, monotable.ErrConditionFailed, "it is not his")
	require.NotErrorIs(t, err, ErrPublished)
	require.ErrorIs(t, s.Publish(ctx, "z", "ann"), monotable.ErrNotFound)
	require.Zero(t, news(t, s), "nobody is told of it")

	clock.Advance(time.Hour)
	require.NoError(t, s.Publish(ctx, "a", "ann"))
	clock.Advance(time.Hour)
	require.ErrorIs(t, s.Publish(ctx, "a", "ann"), ErrPublished)
	post, _, err = s.Post(ctx, "a")
	require.NoError(t, err)
	require.True(t, today().Add(time.Hour).Equal(*post.Published), "the first time counts")
	require.Equal(t, 1, news(t, s))

	outbox, err := s.Outbox(ctx)
	require.NoError(t, err)
	require.NoError(t, s.Told(ctx, outbox[0]))
	require.NoError(t, s.Told(ctx, outbox[0]), "twice")
	outbox, err = s.Outbox(ctx)
	require.NoError(t, err)
	require.Empty(t, outbox)
}

// However many publish a post at the same time, readers are told once.
func TestConcurrentPublish(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	var faults monotabletest.Faults
	s, clock := storeOn(t, client, faults.Client(client, func(o *dynamodb.Options) { o.RetryMaxAttempts = 10 }))
	_, err := s.Write(ctx, Post{ID: "a", Author: "ann", Title: "A", Text: "Text."})
	require.NoError(t, err)
	faults.Rate("TransactWriteItems", 0.2, monotabletest.ReplyLost())
	errs := make([]error, 8)
	var editors sync.WaitGroup
	for i := range errs {
		editors.Go(func() {
			clock.Advance(time.Second)
			errs[i] = s.Publish(ctx, "a", "ann")
		})
	}
	editors.Wait()
	published := 0
	for _, err := range errs {
		if err == nil {
			published++
			continue
		}
		require.ErrorIs(t, err, ErrPublished)
	}
	require.Equal(t, 1, published)
	require.Equal(t, 1, news(t, s))
}

// A program that stops at its request leaves both the published post and the notification, or neither.
func TestCrashesOfPublish(t *testing.T) {
	ctx := t.Context()
	for _, stop := range []func(*monotabletest.Faults){func(f *monotabletest.Faults) { f.StopAt(1) }, func(f *monotabletest.Faults) { f.StopAfter(1) }} {
		client := monotabletest.Client(t)
		var faults monotabletest.Faults
		s, _ := storeOn(t, client, faults.Client(client))
		_, err := s.Write(ctx, Post{ID: "a", Author: "ann", Title: "A", Text: "Text."})
		require.NoError(t, err)
		faults.Reset()
		stop(&faults)
		require.ErrorIs(t, s.Publish(ctx, "a", "ann"), monotabletest.ErrStopped)
		faults.Reset()
		post, _, err := s.Post(ctx, "a")
		require.NoError(t, err)
		require.Equal(t, post.Published != nil, news(t, s) == 1)
	}
}

func TestComments(t *testing.T) {
	ctx := t.Context()
	s, _, clock := newStore(t)
	publish(t, s, clock)
	_, err := s.Write(ctx, Post{ID: "draft", Author: "ann", Title: "Draft", Text: "Text."})
	require.NoError(t, err)
	for _, row := range []struct {
		why     string
		comment Comment
		want    error
	}{
		{"a draft", Comment{PostID: "draft", ID: "1", Author: "ben", Text: "!"}, ErrDraft},
		{"no such post", Comment{PostID: "z", ID: "1", Author: "ben", Text: "!"}, monotable.ErrNotFound},
		{"no text", Comment{PostID: "a", ID: "1", Author: "ben"}, monotable.ErrInvalid},
	} {
		_, err := s.Comment(ctx, row.comment)
		require.ErrorIs(t, err, row.want, row.why)
		require.Empty(t, all(t, s.comments), row.why)
	}
	for i := range 12 {
		clock.Advance(time.Second)
		_, err := s.Comment(ctx, Comment{PostID: "a", ID: fmt.Sprint(i), Author: "ben", Text: "!"})
		require.NoError(t, err)
	}
	page, err := s.Comments(ctx, "a", "")
	require.NoError(t, err)
	require.Len(t, page.Items, 10)
	require.Equal(t, "9", page.Items[9].ID, "by time: the ids would have 10 behind 1")
	page, err = s.Comments(ctx, "a", page.Next)
	require.NoError(t, err)
	require.Equal(t, []string{"10", "11"}, []string{page.Items[0].ID, page.Items[1].ID})
	require.Empty(t, page.Next)
}

// Whoever comments at the same time, and whatever replies are lost, a post counts the comments that are there.
func TestConcurrentComments(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	var faults monotabletest.Faults
	s, clock := storeOn(t, client, faults.Client(client, func(o *dynamodb.Options) { o.RetryMaxAttempts = 10 }))
	publish(t, s, clock)
	faults.Rate("TransactWriteItems", 0.1, monotabletest.ReplyLost())
	var readers sync.WaitGroup
	for i := range 12 {
		readers.Go(func() { _, _ = s.Comment(ctx, Comment{PostID: "a", ID: fmt.Sprint(i), Author: "ben", Text: "!"}) })
	}
	readers.Wait()
	post, comments, err := s.Post(ctx, "a")
	require.NoError(t, err)
	require.NotEmpty(t, comments)
	require.Equal(t, len(comments), post.Comments)
}

func news(t *testing.T, s *Store) int {
	t.Helper()
	return len(all(t, s.notifications))
}
