package migrate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/monotable/monotable"
	backoff "github.com/monotable/monotable/internal/retry"
)

// ErrInvalid says that something was refused here, before anything was sent. It is [monotable.ErrInvalid].
var ErrInvalid = monotable.ErrInvalid

// Tag is the type tag of records: no entity may have this name.
const Tag = "monotable.Migration"

// Attributes of a record, besides its key and the tag. No index may be keyed by one of them.
const (
	attrOwner  = "_owner"  // S, random, of one acquisition; absent while nobody holds the lease
	attrHolder = "_holder" // S, who that is, for people
	attrFence  = "_fence"  // N, one higher with each acquisition; stays
	attrBeat   = "_beat"   // N, of the holder's last write
	attrTerm   = "_term"   // N, how long the lease lasts without another write, in milliseconds
	attrUntil  = "_until"  // S, when that is by the holder's clock, for people
	attrData   = "_data"   // M, what the holders have saved; stays
)

type item = map[string]types.AttributeValue

// Store is where leases and what is recorded under them are kept: one item for each name, in a table of yours. The partition key of the record "x" is
// MIGRATION#x, and so is its sort key, if the table has one. It is safe for concurrent use.
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

	dry bool // of a dry run

	mu   sync.Mutex
	seen map[string]sighting // of leases that others hold
}

// dryStore is the store of a dry run.
func (s *Store) dryStore() *Store {
	return &Store{
		client: s.client, table: s.table, partition: s.partition, sort: s.sort, tag: s.tag, prefix: s.prefix, clock: s.clock,
		holder: s.holder, logger: s.logger, clientOptions: s.clientOptions, dry: true, seen: map[string]sighting{},
	}
}

// StoreOption is a setting of a [Store].
type StoreOption func(*Store)

// Prefix is what the keys of records begin with, for two sets of records in one table; "" means MIGRATION#.
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

// Logger is told of migrations as they begin and end and of leases that were lost; nil means slog.Default() at the time of NewStore.
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
// may be keyed by an attribute of records (_owner, _holder, _fence, _beat, _term, _until, _data); otherwise it is ErrInvalid. NewStore sends nothing.
func NewStore(t *monotable.Table, opts ...StoreOption) (*Store, error) {
	d := t.Declaration()
	s := &Store{
		client: t.Client(), table: d.Table, partition: d.PartitionKey.Name, sort: d.SortKey.Name, tag: d.TypeTag,
		prefix: "MIGRATION#", clock: time.Now, logger: slog.Default(), seen: map[string]sighting{},
	}
	for _, opt := range opts {
		opt(s)
	}
	if d.PartitionKey.Type != types.ScalarAttributeTypeS || s.sort != "" && d.SortKey.Type != types.ScalarAttributeTypeS {
		return nil, fmt.Errorf("%w: records need a table whose keys are text; keep them in another table than %s", ErrInvalid, d.Table)
	}
	for _, name := range keyNames(d) {
		switch name {
		case attrOwner, attrHolder, attrFence, attrBeat, attrTerm, attrUntil, attrData:
			return nil, fmt.Errorf("%w: %s is an attribute of records and a key of table %s; keep them in another table", ErrInvalid, name, d.Table)
		}
	}
	return s, nil
}

func keyNames(d monotable.Declaration) []string {
	names := []string{d.PartitionKey.Name, d.SortKey.Name, d.TypeTag}
	for _, index := range d.Indexes {
		names = append(names, index.PartitionKey, index.SortKey)
		for _, k := range slices.Concat(index.PartitionKeys, index.SortKeys) {
			names = append(names, k.Name)
		}
	}
	return names
}

// Record is what is stored under a name. The zero value is a name that nobody has ever taken.
type Record struct {
	Held   bool
	Holder string                          // who holds the lease, as [Holder] says
	Until  time.Time                       // when it ends unless it is renewed, by the holder's clock
	Fence  int64                           // of the last acquisition; 0 if there was none
	Data   map[string]types.AttributeValue // what holders have saved

	owner string
	beat  int64
	term  time.Duration
}

// Load reads a record, consistently, whoever holds it. One that does not exist is the zero Record.
func (s *Store) Load(ctx context.Context, name string) (Record, error) {
	if err := s.checkName(name); err != nil {
		return Record{}, err
	}
	var out *dynamodb.GetItemOutput
	err := s.persist(ctx, callTimeout, func(ctx context.Context) (err error) {
		out, err = s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: s.key(name), ConsistentRead: new(true)}, s.clientOptions...)
		return err
	})
	if err != nil {
		return Record{}, s.failure("read", name, err)
	}
	return s.record(name, out.Item)
}

const maxName = 512 // bytes, with the prefix; a sort key takes 1024

func (s *Store) checkName(name string) error {
	if name == "" || len(s.prefix)+len(name) > maxName {
		return fmt.Errorf("%w: the name of a record has 1 to %d bytes", ErrInvalid, maxName-len(s.prefix))
	}
	return nil
}

func (s *Store) key(name string) item {
	key := item{s.partition: text(s.prefix + name)}
	if s.sort != "" {
		key[s.sort] = text(s.prefix + name)
	}
	return key
}

// record reads a stored item.
func (s *Store) record(name string, stored item) (Record, error) {
	if len(stored) == 0 {
		return Record{}, nil
	}
	if textOf(stored[s.tag]) != Tag {
		return Record{}, fmt.Errorf("migrate: the item at the key of record %q is no record; choose another Prefix", name)
	}
	r := Record{
		Holder: textOf(stored[attrHolder]), Fence: numberOf(stored[attrFence]), owner: textOf(stored[attrOwner]), beat: numberOf(stored[attrBeat]),
		term: time.Duration(numberOf(stored[attrTerm])) * time.Millisecond, Data: item{},
	}
	r.Held = r.owner != ""
	r.Until, _ = time.Parse(time.RFC3339Nano, textOf(stored[attrUntil]))
	if data, ok := stored[attrData].(*types.AttributeValueMemberM); ok {
		r.Data = data.Value
	}
	return r, nil
}

// errUnanswered is an update whose outcome cannot be told from its reply.
var errUnanswered = errors.New("migrate: the reply cannot be read")

// update sends a conditional update of a record once, and gives the record that it made, or, if the condition refused it, the one that is there.
func (s *Store) update(ctx context.Context, name string, u *update) (_ Record, refused bool, _ error) {
	out, err := s.client.UpdateItem(ctx, u.input(s, name), s.clientOptions...)
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		stored := failed.Item
		if stored == nil { // gone, or a client that does not pass it on
			r, err := s.Load(ctx, name)
			return r, true, err
		}
		r, err := s.record(name, stored)
		return r, true, err
	}
	if err != nil {
		return Record{}, false, err
	}
	if len(out.Attributes) == 0 { // the SDK takes an empty reply for an empty answer
		return Record{}, false, errUnanswered
	}
	r, err := s.record(name, out.Attributes)
	return r, false, err
}

// update is a conditional UpdateItem of a record that gives the whole new one back.
type update struct {
	set, remove  []string
	where        []string
	placeholders map[string]string // by name
	names        map[string]string // by placeholder
	values       item
}

func newUpdate() *update {
	return &update{placeholders: map[string]string{}, names: map[string]string{}, values: item{}}
}

// name gives a path of attribute names as placeholders, one for each name.
func (u *update) name(parts ...string) string {
	placeholders := make([]string, 0, len(parts))
	for _, part := range parts {
		placeholder := u.placeholders[part]
		if placeholder == "" {
			placeholder = "#n" + strconv.Itoa(len(u.names))
			u.placeholders[part], u.names[placeholder] = placeholder, part
		}
		placeholders = append(placeholders, placeholder)
	}
	return strings.Join(placeholders, ".")
}

func (u *update) value(av types.AttributeValue) string {
	placeholder := ":v" + strconv.Itoa(len(u.values))
	u.values[placeholder] = av
	return placeholder
}

func (u *update) to(name string, av types.AttributeValue) {
	u.set = append(u.set, u.name(name)+" = "+u.value(av))
}

func (u *update) drop(names ...string) {
	for _, name := range names {
		u.remove = append(u.remove, u.name(name))
	}
}

func (u *update) equal(name string, av types.AttributeValue) {
	u.where = append(u.where, u.name(name)+" = "+u.value(av))
}

func (u *update) absent(name string) {
	u.where = append(u.where, "attribute_not_exists("+u.name(name)+")")
}

// data sets attributes of the data; those that are nil are removed.
func (u *update) data(changes item) {
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		if av := changes[name]; av == nil {
			u.remove = append(u.remove, u.name(attrData, name))
		} else {
			u.set = append(u.set, u.name(attrData, name)+" = "+u.value(av))
		}
	}
}

func (u *update) input(s *Store, name string) *dynamodb.UpdateItemInput {
	var expr []string
	if len(u.set) > 0 {
		expr = append(expr, "SET "+strings.Join(u.set, ", "))
	}
	if len(u.remove) > 0 {
		expr = append(expr, "REMOVE "+strings.Join(u.remove, ", "))
	}
	return &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: s.key(name),
		UpdateExpression: new(strings.Join(expr, " ")), ConditionExpression: new(strings.Join(u.where, " AND ")),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
		ReturnValues: types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

const (
	callTimeout = 10 * time.Second
	maxTries    = 10 // of a call, besides the SDK's own
)

var between = backoff.Backoff{Base: 50 * time.Millisecond, Cap: 2 * time.Second}

// persist repeats a call that failed for a reason that passes, or had no answer within the timeout.
func (s *Store) persist(ctx context.Context, timeout time.Duration, call func(context.Context) error) error {
	for try := 0; ; try++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		bounded, cancel := context.WithTimeout(ctx, timeout)
		err := call(bounded)
		timedOut := bounded.Err() != nil
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return errors.Join(context.Cause(ctx), err)
		case try+1 == maxTries || !timedOut && !passes(err):
			return err
		}
		if waitErr := between.Wait(ctx, try); waitErr != nil {
			return errors.Join(waitErr, err)
		}
	}
}

// passes says that the same call may succeed later.
func passes(err error) bool {
	if _, answered := errors.AsType[smithy.APIError](err); !answered && errors.As(err, new(*smithy.DeserializationError)) {
		return true
	}
	return errors.Is(err, errUnanswered) || retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool() ||
		retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool()
}

// failure names what failed. The service's own text may quote the request, and is left out.
func (s *Store) failure(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &storeError{op: op, name: name, table: s.table, err: err}
}

type storeError struct {
	op, name, table string
	err             error
}

func (e *storeError) Error() string {
	return fmt.Sprintf("migrate: %s record %q in table %s: %s", e.op, e.name, e.table, bare(e.err))
}

// bare is the text of an error inside another one: of the service its code alone, since its message may quote the request.
func bare(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return strings.TrimPrefix(err.Error(), "migrate: ")
}

func (e *storeError) Unwrap() error { return e.err }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// textOf is a text's value; "" for anything else.
func textOf(av types.AttributeValue) string {
	s, _ := av.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// numberOf is a whole number's value; 0 for anything else.
func numberOf(av types.AttributeValue) int64 {
	n, _ := av.(*types.AttributeValueMemberN)
	if n == nil {
		return 0
	}
	i, _ := strconv.ParseInt(n.Value, 10, 64)
	return i
}
