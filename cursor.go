package monotable

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// Cursor marks a place in the results of a query: behind or before an item of a [Page]. It is opaque and safe in URLs, and as long as the keys in it, a third more: 24 KB at
// most.
//
// It is signed (HMAC-SHA-256, see [TableConfig.CursorKeys]) and belongs to the query it was taken from: the same table, entity or collection, index,
// direction, partition and range of the sort key, segment of a scan, and [CursorContext]. Anything else, altered, foreign or of any bytes, is ErrBadCursor
// before anything is sent; why, the table's logger knows. Filters, limits and page sizes may change from page to page.
// Signing does not hide: who holds a cursor can read the key of an item in it, unless [CursorKey.Encrypt] is set or
// a hidden attribute is part of the key.
type Cursor string

const (
	maxCursor     = 24 << 10 // the longest keys, of four and four attributes, encrypted
	cursorVersion = 1
)

// What a cursor's flags say.
const (
	cursorBack      = 1 << iota // it leads to what is before the place
	cursorEdge                  // the place is the beginning, or the end for cursorBack
	cursorTimed                 // its time is in it
	cursorEncrypted             // the place is encrypted
	cursorFlags     = 1<<iota - 1
)

// position is where a query goes on: behind the item with this key, or before it. Without a key it is an end of the range. The zero position is the beginning.
type position struct {
	key  attributeMap
	back bool
}

// cursorKeys are the secrets of a table: the first signs, all verify.
type cursorKeys struct {
	keys     []*cursorKey
	lifetime time.Duration
	once     sync.Once
	own      *cursorKey // made when the table has none
	warn     func()
}

type cursorKey struct {
	id      string
	secret  []byte
	encrypt bool
	hashes  sync.Pool // of hash.Hash: keying one costs as much as a MAC
	aead    cipher.AEAD
}

func newCursorKey(k CursorKey) *cursorKey {
	own := &cursorKey{id: k.ID, secret: slices.Clone(k.Secret), encrypt: k.Encrypt}
	own.hashes.New = func() any { return hmac.New(sha256.New, own.secret) }
	// Encryption has a secret of its own.
	if block, err := aes.NewCipher(own.mac([]byte("monotable: cursor encryption"))); err == nil {
		own.aead, _ = cipher.NewGCMWithRandomNonce(block) // 32 bytes are right for both
	}
	return own
}

func (k *cursorKey) mac(text []byte) []byte {
	h := k.hashes.Get().(hash.Hash)
	defer k.hashes.Put(h)
	h.Reset()
	_, _ = h.Write(text) // a hash never fails
	return h.Sum(nil)
}

// signing is the key that signs. A table without keys makes one that does not outlive the process.
func (c *cursorKeys) signing() *cursorKey {
	if len(c.keys) > 0 {
		return c.keys[0]
	}
	c.once.Do(func() {
		secret := make([]byte, minSecret)
		_, _ = rand.Read(secret) // never fails
		c.own = newCursorKey(CursorKey{Secret: secret})
		c.warn()
	})
	return c.own
}

// named finds the key that a cursor says it was signed with.
func (c *cursorKeys) named(id string) (*cursorKey, bool) {
	for _, k := range c.keys {
		if k.id == id {
			return k, true
		}
	}
	return c.signing(), len(c.keys) == 0 && id == ""
}

// cursor makes the cursor of a place: version, length of the key's id, id, MAC, payload. The payload is flags, time, and the values of the key.
func (p *readPlan) cursor(at position) (Cursor, error) {
	keys := &p.m.table.cursors
	signing := keys.signing()
	payload := []byte{0}
	if at.back {
		payload[0] |= cursorBack
	}
	if keys.lifetime > 0 {
		payload[0] |= cursorTimed
		payload = binary.BigEndian.AppendUint64(payload, uint64(p.m.now().Unix())) //nolint:gosec // read back the same way
	}
	var values []byte
	if at.key == nil {
		payload[0] |= cursorEdge
	} else {
		for _, k := range p.keys {
			av := at.key[k.Name]
			text := scalarText(av)
			if text == "" || typeOf(av) != k.Type {
				return "", fmt.Errorf("monotable: the item lacks its key attribute %s, so no cursor can be made", k.Name)
			}
			values = append(values, k.Type[0])
			values = append(binary.AppendUvarint(values, uint64(len(text))), text...)
		}
		if signing.encrypt || p.hidesKey() {
			payload[0] |= cursorEncrypted
			values = signing.aead.Seal(nil, nil, values, nil) //nolint:gosec // it makes a random nonce itself
		}
	}
	payload = append(payload, values...)
	text := append([]byte{cursorVersion, byte(len(signing.id))}, signing.id...)
	text = append(text, p.mac(signing, payload)...)
	return Cursor(base64.RawURLEncoding.EncodeToString(append(text, payload...))), nil
}

// hidesKey says that a hidden attribute may be part of the key in a cursor, where it must not be read. A scan can stop at any item of the table, guards among them.
func (p *readPlan) hidesKey() bool {
	hides := func(m *model) bool {
		set := m.indexes[p.spec.index]
		return m.primary.hides() || set != nil && set.hides()
	}
	guards := func(m *model) bool {
		return hides(m) || slices.ContainsFunc(m.uniques, func(u *uniqueKey) bool { return u.attribute.concealed })
	}
	return hides(p.m) || slices.ContainsFunc(p.spec.members, hides) || p.spec.scan && slices.ContainsFunc(p.m.table.all(), guards)
}

func (s *keySet) hides() bool {
	return slices.ContainsFunc(s.parts(), func(a *attribute) bool { return a.concealed })
}

// mac binds a cursor's payload to the query.
func (p *readPlan) mac(key *cursorKey, payload []byte) []byte {
	text := make([]byte, 0, 512)
	write := func(texts ...string) {
		for _, s := range texts {
			text = append(strconv.AppendInt(text, int64(len(s)), 10), ':')
			text = append(text, s...)
		}
	}
	o := &p.spec.options
	write(strconv.Itoa(cursorVersion), key.id, o.tableName(p.m.table), p.spec.index, p.readers(),
		strconv.FormatBool(p.spec.scan), strconv.Itoa(p.segment), strconv.Itoa(p.spec.segments), strconv.FormatBool(p.spec.descending), o.cursorContext)
	for _, k := range p.set.partition {
		write(k.Name, scalarText(p.equal[k.Name]))
	}
	write(strconv.Itoa(len(o.scopes)))
	for _, scope := range o.scopes {
		write(scope.whole)
	}
	for _, k := range p.keys {
		write(k.Name)
	}
	write(string(p.bound), string(payload))
	return key.mac(text)
}

// resume reads a cursor back. Nothing of it is parsed before it verifies.
func (p *readPlan) resume(c Cursor) (position, error) {
	if c == "" {
		return position{}, nil
	}
	at, refused := p.placeOf(c)
	if refused != "" {
		p.m.table.logger.Info("monotable: a cursor was refused", "reason", refused, "table", p.m.table.name, "entity", p.m.name, "index", p.spec.index)
		return position{}, ErrBadCursor
	}
	return at, nil
}

// placeOf is the place a cursor says, or why it is refused.
func (p *readPlan) placeOf(c Cursor) (at position, refused string) {
	const malformed = "not a cursor"
	if len(c) > maxCursor || strings.ContainsAny(string(c), "\r\n") { // base64 would pass over line ends
		return at, malformed
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(string(c))
	if err != nil || len(text) < 2 || text[0] != cursorVersion {
		return at, malformed
	}
	n := int(text[1])
	if len(text) <= 2+n+sha256.Size {
		return at, malformed
	}
	id, text := string(text[2:2+n]), text[2+n:]
	sum, payload := text[:sha256.Size], text[sha256.Size:]
	key, known := p.m.table.cursors.named(id)
	if !known {
		return at, "signed with an unknown key"
	}
	if !hmac.Equal(sum, p.mac(key, payload)) {
		return at, "altered, or taken from another query, table, context or process"
	}
	flags, payload := payload[0], payload[1:]
	if flags&^cursorFlags != 0 {
		return at, malformed
	}
	if flags&cursorTimed != 0 {
		if len(payload) < 8 {
			return at, malformed
		}
		made := time.Unix(int64(binary.BigEndian.Uint64(payload)), 0) //nolint:gosec // written the same way
		payload = payload[8:]
		if life := p.m.table.cursors.lifetime; life > 0 && p.m.now().Sub(made) > life {
			return at, "too old"
		}
	} else if p.m.table.cursors.lifetime > 0 {
		return at, "without a time"
	}
	at.back = flags&cursorBack != 0
	if flags&cursorEdge != 0 {
		return at, ""
	}
	if flags&cursorEncrypted != 0 {
		if payload, err = key.aead.Open(nil, nil, payload, nil); err != nil {
			return at, malformed
		}
	}
	if at.key = p.keyIn(payload); at.key == nil {
		return at, "the keys of the table or index have changed since"
	}
	return at, ""
}

// keyIn reads the values of a key; nil if they are not those of this plan.
func (p *readPlan) keyIn(values []byte) attributeMap {
	key := make(attributeMap, len(p.keys))
	for _, k := range p.keys {
		if len(values) == 0 || values[0] != k.Type[0] {
			return nil
		}
		n, width := binary.Uvarint(values[1:])
		if width <= 0 || n > uint64(len(values)-1-width) { //nolint:gosec // a length
			return nil
		}
		text := string(values[1+width:][:n])
		values = values[1+width:][n:]
		av := scalarOf(k.Type, text)
		if text == "" || codec.Check(av, k.Name) != nil {
			return nil
		}
		key[k.Name] = av
	}
	if len(values) > 0 {
		return nil
	}
	return key
}

func scalarOf(t types.ScalarAttributeType, text string) types.AttributeValue {
	switch t {
	case types.ScalarAttributeTypeN:
		return &types.AttributeValueMemberN{Value: text}
	case types.ScalarAttributeTypeB:
		return &types.AttributeValueMemberB{Value: []byte(text)}
	}
	return &types.AttributeValueMemberS{Value: text}
}

func typeOf(av types.AttributeValue) types.ScalarAttributeType {
	switch av.(type) {
	case *types.AttributeValueMemberS:
		return types.ScalarAttributeTypeS
	case *types.AttributeValueMemberN:
		return types.ScalarAttributeTypeN
	case *types.AttributeValueMemberB:
		return types.ScalarAttributeTypeB
	}
	return ""
}
