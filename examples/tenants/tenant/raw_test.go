package tenant_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
)

// raw is the same service on the SDK alone, for comparison: it passes the same tests on the same items. It has what they ask for and no more; Invite and
// Import it does not have.
type raw struct {
	client *dynamodb.Client
	table  string
	secret []byte
	now    func() time.Time
}

type rawItem = map[string]types.AttributeValue

// rawWrite is a part of a transaction, and what it means if its condition is not met.
type rawWrite struct {
	types.TransactWriteItem
	refused func(stored rawItem) error
}

var (
	rawUsername  = regexp.MustCompile(`^[a-z0-9_]{2,20}$`)
	rawAttribute = regexp.MustCompile(`#\w+`)
)

func rawText(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

func rawNumber[N int | int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func rawTime(at time.Time) types.AttributeValue {
	return rawText(at.UTC().Format("2006-01-02T15:04:05.000000000Z"))
}

func rawKey(pk, sk string) rawItem { return rawItem{"PK": rawText(pk), "SK": rawText(sk)} }

func rawUserKey(id string) rawItem { return rawKey("USER#"+id, "PROFILE") }

func rawOrgKey(id string) rawItem { return rawKey("ORG#"+id, "PROFILE") }

func rawMemberKey(org, user string) rawItem { return rawKey("ORG#"+org, "MEMBER#"+user) }

// rawEscape makes an email a part of a key.
func rawEscape(email string) string {
	return strings.NewReplacer("$", "$24", "#", "$23").Replace(email)
}

// rawNames are the names that expressions have behind a #: many are reserved words.
func rawNames(expressions ...string) map[string]string {
	names := map[string]string{}
	for _, name := range rawAttribute.FindAllString(strings.Join(expressions, " "), -1) {
		names[name] = name[1:]
	}
	return names
}

func rawEncode(entity string, key rawItem, v any, indexes map[string]string) (rawItem, error) {
	item, err := attributevalue.MarshalMapWithOptions(v, func(o *attributevalue.EncoderOptions) {
		o.EncodeTime = func(at time.Time) (types.AttributeValue, error) { return rawTime(at), nil }
	})
	if err != nil {
		return nil, err
	}
	maps.Copy(item, key)
	item["_et"] = rawText(entity)
	for name, value := range indexes {
		item[name] = rawText(value)
	}
	return item, nil
}

func rawDecode[T any](entity string, item rawItem) (v T, err error) {
	if item == nil {
		return v, monotable.ErrNotFound
	}
	if tag, ok := item["_et"].(*types.AttributeValueMemberS); !ok || tag.Value != entity {
		return v, monotable.ErrWrongEntity
	}
	err = attributevalue.UnmarshalMap(item, &v)
	return v, err
}

func rawDecodeAll[T any](entity string, items []rawItem) (all []T, err error) {
	all = make([]T, len(items))
	for i, item := range items {
		if all[i], err = rawDecode[T](entity, item); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *raw) get(ctx context.Context, key rawItem, consistent bool) (rawItem, error) {
	if err := rawCheckKey(key); err != nil {
		return nil, err
	}
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: key, ConsistentRead: &consistent})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// rawCheckKey refuses keys that values with a # have made into others.
func rawCheckKey(key rawItem) error {
	pk, ok := key["PK"].(*types.AttributeValueMemberS)
	if !ok || strings.HasSuffix(pk.Value, "#") || !strings.HasPrefix(pk.Value, "UNIQUE#") && strings.Count(pk.Value, "#") > 1 {
		return monotable.ErrInvalid
	}
	return nil
}

func (s *raw) queryInput(index, pk, prefix string) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("#pk = :pk AND begins_with(#sk, :prefix)"),
		ExpressionAttributeNames:  map[string]string{"#pk": index + "PK", "#sk": index + "SK"},
		ExpressionAttributeValues: rawItem{":pk": rawText(pk), ":prefix": rawText(prefix)},
	}
	if prefix == "" {
		in.KeyConditionExpression = aws.String("#pk = :pk")
		delete(in.ExpressionAttributeNames, "#sk")
		delete(in.ExpressionAttributeValues, ":prefix")
	}
	if index != "" {
		in.IndexName = &index
	}
	return in
}

// query reads all pages.
func (s *raw) query(ctx context.Context, in *dynamodb.QueryInput) (items []rawItem, count int, err error) {
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, 0, err
		}
		items, count = append(items, out.Items...), count+int(out.Count)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return items, count, nil
		}
	}
}

// page reads one item more, so that there is no cursor where the list ends.
func (s *raw) page(ctx context.Context, in *dynamodb.QueryInput, limit int, from monotable.Cursor) (items []rawItem, next monotable.Cursor, err error) {
	limit = min(max(limit, 1), 100)
	in.Limit = aws.Int32(int32(limit + 1))
	index := aws.ToString(in.IndexName)
	query := fmt.Sprint(index, in.ExpressionAttributeValues[":pk"].(*types.AttributeValueMemberS).Value)
	if from != "" {
		if in.ExclusiveStartKey, err = s.open(from, query); err != nil {
			return nil, "", err
		}
	}
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return nil, "", err
	}
	items, last := out.Items, out.LastEvaluatedKey
	if len(items) > limit {
		items, last = items[:limit], rawItem{}
		for _, name := range []string{"PK", "SK", index + "PK", index + "SK"} {
			last[name] = items[limit-1][name]
		}
	}
	if last != nil {
		next, err = s.seal(last, query)
	}
	return items, next, err
}

// box encrypts and signs cursors.
func (s *raw) box() (cipher.AEAD, error) {
	key := sha256.Sum256(s.secret)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (s *raw) seal(key rawItem, query string) (monotable.Cursor, error) {
	var texts map[string]string
	if err := attributevalue.UnmarshalMap(key, &texts); err != nil {
		return "", err
	}
	text, err := json.Marshal(texts)
	if err != nil {
		return "", err
	}
	box, err := s.box()
	if err != nil {
		return "", err
	}
	return monotable.Cursor(base64.RawURLEncoding.EncodeToString(box.Seal(nil, nil, text, []byte(query)))), nil
}

func (s *raw) open(cursor monotable.Cursor, query string) (rawItem, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(string(cursor))
	if err != nil {
		return nil, monotable.ErrBadCursor
	}
	box, err := s.box()
	if err != nil {
		return nil, err
	}
	text, err := box.Open(nil, nil, sealed, []byte(query))
	if err != nil {
		return nil, monotable.ErrBadCursor
	}
	var texts map[string]string
	if err := json.Unmarshal(text, &texts); err != nil {
		return nil, monotable.ErrBadCursor
	}
	return attributevalue.MarshalMap(texts)
}

// transact sends a transaction again while it only meets other ones.
func (s *raw) transact(ctx context.Context, writes ...rawWrite) error {
	in := &dynamodb.TransactWriteItemsInput{}
	for _, w := range writes {
		in.TransactItems = append(in.TransactItems, w.TransactWriteItem)
	}
	for attempt := 0; ; attempt++ {
		_, err := s.client.TransactWriteItems(ctx, in)
		canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
		if !ok {
			return err
		}
		for i, reason := range canceled.CancellationReasons {
			if aws.ToString(reason.Code) == "ConditionalCheckFailed" {
				return fmt.Errorf("%w: %w", writes[i].refused(reason.Item), err)
			}
		}
		passing := slices.ContainsFunc(canceled.CancellationReasons, func(r types.CancellationReason) bool {
			return slices.Contains([]string{"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}, aws.ToString(r.Code))
		})
		if !passing || attempt == 20 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(10+attempt*10) * time.Millisecond):
		}
	}
}

// create stores an item where none is.
func (s *raw) create(item rawItem, exists error) rawWrite {
	return rawWrite{
		types.TransactWriteItem{Put: &types.Put{TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(PK)")}},
		func(rawItem) error { return exists },
	}
}

func (s *raw) update(key rawItem, update, condition string, values rawItem) rawWrite {
	return rawWrite{types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: key, UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames: rawNames(update, condition), ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}, rawRefused}
}

func rawRefused(stored rawItem) error {
	if stored == nil {
		return monotable.ErrNotFound
	}
	if u, err := rawDecode[tenant.User]("User", stored); err == nil && u.Status == tenant.Deleted {
		return tenant.ErrDeleted
	}
	return monotable.ErrConditionFailed
}

func rawPause(ctx context.Context, attempt int) error {
	if attempt == 10 {
		return monotable.ErrThrottled
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(50 * time.Millisecond << attempt):
		return nil
	}
}
