package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
)

// The access patterns, and what answers them:
//
//	                     PK               SK                GSI1PK           GSI1SK         GSI2PK
//	User                 USER#{userId}    PROFILE           EMAIL#{email}    USER#{userId}  USERNAME#{username}
//	Organization         ORG#{orgId}      PROFILE           DOMAIN#{domain}  ORG#{orgId}
//	Membership           ORG#{orgId}      MEMBER#{userId}   USER#{userId}    ORG#{orgId}
//
//	a user by id         PK
//	a user by email      GSI1
//	a user by username   GSI2
//	an organisation by domain         GSI1
//	the members of an organisation    PK, all MEMBER#… of the partition
//	the organisations of a user       GSI1, all ORG#… of the partition

// Store is the table and what is kept in it.
type Store struct {
	Users         *monotable.Entity[User]
	Organizations *monotable.Entity[Organization]
	Memberships   *monotable.Entity[Membership]

	client *dynamodb.Client
	table  *monotable.Table
}

// Options are what differs between one place where the program runs and another.
type Options struct {
	Table        string           // its name
	CursorSecret []byte           // signs cursors; 32 bytes or more
	Clock        func() time.Time // defaults to time.Now
}

// openStore declares the table and its entities. Nothing is sent; a mistake in a
// schema shows here, when the program starts.
func openStore(client *dynamodb.Client, options Options) (*Store, error) {
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name:         options.Table,
		PartitionKey: "PK",
		SortKey:      "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "GSI2", PartitionKey: "GSI2PK", SortKey: "GSI2SK"},
		},
		CursorKeys: []monotable.CursorKey{{ID: "2026-11", Secret: options.CursorSecret}},
		Clock:      options.Clock,
	})
	if err != nil {
		return nil, err
	}
	s := &Store{client: client, table: table}
	if s.Users, err = monotable.NewEntity(table, userSchema); err != nil {
		return nil, err
	}
	if s.Organizations, err = monotable.NewEntity(table, organizationSchema); err != nil {
		return nil, err
	}
	if s.Memberships, err = monotable.NewEntity(table, membershipSchema); err != nil {
		return nil, err
	}
	return s, nil
}

// createStore opens a store and creates its table, as a deployment would.
func createStore(ctx context.Context, client *dynamodb.Client, options Options) (*Store, error) {
	s, err := openStore(client, options)
	if err != nil {
		return nil, err
	}
	if _, err := client.CreateTable(ctx, s.table.CreateInput()); err != nil {
		return nil, fmt.Errorf("create table: %w", err)
	}
	ready := dynamodb.NewTableExistsWaiter(client)
	if err := ready.Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(options.Table)}, time.Minute); err != nil {
		return nil, fmt.Errorf("create table: %w", err)
	}
	return s, nil
}

// drop deletes the table with everything in it.
func (s *Store) drop(ctx context.Context) {
	_, _ = s.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String(s.table.Name())})
}
