package codec_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/stretchr/testify/require"
)

// user is what the conversions are measured with: 15 attributes, about 400 bytes.
type user struct {
	PK        string    `dynamodbav:"PK"`
	SK        string    `dynamodbav:"SK"`
	ID        string    `dynamodbav:"id"`
	Email     string    `dynamodbav:"email"`
	Name      string    `dynamodbav:"name"`
	Age       int       `dynamodbav:"age"`
	Balance   float64   `dynamodbav:"balance"`
	Active    bool      `dynamodbav:"active"`
	Roles     []string  `dynamodbav:"roles,stringset"`
	Tags      []string  `dynamodbav:"tags"`
	Address   address   `dynamodbav:"address"`
	CreatedAt time.Time `dynamodbav:"createdAt"`
	UpdatedAt time.Time `dynamodbav:"updatedAt,unixtime"`
	Version   int64     `dynamodbav:"version"`
	Note      string    `dynamodbav:"note"`
}

type address struct {
	Street string  `dynamodbav:"street"`
	City   string  `dynamodbav:"city"`
	Zip    string  `dynamodbav:"zip"`
	Lat    float64 `dynamodbav:"lat"`
	Lon    float64 `dynamodbav:"lon"`
}

func sampleUser(i int) user {
	id := fmt.Sprintf("01J%010X", i*7919)
	at := time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.UTC).Add(time.Duration(i) * 1234567 * time.Microsecond)
	return user{
		PK: "TENANT#acme-0042", SK: "USER#" + id, ID: id, Email: fmt.Sprintf("user.%d@example.com", i), Name: "Ana-María Núñez",
		Age: 18 + i%60, Balance: float64(i*7919%1_000_000) / 100, Active: i%2 == 0,
		Roles: []string{"admin", "billing", "viewer"}[:1+i%3], Tags: []string{"beta", "eu-west", "newsletter", "priority"}[:2+i%3],
		Address: address{
			Street: fmt.Sprintf("%d Long Meadow Road", i), City: "Springfield", Zip: "12345",
			Lat: float64(i%180_000) / 1e6, Lon: -float64(i%360_000) / 1e6,
		},
		CreatedAt: at, UpdatedAt: at.Truncate(time.Second), Version: int64(i), Note: "prefers e-mail; called on Monday, see ticket 4711",
	}
}

func BenchmarkUserEncode(b *testing.B) {
	plan := compile(b, reflect.TypeFor[user]())
	v := sampleUser(4711)
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := plan.Encode(reflect.ValueOf(&v).Elem()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("attributevalue", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := attributevalue.MarshalMap(&v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkUserDecode(b *testing.B) {
	plan := compile(b, reflect.TypeFor[user]())
	it := mustEncode(b, sampleUser(4711))
	var v user
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			require.NoError(b, plan.Decode(it, reflect.ValueOf(&v).Elem()))
		}
	})
	b.Run("attributevalue", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v = user{}
			require.NoError(b, attributevalue.UnmarshalMap(it, &v))
		}
	})
}
