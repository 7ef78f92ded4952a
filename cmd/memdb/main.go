// Command memdb serves an in-memory DynamoDB for development, on loopback unless
// told otherwise. It keeps nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/monotable/monotable/memdb"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8000", "address to listen on")
	region := flag.String("region", "us-east-1", "region that stands in ARNs")
	sweep := flag.Duration("sweep", time.Second, "how often expired items are removed; 0 for never")
	flag.Parse()
	if err := run(*addr, *region, *sweep); err != nil {
		fmt.Fprintln(os.Stderr, "memdb:", err)
		os.Exit(1)
	}
}

func run(addr, region string, sweep time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	engine := memdb.New(memdb.Options{Region: region})
	server := &http.Server{Handler: engine.Handler(), ReadHeaderTimeout: 10 * time.Second}
	fmt.Printf("memdb serves DynamoDB at http://%s until interrupted; it keeps nothing\n", listener.Addr())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var tick <-chan time.Time
	if sweep > 0 {
		ticker := time.NewTicker(sweep)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case err := <-failed:
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return err
		case <-tick:
			engine.Sweep()
		case <-ctx.Done():
			return shutdown(server)
		}
	}
}

// shutdown lets requests under way end, for a while.
func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}
