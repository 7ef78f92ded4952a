// Package database gives the examples what they talk to: a server, or a database in the same process. Either way the client is the SDK's own.
package database

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/monotable/monotable/memdb"
)

// Client is the one client of a program: of the server at an endpoint, such as DynamoDB Local, or, without one, of a database in this process. On AWS it is
// dynamodb.NewFromConfig(cfg).
func Client(endpoint string) *dynamodb.Client {
	client, _ := Clients(endpoint)
	return client
}

// Clients is Client with a client of the same database's streams. On AWS that is dynamodbstreams.NewFromConfig(cfg).
func Clients(endpoint string) (*dynamodb.Client, *dynamodbstreams.Client) {
	if endpoint == "" {
		engine := memdb.New(memdb.Options{})
		return engine.Client(), engine.StreamsClient()
	}
	who := credentials.NewStaticCredentialsProvider("examples", "secret", "")
	return dynamodb.New(dynamodb.Options{BaseEndpoint: aws.String(endpoint), Region: "us-east-1", Credentials: who}),
		dynamodbstreams.New(dynamodbstreams.Options{BaseEndpoint: aws.String(endpoint), Region: "us-east-1", Credentials: who})
}
