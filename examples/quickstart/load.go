package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/monotable/monotable"
)

//go:embed testdata/people.json
var people []byte

// Records is what a JSON file of people holds.
type Records struct {
	Users         []User
	Organizations []Organization
	Memberships   []Membership
}

// Load stores everything that a JSON file holds. What the file leaves out, defaults fill in. The
// fields need no json tags, because encoding/json matches names in any letter case.
func (s *Store) Load(ctx context.Context, file []byte) (Records, error) {
	var records Records
	if err := json.Unmarshal(file, &records); err != nil {
		return records, fmt.Errorf("load: %w", err)
	}
	if err := createAll(ctx, s.Users, records.Users); err != nil {
		return records, err
	}
	if err := createAll(ctx, s.Organizations, records.Organizations); err != nil {
		return records, err
	}
	return records, createAll(ctx, s.Memberships, records.Memberships)
}

// createAll works for every kind of record: one type parameter is all that tells them apart.
func createAll[T any](ctx context.Context, entity *monotable.Entity[T], items []T) error {
	for i, item := range items {
		if _, err := entity.Create(ctx, item); err != nil {
			return fmt.Errorf("load: %s %d: %w", entity.Name(), i, err)
		}
	}
	return nil
}
