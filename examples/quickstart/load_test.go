package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

func TestLoadTwice(t *testing.T) {
	s := loadedStore(t)
	_, err := s.Load(t.Context(), people)
	require.ErrorIs(t, err, monotable.ErrAlreadyExists)
	require.EqualError(t, err, "load: User 0: monotable: Create User: item already exists")
}

func TestLoadBrokenFile(t *testing.T) {
	_, err := newStore(t).Load(t.Context(), []byte(`{"users": 7}`))
	require.ErrorContains(t, err, "load: ")
}
