package main

import (
	"context"
	"errors"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

// What is done beside the program while it moves, from a job or a terminal. Everything may be stopped at any moment and called again.

// addIndex adds to the table what the new declaration has and the table has not: GSI2. Writers of the old code are not disturbed.
func addIndex(ctx context.Context, table *monotable.Table, admin monotable.Admin) (monotable.Changes, error) {
	changes, err := table.Plan(ctx, admin)
	if err != nil {
		return changes, err
	}
	return changes, table.Apply(ctx, admin, changes)
}

// backfill gives tags and index keys to all items that lack them. Once a round is done it stays done: each time that the old code has written again takes another round.
// Any number of processes may share it.
func backfill(ctx context.Context, table *monotable.Table, round string) (migrate.Report, error) {
	records, err := lease.NewStore(table)
	if err != nil {
		return migrate.Report{}, err
	}
	return migrate.Reindex(ctx, records, table, migrate.Named("moving-in-"+round), migrate.Segments(4))
}

// pending is how many items the backfill has still to do. The index may be read, and tags required, when it is 0 and the old code does not write any more.
func pending(ctx context.Context, table *monotable.Table) (int, error) {
	report, err := migrate.Reindex(ctx, nil, table, migrate.DryRun())
	return report.Rewritten, err
}

// customers draws the ids of n customers from what is stored, so that those are among them that the new code does not see; 0 is all.
func customers(ctx context.Context, s *Switch, n int) iter.Seq2[string, error] {
	return monotabletest.Sample(ctx, s.old.client, s.old.table, n, 4, func(item map[string]types.AttributeValue) (string, bool) {
		r := &reading{item: item}
		return r.text("id"), r.text("SK") == "PROFILE"
	})
}

// compare reads a sample of customers, and then their orders, with both codes.
func compare(ctx context.Context, s *Switch, n int) (profiles, orders *monotabletest.Comparison[string], err error) {
	if profiles, err = monotabletest.Compare(ctx, customers(ctx, s, n), s.old.Customer, s.new.Customer, missing); err != nil {
		return nil, nil, err
	}
	orders, err = monotabletest.Compare(ctx, customers(ctx, s, n), s.old.Orders, s.new.Orders)
	return profiles, orders, err
}

// missing tells Compare how this program says that there is nothing.
var missing = monotabletest.MissingIf(func(err error) bool { return errors.Is(err, ErrNotFound) })

// compareStatus compares the scan of the old code with the index of the new one.
func compareStatus(ctx context.Context, s *Switch, statuses ...string) (*monotabletest.Comparison[string], error) {
	sorted := func(of Store) func(context.Context, string) ([]Order, error) {
		return func(ctx context.Context, status string) ([]Order, error) {
			orders, err := of.OrdersByStatus(ctx, status)
			return byID(orders), err
		}
	}
	return monotabletest.Compare(ctx, monotabletest.Keys(statuses...), sorted(s.old), sorted(s.new))
}

// createOld creates the table as it was before anybody thought of moving.
func createOld(ctx context.Context, client *dynamodb.Client, name string) error {
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	key := func(pk, sk string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &pk, KeyType: types.KeyTypeHash}, {AttributeName: &sk, KeyType: types.KeyTypeRange}}
	}
	gsi1 := "GSI1"
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: key("PK", "SK"),
		AttributeDefinitions: []types.AttributeDefinition{text("PK"), text("SK"), text("GSI1PK"), text("GSI1SK")},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: &gsi1, KeySchema: key("GSI1PK", "GSI1SK"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
	})
	return err
}
