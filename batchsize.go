package monotable

import "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

// maxRequestBytes is what one BatchWriteItem may send over the network. 25 items of 400 KB are 10 MB as DynamoDB counts items, but
// not always in JSON: binary grows by a third, a NULL or a control character six times and more. (A BatchGetItem cannot get near: 100 keys
// of at most 3 KB. What its answer cannot hold comes back as unprocessed.)
const maxRequestBytes = 16_000_000

// wireSize is about what a write of an item takes in a request; more rather than less.
func wireSize(table string, item attributeMap) int {
	const frame = len(`{"DeleteRequest":{"Item":{}}},"":[],`)
	return frame + len(table) + wireSizeOfMap(item)
}

func wireSizeOfMap(item attributeMap) int {
	n := 0
	for name, av := range item {
		n += len(`"":,`) + wireSizeOfText(name) + wireSizeOf(av)
	}
	return n
}

func wireSizeOf(av types.AttributeValue) int {
	n := len(`{"NULL":true}`) // the longest frame of a value
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		n += wireSizeOfText(av.Value)
	case *types.AttributeValueMemberN:
		n += len(av.Value)
	case *types.AttributeValueMemberB:
		n += wireSizeOfBytes(av.Value)
	case *types.AttributeValueMemberL:
		for _, elem := range av.Value {
			n += len(`,`) + wireSizeOf(elem)
		}
	case *types.AttributeValueMemberM:
		n += wireSizeOfMap(av.Value)
	case *types.AttributeValueMemberSS:
		for _, s := range av.Value {
			n += len(`"",`) + wireSizeOfText(s)
		}
	case *types.AttributeValueMemberNS:
		for _, s := range av.Value {
			n += len(`"",`) + len(s)
		}
	case *types.AttributeValueMemberBS:
		for _, b := range av.Value {
			n += len(`"",`) + wireSizeOfBytes(b)
		}
	}
	return n
}

func wireSizeOfBytes(b []byte) int { return (len(b) + 2) / 3 * 4 }

func wireSizeOfText(s string) int {
	n := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ':
			n += len(`\u0000`) - 1
		case c == '"', c == '\\':
			n++
		case c == 0xe2: // U+2028 and U+2029 begin with it
			n += len(`\u2028`) - 3
		}
	}
	return n
}
