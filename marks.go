package monotable

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"reflect"
	"slices"
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
	return len(o.APIOptions) == 0 && isSDKProtocol(o.Protocol) && o.Protocol.ID().Name == "awsJson1_0"
}

// isSDKProtocol says that there is no other around the SDK's own protocol, which would see inputs and outputs.
func isSDKProtocol(p smithyhttp.ClientProtocol) bool { return reflect.TypeOf(p) == sdkProtocol }

var sdkProtocol = reflect.TypeOf(dynamodb.New(dynamodb.Options{}).Options().Protocol)

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

// betweenPuts is between two items that are put.
const betweenPuts = `}},{"PutRequest":{"Item":`

var errMarks = errors.New("monotable: the request was changed on its way")

// marked is what is put into a request, each in the place of the mark of its number: all that goes to one table in one place, so that the SDK has few to write.
type marked []insertion

type insertion struct {
	table   string
	parts   [][]byte
	between string
}

// add adds a part, of most parts altogether, to what goes to a table, and says which mark stands for that and whether it is the first part.
func (m *marked) add(table string, part []byte, between string, most int) (mark int, first bool) {
	mark = slices.IndexFunc(*m, func(in insertion) bool { return in.table == table })
	if first = mark < 0; first {
		mark = len(*m)
		*m = append(*m, insertion{table: table, between: between, parts: make([][]byte, 0, most)})
	}
	in := &(*m)[mark]
	in.parts = append(in.parts, part)
	return mark, first
}

// size is how long the insertion is.
func (in *insertion) size() int {
	n := (len(in.parts) - 1) * len(in.between)
	for _, part := range in.parts {
		n += len(part)
	}
	return n
}

func (in *insertion) append(b []byte) []byte {
	for i, part := range in.parts {
		if i > 0 {
			b = append(b, in.between...)
		}
		b = append(b, part...)
	}
	return b
}

// into puts everything into a request that has been serialised, whose body stands in a room then.
func (m marked) into(request *smithyhttp.Request, room *[]byte) (*smithyhttp.Request, error) {
	stream := request.GetStream()
	var body []byte
	var err error
	ours, plain := stream.(*bytes.Reader)
	if plain = plain && int64(ours.Len()) == ours.Size(); plain {
		body = make([]byte, ours.Len())
		_, err = io.ReadFull(ours, body)
	} else {
		body, err = io.ReadAll(stream)
	}
	if err != nil {
		return nil, err
	}
	whole, err := m.insert(*room, body)
	if err != nil {
		return nil, err
	}
	*room = whole
	if !plain {
		return request.SetStream(bytes.NewReader(whole))
	}
	ours.Reset(whole) // the SDK would make a copy of the request
	request.ContentLength = int64(len(whole))
	return request, nil
}

// insert is the body with everything in the place of its mark, in a room if that is large enough.
func (m marked) insert(room, body []byte) ([]byte, error) {
	size := len(body)
	for i := range m {
		size += m[i].size()
	}
	whole := room[:0]
	if cap(whole) < size {
		whole = make([]byte, 0, size)
	}
	var used [maxBatchGet]bool
	for left := len(m); ; left-- {
		before, rest, ok := bytes.Cut(body, markStart)
		whole = append(whole, before...)
		if !ok {
			if left > 0 {
				return nil, errMarks
			}
			return whole, nil
		}
		number, after, ok := bytes.Cut(rest, markEnd)
		i, err := strconv.Atoi(string(number))
		if !ok || err != nil || i < 0 || i >= len(m) || used[i] {
			return nil, errMarks
		}
		used[i] = true
		whole, body = m[i].append(whole), after
	}
}
