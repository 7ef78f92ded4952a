package main

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

func TestAPIKeys(t *testing.T) {
	ctx := t.Context()
	s, rec, clock := newStore(t)
	var secret string
	var err error
	rec.Expect(t, 1, func() { secret, err = s.IssueKey(ctx, "ann", "reader", 2) })
	require.NoError(t, err)
	for n := 1; n <= 2; n++ {
		clock.Advance(time.Minute)
		var key APIKey
		rec.Expect(t, 1, func() { key, err = s.UseKey(ctx, secret) })
		require.NoError(t, err)
		require.Equal(t, "ann", key.UserID)
		require.Equal(t, n, key.Uses)
		require.True(t, clock.Now().Equal(*key.LastUsed))
	}
	_, err = s.UseKey(ctx, secret)
	require.ErrorIs(t, err, ErrQuota)
	_, err = s.UseKey(ctx, "guessed")
	require.ErrorIs(t, err, monotable.ErrNotFound)
	require.NotErrorIs(t, err, ErrQuota)

	_, err = s.IssueKey(ctx, "eve", "reader", 2)
	require.ErrorIs(t, err, monotable.ErrNotFound, "no such user")
	_, err = s.IssueKey(ctx, "ann", "reader", 0)
	require.ErrorIs(t, err, monotable.ErrInvalid)
	_, err = s.IssueKey(ctx, "ann", "", 1)
	require.ErrorIs(t, err, monotable.ErrInvalid)

	other, err := s.IssueKey(ctx, "ann", "writer", 5)
	require.NoError(t, err)
	var keys []APIKey
	rec.Expect(t, 1, func() { keys, err = s.Keys(ctx, "ann") })
	require.NoError(t, err)
	require.Equal(t, []string{"reader", "writer"}, []string{keys[0].Label, keys[1].Label})
	require.Equal(t, []int{2, 0}, []int{keys[0].Uses, keys[1].Uses})
	require.Nil(t, keys[1].LastUsed)
	require.NoError(t, s.RevokeKey(ctx, keys[1].Hash))
	_, err = s.UseKey(ctx, other)
	require.ErrorIs(t, err, monotable.ErrNotFound)
}

// However many use a key at the same time, it lets in as many as it is good for.
func TestConcurrentUses(t *testing.T) {
	ctx := t.Context()
	s, _, _ := newStore(t)
	secret, err := s.IssueKey(ctx, "ann", "reader", 5)
	require.NoError(t, err)
	errs := make([]error, 20)
	var programs sync.WaitGroup
	for i := range errs {
		programs.Go(func() { _, errs[i] = s.UseKey(ctx, secret) })
	}
	programs.Wait()
	used := 0
	for _, err := range errs {
		if err == nil {
			used++
			continue
		}
		require.ErrorIs(t, err, ErrQuota)
	}
	require.Equal(t, 5, used)
	keys, err := s.Keys(ctx, "ann")
	require.NoError(t, err)
	require.Equal(t, 5, keys[0].Uses)
}

// A use whose reply is lost is not counted twice, and not called refused.
func TestUseWithALostReply(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	var faults monotabletest.Faults
	s, _ := storeOn(t, client, faults.Client(client, func(o *dynamodb.Options) { o.RetryMaxAttempts = 5 }))
	secret, err := s.IssueKey(ctx, "ann", "reader", 1)
	require.NoError(t, err)
	faults.Script("UpdateItem", monotabletest.ReplyLost())
	_, err = s.UseKey(ctx, secret)
	require.ErrorIs(t, err, monotable.ErrOutcomeUnknown)
	require.NotErrorIs(t, err, ErrQuota)
	keys, err := s.Keys(ctx, "ann")
	require.NoError(t, err)
	require.Equal(t, 1, keys[0].Uses)
}

func TestSessions(t *testing.T) {
	ctx, admin := t.Context(), monotabletest.Client(t)
	var rec monotabletest.Recorder
	s, clock := storeOn(t, admin, rec.Client(admin))
	findings, err := s.table.Verify(ctx, admin)
	require.NoError(t, err)
	require.Empty(t, findings, "the table's TTL is switched on, for expiresAt")
	require.Equal(t, "expiresAt", s.table.Declaration().TTL)

	var token string
	rec.Expect(t, 1, func() { token, err = s.SignIn(ctx, "ann") })
	require.NoError(t, err)
	for range 3 {
		clock.Advance(29 * time.Minute)
		var session Session
		rec.Expect(t, 1, func() { session, err = s.Session(ctx, token) })
		require.NoError(t, err, "it was used in time")
		require.Equal(t, "ann", session.UserID)
		require.True(t, today().Equal(session.Started))
	}
	clock.Advance(30 * time.Minute)
	_, err = s.Session(ctx, token)
	require.ErrorIs(t, err, monotable.ErrNotFound, "it is over, though DynamoDB has not deleted it")

	first, err := s.SignIn(ctx, "ann")
	require.NoError(t, err)
	second, err := s.SignIn(ctx, "ann")
	require.NoError(t, err)
	require.NoError(t, s.SignOut(ctx, first))
	require.NoError(t, s.SignOut(ctx, first), "twice")
	_, err = s.Session(ctx, first)
	require.ErrorIs(t, err, monotable.ErrNotFound)
	_, err = s.Session(ctx, second)
	require.NoError(t, err)
	require.NoError(t, s.SignOutEverywhere(ctx, "ann"))
	_, err = s.Session(ctx, second)
	require.ErrorIs(t, err, monotable.ErrNotFound)
	_, err = s.SignIn(ctx, "eve")
	require.ErrorIs(t, err, monotable.ErrNotFound, "no such user")
}

// What is sent never has a key or a token in it.
func TestSecretsAreNotSent(t *testing.T) {
	ctx := t.Context()
	s, rec, _ := newStore(t)
	secret, err := s.IssueKey(ctx, "ann", "reader", 2)
	require.NoError(t, err)
	_, err = s.UseKey(ctx, secret)
	require.NoError(t, err)
	token, err := s.SignIn(ctx, "ann")
	require.NoError(t, err)
	_, err = s.Session(ctx, token)
	require.NoError(t, err)
	require.NoError(t, errors.Join(s.SignOut(ctx, token)))
	for _, request := range rec.Requests() {
		require.False(t, strings.Contains(string(request.Body), secret) || strings.Contains(string(request.Body), token), request.Operation)
	}
}
