package main

import (
	"context"
	"io"
	"log"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/examples/internal/exampletest"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/model"
	"github.com/monotable/monotable/monotabletest"
)

func TestStory(t *testing.T) {
	exampletest.Story(t, func(ctx context.Context, client *dynamodb.Client, out *log.Logger) error {
		return tell(ctx, client, monotabletest.Streams(client), out)
	})
}

// The charts in the README are those of the declarations.
func TestReadmeChart(t *testing.T) {
	client := memdb.New(memdb.Options{}).Client()
	s, err := OpenStore(client, "events", nil)
	require.NoError(t, err)
	p, err := OpenSummaries(client, "summaries")
	require.NoError(t, err)
	exampletest.Chart(t, "README.md", func(w io.Writer) error {
		if err := model.New(s.table).EntityChart(w); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\nThe table of the summaries:\n\n"); err != nil {
			return err
		}
		return model.New(p.table).EntityChart(w)
	})
}

// The Go code of the README is lines of the program, and what it shows of the story is told.
func TestReadme(t *testing.T) {
	exampletest.Readme(t, "events.go", "store.go", "account.go", "projection.go", "main.go", "story.go")
}
