package work

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// withSDK is what one writes by hand with the SDK, attributevalue and expression,
// asking the service for the same as monotable does.
type withSDK struct{ client *dynamodb.Client }

func keyOf(p Person) item {
	return item{
		"PK": &types.AttributeValueMemberS{Value: p.partition()},
		"SK": &types.AttributeValueMemberS{Value: p.sort()},
	}
}

func (w withSDK) get(ctx context.Context, key Person) (Person, error) {
	out, err := w.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: keyOf(key)})
	if err != nil {
		return Person{}, err
	}
	var s stored
	err = attributevalue.UnmarshalMap(out.Item, &s)
	return s.Person, err
}

func (w withSDK) put(ctx context.Context, p Person) error {
	av, err := attributevalue.MarshalMap(p.stored())
	if err != nil {
		return err
	}
	free := expression.AttributeNotExists(expression.Name("PK")).Or(expression.Name("_et").Equal(expression.Value(typeName)))
	e, err := expression.NewBuilder().WithCondition(free).Build()
	if err != nil {
		return err
	}
	_, err = w.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(tableName), Item: av,
		ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return err
}

func (w withSDK) update(ctx context.Context, key Person) (Person, error) {
	set := expression.Set(expression.Name("name"), expression.Value(newName)).
		Set(expression.Name("email"), expression.Value(newEmail)).
		Set(expression.Name("age"), expression.Value(newAge)).
		Set(expression.Name("updatedAt"), expression.Value(attributevalue.UnixTime(newTime))).
		Add(expression.Name("version"), expression.Value(1))
	as := expression.Name("_et").Equal(expression.Value(typeName)).And(expression.Name("version").Equal(expression.Value(key.Version)))
	e, err := expression.NewBuilder().WithUpdate(set).WithCondition(as).Build()
	if err != nil {
		return Person{}, err
	}
	out, err := w.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(tableName), Key: keyOf(key), UpdateExpression: e.Update(),
		ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		return Person{}, err
	}
	var s stored
	err = attributevalue.UnmarshalMap(out.Attributes, &s)
	return s.Person, err
}

func (w withSDK) query(ctx context.Context, key Person) (any, error) {
	partition := expression.Key("PK").Equal(expression.Value(key.partition())).And(expression.Key("SK").BeginsWith(skPrefix))
	e, err := expression.NewBuilder().WithKeyCondition(partition).Build()
	if err != nil {
		return nil, err
	}
	out, err := w.client.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String(tableName), KeyConditionExpression: e.KeyCondition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
	})
	if err != nil {
		return nil, err
	}
	var all []stored
	err = attributevalue.UnmarshalListOfMaps(out.Items, &all)
	return all, err
}

func (w withSDK) batchGet(ctx context.Context, keys []Person) (any, error) {
	ask := types.KeysAndAttributes{Keys: make([]map[string]types.AttributeValue, len(keys))}
	for i := range keys {
		ask.Keys[i] = keyOf(keys[i])
	}
	out, err := w.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{tableName: ask}})
	if err != nil {
		return nil, err
	}
	var all []stored
	err = attributevalue.UnmarshalListOfMaps(out.Responses[tableName], &all)
	return all, err
}

func (w withSDK) batchWrite(ctx context.Context, all []Person) error {
	writes := make([]types.WriteRequest, len(all))
	for i := range all {
		av, err := attributevalue.MarshalMap(all[i].stored())
		if err != nil {
			return err
		}
		writes[i] = types.WriteRequest{PutRequest: &types.PutRequest{Item: av}}
	}
	_, err := w.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{tableName: writes}})
	return err
}
