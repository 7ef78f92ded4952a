package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// raw is the same shop on the SDK alone, for comparison: it passes the same tests on the same items. It has what they ask for and no more.
type raw struct {
	client *dynamodb.Client
	table  string
	secret []byte
	now    func() time.Time
}

type rawItem = map[string]types.AttributeValue

func rawText(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

func rawNumber(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func rawKey(pk, sk string) rawItem {
	return rawItem{"PK": rawText(pk), "SK": rawText(sk)}
}

func rawTime(at time.Time) string {
	return at.UTC().Format("2006-01-02T15:04:05.000000000Z")
}

func rawEncode(entity, pk, sk string, v any, more rawItem) (rawItem, error) {
	item, err := attributevalue.MarshalMapWithOptions(v, func(o *attributevalue.EncoderOptions) {
		o.EncodeTime = func(at time.Time) (types.AttributeValue, error) { return rawText(rawTime(at)), nil }
	})
	if err != nil {
		return nil, err
	}
	item["_et"], item["PK"], item["SK"] = rawText(entity), rawText(pk), rawText(sk)
	for name, value := range more {
		item[name] = value
	}
	return item, nil
}

func rawDecode(entity string, item rawItem, v any) error {
	if item == nil {
		return monotable.ErrNotFound
	}
	if tag, ok := item["_et"].(*types.AttributeValueMemberS); !ok || tag.Value != entity {
		return monotable.ErrWrongEntity
	}
	return attributevalue.UnmarshalMap(item, v)
}

func (s *raw) get(ctx context.Context, entity, pk, sk string, v any) error {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: rawKey(pk, sk)})
	if err != nil {
		return err
	}
	return rawDecode(entity, out.Item, v)
}

// query reads all pages of what a partition of the table or of an index has under a prefix of the sort key.
func (s *raw) query(ctx context.Context, index, pk, prefix string) ([]rawItem, error) {
	return s.collect(ctx, s.queryInput(index, pk, prefix))
}

func (s *raw) collect(ctx context.Context, in *dynamodb.QueryInput) ([]rawItem, error) {
	var items []rawItem
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		items = append(items, out.Items...)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return items, nil
		}
	}
}

func (s *raw) queryInput(index, pk, prefix string) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("#pk = :pk"),
		ExpressionAttributeNames: map[string]string{"#pk": index + "PK"}, ExpressionAttributeValues: rawItem{":pk": rawText(pk)},
	}
	if index != "" {
		in.IndexName = &index
	}
	if prefix != "" {
		in.KeyConditionExpression = aws.String("#pk = :pk AND begins_with(#sk, :prefix)")
		in.ExpressionAttributeNames["#sk"] = index + "SK"
		in.ExpressionAttributeValues[":prefix"] = rawText(prefix)
	}
	return in
}

// page is up to 20 orders of an index, from where a signed cursor leads.
func (s *raw) page(ctx context.Context, index, pk, prefix string, forward bool, from monotable.Cursor) (page monotable.Page[Order], err error) {
	in := s.queryInput(index, pk, prefix)
	in.Limit, in.ScanIndexForward = aws.Int32(20), &forward
	if from != "" {
		if in.ExclusiveStartKey, err = s.open(from, index+pk); err != nil {
			return page, err
		}
	}
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return page, err
	}
	page.Items = make([]Order, len(out.Items))
	for i, item := range out.Items {
		if err := rawDecode("Order", item, &page.Items[i]); err != nil {
			return page, err
		}
	}
	if out.LastEvaluatedKey != nil {
		page.Next, err = s.seal(out.LastEvaluatedKey, index+pk)
	}
	return page, err
}

func (s *raw) sign(key []byte, query string) []byte {
	mac := hmac.New(sha256.New, s.secret)
	fmt.Fprintf(mac, "%d:%s%s", len(query), query, key)
	return mac.Sum(nil)
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
	return monotable.Cursor(base64.RawURLEncoding.EncodeToString(append(s.sign(text, query), text...))), nil
}

func (s *raw) open(cursor monotable.Cursor, query string) (rawItem, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(string(cursor))
	if err != nil || len(sealed) < sha256.Size || !hmac.Equal(sealed[:sha256.Size], s.sign(sealed[sha256.Size:], query)) {
		return nil, monotable.ErrBadCursor
	}
	var texts map[string]string
	if err := json.Unmarshal(sealed[sha256.Size:], &texts); err != nil {
		return nil, monotable.ErrBadCursor
	}
	return attributevalue.MarshalMap(texts)
}

func (s *raw) Profile(ctx context.Context, userID string) (user User, err error) {
	err = s.get(ctx, "User", "USER#"+userID, "PROFILE", &user)
	user.Password = ""
	return user, err
}

func (s *raw) Account(ctx context.Context, userID string) (user User, addresses []Address, err error) {
	items, err := s.query(ctx, "", "USER#"+userID, "")
	if err != nil {
		return user, nil, err
	}
	for _, item := range items {
		var address Address
		switch err := rawDecode("Address", item, &address); {
		case err == nil:
			addresses = append(addresses, address)
		case errors.Is(err, monotable.ErrWrongEntity):
			if err := rawDecode("User", item, &user); err != nil {
				return user, nil, err
			}
		default:
			return user, nil, err
		}
	}
	if user.ID == "" {
		return user, addresses, monotable.ErrNotFound
	}
	user.Password = ""
	return user, addresses, nil
}

func (s *raw) History(ctx context.Context, userID string, from monotable.Cursor) (monotable.Page[Order], error) {
	return s.page(ctx, "GSI1", "USER#"+userID, "ORDER#", false, from)
}

func (s *raw) Order(ctx context.Context, orderID string) (order Order, err error) {
	return order, s.get(ctx, "Order", "ORDER#"+orderID, "ORDER", &order)
}

func (s *raw) Invoice(ctx context.Context, orderID string) (order Order, lines []OrderLine, err error) {
	return s.invoice(ctx, orderID, false)
}

func (s *raw) invoice(ctx context.Context, orderID string, consistent bool) (order Order, lines []OrderLine, err error) {
	in := s.queryInput("", "ORDER#"+orderID, "")
	in.ConsistentRead = &consistent
	items, err := s.collect(ctx, in)
	if err != nil {
		return order, nil, err
	}
	for _, item := range items {
		var line OrderLine
		switch err := rawDecode("OrderLine", item, &line); {
		case err == nil:
			lines = append(lines, line)
		case errors.Is(err, monotable.ErrWrongEntity):
			if err := rawDecode("Order", item, &order); err != nil {
				return order, nil, err
			}
		default:
			return order, nil, err
		}
	}
	if order.ID == "" {
		return order, lines, monotable.ErrNotFound
	}
	return order, lines, nil
}

func (s *raw) Product(ctx context.Context, sku string) (product Product, err error) {
	return product, s.get(ctx, "Product", "PRODUCT#"+sku, "PRODUCT", &product)
}

func (s *raw) WithStatus(ctx context.Context, status OrderStatus, from monotable.Cursor) (monotable.Page[Order], error) {
	return s.page(ctx, "GSI2", "STATUS#"+string(status), "", true, from)
}

func (s *raw) Featured(ctx context.Context) ([]Product, error) {
	items, err := s.query(ctx, "GSI2", "FEATURED", "PRODUCT#")
	if err != nil {
		return nil, err
	}
	products := make([]Product, len(items))
	for i, item := range items {
		if err := rawDecode("Product", item, &products[i]); err != nil {
			return nil, err
		}
	}
	return products, nil
}

func (s *raw) MonthsOf(ctx context.Context, userID, year string) ([]Month, error) {
	items, err := s.query(ctx, "", "SPENT#"+userID, year)
	if err != nil {
		return nil, err
	}
	months := make([]Month, len(items))
	for i, item := range items {
		if err := rawDecode("Month", item, &months[i]); err != nil {
			return nil, err
		}
	}
	return months, nil
}

func (s *raw) Checkout(ctx context.Context, cart Cart) (Order, error) {
	if len(cart.Items) == 0 {
		return Order{}, ErrEmpty
	}
	reads := []types.TransactGetItem{{Get: &types.Get{TableName: &s.table, Key: rawKey("USER#"+cart.UserID, "ADDRESS#"+cart.AddressID)}}}
	seen := map[string]bool{}
	for _, item := range cart.Items {
		if item.Count < 1 || item.SKU == "" || seen[item.SKU] {
			return Order{}, monotable.ErrInvalid
		}
		seen[item.SKU] = true
		reads = append(reads, types.TransactGetItem{Get: &types.Get{TableName: &s.table, Key: rawKey("PRODUCT#"+item.SKU, "PRODUCT")}})
	}
	out, err := s.client.TransactGetItems(ctx, &dynamodb.TransactGetItemsInput{TransactItems: reads})
	if err != nil {
		return Order{}, err
	}
	var address Address
	if err := rawDecode("Address", out.Responses[0].Item, &address); err != nil {
		return Order{}, err
	}

	order := Order{
		ID: cart.OrderID, UserID: cart.UserID, Status: Placed, Placed: s.now().UTC(), Lines: len(cart.Items), Version: 1,
		ShipTo: fmt.Sprintf("%s, %s, %s", address.Street, address.City, address.Country),
	}
	var writes []types.TransactWriteItem
	products := make([]Product, len(cart.Items))
	for i, item := range cart.Items {
		if err := rawDecode("Product", out.Responses[i+1].Item, &products[i]); err != nil {
			return Order{}, err
		}
		price := products[i].Price
		order.Total += price * item.Count
		line, err := rawEncode("OrderLine", "ORDER#"+order.ID, fmt.Sprintf("LINE#%03d", i+1),
			OrderLine{OrderID: order.ID, N: i + 1, SKU: item.SKU, Count: item.Count, Price: price},
			rawItem{"GSI1PK": rawText("PRODUCT#" + item.SKU), "GSI1SK": rawText("ORDER#" + order.ID)})
		if err != nil {
			return Order{}, err
		}
		writes = append(writes, s.create(line), types.TransactWriteItem{Update: &types.Update{
			TableName: &s.table, Key: rawKey("PRODUCT#"+item.SKU, "PRODUCT"),
			UpdateExpression:                    aws.String("SET stock = stock - :n"),
			ConditionExpression:                 aws.String("stock >= :n AND priceCents = :price"),
			ExpressionAttributeValues:           rawItem{":n": rawNumber(item.Count), ":price": rawNumber(price)},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}})
	}
	placed := rawTime(order.Placed) + "#" + order.ID
	item, err := rawEncode("Order", "ORDER#"+order.ID, "ORDER", order, rawItem{
		"GSI1PK": rawText("USER#" + order.UserID), "GSI1SK": rawText("ORDER#" + placed),
		"GSI2PK": rawText("STATUS#" + string(order.Status)), "GSI2SK": rawText(placed),
	})
	if err != nil {
		return Order{}, err
	}
	writes = append(
		writes, s.create(item),
		types.TransactWriteItem{Update: &types.Update{
			TableName: &s.table, Key: rawKey("USER#"+order.UserID, "PROFILE"),
			UpdateExpression:          aws.String("ADD #orders :one, #version :one"),
			ConditionExpression:       aws.String("attribute_exists(PK)"),
			ExpressionAttributeNames:  map[string]string{"#orders": "orders", "#version": "version"},
			ExpressionAttributeValues: rawItem{":one": rawNumber(1)},
		}},
		s.month(order, 1),
	)
	refused, err := s.transact(ctx, writes)
	if refused == nil {
		return order, err
	}
	for i, reason := range refused {
		switch {
		case aws.ToString(reason.Code) != "ConditionalCheckFailed":
		case writes[i].Put != nil:
			return Order{}, fmt.Errorf("%w: %w", monotable.ErrAlreadyExists, err)
		case i == len(writes)-2:
			return Order{}, fmt.Errorf("%w: %w", monotable.ErrNotFound, err)
		default:
			var stored Product
			if err := rawDecode("Product", reason.Item, &stored); err != nil {
				return Order{}, err
			}
			if stored.Price != products[i/2].Price {
				return Order{}, fmt.Errorf("%w: %w", ErrPriceChanged, err)
			}
			return Order{}, fmt.Errorf("%w: %w", ErrSoldOut, err)
		}
	}
	return Order{}, err
}

func (s *raw) create(item rawItem) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(PK)")}}
}

// month adds an order to a sum, or takes it out (-1).
func (s *raw) month(order Order, sign int) types.TransactWriteItem {
	month := order.Placed.UTC().Format("2006-01")
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: rawKey("SPENT#"+order.UserID, month),
		UpdateExpression:         aws.String("SET #et = :et, userId = :user, #month = :month ADD #orders :one, totalCents :total"),
		ExpressionAttributeNames: map[string]string{"#et": "_et", "#month": "month", "#orders": "orders"},
		ExpressionAttributeValues: rawItem{
			":et": rawText("Month"), ":user": rawText(order.UserID), ":month": rawText(month), ":one": rawNumber(sign), ":total": rawNumber(sign * order.Total),
		},
	}}
}

// transact sends a transaction again while it only meets other ones. It gives the reasons of a refusal.
func (s *raw) transact(ctx context.Context, writes []types.TransactWriteItem) ([]types.CancellationReason, error) {
	for attempt := 0; ; attempt++ {
		_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
		if !ok {
			return nil, err
		}
		passing := false
		for _, reason := range canceled.CancellationReasons {
			switch aws.ToString(reason.Code) {
			case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
				passing = true
			case "None":
			default:
				return canceled.CancellationReasons, err
			}
		}
		if !passing || attempt == 20 {
			return canceled.CancellationReasons, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(10+attempt*10) * time.Millisecond):
		}
	}
}

func (s *raw) Cancel(ctx context.Context, orderID string) error {
	order, lines, err := s.invoice(ctx, orderID, true)
	if err != nil {
		return err
	}
	if len(lines) != order.Lines {
		return ErrIncomplete
	}
	writes := []types.TransactWriteItem{{Update: &types.Update{
		TableName: &s.table, Key: rawKey("ORDER#"+orderID, "ORDER"),
		UpdateExpression:         aws.String("SET #status = :to, GSI2PK = :pk ADD #version :one"),
		ConditionExpression:      aws.String("#status IN (:placed, :paid)"),
		ExpressionAttributeNames: map[string]string{"#status": "status", "#version": "version"},
		ExpressionAttributeValues: rawItem{
			":to": rawText(string(Cancelled)), ":pk": rawText("STATUS#" + string(Cancelled)), ":one": rawNumber(1),
			":placed": rawText(string(Placed)), ":paid": rawText(string(Paid)),
		},
	}}, s.month(order, -1)}
	for _, line := range lines {
		writes = append(writes, types.TransactWriteItem{Update: &types.Update{
			TableName: &s.table, Key: rawKey("PRODUCT#"+line.SKU, "PRODUCT"),
			UpdateExpression: aws.String("ADD stock :n"), ConditionExpression: aws.String("attribute_exists(PK)"),
			ExpressionAttributeValues: rawItem{":n": rawNumber(line.Count)},
		}})
	}
	refused, err := s.transact(ctx, writes)
	if len(refused) > 0 && aws.ToString(refused[0].Code) == "ConditionalCheckFailed" {
		return fmt.Errorf("%w: %w", ErrTooLate, err)
	}
	return err
}

func (s *raw) Pay(ctx context.Context, orderID string) (Order, error) {
	return s.advance(ctx, orderID, Placed, Paid)
}

func (s *raw) Ship(ctx context.Context, orderID string) (Order, error) {
	return s.advance(ctx, orderID, Paid, Shipped)
}

func (s *raw) advance(ctx context.Context, orderID string, from, to OrderStatus) (order Order, err error) {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: rawKey("ORDER#"+orderID, "ORDER"), ReturnValues: types.ReturnValueAllNew,
		UpdateExpression:         aws.String("SET #status = :to, GSI2PK = :pk ADD #version :one"),
		ConditionExpression:      aws.String("#status = :from"),
		ExpressionAttributeNames: map[string]string{"#status": "status", "#version": "version"},
		ExpressionAttributeValues: rawItem{
			":from": rawText(string(from)), ":to": rawText(string(to)), ":pk": rawText("STATUS#" + string(to)), ":one": rawNumber(1),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if refused.Item == nil {
			return order, monotable.ErrNotFound
		}
		return order, fmt.Errorf("%w: %w", ErrTooLate, err)
	}
	if err != nil {
		return order, err
	}
	return order, rawDecode("Order", out.Attributes, &order)
}

func (s *raw) Feature(ctx context.Context, sku string, featured bool) (product Product, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: rawKey("PRODUCT#"+sku, "PRODUCT"), ReturnValues: types.ReturnValueAllNew,
		UpdateExpression:          aws.String("SET featured = :yes, GSI2PK = :pk, GSI2SK = :sk"),
		ConditionExpression:       aws.String("attribute_exists(PK)"),
		ExpressionAttributeValues: rawItem{":yes": &types.AttributeValueMemberBOOL{Value: featured}, ":pk": rawText("FEATURED"), ":sk": rawText("PRODUCT#" + sku)},
	}
	if !featured {
		in.UpdateExpression = aws.String("SET featured = :yes REMOVE GSI2PK, GSI2SK")
		in.ExpressionAttributeValues = rawItem{":yes": &types.AttributeValueMemberBOOL{Value: false}}
	}
	out, err := s.client.UpdateItem(ctx, in)
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return product, monotable.ErrNotFound
	}
	if err != nil {
		return product, err
	}
	return product, rawDecode("Product", out.Attributes, &product)
}
