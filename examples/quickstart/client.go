package main

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable/memdb"
)

// connect gives a client of the DynamoDB at an endpoint, such as DynamoDB Local, or, without one,
// of a database in this process. Either way it is the SDK's own client. On AWS it would be
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	client := dynamodb.NewFromConfig(cfg)
func connect(endpoint string) *dynamodb.Client {
	if endpoint == "" {
		return memdb.New(memdb.Options{}).Client()
	}
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("quickstart", "secret", ""),
	})
}
