package migrate

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/lease"
)

// Run is what a migration's function has beside its context. It is safe for concurrent use, until the function returns.
type Run struct {
	store  *lease.Store
	lease  *lease.Lease // nil in a dry run
	set    string       // its record
	id     int64
	writes atomic.Int64

	mu    sync.Mutex
	entry entry
}

// DryRun says that the function must write nothing: it reads, and tells by Do what it would write.
func (r *Run) DryRun() bool { return r.lease == nil }

// Do carries out one write and counts it; in a dry run it is only counted. After the lease is lost it is [lease.ErrLost], and write is not called. Otherwise its error is
// that of write.
func (r *Run) Do(ctx context.Context, write func(context.Context) error) error {
	if r.lease != nil {
		if r.lease.Err() != nil {
			return lease.ErrLost
		}
		if err := write(ctx); err != nil {
			return err
		}
	}
	r.writes.Add(1)
	return nil
}

// Fence is the number of the lease, for conditions of the function's own writes, see [lease.Lease.Fence]; 0 in a dry run.
func (r *Run) Fence() int64 {
	if r.lease == nil {
		return 0
	}
	return r.lease.Fence()
}

// Check is [lease.Lease.Check]: in a transaction it refuses what a runner writes that has lost its lease. In a dry run it is the zero value.
func (r *Run) Check() types.TransactWriteItem {
	if r.lease == nil {
		return types.TransactWriteItem{}
	}
	return r.lease.Check()
}

// Logger is that of the store.
func (r *Run) Logger() *slog.Logger { return r.store.Logger().With("migration", r.id) }

// Store is where the migration is recorded, for what needs leases of its own. In a dry run it is [lease.Store.ReadOnly], which makes a [Backfill], a [Reindex] and what works on a
// partition dry, too.
func (r *Run) Store() *lease.Store {
	if r.lease != nil {
		return r.store
	}
	return r.store.ReadOnly()
}

// Save keeps a value for the next run of the function, should this one be killed: a cursor, a count. It is encoded as the SDK's attributevalue does, a map of
// AttributeValues as it is; nil removes it. It is one write under the lease, whose errors are those of [lease.Lease.Save]. What is saved is gone when the migration is finished or its
// direction changes. All values of all migrations of a set are in one item, so keep them small. In a dry run it is kept in memory only, and forgotten.
func (r *Run) Save(ctx context.Context, name string, value any) error {
	av, err := encode(value)
	if err != nil {
		return fmt.Errorf("%w: the value to save as %q: %w", ErrInvalid, name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.entry
	next.state = maps.Clone(r.entry.state)
	if next.state[name] = av; av == nil {
		delete(next.state, name)
	}
	if err := r.record(ctx, next); err != nil {
		return err
	}
	r.entry = next
	return nil
}

// Load gives a value that an earlier run has saved, or this one: into is a pointer. It says whether there was one. It sends nothing. A dry run sees what real ones have saved.
func (r *Run) Load(name string, into any) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	av, ok := r.entry.state[name]
	if !ok {
		return false, nil
	}
	if raw, ok := into.(*map[string]types.AttributeValue); ok {
		m, ok := av.(*types.AttributeValueMemberM)
		if !ok {
			return false, fmt.Errorf("migrate: what is saved as %q is no map", name)
		}
		*raw = maps.Clone(m.Value)
		return true, nil
	}
	if err := attributevalue.Unmarshal(av, into); err != nil {
		return false, fmt.Errorf("migrate: what is saved as %q does not decode into %T", name, into)
	}
	return true, nil
}

func encode(value any) (types.AttributeValue, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case types.AttributeValue:
		return v, nil
	case map[string]types.AttributeValue:
		return &types.AttributeValueMemberM{Value: maps.Clone(v)}, nil
	}
	return attributevalue.Marshal(value)
}

// record writes the migration's entry of the journal.
func (r *Run) record(ctx context.Context, e entry) error {
	if r.lease == nil {
		return nil
	}
	return r.lease.Save(ctx, item{key(r.id): e.stored()})
}
