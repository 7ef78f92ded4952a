package main

import (
	"context"
	"fmt"
	"time"

	"github.com/monotable/monotable"
)

// Write stores a draft; monotable.ErrAlreadyExists if there is such a post.
func (s *Store) Write(ctx context.Context, post Post) (Post, error) {
	post.Published, post.Comments = nil, 0
	return s.posts.Create(ctx, post)
}

// Publish publishes a draft, and leaves a notification for those who tell the readers: both or none, in one transaction, and once, however many publish at the same time. ErrPublished
// if it is published, monotable.ErrNotFound if there is no such post.
func (s *Store) Publish(ctx context.Context, postID, author string) error {
	now := s.now()
	err := s.table.TransactWrite(ctx,
		s.posts.UpdateOp(Post{ID: postID}, postPublished.Set(&now), postPublished.NotExists(), postAuthor.Eq(author)),
		s.notifications.CreateOp(Notification{PostID: postID, Author: author, At: now}))
	if stored, refused := s.posts.Old(err); refused && stored.Published != nil {
		return fmt.Errorf("%w: %w", ErrPublished, err)
	}
	return err
}

// Latest is a page of the blog: what is published, newest first.
func (s *Store) Latest(ctx context.Context, from monotable.Cursor) (monotable.Page[Post], error) {
	return s.published().Descending().Limit(10).From(from).Page(ctx)
}

// Month is what was published in a month, oldest first.
func (s *Store) Month(ctx context.Context, year int, month time.Month) ([]Post, error) {
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, 0).Add(-1)
	return s.published().SortKey(postPublished.Between(&first, &last)).Collect(ctx)
}

// PostsOf is a page of what an author has written, drafts as well, newest first.
func (s *Store) PostsOf(ctx context.Context, author string, from monotable.Cursor) (monotable.Page[Post], error) {
	return s.posts.Query(Post{Author: author}).Index("GSI2").Descending().Limit(10).From(from).Page(ctx)
}

// Post is a post with its comments by time, by one request.
func (s *Store) Post(ctx context.Context, postID string) (post Post, comments []Comment, err error) {
	err = s.table.Collect(ctx, s.posts.Partition(Post{ID: postID}), monotable.One(s.posts, &post), monotable.Into(s.comments, &comments))
	return post, comments, err
}

// Comments is a page of the comments of a post, oldest first.
func (s *Store) Comments(ctx context.Context, postID string, from monotable.Cursor) (monotable.Page[Comment], error) {
	return s.comments.Query(Comment{PostID: postID}).Limit(10).From(from).Page(ctx)
}

// Comment stores a comment and counts it at its post, in one transaction. ErrDraft if the post is not published, monotable.ErrNotFound if there is none.
func (s *Store) Comment(ctx context.Context, comment Comment) (Comment, error) {
	comment.At = s.now()
	err := s.table.TransactWrite(ctx,
		s.comments.CreateOp(comment),
		s.posts.UpdateOp(Post{ID: comment.PostID}, monotable.Add(postComments, 1), postPublished.Exists()))
	if _, refused := s.posts.Old(err); refused {
		return Comment{}, fmt.Errorf("%w: %w", ErrDraft, err)
	}
	if err != nil {
		return Comment{}, err
	}
	return comment, nil
}

// Outbox is what readers have not been told, oldest first: up to 25.
func (s *Store) Outbox(ctx context.Context) ([]Notification, error) {
	return s.notifications.Query(Notification{}).Limit(25).Collect(ctx)
}

// Told takes a notification out of the outbox. Who stops between telling and this tells again: once at least.
func (s *Store) Told(ctx context.Context, n Notification) error {
	_, err := s.notifications.Delete(ctx, n)
	return err
}

func (s *Store) published() monotable.Query[Post] {
	return s.posts.Query(Post{}).Index("GSI1")
}
