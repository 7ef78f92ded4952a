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
	PageSize     int              // topics or posts on a page; 0 means 20
	Clock        func() time.Time // defaults to time.Now
}

// Store is the forum's table. Its methods are the access patterns. It is safe for concurrent use: one is made when the program starts.
type Store struct {
	table      *monotable.Table
	categories *monotable.Entity[Category]
	topics     *monotable.Entity[Topic]
	posts      *monotable.Entity[Post]
	pageSize   int
	now        func() time.Time
}

// openStore declares the table and its entities. It sends nothing; a mistake in a schema shows here, when the program starts.
func openStore(client monotable.Client, o Options) (*Store, error) {
	if o.PageSize == 0 {
		o.PageSize = 20
	}
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
	s := &Store{table: table, pageSize: o.PageSize, now: o.Clock}
	if s.categories, err = monotable.NewEntity(table, categorySchema); err != nil {
		return nil, err
	}
	if s.topics, err = monotable.NewEntity(table, topicSchema); err != nil {
		return nil, err
	}
	if s.posts, err = monotable.NewEntity(table, postSchema); err != nil {
		return nil, err
	}
	return s, nil
}

// AddCategory makes a part of the forum; monotable.ErrAlreadyExists if it is there.
func (s *Store) AddCategory(ctx context.Context, id, title string) (Category, error) {
	return s.categories.Create(ctx, Category{ID: id, Title: title})
}

// Categories are all parts of the forum, with their counters: the front page.
func (s *Store) Categories(ctx context.Context) ([]Category, error) {
	return s.categories.Query(Category{}).Collect(ctx)
}

// Category is a part of the forum by its id.
func (s *Store) Category(ctx context.Context, id string) (Category, error) {
	return s.categories.Get(ctx, Category{ID: id})
}

// Topic is a conversation by its id.
func (s *Store) Topic(ctx context.Context, id string) (Topic, error) {
	return s.topics.Get(ctx, Topic{ID: id})
}

// Post is a post by its id alone, for a link that knows nothing else. It reads who has the id, and then the post, both consistently.
func (s *Store) Post(ctx context.Context, id string) (Post, error) {
	return s.posts.GetBy(ctx, postID.Eq(id))
}

// PostAt is a post by all that its key is made of, for a link that knows topic and time: one request.
func (s *Store) PostAt(ctx context.Context, topicID string, posted time.Time, id string) (Post, error) {
	return s.posts.Get(ctx, Post{TopicID: topicID, Posted: posted, ID: id})
}

// Topics is a page of the topics of a category, those with the latest posts first. The page's Next and Prev lead on and back.
func (s *Store) Topics(ctx context.Context, category string, from monotable.Cursor) (monotable.Page[Topic], error) {
	return s.topicsOf(category).Limit(s.pageSize).From(from).Page(ctx)
}

// Posts is a page of a topic's posts, oldest first.
func (s *Store) Posts(ctx context.Context, topicID string, from monotable.Cursor) (monotable.Page[Post], error) {
	return s.postsOf(topicID).Limit(s.pageSize).From(from).Page(ctx)
}

// PostsBy is a page of what an author has written in all topics, newest first.
func (s *Store) PostsBy(ctx context.Context, author string, from monotable.Cursor) (monotable.Page[Post], error) {
	return s.postsBy(author).Limit(s.pageSize).From(from).Page(ctx)
}

// TopicsBy is a page of the topics that an author has opened, newest first.
func (s *Store) TopicsBy(ctx context.Context, author string, from monotable.Cursor) (monotable.Page[Topic], error) {
	return s.topicsBy(author).Limit(s.pageSize).From(from).Page(ctx)
}

func (s *Store) topicsOf(category string) monotable.Query[Topic] {
	return s.topics.Query(Topic{Category: category}).Index("GSI2").Descending()
}

func (s *Store) postsOf(topicID string) monotable.Query[Post] {
	return s.posts.Query(Post{TopicID: topicID})
}

func (s *Store) postsBy(author string) monotable.Query[Post] {
	return s.posts.Query(Post{Author: author}).Index("GSI1").Descending()
}

func (s *Store) topicsBy(author string) monotable.Query[Topic] {
	return s.topics.Query(Topic{Author: author}).Index("GSI1").Descending()
}
