package monotable

import (
	"context"
	"reflect"
)

// Schema declares a kind of record: plain data, without a client. T is a struct with dynamodbav
// tags; its keys, the type tag and index keys need not be fields of it. Name and Key are required.
type Schema[T any] struct {
	Name string // stored in every item as the type tag
	// Aliases are names that items stored earlier may carry, the oldest last. An index whose key has the type tag does not find
	// them under the new name, until they are written again ([Table.Refresh]); NewEntity logs a warning then.
	Aliases []string
	Key     Key

	// Indexes gives the templates of index keys by index name. An item is in an index only while every part
	// of the index's key is present. Indexes may have a key attribute in common, with one template: it is stored while its own parts are
	// present. An index whose key attributes are attributes of T needs no entry.
	Indexes map[string]Key

	// Family, if two entities both name the same one, allows their keys to meet: their tags tell them apart, and reads filter by the tag.
	Family string

	Rules    []Rule[T]
	Validate func(*T) error // looks at whole items after all rules; must not change them
	Tag      TagMode

	// Upgrades are the steps from each schema version to the next: the entity's version is their number. Append to them, and never
	// take one away. Every whole item that is written stores the version ([TableConfig.SchemaVersion]); an item without one is
	// of version 0. An older item goes through the missing steps whenever it is read, which stores nothing; see [WriteBack].
	//
	// Update, Upsert and Modify of an older item store it in its new form first, which costs one more write, and the refused one; so does
	// a Put that has conditions or keeps hidden or immutable attributes. A version in the call still counts as before. In
	// a transaction that cannot be done: ErrOutdatedSchema. Conditions of Delete and CheckOp and filters of queries
	// look at items as they are stored, and an index holds older items by their old attributes. An index that projects a part of the items must
	// project the version too, or only [Query.Hydrate] reads it.
	//
	// An item of a later version than the program's is ErrNewerSchema to every read, and Put, Update, Upsert and Modify leave it as it is. A
	// Delete removes it. So that programs from before the first upgrade do that too, give them an empty slice that is not nil: their
	// version is 0. With nil no write looks at the version, and only reads refuse newer items.
	Upgrades []Upgrade
}

// Entity reads and writes items of one kind, as values of T. It is immutable and safe for
// concurrent use. Make it with [NewEntity]; the zero Entity panics.
//
// The key of a call is a T with its key fields set; other fields are ignored, except for the
// version, see [Version]. Arguments are never changed. What is returned is what is stored, with
// defaults, times and version filled in.
//
// Every call returns an [*OpError] when it fails: ErrInvalid before anything is sent,
// the errors named at each call, or the SDK's error. A context that is done already sends nothing. If a write
// fails without a definite answer of the service, the error is [ErrOutcomeUnknown].
type Entity[T any] struct {
	_    [0]func(*T) // keeps Entity[User] from being converted to Entity[Order]
	core entityCore
}

// entityCore is an entity free of type parameters. What a verb does is done here, on values behind pointers to T, so that the
// compiler has it once and not again for each T.
type entityCore struct {
	model   *model
	options options
}

// base is the core; nil if there is no entity.
func (e *Entity[T]) base() *entityCore {
	if e == nil {
		return nil
	}
	return &e.core
}

// target is what a pointer points at.
func target(p any) reflect.Value { return reflect.ValueOf(p).Elem() }

// NewEntity compiles a schema for a table. It sends nothing. All mistakes come together in a [DefinitionError].
func NewEntity[T any](t *Table, s Schema[T]) (*Entity[T], error) {
	if t == nil || t.tableCore == nil {
		return nil, invalidf("NewEntity without a table made by NewTable")
	}
	m, err := s.compile(t.tableCore)
	if err != nil {
		return nil, err
	}
	return &Entity[T]{core: entityCore{m, t.options}}, nil
}

// MustEntity is NewEntity for package variables and tests: it panics instead of returning an error.
func MustEntity[T any](t *Table, s Schema[T]) *Entity[T] {
	e, err := NewEntity(t, s)
	if err != nil {
		panic(err)
	}
	return e
}

// With gives an entity whose calls use the options besides those it has. The entity itself is unchanged.
func (e *Entity[T]) With(opts ...Option) *Entity[T] {
	return &Entity[T]{core: entityCore{e.core.model, e.core.options.with(opts)}}
}

// Name is the entity's name, its type tag.
func (e *Entity[T]) Name() string { return e.core.model.name }

// Get reads an item by its key. ErrNotFound if there is none or it has expired; ErrWrongEntity if
// another kind of item is there. Reads are eventually consistent unless [Consistent] is given.
func (e *Entity[T]) Get(ctx context.Context, key T) (T, error) {
	var item T
	err := e.core.get(ctx, &key, &item)
	return item, err
}

// Create stores a new item and returns it. ErrAlreadyExists if there is one that has not expired. A version must
// be 0. Conditions hold for what is there, so on a new item only those on absence can.
//
// If a reply is lost, the item is recognised by its write id, or, without a version, by being equal as a whole: give a lock an
// owner, so that two are never equal. A Create that is sent again meets nothing if somebody has deleted its item meanwhile, and
// stores it again; under [ExactlyOnce] it does not.
func (e *Entity[T]) Create(ctx context.Context, item T, conds ...Cond[T]) (T, error) {
	var stored T
	err := e.core.create(ctx, &item, nodes(conds), &stored)
	return stored, err
}

// Put stores an item, new or in place of the one that is there, and returns it. Attributes that T does not know are lost;
// Update and Modify keep them. ErrConditionFailed if a condition does not hold, ErrWrongEntity if another kind of item is there.
// A version decides what must be there: 0 nothing (else ErrAlreadyExists and ErrVersionConflict), n that version
// (else ErrVersionConflict).
func (e *Entity[T]) Put(ctx context.Context, item T, conds ...Cond[T]) (T, error) {
	var stored T
	err := e.core.put(ctx, &item, nodes(conds), &stored)
	return stored, err
}

// Update changes an existing item and returns all of it. Only what changes say is touched; derived attributes,
// index keys, UpdatedAt and the version follow. ErrNotFound if there is no item: nothing is ever created. Conditions stand among
// the changes: ErrConditionFailed if one does not hold.
//
// An index key or derived attribute of which some part changes needs its other parts: Set them too, or say
// [Attr.Given], or use [Entity.Modify]; otherwise the call is refused and names them. Values of Set go through the rules.
func (e *Entity[T]) Update(ctx context.Context, key T, changes ...Change[T]) (T, error) {
	var stored T
	err := e.core.update(ctx, &key, ownNodes(changes), &stored)
	return stored, err
}

// Delete removes an item and returns it, or nil if nothing was there, or if that is not known because a reply was lost. ErrWrongEntity if another kind of item is there. With a
// condition, or a version above 0 in the key, there must be an item: ErrNotFound, ErrConditionFailed or ErrVersionConflict.
func (e *Entity[T]) Delete(ctx context.Context, key T, conds ...Cond[T]) (*T, error) {
	old := new(T)
	if removed, err := e.core.delete(ctx, &key, nodes(conds), old); !removed {
		return nil, err
	}
	return old, nil
}

// Old is the stored item that made the service refuse a write, if err tells of one of this entity's in its table.
func (e *Entity[T]) Old(err error) (T, bool) {
	var item T
	found := e.core.old(err, &item)
	return item, found
}
