package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/monotabletest"
)

// newStore is an empty store in a database of the test's own.
func newStore(t *testing.T) *Store {
	t.Helper()
	s, err := createStore(t.Context(), monotabletest.Client(t), Options{
		Table:        "quickstart",
		CursorSecret: bytes.Repeat([]byte("s"), 32),
		Clock:        today,
	})
	require.NoError(t, err)
	t.Cleanup(func() { s.drop(context.Background()) }) // the test's own context is done by then
	return s
}

// loadedStore has the people of the JSON file in it.
func loadedStore(t *testing.T) *Store {
	t.Helper()
	s := newStore(t)
	_, err := s.Load(t.Context(), people)
	require.NoError(t, err)
	return s
}

// storedKeys reads an item with the SDK alone and gives its tag and its keys, those of indexes too.
func storedKeys(t *testing.T, s *Store, pk, sk string) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for name, av := range storedItem(t, s, pk, sk) {
		switch name {
		case "_et", "PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK":
			text, ok := av.(*types.AttributeValueMemberS)
			require.True(t, ok, name)
			keys[name] = text.Value
		}
	}
	return keys
}

func storedItem(t *testing.T, s *Store, pk, sk string) map[string]types.AttributeValue {
	t.Helper()
	out, err := s.client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName:      aws.String(s.table.Name()),
		ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: pk},
			"SK": &types.AttributeValueMemberS{Value: sk},
		},
	})
	require.NoError(t, err)
	return out.Item
}
