// Package sigv4 signs DynamoDB's requests as the SDK's own signer does, header by
// header and byte by byte, without what that spends on requests of other kinds.
package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	dayLength  = len("20060102")
)

// Signer is a v4.HTTPSigner for requests with plain headers to the path "/" of a
// host. It hands any other to the SDK's signer that it was made with, so that it
// answers as that one does in every case but one: a secret that changes while its
// access key stays is used at once, and not only after midnight. It is safe for
// concurrent use.
type Signer struct {
	sdk   v4.HTTPSigner
	key   atomic.Pointer[key]
	rooms sync.Pool // of *room
}

var _ v4.HTTPSigner = (*Signer)(nil)

// New makes a signer that stands in for the SDK's.
func New(sdk v4.HTTPSigner) *Signer { return &Signer{sdk: sdk} }

// key is what credentials come to for a day, a region and a service.
type key struct {
	access, secret, region, service, day string

	scope string
	bytes []byte
}

func (k *key) isFor(c *aws.Credentials, region, service string, day []byte) bool {
	return k != nil && k.access == c.AccessKeyID && k.secret == c.SecretAccessKey &&
		k.region == region && k.service == service && k.day == string(day)
}

func newKey(c *aws.Credentials, region, service, day string) *key {
	bytes := []byte("AWS4" + c.SecretAccessKey)
	for _, part := range []string{day, region, service, "aws4_request"} {
		mac := hmac.New(sha256.New, bytes)
		mac.Write([]byte(part))
		bytes = mac.Sum(nil)
	}
	return &key{
		access: c.AccessKeyID, secret: c.SecretAccessKey, region: region, service: service, day: day,
		scope: day + "/" + region + "/" + service + "/aws4_request", bytes: bytes,
	}
}

// SignHTTP adds X-Amz-Date, X-Amz-Security-Token and Authorization to the headers.
// The payload's hash is that of its body, in hex.
func (s *Signer) SignHTTP(
	ctx context.Context, c aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time, options ...func(*v4.SignerOptions),
) error {
	room, _ := s.rooms.Get().(*room)
	if room == nil {
		room = newRoom()
	}
	defer s.rooms.Put(room)
	if special(options) || !room.collect(r, &c, at) {
		return s.sdk.SignHTTP(ctx, c, r, payloadHash, service, region, at, options...)
	}
	k := s.key.Load()
	if day := room.stamp[:dayLength]; !k.isFor(&c, region, service, day) {
		k = newKey(&c, region, service, string(day))
		s.key.Store(k)
	}
	both := room.sign(k, r.Method, payloadHash)
	values := []string{both[:len(timeFormat)], both[len(timeFormat):], c.SessionToken}
	r.Header["X-Amz-Date"] = values[0:1:1]
	r.Header["Authorization"] = values[1:2:2]
	if c.SessionToken != "" {
		r.Header["X-Amz-Security-Token"] = values[2:3:3]
	}
	return nil
}

// special says that the signer is to do more than sign, or less.
func special(options []func(*v4.SignerOptions)) bool {
	var o v4.SignerOptions
	for _, option := range options {
		option(&o)
	}
	return o.LogSigning || o.DisableSessionToken
}

// room is what a signature is worked out in.
type room struct {
	headers []header // to be signed
	stamp   [len(timeFormat)]byte
	length  [20]byte // of the body, in decimal
	text    []byte
	sum     [sha256.Size]byte
	sha     hash.Hash
	mac     hash.Hash
	of      *key // that mac has
}

func newRoom() *room {
	return &room{headers: make([]header, 0, 16), text: make([]byte, 0, 1024), sha: sha256.New()}
}

// header is a name in lower case and a value, which is bytes where it is our own.
type header struct {
	name, value string
	bytes       []byte
}

// collect finds the headers that the SDK signs, and is false for requests that it
// would write in another way than they are.
func (m *room) collect(r *http.Request, c *aws.Credentials, at time.Time) bool {
	u, host := r.URL, r.Host
	if host == "" {
		host = u.Host
	}
	if u.Opaque != "" || u.Path != "/" && u.Path != "" || u.RawPath != "" && u.RawPath != u.Path || u.RawQuery != "" || !isPlain(host) || hasDefaultPort(host) {
		return false
	}
	if n := len(at.UTC().AppendFormat(m.stamp[:0], timeFormat)); n != len(m.stamp) { // a year of five digits
		return false
	}
	m.headers = append(m.headers[:0], header{name: "host", value: host}, header{name: "x-amz-date", bytes: m.stamp[:]})
	if r.ContentLength > 0 {
		m.headers = append(m.headers, header{name: "content-length", bytes: strconv.AppendInt(m.length[:0], r.ContentLength, 10)})
	}
	if c.SessionToken != "" {
		if !isPlain(c.SessionToken) {
			return false
		}
		m.headers = append(m.headers, header{name: "x-amz-security-token", value: c.SessionToken})
	}
	for name, values := range r.Header {
		switch name {
		case "Authorization", "User-Agent", "X-Amzn-Trace-Id", "Expect", "Transfer-Encoding": // not signed
			continue
		case "X-Amz-Date": // set anew
			continue
		case "X-Amz-Security-Token":
			if c.SessionToken != "" { // set anew
				continue
			}
		}
		lower := lowered(name)
		if lower == "" || len(values) != 1 || !isPlain(values[0]) {
			return false
		}
		m.headers = append(m.headers, header{name: lower, value: values[0]})
	}
	return m.sort()
}

// sort is false for a name that is there twice: in two spellings, or one of ours. It
// is for a dozen.
func (m *room) sort() bool {
	for i := range m.headers {
		for k := i; k > 0 && m.headers[k].name <= m.headers[k-1].name; k-- {
			if m.headers[k].name == m.headers[k-1].name {
				return false
			}
			m.headers[k], m.headers[k-1] = m.headers[k-1], m.headers[k]
		}
	}
	return true
}

// sign gives the values of X-Amz-Date and Authorization, one behind the other.
func (m *room) sign(k *key, method, payloadHash string) string {
	text := m.text[:0]
	text = append(append(text, method...), "\n/\n\n"...)
	for _, h := range m.headers {
		text = append(append(text, h.name...), ':')
		text = append(append(text, h.value...), h.bytes...)
		text = append(text, '\n')
	}
	text = append(text, '\n')
	text = m.appendNames(text)
	text = append(append(text, '\n'), payloadHash...)
	m.sha.Reset()
	m.sha.Write(text)
	hashed := m.sha.Sum(m.sum[:0])

	text = append(text[:0], algorithm+"\n"...)
	text = append(append(text, m.stamp[:]...), '\n')
	text = append(append(text, k.scope...), '\n')
	text = hex.AppendEncode(text, hashed)
	if m.of != k {
		m.of, m.mac = k, hmac.New(sha256.New, k.bytes)
	}
	m.mac.Reset()
	m.mac.Write(text)
	signature := m.mac.Sum(m.sum[:0])

	text = append(text[:0], m.stamp[:]...)
	text = append(text, algorithm+" Credential="...)
	text = append(append(text, k.access...), '/')
	text = append(text, k.scope...)
	text = append(text, ", SignedHeaders="...)
	text = m.appendNames(text)
	text = append(text, ", Signature="...)
	text = hex.AppendEncode(text, signature)
	m.text = text
	return string(text)
}

func (m *room) appendNames(text []byte) []byte {
	for i, h := range m.headers {
		if i > 0 {
			text = append(text, ';')
		}
		text = append(text, h.name...)
	}
	return text
}

// isPlain says that the SDK signs a value as it is: no space at its ends, no two
// side by side, nothing that is not ASCII.
func isPlain(value string) bool {
	before := byte(' ')
	for i := range len(value) {
		b := value[i]
		if b < ' ' || b > '~' || b == ' ' && before == ' ' {
			return false
		}
		before = b
	}
	return before != ' '
}

// hasDefaultPort says that a host may end in a port that the SDK takes away.
func hasDefaultPort(host string) bool {
	return strings.HasSuffix(host, ":80") || strings.HasSuffix(host, ":443")
}

// lowered gives the name of a header in lower case; empty if it is not as Go writes
// names. Those that the SDK sets need no new string.
func lowered(name string) string {
	switch name {
	case "Accept-Encoding":
		return "accept-encoding"
	case "Amz-Sdk-Invocation-Id":
		return "amz-sdk-invocation-id"
	case "Amz-Sdk-Request":
		return "amz-sdk-request"
	case "Content-Type":
		return "content-type"
	case "X-Amz-Target":
		return "x-amz-target"
	case "X-Amz-User-Agent":
		return "x-amz-user-agent"
	}
	for i := range len(name) {
		if b := name[i]; b != '-' && (b < '0' || b > '9') && (b|0x20 < 'a' || b|0x20 > 'z') {
			return ""
		}
	}
	if name != http.CanonicalHeaderKey(name) || name == "Content-Length" { // which the SDK leaves out
		return ""
	}
	return strings.ToLower(name)
}
