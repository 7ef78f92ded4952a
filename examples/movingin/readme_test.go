package main

import (
	"context"
	"log"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/examples/internal/exampletest"
)

func TestStory(t *testing.T) {
	exampletest.Story(t, func(ctx context.Context, client *dynamodb.Client, out *log.Logger) error {
		return story(ctx, client, tableName, out)
	})
}

// The Go code of the README is lines of the program, and it shows the whole story.
func TestReadme(t *testing.T) {
	exampletest.Readme(t, "store.go", "old.go", "new.go", "switch.go", "move.go", "main.go")
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	told, err := os.ReadFile("testdata/output.txt")
	require.NoError(t, err)
	require.Contains(t, string(readme), "```text\n"+string(told)+"```\n")
}
