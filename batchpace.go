package monotable

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// pacer spaces the requests of one batch, all workers' together.
type pacer struct {
	mu           sync.Mutex
	items, units lane
	perItem      float64 // units that an item takes, by the last answer
}

// lane is one bound: what is sent takes its time, and nothing begins before that is over.
type lane struct {
	rate float64
	free time.Time
}

func newPacer(o *options) *pacer {
	return &pacer{items: lane{rate: o.pace}, units: lane{rate: o.paceUnits}, perItem: 1}
}

// chunk keeps a request from being more than a second's worth.
func (p *pacer) chunk(size int) int {
	if p.items.rate > 0 && p.items.rate < float64(size) {
		return max(int(p.items.rate), 1)
	}
	return size
}

// wait waits for the turn of a request of n items, and gives the units it has booked for it. It returns early when the context ends.
func (p *pacer) wait(ctx context.Context, n int) (booked float64) {
	for ctx.Err() == nil {
		booked, pause := p.book(n)
		if pause <= 0 {
			return booked
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C: // others may have been faster, or an answer may have been dear: look again
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return 0
}

// book books a request that begins now, or says how long to wait before asking again.
func (p *pacer) book(n int) (booked float64, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if pause := max(p.items.free.Sub(now), p.units.free.Sub(now)); pause > 0 {
		return 0, pause
	}
	booked = p.perItem * float64(n) // until the answer tells
	p.items.book(now, float64(n))
	p.units.book(now, booked)
	return booked, 0
}

// pay corrects what was booked for a request of n items by what it has consumed; 0 if nobody knows.
func (p *pacer) pay(booked float64, n int, units float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if units > 0 {
		p.units.book(p.units.free, units-booked)
		p.perItem = units / float64(n)
	}
}

func (l *lane) book(begin time.Time, amount float64) {
	if l.rate > 0 {
		const longest = 1e9 // seconds; more does not fit a Duration
		l.free = begin.Add(time.Duration(min(amount/l.rate, longest) * float64(time.Second)))
	}
}

// batchCapacity asks for what PaceUnits needs.
func (o *options) batchCapacity() types.ReturnConsumedCapacity {
	if o.paceUnits > 0 {
		return types.ReturnConsumedCapacityTotal
	}
	return o.returnCapacity()
}

// unitsOf sums up what an answer says of the capacity it took.
func unitsOf(out any) float64 {
	sum := 0.0
	for _, c := range consumed(out) {
		if c != nil && c.CapacityUnits != nil {
			sum += *c.CapacityUnits
		}
	}
	return sum
}
