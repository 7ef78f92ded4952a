package monotable_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// otherAnswers is the SDK's client with answers changed, for states that no test database comes to.
type otherAnswers struct {
	*dynamodb.Client
	table func(*types.TableDescription)
	ttl   *types.TimeToLiveDescription
	pages [][]types.Tag // of ListTagsOfResource
}

func (c *otherAnswers) DescribeTable(ctx context.Context, in *dynamodb.DescribeTableInput, opts ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	out, err := c.Client.DescribeTable(ctx, in, opts...)
	if err == nil && c.table != nil {
		c.table(out.Table)
	}
	return out, err
}

func (c *otherAnswers) DescribeTimeToLive(ctx context.Context, in *dynamodb.DescribeTimeToLiveInput, opts ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error) {
	if c.ttl != nil {
		return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: c.ttl}, nil
	}
	return c.Client.DescribeTimeToLive(ctx, in, opts...)
}

func (c *otherAnswers) ListTagsOfResource(ctx context.Context, in *dynamodb.ListTagsOfResourceInput, opts ...func(*dynamodb.Options)) (*dynamodb.ListTagsOfResourceOutput, error) {
	if c.pages == nil {
		return c.Client.ListTagsOfResource(ctx, in, opts...)
	}
	page := len(aws.ToString(in.NextToken))
	out := &dynamodb.ListTagsOfResourceOutput{Tags: c.pages[page]}
	if page+1 < len(c.pages) {
		out.NextToken = aws.String(aws.ToString(in.NextToken) + "x")
	}
	return out, nil
}

// drifts are tables made by hand, each with one difference to the declaration: what Verify finds, and what Plan would do.
var drifts = []struct {
	name   string
	none   bool                                // there is no table
	made   func(in *dynamodb.CreateTableInput) // by hand, from what is declared
	then   func(s *site) error                 // with the table
	answer otherAnswers
	opts   []monotable.CreateOption
	memory bool // the server does not get into this state
	want   []monotable.Finding
	plan   string
}{
	{name: "as declared"},
	{
		name: "no table", none: true,
		want: []monotable.Finding{{Kind: monotable.TableMissing, Want: "HASH PK, RANGE SK", Breaks: true}},
		plan: "create the table\nswitch on TTL expires\n",
	},
	{
		name: "another sort key",
		made: func(in *dynamodb.CreateTableInput) {
			in.KeySchema[1].AttributeName = aws.String("sort")
			in.AttributeDefinitions[1].AttributeName = aws.String("sort")
		},
		want: []monotable.Finding{{Kind: monotable.TableKey, Want: "HASH PK, RANGE SK", Have: "HASH PK, RANGE sort", Breaks: true}},
		plan: "impossible: table key: want HASH PK, RANGE SK, have HASH PK, RANGE sort (a table's key cannot be changed; create another table and move the items)\n",
	},
	{
		name: "no sort key",
		made: func(in *dynamodb.CreateTableInput) {
			in.KeySchema = in.KeySchema[:1]
			in.LocalSecondaryIndexes = nil
			in.AttributeDefinitions = append(in.AttributeDefinitions[:1], in.AttributeDefinitions[3:]...)
		},
		want: []monotable.Finding{
			{Kind: monotable.TableKey, Want: "HASH PK, RANGE SK", Have: "HASH PK", Breaks: true},
			{Kind: monotable.IndexMissing, Index: "byDay", Want: "HASH PK, RANGE day", Breaks: true},
		},
		plan: "impossible: table key: want HASH PK, RANGE SK, have HASH PK (a table's key cannot be changed; create another table and move the items)\n" +
			"impossible: index byDay: index missing: want HASH PK, RANGE day (a local index can only be created with its table)\n",
	},
	{
		name: "a key of another type",
		made: func(in *dynamodb.CreateTableInput) { in.AttributeDefinitions[1].AttributeType = "B" },
		want: []monotable.Finding{{Kind: monotable.KeyType, Attribute: "SK", Want: "S", Have: "B", Breaks: true}},
		plan: "impossible: key type of SK: want S, have B (an attribute has one type in all keys of a table, which cannot be changed while a key has it)\n",
	},
	{
		name: "an index key of another type",
		made: func(in *dynamodb.CreateTableInput) { in.AttributeDefinitions[3].AttributeType = "N" },
		want: []monotable.Finding{{Kind: monotable.KeyType, Index: "byMail", Attribute: "GSI1PK", Want: "S", Have: "N", Breaks: true}},
		plan: "impossible: index byMail: key type of GSI1PK: want S, have N (an attribute has one type in all keys of a table, which cannot be changed while a key has it)\n",
	},
	{
		name: "an index missing, its key of another type in one that is not declared",
		made: func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes[0].IndexName = aws.String("other")
			in.AttributeDefinitions[3].AttributeType = "N"
		},
		want: []monotable.Finding{
			{Kind: monotable.IndexMissing, Index: "byMail", Want: "HASH GSI1PK, RANGE GSI1SK", Breaks: true},
			{Kind: monotable.KeyType, Index: "byMail", Attribute: "GSI1PK", Want: "S", Have: "N", Breaks: true},
			{Kind: monotable.IndexExtra, Index: "other", Have: "HASH GSI1PK, RANGE GSI1SK", Breaks: true},
		},
		plan: "impossible: index byMail: key type of GSI1PK: want S, have N (an attribute has one type in all keys of a table, which cannot be changed while a key has it)\n" +
			"impossible: index other: index extra: have HASH GSI1PK, RANGE GSI1SK (nothing is dropped unasked; use DropIndex when nothing reads it)\n",
	},
	{
		name: "global indexes missing",
		made: func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes = nil
			in.AttributeDefinitions = in.AttributeDefinitions[:3]
		},
		want: []monotable.Finding{
			{Kind: monotable.IndexMissing, Index: "byMail", Want: "HASH GSI1PK, RANGE GSI1SK", Breaks: true},
			{Kind: monotable.IndexMissing, Index: "byUser", Want: "HASH team, HASH user", Breaks: true},
		},
		plan: "add the index byMail\nadd the index byUser\n",
	},
	{
		name: "an index more",
		made: func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
				IndexName: aws.String("more"), KeySchema: in.GlobalSecondaryIndexes[0].KeySchema[:1], Projection: &types.Projection{ProjectionType: "ALL"},
			})
		},
		want: []monotable.Finding{{Kind: monotable.IndexExtra, Index: "more", Have: "HASH GSI1PK"}},
	},
	{
		name: "an index more, on attributes that entities store with another type",
		made: func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
				IndexName: aws.String("more"), Projection: &types.Projection{ProjectionType: "ALL"}, KeySchema: []types.KeySchemaElement{
					{AttributeName: aws.String("_et"), KeyType: "HASH"}, {AttributeName: aws.String("id"), KeyType: "RANGE"},
				},
			})
			in.AttributeDefinitions = append(in.AttributeDefinitions,
				types.AttributeDefinition{AttributeName: aws.String("_et"), AttributeType: "S"}, types.AttributeDefinition{AttributeName: aws.String("id"), AttributeType: "N"})
		},
		want: []monotable.Finding{
			{Kind: monotable.IndexExtra, Index: "more", Have: "HASH _et, RANGE id", Breaks: true},
			{Kind: monotable.KeyType, Index: "more", Attribute: "id", Want: "S", Have: "N", Breaks: true},
		},
		plan: "impossible: index more: index extra: have HASH _et, RANGE id (nothing is dropped unasked; use DropIndex when nothing reads it)\n" +
			"impossible: index more: key type of id: want S, have N (an attribute has one type in all keys of a table, which cannot be changed while a key has it)\n",
	},
	{
		name: "another index key",
		made: func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes[0].KeySchema[1].AttributeName = aws.String("SK")
			in.AttributeDefinitions = append(in.AttributeDefinitions[:4], in.AttributeDefinitions[5:]...)
		},
		want: []monotable.Finding{{Kind: monotable.IndexKey, Index: "byMail", Want: "HASH GSI1PK, RANGE GSI1SK", Have: "HASH GSI1PK, RANGE SK", Breaks: true}},
		plan: "impossible: index byMail: index key: want HASH GSI1PK, RANGE GSI1SK, have HASH GSI1PK, RANGE SK (an index cannot be changed; declare one under another name, and drop this one when nothing reads it)\n",
	},
	{
		name: "the same attributes of a partition in another order",
		made: func(in *dynamodb.CreateTableInput) {
			schema := in.GlobalSecondaryIndexes[1].KeySchema
			schema[0], schema[1] = schema[1], schema[0]
		},
	},
	{
		name: "a global index for a local one",
		made: func(in *dynamodb.CreateTableInput) {
			local := in.LocalSecondaryIndexes[0]
			in.LocalSecondaryIndexes = nil
			in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
				IndexName: local.IndexName, KeySchema: local.KeySchema, Projection: local.Projection,
			})
		},
		want: []monotable.Finding{{Kind: monotable.IndexScope, Index: "byDay", Want: "local", Have: "global", Breaks: true}},
		plan: "impossible: index byDay: index scope: want local, have global (an index cannot be changed; declare one under another name)\n",
	},
	{
		name: "a local index for a global one",
		made: func(in *dynamodb.CreateTableInput) {
			global := in.GlobalSecondaryIndexes[0]
			in.GlobalSecondaryIndexes = in.GlobalSecondaryIndexes[1:]
			global.KeySchema[0].AttributeName = aws.String("PK")
			in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{
				IndexName: global.IndexName, KeySchema: global.KeySchema, Projection: global.Projection,
			})
			in.AttributeDefinitions = append(in.AttributeDefinitions[:3], in.AttributeDefinitions[4:]...)
		},
		want: []monotable.Finding{
			{Kind: monotable.IndexScope, Index: "byMail", Want: "global", Have: "local"},
			{Kind: monotable.IndexKey, Index: "byMail", Want: "HASH GSI1PK, RANGE GSI1SK", Have: "HASH PK, RANGE GSI1SK", Breaks: true},
		},
		plan: "impossible: index byMail: index scope: want global, have local (an index cannot be changed; declare one under another name)\n" +
			"impossible: index byMail: index key: want HASH GSI1PK, RANGE GSI1SK, have HASH PK, RANGE GSI1SK (an index cannot be changed; declare one under another name, and drop this one when nothing reads it)\n",
	},
	{
		name: "keys only, where all is declared",
		made: func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes[0].Projection = &types.Projection{ProjectionType: "KEYS_ONLY"}
		},
		want: []monotable.Finding{{Kind: monotable.ProjectionNarrower, Index: "byMail", Want: "ALL", Have: "KEYS_ONLY", Breaks: true}},
		plan: "impossible: index byMail: projection narrower: want ALL, have KEYS_ONLY (an index cannot be changed; declare one under another name, and drop this one when nothing reads it)\n",
	},
	{
		name: "other attributes projected",
		made: func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes[1].Projection.NonKeyAttributes = []string{"sum", "name"}
		},
		want: []monotable.Finding{
			{Kind: monotable.ProjectionNarrower, Index: "byUser", Attribute: "total", Want: "INCLUDE total", Have: "INCLUDE name, sum", Breaks: true},
			{Kind: monotable.ProjectionWider, Index: "byUser", Attribute: "sum", Want: "INCLUDE total", Have: "INCLUDE name, sum"},
			{Kind: monotable.ProjectionWider, Index: "byUser", Attribute: "name", Want: "INCLUDE total", Have: "INCLUDE name, sum"},
		},
		plan: "impossible: index byUser: projection narrower of total: want INCLUDE total, have INCLUDE name, sum (an index cannot be changed; declare one under another name, and drop this one when nothing reads it)\n",
	},
	{
		name: "a key attribute named in the projection",
		made: func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes[1].Projection.NonKeyAttributes = []string{"total", "SK"}
		},
	},
	{
		name: "all projected, where some is declared",
		made: func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes[1].Projection = &types.Projection{ProjectionType: "ALL"}
		},
		want: []monotable.Finding{{Kind: monotable.ProjectionWider, Index: "byUser", Want: "INCLUDE total", Have: "ALL"}},
	},
	{
		name: "an index that is backfilled", memory: true,
		made: func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes = in.GlobalSecondaryIndexes[1:]
			in.AttributeDefinitions = append(in.AttributeDefinitions[:3], in.AttributeDefinitions[5:]...)
		},
		then: func(s *site) error { return s.addByMail() },
		want: []monotable.Finding{{Kind: monotable.IndexNotActive, Index: "byMail", Have: "CREATING, backfilling", Breaks: true}},
		plan: "add the index byMail\n",
	},
	{
		name: "an index that is deleted", memory: true,
		then: func(s *site) error {
			_, err := s.client.UpdateTable(s.t.Context(), &dynamodb.UpdateTableInput{
				TableName:                   aws.String("life"),
				GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: aws.String("byMail")}}},
			})
			return err
		},
		want: []monotable.Finding{{Kind: monotable.IndexNotActive, Index: "byMail", Have: "DELETING", Breaks: true}},
		plan: "add the index byMail\n",
	},
	{
		name: "a table that is deleted", memory: true,
		then: func(s *site) error {
			_, err := s.client.DeleteTable(s.t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("life")})
			return err
		},
		want: []monotable.Finding{{Kind: monotable.TableNotActive, Have: "DELETING", Breaks: true}},
		plan: "create the table\n",
	},
	{
		name:   "an archived table",
		answer: otherAnswers{table: func(d *types.TableDescription) { d.TableStatus = types.TableStatusArchived }},
		want:   []monotable.Finding{{Kind: monotable.TableNotActive, Have: "ARCHIVED", Breaks: true}},
		plan:   "impossible: table not active: have ARCHIVED (the table cannot be used in this state; see to it at AWS)\n",
	},
	{
		name:   "a table that is updated can be used",
		answer: otherAnswers{table: func(d *types.TableDescription) { d.TableStatus = types.TableStatusUpdating }},
	},
	{
		name: "another billing", opts: []monotable.CreateOption{monotable.OnDemand()}, made: provisionedByHand,
		want: []monotable.Finding{{Kind: monotable.BillingDiffers, Want: "PAY_PER_REQUEST", Have: "PROVISIONED"}},
		plan: "impossible: billing: want PAY_PER_REQUEST, have PROVISIONED (another billing is no addition; use UpdateTable)\n",
	},
	{
		name: "another billing, the other way round", opts: []monotable.CreateOption{monotable.Provisioned(1, 1)},
		want: []monotable.Finding{{Kind: monotable.BillingDiffers, Want: "PROVISIONED", Have: "PAY_PER_REQUEST"}},
		plan: "impossible: billing: want PROVISIONED, have PAY_PER_REQUEST (another billing is no addition; use UpdateTable)\n",
	},
	{name: "billing that nobody asked for", made: provisionedByHand},
	{
		name: "other units", opts: []monotable.CreateOption{monotable.Provisioned(9, 9)}, made: provisionedByHand,
	},
	{
		name: "TTL off", then: func(s *site) error { return s.setTTL("expires", false) },
		want: []monotable.Finding{{Kind: monotable.TTLOff, Want: "expires"}},
		plan: "switch on TTL expires\n",
	},
	{
		name: "TTL on another attribute", opts: []monotable.CreateOption{monotable.TTL("until")},
		want: []monotable.Finding{{Kind: monotable.TTLAttribute, Want: "until", Have: "expires"}},
		plan: "impossible: TTL on another attribute: want until, have expires (TTL must be switched off first, which is no addition; use UpdateTimeToLive)\n",
	},
	{
		name:   "TTL on its way in",
		answer: otherAnswers{ttl: &types.TimeToLiveDescription{AttributeName: aws.String("expires"), TimeToLiveStatus: types.TimeToLiveStatusEnabling}},
		want:   []monotable.Finding{{Kind: monotable.TTLChanging, Want: "expires", Have: "ENABLING"}},
	},
	{
		name:   "TTL of another attribute on its way in",
		answer: otherAnswers{ttl: &types.TimeToLiveDescription{AttributeName: aws.String("until"), TimeToLiveStatus: types.TimeToLiveStatusEnabling}},
		want:   []monotable.Finding{{Kind: monotable.TTLAttribute, Want: "expires", Have: "until"}},
		plan:   "impossible: TTL on another attribute: want expires, have until (TTL must be switched off first, which is no addition; use UpdateTimeToLive)\n",
	},
	{
		name:   "TTL on its way out",
		answer: otherAnswers{ttl: &types.TimeToLiveDescription{AttributeName: aws.String("expires"), TimeToLiveStatus: types.TimeToLiveStatusDisabling}},
		want:   []monotable.Finding{{Kind: monotable.TTLChanging, Want: "expires", Have: "DISABLING"}},
		plan:   "switch on TTL expires\n",
	},
	{
		name: "no stream", opts: []monotable.CreateOption{monotable.Stream(types.StreamViewTypeNewImage)},
		want: []monotable.Finding{{Kind: monotable.StreamOff, Want: "NEW_IMAGE"}},
		plan: "switch on the stream: NEW_IMAGE\n",
	},
	{
		name: "another view", opts: []monotable.CreateOption{monotable.Stream(types.StreamViewTypeNewImage)},
		made: func(in *dynamodb.CreateTableInput) {
			in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly}
		},
		want: []monotable.Finding{{Kind: monotable.StreamView, Want: "NEW_IMAGE", Have: "KEYS_ONLY"}},
		plan: "impossible: stream view: want NEW_IMAGE, have KEYS_ONLY (the stream must be switched off first, which its readers would notice; use UpdateTable)\n",
	},
	{
		name: "no protection", opts: []monotable.CreateOption{monotable.DeletionProtection()},
		want: []monotable.Finding{{Kind: monotable.Unprotected}},
		plan: "protect the table against deletion\n",
	},
	{
		name: "more than asked for",
		made: func(in *dynamodb.CreateTableInput) {
			in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly}
			in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
		},
	},
	{
		name: "tags", memory: true, opts: []monotable.CreateOption{monotable.Tags(map[string]string{"env": "test", "team": "shop", "cost": "1"})},
		made: func(in *dynamodb.CreateTableInput) {
			in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("mail")}, {Key: aws.String("cost"), Value: aws.String("1")}}
		},
		want: []monotable.Finding{
			{Kind: monotable.TagMissing, Attribute: "env", Want: "test"},
			{Kind: monotable.TagDiffers, Attribute: "team", Want: "shop", Have: "mail"},
		},
		plan: "tag the table env: test\n" +
			"impossible: tag differs of team: want shop, have mail (the tag has another value, which would be lost; use TagResource)\n",
	},
	{
		name: "tags on two pages", opts: []monotable.CreateOption{monotable.Tags(map[string]string{"a": "1", "b": "2"})},
		answer: otherAnswers{pages: [][]types.Tag{{{Key: aws.String("a"), Value: aws.String("1")}}, {{Key: aws.String("b"), Value: aws.String("2")}}}},
	},
}

func provisionedByHand(in *dynamodb.CreateTableInput) {
	units := &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(2), WriteCapacityUnits: aws.Int64(3)}
	in.BillingMode, in.ProvisionedThroughput = "", units
	for i := range in.GlobalSecondaryIndexes {
		in.GlobalSecondaryIndexes[i].ProvisionedThroughput = units
	}
}

func (s *site) setTTL(attribute string, on bool) error {
	_, err := s.client.UpdateTimeToLive(s.t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: aws.String("life"), TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &attribute, Enabled: &on},
	})
	return err
}

// addByMail begins to add an index as it is declared.
func (s *site) addByMail() error {
	index := s.table(s.client).CreateInput().GlobalSecondaryIndexes[0]
	_, err := s.client.UpdateTable(s.t.Context(), &dynamodb.UpdateTableInput{
		TableName: aws.String("life"),
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("GSI1PK"), AttributeType: "S"}, {AttributeName: aws.String("GSI1SK"), AttributeType: "S"},
		},
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName: index.IndexName, KeySchema: index.KeySchema, Projection: index.Projection,
		}}},
	})
	return err
}

// TestVerify compares tables made by hand.
func TestVerify(t *testing.T) {
	t.Parallel()
	for _, row := range drifts {
		t.Run(row.name, func(t *testing.T) {
			run := onSite
			if row.memory {
				run = inMemory
			}
			run(t, func(s *site) {
				table := s.table(s.client)
				if !row.none {
					in := table.CreateInput()
					if row.made != nil {
						row.made(in)
					}
					_, err := s.client.CreateTable(s.t.Context(), in)
					require.NoError(s.t, err)
					s.rest()
					require.NoError(s.t, s.setTTL("expires", true))
				}
				if row.then != nil {
					require.NoError(s.t, row.then(s))
				}
				var faults monotabletest.Faults
				admin := row.answer
				admin.Client = faults.Client(s.client)
				findings, err := table.Verify(s.t.Context(), &admin, row.opts...)
				require.NoError(s.t, err)
				assert.Equal(s.t, row.want, findings)
				changes, err := table.Plan(s.t.Context(), &admin, row.opts...)
				require.NoError(s.t, err)
				assert.Equal(s.t, row.plan, changes.String())
				for _, name := range operations(&faults) {
					assert.Contains(s.t, []string{"DescribeTable", "DescribeTimeToLive", "ListTagsOfResource"}, name, "nothing is changed")
				}
			})
		})
	}
}

// TestVerifyOnlyWhatIsDeclared: without an entity that expires, and without options, nothing else is asked, but whether items are deleted by a TTL that nobody declared.
func TestVerifyOnlyWhatIsDeclared(t *testing.T) {
	t.Parallel()
	onSite(t, func(s *site) {
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		table, err := monotable.NewTable(client, s.cfg)
		require.NoError(s.t, err)
		require.NoError(s.t, table.Create(s.t.Context(), s.client))
		s.requireDeclared(table)
		findings, err := table.Verify(s.t.Context(), client)
		require.NoError(s.t, err)
		assert.Empty(s.t, findings)
		assert.Equal(s.t, []string{"DescribeTable", "DescribeTimeToLive"}, operations(&faults))

		faults.Script("DescribeTimeToLive", monotabletest.Refuse(400, "UnknownOperationException"))
		findings, err = table.Verify(s.t.Context(), client)
		require.NoError(s.t, err)
		assert.Empty(s.t, findings)
		_, err = s.client.UpdateTimeToLive(s.t.Context(), &dynamodb.UpdateTimeToLiveInput{
			TableName: &s.cfg.Name, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: new("version"), Enabled: new(true)},
		})
		require.NoError(s.t, err)
		findings, err = table.Verify(s.t.Context(), client)
		require.NoError(s.t, err)
		require.Len(s.t, findings, 1)
		assert.Equal(s.t, monotable.TTLExtra, findings[0].Kind)
		assert.Equal(s.t, "version", findings[0].Have)

		// A server that knows no tags is not held to them.
		faults.Script("ListTagsOfResource", monotabletest.Refuse(400, "UnknownOperationException"))
		findings, err = table.Verify(s.t.Context(), client, monotable.Tags(map[string]string{"a": "b"}))
		require.NoError(s.t, err)
		assert.Len(s.t, findings, 1, "that of TTL alone")
	})
}

// TestVerifyFails: what cannot be compared is an error, not a finding.
func TestVerifyFails(t *testing.T) {
	onSite(t, func(s *site) {
		table := s.table(s.client)
		require.NoError(s.t, table.Create(s.t.Context(), s.client))
		tagged := monotable.Tags(map[string]string{"a": "b"})
		for _, name := range []string{"DescribeTable", "DescribeTimeToLive", "ListTagsOfResource"} {
			var faults monotabletest.Faults
			faults.Script(name, monotabletest.Refuse(400, "AccessDeniedException"), monotabletest.Refuse(400, "AccessDeniedException"))
			client := faults.Client(s.client)
			findings, err := table.Verify(s.t.Context(), client, tagged)
			require.ErrorContains(s.t, err, "monotable: Verify life: AccessDeniedException", name)
			assert.Nil(s.t, findings)
			changes, err := table.Plan(s.t.Context(), client, tagged)
			require.ErrorContains(s.t, err, "monotable: Plan life: AccessDeniedException", name)
			assert.Empty(s.t, changes)
		}
	})
}

// TestFindingsAreData for reports in other tools.
func TestFindingsAreData(t *testing.T) {
	f := monotable.Finding{Kind: monotable.KeyType, Index: "GSI1", Attribute: "GSI1PK", Want: "S", Have: "N", Breaks: true}
	assert.Equal(t, "index GSI1: key type of GSI1PK: want S, have N", f.String())
	data, err := json.Marshal(f)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Kind": "key type", "Index": "GSI1", "Attribute": "GSI1PK", "Want": "S", "Have": "N", "Breaks": true}`, string(data))
}
