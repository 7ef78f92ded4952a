// Package work is what is measured: conversions and calls, each done by several
// libraries, with the same results.
package work

import (
	"fmt"
	"math/rand"
	"time"
)

// User is what the conversions are measured with: 15 attributes, about 400 bytes
// as DynamoDB counts them.
type User struct {
	PK        string    `dynamodbav:"PK" dynamo:"PK,hash"`
	SK        string    `dynamodbav:"SK" dynamo:"SK,range"`
	ID        string    `dynamodbav:"id" dynamo:"id"`
	Email     string    `dynamodbav:"email" dynamo:"email"`
	Name      string    `dynamodbav:"name" dynamo:"name"`
	Age       int       `dynamodbav:"age" dynamo:"age"`
	Balance   float64   `dynamodbav:"balance" dynamo:"balance"`
	Active    bool      `dynamodbav:"active" dynamo:"active"`
	Roles     []string  `dynamodbav:"roles,stringset" dynamo:"roles,set"`
	Tags      []string  `dynamodbav:"tags" dynamo:"tags"`
	Address   Address   `dynamodbav:"address" dynamo:"address"`
	CreatedAt time.Time `dynamodbav:"createdAt" dynamo:"createdAt"`
	UpdatedAt time.Time `dynamodbav:"updatedAt,unixtime" dynamo:"updatedAt,unixtime"`
	Version   int64     `dynamodbav:"version" dynamo:"version"`
	Note      string    `dynamodbav:"note" dynamo:"note"`
}

// Address is a map inside a user.
type Address struct {
	Street string  `dynamodbav:"street" dynamo:"street"`
	City   string  `dynamodbav:"city" dynamo:"city"`
	Zip    string  `dynamodbav:"zip" dynamo:"zip"`
	Lat    float64 `dynamodbav:"lat" dynamo:"lat"`
	Lon    float64 `dynamodbav:"lon" dynamo:"lon"`
}

const tenant = "acme-0042"

// Users makes n users of one tenant, the same ones each time.
func Users(n int) []User {
	r := rand.New(rand.NewSource(42))
	day := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	users := make([]User, n)
	for i := range users {
		id := fmt.Sprintf("01J%010X%08X", r.Int63n(1<<40), r.Uint32())
		users[i] = User{
			PK: "TENANT#" + tenant, SK: "USER#" + id, ID: id,
			Email:   fmt.Sprintf("user.%d.%04x@example-corp.com", i, r.Intn(1<<16)),
			Name:    fmt.Sprintf("Ana-María Núñez %d", i),
			Age:     18 + r.Intn(60),
			Balance: float64(r.Intn(10_000_000)) / 100,
			Active:  r.Intn(2) == 0,
			Roles:   []string{"admin", "billing", "viewer"}[:1+r.Intn(3)],
			Tags:    []string{"beta", "eu-west", "newsletter", "priority"}[:2+r.Intn(3)],
			Address: Address{
				Street: fmt.Sprintf("%d Long Meadow Road", 1+r.Intn(999)), City: "Springfield", Zip: fmt.Sprintf("%05d", r.Intn(100_000)),
				Lat: float64(r.Intn(180_000_000)-90_000_000) / 1e6, Lon: float64(r.Intn(360_000_000)-180_000_000) / 1e6,
			},
			CreatedAt: day.Add(time.Duration(r.Int63n(1e16))),
			UpdatedAt: day.Add(time.Duration(r.Int63n(1e7)) * time.Second),
			Version:   r.Int63n(1000),
			Note:      "prefers e-mail; called on Monday, see ticket 4711",
		}
	}
	return users
}
