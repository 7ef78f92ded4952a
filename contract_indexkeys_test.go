package monotable_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable"
)

// ticket is in three indexes: one made of two attributes and the key, a sparse one, and a natural one.
type ticket struct {
	Board  string  `dynamodbav:"board"`
	Num    int     `dynamodbav:"num"`
	State  string  `dynamodbav:"state"`
	Owner  *string `dynamodbav:"owner"`
	Weight int     `dynamodbav:"weight"`
	Label  string  `dynamodbav:"label"` // derived
	Queue  string  `dynamodbav:"queue"` // a natural index key
	Notes  []string
}

var (
	ticketBoard  = monotable.Field(func(k *ticket) *string { return &k.Board })
	ticketNum    = monotable.Field(func(k *ticket) *int { return &k.Num })
	ticketState  = monotable.Field(func(k *ticket) *string { return &k.State })
	ticketOwner  = monotable.Field(func(k *ticket) **string { return &k.Owner })
	ticketWeight = monotable.Field(func(k *ticket) *int { return &k.Weight })
	ticketLabel  = monotable.Field(func(k *ticket) *string { return &k.Label })
	ticketQueue  = monotable.Field(func(k *ticket) *string { return &k.Queue })
	ticketNotes  = monotable.Field(func(k *ticket) *[]string { return &k.Notes })
)

func ticketConfig() monotable.TableConfig {
	return monotable.TableConfig{PartitionKey: "PK", SortKey: "SK", Indexes: []monotable.Index{
		{Name: "byState", PartitionKey: "P1", SortKey: "S1"},
		{Name: "open", PartitionKey: "P2", SortKey: "S2"},
		{Name: "byQueue", PartitionKey: "queue", SortKey: "PK"},
		{Name: "byLabel", PartitionKey: "P3"},
	}}
}

func ticketLabelOf(k *ticket) string {
	owner := "nobody"
	if k.Owner != nil {
		owner = *k.Owner
	}
	return owner + "/" + k.State
}

func ticketSchema() monotable.Schema[ticket] {
	return monotable.Schema[ticket]{
		Name: "Ticket",
		Key:  monotable.Key{Partition: "BOARD#{board}", Sort: "T#{num:04}"},
		Indexes: map[string]monotable.Key{
			"byState": {Partition: "STATE#{state}#{board}", Sort: "O#{owner}#{num:04}"},
			"open":    {Partition: "OPEN", Sort: "{weight:03}"},
			"byLabel": {Partition: "LABEL#{label}"},
		},
		Rules: []monotable.Rule[ticket]{
			ticketState.Transform(strings.ToLower),
			ticketLabel.Derived(ticketLabelOf, ticketState, ticketOwner),
			monotable.IndexWhen("open", func(k *ticket) bool { return k.State != "closed" && k.Queue != "" }, ticketState, ticketQueue),
		},
	}
}

var ticketKey = ticket{Board: "b", Num: 7}

// rawTicket is what is stored of a ticket in a state, of an owner, in a queue; "" leaves owner and queue away.
func rawTicket(state, owner, queue string, weight string) rawItem {
	label := "nobody/" + state
	item := rawItem{
		"PK": avS("BOARD#b"), "SK": avS("T#0007"), "_et": avS("Ticket"), "board": avS("b"), "num": avN("7"),
		"state": avS(state), "weight": avN(weight),
	}
	if owner != "" {
		label = owner + "/" + state
		item["owner"] = avS(owner)
		if state != "" {
			item["P1"], item["S1"] = avS("STATE#"+state+"#b"), avS("O#"+owner+"#0007")
		}
	}
	if queue != "" {
		item["queue"] = avS(queue)
		if state != "closed" {
			item["P2"], item["S2"] = avS("OPEN"), avS(strings.Repeat("0", 3-len(weight))+weight)
		}
	}
	item["label"], item["P3"] = avS(label), avS("LABEL#"+label)
	return item
}

// TestF104_IndexKeysOnUpdate also is F099, F105 and F107.
func TestF104_IndexKeysOnUpdate(t *testing.T) {
	s := openStore(t, ticketConfig())
	tickets := mustEntity(t, s.Table, ticketSchema())
	seed := rawTicket("new", "ann", "q", "5")
	type changes = []monotable.Change[ticket]
	for _, row := range []struct {
		name    string
		changes changes
		want    rawItem  // nil: refused
		names   []string // what the refusal must name
		err     error    // how it is refused, if not ErrInvalid
	}{
		{"a part with all others", changes{ticketState.Set("OLD"), ticketOwner.Set(new("bob")), ticketQueue.Set("q"), ticketWeight.Set(5)}, rawTicket("old", "bob", "q", "5"), nil, nil},
		{"a part without its sibling", changes{ticketState.Set("old"), ticketQueue.Given("q"), ticketWeight.Given(5)}, nil, []string{"owner"}, nil},
		{"a part that IndexWhen reads, without the key's other", changes{ticketQueue.Set("r")}, nil, []string{"state", "weight"}, nil},
		{"siblings given", changes{ticketState.Set("old"), ticketOwner.Given(new("ann")), ticketQueue.Given("q"), ticketWeight.Given(5)}, rawTicket("old", "ann", "q", "5"), nil, nil},
		{"given is transformed like a stored value", changes{ticketOwner.Set(new("bob")), ticketState.Given("NEW")}, rawTicket("new", "bob", "q", "5"), nil, nil},
		{"given through Elem", changes{monotable.Elem(ticketOwner).Set("bob"), ticketState.Given("new")}, rawTicket("new", "bob", "q", "5"), nil, nil},
		{"given wrong", changes{ticketOwner.Set(new("bob")), ticketState.Given("old")}, nil, nil, monotable.ErrConditionFailed},
		{"given and set: Set wins, the condition stays", changes{ticketOwner.Given(new("ann")), ticketOwner.Set(new("bob")), ticketState.Given("new")}, rawTicket("new", "bob", "q", "5"), nil, nil},
		{"given wrong and set", changes{ticketOwner.Given(new("eve")), ticketOwner.Set(new("bob")), ticketState.Given("new")}, nil, nil, monotable.ErrConditionFailed},
		{"a part removed: the pair goes", changes{ticketOwner.Remove(), ticketState.Given("new")}, rawTicket("new", "", "q", "5"), nil, nil},
		{"a part set to nil", changes{ticketOwner.Set(nil), ticketState.Given("new")}, rawTicket("new", "", "q", "5"), nil, nil},
		{"a part set to empty", changes{ticketState.Set(""), ticketOwner.Given(new("ann")), ticketQueue.Given("q"), ticketWeight.Given(5)}, rawTicket("", "ann", "q", "5"), nil, nil},
		{"IndexWhen says no", changes{ticketState.Set("closed"), ticketOwner.Given(new("ann")), ticketQueue.Given("q"), ticketWeight.Given(5)}, rawTicket("closed", "ann", "q", "5"), nil, nil},
		{"a padded number part", changes{ticketWeight.Set(12), ticketState.Given("new"), ticketQueue.Given("q")}, rawTicket("new", "ann", "q", "12"), nil, nil},
		{"too long for its padding", changes{ticketWeight.Set(1000), ticketState.Given("new"), ticketQueue.Given("q")}, nil, []string{"weight"}, nil},
		{"a natural key removed", changes{ticketQueue.Remove(), ticketState.Given("new"), ticketWeight.Given(5)}, rawTicket("new", "ann", "", "5"), nil, nil},
		{"a natural key set to empty", changes{ticketQueue.Set(""), ticketState.Given("new"), ticketWeight.Given(5)}, rawTicket("new", "ann", "", "5"), nil, nil},
		{"Add on a part", changes{monotable.Add(ticketWeight, 1), ticketState.Given("new"), ticketQueue.Given("q")}, nil, []string{"weight"}, nil},
		{"SetIfAbsent on a part", changes{ticketState.SetIfAbsent("x"), ticketOwner.Given(new("ann"))}, nil, []string{"state"}, nil},
		{"SetFrom on a part", changes{ticketState.SetFrom(ticketLabel)}, nil, []string{"state"}, nil},
		{"a part of the primary key", changes{ticketBoard.Set("c")}, nil, []string{"board"}, nil},
		{"a part of the primary key, to its own value", changes{ticketNum.Set(7)}, nil, []string{"num"}, nil},
		{"a part of the primary key removed", changes{ticketNum.Remove()}, nil, []string{"num"}, nil},
		{"a derived attribute", changes{ticketLabel.Set("x")}, nil, []string{"label"}, nil},
		{"nothing that keys are made of", changes{monotable.Append(ticketNotes, "n")}, with(rawTicket("new", "ann", "q", "5"), rawItem{"Notes": avL(avS("n"))}), nil, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.write(seed)
			got, err := tickets.Update(t.Context(), ticketKey, row.changes...)
			if row.want == nil {
				want := []error{monotable.ErrInvalid}
				if row.err != nil {
					want = []error{row.err}
				}
				requireError(t, err, want...)
				for _, name := range row.names {
					require.ErrorContains(t, err, name)
				}
				require.Equal(t, seed, s.stored(keyPS("BOARD#b", "T#0007")))
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.want, s.stored(keyPS("BOARD#b", "T#0007")))
			read, err := tickets.Get(t.Context(), ticketKey)
			require.NoError(t, err)
			require.Equal(t, read, got)
		})
	}
}

// TestF106_IndexKeysStayFresh runs random writes of every verb, and checks after each that all keys are those of the item.
func TestF106_IndexKeysStayFresh(t *testing.T) {
	t.Parallel()
	s := openStore(t, ticketConfig())
	tickets := mustEntity(t, s.Table, ticketSchema())
	ctx := t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		require.NoError(t, s.remove(keyPS("BOARD#b", "T#0007")))
		var now ticket // what should be stored
		there := false
		draw := func() ticket {
			k := ticketKey
			k.State = rapid.SampledFrom([]string{"", "new", "closed", "Old"}).Draw(rt, "state")
			k.Queue = rapid.SampledFrom([]string{"", "q", "r"}).Draw(rt, "queue")
			k.Weight = rapid.IntRange(0, 999).Draw(rt, "weight")
			if rapid.Bool().Draw(rt, "owned") {
				k.Owner = new(rapid.SampledFrom([]string{"ann", "bob"}).Draw(rt, "owner"))
			}
			return k
		}
		for range rapid.IntRange(1, 8).Draw(rt, "writes") {
			next := draw()
			var err error
			switch verb := rapid.SampledFrom([]string{"Create", "Put", "Update", "Upsert", "Modify", "Delete"}).Draw(rt, "verb"); verb {
			case "Create":
				_, err = tickets.Create(ctx, next)
				require.Equal(t, there, errors.Is(err, monotable.ErrAlreadyExists))
				if there {
					next, err = now, nil
				}
			case "Put":
				_, err = tickets.Put(ctx, next)
			case "Update", "Upsert":
				write := tickets.Update
				if verb == "Upsert" {
					write = tickets.Upsert
				}
				set := []monotable.Change[ticket]{ticketState.Set(next.State), ticketQueue.Set(next.Queue), ticketWeight.Set(next.Weight), ticketOwner.Set(next.Owner)}
				keep := rapid.IntRange(0, 3).Draw(rt, "keep")
				if there && keep < 3 { // one is not changed, and said to be what it is
					given := []monotable.Change[ticket]{ticketState.Given(now.State), nil, ticketWeight.Given(now.Weight)}
					if given[keep] != nil {
						set[keep] = given[keep]
						next.State, next.Weight = choose(keep == 0, now.State, next.State), choose(keep == 2, now.Weight, next.Weight)
					}
				}
				_, err = write(ctx, ticketKey, set...)
				if verb == "Update" && !there {
					require.ErrorIs(t, err, monotable.ErrNotFound)
					continue
				}
			case "Modify":
				_, err = tickets.Modify(ctx, ticketKey, func(k *ticket) error { *k = next; return nil })
				if !there {
					require.ErrorIs(t, err, monotable.ErrNotFound)
					continue
				}
			case "Delete":
				_, err = tickets.Delete(ctx, ticketKey)
				require.NoError(t, err)
				there = false
				continue
			}
			require.NoError(t, err)
			now, there = next, true
			now.State = strings.ToLower(now.State)
			owner := ""
			if now.Owner != nil {
				owner = *now.Owner
			}
			require.Equal(t, rawTicket(now.State, owner, now.Queue, fmt.Sprint(now.Weight)), s.stored(keyPS("BOARD#b", "T#0007")))
		}
	})
}

func choose[V any](first bool, a, b V) V {
	if first {
		return a
	}
	return b
}
