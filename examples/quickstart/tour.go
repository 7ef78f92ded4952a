package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// tour loads the people and shows one thing after the other.
func tour(ctx context.Context, s *Store, out *log.Logger) error {
	loaded, err := s.Load(ctx, people)
	if err != nil {
		return err
	}
	out.Printf("Loaded %d users, %d organisations and %d memberships into one table.",
		len(loaded.Users), len(loaded.Organizations), len(loaded.Memberships))

	for _, stop := range []struct {
		title string
		show  func(context.Context, *Store, *log.Logger) error
	}{
		{"A user by email, in any letter case, and by username", showLookups},
		{"Her organisations", showOrganizations},
		{"Acme's members, two at a time", showMembers},
		{"Two people edit one user", showVersionConflict},
		{"An invalid email", showInvalidEmail},
		{"A user leaves", showSoftDelete},
	} {
		out.Printf("\n# %s", stop.title)
		if err := stop.show(ctx, s, out); err != nil {
			return fmt.Errorf("%s: %w", stop.title, err)
		}
	}
	return nil
}

func showLookups(ctx context.Context, s *Store, out *log.Logger) error {
	ann, err := s.UserByEmail(ctx, "ANN@example.com")
	if err != nil {
		return err
	}
	printUser(out, ann)
	cem, err := s.UserByUsername(ctx, "cem_c")
	if err != nil {
		return err
	}
	printUser(out, cem)
	_, err = s.UserByUsername(ctx, "nobody")
	if !errors.Is(err, monotable.ErrNotFound) {
		return fmt.Errorf("expected no user, got: %w", err)
	}
	out.Println(err)
	return nil
}

func showOrganizations(ctx context.Context, s *Store, out *log.Logger) error {
	seats, err := s.Seats(ctx, "ann")
	if err != nil {
		return err
	}
	for _, seat := range seats {
		o := seat.Organization
		features := slices.Sorted(slices.Values(o.Settings.Features)) // a set has no order
		out.Printf("%s of %s (%s): plan %s, %d seats in %s, features %s",
			seat.Role, o.Name, o.Domain, o.Plan, o.Settings.Seats, o.Settings.Region, strings.Join(features, ", "))
	}
	return nil
}

func showMembers(ctx context.Context, s *Store, out *log.Logger) error {
	acme, err := s.OrganizationByDomain(ctx, "example.com")
	if err != nil {
		return err
	}
	var next monotable.Cursor
	for number := 1; ; number++ {
		page, err := s.Members(ctx, acme.ID, 2, next)
		if err != nil {
			return err
		}
		var members []string
		for _, m := range page.Items {
			members = append(members, fmt.Sprintf("%s (%s)", m.UserID, m.Role))
		}
		out.Printf("page %d: %s", number, strings.Join(members, ", "))
		if next = page.Next; next == "" { // send it to a browser, and take it back with the next request
			return nil
		}
	}
}

func showVersionConflict(ctx context.Context, s *Store, out *log.Logger) error {
	mine, err := s.Users.Get(ctx, User{ID: "bob"})
	if err != nil {
		return err
	}
	yours := mine

	yours.Name = "Robert Baker"
	yours, err = s.Users.Put(ctx, yours)
	if err != nil {
		return err
	}
	out.Printf("you:  stored version %d", yours.Version)

	mine.Bio = "Bakes."
	_, err = s.Users.Put(ctx, mine)
	if !errors.Is(err, monotable.ErrVersionConflict) {
		return fmt.Errorf("expected a version conflict, got: %w", err)
	}
	out.Printf("me:   %v", err)
	if stored, ok := s.Users.Old(err); ok {
		out.Printf("      I had version %d; version %d is stored, by the name of %s", mine.Version, stored.Version, stored.Name)
	}

	// Modify reads, changes and writes what has changed, again if somebody else was faster.
	both, err := s.Users.Modify(ctx, User{ID: "bob"}, func(u *User) error {
		u.Bio = "Bakes."
		return nil
	})
	if err != nil {
		return err
	}
	out.Printf("then: %s, %q, version %d", both.Name, both.Bio, both.Version)
	return nil
}

func showInvalidEmail(ctx context.Context, s *Store, out *log.Logger) error {
	_, err := s.Users.Create(ctx, User{ID: "fay", Email: "fay at example.com", Status: "asleep"})
	refused, ok := errors.AsType[*monotable.ValidationError](err)
	if !ok {
		return fmt.Errorf("expected a refusal, got: %w", err)
	}
	for _, v := range refused.Violations { // all of them at once
		out.Println("refused:", v)
	}
	_, err = s.Users.Get(ctx, User{ID: "fay"})
	out.Println(err)
	return nil
}

func showSoftDelete(ctx context.Context, s *Store, out *log.Logger) error {
	eli, err := s.Users.Get(ctx, User{ID: "eli"})
	if err != nil {
		return err
	}
	out.Println("before:")
	if err := s.printStored(ctx, eli, out); err != nil {
		return err
	}
	eli, err = s.DeleteUser(ctx, eli)
	if err != nil {
		return err
	}
	out.Println("after:")
	if err := s.printStored(ctx, eli, out); err != nil {
		return err
	}
	_, err = s.UserByUsername(ctx, "eli")
	out.Println("by username:", err)
	return nil
}

func printUser(out *log.Logger, u User) {
	p := u.Preferences
	out.Printf("%s <%s>, %s, %s theme, language %s, digest %s, mail %t, version %d, since %s",
		u.Name, u.Email, u.Status, p.Theme, p.Language, p.Notifications.Digest, *p.Notifications.Email, u.Version, u.Created.Format("2006-01-02"))
}

// printStored shows an item as DynamoDB has it, which is seldom needed: the attributes that are text.
func (s *Store) printStored(ctx context.Context, u User, out *log.Logger) error {
	key, err := s.Users.Key(u)
	if err != nil {
		return err
	}
	stored, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(s.table.Name()), Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return err
	}
	for _, name := range []string{"PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK", "email", "username", "name", "status"} {
		text := "-"
		if av, ok := stored.Item[name].(*types.AttributeValueMemberS); ok {
			text = fmt.Sprintf("%q", av.Value)
		}
		out.Printf("  %-8s  %s", name, text)
	}
	return nil
}
