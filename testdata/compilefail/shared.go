// Package compilefail is what the programs of TestCompileFail share: each is type-checked
// as a function at the end of this file. Nothing here is ever run.
package compilefail

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/monotable/monotable"
)

type Prefs struct {
	Theme string `dynamodbav:"theme"`
}

type User struct {
	ID      string            `dynamodbav:"userId"`
	Email   string            `dynamodbav:"email"`
	Plan    string            `dynamodbav:"plan"`
	Role    Role              `dynamodbav:"role"`
	Logins  int               `dynamodbav:"logins"`
	Score   float64           `dynamodbav:"score"`
	Admin   bool              `dynamodbav:"admin"`
	Credit  *int              `dynamodbav:"credit"`
	Notify  *bool             `dynamodbav:"notify"`
	Prefs   Prefs             `dynamodbav:"preferences"`
	Tags    []string          `dynamodbav:"tags"`
	Labels  map[string]string `dynamodbav:"labels"`
	Ranks   map[int]string    `dynamodbav:"ranks"`
	Created time.Time         `dynamodbav:"createdAt"`
	Version int64             `dynamodbav:"version"`
}

type Role string

type Order struct {
	UserID string   `dynamodbav:"userId"`
	ID     string   `dynamodbav:"orderId"`
	Total  int      `dynamodbav:"total"`
	Status string   `dynamodbav:"status"`
	Lines  []string `dynamodbav:"lines"`
}

// OrderLine is a smaller view of Order.
type OrderLine struct {
	ID string `dynamodbav:"orderId"`
}

var (
	userEmail   = monotable.Field(func(u *User) *string { return &u.Email })
	userPlan    = monotable.Field(func(u *User) *string { return &u.Plan })
	userRole    = monotable.Field(func(u *User) *Role { return &u.Role })
	userLogins  = monotable.Field(func(u *User) *int { return &u.Logins })
	userScore   = monotable.Field(func(u *User) *float64 { return &u.Score })
	userAdmin   = monotable.Field(func(u *User) *bool { return &u.Admin })
	userCredit  = monotable.Field(func(u *User) **int { return &u.Credit })
	userNotify  = monotable.Field(func(u *User) **bool { return &u.Notify })
	userPrefs   = monotable.Field(func(u *User) *Prefs { return &u.Prefs })
	userTheme   = monotable.Field(func(u *User) *string { return &u.Prefs.Theme })
	userTags    = monotable.Field(func(u *User) *[]string { return &u.Tags })
	userLabels  = monotable.Field(func(u *User) *map[string]string { return &u.Labels })
	userRanks   = monotable.Field(func(u *User) *map[int]string { return &u.Ranks })
	userCreated = monotable.Field(func(u *User) *time.Time { return &u.Created })
	userVersion = monotable.Field(func(u *User) *int64 { return &u.Version })

	orderID     = monotable.Field(func(o *Order) *string { return &o.ID })
	orderTotal  = monotable.Field(func(o *Order) *int { return &o.Total })
	orderStatus = monotable.Field(func(o *Order) *string { return &o.Status })
	orderLines  = monotable.Field(func(o *Order) *[]string { return &o.Lines })
)

var (
	ctx    context.Context
	err    error
	client monotable.Client
	table  *monotable.Table
	users  *monotable.Entity[User]
	orders *monotable.Entity[Order]
	ann    User
	order  Order
	text   string
)

// halfClient has two of the ten calls.
type halfClient struct{}

func (halfClient) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return nil, nil
}

func (halfClient) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return nil, nil
}

// ownCond is a Change, but no Cond: it cannot have monotable's unexported method.
type ownCond struct{ monotable.Change[User] }

func (ownCond) cond(*User) bool { return true }

var (
	plans = []string{"free", "pro"}
	known = func(plan string) error { return errors.New("unknown plan " + strings.ToLower(plan)) }
	isPro = expression.Name("plan").Equal(expression.Value("pro"))
)
