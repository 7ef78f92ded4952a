package monotable_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/monotable/monotable"
)

// account is the entity that most contract tests use: it has about every rule.
type account struct {
	ID      string            `dynamodbav:"id"`
	Email   string            `dynamodbav:"email"`
	Plan    string            `dynamodbav:"plan"`
	Region  string            `dynamodbav:"region"`
	Logins  int               `dynamodbav:"logins"`
	Prefs   accountPrefs      `dynamodbav:"prefs"`
	Notify  *bool             `dynamodbav:"notify"`
	Tags    []string          `dynamodbav:"tags"`
	Roles   []string          `dynamodbav:"roles,stringset"`
	Labels  map[string]string `dynamodbav:"labels"`
	Secret  string            `dynamodbav:"secret,omitempty"`
	Created time.Time         `dynamodbav:"createdAt"`
	Updated time.Time         `dynamodbav:"updatedAt"`
	Version int64             `dynamodbav:"version"`
}

type accountPrefs struct {
	Theme string `dynamodbav:"theme"`
	Size  int    `dynamodbav:"size"`
}

var (
	accountID      = monotable.Field(func(a *account) *string { return &a.ID })
	accountEmail   = monotable.Field(func(a *account) *string { return &a.Email })
	accountPlan    = monotable.Field(func(a *account) *string { return &a.Plan })
	accountRegion  = monotable.Field(func(a *account) *string { return &a.Region })
	accountLogins  = monotable.Field(func(a *account) *int { return &a.Logins })
	accountWhole   = monotable.Field(func(a *account) *accountPrefs { return &a.Prefs })
	accountTheme   = monotable.Field(func(a *account) *string { return &a.Prefs.Theme })
	accountSize    = monotable.Field(func(a *account) *int { return &a.Prefs.Size })
	accountNotify  = monotable.Field(func(a *account) **bool { return &a.Notify })
	accountTags    = monotable.Field(func(a *account) *[]string { return &a.Tags })
	accountRoles   = monotable.Field(func(a *account) *[]string { return &a.Roles })
	accountLabels  = monotable.Field(func(a *account) *map[string]string { return &a.Labels })
	accountSecret  = monotable.Field(func(a *account) *string { return &a.Secret })
	accountCreated = monotable.Field(func(a *account) *time.Time { return &a.Created })
	accountUpdated = monotable.Field(func(a *account) *time.Time { return &a.Updated })
	accountVersion = monotable.Field(func(a *account) *int64 { return &a.Version })
)

var errNoAt = errors.New("has no @")

func accountSchema() monotable.Schema[account] {
	return monotable.Schema[account]{
		Name: "Account",
		Key:  monotable.Key{Partition: "ACCOUNT#{id}", Sort: "PROFILE"},
		Indexes: map[string]monotable.Key{
			"GSI1": {Partition: "EMAIL#{email}", Sort: "ACCOUNT#{id}"},
			"GSI2": {Partition: "REGION#{region}", Sort: "PLAN#{plan}"},
		},
		Rules: []monotable.Rule[account]{
			accountEmail.Required().Transform(strings.TrimSpace).Transform(strings.ToLower).Validate(func(s string) error {
				if !strings.Contains(s, "@") {
					return errNoAt
				}
				return nil
			}),
			accountPlan.Default("free").OneOf("free", "pro", "team"),
			accountTheme.Default("light"),
			accountNotify.Default(new(true)),
			accountLabels.Default(map[string]string{"origin": "web"}),
			monotable.Min(accountLogins, 0), monotable.Max(accountSize, 99),
			accountSecret.Hidden(),
			monotable.CreatedAt(accountCreated), monotable.UpdatedAt(accountUpdated), monotable.Version(accountVersion),
		},
		Validate: func(a *account) error {
			if a.Plan == "team" && a.Region == "" {
				return errors.New("a team needs a region")
			}
			return nil
		},
	}
}

// accounts is a table with the entity, its clock, and the plain client beside it.
type accounts struct {
	*store
	*monotable.Entity[account]
	clock *manualClock
}

func accountConfig(clock *manualClock) monotable.TableConfig {
	return monotable.TableConfig{
		PartitionKey: "PK", SortKey: "SK", Clock: clock.now,
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "GSI2", PartitionKey: "GSI2PK", SortKey: "GSI2SK"},
		},
	}
}

func openAccounts(t testing.TB) *accounts {
	t.Helper()
	clock := newClock()
	s := openStore(t, accountConfig(clock))
	return &accounts{store: s, Entity: mustEntity(t, s.Table, accountSchema()), clock: clock}
}

// rawAccount is what is stored of account{ID: id, Email: id + "@x.io"} after its Create at noon.
func rawAccount(id string) rawItem {
	return rawItem{
		"PK": avS("ACCOUNT#" + id), "SK": avS("PROFILE"), "_et": avS("Account"),
		"GSI1PK": avS("EMAIL#" + id + "@x.io"), "GSI1SK": avS("ACCOUNT#" + id),
		"id": avS(id), "email": avS(id + "@x.io"), "plan": avS("free"), "region": avS(""), "logins": avN("0"),
		"prefs": avM(rawItem{"theme": avS("light"), "size": avN("0")}), "notify": avBool(true),
		"labels":    avM(rawItem{"origin": avS("web")}),
		"createdAt": avS(sortable(noon)), "updatedAt": avS(sortable(noon)), "version": avN("1"),
	}
}

// newAccount is the account that rawAccount stores.
func newAccount(id string) account {
	return account{
		ID: id, Email: id + "@x.io", Plan: "free", Prefs: accountPrefs{Theme: "light"}, Notify: new(true),
		Labels: map[string]string{"origin": "web"}, Created: noon, Updated: noon, Version: 1,
	}
}

func (a *accounts) raw(id string) rawItem { return a.stored(keyPS("ACCOUNT#"+id, "PROFILE")) }
