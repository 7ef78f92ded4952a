package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

func TestOrganizationDefaults(t *testing.T) {
	s := loadedStore(t)
	oak, err := s.OrganizationByDomain(t.Context(), "EXAMPLE.org")
	require.NoError(t, err)
	require.Equal(t, Organization{
		ID: "oak", Name: "Oak School", Domain: "example.org", Plan: "free",
		Settings: Settings{Region: "us", Seats: 5, Features: []string{"wiki"}},
		Created:  today(), Updated: today(),
	}, oak)
}

func TestOrganizationIsStored(t *testing.T) {
	s := loadedStore(t)
	require.Equal(t, map[string]string{
		"_et": "Organization", "PK": "ORG#acme", "SK": "PROFILE",
		"GSI1PK": "DOMAIN#example.com", "GSI1SK": "ORG#acme",
	}, storedKeys(t, s, "ORG#acme", "PROFILE"))

	settings, ok := storedItem(t, s, "ORG#acme", "PROFILE")["settings"].(*types.AttributeValueMemberM)
	require.True(t, ok)
	features, ok := settings.Value["features"].(*types.AttributeValueMemberSS)
	require.True(t, ok, "features are a string set")
	require.ElementsMatch(t, []string{"audit", "search", "wiki"}, features.Value)
}
