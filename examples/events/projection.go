package main

import (
	"context"
	"errors"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/stream"
)

// Summary is an account as others look at it, made of the account's events as the stream tells them. It follows a moment later.
type Summary struct {
	Account string `dynamodbav:"account"`
	Owner   string `dynamodbav:"owner"`
	Balance int    `dynamodbav:"balanceCents"`
	Events  int    `dynamodbav:"events"` // how many it is made of; at version n of the account it is n
	Closed  bool   `dynamodbav:"closed"`
}

var (
	summaryOwner   = monotable.Field(func(s *Summary) *string { return &s.Owner })
	summaryBalance = monotable.Field(func(s *Summary) *int { return &s.Balance })
	summaryEvents  = monotable.Field(func(s *Summary) *int { return &s.Events })
	summaryClosed  = monotable.Field(func(s *Summary) *bool { return &s.Closed })
)

var summarySchema = monotable.Schema[Summary]{
	Name:    "Summary",
	Key:     monotable.Key{Partition: "SUMMARY#{account}", Sort: "SUMMARY"},
	Indexes: map[string]monotable.Key{"GSI1": {Partition: "OWNER#{owner}", Sort: "{account}"}},
}

// Summaries is the projection: summaries, and how far they are, in a table of its own, so that its writes are not in the stream that it reads.
type Summaries struct {
	table  *monotable.Table
	items  *monotable.Entity[Summary]
	once   *stream.Once
	leases *lease.Store
}

// OpenSummaries declares the table. It sends nothing.
func OpenSummaries(client monotable.Client, name string) (*Summaries, error) {
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: name, PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
	})
	if err != nil {
		return nil, err
	}
	p := &Summaries{table: table}
	var errs [3]error
	p.items, errs[0] = monotable.NewEntity(table, summarySchema)
	p.once, errs[1] = stream.NewOnce(table, "summaries")
	p.leases, errs[2] = lease.NewStore(table)
	return p, errors.Join(errs[:]...)
}

// Router brings each event to the summary of its account. The stream tells the events of an account, which are items of their own, in any order, and each at least once:
// sums do not care for the order, and Once lets each event count once.
func (p *Summaries) Router(s *Store) (*stream.Router, error) {
	return stream.NewRouter(
		stream.On(s.Opened).Insert(func(ctx context.Context, e Opened) error {
			return p.apply(ctx, e.Account, summaryOwner.Set(e.Owner))
		}),
		stream.On(s.Deposited).Insert(func(ctx context.Context, e Deposited) error {
			return p.apply(ctx, e.Account, monotable.Add(summaryBalance, e.Cents))
		}),
		stream.On(s.Withdrawn).Insert(func(ctx context.Context, e Withdrawn) error {
			return p.apply(ctx, e.Account, monotable.Add(summaryBalance, -e.Cents))
		}),
		stream.On(s.Closed).Insert(func(ctx context.Context, e Closed) error {
			return p.apply(ctx, e.Account, summaryClosed.Set(true))
		}),
	)
}

func (p *Summaries) apply(ctx context.Context, account string, change monotable.Change[Summary]) error {
	_, err := p.once.Apply(ctx, p.items.UpsertOp(Summary{Account: account}, change, monotable.Add(summaryEvents, 1)))
	return err
}

// Poller follows the stream of a store. Several may run, in any processes: they share the work, and one goes on where another ended.
func (p *Summaries) Poller(s *Store, streams stream.Client, arn string) (*stream.Poller, error) {
	router, err := p.Router(s)
	if err != nil {
		return nil, err
	}
	return stream.NewPoller(router, stream.PollerConfig{Client: streams, Stream: arn, Name: "summaries", Store: p.leases})
}

// Summary is that of one account.
func (p *Summaries) Summary(ctx context.Context, account string) (Summary, error) {
	return p.items.Get(ctx, Summary{Account: account})
}

// Of are the summaries of an owner's accounts.
func (p *Summaries) Of(ctx context.Context, owner string) ([]Summary, error) {
	return p.items.Query(Summary{Owner: owner}).Index("GSI1").Collect(ctx)
}
