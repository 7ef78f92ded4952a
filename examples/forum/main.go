// Command forum is categories, topics and posts in one DynamoDB table.
//
//	go run ./examples/forum
//
// Without DYNAMODB_ENDPOINT the table is in this process.
//
// Read entities.go first: what is kept. Then store.go: the table and how it is read; and post.go: how a post is written, with all that counts it.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
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
	client := database.Client(os.Getenv("DYNAMODB_ENDPOINT")) // on AWS dynamodb.NewFromConfig(cfg)
	if err := tell(context.Background(), client, log.New(os.Stdout, "", 0)); err != nil {
		log.Fatal(err)
	}
}

// tell opens a forum on a table of its own, tells its story, and deletes the table.
func tell(ctx context.Context, client *dynamodb.Client, out *log.Logger) error {
	s, err := openStore(client, Options{
		Table:        "forum-" + rand.Text(),
		CursorSecret: []byte(rand.Text() + rand.Text()), // of this process only: a program that runs twice takes it from where its secrets are
		PageSize:     3,
		Clock:        at(0),
	})
	if err != nil {
		return err
	}
	if err := s.table.Ensure(ctx, client); err != nil {
		return err
	}
	defer func() {
		_, _ = client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: aws.String(s.table.Name())})
	}()
	for _, chapter := range []struct {
		title string
		tell  func(context.Context, *Store, *log.Logger) error
	}{
		{"Two categories, three topics", openForum},
		{"Seven answers: a page of posts, the next, and back", discuss},
		{"The topic is on top of its category", latest},
		{"What Ben has written, newest first", byAuthor},
		{"A post by its id, and one that is sent twice", lookUp},
		{"Ten post at the same time", rush},
		{"The front page", frontPage},
	} {
		out.Printf("# %s", chapter.title)
		if err := chapter.tell(ctx, s, out); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
		out.Print()
	}
	return nil
}

func openForum(ctx context.Context, s *Store, out *log.Logger) error {
	for _, c := range []Category{{ID: "garden", Title: "Garden"}, {ID: "kitchen", Title: "Kitchen"}} {
		if _, err := s.AddCategory(ctx, c.ID, c.Title); err != nil {
			return err
		}
	}
	for i, t := range []Topic{
		{ID: "slugs", Category: "garden", Author: "ann", Title: "Slugs!"},
		{ID: "roses", Category: "garden", Author: "ben", Title: "When to cut roses"},
		{ID: "bread", Category: "kitchen", Author: "ann", Title: "Bread without a knife"},
	} {
		s.now = at(i + 1)
		opened, err := s.Open(ctx, t, Post{ID: t.ID + "-0", Text: t.Title + " Please help."})
		if err != nil {
			return err
		}
		out.Printf("%s by %s in %s, %s", opened.Title, opened.Author, opened.Category, opened.Opened.Format(time.TimeOnly))
	}
	return nil
}

func discuss(ctx context.Context, s *Store, out *log.Logger) error {
	for i := range 7 {
		s.now = at(i + 4)
		author := []string{"ben", "cem"}[i%2]
		if _, err := s.Reply(ctx, Post{ID: fmt.Sprintf("slugs-%d", i+1), TopicID: "slugs", Author: author, Text: "Beer."}); err != nil {
			return err
		}
	}
	var next monotable.Cursor
	var page monotable.Page[Post]
	for _, turn := range []string{"first", "next", "next", "back"} {
		var err error
		if page, err = s.Posts(ctx, "slugs", next); err != nil {
			return err
		}
		if next = page.Next; next == "" {
			next = page.Prev // a browser has both, as two links
		}
		out.Printf("%-6s %s", turn+":", ids(page.Items))
	}
	return nil
}

func latest(ctx context.Context, s *Store, out *log.Logger) error {
	page, err := s.Topics(ctx, "garden", "")
	for _, t := range page.Items {
		out.Printf("%s %d posts, the last at %s", t.Title, t.Posts, t.LastPost.Format(time.TimeOnly))
	}
	return err
}

func byAuthor(ctx context.Context, s *Store, out *log.Logger) error {
	page, err := s.PostsBy(ctx, "ben", "")
	out.Printf("%s and more: %t", ids(page.Items), page.Next != "")
	return err
}

func lookUp(ctx context.Context, s *Store, out *log.Logger) error {
	post, err := s.Post(ctx, "slugs-3")
	if err != nil {
		return err
	}
	out.Printf("%s: %q by %s in %s", post.ID, post.Text, post.Author, post.TopicID)
	if _, err = s.Reply(ctx, post); !errors.Is(err, monotable.ErrDuplicate) {
		return fmt.Errorf("expected to be told that it is there, got: %w", err)
	}
	out.Print(strings.ReplaceAll(err.Error(), " "+s.table.Name(), ""))
	return s.Remove(ctx, "slugs-7")
}

func rush(ctx context.Context, s *Store, out *log.Logger) error {
	var stored atomic.Int64
	var people sync.WaitGroup
	for i := range 10 {
		people.Go(func() {
			if _, err := s.Reply(ctx, Post{ID: fmt.Sprintf("bread-%d", i+1), TopicID: "bread", Author: "eli", Text: "Tear it."}); err == nil {
				stored.Add(1)
			}
		})
	}
	people.Wait()
	bread, err := s.Topic(ctx, "bread")
	out.Printf("%d answers are stored, %d posts are counted", stored.Load(), bread.Posts)
	return err
}

func frontPage(ctx context.Context, s *Store, out *log.Logger) error {
	categories, err := s.Categories(ctx)
	for _, c := range categories {
		out.Printf("%-8s %d topics, %2d posts", c.Title, c.Topics, c.Posts)
	}
	return err
}

func ids(posts []Post) []string {
	var all []string
	for _, p := range posts {
		all = append(all, p.ID)
	}
	return all
}

// at is a clock that stands still, some minutes into the story, so that it is always the same.
func at(minutes int) func() time.Time {
	return func() time.Time { return today().Add(time.Duration(minutes) * time.Minute) }
}

func today() time.Time { return time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC) }
