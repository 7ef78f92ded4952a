// Command blog is users, API keys, sessions, posts and comments in one DynamoDB table.
//
//	go run ./examples/blog
//
// Without DYNAMODB_ENDPOINT the table is in this process.
//
// Read entities.go first: what is kept. Then store.go: the table and its users; access.go: API keys and sessions; post.go: posts, comments, notifications.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/internal/database"
)

func main() {
	log.SetFlags(0)
	if err := tell(context.Background(), database.Client(os.Getenv("DYNAMODB_ENDPOINT")), log.New(os.Stdout, "", 0)); err != nil {
		log.Fatal(err)
	}
}

// tale is the blog, told chapter by chapter. Its clock moves where the story says so.
type tale struct {
	*Store
	out     *log.Logger
	elapsed atomic.Int64
}

func (t *tale) now() time.Time        { return today().Add(time.Duration(t.elapsed.Load())) }
func (t *tale) later(d time.Duration) { t.elapsed.Add(int64(d)) }

// tell opens a blog on a table of its own, tells its story, and deletes the table.
func tell(ctx context.Context, client *dynamodb.Client, out *log.Logger) error {
	t := &tale{out: out}
	s, err := openStore(client, Options{
		Table:        "blog-" + rand.Text(),
		CursorSecret: []byte(rand.Text() + rand.Text()), // of this process only: a program that runs twice takes it from where its secrets are
		Clock:        t.now,
	})
	if err != nil {
		return err
	}
	t.Store = s
	if err := s.table.Ensure(ctx, client); err != nil {
		return err
	}
	defer func() {
		_, _ = client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: aws.String(s.table.Name())})
	}()
	for _, chapter := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"A user and her profile", t.join},
		{"A draft, published once, and what readers are told", t.publish},
		{"Comments by time, and the post with them: one request", t.comment},
		{"The blog, newest first, and what of it is from October", t.browse},
		{"An API key that is good for three uses, used by ten at once", t.useKey},
		{"A session lasts half an hour from its last use", t.visit},
	} {
		out.Printf("# %s", chapter.title)
		if err := chapter.tell(ctx); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
		out.Print()
	}
	return nil
}

func (t *tale) join(ctx context.Context) error {
	if err := t.Join(ctx, User{ID: "ann", Email: "Ann@Example.com"}, Profile{Name: "Ann Archer"}); err != nil {
		return err
	}
	_, err := t.EditProfile(ctx, "ann", func(p *Profile) error {
		p.Bio = "Shoots arrows."
		return nil
	})
	if err != nil {
		return err
	}
	user, profile, err := t.Account(ctx, "ann")
	t.out.Printf("%s <%s>, %s theme: %s", profile.Name, user.Email, profile.Theme, profile.Bio)
	return err
}

func (t *tale) publish(ctx context.Context) error {
	for _, title := range []string{"bows", "arrows", "aims"} {
		if _, err := t.Write(ctx, Post{ID: title, Author: "ann", Title: "On " + title, Text: "Long ones."}); err != nil {
			return err
		}
	}
	latest, err := t.Latest(ctx, "")
	if err != nil {
		return err
	}
	t.out.Printf("the blog has %d posts", len(latest.Items))
	for _, id := range []string{"bows", "arrows"} {
		if err := t.Publish(ctx, id, "ann"); err != nil {
			return err
		}
		t.later(14 * 24 * time.Hour)
	}
	t.out.Printf("bows, again: refused as published: %t", errors.Is(t.Publish(ctx, "bows", "ann"), ErrPublished))
	news, err := t.Outbox(ctx)
	if err != nil {
		return err
	}
	for _, n := range news {
		t.out.Printf("to the readers of %s: %s is there", n.Author, n.PostID)
		if err := t.Told(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (t *tale) comment(ctx context.Context) error {
	for i, text := range []string{"Nice.", "Indeed.", "How long?"} {
		t.later(time.Minute)
		if _, err := t.Comment(ctx, Comment{PostID: "bows", ID: fmt.Sprint(i), Author: "ben", Text: text}); err != nil {
			return err
		}
	}
	_, err := t.Comment(ctx, Comment{PostID: "aims", ID: "1", Author: "ben", Text: "When?"})
	t.out.Printf("a draft takes no comments: %t", errors.Is(err, ErrDraft))
	post, comments, err := t.Post(ctx, "bows")
	t.out.Printf("%s, %d comments", post.Title, post.Comments)
	for _, c := range comments {
		t.out.Printf("%s %s: %s", c.At.Format("15:04"), c.Author, c.Text)
	}
	return err
}

func (t *tale) browse(ctx context.Context) error {
	latest, err := t.Latest(ctx, "")
	if err != nil {
		return err
	}
	for _, p := range latest.Items {
		t.out.Printf("%s %s", p.Published.Format(time.DateOnly), p.Title)
	}
	october, err := t.Month(ctx, 2046, time.October)
	for _, p := range october {
		t.out.Printf("in October: %s", p.Title)
	}
	return err
}

func (t *tale) useKey(ctx context.Context) error {
	secret, err := t.IssueKey(ctx, "ann", "reader app", 3)
	if err != nil {
		return err
	}
	var used, refused atomic.Int64
	var programs sync.WaitGroup
	for range 10 {
		programs.Go(func() {
			switch _, err := t.UseKey(ctx, secret); {
			case err == nil:
				used.Add(1)
			case errors.Is(err, ErrQuota):
				refused.Add(1)
			}
		})
	}
	programs.Wait()
	keys, err := t.Keys(ctx, "ann")
	for _, k := range keys {
		t.out.Printf("%s: %d were let in, %d were not; it counts %d", k.Label, used.Load(), refused.Load(), k.Uses)
	}
	return err
}

func (t *tale) visit(ctx context.Context) error {
	token, err := t.SignIn(ctx, "ann")
	if err != nil {
		return err
	}
	for _, pause := range []time.Duration{20 * time.Minute, 20 * time.Minute, 40 * time.Minute} {
		t.later(pause)
		switch session, err := t.Session(ctx, token); {
		case err == nil:
			t.out.Printf("%s later: %s, until %s", pause, session.UserID, session.Expires.Format("15:04"))
		case errors.Is(err, monotable.ErrNotFound):
			t.out.Printf("%s later: please sign in", pause)
		default:
			return err
		}
	}
	return nil
}

// today stands still, so that the story is always the same; and far ahead, so that no server deletes sessions because its own clock says they are over.
func today() time.Time { return time.Date(2046, time.October, 21, 12, 0, 0, 0, time.UTC) }
