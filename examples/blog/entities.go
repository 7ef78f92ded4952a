package main

import (
	"errors"
	"strings"
	"time"

	"github.com/monotable/monotable"
)

// User is somebody who writes. What others see is in the Profile, beside it.
type User struct {
	ID      string    `dynamodbav:"userId"`
	Email   string    `dynamodbav:"email"`
	Created time.Time `dynamodbav:"createdAt"`
}

// Profile is what a user shows of themselves.
type Profile struct {
	UserID string `dynamodbav:"userId"`
	Name   string `dynamodbav:"name"`
	Bio    string `dynamodbav:"bio,omitempty"`
	Theme  string `dynamodbav:"theme"`
}

// APIKey lets a program act for a user, so often and no more. Only the hash of what the program sends is stored.
type APIKey struct {
	Hash     string     `dynamodbav:"hash"`
	UserID   string     `dynamodbav:"userId"`
	Label    string     `dynamodbav:"label"`
	Uses     int        `dynamodbav:"uses"`
	Quota    int        `dynamodbav:"quota"`
	Created  time.Time  `dynamodbav:"createdAt"`
	LastUsed *time.Time `dynamodbav:"lastUsedAt"` // nil before the first use
}

// Session is a browser that is signed in. It ends half an hour after it was last used.
type Session struct {
	Hash    string    `dynamodbav:"hash"`
	UserID  string    `dynamodbav:"userId"`
	Started time.Time `dynamodbav:"startedAt"`
	Expires time.Time `dynamodbav:"expiresAt"`
}

// Post is a draft until it is published.
type Post struct {
	ID        string     `dynamodbav:"postId"`
	Author    string     `dynamodbav:"author"`
	Title     string     `dynamodbav:"title"`
	Text      string     `dynamodbav:"text"`
	Comments  int        `dynamodbav:"comments"`
	Written   time.Time  `dynamodbav:"writtenAt"`
	Published *time.Time `dynamodbav:"publishedAt"` // nil: a draft
}

// Comment is what somebody says about a post. It stands in the post's partition.
type Comment struct {
	PostID string    `dynamodbav:"postId"`
	ID     string    `dynamodbav:"commentId"`
	Author string    `dynamodbav:"author"`
	Text   string    `dynamodbav:"text"`
	At     time.Time `dynamodbav:"commentedAt"`
}

// Notification is news that readers have not been told yet.
type Notification struct {
	PostID string    `dynamodbav:"postId"`
	Author string    `dynamodbav:"author"`
	At     time.Time `dynamodbav:"createdAt"`
}

var (
	userEmail   = monotable.Field(func(u *User) *string { return &u.Email })
	userCreated = monotable.Field(func(u *User) *time.Time { return &u.Created })

	profileName  = monotable.Field(func(p *Profile) *string { return &p.Name })
	profileBio   = monotable.Field(func(p *Profile) *string { return &p.Bio })
	profileTheme = monotable.Field(func(p *Profile) *string { return &p.Theme })

	keyLabel    = monotable.Field(func(k *APIKey) *string { return &k.Label })
	keyUses     = monotable.Field(func(k *APIKey) *int { return &k.Uses })
	keyQuota    = monotable.Field(func(k *APIKey) *int { return &k.Quota })
	keyCreated  = monotable.Field(func(k *APIKey) *time.Time { return &k.Created })
	keyLastUsed = monotable.Field(func(k *APIKey) **time.Time { return &k.LastUsed })

	sessionStarted = monotable.Field(func(s *Session) *time.Time { return &s.Started })
	sessionExpires = monotable.Field(func(s *Session) *time.Time { return &s.Expires })

	postAuthor    = monotable.Field(func(p *Post) *string { return &p.Author })
	postTitle     = monotable.Field(func(p *Post) *string { return &p.Title })
	postText      = monotable.Field(func(p *Post) *string { return &p.Text })
	postComments  = monotable.Field(func(p *Post) *int { return &p.Comments })
	postWritten   = monotable.Field(func(p *Post) *time.Time { return &p.Written })
	postPublished = monotable.Field(func(p *Post) **time.Time { return &p.Published })

	commentText = monotable.Field(func(c *Comment) *string { return &c.Text })
)

var userSchema = monotable.Schema[User]{
	Name: "User",
	Key:  monotable.Key{Partition: "USER#{userId}", Sort: "USER"},
	Rules: []monotable.Rule[User]{
		userEmail.Required().Transform(strings.ToLower).Validate(validEmail).Unique(),
		monotable.CreatedAt(userCreated),
	},
}

var profileSchema = monotable.Schema[Profile]{
	Name: "Profile",
	Key:  monotable.Key{Partition: "USER#{userId}", Sort: "PROFILE"},
	Rules: []monotable.Rule[Profile]{
		monotable.Length(profileName, 1, 80),
		monotable.Length(profileBio, 0, 500),
		profileTheme.Default("light").OneOf("light", "dark"),
	},
}

var apiKeySchema = monotable.Schema[APIKey]{
	Name:    "APIKey",
	Key:     monotable.Key{Partition: "APIKEY#{hash}", Sort: "APIKEY"},
	Indexes: map[string]monotable.Key{"GSI2": {Partition: "USER#{userId}", Sort: "APIKEY#{createdAt}#{hash}"}},
	Rules: []monotable.Rule[APIKey]{
		monotable.Length(keyLabel, 1, 40),
		monotable.Min(keyQuota, 1),
		monotable.Min(keyUses, 0),
		monotable.CreatedAt(keyCreated),
	},
}

var sessionSchema = monotable.Schema[Session]{
	Name:    "Session",
	Key:     monotable.Key{Partition: "SESSION#{hash}", Sort: "SESSION"},
	Indexes: map[string]monotable.Key{"GSI2": {Partition: "USER#{userId}", Sort: "SESSION#{startedAt}#{hash}"}},
	Rules: []monotable.Rule[Session]{
		monotable.CreatedAt(sessionStarted),
		monotable.ExpiresAt(sessionExpires), // the table's TTL: DynamoDB deletes it some day, and it is gone the moment it ends
	},
}

var postSchema = monotable.Schema[Post]{
	Name: "Post",
	Key:  monotable.Key{Partition: "POST#{postId}", Sort: "POST"},
	Indexes: map[string]monotable.Key{
		"GSI1": {Partition: "BLOG", Sort: "{publishedAt}#{postId}"}, // a draft has no such time, and is not in it
		"GSI2": {Partition: "USER#{author}", Sort: "POST#{writtenAt}#{postId}"},
	},
	Rules: []monotable.Rule[Post]{
		postAuthor.Required(),
		monotable.Length(postTitle, 1, 120),
		postText.Required(),
		monotable.Min(postComments, 0),
		monotable.CreatedAt(postWritten),
	},
}

var commentSchema = monotable.Schema[Comment]{
	Name:  "Comment",
	Key:   monotable.Key{Partition: "POST#{postId}", Sort: "COMMENT#{commentedAt}#{commentId}"},
	Rules: []monotable.Rule[Comment]{monotable.Length(commentText, 1, 2000)},
}

var notificationSchema = monotable.Schema[Notification]{
	Name: "Notification",
	Key:  monotable.Key{Partition: "OUTBOX", Sort: "{createdAt}#{postId}"},
}

func validEmail(email string) error {
	if name, host, ok := strings.Cut(email, "@"); !ok || name == "" || host == "" {
		return errors.New("is not an email address")
	}
	return nil
}
