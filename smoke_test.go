package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

type SPrefs struct {
	Theme string `dynamodbav:"theme"`
}
type SUser struct {
	ID       string            `dynamodbav:"userId"`
	Email    string            `dynamodbav:"email"`
	Plan     string            `dynamodbav:"plan"`
	Logins   int               `dynamodbav:"logins"`
	Prefs    SPrefs            `dynamodbav:"preferences"`
	Notify   *bool             `dynamodbav:"notify"`
	Tags     []string          `dynamodbav:"tags"`
	Labels   map[string]string `dynamodbav:"labels"`
	Password string            `dynamodbav:"password,omitempty"`
	Expires  time.Time         `dynamodbav:"expires"`
	Created  time.Time         `dynamodbav:"createdAt"`
	Updated  time.Time         `dynamodbav:"updatedAt"`
	Version  int64             `dynamodbav:"version"`
}

var (
	sEmail    = monotable.Field(func(u *SUser) *string { return &u.Email })
	sPlan     = monotable.Field(func(u *SUser) *string { return &u.Plan })
	sLogins   = monotable.Field(func(u *SUser) *int { return &u.Logins })
	sTheme    = monotable.Field(func(u *SUser) *string { return &u.Prefs.Theme })
	sNotify   = monotable.Field(func(u *SUser) **bool { return &u.Notify })
	sTags     = monotable.Field(func(u *SUser) *[]string { return &u.Tags })
	sLabels   = monotable.Field(func(u *SUser) *map[string]string { return &u.Labels })
	sPassword = monotable.Field(func(u *SUser) *string { return &u.Password })
	sExpires  = monotable.Field(func(u *SUser) *time.Time { return &u.Expires })
	sCreated  = monotable.Field(func(u *SUser) *time.Time { return &u.Created })
	sUpdated  = monotable.Field(func(u *SUser) *time.Time { return &u.Updated })
	sVersion  = monotable.Field(func(u *SUser) *int64 { return &u.Version })
)

func TestSmoke(t *testing.T) {
	table := monotabletest.Table(t, monotable.TableConfig{
		Name: "app", PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
	})
	users, err := monotable.NewEntity(table, monotable.Schema[SUser]{
		Name:    "User",
		Key:     monotable.Key{Partition: "USER#{userId}", Sort: "PROFILE"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "EMAIL#{email}", Sort: "USER#{userId}"}},
		Rules: []monotable.Rule[SUser]{
			sEmail.Required().Transform(strings.ToLower).Validate(func(s string) error {
				if !strings.Contains(s, "@") {
					return errors.New("no @")
				}
				return nil
			}),
			sPlan.Default("free").OneOf("free", "pro"), sTheme.Default("light"), sNotify.Default(new(true)),
			sLabels.Default(map[string]string{}), monotable.Min(sLogins, 0), sPassword.Hidden(),
			monotable.CreatedAt(sCreated), monotable.UpdatedAt(sUpdated), monotable.Version(sVersion), monotable.ExpiresAt(sExpires),
		},
	})
	require.NoError(t, err)
	ctx := context.Background()
	ann, err := users.Create(ctx, SUser{ID: "ann", Email: "Ann@Example.com", Password: "pw"})
	require.NoError(t, err)
	fmt.Printf("%+v\n", ann)
	_, err = users.Create(ctx, SUser{ID: "ann", Email: "Ann@Example.com"})
	require.ErrorIs(t, err, monotable.ErrAlreadyExists)
	fmt.Println(err)
	_, err = users.Create(ctx, SUser{ID: "", Email: "Annexample.com", Plan: "x"})
	fmt.Println(err)
	ann, err = users.Get(ctx, SUser{ID: "ann"})
	require.NoError(t, err)
	fmt.Printf("%+v\n", ann)
	ann, err = users.Update(ctx, SUser{ID: "ann"}, sPlan.Set("pro"), monotable.Add(sLogins, 1), monotable.Append(sTags, "x"),
		monotable.MapKey(sLabels, "team").Set("red"), sTheme.Remove(), sNotify.Exists(),
		monotable.Any(sPlan.In("free", "pro"), monotable.Not(sLogins.Gt(9))), sVersion.Eq(ann.Version))
	require.NoError(t, err)
	fmt.Printf("%+v\n", ann)
	ann, err = users.Modify(ctx, SUser{ID: "ann"}, func(u *SUser) error { u.Prefs.Theme = "dark"; u.Email = "B@b"; return nil })
	require.NoError(t, err)
	fmt.Printf("%+v\n", ann)
	_, err = users.Upsert(ctx, SUser{ID: "bob"}, sEmail.Set("bob@example.com"), sPlan.SetIfAbsent("free"))
	require.NoError(t, err)
	_, err = users.Upsert(ctx, SUser{ID: "bob"}, sEmail.Set("bob2@example.com"), sPlan.SetIfAbsent("free"))
	require.NoError(t, err)
	b, err := users.Query(SUser{Email: "BOB2@example.com"}).Index("GSI1").First(ctx)
	require.NoError(t, err)
	fmt.Printf("%+v\n", b)
	_, err = users.Put(ctx, b)
	require.NoError(t, err)
	_, err = users.Put(ctx, b)
	require.ErrorIs(t, err, monotable.ErrVersionConflict)
	fmt.Println(err)
	_, err = users.Put(ctx, ann)
	fmt.Println(err)
	n, err := users.Scan().Count(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	old, err := users.Delete(ctx, SUser{ID: "ann"}, monotable.All(sPlan.Eq("free"), monotable.HasPrefix(sEmail, "a")))
	fmt.Println(old, err)
	old, err = users.Delete(ctx, SUser{ID: "ann"})
	fmt.Println(old, err)
	old, err = users.Delete(ctx, SUser{ID: "ann"})
	fmt.Println(old, err)
}
