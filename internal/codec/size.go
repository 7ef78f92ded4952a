package codec

import "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

// Size returns the bytes an item takes by DynamoDB's rules: names and values in
// UTF-8, and for numbers, whose rule is only published as an approximation, one
// byte for two significant digits and one more.
func Size(item map[string]types.AttributeValue) int {
	n := 0
	for name, av := range item {
		n += len(name) + sizeOf(av)
	}
	return n
}

// overhead of a list or map, and of each of its elements.
const (
	containerBytes = 3
	elementBytes   = 1
)

func sizeOf(av types.AttributeValue) int {
	if isNil(av) {
		return 0
	}
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return len(av.Value)
	case *types.AttributeValueMemberN:
		return sizeOfNumber(av.Value)
	case *types.AttributeValueMemberB:
		return len(av.Value)
	case *types.AttributeValueMemberBOOL, *types.AttributeValueMemberNULL:
		return 1
	case *types.AttributeValueMemberL:
		n := containerBytes
		for _, elem := range av.Value {
			n += elementBytes + sizeOf(elem)
		}
		return n
	case *types.AttributeValueMemberM:
		return containerBytes + elementBytes*len(av.Value) + Size(av.Value)
	case *types.AttributeValueMemberSS:
		n := 0
		for _, s := range av.Value {
			n += len(s)
		}
		return n
	case *types.AttributeValueMemberNS:
		n := 0
		for _, s := range av.Value {
			n += sizeOfNumber(s)
		}
		return n
	case *types.AttributeValueMemberBS:
		n := 0
		for _, b := range av.Value {
			n += len(b)
		}
		return n
	}
	return 0
}

func sizeOfNumber(s string) int {
	if n := len(s); n > 0 && n <= maxDigits && s[0] != '0' && s[n-1] != '0' && allDigits(s) { // all of them significant
		return 1 + (n+1)/2
	}
	d, err := parseDecimal(s)
	if err != nil {
		return len(s)
	}
	n := 1 + (len(d.digits)+1)/2
	if d.neg {
		n++
	}
	return n
}
