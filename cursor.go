package monotable

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// Cursor marks a place in the results of a query: after the last item of a [Page]. It is opaque and safe in URLs. It belongs
// to the query it was taken from: the same entity, index, direction, partition and range of the sort key, else ErrBadCursor.
//
// In this version a cursor is not signed and its key can be read by whoever holds it: do not take one from a
// client you do not trust for more than a position in the partition it asked for.
type Cursor string

const (
	maxCursor     = 8 << 10
	cursorVersion = 1
)

// cursorToken is what a cursor holds.
type cursorToken struct {
	Version    int
	Entity     string
	Index      string
	Scan       bool
	Descending bool
	Range      string // of the sort key, hashed
	Key        map[string]cursorValue
}

// cursorValue is a key attribute; exactly one member is set.
type cursorValue struct {
	S *string `json:",omitempty"`
	N *string `json:",omitempty"`
	B []byte  `json:",omitempty"`
}

func (p *readPlan) cursor(key attributeMap) (Cursor, error) {
	token := p.token()
	for name, av := range key {
		switch av := av.(type) {
		case *types.AttributeValueMemberS:
			token.Key[name] = cursorValue{S: &av.Value}
		case *types.AttributeValueMemberN:
			token.Key[name] = cursorValue{N: &av.Value}
		case *types.AttributeValueMemberB:
			token.Key[name] = cursorValue{B: av.Value}
		default:
			return "", fmt.Errorf("monotable: the item lacks its key attribute %s, so no cursor can be made", name)
		}
	}
	text, err := json.Marshal(token)
	if err != nil {
		return "", fmt.Errorf("monotable: cursor: %w", err)
	}
	return Cursor(base64.RawURLEncoding.EncodeToString(text)), nil
}

func (p *readPlan) token() cursorToken {
	sum := sha256.Sum256(p.bound)
	return cursorToken{
		Version: cursorVersion, Entity: p.m.name, Index: p.spec.index, Scan: p.spec.scan,
		Descending: p.spec.descending, Range: hex.EncodeToString(sum[:8]), Key: map[string]cursorValue{},
	}
}

// resume reads a cursor back. It must be of this kind of query and this partition.
func (p *readPlan) resume(c Cursor) (attributeMap, error) {
	if c == "" {
		return nil, nil
	}
	if len(c) > maxCursor {
		return nil, ErrBadCursor
	}
	text, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil {
		return nil, ErrBadCursor
	}
	var token cursorToken
	if err := json.Unmarshal(text, &token); err != nil {
		return nil, ErrBadCursor
	}
	want := p.token()
	if token.Version != want.Version || token.Entity != want.Entity || token.Index != want.Index || token.Scan != want.Scan ||
		token.Descending != want.Descending || token.Range != want.Range {
		return nil, ErrBadCursor
	}
	names := p.keyNames()
	if len(names) != len(token.Key) {
		return nil, ErrBadCursor
	}
	key := make(attributeMap, len(names))
	for _, k := range names {
		av := token.Key[k.Name].attributeValue()
		if av == nil || typeOf(av) != k.Type || codec.Check(av, k.Name) != nil {
			return nil, ErrBadCursor
		}
		if equal, ok := p.equal[k.Name]; ok && !codec.Equal(av, equal) {
			return nil, ErrBadCursor
		}
		key[k.Name] = av
	}
	return key, nil
}

func (v cursorValue) attributeValue() types.AttributeValue {
	switch {
	case v.S != nil && *v.S != "" && v.N == nil && v.B == nil:
		return &types.AttributeValueMemberS{Value: *v.S}
	case v.N != nil && v.S == nil && v.B == nil:
		return &types.AttributeValueMemberN{Value: *v.N}
	case len(v.B) > 0 && v.S == nil && v.N == nil:
		return &types.AttributeValueMemberB{Value: v.B}
	}
	return nil
}

func typeOf(av types.AttributeValue) types.ScalarAttributeType {
	switch av.(type) {
	case *types.AttributeValueMemberS:
		return types.ScalarAttributeTypeS
	case *types.AttributeValueMemberN:
		return types.ScalarAttributeTypeN
	}
	return types.ScalarAttributeTypeB
}
