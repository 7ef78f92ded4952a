package main

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

func TestOpenAndReply(t *testing.T) {
	ctx := t.Context()
	s, _ := newStore(t)
	seed(t, s)
	require.Equal(t, 6, counted(t, s))
	for _, row := range []struct {
		why  string
		do   func() error
		want error
	}{
		{"an open topic", func() error {
			_, err := s.Open(ctx, Topic{ID: "slugs", Category: "garden", Author: "ann", Title: "Slugs"}, Post{ID: "new", Text: "?"})
			return err
		}, monotable.ErrAlreadyExists},
		{"a first post that is there", func() error {
			_, err := s.Open(ctx, Topic{ID: "new", Category: "garden", Author: "ann", Title: "New"}, Post{ID: "slugs-1", Text: "?"})
			return err
		}, monotable.ErrDuplicate},
		{"no such category", func() error {
			_, err := s.Open(ctx, Topic{ID: "new", Category: "cellar", Author: "ann", Title: "New"}, Post{ID: "new", Text: "?"})
			return err
		}, monotable.ErrNotFound},
		{"no title", func() error {
			_, err := s.Open(ctx, Topic{ID: "new", Category: "garden", Author: "ann"}, Post{ID: "new", Text: "?"})
			return err
		}, monotable.ErrInvalid},
		{"no such topic", func() error {
			_, err := s.Reply(ctx, Post{ID: "new", TopicID: "nails", Author: "ann", Text: "?"})
			return err
		}, monotable.ErrNotFound},
		{"a post that is sent twice", func() error {
			_, err := s.Reply(ctx, Post{ID: "slugs-1", TopicID: "slugs", Author: "ann", Text: "?"})
			return err
		}, monotable.ErrDuplicate},
		{"no text", func() error {
			_, err := s.Reply(ctx, Post{ID: "new", TopicID: "slugs", Author: "ann"})
			return err
		}, monotable.ErrInvalid},
		{"removing what is not there", func() error { return s.Remove(ctx, "new") }, monotable.ErrNotFound},
		{"a category that is there", func() error {
			_, err := s.AddCategory(ctx, "garden", "Again")
			return err
		}, monotable.ErrAlreadyExists},
	} {
		require.ErrorIs(t, row.do(), row.want, row.why)
		require.Equal(t, 6, counted(t, s), "nothing is written: %s", row.why)
	}
	require.NoError(t, s.Remove(ctx, "slugs-2"))
	require.ErrorIs(t, s.Remove(ctx, "slugs-2"), monotable.ErrNotFound)
	require.Equal(t, 5, counted(t, s))
}

// A machine whose clock is behind does not take last-post times back, nor put its answer above what it answers.
func TestClockThatIsBehind(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	clock := monotabletest.NewClock(today())
	s := storeOn(t, client, client, clock.Now)
	seed(t, s)
	before, err := s.Category(ctx, "garden")
	require.NoError(t, err)
	clock.Advance(-time.Hour)
	post, err := s.Reply(ctx, Post{ID: "late", TopicID: "roses", Author: "ann", Text: "Late."})
	require.NoError(t, err)
	require.True(t, post.Posted.After(before.LastPost))
	topic, err := s.Topic(ctx, "roses")
	require.NoError(t, err)
	require.True(t, topic.LastPost.Equal(post.Posted))
	opened, err := s.Open(ctx, Topic{ID: "new", Category: "garden", Author: "ann", Title: "New"}, Post{ID: "new", Text: "?"})
	require.NoError(t, err)
	require.True(t, opened.LastPost.After(post.Posted))
	counted(t, s)
}

// Whoever posts and removes at the same time, and whatever replies are lost: counters are the number of posts, and the last post's time is theirs.
func TestConcurrentPosts(t *testing.T) {
	for _, lost := range []float64{0, 0.1} {
		t.Run(fmt.Sprintf("%.0f%% of replies lost", lost*100), func(t *testing.T) {
			ctx, client := t.Context(), monotabletest.Client(t)
			var faults monotabletest.Faults
			clock := monotabletest.NewClock(today())
			s := storeOn(t, client, faults.Client(client, func(o *dynamodb.Options) { o.RetryMaxAttempts = 10 }), func() time.Time { return clock.Advance(time.Millisecond) })
			seed(t, s)
			faults.Rate("TransactWriteItems", lost, monotabletest.ReplyLost())
			var people sync.WaitGroup
			for w := range 6 {
				people.Go(func() {
					for i := range 4 {
						id := fmt.Sprintf("p%d-%d", w, i)
						_, err := s.Reply(ctx, Post{ID: id, TopicID: []string{"slugs", "roses", "bread"}[w%3], Author: "ann", Text: "!"})
						if err == nil && i == 3 {
							_ = s.Remove(ctx, id)
						}
					}
				})
			}
			people.Wait()
			require.Greater(t, counted(t, s), 6)
		})
	}
}

// Right after a topic is opened it can be answered, and the answer removed: what they read is as it is now.
func TestReadsBeforeWrites(t *testing.T) {
	ctx := t.Context()
	s, rec := newStore(t)
	seed(t, s)
	for _, do := range []func() error{
		func() error {
			_, err := s.Reply(ctx, Post{ID: "new", TopicID: "slugs", Author: "ben", Text: "!"})
			return err
		},
		func() error { return s.Remove(ctx, "new") },
	} {
		reads := 0
		for _, request := range rec.During(func() { require.NoError(t, do()) }) {
			if request.Operation == "GetItem" {
				reads++
				require.Contains(t, string(request.Body), `"ConsistentRead":true`)
			}
		}
		require.Positive(t, reads)
	}
}

// Two remove one post, one of them after the other has read it: it is counted off once.
func TestRemovedByTwo(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	var faults monotabletest.Faults
	clock := monotabletest.NewClock(today())
	s := storeOn(t, client, faults.Client(client), func() time.Time { return clock.Advance(time.Minute) })
	seed(t, s)
	requests := 0
	faults.Between(func(monotabletest.Request) {
		if requests++; requests == 3 { // the id, the post
			faults.Between(nil)
			require.NoError(t, s.Remove(ctx, "slugs-1"))
		}
	})
	require.ErrorIs(t, s.Remove(ctx, "slugs-1"), monotable.ErrNotFound)
	require.Equal(t, 5, counted(t, s))
}

// A program that stops at any of its requests leaves a post with all that counts it, or none of it.
func TestCrashes(t *testing.T) {
	ctx := t.Context()
	for n := 1; ; n++ {
		client := monotabletest.Client(t)
		var faults monotabletest.Faults
		clock := monotabletest.NewClock(today())
		s := storeOn(t, client, faults.Client(client), func() time.Time { return clock.Advance(time.Minute) })
		seed(t, s)
		faults.Reset()
		faults.StopAfter(n)
		_, err := s.Open(ctx, Topic{ID: "new", Category: "garden", Author: "ann", Title: "New"}, Post{ID: "new", Text: "?"})
		if err == nil {
			_, err = s.Reply(ctx, Post{ID: "answer", TopicID: "new", Author: "ben", Text: "!"})
		}
		if err == nil {
			err = s.Remove(ctx, "new")
		}
		faults.Reset()
		counted(t, s)
		if err == nil {
			require.Greater(t, n, 6)
			return
		}
		require.True(t, errors.Is(err, monotabletest.ErrStopped), err)
	}
}

// counted checks what must always hold, and says how many posts there are: topics and categories count what is there, no post is later than the last-post
// time, and each can be looked up by its id.
func counted(t *testing.T, s *Store) int {
	t.Helper()
	ctx := t.Context()
	posts, topics, categories := all(t, s.posts), all(t, s.topics), all(t, s.categories)
	inTopic, inCategory, opened := map[string]int{}, map[string]int{}, map[string]int{}
	latest := map[string]time.Time{}
	for _, p := range posts {
		inTopic[p.TopicID]++
		if p.Posted.After(latest[p.TopicID]) {
			latest[p.TopicID] = p.Posted
		}
		found, err := s.Post(ctx, p.ID)
		require.NoError(t, err)
		require.Equal(t, p, found)
	}
	ofCategory := map[string]time.Time{}
	for _, topic := range topics {
		require.Equal(t, inTopic[topic.ID], topic.Posts, topic.ID)
		require.False(t, latest[topic.ID].After(topic.LastPost), topic.ID)
		opened[topic.Category]++
		inCategory[topic.Category] += topic.Posts
		if topic.LastPost.After(ofCategory[topic.Category]) {
			ofCategory[topic.Category] = topic.LastPost
		}
		delete(inTopic, topic.ID)
	}
	require.Empty(t, inTopic, "posts without their topic")
	for _, c := range categories {
		require.Equal(t, opened[c.ID], c.Topics, c.ID)
		require.Equal(t, inCategory[c.ID], c.Posts, c.ID)
		require.True(t, ofCategory[c.ID].Equal(c.LastPost), c.ID)
	}
	return len(posts)
}

func all[T any](t *testing.T, entity *monotable.Entity[T]) []T {
	t.Helper()
	items, err := entity.With(monotable.Consistent()).Scan().Collect(t.Context())
	require.NoError(t, err)
	return items
}
