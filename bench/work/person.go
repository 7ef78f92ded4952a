package work

import (
	"time"

	"github.com/monotable/monotable"
)

// Person is what the calls are measured with: a [User] without the keys of the
// table, which monotable makes.
type Person struct {
	Tenant    string    `dynamodbav:"tenant" dynamo:"tenant"`
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

// stored is a person as the other libraries see it: with the attributes that
// monotable adds, so that all of them read and write the same item.
type stored struct {
	PK   string `dynamodbav:"PK" dynamo:"PK,hash"`
	SK   string `dynamodbav:"SK" dynamo:"SK,range"`
	Type string `dynamodbav:"_et" dynamo:"_et"`
	Person
}

const (
	tableName = "app"
	skPrefix  = "USER#"
	typeName  = "Person"
)

func (p Person) partition() string { return "TENANT#" + p.Tenant }
func (p Person) sort() string      { return skPrefix + p.ID }
func (p Person) stored() stored    { return stored{p.partition(), p.sort(), typeName, p} }

// People makes n of them.
func People(n int) []Person {
	people := make([]Person, n)
	for i, u := range Users(n) {
		people[i] = Person{
			tenant, u.ID, u.Email, u.Name, u.Age, u.Balance, u.Active, u.Roles, u.Tags, u.Address, u.CreatedAt, u.UpdatedAt, u.Version, u.Note,
		}
	}
	return people
}

// PeopleOf is what a way has read, whatever form its library gives people.
func PeopleOf(read any) ([]Person, bool) {
	var people []Person
	switch read := read.(type) {
	case Person:
		people = []Person{read}
	case []Person:
		people = read
	case []stored:
		for _, s := range read {
			people = append(people, s.Person)
		}
	case []monotable.BatchResult[Person]:
		for _, r := range read {
			people = append(people, r.Item)
		}
	}
	return people, people != nil
}

// What an update sets, beside adding 1 to the version, which must be as it was.
const (
	newName  = "New Name"
	newEmail = "new@example.com"
	newAge   = 44
)

var newTime = time.Date(2026, time.February, 2, 2, 40, 0, 0, time.UTC)

var (
	name      = monotable.Field(func(p *Person) *string { return &p.Name })
	email     = monotable.Field(func(p *Person) *string { return &p.Email })
	age       = monotable.Field(func(p *Person) *int { return &p.Age })
	updatedAt = monotable.Field(func(p *Person) *time.Time { return &p.UpdatedAt })
	version   = monotable.Field(func(p *Person) *int64 { return &p.Version })
)

func declare(client monotable.Client) (*monotable.Table, *monotable.Entity[Person], error) {
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: tableName, PartitionKey: "PK", SortKey: "SK"})
	if err != nil {
		return nil, nil, err
	}
	people, err := monotable.NewEntity(table, monotable.Schema[Person]{
		Name: typeName, Key: monotable.Key{Partition: "TENANT#{tenant}", Sort: skPrefix + "{id}"},
	})
	return table, people, err
}
