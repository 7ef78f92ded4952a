package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

func TestMembershipKeys(t *testing.T) {
	s := loadedStore(t)
	require.Equal(t, map[string]string{
		"_et": "Membership", "PK": "ORG#acme", "SK": "MEMBER#ann",
		"GSI1PK": "USER#ann", "GSI1SK": "ORG#acme",
	}, storedKeys(t, s, "ORG#acme", "MEMBER#ann"))
}

func TestMembersPageByPage(t *testing.T) {
	s := loadedStore(t)
	for size := 1; size <= 6; size++ {
		var ids []string
		var next monotable.Cursor
		for {
			page, err := s.Members(t.Context(), "acme", size, next)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Items), size)
			for _, m := range page.Items {
				ids = append(ids, m.UserID)
			}
			if next = page.Next; next == "" {
				break
			}
		}
		require.Equal(t, []string{"ann", "bob", "cem", "dora", "eli"}, ids, "pages of %d", size)
	}
}

func TestMembersRefusesAnotherOrganisationsCursor(t *testing.T) {
	s := loadedStore(t)
	page, err := s.Members(t.Context(), "acme", 2, "")
	require.NoError(t, err)
	_, err = s.Members(t.Context(), "oak", 2, page.Next)
	require.ErrorIs(t, err, monotable.ErrBadCursor)
}

func TestSeats(t *testing.T) {
	s := loadedStore(t)
	seats, err := s.Seats(t.Context(), "cem")
	require.NoError(t, err)
	require.Len(t, seats, 2)
	require.Equal(t, "Acme", seats[0].Organization.Name)
	require.Equal(t, "admin", seats[0].Role)
	require.Equal(t, "Oak School", seats[1].Organization.Name)
	require.Equal(t, "owner", seats[1].Role)

	seats, err = s.Seats(t.Context(), "nobody")
	require.NoError(t, err)
	require.Empty(t, seats)
}
