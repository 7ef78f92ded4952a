// Command cache is a catalogue behind a cache: a client in front of the client, where programs that know DynamoDB Accelerator (DAX) put that one.
//
//	go run ./examples/cache    # a story
//
// Without DYNAMODB_ENDPOINT the table is in this process.
//
// Read catalogue.go first: what is kept, and what for. Package readthrough is the cache; its comment says what it cannot know. story.go tells the story.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable/memdb"
)

func main() {
	log.SetFlags(0)
	if err := tell(context.Background(), connect(os.Getenv("DYNAMODB_ENDPOINT")), log.New(os.Stdout, "", 0)); err != nil {
		log.Fatal(err)
	}
}

// connect makes the one client of the program: of a server, or of a database in this process. On AWS it is dynamodb.NewFromConfig(cfg).
func connect(endpoint string) *dynamodb.Client {
	if endpoint == "" {
		return memdb.New(memdb.Options{}).Client()
	}
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("cache", "secret", ""),
	})
}
