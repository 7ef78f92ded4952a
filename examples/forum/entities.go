package main

import (
	"time"

	"github.com/monotable/monotable"
)

// Category is a part of the forum. All of them stand in one partition, with their counters, so the front page is one request.
type Category struct {
	ID       string    `dynamodbav:"category"`
	Title    string    `dynamodbav:"title"`
	Topics   int       `dynamodbav:"topics"`
	Posts    int       `dynamodbav:"posts"`
	LastPost time.Time `dynamodbav:"lastPostAt"` // when the last post was written, also if it was removed since; zero before the first
}

// Topic is a conversation. Its posts stand in its partition.
type Topic struct {
	ID       string    `dynamodbav:"topicId"`
	Category string    `dynamodbav:"category"`
	Author   string    `dynamodbav:"author"`
	Title    string    `dynamodbav:"title"`
	Posts    int       `dynamodbav:"posts"`
	Opened   time.Time `dynamodbav:"openedAt"`
	LastPost time.Time `dynamodbav:"lastPostAt"`
}

// Post is what somebody has written. Its id is made where it is written, so that a form that is sent twice posts once.
type Post struct {
	ID      string    `dynamodbav:"postId"`
	TopicID string    `dynamodbav:"topicId"`
	Author  string    `dynamodbav:"author"`
	Text    string    `dynamodbav:"text"`
	Posted  time.Time `dynamodbav:"postedAt"`
}

var (
	categoryTitle    = monotable.Field(func(c *Category) *string { return &c.Title })
	categoryTopics   = monotable.Field(func(c *Category) *int { return &c.Topics })
	categoryPosts    = monotable.Field(func(c *Category) *int { return &c.Posts })
	categoryLastPost = monotable.Field(func(c *Category) *time.Time { return &c.LastPost })

	topicCategory = monotable.Field(func(t *Topic) *string { return &t.Category })
	topicAuthor   = monotable.Field(func(t *Topic) *string { return &t.Author })
	topicTitle    = monotable.Field(func(t *Topic) *string { return &t.Title })
	topicPosts    = monotable.Field(func(t *Topic) *int { return &t.Posts })
	topicLastPost = monotable.Field(func(t *Topic) *time.Time { return &t.LastPost })

	postID     = monotable.Field(func(p *Post) *string { return &p.ID })
	postAuthor = monotable.Field(func(p *Post) *string { return &p.Author })
	postText   = monotable.Field(func(p *Post) *string { return &p.Text })
)

var categorySchema = monotable.Schema[Category]{
	Name: "Category",
	Key:  monotable.Key{Partition: "FORUM", Sort: "CATEGORY#{category}"},
	Rules: []monotable.Rule[Category]{
		monotable.Length(categoryTitle, 1, 80),
		monotable.Min(categoryTopics, 0),
		monotable.Min(categoryPosts, 0),
	},
}

var topicSchema = monotable.Schema[Topic]{
	Name: "Topic",
	Key:  monotable.Key{Partition: "TOPIC#{topicId}", Sort: "TOPIC"},
	Indexes: map[string]monotable.Key{
		"GSI1": {Partition: "AUTHOR#{author}", Sort: "TOPIC#{openedAt}#{topicId}"},
		"GSI2": {Partition: "CATEGORY#{category}", Sort: "{lastPostAt}#{topicId}"}, // every post moves its topic to the front
	},
	Rules: []monotable.Rule[Topic]{
		topicCategory.Required(),
		topicAuthor.Required(),
		monotable.Length(topicTitle, 1, 120),
		monotable.Min(topicPosts, 0),
	},
}

var postSchema = monotable.Schema[Post]{
	Name:    "Post",
	Key:     monotable.Key{Partition: "TOPIC#{topicId}", Sort: "POST#{postedAt}#{postId}"}, // by time; the id tells two of one moment apart
	Indexes: map[string]monotable.Key{"GSI1": {Partition: "AUTHOR#{author}", Sort: "POST#{postedAt}#{postId}"}},
	Rules: []monotable.Rule[Post]{
		postID.Unique(), // whatever its time: a post can be looked up by its id alone, and stands there once
		postAuthor.Required(),
		monotable.Length(postText, 1, 10_000),
	},
}
