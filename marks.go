package monotable

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"reflect"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// isPlain says that a client has no code of others in it that could look at an input, and writes JSON.
func isPlain(o dynamodb.Options) bool {
	interceptors := reflect.ValueOf(o.Interceptors)
	for i := range interceptors.NumField() {
		if interceptors.Field(i).Len() > 0 {
			return false
		}
	}
	return len(o.APIOptions) == 0 && o.Protocol != nil && o.Protocol.ID().Name == "awsJson1_0"
}

// sendsJSON says that requests under the options are not looked at on their way.
func (c *tableCore) sendsJSON(o *options) bool {
	return c.isPlain && c.takesJSON(o) && len(o.client) == 0
}

// markName is nobody's name for an attribute.
var markName = "monotable-" + rand.Text()

var (
	markStart = []byte(`{"` + markName + `":{"N":"`)
	markEnd   = []byte(`"}}`)
)

// marks stand for what is put into a request. Nobody changes them, for nobody sees them, see sendsJSON.
var marks = func() (all [maxBatchGet]attributeMap) {
	for i := range all {
		all[i] = attributeMap{markName: &types.AttributeValueMemberN{Value: strconv.Itoa(i)}}
	}
	return all
}()

// markedPuts are puts of marks.
var markedPuts = func() (all [maxBatchWrite]types.PutRequest) {
	for i := range all {
		all[i].Item = marks[i]
	}
	return all
}()

var errMarks = errors.New("monotable: the request was changed on its way")

// marked is what is put into a request in the place of marks; nil where there is none. They stand in one buffer or in many.
type marked [][]byte

// into puts everything into a request that has been serialised.
func (m marked) into(request *smithyhttp.Request) (*smithyhttp.Request, error) {
	body, err := io.ReadAll(request.GetStream())
	if err != nil {
		return nil, err
	}
	size, left := len(body), 0
	for _, json := range m {
		if json != nil {
			size, left = size+len(json), left+1
		}
	}
	whole := make([]byte, 0, size)
	var used [maxBatchGet]bool
	for {
		before, rest, ok := bytes.Cut(body, markStart)
		whole = append(whole, before...)
		if !ok {
			break
		}
		number, after, ok := bytes.Cut(rest, markEnd)
		i, err := strconv.Atoi(string(number))
		if !ok || err != nil || i < 0 || i >= len(m) || m[i] == nil || used[i] {
			return nil, errMarks
		}
		used[i] = true
		whole, body, left = append(whole, m[i]...), after, left-1
	}
	if left != 0 {
		return nil, errMarks
	}
	return request.SetStream(bytes.NewReader(whole))
}
