package codec_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/stretchr/testify/require"
)

type order struct {
	ID      string    `dynamodbav:"id"`
	User    string    `dynamodbav:"user"`
	Total   int64     `dynamodbav:"total"`
	Rate    float64   `dynamodbav:"rate"`
	Paid    bool      `dynamodbav:"paid"`
	Created time.Time `dynamodbav:"created"`
	Note    *string   `dynamodbav:"note"`
	Tags    []string  `dynamodbav:"tags"`
	Labels  map[string]string
	Codes   []string `dynamodbav:"codes,stringset"`
	Lines   []line   `dynamodbav:"lines"`
}

type line struct {
	SKU   string `dynamodbav:"sku"`
	Count int    `dynamodbav:"count"`
	Price int64  `dynamodbav:"price"`
}

var sampleOrder = order{
	ID: "2024-001", User: "ann", Total: 4200, Rate: 0.19, Paid: true, Created: time.Date(2026, 11, 21, 4, 0, 0, 0, time.UTC),
	Tags: []string{"a", "b"}, Labels: map[string]string{"k": "v", "l": "w"}, Codes: []string{"x", "y"},
	Lines: []line{{"s1", 1, 100}, {"s2", 2, 200}},
}

func BenchmarkEncode(b *testing.B) {
	plan := compile(b, reflect.TypeFor[order]())
	v := sampleOrder
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := plan.Encode(reflect.ValueOf(&v).Elem())
			require.NoError(b, err)
		}
	})
	b.Run("attributevalue", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := attributevalue.MarshalMap(&v)
			require.NoError(b, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	plan := compile(b, reflect.TypeFor[order]())
	it := mustEncode(b, sampleOrder)
	var v order
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v = order{}
			require.NoError(b, plan.Decode(it, reflect.ValueOf(&v).Elem()))
		}
	})
	b.Run("attributevalue", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v = order{}
			require.NoError(b, attributevalue.UnmarshalMap(it, &v))
		}
	})
}
