package monotable_test

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// A badge is an item that expires.
type badge struct {
	ID      string    `dynamodbav:"id"`
	User    string    `dynamodbav:"user"`
	Expires time.Time `dynamodbav:"expires"`
}

var badgeUntil = monotable.Field(func(s *badge) *time.Time { return &s.Expires })

func badgeSchema() monotable.Schema[badge] {
	return monotable.Schema[badge]{
		Name: "Badge", Key: monotable.Key{Partition: "BADGE#{id}", Sort: "S"},
		Rules: []monotable.Rule[badge]{monotable.ExpiresAt(badgeUntil)},
	}
}

// site is a database on which tables and indexes take their time, if it is in memory.
type site struct {
	t      *testing.T
	client *dynamodb.Client
	cfg    monotable.TableConfig
	log    bytes.Buffer
}

// tableDelay is how long a table or an index is not ACTIVE.
const tableDelay = 30 * time.Second

// onSite runs a test on a database of its own: in memory and in virtual time, or on the server.
func onSite(t *testing.T, test func(s *site)) {
	t.Helper()
	s := &site{t: t, cfg: lifeConfig()}
	s.cfg.Logger = slog.New(slog.NewTextHandler(&s.log, nil))
	if monotabletest.Endpoint(t) != "" {
		s.client = dynamodb.New(monotabletest.Client(t).Options(), hasty)
		test(s)
		return
	}
	synctest.Test(t, func(t *testing.T) {
		s.t, s.client = t, memdb.New(memdb.Options{TableDelay: tableDelay}).Client()
		test(s)
	})
}

// inMemory runs a test that only a database in virtual time can stand.
func inMemory(t *testing.T, test func(s *site)) {
	t.Helper()
	if monotabletest.Endpoint(t) != "" {
		t.Skip("tables of a server are ACTIVE at once")
	}
	onSite(t, test)
}

func lifeConfig() monotable.TableConfig {
	return monotable.TableConfig{
		Name: "life", PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "byDay", Local: true, SortKey: "day", SortKeyType: types.ScalarAttributeTypeN},
			{Name: "byMail", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{
				Name: "byUser", PartitionKeys: []monotable.KeyAttribute{{Name: "team"}, {Name: "user"}},
				Projection: types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"total"}},
			},
		},
	}
}

// table is the declared table, with the entity of leases, through any client.
func (s *site) table(client monotable.Client) *monotable.Table {
	s.t.Helper()
	table, err := monotable.NewTable(client, s.cfg)
	require.NoError(s.t, err)
	mustEntity(s.t, table, badgeSchema())
	if monotabletest.Endpoint(s.t) != "" {
		table = table.With(monotable.Backoff(func(int) time.Duration { return time.Second / 4 }))
	}
	return table
}

// made looks at the table with the plain client; nil if there is none.
func (s *site) made() *types.TableDescription {
	s.t.Helper()
	out, err := s.client.DescribeTable(s.t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("life")})
	if errors.As(err, new(*types.ResourceNotFoundException)) {
		return nil
	}
	require.NoError(s.t, err)
	return out.Table
}

// drop deletes the table and waits until it is gone.
func (s *site) drop() {
	s.t.Helper()
	live := s.made()
	if live == nil {
		return
	}
	if aws.ToBool(live.DeletionProtectionEnabled) {
		_, err := s.client.UpdateTable(s.t.Context(), &dynamodb.UpdateTableInput{TableName: aws.String("life"), DeletionProtectionEnabled: aws.Bool(false)})
		require.NoError(s.t, err)
		s.rest()
	}
	_, err := s.client.DeleteTable(s.t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("life")})
	require.NoError(s.t, err)
	pause := tableDelay / 3
	if monotabletest.Endpoint(s.t) != "" {
		pause = 10 * time.Millisecond
	}
	for s.made() != nil {
		time.Sleep(pause)
	}
}

// rest waits until everything that was begun has come to its end.
func (s *site) rest() {
	s.t.Helper()
	if monotabletest.Endpoint(s.t) == "" {
		time.Sleep(2 * tableDelay)
		return
	}
	require.Eventually(s.t, func() bool {
		live := s.made()
		moving := func(x types.GlobalSecondaryIndexDescription) bool { return x.IndexStatus != types.IndexStatusActive }
		return live.TableStatus == types.TableStatusActive && !slices.ContainsFunc(live.GlobalSecondaryIndexes, moving)
	}, 10*time.Second, 10*time.Millisecond)
}

// requireDeclared wants the table to be ACTIVE and without findings.
func (s *site) requireDeclared(table *monotable.Table, opts ...monotable.CreateOption) {
	s.t.Helper()
	findings, err := table.Verify(s.t.Context(), s.client, opts...)
	require.NoError(s.t, err)
	require.Empty(s.t, findings)
}

// operations are the names of the requests made.
func operations(f *monotabletest.Faults) []string {
	var names []string
	for _, r := range f.Requests() {
		names = append(names, r.Operation)
	}
	return names
}
