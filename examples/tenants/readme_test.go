package main

import (
	"bytes"
	"context"
	"log"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/examples/internal/exampletest"
	"github.com/monotable/monotable/examples/tenants/tenant"
	"github.com/monotable/monotable/monotabletest"
)

func TestStory(t *testing.T) {
	exampletest.Story(t, func(ctx context.Context, client *dynamodb.Client, out *log.Logger) error {
		service, err := tenant.New(client, tenant.Options{Table: monotabletest.Name(t), CursorSecret: bytes.Repeat([]byte("s"), 32), Clock: today})
		require.NoError(t, err)
		require.NoError(t, service.Ensure(ctx, client))
		return story(ctx, service, out)
	})
}

// The Go code of the README is lines of the program, and what it shows of the story is told.
func TestReadme(t *testing.T) {
	sources, err := filepath.Glob("*/*.go")
	require.NoError(t, err)
	exampletest.Readme(t, append(sources, "main.go")...)
}
