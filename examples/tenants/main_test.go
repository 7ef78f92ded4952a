package main

import (
	"bytes"
	"context"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/examples/tenants/tenant"
	"github.com/monotable/monotable/monotabletest"
)

var update = flag.Bool("update", false, "write testdata/output.txt anew")

const golden = "testdata/output.txt"

func TestStory(t *testing.T) {
	client, table := monotabletest.Client(t), monotabletest.Name(t)
	service, err := tenant.New(client, tenant.Options{Table: table, CursorSecret: bytes.Repeat([]byte("s"), 32), Clock: today})
	require.NoError(t, err)
	require.NoError(t, service.Ensure(t.Context(), client))
	var out strings.Builder
	require.NoError(t, story(t.Context(), service, log.New(&out, "", 0)))
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String(), "go test ./examples/tenants -update writes it anew")
}

func TestBar(t *testing.T) {
	require.Equal(t, "[####################....................] 5 of 10", bar(5, 10))
	require.Contains(t, bar(0, 0), "0 of 0")
}

// Whoever has sent a request when the program is told to stop gets the answer.
func TestServeEndsGracefully(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served, arrived := make(chan error, 1), make(chan struct{})
	go func() {
		served <- serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(arrived)
			<-ctx.Done()
			w.WriteHeader(http.StatusNoContent)
		}))
	}()
	answered := make(chan int, 1)
	go func() {
		res, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			answered <- 0
			return
		}
		res.Body.Close()
		answered <- res.StatusCode
	}()
	<-arrived
	stop()
	require.Equal(t, http.StatusNoContent, <-answered)
	require.NoError(t, <-served)
}

// The Go code of the README is lines of the program, and what it shows of the output is printed.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	files, err := filepath.Glob("*/*.go")
	require.NoError(t, err)
	for language, sources := range map[string][]string{"go": append(files, "main.go"), "text": {golden}} {
		var text strings.Builder
		for _, file := range sources {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			text.Write(source)
		}
		parts := strings.Split(string(readme), "```"+language+"\n")
		require.Greater(t, len(parts), 1)
		for _, part := range parts[1:] {
			block, _, _ := strings.Cut(part, "```")
			require.Contains(t, text.String(), block)
		}
	}
}
