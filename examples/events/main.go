// Command events is an event store, bank accounts made of events, and summaries of them fed by the table's stream.
//
//	go run ./examples/events    # a story
//
// Without DYNAMODB_ENDPOINT the tables are in this process.
//
// Read events.go first: what is kept. Then store.go: appending and reading; account.go: what an account decides; and projection.go: the summaries.
// story.go tells the story.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/monotable/monotable/memdb"
)

func main() {
	log.SetFlags(0)
	client, streams := connect(os.Getenv("DYNAMODB_ENDPOINT"))
	if err := tell(context.Background(), client, streams, log.New(os.Stdout, "", 0)); err != nil {
		log.Fatal(err)
	}
}

// connect makes the clients of the program: of a server, or of a database in this process. On AWS they are dynamodb.NewFromConfig(cfg) and
// dynamodbstreams.NewFromConfig(cfg).
func connect(endpoint string) (*dynamodb.Client, *dynamodbstreams.Client) {
	if endpoint == "" {
		engine := memdb.New(memdb.Options{})
		return engine.Client(), engine.StreamsClient()
	}
	who := credentials.NewStaticCredentialsProvider("events", "secret", "")
	return dynamodb.New(dynamodb.Options{BaseEndpoint: aws.String(endpoint), Region: "us-east-1", Credentials: who}),
		dynamodbstreams.New(dynamodbstreams.Options{BaseEndpoint: aws.String(endpoint), Region: "us-east-1", Credentials: who})
}
