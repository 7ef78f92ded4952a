package main

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

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
