package work

import (
	"context"
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/guregu/dynamo/v2"

	"github.com/monotable/monotable/bench/pair"
)

// The libraries, as they are named in tables. The SDK comes first: the others are
// compared with it.
const (
	SDK       = "SDK + attributevalue"
	Monotable = "monotable"
	Guregu    = "guregu/dynamo v2"
)

// Way is one library's way to do the work of a group; Run returns what came of it.
type Way struct {
	Name string
	Run  func() (any, error)
}

// Ratio is how many times less time and allocations monotable takes than the SDK.
type Ratio struct{ Time, Allocs float64 }

// Group is work that several libraries do. Goal is what we aim at, Floor what was
// reached, with some room for noise: no change goes below it.
type Group struct {
	Name  string
	Ways  []Way
	Goal  Ratio
	Floor Ratio
}

// Pairs are the ways of these names, ready to be measured.
func (g Group) Pairs(names ...string) []pair.Way {
	var ways []pair.Way
	for _, name := range names {
		for _, w := range g.Ways {
			if w.Name == name {
				ways = append(ways, pair.Way{Name: name, F: func() error {
					_, err := w.Run()
					return err
				}})
			}
		}
	}
	return ways
}

// Groups are the conversions, then the calls.
func Groups() ([]Group, error) {
	groups, err := conversions()
	if err != nil {
		return nil, err
	}
	all, err := operations()
	return append(groups, all...), err
}

func conversions() ([]Group, error) {
	plan, err := codecOf()
	if err != nil {
		return nil, err
	}
	u := Users(1)[0]
	stored, err := plan.Encode(reflect.ValueOf(&u).Elem())
	if err != nil {
		return nil, err
	}
	// Each way has a destination of its own, as a decoder has that fills a slice.
	var byCodec, bySDK, byGuregu User
	return []Group{
		{"AttributeValue → T", []Way{
			{SDK, func() (any, error) {
				bySDK = User{} // else attributevalue merges what it reads
				err := attributevalue.UnmarshalMap(stored, &bySDK)
				return &bySDK, err
			}},
			{Monotable, func() (any, error) {
				err := plan.Decode(stored, reflect.ValueOf(&byCodec).Elem())
				return &byCodec, err
			}},
			{Guregu, func() (any, error) {
				byGuregu = User{}
				err := dynamo.UnmarshalItem(stored, &byGuregu)
				return &byGuregu, err
			}},
		}, Ratio{4, 6}, Ratio{3.2, 8}},
		{"T → AttributeValue", []Way{
			{SDK, func() (any, error) { return attributevalue.MarshalMap(&u) }},
			{Monotable, func() (any, error) { return plan.Encode(reflect.ValueOf(&u).Elem()) }},
			{Guregu, func() (any, error) { return dynamo.MarshalItem(&u) }},
		}, Ratio{2.5, 3}, Ratio{2, 5}},
	}, nil
}

// operation is one call, as any of the libraries makes it.
type operation struct {
	name   string
	goal   Ratio
	floor  Ratio
	people []Person // in the table
	run    func(calls) (any, error)
}

const inOneMB = 1900 // people that one answer holds

func operations() ([]Group, error) {
	ctx := context.Background()
	many := People(inOneMB)
	all := many[:100]
	one := all[0]
	var groups []Group
	for _, o := range []operation{
		{"Get", Ratio{1.35, 1.3}, Ratio{1.15, 1.4}, all, func(c calls) (any, error) { return c.get(ctx, one) }},
		{"Put", Ratio{1.25, 1.25}, Ratio{1.08, 1.35}, all, func(c calls) (any, error) { return nil, c.put(ctx, one) }},
		{"Update", Ratio{1.4, 1.5}, Ratio{1.15, 1.7}, all, func(c calls) (any, error) { return c.update(ctx, one) }},
		{"Query 100 → []T", Ratio{8, 15}, Ratio{6.2, 27}, all, func(c calls) (any, error) { return c.query(ctx, one) }},
		{"Query 1 MB → []T", Ratio{10, 35}, Ratio{7.3, 350}, many, func(c calls) (any, error) { return c.query(ctx, one) }},
		{"BatchGet 100", Ratio{6.5, 15}, Ratio{4.6, 29}, all, func(c calls) (any, error) { return c.batchGet(ctx, all) }},
		{"BatchWrite 25", Ratio{4, 6}, Ratio{2.9, 5.9}, all, func(c calls) (any, error) { return nil, c.batchWrite(ctx, all[:25]) }},
	} {
		g := Group{Name: o.name, Goal: o.goal, Floor: o.floor}
		sdk, r, err := o.with(SDK)
		if err != nil {
			return nil, fmt.Errorf("%s with %s: %w", o.name, SDK, err)
		}
		ours, _, err := o.with(Monotable)
		if err != nil {
			return nil, fmt.Errorf("%s with %s: %w", o.name, Monotable, err)
		}
		// It queries by parameters that the engine does not know, so it gets what the SDK got.
		theirs := withGuregu{dynamo.NewFromIface(r.client()).Table(tableName)}
		g.Ways = []Way{sdk, ours, {Guregu, func() (any, error) { return o.run(theirs) }}}
		groups = append(groups, g)
	}
	return groups, nil
}

// with makes the operation a way of the library, on a table of its own.
func (o operation) with(library string) (Way, *replay, error) {
	r, err := newReplay(o.people)
	if err != nil {
		return Way{}, nil, err
	}
	var c calls = withSDK{r.client()}
	if library == Monotable {
		_, entity, err := declare(r.client())
		if err != nil {
			return Way{}, nil, err
		}
		c = withMonotable{entity}
	}
	way := Way{library, func() (any, error) { return o.run(c) }}
	return way, r, r.freeze(way.Run)
}
