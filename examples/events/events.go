package main

import (
	"time"

	"github.com/monotable/monotable"
)

// Event is what has happened to an account: [Opened], [Deposited], [Withdrawn] or [Closed]. Events are written once and never change.
type Event interface {
	meta() Meta
	with(Meta) Event                 // the same event at its place
	create(*Store) monotable.WriteOp // the item that it is stored as
	apply(*Account)                  // what it means
}

// Meta is what every event has.
type Meta struct {
	Account string    `dynamodbav:"account"`
	N       int       `dynamodbav:"n"`       // 1, 2, 3, …: the account's version after the event
	ID      string    `dynamodbav:"eventId"` // made by who wants the event, so that what is sent twice is known
	At      time.Time `dynamodbav:"at"`
}

// Opened begins an account.
type Opened struct {
	Meta
	Owner string `dynamodbav:"owner"`
}

// Deposited is money that came in.
type Deposited struct {
	Meta
	Cents int `dynamodbav:"cents"`
}

// Withdrawn is money that went out.
type Withdrawn struct {
	Meta
	Cents int `dynamodbav:"cents"`
}

// Closed ends an account.
type Closed struct{ Meta }

func (m Meta) meta() Meta { return m }

func (e Opened) with(m Meta) Event    { e.Meta = m; return e }
func (e Deposited) with(m Meta) Event { e.Meta = m; return e }
func (e Withdrawn) with(m Meta) Event { e.Meta = m; return e }
func (e Closed) with(m Meta) Event    { e.Meta = m; return e }

func (e Opened) create(s *Store) monotable.WriteOp    { return s.Opened.CreateOp(e) }
func (e Deposited) create(s *Store) monotable.WriteOp { return s.Deposited.CreateOp(e) }
func (e Withdrawn) create(s *Store) monotable.WriteOp { return s.Withdrawn.CreateOp(e) }
func (e Closed) create(s *Store) monotable.WriteOp    { return s.Closed.CreateOp(e) }

// Head is where the stream of an account ends. Each append moves it, on the condition that it is where it was expected.
type Head struct {
	Account string `dynamodbav:"account"`
	N       int    `dynamodbav:"n"`
}

var (
	openedN     = monotable.Field(func(e *Opened) *int { return &e.N })
	openedOwner = monotable.Field(func(e *Opened) *string { return &e.Owner })

	depositedCents = monotable.Field(func(e *Deposited) *int { return &e.Cents })
	withdrawnCents = monotable.Field(func(e *Withdrawn) *int { return &e.Cents })

	headN     = monotable.Field(func(h *Head) *int { return &h.N })
	snapshotN = monotable.Field(func(a *Account) *int { return &a.N })
)

// The events of an account share the form of their keys, as members of one Family: the number says the order, and the type tag which of them it is.
var (
	openedSchema    = eventSchema("Opened", func(e *Opened) *Meta { return &e.Meta }, openedOwner.Required())
	depositedSchema = eventSchema("Deposited", func(e *Deposited) *Meta { return &e.Meta }, monotable.Min(depositedCents, 1))
	withdrawnSchema = eventSchema("Withdrawn", func(e *Withdrawn) *Meta { return &e.Meta }, monotable.Min(withdrawnCents, 1))
	closedSchema    = eventSchema("Closed", func(e *Closed) *Meta { return &e.Meta })
)

func eventSchema[E any](name string, meta func(*E) *Meta, rules ...monotable.Rule[E]) monotable.Schema[E] {
	return monotable.Schema[E]{
		Name:    name,
		Family:  "Event",
		Key:     monotable.Key{Partition: "ACCOUNT#{account}", Sort: "EVENT#{n:010}"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "EVENT#" + name, Sort: "{at}#{account}#{n:010}"}},
		Rules: append(rules,
			monotable.Min(monotable.Field(func(e *E) *int { return &meta(e).N }), 1),
			monotable.Field(func(e *E) *string { return &meta(e).ID }).Required(),
			monotable.CreatedAt(monotable.Field(func(e *E) *time.Time { return &meta(e).At }))),
	}
}

var headSchema = monotable.Schema[Head]{
	Name: "Head",
	Key:  monotable.Key{Partition: "ACCOUNT#{account}", Sort: "HEAD"},
}

// A snapshot is an account as it was after one of its events. It may be older than the last event, and may be lost: it saves reading the events before it.
var snapshotSchema = monotable.Schema[Account]{
	Name: "Snapshot",
	Key:  monotable.Key{Partition: "ACCOUNT#{account}", Sort: "SNAPSHOT"},
}
