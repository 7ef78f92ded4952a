package monotabletest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/monotable/monotable"
)

// StreamedTable is [Table] with a stream: it gives a client that reads it, and its ARN.
func StreamedTable(t testing.TB, cfg monotable.TableConfig, view types.StreamViewType) (*monotable.Table, *dynamodbstreams.Client, string) {
	t.Helper()
	client := Client(t)
	table := TableOn(t, client, cfg)
	return table, Streams(client), SwitchOnStream(t, client, table.Name(), view)
}

// SwitchOnStream gives a table that exists a stream, and returns its ARN.
func SwitchOnStream(t testing.TB, client *dynamodb.Client, table string, view types.StreamViewType) string {
	t.Helper()
	out, err := client.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
		TableName: aws.String(table), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: view},
	})
	if err != nil {
		t.Fatalf("stream of table %s: %v", table, err)
	}
	return aws.ToString(out.TableDescription.LatestStreamArn)
}
