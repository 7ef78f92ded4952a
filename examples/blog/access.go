package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/monotable/monotable"
)

// What the blog refuses. Whatever else goes wrong is an error of monotable.
var (
	ErrQuota     = errors.New("blog: the API key is used up")
	ErrPublished = errors.New("blog: the post is published already")
	ErrDraft     = errors.New("blog: the post is not published")
)

const sessionLasts = 30 * time.Minute // after its last use

// IssueKey makes an API key for a user. The secret is shown once; stored is its hash.
func (s *Store) IssueKey(ctx context.Context, userID, label string, quota int) (secret string, err error) {
	secret = rand.Text()
	return secret, s.table.TransactWrite(ctx,
		s.users.CheckOp(User{ID: userID}),
		s.keys.CreateOp(APIKey{Hash: hash(secret), UserID: userID, Label: label, Quota: quota}))
}

// UseKey finds out whose key it is and counts the use, by one request. ErrQuota if it is used up, whoever else uses it at the same time; monotable.ErrNotFound if there is none, or
// no more. After a lost reply it may be monotable.ErrOutcomeUnknown: the use may have been counted, and is not counted twice.
func (s *Store) UseKey(ctx context.Context, secret string) (APIKey, error) {
	now := s.now()
	key, err := s.keys.Update(ctx, APIKey{Hash: hash(secret)},
		monotable.Add(keyUses, 1), keyLastUsed.Set(&now), keyUses.LtAttr(keyQuota))
	if _, refused := s.keys.Old(err); refused {
		return APIKey{}, fmt.Errorf("%w: %w", ErrQuota, err)
	}
	return key, err
}

// Keys are a user's API keys with their counters, oldest first.
func (s *Store) Keys(ctx context.Context, userID string) ([]APIKey, error) {
	return s.keys.Query(APIKey{UserID: userID}).Index("GSI2").Collect(ctx)
}

// RevokeKey takes a key back, by the hash that Keys shows.
func (s *Store) RevokeKey(ctx context.Context, hash string) error {
	_, err := s.keys.Delete(ctx, APIKey{Hash: hash})
	return err
}

// SignIn begins a session for a user who has proved to be one. The token goes into a cookie; stored is its hash.
func (s *Store) SignIn(ctx context.Context, userID string) (token string, err error) {
	token = rand.Text()
	return token, s.table.TransactWrite(ctx,
		s.users.CheckOp(User{ID: userID}),
		s.sessions.CreateOp(Session{Hash: hash(token), UserID: userID, Expires: s.now().Add(sessionLasts)}))
}

// Session is who sends a token, and lets the session last from now on, by one request. monotable.ErrNotFound if there is none, or it has ended.
func (s *Store) Session(ctx context.Context, token string) (Session, error) {
	return s.sessions.Update(ctx, Session{Hash: hash(token)}, sessionExpires.Set(s.now().Add(sessionLasts)))
}

// SignOut ends a session. That there is none is no error.
func (s *Store) SignOut(ctx context.Context, token string) error {
	_, err := s.sessions.Delete(ctx, Session{Hash: hash(token)})
	return err
}

// SignOutEverywhere ends all sessions of a user that the index has: not one that began a moment ago.
func (s *Store) SignOutEverywhere(ctx context.Context, userID string) error {
	open, err := s.sessions.Query(Session{UserID: userID}).Index("GSI2").Collect(ctx)
	if err != nil {
		return err
	}
	return s.sessions.BatchDelete(ctx, open)
}

// hash is what is stored of a secret. A secret is random and long, so it takes no salt.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
