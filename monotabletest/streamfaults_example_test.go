package monotabletest_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/monotable/monotable/monotabletest"
)

// A function that is handed batches of records, as Lambda does, is tried with batches that come again and in other orders. This one counts what it has not seen yet.
func ExampleStreamBatches() {
	var records []streamtypes.Record
	for n := range 60 {
		records = append(records, streamtypes.Record{EventName: streamtypes.OperationTypeModify, Dynamodb: &streamtypes.StreamRecord{
			Keys:           map[string]streamtypes.AttributeValue{"PK": &streamtypes.AttributeValueMemberS{Value: fmt.Sprint("ITEM#", n%3)}},
			SequenceNumber: aws.String(fmt.Sprintf("%021d", n+1)),
		}})
	}
	last, handled, repeated := map[string]string{}, 0, 0 // of each item
	handle := func(batch []streamtypes.Record) {
		for _, r := range batch {
			item := r.Dynamodb.Keys["PK"].(*streamtypes.AttributeValueMemberS).Value
			if *r.Dynamodb.SequenceNumber <= last[item] {
				repeated++
				continue
			}
			last[item] = *r.Dynamodb.SequenceNumber
			handled++
		}
	}
	for seed := range uint64(10) {
		clear(last)
		batches := monotabletest.StreamBatches(records, 10, monotabletest.StreamSeed(seed),
			monotabletest.Repeated(0.5), monotabletest.Reordered(0.5), monotabletest.SplitPages(0.5))
		for _, batch := range batches {
			handle(batch)
		}
	}
	fmt.Println("handled", handled, "of", 10*len(records), "with repetitions:", repeated > 0)
	// Output: handled 600 of 600 with repetitions: true
}
