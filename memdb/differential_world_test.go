package memdb_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// shape is the schema of one random table. Types of key attributes are S, N or B.
type shape struct {
	name    string
	types   map[string]string // of every key attribute of table and indexes
	keys    []string          // pk, and sk if there is one
	indexes []shapeIndex
}

type shapeIndex struct {
	name       string
	hash, sort []string
	global     bool
	projection string
	nonKey     []string
}

func (x *shapeIndex) keys() []string { return slices.Concat(x.hash, x.sort) }

// common are the attributes that items have besides keys, with the type that they
// mostly have. count, any and a.b can only be named by placeholders.
var common = map[string]string{
	"n": "N", "n2": "N", "s": "S", "s2": "S", "b": "B", "ss": "SS", "ns": "NS", "bs": "BS",
	"lst": "L", "l2": "L", "m": "M", "m2": "M", "f": "BOOL", "z": "NULL", "any": "?", "count": "N", "a.b": "S",
}

var (
	poolS = []string{"a", "ab", "abc", "b", "é", "😀", "x", "10", "9", "A", ""}
	poolN = []string{"0", "1", "2", "3", "-1", "1.5", "10", "1E2", "-20", "0.5", "1.50", "007", "12345678901234567890123456789012345678", "1E-120"}
	poolB = []string{"a", "ab", "\x00", "\xff", "b\x00", "abc", "\x7f", ""}
)

type random struct{ *rand.Rand }

func (r random) one(of ...string) string { return of[r.IntN(len(of))] }
func (r random) chance(p float64) bool   { return r.Float64() < p }

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r random) scalar(kind string) av {
	switch kind {
	case "S":
		return str(r.one(poolS...))
	case "N":
		return num(r.one(poolN...))
	}
	return &types.AttributeValueMemberB{Value: []byte(r.one(poolB...))}
}

// keyValue is one of few values, so that keys meet; with a small chance a bad one.
func (r random) keyValue(kind string) av {
	if r.chance(0.012) {
		return r.value(r.one("S", "N", "B", "NULL", "L", "BOOL"), 1)
	}
	switch kind {
	case "S":
		return str(r.one(poolS[:8]...))
	case "N":
		return num(r.one(append(poolN[:10:10], "1E125")...)) // the largest exponent there is
	}
	return &types.AttributeValueMemberB{Value: []byte(r.one(poolB[:6]...))}
}

func (r random) some(pool []string) []string {
	var out []string
	for _, i := range r.Perm(len(pool))[:1+r.IntN(4)] {
		out = append(out, pool[i])
	}
	return out
}

func (r random) value(kind string, depth int) av {
	if kind == "?" {
		kind = r.one("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M")
	}
	if depth <= 0 && (kind == "L" || kind == "M") {
		kind = "N"
	}
	switch kind {
	case "BOOL":
		return &types.AttributeValueMemberBOOL{Value: r.chance(0.5)}
	case "NULL":
		return &types.AttributeValueMemberNULL{Value: true}
	case "SS":
		return ss(r.some(poolS)...)
	case "NS":
		set := r.some(poolN)
		if r.chance(0.97) { // 1.5 and 1.50 are a duplicate
			set = slices.DeleteFunc(set, func(s string) bool { return s == "1.50" })
		}
		if len(set) == 0 {
			set = []string{"5"}
		}
		return &types.AttributeValueMemberNS{Value: set}
	case "BS":
		var set [][]byte
		for _, s := range r.some(poolB) {
			set = append(set, []byte(s))
		}
		return &types.AttributeValueMemberBS{Value: set}
	case "L":
		l := []av{}
		for range r.IntN(5) {
			l = append(l, r.value(r.one("N", "S", "N", "?"), depth-1))
		}
		return list(l...)
	case "M":
		m := attr{}
		for _, member := range [][2]string{{"x", "N"}, {"y", "S"}, {"l", "L"}, {"m", "M"}, {"st", "SS"}} {
			if r.chance(0.6) {
				m[member[0]] = r.value(member[1], depth-1)
			}
		}
		return &types.AttributeValueMemberM{Value: m}
	}
	return r.scalar(kind)
}

func (r random) key(s *shape) attr {
	key := attr{}
	for _, name := range s.keys {
		key[name] = r.keyValue(s.types[name])
	}
	if r.chance(0.006) {
		delete(key, r.one(s.keys...))
	}
	if r.chance(0.006) {
		key["n"] = num("1")
	}
	return key
}

func (r random) item(s *shape) attr {
	item := r.key(s)
	for _, name := range sortedNames(s.types) {
		if !slices.Contains(s.keys, name) && r.chance(0.8) {
			item[name] = r.keyValue(s.types[name])
		}
	}
	for _, name := range sortedNames(common) {
		if r.chance(0.6) && s.types[name] == "" {
			kind := common[name]
			if r.chance(0.06) {
				kind = "?"
			}
			item[name] = r.value(kind, 3)
		}
	}
	return item
}

func (r random) shape(name string) *shape {
	s := &shape{name: name, types: map[string]string{"pk": r.one("S", "N", "B")}, keys: []string{"pk"}}
	if r.chance(0.75) {
		s.keys = append(s.keys, "sk")
		s.types["sk"] = r.one("S", "N", "B")
	}
	add := func(x shapeIndex) {
		for _, n := range x.keys() {
			if s.types[n] == "" {
				s.types[n] = r.one("S", "N", "B")
			}
		}
		x.projection = r.one("ALL", "ALL", "KEYS_ONLY", "INCLUDE")
		if x.projection == "INCLUDE" {
			x.nonKey = []string{"n", "s", "m"}
		}
		s.indexes = append(s.indexes, x)
	}
	for i := range 1 + r.IntN(2) {
		names := []string{"g1", "g2", "g3", "r1", "r2", "r3"}
		if r.chance(0.3) {
			names = append(names, s.keys...)
		}
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		hashes := 1
		if r.chance(0.35) {
			hashes = 1 + r.IntN(2)
		}
		add(shapeIndex{
			name: fmt.Sprintf("gsi%d", i), global: true,
			hash: slices.Clone(names[:hashes]), sort: slices.Clone(names[hashes : hashes+r.IntN(3)]),
		})
	}
	if len(s.keys) == 2 {
		for i := range r.IntN(3) {
			add(shapeIndex{name: fmt.Sprintf("lsi%d", i), hash: []string{"pk"}, sort: []string{r.one("k1", "k2", "r1")}})
		}
	}
	return s
}

func schemaOf(hash, ranges []string) []types.KeySchemaElement {
	var out []types.KeySchemaElement
	for _, n := range hash {
		out = append(out, types.KeySchemaElement{AttributeName: aws.String(n), KeyType: types.KeyTypeHash})
	}
	for _, n := range ranges {
		out = append(out, types.KeySchemaElement{AttributeName: aws.String(n), KeyType: types.KeyTypeRange})
	}
	return out
}

func (s *shape) create() *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName: aws.String(s.name), BillingMode: types.BillingModePayPerRequest, KeySchema: schemaOf(s.keys[:1], s.keys[1:]),
	}
	for _, n := range sortedNames(s.types) {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(n), AttributeType: types.ScalarAttributeType(s.types[n]),
		})
	}
	for _, x := range s.indexes {
		p := &types.Projection{ProjectionType: types.ProjectionType(x.projection), NonKeyAttributes: x.nonKey}
		if x.global {
			in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
				IndexName: aws.String(x.name), KeySchema: schemaOf(x.hash, x.sort), Projection: p,
			})
		} else {
			in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{
				IndexName: aws.String(x.name), KeySchema: schemaOf(x.hash, x.sort), Projection: p,
			})
		}
	}
	return in
}

func (s *shape) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s keys=%v types=%v", s.name, s.keys, s.types)
	for _, x := range s.indexes {
		fmt.Fprintf(&b, " %s(%v|%v %s %v)", x.name, x.hash, x.sort, x.projection, x.nonKey)
	}
	return b.String()
}
