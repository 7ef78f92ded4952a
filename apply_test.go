package monotable_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// grown is what a table is to have beside its declaration. On DynamoDB Local the tags do nothing.
func grown() []monotable.CreateOption {
	return []monotable.CreateOption{
		monotable.Stream(types.StreamViewTypeNewImage), monotable.DeletionProtection(), monotable.Tags(map[string]string{"a": "1", "b": "2"}),
	}
}

// young creates the table of some years ago, without the global indexes and all that is optional, and with items.
func (s *site) young(change ...func(*dynamodb.CreateTableInput)) {
	s.t.Helper()
	in := s.table(s.client).CreateInput()
	in.GlobalSecondaryIndexes, in.AttributeDefinitions = nil, in.AttributeDefinitions[:3]
	for _, f := range change {
		f(in)
	}
	_, err := s.client.CreateTable(s.t.Context(), in)
	require.NoError(s.t, err)
	s.rest()
	for i := range 20 {
		require.NoError(s.t, s.put(i))
	}
}

// put writes an item that is in both indexes.
func (s *site) put(i int) (err error) {
	for range 50 {
		if err = s.tryPut(i); monotabletest.Endpoint(s.t) == "" || !errors.As(err, new(smithy.APIError)) {
			return err
		}
		time.Sleep(20 * time.Millisecond) // DynamoDB Local fails some writes while an index comes or goes
	}
	return err
}

func (s *site) tryPut(i int) error {
	id := fmt.Sprint(i)
	_, err := s.client.PutItem(s.t.Context(), &dynamodb.PutItemInput{TableName: aws.String("life"), Item: rawItem{
		"PK": avS("U#" + id), "SK": avS("U"), "GSI1PK": avS("MAIL"), "GSI1SK": avS(id), "team": avS("t"), "user": avS("u"), "total": avN(id),
	}})
	return err
}

// indexed counts the items in an index.
func (s *site) indexed(index, condition string, values rawItem) int {
	s.t.Helper()
	in := &dynamodb.QueryInput{
		TableName: aws.String("life"), IndexName: &index, KeyConditionExpression: &condition, ExpressionAttributeValues: values,
	}
	if index == "byUser" {
		in.ExpressionAttributeNames = map[string]string{"#user": "user"}
	}
	out, err := s.client.Query(s.t.Context(), in)
	require.NoError(s.t, err)
	return int(out.Count)
}

// killEvery is the step between the requests that a matrix kills at: on a server an index takes a second each time.
func (s *site) killEvery() int {
	if monotabletest.Endpoint(s.t) != "" {
		return 7
	}
	return 1
}

// requireIndexed wants n items in both indexes.
func (s *site) requireIndexed(n int) {
	s.t.Helper()
	require.Equal(s.t, n, s.indexed("byMail", "GSI1PK = :m", rawItem{":m": avS("MAIL")}))
	require.Equal(s.t, n, s.indexed("byUser", "team = :t AND #user = :u", rawItem{":t": avS("t"), ":u": avS("u")}))
}

// planned plans and applies.
func planned(ctx context.Context, table *monotable.Table, admin monotable.Admin) error {
	changes, err := table.Plan(ctx, admin, grown()...)
	if err != nil {
		return err
	}
	return table.Apply(ctx, admin, changes)
}

// TestApply brings an old table to its declaration, while items are written.
func TestApply(t *testing.T) {
	onSite(t, func(s *site) {
		s.young()
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		table := s.table(client)
		changes, err := table.Plan(s.t.Context(), client, grown()...)
		require.NoError(s.t, err)
		assert.Empty(s.t, changes.Impossible)
		written := 20
		faults.Between(func(monotabletest.Request) {
			if written < 60 {
				assert.NoError(s.t, s.put(written))
				written++
			}
		})
		start := time.Now()
		require.NoError(s.t, table.Apply(s.t.Context(), client, changes))
		if monotabletest.Endpoint(s.t) == "" {
			assert.Greater(s.t, time.Since(start), 4*tableDelay, "it has waited for the stream, the protection and two backfills")
		}
		faults.Between(nil)
		s.requireDeclared(table, grown()...)
		assert.Equal(s.t, types.TableStatusActive, s.made().TableStatus)
		s.requireIndexed(written)

		for _, r := range faults.Requests() {
			assert.True(s.t, r.Applied() || monotabletest.Endpoint(s.t) != "", "%s was sent too early", r.Operation)
		}
		sent := len(faults.Requests())
		require.NoError(s.t, table.Apply(s.t.Context(), client, changes), "again")
		for _, name := range operations(&faults)[sent:] {
			assert.NotContains(s.t, []string{"UpdateTable", "UpdateTimeToLive", "TagResource"}, name)
		}
		changes, err = table.Plan(s.t.Context(), client, grown()...)
		require.NoError(s.t, err)
		assert.Empty(s.t, changes.String())
	})
}

// TestApplyCreates a table that is not there yet.
func TestApplyCreates(t *testing.T) {
	onSite(t, func(s *site) {
		table := s.table(s.client)
		require.NoError(s.t, planned(s.t.Context(), table, s.client))
		s.requireDeclared(table, grown()...)
	})
}

// TestF133_ApplyKilledAnywhere kills Apply at each request, before it is sent and after it was applied. The next run comes to the same table, no item is
// missing from an index, whatever is written between.
func TestF133_ApplyKilledAnywhere(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		for _, fresh := range []bool{false, true} {
			for _, stop := range []func(*monotabletest.Faults, int){(*monotabletest.Faults).StopAt, (*monotabletest.Faults).StopAfter} {
				for n := 1; ; n += s.killEvery() {
					s.young()
					table := s.table(s.client)
					old, err := table.Plan(s.t.Context(), s.client, grown()...)
					require.NoError(s.t, err)
					var faults monotabletest.Faults
					client := faults.Client(s.client)
					stop(&faults, n)
					err = s.table(client).Apply(s.t.Context(), client, old)
					if len(faults.Requests()) < n {
						require.NoError(s.t, err)
						require.Greater(s.t, n, 12)
						s.drop()
						break
					}
					require.ErrorIs(s.t, err, monotabletest.ErrStopped)
					require.NoError(s.t, s.put(100))
					if fresh {
						err = planned(s.t.Context(), table, s.client)
					} else {
						err = table.Apply(s.t.Context(), s.client, old)
					}
					require.NoError(s.t, err)
					s.requireDeclared(table, grown()...)
					s.requireIndexed(21)
					s.drop()
				}
			}
		}
	})
}

// TestF133_ManyApply: eight processes at once; each change is made once, one after the other.
func TestF133_ManyApply(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		s.young()
		var faults monotabletest.Faults
		errs := make([]error, 8)
		var all sync.WaitGroup
		for i := range errs {
			client := faults.Client(s.client)
			table := s.table(client)
			all.Go(func() { errs[i] = planned(s.t.Context(), table, client) })
		}
		all.Wait()
		for _, err := range errs {
			require.NoError(s.t, err)
		}
		added := map[string]int{}
		for _, r := range faults.Requests() {
			for _, name := range []string{"byMail", "byUser"} {
				if r.Operation == "UpdateTable" && r.Applied() && strings.Contains(string(r.Body), name) {
					added[name]++
				}
			}
		}
		if monotabletest.Endpoint(s.t) == "" { // DynamoDB Local takes the same index twice at once
			assert.Equal(s.t, map[string]int{"byMail": 1, "byUser": 1}, added)
		}
		s.requireDeclared(s.table(s.client), grown()...)
		s.requireIndexed(20)
	})
}

// TestF133_ApplyInBadWeather: what Apply sends is refused for the moment, more often than the SDK tries.
func TestF133_ApplyInBadWeather(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		several := func(f monotabletest.Fault) []monotabletest.Fault {
			return []monotabletest.Fault{f, f, f, f, nil, f, f, f, f}
		}
		refused := monotabletest.Refuse(http.StatusBadRequest, "ValidationException")
		for _, row := range []struct{ faults []monotabletest.Fault }{
			{several(monotabletest.InternalServerError())},
			{several(monotabletest.AfterApplying(monotabletest.InternalServerError()))},
			{several(monotabletest.Throttle(memdb.ThrottlingError))},
			{several(monotabletest.Refuse(http.StatusBadRequest, "LimitExceededException"))},
			{several(monotabletest.Refuse(http.StatusBadRequest, "ResourceInUseException"))},
			{[]monotabletest.Fault{refused, refused, nil, refused, refused}}, // somebody else may have been faster
		} {
			s.young()
			table := s.table(s.client)
			changes, err := table.Plan(s.t.Context(), s.client, grown()...)
			require.NoError(s.t, err)
			var faults monotabletest.Faults
			client := faults.Client(s.client, hasty)
			faults.Script("UpdateTable", row.faults...)
			faults.Script("UpdateTimeToLive", row.faults...)
			require.NoError(s.t, s.table(client).Apply(s.t.Context(), client, changes))
			s.requireDeclared(table, grown()...)
			s.requireIndexed(20)
			s.drop()
		}
	})
}

// TestApplyRefusedForGood ends with what the service says.
func TestApplyRefusedForGood(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		s.young()
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		faults.Rate("UpdateTable", 1, monotabletest.Refuse(http.StatusBadRequest, "ValidationException"))
		err := planned(s.t.Context(), s.table(client), client)
		require.ErrorContains(s.t, err, "monotable: Apply life: switch on the stream: NEW_IMAGE: ValidationException")
		faults.Reset()
		faults.Rate("TagResource", 1, monotabletest.Refuse(http.StatusBadRequest, "AccessDeniedException"))
		faults.Rate("UpdateTimeToLive", 1, monotabletest.Refuse(http.StatusBadRequest, "AccessDeniedException"))
		require.ErrorContains(s.t, planned(s.t.Context(), s.table(client), client), "AccessDeniedException")
	})
}

// TestF132_ApplyFindsAnotherTable than was planned for: it says so and leaves it alone.
func TestF132_ApplyFindsAnotherTable(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		declared := s.cfg
		for _, row := range []struct {
			want  monotable.FindingKind
			since func(*dynamodb.CreateTableInput)
			then  func() error
		}{
			{monotable.TableMissing, nil, func() error { s.drop(); return nil }},
			{monotable.StreamView, func(in *dynamodb.CreateTableInput) {
				in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly}
			}, nil},
			{monotable.TTLAttribute, nil, func() error { return s.setTTL("until", true) }},
			{monotable.TagDiffers, func(in *dynamodb.CreateTableInput) {
				in.Tags = []types.Tag{{Key: aws.String("b"), Value: aws.String("9")}}
			}, nil},
			{monotable.IndexKey, nil, func() error {
				s.cfg.Indexes = []monotable.Index{s.cfg.Indexes[0], {Name: "byMail", PartitionKey: "GSI1PK"}}
				return planned(s.t.Context(), s.table(s.client), s.client)
			}},
			{monotable.ProjectionNarrower, nil, func() error {
				byMail := s.cfg.Indexes[1]
				byMail.Projection.ProjectionType = types.ProjectionTypeKeysOnly
				s.cfg.Indexes = []monotable.Index{s.cfg.Indexes[0], byMail}
				return planned(s.t.Context(), s.table(s.client), s.client)
			}},
		} {
			if row.want == monotable.TagDiffers && monotabletest.Endpoint(s.t) != "" {
				continue // DynamoDB Local knows no tags
			}
			s.cfg = declared
			s.young()
			table := s.table(s.client)
			changes, err := table.Plan(s.t.Context(), s.client, grown()...)
			require.NoError(s.t, err)
			s.drop()
			s.young(func(in *dynamodb.CreateTableInput) {
				if row.since != nil {
					row.since(in)
				}
			})
			if row.then != nil {
				require.NoError(s.t, row.then())
			}
			err = table.Apply(s.t.Context(), s.client, changes)
			var drift *monotable.DriftError
			require.ErrorAs(s.t, err, &drift, row.want)
			assert.Equal(s.t, row.want, drift.Findings[0].Kind)
			assert.Contains(s.t, err.Error(), string(row.want))
			s.drop()
		}
	})
}

// TestApplyChecksChanges before anything is sent.
func TestApplyChecksChanges(t *testing.T) {
	onSite(t, func(s *site) {
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		table := s.table(client)
		require.NoError(s.t, table.Apply(s.t.Context(), client, monotable.Changes{}))
		require.NoError(s.t, table.Apply(s.t.Context(), client, monotable.Changes{Table: "other"}))
		step := monotable.Step{Kind: monotable.StepProtect}
		for _, changes := range []monotable.Changes{
			{Table: "other", Steps: []monotable.Step{step}},
			{Table: "life", Steps: []monotable.Step{{Kind: monotable.StepAddIndex, Name: "none"}}},
			{Table: "life", Steps: []monotable.Step{{Kind: monotable.StepAddIndex, Name: "byDay"}}},
			{Table: "life", Steps: []monotable.Step{step, {Kind: "drop everything"}}},
		} {
			requireError(s.t, table.Apply(s.t.Context(), client, changes), monotable.ErrInvalid)
		}
		requireError(s.t, table.Apply(s.t.Context(), nil, monotable.Changes{Table: "life", Steps: []monotable.Step{step}}), monotable.ErrInvalid)
		canceled, stop := context.WithCancel(s.t.Context())
		stop()
		require.ErrorIs(s.t, table.Apply(canceled, client, monotable.Changes{Table: "life", Steps: []monotable.Step{step}}), context.Canceled)
		assert.Empty(s.t, faults.Requests())
	})
}

// TestApplyDeadline: nothing but the context bounds the wait for a backfill, and the error tells of it.
func TestApplyDeadline(t *testing.T) {
	inMemory(t, func(s *site) {
		s.young()
		table := s.table(s.client)
		ctx, cancel := context.WithTimeout(s.t.Context(), 3*tableDelay)
		defer cancel()
		changes, err := table.Plan(s.t.Context(), s.client)
		require.NoError(s.t, err)
		changes.Steps = changes.Steps[1:] // without TTL
		require.ErrorIs(s.t, table.Apply(ctx, s.client, monotable.Changes{}), nil)
		start := time.Now()
		short, stop := context.WithTimeout(s.t.Context(), tableDelay/2)
		defer stop()
		err = table.Apply(short, s.client, changes)
		require.ErrorIs(s.t, err, context.DeadlineExceeded)
		require.ErrorContains(s.t, err, "add the index byMail: while index byMail is CREATING, backfilling: context deadline exceeded")
		assert.Equal(s.t, tableDelay/2, time.Since(start))
		require.NoError(s.t, table.Apply(ctx, s.client, changes))
	})
}

// TestApplyWaitsOutLimits as long as the context allows: many tables are being changed at once.
func TestApplyWaitsOutLimits(t *testing.T) {
	inMemory(t, func(s *site) {
		s.young()
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		refusals := make([]monotabletest.Fault, 500) // about half an hour's
		for i := range refusals {
			refusals[i] = monotabletest.Refuse(http.StatusBadRequest, "LimitExceededException")
		}
		faults.Script("UpdateTable", refusals...)
		start := time.Now()
		require.NoError(s.t, planned(s.t.Context(), s.table(client), client))
		assert.Greater(s.t, time.Since(start), 20*time.Minute)
	})
}

// TestIndexOnTheTablesOwnKeys is planned and compared as any other.
func TestIndexOnTheTablesOwnKeys(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		s.young()
		s.cfg.Indexes = []monotable.Index{s.cfg.Indexes[0], {Name: "same", PartitionKey: "PK", SortKey: "SK"}, {Name: "turned", PartitionKey: "SK", SortKey: "PK"}}
		table := s.table(s.client)
		changes, err := table.Plan(s.t.Context(), s.client)
		require.NoError(s.t, err)
		require.Equal(s.t, "switch on TTL expires\nadd the index same\nadd the index turned\n", changes.String())
		require.NoError(s.t, table.Apply(s.t.Context(), s.client, changes))
		changes, err = table.Plan(s.t.Context(), s.client)
		require.NoError(s.t, err)
		assert.Empty(s.t, changes.String())
		s.drop()

		require.NoError(s.t, table.Create(s.t.Context(), s.client))
		s.requireDeclared(table)
		changes, err = table.Plan(s.t.Context(), s.client)
		require.NoError(s.t, err)
		assert.Empty(s.t, changes.String())
	})
}

// TestChangesAreData: planned here, looked at by a person, applied there.
func TestChangesAreData(t *testing.T) {
	onSite(t, func(s *site) {
		table := s.table(s.client)
		planned, err := table.Plan(s.t.Context(), s.client,
			append(grown(), monotable.Provisioned(4, 5), monotable.IndexThroughput("byMail", 6, 7))...)
		require.NoError(s.t, err)
		text, err := json.Marshal(planned)
		require.NoError(s.t, err)
		assert.JSONEq(s.t, `{
			"Table": "life", "Steps": [{"Kind": "create the table", "Name": "", "Value": ""}, {"Kind": "switch on TTL", "Name": "expires", "Value": ""}],
			"Options": {
				"Billing": "PROVISIONED", "Throughput": {"Read": 4, "Write": 5}, "IndexThroughput": {"byMail": {"Read": 6, "Write": 7}},
				"TTL": "expires", "Stream": "NEW_IMAGE", "Tags": {"a": "1", "b": "2"}, "DeletionProtection": true
			}
		}`, string(text))
		var read monotable.Changes
		require.NoError(s.t, json.Unmarshal(text, &read))
		require.NoError(s.t, table.Apply(s.t.Context(), s.client, read))
		s.requireDeclared(table, append(grown(), monotable.Provisioned(1, 1))...)
		assert.EqualValues(s.t, 4, *s.made().ProvisionedThroughput.ReadCapacityUnits)
		assert.EqualValues(s.t, 7, *s.made().GlobalSecondaryIndexes[0].ProvisionedThroughput.WriteCapacityUnits)

		kept := read
		for _, wrong := range []string{`{"Table": "life", "Stepps": []}`, `{"Options": {"Streams": "NEW_IMAGE"}}`, `{"Steps": 1}`, `[]`} {
			requireError(s.t, json.Unmarshal([]byte(wrong), &read), monotable.ErrInvalid)
			assert.Equal(s.t, kept, read)
		}
		var zero monotable.Changes
		require.NoError(s.t, json.Unmarshal([]byte(`{}`), &zero))
		require.NoError(s.t, table.Apply(s.t.Context(), nil, zero), "nothing to do")

		// What a difference was, too.
		drifted, err := table.Plan(s.t.Context(), s.client, monotable.OnDemand())
		require.NoError(s.t, err)
		require.NotEmpty(s.t, drifted.Impossible)
		text, err = json.Marshal(drifted)
		require.NoError(s.t, err)
		require.NoError(s.t, json.Unmarshal(text, &read))
		assert.Equal(s.t, drifted.String(), read.String())
	})
}

// TestAddIndexToProvisionedTable gives it throughput.
func TestAddIndexToProvisionedTable(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		s.young(provisionedByHand)
		table := s.table(s.client)
		changes, err := table.Plan(s.t.Context(), s.client)
		require.NoError(s.t, err)
		require.NoError(s.t, table.Apply(s.t.Context(), s.client, changes))
		for _, x := range s.made().GlobalSecondaryIndexes {
			assert.EqualValues(s.t, 2, *x.ProvisionedThroughput.ReadCapacityUnits, "as the table")
			assert.EqualValues(s.t, 3, *x.ProvisionedThroughput.WriteCapacityUnits)
		}
		s.drop()
		s.young(provisionedByHand)
		changes, err = table.Plan(s.t.Context(), s.client, monotable.Provisioned(4, 5), monotable.IndexThroughput("byMail", 6, 7))
		require.NoError(s.t, err)
		require.NoError(s.t, table.Apply(s.t.Context(), s.client, changes))
		units := map[string]int64{}
		for _, x := range s.made().GlobalSecondaryIndexes {
			units[*x.IndexName] = *x.ProvisionedThroughput.ReadCapacityUnits
		}
		assert.Equal(s.t, map[string]int64{"byMail": 6, "byUser": 4}, units)
		assert.EqualValues(s.t, 2, *s.made().ProvisionedThroughput.ReadCapacityUnits, "the table's stay")
	})
}

// TestDropIndex drops what is not declared, and nothing else.
func TestDropIndex(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		require.NoError(s.t, s.table(s.client).Create(s.t.Context(), s.client))
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		declared := s.table(client)
		requireError(s.t, declared.DropIndex(s.t.Context(), client, "byMail"), monotable.ErrInvalid)
		requireError(s.t, declared.DropIndex(s.t.Context(), client, "byDay"), monotable.ErrInvalid)
		assert.Empty(s.t, faults.Requests())

		s.cfg.Indexes = s.cfg.Indexes[2:]
		table := s.table(client)
		requireError(s.t, table.DropIndex(s.t.Context(), client, "byDay"), monotable.ErrInvalid)
		require.NoError(s.t, table.DropIndex(s.t.Context(), client, "byMail"))
		require.Len(s.t, s.made().GlobalSecondaryIndexes, 1)
		assert.Equal(s.t, types.TableStatusActive, s.made().TableStatus)
		sent := len(faults.Requests())
		require.NoError(s.t, table.DropIndex(s.t.Context(), client, "byMail"), "again")
		assert.Equal(s.t, []string{"DescribeTable"}, operations(&faults)[sent:])

		s.drop()
		var drift *monotable.DriftError
		require.ErrorAs(s.t, table.DropIndex(s.t.Context(), client, "byMail"), &drift)
	})
}

// TestF133_DropIndexKilledAnywhere, with an index on its way in, and then again.
func TestF133_DropIndexKilledAnywhere(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		for _, stop := range []func(*monotabletest.Faults, int){(*monotabletest.Faults).StopAt, (*monotabletest.Faults).StopAfter} {
			for n := 1; ; n += s.killEvery() {
				s.young()
				require.NoError(s.t, s.addByMail())
				full := s.cfg
				s.cfg.Indexes = s.cfg.Indexes[:1]
				var faults monotabletest.Faults
				client := faults.Client(s.client)
				stop(&faults, n)
				err := s.table(client).DropIndex(s.t.Context(), client, "byMail")
				killed := len(faults.Requests()) >= n
				if killed {
					require.ErrorIs(s.t, err, monotabletest.ErrStopped)
					err = s.table(s.client).DropIndex(s.t.Context(), s.client, "byMail")
				}
				require.NoError(s.t, err)
				require.Empty(s.t, s.made().GlobalSecondaryIndexes)
				require.Len(s.t, s.items(), 20)
				s.drop()
				s.cfg = full
				if !killed {
					for _, r := range faults.Requests() {
						require.True(s.t, r.Applied() || monotabletest.Endpoint(s.t) != "", "%s was sent while the index was on its way in", r.Operation)
					}
					require.Greater(s.t, n, 2)
					break
				}
			}
		}
	})
}

// items reads all items.
func (s *site) items() []rawItem {
	s.t.Helper()
	out, err := s.client.Scan(s.t.Context(), &dynamodb.ScanInput{TableName: aws.String("life")})
	require.NoError(s.t, err)
	return out.Items
}
