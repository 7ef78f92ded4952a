package monotable

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// Cursor marks a place in the results of a query: after the last item of a [Page]. It is opaque and safe in URLs.
//
// It is signed (HMAC-SHA-256, see [TableConfig.CursorKeys]) and belongs to the query it was taken from: the same table, entity, index,
// direction, partition and range of the sort key. Anything else, altered, foreign or of any bytes, is ErrBadCursor before anything is sent. Signing
// does not hide: who holds a cursor can read the key of an item in it.
type Cursor string

const (
	maxCursor     = 8 << 10
	cursorVersion = 1
)

// cursorKeys are the secrets of a table: the first signs, all verify.
type cursorKeys struct {
	keys []CursorKey
	once sync.Once
	own  CursorKey // made when the table has none
	warn func()
}

// signing is the key that signs. A table without keys makes one that does not outlive the process.
func (c *cursorKeys) signing() CursorKey {
	if len(c.keys) > 0 {
		return c.keys[0]
	}
	c.once.Do(func() {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
		c.own = CursorKey{Secret: secret}
		c.warn()
	})
	return c.own
}

// named finds the key that a cursor says it was signed with.
func (c *cursorKeys) named(id string) (CursorKey, bool) {
	for _, k := range c.keys {
		if k.ID == id {
			return k, true
		}
	}
	return c.signing(), len(c.keys) == 0 && id == ""
}

// cursorValue is a key attribute; exactly one member is set.
type cursorValue struct {
	S *string `json:",omitempty"`
	N *string `json:",omitempty"`
	B []byte  `json:",omitempty"`
}

// cursor makes the cursor after the item with this key: version, length of the key's id, id, MAC, values.
func (p *readPlan) cursor(key attributeMap) (Cursor, error) {
	var values []cursorValue
	for _, k := range p.keyNames() {
		switch av := key[k.Name].(type) {
		case *types.AttributeValueMemberS:
			values = append(values, cursorValue{S: &av.Value})
		case *types.AttributeValueMemberN:
			values = append(values, cursorValue{N: &av.Value})
		case *types.AttributeValueMemberB:
			values = append(values, cursorValue{B: av.Value})
		default:
			return "", fmt.Errorf("monotable: the item lacks its key attribute %s, so no cursor can be made", k.Name)
		}
	}
	payload, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("monotable: cursor: %w", err)
	}
	secret := p.m.table.cursors.signing()
	text := append([]byte{cursorVersion, byte(len(secret.ID))}, secret.ID...)
	text = append(text, p.mac(secret, payload)...)
	return Cursor(base64.RawURLEncoding.EncodeToString(append(text, payload...))), nil
}

// mac binds a cursor's values to the query.
func (p *readPlan) mac(secret CursorKey, payload []byte) []byte {
	h := hmac.New(sha256.New, secret.Secret)
	write := func(texts ...string) {
		for _, s := range texts {
			_, _ = h.Write([]byte(strconv.Itoa(len(s)) + ":" + s)) // a hash never fails
		}
	}
	write(strconv.Itoa(cursorVersion), secret.ID, p.spec.options.tableName(p.m.table), p.spec.index, p.m.name,
		strconv.FormatBool(p.spec.scan), strconv.FormatBool(p.spec.descending))
	for _, k := range p.set.partition {
		write(k.Name, scalarText(p.equal[k.Name]))
	}
	for _, scope := range p.spec.options.scopes {
		write(scope.whole)
	}
	write(string(p.bound), string(payload))
	return h.Sum(nil)
}

// resume reads a cursor back. Nothing of it is parsed before it verifies.
func (p *readPlan) resume(c Cursor) (attributeMap, error) {
	if c == "" {
		return nil, nil
	}
	if len(c) > maxCursor || strings.ContainsAny(string(c), "\r\n") { // base64 would pass over line ends
		return nil, ErrBadCursor
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(string(c))
	if err != nil || len(text) < 2 || text[0] != cursorVersion || len(text) < 2+int(text[1])+sha256.Size {
		return nil, ErrBadCursor
	}
	id, text := string(text[2:2+text[1]]), text[2+text[1]:]
	sum, payload := text[:sha256.Size], text[sha256.Size:]
	secret, known := p.m.table.cursors.named(id)
	if !hmac.Equal(sum, p.mac(secret, payload)) || !known {
		return nil, ErrBadCursor
	}
	var values []cursorValue
	if err := json.Unmarshal(payload, &values); err != nil {
		return nil, ErrBadCursor
	}
	names := p.keyNames()
	if len(names) != len(values) {
		return nil, ErrBadCursor // the table's keys have changed since
	}
	key := make(attributeMap, len(names))
	for i, k := range names {
		av := values[i].attributeValue()
		if av == nil || typeOf(av) != k.Type || codec.Check(av, k.Name) != nil {
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
