package lease

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/raw"
)

// Store is where leases and what is recorded under them are kept: one item for each name, in a table of yours. The partition key of the record "x" is
// LEASE#x, and so is its sort key, if the table has one. It is safe for concurrent use.
type Store struct {
	client        monotable.Client
	table         string
	partition     string // names of attributes
	sort          string // "" for a table without
	tag           string
	prefix        string
	clock         func() time.Time
	holder        string
	logger        *slog.Logger
	clientOptions []func(*dynamodb.Options)

	readOnly bool

	mu   sync.Mutex
	seen map[string]sighting // of leases that others hold
}

// StoreOption is a setting of a [Store].
type StoreOption func(*Store)

// Prefix is what the keys of records begin with, for two sets of records in one table; "" means LEASE#.
func Prefix(prefix string) StoreOption {
	return func(s *Store) {
		if prefix != "" {
			s.prefix = prefix
		}
	}
}

// Clock tells the times that are recorded; nil means time.Now. Leases do not depend on it.
func Clock(now func() time.Time) StoreOption {
	return func(s *Store) {
		if now != nil {
			s.clock = now
		}
	}
}

// Holder says who this program is, such as a host's name, for those who find a lease taken and for the history; "" means a random id for each lease.
func Holder(who string) StoreOption { return func(s *Store) { s.holder = who } }

// Logger is told of leases that were lost, and by those who work with the store of what they begin and end; nil means slog.Default() at the time of NewStore.
func Logger(logger *slog.Logger) StoreOption {
	return func(s *Store) {
		if logger != nil {
			s.logger = logger
		}
	}
}

// ClientOptions are passed to every call of the client.
func ClientOptions(fns ...func(*dynamodb.Options)) StoreOption {
	return func(s *Store) { s.clientOptions = append(s.clientOptions, fns...) }
}

// NewStore keeps records in a table, that of the entities or another one, through its client. The table's keys must be text, and no index
// may be keyed by an attribute of records (_owner, _holder, _fence, _beat, _term, _until, _data); otherwise it is [monotable.ErrInvalid]. NewStore sends nothing: that the
// table is there is [monotable.Table.Ensure]'s task.
func NewStore(t *monotable.Table, opts ...StoreOption) (*Store, error) {
	d := t.Declaration()
	s := &Store{
		client: t.Client(), table: d.Table, partition: d.PartitionKey.Name, sort: d.SortKey.Name, tag: d.TypeTag,
		prefix: "LEASE#", clock: time.Now, logger: slog.Default(), seen: map[string]sighting{},
	}
	for _, opt := range opts {
		opt(s)
	}
	if d.PartitionKey.Type != types.ScalarAttributeTypeS || s.sort != "" && d.SortKey.Type != types.ScalarAttributeTypeS {
		return nil, fmt.Errorf("%w: records need a table whose keys are text; keep them in another table than %s", monotable.ErrInvalid, d.Table)
	}
	for _, name := range raw.KeyNames(d) {
		switch name {
		case attrOwner, attrHolder, attrFence, attrBeat, attrTerm, attrUntil, attrData:
			return nil, fmt.Errorf("%w: %s is an attribute of records and a key of table %s; keep them in another table", monotable.ErrInvalid, name, d.Table)
		}
	}
	return s, nil
}

// ReadOnly is the store for a dry run: it reads the same records, and what would write one is [monotable.ErrInvalid].
func (s *Store) ReadOnly() *Store {
	return &Store{
		client: s.client, table: s.table, partition: s.partition, sort: s.sort, tag: s.tag, prefix: s.prefix, clock: s.clock,
		holder: s.holder, logger: s.logger, clientOptions: s.clientOptions, readOnly: true, seen: map[string]sighting{},
	}
}

// IsReadOnly says that the store is one of [Store.ReadOnly].
func (s *Store) IsReadOnly() bool { return s.readOnly }

// Now is the time by the store's [Clock].
func (s *Store) Now() time.Time { return s.clock() }

// Logger is what is set by [Logger].
func (s *Store) Logger() *slog.Logger { return s.logger }

// Table is the name of the table that the records are in.
func (s *Store) Table() string { return s.table }
