// Command quickstart keeps users, organisations and memberships in one DynamoDB
// table and shows what monotable does with them.
//
//	go run ./examples/quickstart
//
// It needs nothing but Go: the database is in memory. With DYNAMODB_ENDPOINT set it uses that server instead.
//
// Read user.go first: it is what a kind of record looks like. Then store.go for the
// table, and tour.go for the calls.
package main

import (
	"context"
	"crypto/rand"
	"log"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	secret := make([]byte, 32) // in a service: from where its secrets are, the same in every process
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	store, err := createStore(ctx, connect(os.Getenv("DYNAMODB_ENDPOINT")), Options{
		Table:        "quickstart-" + rand.Text(),
		CursorSecret: secret,
		Clock:        today,
	})
	if err != nil {
		return err
	}
	defer store.drop(ctx)
	return tour(ctx, store, log.New(os.Stdout, "", 0))
}

// today is the clock of this program: it stands still, so that every run prints
// the same. Leave Options.Clock out for the real time.
func today() time.Time {
	return time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
}
