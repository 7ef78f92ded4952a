package main

import (
	"context"
	"strings"
	"time"

	"github.com/monotable/monotable"
)

// Organization is who pays.
type Organization struct {
	ID       string    `dynamodbav:"orgId"`
	Name     string    `dynamodbav:"name"`
	Domain   string    `dynamodbav:"domain"`
	Plan     string    `dynamodbav:"plan"`
	Settings Settings  `dynamodbav:"settings"`
	Created  time.Time `dynamodbav:"createdAt"`
	Updated  time.Time `dynamodbav:"updatedAt"`
}

// Settings is stored as a map inside the organisation, its features as a string set.
type Settings struct {
	Region   string   `dynamodbav:"region"`
	Seats    int      `dynamodbav:"seats"`
	Features []string `dynamodbav:"features,stringset"`
}

var (
	orgName     = monotable.Field(func(o *Organization) *string { return &o.Name })
	orgDomain   = monotable.Field(func(o *Organization) *string { return &o.Domain })
	orgPlan     = monotable.Field(func(o *Organization) *string { return &o.Plan })
	orgRegion   = monotable.Field(func(o *Organization) *string { return &o.Settings.Region })
	orgSeats    = monotable.Field(func(o *Organization) *int { return &o.Settings.Seats })
	orgFeatures = monotable.Field(func(o *Organization) *[]string { return &o.Settings.Features })
	orgCreated  = monotable.Field(func(o *Organization) *time.Time { return &o.Created })
	orgUpdated  = monotable.Field(func(o *Organization) *time.Time { return &o.Updated })
)

var organizationSchema = monotable.Schema[Organization]{
	Name: "Organization",
	Key:  monotable.Key{Partition: "ORG#{orgId}", Sort: "PROFILE"},
	Indexes: map[string]monotable.Key{
		"GSI1": {Partition: "DOMAIN#{domain}", Sort: "ORG#{orgId}"},
	},
	Rules: []monotable.Rule[Organization]{
		orgName.Required(),
		orgDomain.Required().Transform(strings.ToLower),
		orgPlan.Default("free").OneOf("free", "pro"),
		orgRegion.Default("eu").OneOf("eu", "us"),
		monotable.Min(orgSeats, 1).DefaultZero(5), // 0 seats means "not given"
		orgFeatures.Default([]string{"wiki"}),
		monotable.CreatedAt(orgCreated),
		monotable.UpdatedAt(orgUpdated),
	},
}

// OrganizationByDomain looks an organisation up in GSI1.
func (s *Store) OrganizationByDomain(ctx context.Context, domain string) (Organization, error) {
	return s.Organizations.Query(Organization{Domain: domain}).Index("GSI1").First(ctx)
}
