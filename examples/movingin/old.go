package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// oldStore is the code that is moving out: the SDK alone, with keys, attributes and expressions by hand. Its items have no tag.
//
//	            PK               SK           GSI1PK          GSI1SK
//	customer    CUSTOMER#<id>    PROFILE      EMAIL#<email>   CUSTOMER#<id>
//	order       CUSTOMER#<id>    ORDER#<id>
//
// Orders by status are found by a scan.
type oldStore struct {
	client *dynamodb.Client
	table  string
}

type attributes = map[string]types.AttributeValue

func avS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func avN[N int | int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func customerKey(id string) attributes {
	return attributes{"PK": avS("CUSTOMER#" + id), "SK": avS("PROFILE")}
}

func orderKey(customer, id string) attributes {
	return attributes{"PK": avS("CUSTOMER#" + customer), "SK": avS("ORDER#" + id)}
}

func (s *oldStore) Customer(ctx context.Context, id string) (Customer, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: customerKey(id), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return Customer{}, fmt.Errorf("get customer: %w", err)
	}
	if len(out.Item) == 0 {
		return Customer{}, ErrNotFound
	}
	return customerOf(out.Item)
}

func (s *oldStore) CustomerByEmail(ctx context.Context, email string) (Customer, error) {
	out, err := s.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("GSI1"),
		KeyConditionExpression:    aws.String("GSI1PK = :pk"),
		ExpressionAttributeValues: attributes{":pk": avS("EMAIL#" + strings.ToLower(email))},
	})
	if err != nil {
		return Customer{}, fmt.Errorf("query customer: %w", err)
	}
	if len(out.Items) == 0 {
		return Customer{}, ErrNotFound
	}
	return customerOf(out.Items[0])
}

func (s *oldStore) Orders(ctx context.Context, customer string) ([]Order, error) {
	var orders []Order
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("PK = :pk AND begins_with(SK, :sk)"),
		ExpressionAttributeValues: attributes{":pk": avS("CUSTOMER#" + customer), ":sk": avS("ORDER#")},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("query orders: %w", err)
		}
		if orders, err = appendOrders(orders, page.Items); err != nil {
			return nil, err
		}
	}
	return orders, nil
}

func (s *oldStore) OrdersByStatus(ctx context.Context, status string) ([]Order, error) {
	var orders []Order
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		FilterExpression:          aws.String("begins_with(SK, :sk) AND #s = :status"),
		ExpressionAttributeNames:  map[string]string{"#s": "status"},
		ExpressionAttributeValues: attributes{":sk": avS("ORDER#"), ":status": avS(status)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("scan orders: %w", err)
		}
		if orders, err = appendOrders(orders, page.Items); err != nil {
			return nil, err
		}
	}
	return orders, nil
}

func (s *oldStore) SaveCustomer(ctx context.Context, c Customer) (Customer, error) {
	c.Email = strings.ToLower(c.Email)
	item := customerKey(c.ID)
	item["GSI1PK"], item["GSI1SK"] = avS("EMAIL#"+c.Email), avS("CUSTOMER#"+c.ID)
	item["id"], item["email"], item["name"] = avS(c.ID), avS(c.Email), avS(c.Name)
	item["points"], item["since"], item["version"] = avN(c.Points), avN(c.Since.Unix()), avN(c.Version+1)
	in := &dynamodb.PutItemInput{TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(PK)")}
	if c.Version > 0 {
		in.ConditionExpression = aws.String("version = :v")
		in.ExpressionAttributeValues = attributes{":v": avN(c.Version)}
	}
	if _, err := s.client.PutItem(ctx, in); err != nil {
		return Customer{}, refused("put customer", err, ErrConflict)
	}
	c.Version++
	return c, nil
}

func (s *oldStore) AddPoints(ctx context.Context, id string, points int) error {
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: customerKey(id),
		UpdateExpression:          aws.String("ADD points :n, version :one"),
		ConditionExpression:       aws.String("attribute_exists(PK)"),
		ExpressionAttributeValues: attributes{":n": avN(points), ":one": avN(1)},
	})
	return refused("add points", err, ErrNotFound)
}

func (s *oldStore) PlaceOrder(ctx context.Context, o Order) error {
	item := orderKey(o.Customer, o.ID)
	item["customer"], item["id"], item["status"] = avS(o.Customer), avS(o.ID), avS(o.Status)
	item["total"], item["placed"] = avN(o.Total), avN(o.Placed.Unix())
	if o.Note != "" {
		item["note"] = avS(o.Note)
	}
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(PK)")})
	return refused("put order", err, ErrConflict)
}

func (s *oldStore) SetStatus(ctx context.Context, customer, id, from, to string) error {
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: orderKey(customer, id),
		UpdateExpression:          aws.String("SET #s = :to"),
		ConditionExpression:       aws.String("#s = :from"),
		ExpressionAttributeNames:  map[string]string{"#s": "status"},
		ExpressionAttributeValues: attributes{":from": avS(from), ":to": avS(to)},
	})
	return refused("update order", err, ErrConflict)
}

// refused turns a failed condition into the program's own error.
func refused(what string, err, as error) error {
	if err == nil {
		return nil
	}
	if failed := new(types.ConditionalCheckFailedException); errors.As(err, &failed) {
		err = as
	}
	return fmt.Errorf("%s: %w", what, err)
}

// reading reads attributes and keeps the first error.
type reading struct {
	item attributes
	err  error
}

func (r *reading) text(name string) string {
	if s, ok := r.item[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func (r *reading) number(name string) int64 {
	n, ok := r.item[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("attribute %s: no number", name)
	}
	return i
}

func customerOf(item attributes) (Customer, error) {
	r := &reading{item: item}
	c := Customer{
		ID: r.text("id"), Email: r.text("email"), Name: r.text("name"),
		Points: int(r.number("points")), Since: time.Unix(r.number("since"), 0), Version: r.number("version"),
	}
	return c, r.err
}

func appendOrders(orders []Order, items []attributes) ([]Order, error) {
	for _, item := range items {
		r := &reading{item: item}
		orders = append(orders, Order{
			Customer: r.text("customer"), ID: r.text("id"), Status: r.text("status"),
			Total: int(r.number("total")), Note: r.text("note"), Placed: time.Unix(r.number("placed"), 0),
		})
		if r.err != nil {
			return nil, r.err
		}
	}
	return orders, nil
}
