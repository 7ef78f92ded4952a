package stream

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// Newer makes a projected item follow the records of one source item, each once: the attribute keeps the sequence number of the last one that was applied, and the write is
// refused, with ErrConditionFailed, if the item has that of the current record or of a later one. Give it to Update or Upsert beside the changes, and the error to [Seen]:
//
//	_, err := summaries.Upsert(ctx, Summary{ID: account.ID}, balance.Set(account.Balance), stream.Newer(ctx, applied))
//	return stream.Seen(err)
//
// The attribute is a text of the projected item's type. For a Remove mark the projected item as removed, so that a repeated older record does not bring it back; nor should it expire within the
// 24 hours that records may come again. The numbers of one item's changes are comparable; for an item that
// is made of several source items use [Once]. Outside of a handler it is a change that the verb refuses with ErrInvalid.
func Newer[T any](ctx context.Context, applied monotable.Attr[T, string]) monotable.Change[T] {
	r, ok := Current(ctx)
	if !ok || r.Sequence == "" {
		return nil
	}
	return Above(applied, r.position())
}

// Above sets an attribute on the condition that it is absent or lower: [Newer] for a number of the program's own, such as the version of the source item, if that is never created anew.
func Above[T, V any](attribute monotable.Attr[T, V], v V) monotable.Change[T] {
	return monotable.Join(monotable.Any(attribute.NotExists(), attribute.Lt(v)), attribute.Set(v))
}

// Seen is nil for an error that says that a condition of the caller's own refused a write, as that of [Newer] does for a repeated or older record. All other errors stay, those of a missing item, a taken
// value, another version or another entity among them, and those of transactions. A write that has more conditions than that should look at the error itself.
func Seen(err error) error {
	failed, ok := errors.AsType[*monotable.ConditionError](err)
	if !ok || failed.Attribute != "" {
		return err
	}
	if _, ok := errors.AsType[*monotable.TransactionError](err); ok {
		return err
	}
	for _, reason := range []error{
		monotable.ErrNotFound, monotable.ErrAlreadyExists, monotable.ErrVersionConflict, monotable.ErrDuplicate, monotable.ErrWrongEntity, monotable.ErrNewerSchema, monotable.ErrOutdatedSchema,
	} {
		if errors.Is(err, reason) {
			return err
		}
	}
	return nil
}

const (
	markName   = "monotable.Applied" // the type tag of marks: no entity may have this name
	markPrefix = "APPLIED#"
)

// isMark knows a mark by its key alone.
func isMark(key item) bool {
	for _, av := range key {
		if s, ok := av.(*types.AttributeValueMemberS); !ok || !markKey.MatchString(s.Value) {
			return false
		}
	}
	return len(key) > 0
}

var markKey = regexp.MustCompile(`^` + markPrefix + `.*#[A-Za-z0-9_-]{43}$`)

// mark says up to which record the changes of one source item are applied.
type mark struct {
	Consumer string `dynamodbav:"_consumer"`
	Item     string `dynamodbav:"_item"` // a hash of the key, which may be long, or secret
	Sequence string `dynamodbav:"_sequence"`
}

var markSequence = monotable.Field(func(m *mark) *string { return &m.Sequence })

// Once applies the effects of each record once, whatever they are: in the transaction that writes them it writes a mark, one small item for each source item and consumer, on the
// condition that it does not say already that this record is applied. It is safe for concurrent use, and so are several processes.
type Once struct {
	table    *monotable.Table
	marks    *monotable.Entity[mark]
	consumer string
}

// NewOnce keeps the marks of a consumer in a table, whose keys must be text: the one that the effects are written to, or another one of the same client. Their partition key is
// APPLIED#consumer#hash, and so is their sort key, if the table has one. Consumers whose effects are independent have different names. Nothing is sent.
func NewOnce(t *monotable.Table, consumer string) (*Once, error) {
	if consumer == "" {
		return nil, fmt.Errorf("%w: stream: a consumer has a name", ErrInvalid)
	}
	d := t.Declaration()
	if len(d.Scope) > 0 {
		return nil, fmt.Errorf("%w: stream: marks stand outside of the scope of a Scoped table", ErrInvalid)
	}
	if d.PartitionKey.Type != types.ScalarAttributeTypeS || d.SortKey.Name != "" && d.SortKey.Type != types.ScalarAttributeTypeS {
		return nil, fmt.Errorf("%w: stream: marks need a table whose keys are text; keep them in another table than %s", ErrInvalid, d.Table)
	}
	// A table of its own, so that the marks of two consumers are not one entity defined twice.
	own, err := monotable.NewTable(t.Client(), monotable.TableConfig{
		Name: d.Table, PartitionKey: d.PartitionKey.Name, PartitionKeyType: d.PartitionKey.Type, SortKey: d.SortKey.Name, SortKeyType: d.SortKey.Type,
		TypeTag: d.TypeTag, WriteID: d.WriteID, SchemaVersion: d.SchemaVersion,
	})
	if err != nil {
		return nil, err
	}
	template := markPrefix + "{_consumer}#{_item}"
	key := monotable.Key{Partition: template}
	if d.SortKey.Name != "" {
		key.Sort = template
	}
	marks, err := monotable.NewEntity(own, monotable.Schema[mark]{
		Name: markName, Key: key,
		Rules: []monotable.Rule[mark]{monotable.Field(func(m *mark) *string { return &m.Consumer }).Escaped()},
	})
	if err != nil {
		return nil, err
	}
	return &Once{table: t, marks: marks, consumer: consumer}, nil
}

// Apply carries out operations, up to 99, as the effect of the handler's record, in one transaction with its mark. applied is false if it was applied before, or if
// a later record of the item was: then nothing is written, and that is no error. A handler may call it several times, always in the same order: each call has a mark of its own. Marks stay: they are some 200 bytes each,
// one for each source item. Outside of a handler it is ErrInvalid; other errors are those of [monotable.Table.TransactWrite], after all of which the record may
// be tried again.
func (o *Once) Apply(ctx context.Context, ops ...monotable.WriteOp) (applied bool, _ error) {
	c, ok := currentOf(ctx)
	if !ok || c.record.Sequence == "" {
		return false, fmt.Errorf("%w: stream: Apply outside of a handler", ErrInvalid)
	}
	hashed := c.record.identity()
	if n := c.applied.Add(1); n > 1 {
		hashed += "\x00" + strconv.Itoa(int(n))
	}
	hash := sha256.Sum256([]byte(hashed))
	m := mark{Consumer: o.consumer, Item: base64.RawURLEncoding.EncodeToString(hash[:]), Sequence: c.record.position()}
	put := o.marks.PutOp(m, monotable.Any(markSequence.NotExists(), markSequence.Lt(m.Sequence)))
	err := o.table.TransactWrite(ctx, append(ops[:len(ops):len(ops)], put)...)
	if failed, ok := errors.AsType[*monotable.TransactionError](err); ok {
		for _, op := range failed.Operations {
			if op.Index == len(ops) && errors.Is(op.Err, monotable.ErrConditionFailed) {
				return false, nil
			}
		}
	}
	return err == nil, err
}
