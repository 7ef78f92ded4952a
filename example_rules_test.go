package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/monotable/monotable"
)

type Article struct {
	ID       string   `dynamodbav:"articleId"`
	Title    string   `dynamodbav:"title"`
	Slug     string   `dynamodbav:"slug"`
	Words    int      `dynamodbav:"words"`
	Stars    int      `dynamodbav:"stars"`
	Comments *bool    `dynamodbav:"comments"`
	Authors  []string `dynamodbav:"authors"`
	License  string   `dynamodbav:"license"`
}

var (
	articleTitle    = monotable.Field(func(a *Article) *string { return &a.Title })
	articleSlug     = monotable.Field(func(a *Article) *string { return &a.Slug })
	articleWords    = monotable.Field(func(a *Article) *int { return &a.Words })
	articleStars    = monotable.Field(func(a *Article) *int { return &a.Stars })
	articleComments = monotable.Field(func(a *Article) **bool { return &a.Comments })
	articleAuthors  = monotable.Field(func(a *Article) *[]string { return &a.Authors })
	articleLicense  = monotable.Field(func(a *Article) *string { return &a.License })
)

// Rules stand beside the type, not in tags: they are checked by the compiler, and by NewEntity.
func ExampleRule() {
	ctx := context.Background()
	articles := monotable.MustEntity(exampleTable(), monotable.Schema[Article]{
		Name: "Article",
		Key:  monotable.Key{Partition: "ARTICLE#{articleId}", Sort: "TEXT"},
		Rules: []monotable.Rule[Article]{
			monotable.Length(articleTitle, 1, 60).Transform(strings.TrimSpace).Required(),
			articleSlug.Derived(func(a *Article) string { // follows the title, in updates too
				return strings.ReplaceAll(strings.ToLower(a.Title), " ", "-")
			}, articleTitle),
			monotable.Min(articleWords, 0),
			articleStars.DefaultZero(3),        // here 0 means "not given"
			articleComments.Default(new(true)), // here "no" is not "not given"
			monotable.Length(articleAuthors, 1, 5),
			articleLicense.Default("CC-BY").Immutable(),
		},
		Validate: func(a *Article) error {
			if a.Words > 0 && a.Title == "" {
				return errors.New("an article with words needs a title")
			}
			return nil
		},
	})

	a, err := articles.Create(ctx, Article{ID: "7", Title: " One Table ", Authors: []string{"ann"}})
	fmt.Printf("%q %s %d %t %s %v\n", a.Title, a.Slug, a.Stars, *a.Comments, a.License, err)
	a, err = articles.Update(ctx, Article{ID: "7"}, articleTitle.Set("Two Tables"), monotable.Elem(articleComments).Set(false))
	fmt.Printf("%q %s %t %v\n", a.Title, a.Slug, *a.Comments, err)

	_, err = articles.Update(ctx, Article{ID: "7"}, articleTitle.Set(""), articleAuthors.Set([]string{}))
	fmt.Println(err)
	_, err = articles.Update(ctx, Article{ID: "7"}, articleLicense.Set("MIT"))
	fmt.Println(err)
	// Output:
	// "One Table" one-table 3 true CC-BY <nil>
	// "Two Tables" two-tables false <nil>
	// monotable: Update Article: invalid: title: is required; authors: must have a length from 1 to 5
	// monotable: Update Article: invalid: Set license: license is immutable
}

// A hidden attribute is stored, and can be used in conditions, but is not returned unless the call says Reveal.
func ExampleAttr_Hidden() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com", Password: "s3cret"})

	ann, err := users.Get(ctx, User{ID: "ann"})
	fmt.Printf("%q %v\n", ann.Password, err)
	ann, err = users.With(monotable.Reveal()).Get(ctx, User{ID: "ann"})
	fmt.Printf("%q %v\n", ann.Password, err)

	// What was read without it can be changed by Modify, and it survives.
	_, err = users.Modify(ctx, User{ID: "ann"}, func(u *User) error { u.Plan = "pro"; return nil })
	fmt.Println(err)
	ann, err = users.With(monotable.Reveal()).Get(ctx, User{ID: "ann"})
	fmt.Printf("%q %v\n", ann.Password, err)
	// Output:
	// "" <nil>
	// "s3cret" <nil>
	// <nil>
	// "s3cret" <nil>
}

type Session struct {
	Token string    `dynamodbav:"token"`
	User  string    `dynamodbav:"user"`
	Until time.Time `dynamodbav:"until"`
}

var sessionExpires = monotable.Field(func(s *Session) *time.Time { return &s.Until })

// DynamoDB deletes expired items late, perhaps after days. Here they are gone at once.
func ExampleExpiresAt() {
	ctx := context.Background()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	table := exampleTableOf(monotable.TableConfig{
		PartitionKey: "PK",
		Clock:        func() time.Time { return now },
	})
	sessions := monotable.MustEntity(table, monotable.Schema[Session]{
		Name:  "Session",
		Key:   monotable.Key{Partition: "SESSION#{token}"},
		Rules: []monotable.Rule[Session]{monotable.ExpiresAt(sessionExpires)},
	})
	seed(sessions, Session{Token: "t1", User: "ann", Until: now.Add(time.Hour)})

	s, err := sessions.Get(ctx, Session{Token: "t1"})
	fmt.Println(s.User, err)
	now = now.Add(2 * time.Hour)
	_, err = sessions.Get(ctx, Session{Token: "t1"})
	fmt.Println(err)
	s, err = sessions.Create(ctx, Session{Token: "t1", User: "bob", Until: now.Add(time.Hour)})
	fmt.Println(s.User, err)
	// Output:
	// ann <nil>
	// monotable: Get Session: item not found
	// bob <nil>
}

type Task struct {
	ID    string `dynamodbav:"taskId"`
	Owner string `dynamodbav:"owner"`
	Due   string `dynamodbav:"due"`
	Done  bool   `dynamodbav:"done"`
}

var (
	taskOwner = monotable.Field(func(t *Task) *string { return &t.Owner })
	taskDue   = monotable.Field(func(t *Task) *string { return &t.Due })
	taskDone  = monotable.Field(func(t *Task) *bool { return &t.Done })
)

// A sparse index: only open tasks are in it. An update that closes one takes it out; one that opens it again must know
// the parts of the index's key. Given tells them, and becomes a condition.
func ExampleIndexWhen() {
	ctx := context.Background()
	tasks := monotable.MustEntity(exampleTable(), monotable.Schema[Task]{
		Name:    "Task",
		Key:     monotable.Key{Partition: "TASK#{taskId}", Sort: "TASK"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "TODO#{owner}", Sort: "{due}"}},
		Rules: []monotable.Rule[Task]{
			monotable.IndexWhen("GSI1", func(t *Task) bool { return !t.Done }, taskDone),
		},
	})
	seed(
		tasks,
		Task{ID: "1", Owner: "ann", Due: "2026-12-01"},
		Task{ID: "2", Owner: "ann", Due: "2026-11-30"},
		Task{ID: "3", Owner: "ann", Due: "2026-11-01", Done: true},
	)

	show := func() {
		open, err := tasks.Query(Task{Owner: "ann"}).Index("GSI1").Collect(ctx)
		for _, t := range open {
			fmt.Print(t.ID, " ")
		}
		fmt.Println(err)
	}
	show()

	_, err := tasks.Update(ctx, Task{ID: "2"}, taskDone.Set(true))
	fmt.Println(err)
	show()

	_, err = tasks.Update(ctx, Task{ID: "3"}, taskDone.Set(false))
	fmt.Println(err)
	_, err = tasks.Update(ctx, Task{ID: "3"}, taskDone.Set(false), taskOwner.Given("ann"), taskDue.Set("2026-12-24"))
	fmt.Println(err)
	show()
	// Output:
	// 2 1 <nil>
	// <nil>
	// 1 <nil>
	// monotable: Update Task: invalid: the key of index GSI1 is made from owner and due too, which this update does not know: Set it, say Given with its stored value, or use Modify
	// <nil>
	// 1 3 <nil>
}
