package monotabletest

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// items are all items of a table as they are stored, by a scan in segments that are read in turns, a page at a time; page 0 is as much as DynamoDB gives at once.
func items(ctx context.Context, client monotable.Client, table string, segments int, page int32) iter.Seq2[map[string]types.AttributeValue, error] {
	return func(yield func(map[string]types.AttributeValue, error) bool) {
		if segments < 1 {
			yield(nil, fmt.Errorf("%w: a scan in %d segments", monotable.ErrInvalid, segments))
			return
		}
		type segment struct {
			number int
			from   map[string]types.AttributeValue
		}
		left := make([]segment, 0, segments)
		for i := range segments {
			left = append(left, segment{number: i})
		}
		for len(left) > 0 {
			var more []segment
			for _, s := range left {
				in := &dynamodb.ScanInput{
					TableName: &table, ConsistentRead: aws.Bool(true), ExclusiveStartKey: s.from,
					Segment: aws.Int32(int32(s.number)), TotalSegments: aws.Int32(int32(segments)),
				}
				if page > 0 {
					in.Limit = &page
				}
				out, err := client.Scan(ctx, in)
				if err != nil {
					yield(nil, err)
					return
				}
				for _, item := range out.Items {
					if !yield(item, nil) {
						return
					}
				}
				if s.from = out.LastEvaluatedKey; len(s.from) > 0 {
					more = append(more, s)
				}
			}
			left = more
		}
	}
}
