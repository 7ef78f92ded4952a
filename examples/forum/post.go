package main

import (
	"context"
	"time"

	"github.com/monotable/monotable"
)

// Open opens a topic with its first post, in one transaction with the counters of its category. The post takes topic and author from it.
//
// monotable.ErrAlreadyExists if there is such a topic, monotable.ErrDuplicate such a post, monotable.ErrNotFound if there is no such category.
func (s *Store) Open(ctx context.Context, topic Topic, first Post) (Topic, error) {
	first.TopicID, first.Author = topic.ID, topic.Author
	topic.Posts = 1
	err := s.afterLast(func(at time.Time) error {
		topic.Opened, topic.LastPost, first.Posted = at, at, at
		return s.table.TransactWrite(ctx,
			s.topics.CreateOp(topic),
			s.posts.CreateOp(first),
			s.categories.UpdateOp(Category{ID: topic.Category}, monotable.Add(categoryTopics, 1), monotable.Add(categoryPosts, 1),
				categoryLastPost.Set(at), categoryLastPost.Le(at)))
	})
	if err != nil {
		return Topic{}, err
	}
	return topic, nil
}

// Reply stores a post in one transaction with the counters and last-post times of its topic and category, whoever else posts at the same time.
//
// monotable.ErrNotFound if there is no such topic, monotable.ErrDuplicate if the post is there already.
func (s *Store) Reply(ctx context.Context, post Post) (Post, error) {
	topic, err := s.topicNow(ctx, post.TopicID)
	if err != nil {
		return Post{}, err
	}
	err = s.afterLast(func(at time.Time) error {
		post.Posted = at
		return s.table.TransactWrite(ctx,
			s.posts.CreateOp(post),
			s.topics.UpdateOp(topic, monotable.Add(topicPosts, 1), topicLastPost.Set(at), topicCategory.Given(topic.Category)),
			s.categories.UpdateOp(Category{ID: topic.Category}, monotable.Add(categoryPosts, 1), categoryLastPost.Set(at), categoryLastPost.Le(at)))
	})
	if err != nil {
		return Post{}, err
	}
	return post, nil
}

// topicNow is a topic as it is now, for who has just opened it.
func (s *Store) topicNow(ctx context.Context, id string) (Topic, error) {
	return s.topics.With(monotable.Consistent()).Get(ctx, Topic{ID: id})
}

// afterLast writes at the time that it is now. If a post is stored with a later one, because it was faster or because this machine's clock is behind, it writes again, at the next
// moment after that: last-post times never go back, and an answer never stands above what it answers.
func (s *Store) afterLast(write func(at time.Time) error) error {
	at := s.now()
	for {
		err := write(at)
		category, refused := s.categories.Old(err) // as it is stored
		if !refused || !category.LastPost.After(at) {
			return err
		}
		at = category.LastPost.Add(1)
	}
}

// Remove takes a post away, and counts it no more. monotable.ErrNotFound if it is not there, so it is counted once however often it is removed.
func (s *Store) Remove(ctx context.Context, id string) error {
	post, err := s.Post(ctx, id)
	if err != nil {
		return err
	}
	topic, err := s.topicNow(ctx, post.TopicID)
	if err != nil {
		return err
	}
	return s.table.TransactWrite(ctx,
		s.posts.DeleteOp(post, postID.Exists()),
		s.topics.UpdateOp(topic, monotable.Add(topicPosts, -1)),
		s.categories.UpdateOp(Category{ID: topic.Category}, monotable.Add(categoryPosts, -1)))
}
