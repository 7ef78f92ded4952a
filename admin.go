package monotable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/monotable/monotable/internal/retry"
)

// Admin is what the life of a table needs of DynamoDB: the SDK's calls about tables. A *[dynamodb.Client] is one. Programs that only read and write items
// need no permission for any of them. DeleteTable is not called by this package.
type Admin interface {
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	UpdateTable(context.Context, *dynamodb.UpdateTableInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error)
	DeleteTable(context.Context, *dynamodb.DeleteTableInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteTableOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
	DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
	ListTagsOfResource(context.Context, *dynamodb.ListTagsOfResourceInput, ...func(*dynamodb.Options)) (*dynamodb.ListTagsOfResourceOutput, error)
	TagResource(context.Context, *dynamodb.TagResourceInput, ...func(*dynamodb.Options)) (*dynamodb.TagResourceOutput, error)
}

var _ Admin = (*dynamodb.Client)(nil)

// noAdmin says that there is none: nil, or a nil client.
func noAdmin(admin Admin) bool {
	client, ok := admin.(*dynamodb.Client)
	return admin == nil || ok && client == nil
}

// ttlPatience is how long DynamoDB may take for one change of TTL and refuse another.
const ttlPatience = 65 * time.Minute

// tableBackoff is the wait between two looks at a table.
var tableBackoff = retry.Backoff{Base: 50 * time.Millisecond, Cap: 10 * time.Second}

// ask makes a call about the table. Whatever changes something is safe to be sent again: what it came to is looked up.
func ask[In, Out any](ctx context.Context, t *Table, call clientCall[In, Out], in *In) (*Out, error) {
	return read(ctx, t.tableCore, &t.options, call, in)
}

// describe is the table as it is; nil if there is none.
func (t *Table) describe(ctx context.Context, admin Admin) (*types.TableDescription, error) {
	out, err := ask(ctx, t, admin.DescribeTable, &dynamodb.DescribeTableInput{TableName: ptr(t.Name())})
	switch {
	case notFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	case out.Table == nil:
		return nil, errNoDescription
	}
	return out.Table, nil
}

var errNoDescription = errors.New("monotable: the answer has no description of the table")

// until takes steps until one has nothing pending, with full jitter between, or until the context ends, which alone bounds it. A step that is refused because
// the service is busy is taken again, however often; its error is told when the context ends.
func (t *Table) until(ctx context.Context, step func(context.Context) (pending string, err error)) error {
	waitingFor := ""
	for attempt := 0; ; attempt++ {
		pending, err := step(ctx)
		switch {
		case err == nil && pending == "":
			return nil
		case err == nil:
			waitingFor = pending
		case ctx.Err() != nil:
			return while(waitingFor, err)
		case !busy(err):
			return err
		}
		if ended := t.options.waitAs(ctx, tableBackoff, attempt); ended != nil {
			if err != nil {
				ended = fmt.Errorf("%w: %w", ended, err)
			}
			return while(waitingFor, ended)
		}
	}
}

// while says what was waited for when an error came.
func while(waitingFor string, err error) error {
	if waitingFor == "" || err == nil {
		return err
	}
	return &duringError{"while " + waitingFor, err}
}

// duringError says what was being done.
type duringError struct {
	what string
	err  error
}

func (e *duringError) Error() string { return "monotable: " + e.what + ": " + bare(e.err) }
func (e *duringError) Unwrap() error { return e.err }

// busy says that a call was refused for the moment.
func busy(err error) bool {
	if errors.As(err, new(*types.ResourceInUseException)) || errors.As(err, new(*types.LimitExceededException)) || errors.Is(err, ErrThrottled) {
		return true
	}
	api, answered := errors.AsType[smithy.APIError](err)
	return answered && serverFault(api, err)
}

func notFound(err error) bool { return errors.As(err, new(*types.ResourceNotFoundException)) }

// refusedAs says that the service answered with the code.
func refusedAs(err error, code string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == code
}

// liveIndex is an index as DescribeTable tells of it.
type liveIndex struct {
	name       string
	local      bool
	schema     []types.KeySchemaElement
	projection types.Projection
	status     types.IndexStatus // "" for a local one
	filling    bool
}

// liveIndexes are the indexes of a table, in the order of their names.
func liveIndexes(live *types.TableDescription) []liveIndex {
	var all []liveIndex
	for _, d := range live.LocalSecondaryIndexes {
		all = append(all, liveIndex{name: deref(d.IndexName), local: true, schema: d.KeySchema, projection: valueOf(d.Projection)})
	}
	for _, d := range live.GlobalSecondaryIndexes {
		all = append(all, liveIndex{
			name: deref(d.IndexName), schema: d.KeySchema, projection: valueOf(d.Projection), status: d.IndexStatus, filling: valueOf(d.Backfilling),
		})
	}
	slices.SortFunc(all, func(a, b liveIndex) int { return strings.Compare(a.name, b.name) })
	return all
}

// changing says that the index is on its way in or out, so that it cannot be queried and no other can be added.
func (x *liveIndex) changing() bool {
	return x.status == types.IndexStatusCreating || x.status == types.IndexStatusDeleting
}

// state is the status, in DynamoDB's words.
func (x *liveIndex) state() string {
	if x.filling {
		return string(x.status) + ", backfilling"
	}
	return string(x.status)
}

// liveIndexOf is the index of a name; nil if there is none.
func liveIndexOf(live *types.TableDescription, name string) *liveIndex {
	all := liveIndexes(live)
	if i := slices.IndexFunc(all, func(x liveIndex) bool { return x.name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// underWay says what keeps a table from being changed; "" if nothing does.
func underWay(live *types.TableDescription) string {
	for _, x := range liveIndexes(live) {
		if x.changing() {
			return "index " + x.name + " is " + x.state()
		}
	}
	if s := live.TableStatus; s != types.TableStatusActive {
		return "the table is " + string(s)
	}
	return ""
}

// valueOf is what p points to, or else zero.
func valueOf[V any](p *V) (v V) {
	if p != nil {
		v = *p
	}
	return v
}
