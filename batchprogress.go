package monotable

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// BatchProgress is how far a batch has come. Its numbers only grow.
type BatchProgress struct {
	Total       int // operations or keys of the call
	Done        int // settled: carried out, read, found missing, or given up
	Requests    int // sent and ended, without the SDK's own retries
	Unprocessed int // operations or keys that a request left undone, counted each time
}

// batchProgress collects it. Nobody waits for who is told.
type batchProgress struct {
	mu    sync.Mutex
	now   BatchProgress
	moved chan struct{}
}

func (p *batchProgress) begin(entries []*batchEntry) {
	p.moved = make(chan struct{}, 1)
	for _, e := range entries {
		p.now.Total += int(e.places)
	}
}

func (p *batchProgress) add(change func(*BatchProgress)) {
	p.mu.Lock()
	change(&p.now)
	p.mu.Unlock()
	select {
	case p.moved <- struct{}{}:
	default: // a report is due already, and will have this in it
	}
}

func (p *batchProgress) sent()      { p.add(func(now *BatchProgress) { now.Requests++ }) }
func (p *batchProgress) left(n int) { p.add(func(now *BatchProgress) { now.Unprocessed += n }) }
func (p *batchProgress) settled(entries []*batchEntry) {
	p.add(func(now *BatchProgress) {
		for _, e := range entries {
			now.Done += int(e.places)
		}
	})
}

func (p *batchProgress) state() BatchProgress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// report tells the caller's function of the progress until the workers have ended: in the caller's goroutine, under no lock, while they work on.
func (r *batchRun) report(workers *sync.WaitGroup) {
	if r.options.progress == nil {
		return
	}
	ended := make(chan struct{})
	go func() {
		workers.Wait()
		close(ended)
	}()
	var told *BatchProgress
	for over := false; !over; {
		select {
		case <-r.progress.moved:
		case <-ended:
			over = true
		}
		now := r.progress.state()
		if told != nil && *told == now {
			continue
		}
		if !r.tell(now) {
			return
		}
		told = &now
	}
}

// tell calls the caller's function and says whether it may be called again.
func (r *batchRun) tell(now BatchProgress) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			r.core.logger.Error("monotable: the Progress function panicked; the batch goes on without it",
				"table", r.core.name, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	r.options.progress(now)
	return true
}
