package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

func TestUserDefaults(t *testing.T) {
	s := newStore(t)
	user, err := s.Users.Create(t.Context(), User{ID: "gus", Email: "Gus@Example.com", Preferences: Preferences{Theme: "dark"}})
	require.NoError(t, err)
	require.Equal(t, User{
		ID: "gus", Email: "gus@example.com", Status: StatusActive,
		Preferences: Preferences{Theme: "dark", Language: "en", Notifications: Notifications{Email: new(true), Digest: "weekly"}},
		Created:     today(), Updated: today(), Version: 1,
	}, user)

	stored, err := s.Users.Get(t.Context(), User{ID: "gus"})
	require.NoError(t, err)
	require.Equal(t, user, stored, "what a write returns is what is stored")
}

func TestUserKeys(t *testing.T) {
	s := loadedStore(t)
	require.Equal(t, map[string]string{
		"_et": "User", "PK": "USER#ann", "SK": "PROFILE",
		"GSI1PK": "EMAIL#ann@example.com", "GSI1SK": "USER#ann",
		"GSI2PK": "USERNAME#ann", "GSI2SK": "USER#ann",
	}, storedKeys(t, s, "USER#ann", "PROFILE"))
	require.Equal(t, map[string]string{
		"_et": "User", "PK": "USER#dora", "SK": "PROFILE",
		"GSI1PK": "EMAIL#dora@example.org", "GSI1SK": "USER#dora",
	}, storedKeys(t, s, "USER#dora", "PROFILE"), "who has no username is not in GSI2")
}

func TestUserRefusals(t *testing.T) {
	s := newStore(t)
	for name, user := range map[string]User{
		"no email":      {ID: "gus"},
		"bad email":     {ID: "gus", Email: "gus"},
		"named address": {ID: "gus", Email: "Gus <gus@example.com>"},
		"bad username":  {ID: "gus", Email: "gus@example.com", Username: "g us"},
		"bad status":    {ID: "gus", Email: "gus@example.com", Status: "gone"},
		"bad theme":     {ID: "gus", Email: "gus@example.com", Preferences: Preferences{Theme: "pink"}},
		"no id":         {Email: "gus@example.com"},
		"hash in id":    {ID: "g#us", Email: "gus@example.com"},
	} {
		_, err := s.Users.Create(t.Context(), user)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	n, err := s.Users.Scan().Count(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestDeleteUser(t *testing.T) {
	s := loadedStore(t)
	ann, err := s.UserByEmail(t.Context(), "ann@example.com")
	require.NoError(t, err)
	gone, err := s.DeleteUser(t.Context(), ann)
	require.NoError(t, err)
	require.Equal(t, StatusDeleted, gone.Status)
	require.Equal(t, 2, gone.Version)
	require.Equal(t, ann.Preferences, gone.Preferences, "what the update does not name stays")

	require.Equal(t, map[string]string{
		"_et": "User", "PK": "USER#ann", "SK": "PROFILE",
		"GSI1PK": "EMAIL#ann@deleted.invalid", "GSI1SK": "USER#ann",
	}, storedKeys(t, s, "USER#ann", "PROFILE"), "GSI1 has moved, GSI2 is gone")
	item := storedItem(t, s, "USER#ann", "PROFILE")
	require.Equal(t, &types.AttributeValueMemberS{Value: ""}, item["name"], "cleared")
	require.NotContains(t, item, "bio", "removed")
	require.NotContains(t, item, "username", "removed")

	_, err = s.UserByEmail(t.Context(), "ann@example.com")
	require.ErrorIs(t, err, monotable.ErrNotFound)
	_, err = s.UserByUsername(t.Context(), "ann")
	require.ErrorIs(t, err, monotable.ErrNotFound)

	_, err = s.DeleteUser(t.Context(), ann)
	require.ErrorIs(t, err, monotable.ErrVersionConflict, "ann was read before she was deleted")
	_, err = s.DeleteUser(t.Context(), gone)
	require.ErrorIs(t, err, monotable.ErrConditionFailed, "not twice")
	require.NotErrorIs(t, err, monotable.ErrVersionConflict)
}
