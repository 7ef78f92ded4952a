package monotable_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

func TestCreateInputOptions(t *testing.T) {
	table, err := monotable.NewTable(dynamodb.New(dynamodb.Options{Region: "us-east-1"}), lifeConfig())
	require.NoError(t, err)
	plain := table.CreateInput()
	assert.Nil(t, plain.ProvisionedThroughput)
	assert.Nil(t, plain.GlobalSecondaryIndexes[0].ProvisionedThroughput)
	assert.Nil(t, plain.StreamSpecification)
	assert.Nil(t, plain.DeletionProtectionEnabled)
	assert.Empty(t, plain.Tags)

	tags := map[string]string{"team": "shop"}
	opts := []monotable.CreateOption{
		monotable.OnDemand(), monotable.Provisioned(5, 2), monotable.IndexThroughput("byUser", 7, 1), monotable.Stream(types.StreamViewTypeNewImage),
		monotable.Tags(tags), monotable.Tags(map[string]string{"env": "test"}), monotable.DeletionProtection(), monotable.TTL("until"), nil,
	}
	tags["team"] = "changed"
	in := table.CreateInput(opts...)
	units := func(p *types.ProvisionedThroughput) [2]int64 {
		return [2]int64{*p.ReadCapacityUnits, *p.WriteCapacityUnits}
	}
	assert.Equal(t, types.BillingModeProvisioned, in.BillingMode)
	assert.Equal(t, [2]int64{5, 2}, units(in.ProvisionedThroughput))
	assert.Equal(t, "byMail", *in.GlobalSecondaryIndexes[0].IndexName)
	assert.Equal(t, [2]int64{5, 2}, units(in.GlobalSecondaryIndexes[0].ProvisionedThroughput))
	assert.Equal(t, [2]int64{7, 1}, units(in.GlobalSecondaryIndexes[1].ProvisionedThroughput))
	assert.Equal(t, types.StreamViewTypeNewImage, in.StreamSpecification.StreamViewType)
	assert.Equal(t, []types.Tag{{Key: aws.String("env"), Value: aws.String("test")}, {Key: aws.String("team"), Value: aws.String("shop")}}, in.Tags)
	assert.True(t, *in.DeletionProtectionEnabled)

	last := table.CreateInput(monotable.Provisioned(5, 2), monotable.OnDemand())
	assert.Equal(t, types.BillingModePayPerRequest, last.BillingMode)
	assert.Nil(t, last.ProvisionedThroughput)
}

// TestCreateOptionsAreChecked before anything is sent.
func TestCreateOptionsAreChecked(t *testing.T) {
	onSite(t, func(s *site) {
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		table := s.table(client)
		for _, opt := range []monotable.CreateOption{
			monotable.Provisioned(0, 1), monotable.Provisioned(1, 0), monotable.Stream("ALL"), monotable.TTL(string(make([]byte, 256))),
			monotable.IndexThroughput("byMail", 1, 1), monotable.IndexThroughput("byDay", 1, 1), monotable.IndexThroughput("none", 1, 1),
		} {
			requireError(t, table.Create(s.t.Context(), client, opt), monotable.ErrInvalid)
			requireError(t, second(table.Verify(s.t.Context(), client, opt)), monotable.ErrInvalid)
			requireError(t, second(table.Plan(s.t.Context(), client, opt)), monotable.ErrInvalid)
			requireError(t, table.Ensure(s.t.Context(), client, opt), monotable.ErrInvalid)
		}
		provisioned := monotable.Provisioned(1, 1)
		requireError(t, table.Create(s.t.Context(), client, provisioned, monotable.IndexThroughput("byMail", 0, 1)), monotable.ErrInvalid)
		requireError(t, table.Create(s.t.Context(), client, provisioned, monotable.IndexThroughput("byDay", 1, 1)), monotable.ErrInvalid)
		requireError(t, table.Create(s.t.Context(), nil), monotable.ErrInvalid)
		requireError(t, table.DropIndex(s.t.Context(), nil, "gone"), monotable.ErrInvalid)
		assert.Empty(t, faults.Requests())
	})
}

// TestCreate makes the whole table, and a second time finds it done.
func TestCreate(t *testing.T) {
	onSite(t, func(s *site) {
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		table := s.table(client)
		opts := []monotable.CreateOption{
			monotable.Stream(types.StreamViewTypeKeysOnly), monotable.Tags(map[string]string{"a": "b"}), monotable.DeletionProtection(), monotable.OnDemand(),
		}
		require.NoError(s.t, table.Create(s.t.Context(), client, opts...))
		live := s.made()
		assert.Equal(t, types.TableStatusActive, live.TableStatus)
		assert.True(t, *live.DeletionProtectionEnabled)
		s.requireDeclared(table, opts...)
		ttl, err := s.client.DescribeTimeToLive(s.t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: aws.String("life")})
		require.NoError(s.t, err)
		assert.Equal(t, "expires", *ttl.TimeToLiveDescription.AttributeName, "of the entity's ExpiresAt")

		before := len(faults.Requests())
		require.NoError(s.t, table.Create(s.t.Context(), client, opts...))
		assert.Equal(t, []string{"DescribeTable", "ListTagsOfResource", "DescribeTimeToLive"}, operations(&faults)[before:])
		assert.Empty(t, s.log.String())
		s.drop()
	})
}

// TestCreateProvisioned, with a TTL attribute of the option's.
func TestCreateProvisioned(t *testing.T) {
	onSite(t, func(s *site) {
		table := s.table(s.client)
		opts := []monotable.CreateOption{monotable.Provisioned(3, 2), monotable.IndexThroughput("byMail", 4, 1), monotable.TTL("until")}
		require.NoError(s.t, table.Create(s.t.Context(), s.client, opts...))
		s.requireDeclared(table, opts...)
		live := s.made()
		assert.EqualValues(t, 3, *live.ProvisionedThroughput.ReadCapacityUnits)
		ttl, err := s.client.DescribeTimeToLive(s.t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: aws.String("life")})
		require.NoError(s.t, err)
		assert.Equal(t, "until", *ttl.TimeToLiveDescription.AttributeName)
		s.drop()
	})
}

// TestF132_CreateKilledAnywhere kills Create at each request, before it is sent and after it was applied; the next Create comes to the same table.
func TestF132_CreateKilledAnywhere(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		for _, stop := range []func(*monotabletest.Faults, int){(*monotabletest.Faults).StopAt, (*monotabletest.Faults).StopAfter} {
			for n := 1; ; n++ {
				var faults monotabletest.Faults
				client := faults.Client(s.client)
				stop(&faults, n)
				err := s.table(client).Create(s.t.Context(), client, monotable.Stream(types.StreamViewTypeKeysOnly))
				if len(faults.Requests()) < n {
					require.NoError(s.t, err)
					require.Greater(s.t, n, 5)
					break
				}
				require.ErrorIs(s.t, err, monotabletest.ErrStopped)
				table := s.table(s.client)
				require.NoError(s.t, table.Create(s.t.Context(), s.client, monotable.Stream(types.StreamViewTypeKeysOnly)))
				s.requireDeclared(table, monotable.Stream(types.StreamViewTypeKeysOnly))
				s.drop()
			}
			s.drop()
		}
	})
}

// TestF132_CreateInBadWeather: replies are lost, the service throttles, has reached a limit or fails.
func TestF132_CreateInBadWeather(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		for _, row := range []struct {
			fault monotabletest.Fault
			calls int // of Create, at the most
		}{
			{monotabletest.ReplyLost(), 6}, // not an answer: the SDK's own tries are all there are
			{monotabletest.InternalServerError(), 1},
			{monotabletest.AfterApplying(monotabletest.InternalServerError()), 1},
			{monotabletest.Throttle(memdb.ThrottlingError), 1},
			{monotabletest.Refuse(http.StatusBadRequest, "LimitExceededException"), 1},
			{monotabletest.Refuse(http.StatusBadRequest, "ResourceInUseException"), 1},
		} {
			var faults monotabletest.Faults
			// More often than the SDK tries, so that it is Create that goes on.
			fault := row.fault
			faults.Script("CreateTable", fault, fault, fault, fault, fault)
			faults.Script("DescribeTable", nil, fault, fault, fault, fault)
			faults.Script("UpdateTimeToLive", fault, fault, fault, fault)
			client := faults.Client(s.client, hasty)
			err := s.table(client).Create(s.t.Context(), client)
			for range row.calls - 1 {
				if err != nil {
					err = s.table(client).Create(s.t.Context(), client)
				}
			}
			require.NoError(s.t, err)
			s.requireDeclared(s.table(s.client))
			s.drop()
		}
	})
}

// TestF132_ManyColdStarts has 16 processes create the table at the same time.
func TestF132_ManyColdStarts(t *testing.T) {
	onSite(t, func(s *site) {
		var faults monotabletest.Faults
		var mu sync.Mutex
		errs := []error{}
		var all sync.WaitGroup
		for range 16 {
			client := faults.Client(s.client)
			table := s.table(client)
			all.Go(func() {
				err := table.Create(s.t.Context(), client)
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			})
		}
		all.Wait()
		for _, err := range errs {
			require.NoError(s.t, err)
		}
		created := 0
		for _, r := range faults.Requests() {
			if r.Operation == "CreateTable" && r.Applied() {
				created++
			}
		}
		assert.Equal(t, 1, created)
		s.requireDeclared(s.table(s.client))
	})
}

// TestF132_TableOnItsWay is being created, or deleted, by somebody else.
func TestF132_TableOnItsWay(t *testing.T) {
	inMemory(t, func(s *site) {
		table := s.table(s.client)
		_, err := s.client.CreateTable(s.t.Context(), table.CreateInput())
		require.NoError(s.t, err)
		require.Equal(s.t, types.TableStatusCreating, s.made().TableStatus)
		require.NoError(s.t, table.Create(s.t.Context(), s.client))
		s.requireDeclared(table)

		first := *s.made().TableId
		_, err = s.client.DeleteTable(s.t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("life")})
		require.NoError(s.t, err)
		require.Equal(s.t, types.TableStatusDeleting, s.made().TableStatus)
		require.NoError(s.t, table.Create(s.t.Context(), s.client))
		s.requireDeclared(table)
		assert.NotEqual(t, first, *s.made().TableId)

		// One of another layout, too, is on its way out.
		s.drop()
		in := table.CreateInput()
		in.KeySchema[0].AttributeName, in.AttributeDefinitions[0].AttributeName = aws.String("id"), aws.String("id")
		in.LocalSecondaryIndexes, in.AttributeDefinitions = nil, append(in.AttributeDefinitions[:2], in.AttributeDefinitions[3:]...)
		_, err = s.client.CreateTable(s.t.Context(), in)
		require.NoError(s.t, err)
		s.rest()
		_, err = s.client.DeleteTable(s.t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("life")})
		require.NoError(s.t, err)
		require.NoError(s.t, table.Create(s.t.Context(), s.client))
		s.requireDeclared(table)

		// Deleted behind the look that shows it ACTIVE.
		s.drop()
		var faults monotabletest.Faults
		deleted := false
		faults.Between(func(r monotabletest.Request) {
			if r.Operation != "DescribeTable" || deleted || s.made() == nil || s.made().TableStatus != types.TableStatusActive {
				return
			}
			deleted = true
			s.drop()
		})
		client := faults.Client(s.client)
		slow := s.table(client).With(monotable.AttemptTimeout(-1))
		require.NoError(s.t, slow.Create(s.t.Context(), client))
		require.True(s.t, deleted)
		s.requireDeclared(table)
	})
}

// TestCreateDeadline: the context's, or ten minutes; the error tells what was waited for.
func TestCreateDeadline(t *testing.T) {
	inMemory(t, func(s *site) {
		table := s.table(s.client)
		ctx, cancel := context.WithTimeout(s.t.Context(), tableDelay/2)
		defer cancel()
		start := time.Now()
		err := table.Create(ctx, s.client)
		require.ErrorIs(s.t, err, context.DeadlineExceeded)
		require.ErrorContains(s.t, err, "CREATING")
		assert.Equal(t, tableDelay/2, time.Since(start))

		canceled, stop := context.WithCancelCause(s.t.Context())
		cause := errors.New("no longer wanted")
		stop(cause)
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		require.ErrorIs(s.t, s.table(client).Create(canceled, client), cause)
		assert.Empty(t, faults.Requests())
	})
	if monotabletest.Endpoint(t) != "" {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		never := memdb.New(memdb.Options{TableDelay: 24 * time.Hour}).Client()
		table, err := monotable.NewTable(never, lifeConfig())
		require.NoError(t, err)
		start := time.Now()
		require.ErrorIs(t, table.Create(t.Context(), never), context.DeadlineExceeded)
		assert.Equal(t, 10*time.Minute, time.Since(start))

		// A refusal that never ends is waited for as long as the context says, and told in the end.
		var faults monotabletest.Faults
		faults.Rate("CreateTable", 1, monotabletest.Refuse(http.StatusBadRequest, "LimitExceededException"))
		client := faults.Client(memdb.New(memdb.Options{}).Client())
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start = time.Now()
		err = table.Create(ctx, client)
		require.ErrorAs(t, err, new(*types.LimitExceededException))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Hour, time.Since(start))
		assert.Less(t, len(faults.Requests()), 4000, "no hot loop")
	})
}

// TestCreateRefused: what the service refuses for good is not tried again.
func TestCreateRefused(t *testing.T) {
	onSite(t, func(s *site) {
		var faults monotabletest.Faults
		faults.Script("CreateTable", monotabletest.Refuse(http.StatusBadRequest, "AccessDeniedException"))
		client := faults.Client(s.client)
		err := s.table(client).Create(s.t.Context(), client)
		require.ErrorContains(s.t, err, "monotable: Create life: AccessDeniedException")
		assert.Equal(t, []string{"DescribeTable", "CreateTable"}, operations(&faults))
		assert.Nil(t, s.made())
	})
}

// TestF132_CreateLeavesDriftAlone: a table that programs would fail on is an error that says why, and stays as it is.
func TestF132_CreateLeavesDriftAlone(t *testing.T) {
	onSite(t, func(s *site) {
		full := s.cfg
		s.cfg.Indexes = s.cfg.Indexes[:2]
		require.NoError(s.t, s.table(s.client).Create(s.t.Context(), s.client))
		s.cfg = full

		var faults monotabletest.Faults
		client := faults.Client(s.client)
		err := s.table(client).Create(s.t.Context(), client)
		var drift *monotable.DriftError
		require.ErrorAs(s.t, err, &drift)
		require.EqualError(s.t, err, "monotable: Create life: table life is not as declared: index byUser: index missing: want HASH team, HASH user; see Table.Plan")
		assert.Equal(t, monotable.IndexMissing, drift.Findings[0].Kind)
		assert.Equal(t, []string{"DescribeTable"}, operations(&faults), "nothing is changed")

		// What breaks nothing is success, and told.
		s.cfg.Indexes = s.cfg.Indexes[:1]
		require.NoError(s.t, s.table(client).Create(s.t.Context(), client, monotable.Stream(types.StreamViewTypeKeysOnly)))
		assert.Contains(t, s.log.String(), "byMail")
		assert.Contains(t, s.log.String(), "stream off")
		assert.Nil(t, s.made().StreamSpecification)
	})
}

// TestCreateTellsOfTags that are not on a table which exists. Not to know them is no reason to fail.
func TestCreateTellsOfTags(t *testing.T) {
	onSite(t, func(s *site) {
		tagged := monotable.Tags(map[string]string{"team": "a"})
		require.NoError(s.t, s.table(s.client).Create(s.t.Context(), s.client))
		admin := &otherAnswers{Client: s.client, pages: [][]types.Tag{{{Key: aws.String("team"), Value: aws.String("b")}}}}
		require.NoError(s.t, s.table(s.client).Create(s.t.Context(), admin, tagged))
		assert.Contains(t, s.log.String(), "tag differs of team")
		admin.pages = [][]types.Tag{{}}
		require.NoError(s.t, s.table(s.client).Create(s.t.Context(), admin, tagged))
		assert.Contains(t, s.log.String(), "tag missing of team")

		var faults monotabletest.Faults
		client := faults.Client(s.client)
		faults.Script("ListTagsOfResource", monotabletest.Refuse(http.StatusBadRequest, "AccessDeniedException"))
		require.NoError(s.t, s.table(client).Create(s.t.Context(), client, tagged))
		assert.Contains(t, s.log.String(), "could not be compared")
	})
}

// TestF133_TTLToggledTooOften: DynamoDB refuses a second change of TTL within the hour. Create goes on without; Apply waits for it.
func TestF133_TTLToggledTooOften(t *testing.T) {
	inMemory(t, func(s *site) {
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		table := s.table(client)
		refused := monotabletest.Refuse(http.StatusBadRequest, "ValidationException")
		faults.Rate("UpdateTimeToLive", 1, refused)
		require.NoError(s.t, table.Create(s.t.Context(), client))
		assert.Contains(t, s.log.String(), "TTL off")
		findings, err := table.Verify(s.t.Context(), client)
		require.NoError(s.t, err)
		require.Equal(s.t, []monotable.Finding{{Kind: monotable.TTLOff, Want: "expires"}}, findings)

		changes, err := table.Plan(s.t.Context(), client)
		require.NoError(s.t, err)
		require.Equal(s.t, []monotable.Step{{Kind: monotable.StepTTL, Name: "expires"}}, changes.Steps)
		start := time.Now()
		go func() {
			time.Sleep(40 * time.Minute)
			faults.Reset()
		}()
		require.NoError(s.t, table.Apply(s.t.Context(), client, changes))
		assert.GreaterOrEqual(t, time.Since(start), 40*time.Minute)
		assert.Less(t, time.Since(start), 41*time.Minute)
		s.requireDeclared(table)

		// It does not wait for ever.
		s.drop()
		faults.Rate("UpdateTimeToLive", 1, refused)
		require.NoError(s.t, table.Create(s.t.Context(), client))
		start = time.Now()
		err = table.Apply(s.t.Context(), client, changes)
		require.ErrorIs(s.t, err, context.DeadlineExceeded)
		require.ErrorContains(s.t, err, "switch on TTL expires")
		assert.Equal(t, 65*time.Minute, time.Since(start))
	})
}

// TestTTLOnItsWay: what is being switched on is left to it; what is otherwise in the way Create leaves alone, too.
func TestTTLOnItsWay(t *testing.T) {
	onSite(t, func(s *site) {
		table := s.table(s.client)
		require.NoError(s.t, table.Create(s.t.Context(), s.client))
		for _, row := range []struct {
			attribute string
			status    types.TimeToLiveStatus
			told      bool
		}{
			{"expires", types.TimeToLiveStatusEnabling, false},
			{"until", types.TimeToLiveStatusEnabling, true},
			{"until", types.TimeToLiveStatusEnabled, true},
			{"expires", types.TimeToLiveStatusDisabling, true},
		} {
			s.log.Reset()
			var faults monotabletest.Faults
			admin := &otherAnswers{Client: faults.Client(s.client), ttl: &types.TimeToLiveDescription{AttributeName: &row.attribute, TimeToLiveStatus: row.status}}
			require.NoError(s.t, table.Create(s.t.Context(), admin))
			assert.Equal(s.t, []string{"DescribeTable"}, operations(&faults), "and no UpdateTimeToLive")
			assert.Equal(s.t, row.told, s.log.Len() > 0)
			if row.status == types.TimeToLiveStatusEnabling && !row.told {
				require.NoError(s.t, table.Apply(s.t.Context(), admin, monotable.Changes{Table: "life", Steps: []monotable.Step{{Kind: monotable.StepTTL, Name: "expires"}}}))
				assert.Len(s.t, faults.Requests(), 1)
			}
		}
	})
}

// TestLifecycleIsObserved as one operation each.
func TestLifecycleIsObserved(t *testing.T) {
	s := openStore(t, monotable.TableConfig{Name: "life"})
	seen := &lifeObserver{}
	s.cfg.Observer = seen
	table := s.over(s.client)
	require.NoError(t, table.Create(t.Context(), s.client))
	require.NoError(t, table.Ensure(t.Context(), s.client))
	require.NoError(t, second(table.Verify(t.Context(), s.client)))
	require.NoError(t, second(table.Plan(t.Context(), s.client)))
	require.NoError(t, table.Apply(t.Context(), s.client, monotable.Changes{}))
	require.NoError(t, table.DropIndex(t.Context(), s.client, "none"))
	require.NoError(t, table.Truncate(t.Context()))
	assert.Equal(t, []string{"Create 1", "Ensure 1", "Verify 2", "Plan 1", "Apply 0", "DropIndex 1", "Truncate 4"}, seen.ended)
}

type lifeObserver struct {
	monotable.NoObserver
	ended []string
}

func (o *lifeObserver) OperationEnd(_ context.Context, op monotable.OperationInfo, result monotable.OperationResult) {
	o.ended = append(o.ended, op.Name+" "+string(rune('0'+result.Requests)))
}
