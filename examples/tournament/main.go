// Command tournament is matches and leader boards in one DynamoDB table, with indexes over several attributes, and the move to them from joined strings.
//
//	go run ./examples/tournament
//
// Without DYNAMODB_ENDPOINT the table is in this process.
//
// Read entities.go first: what is kept. Then store.go: the table, its indexes and boards; old.go: the same with joined strings; and move.go: from there to here.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/internal/database"
	"github.com/monotable/monotable/lease"
)

func main() {
	log.SetFlags(0)
	client := database.Client(os.Getenv("DYNAMODB_ENDPOINT")) // on AWS dynamodb.NewFromConfig(cfg)
	if err := tell(context.Background(), client, log.New(os.Stdout, "", 0)); err != nil {
		log.Fatal(err)
	}
}

// tale is the program, new and old, told chapter by chapter.
type tale struct {
	*Store
	old    *Old
	client *dynamodb.Client
	out    *log.Logger
}

// tell makes a table as the old program has it, tells its story, and deletes the table.
func tell(ctx context.Context, client *dynamodb.Client, out *log.Logger) error {
	options := Options{Table: "tournament-" + rand.Text(), Clock: today}
	s, err := openStore(client, options)
	if err != nil {
		return err
	}
	old, err := openOld(client, options)
	if err != nil {
		return err
	}
	if err := old.table.Ensure(ctx, client); err != nil {
		return err
	}
	defer func() {
		_, _ = client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: aws.String(options.Table)})
	}()
	t := &tale{s, old, client, out}
	for _, chapter := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"A board of joined strings", t.joined},
		{"The new indexes are added: nothing is rewritten", t.both},
		{"The new program writes, and the joined index goes", t.only},
		{"Eight matches of one player at the same time", t.rush},
		{"Boards and ranks", t.boards},
		{"A match is annulled", t.annul},
	} {
		out.Printf("# %s", chapter.title)
		if err := chapter.tell(ctx); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
		out.Print()
	}
	return nil
}

func (t *tale) joined(ctx context.Context) error {
	for _, m := range []Match{
		{ID: "m1", Tournament: "winter", Region: "eu", Player: "ann", Score: 70},
		{ID: "m2", Tournament: "winter", Region: "eu", Player: "ben", Score: 120},
		{ID: "m3", Tournament: "winter", Region: "eu", Player: "ann", Score: 90},
		{ID: "m4", Tournament: "winter", Region: "us", Player: "cem", Score: 130},
	} {
		if err := t.old.Report(ctx, m); err != nil {
			return err
		}
	}
	board, err := t.old.Board(ctx, "winter", "eu", 10)
	if err != nil {
		return err
	}
	t.show("eu", board)
	err = t.old.Report(ctx, Match{ID: "m5", Tournament: "winter", Region: "us", Player: "dee", Score: 1_000_000})
	t.out.Printf("a score of seven digits is refused: %t", errors.Is(err, monotable.ErrInvalid))
	return nil
}

func (t *tale) move(ctx context.Context, release int64) error {
	steps, err := t.Move(ctx, t.client, release, lease.Logger(slog.New(slog.DiscardHandler))) // the story tells it
	for _, step := range steps {
		t.out.Printf("%d %s: %d requests", step.ID, step.Name, step.Writes)
	}
	return err
}

func (t *tale) both(ctx context.Context) error {
	if err := t.move(ctx, Both); err != nil {
		return err
	}
	if err := t.old.Report(ctx, Match{ID: "m6", Tournament: "winter", Region: "eu", Player: "ben", Score: 20}); err != nil {
		return err
	}
	same, err := SameBoards(ctx, t.old, t.Store, "winter", "eu", 100)
	t.out.Printf("both boards of eu are the same: %t", same)
	return err
}

func (t *tale) only(ctx context.Context) error {
	if err := t.move(ctx, New); err != nil {
		return err
	}
	if err := t.Report(ctx, Match{ID: "m5", Tournament: "winter", Region: "us", Player: "dee", Score: 1_000_000}); err != nil {
		return err
	}
	t.out.Print("a score of seven digits is a number like others")
	return nil
}

func (t *tale) rush(ctx context.Context) error {
	errs := make([]error, 8)
	var tables sync.WaitGroup
	for i := range errs {
		tables.Go(func() {
			errs[i] = t.Report(ctx, Match{ID: fmt.Sprint("rush", i), Tournament: "winter", Region: "eu", Player: "ann", Score: 10})
		})
	}
	tables.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	career, err := t.Career(ctx, "ann")
	for _, s := range career {
		t.out.Printf("ann in %s, %s: %d matches, %d points", s.Tournament, s.Region, s.Matches, s.Score)
	}
	return err
}

func (t *tale) boards(ctx context.Context) error {
	board, err := t.Board(ctx, "winter", "eu", 10)
	if err != nil {
		return err
	}
	t.show("eu", board)
	if board, err = t.WorldBoard(ctx, "winter", 3); err != nil {
		return err
	}
	t.show("world", board)
	best, err := t.BestMatches(ctx, "winter", "eu", 50)
	if err != nil {
		return err
	}
	for _, m := range best {
		t.out.Printf("match %s: %s %d", m.ID, m.Player, m.Score)
	}
	rank, err := t.Rank(ctx, "winter", "eu", "ben")
	t.out.Printf("ben's rank in eu: %d", rank)
	return err
}

func (t *tale) annul(ctx context.Context) error {
	if err := t.Annul(ctx, "m5"); err != nil {
		return err
	}
	t.out.Printf("twice: refused: %t", errors.Is(t.Annul(ctx, "m5"), monotable.ErrNotFound))
	board, err := t.WorldBoard(ctx, "winter", 3)
	t.show("world", board)
	return err
}

func (t *tale) show(name string, board []Standing) {
	for i, s := range board {
		t.out.Printf("%-6s %d. %s %d", name, i+1, s.Player, s.Score)
	}
}

// today stands still, so that the story is always the same.
func today() time.Time { return time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC) }
