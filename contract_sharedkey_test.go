package monotable_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

type sharedTask struct {
	ID   string `dynamodbav:"id"`
	Org  string `dynamodbav:"org"`
	Name string `dynamodbav:"name"`
	Due  string `dynamodbav:"due"`
}

var (
	sharedOrg  = monotable.Field(func(t *sharedTask) *string { return &t.Org })
	sharedName = monotable.Field(func(t *sharedTask) *string { return &t.Name })
	sharedDue  = monotable.Field(func(t *sharedTask) *string { return &t.Due })
)

// lastBody keeps the body that was sent last.
type lastBody struct {
	dynamodb.HTTPClient
	body []byte
}

func (c *lastBody) Do(r *http.Request) (_ *http.Response, err error) {
	if c.body, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	return c.HTTPClient.Do(r)
}

// Two indexes have one attribute in common. An item is in each of them as far as it has the key of that one, whatever it is to the other, by all
// verbs and on both roads, and no request names an attribute twice.
func TestF106_IndexesThatShareAnAttribute(t *testing.T) {
	whole := monotable.Key{Partition: "ORG#{org}", Sort: "{due}"}
	byName := monotable.Key{Partition: "ORG#{org}", Sort: "{name}"}
	for how, keys := range map[string]map[string]monotable.Key{
		"the same template":     {"byName": byName, "due": whole},
		"left out of the last":  {"byName": byName, "due": {Sort: "{due}"}},
		"left out of the first": {"byName": {Sort: "{name}"}, "due": whole},
	} {
		t.Run(how, func(t *testing.T) {
			s := openStore(t, monotable.TableConfig{Indexes: []monotable.Index{
				{Name: "byName", PartitionKey: "orgPK", SortKey: "nameSK"}, {Name: "due", PartitionKey: "orgPK", SortKey: "dueSK"},
			}})
			sent := &lastBody{HTTPClient: s.client.Options().HTTPClient}
			client := dynamodb.New(s.client.Options(), func(o *dynamodb.Options) { o.HTTPClient = sent })
			wire := mustEntity(t, s.over(client), monotable.Schema[sharedTask]{
				Name: "Task", Key: monotable.Key{Partition: "TASK#{id}", Sort: "TASK"},
				Indexes: keys,
			})
			ctx := t.Context()
			verbs := map[string]func(e *monotable.Entity[sharedTask], now, next sharedTask) error{
				"Put": func(e *monotable.Entity[sharedTask], _, next sharedTask) error {
					_, err := e.Put(ctx, next)
					return err
				},
				"BatchPut": func(e *monotable.Entity[sharedTask], _, next sharedTask) error {
					return e.BatchPut(ctx, []sharedTask{next})
				},
				"Update": func(e *monotable.Entity[sharedTask], _, next sharedTask) error {
					_, err := e.Update(ctx, next, sharedOrg.Set(next.Org), sharedName.Set(next.Name), sharedDue.Set(next.Due))
					return err
				},
				"Update of one": func(e *monotable.Entity[sharedTask], now, next sharedTask) error {
					_, err := e.Update(ctx, next, sharedDue.Set(next.Due), sharedOrg.Given(now.Org))
					return err
				},
				"Remove": func(e *monotable.Entity[sharedTask], _, next sharedTask) error {
					_, err := e.Update(ctx, next, sharedDue.Remove())
					return err
				},
				"Modify": func(e *monotable.Entity[sharedTask], _, next sharedTask) error {
					_, err := e.Modify(ctx, next, func(t *sharedTask) error { *t = next; return nil })
					return err
				},
			}
			some := func() string { return []string{"", "a", "b"}[rand.IntN(3)] }
			now := sharedTask{ID: "1"}
			for range 15 {
				for verb, write := range verbs {
					e, next := wire, sharedTask{ID: "1", Org: some(), Name: some(), Due: some()}
					if rand.IntN(2) == 0 {
						e = wire.With(monotable.NoWireCodec())
					}
					switch verb {
					case "Update of one":
						next.Org, next.Name = now.Org, now.Name
					case "Remove":
						next = now
						next.Due = ""
					}
					did := fmt.Sprintf("%s of %+v over %+v", verb, next, now)
					if err := write(e, now, next); verb == "Update" || verb == "Update of one" || verb == "Remove" || verb == "Modify" {
						if s.stored(keyPS("TASK#1", "TASK")) == nil {
							require.ErrorIs(t, err, monotable.ErrNotFound, did)
							continue
						}
						require.NoError(t, err, did)
					} else {
						require.NoError(t, err, did)
						require.LessOrEqual(t, bytes.Count(sent.body, []byte(`"orgPK":`)), 1, did)
					}
					now = next
					item := s.stored(keyPS("TASK#1", "TASK"))
					want := map[string]types.AttributeValue{}
					if now.Org != "" {
						want["orgPK"] = avS("ORG#" + now.Org)
						if now.Name != "" {
							want["nameSK"] = avS(now.Name)
						}
						if now.Due != "" {
							want["dueSK"] = avS(now.Due)
						}
					}
					for _, name := range []string{"orgPK", "nameSK", "dueSK"} {
						require.Equal(t, want[name], item[name], "%s: %s", did, name)
					}
				}
			}
		})
	}
}

// mixedItem has parts for keys of any shape.
type mixedItem struct {
	ID string    `dynamodbav:"id"`
	A  string    `dynamodbav:"a"`
	B  string    `dynamodbav:"b"`
	C  string    `dynamodbav:"c"`
	D  string    `dynamodbav:"d"`
	F  string    `dynamodbav:"f,omitempty"`
	G  string    `dynamodbav:"g,omitempty"`
	On bool      `dynamodbav:"on"`
	N  mixedNest `dynamodbav:"n"`
}
type mixedNest struct {
	X string `dynamodbav:"x"`
	Y string `dynamodbav:"y"`
}

var (
	mixedA  = monotable.Field(func(t *mixedItem) *string { return &t.A })
	mixedB  = monotable.Field(func(t *mixedItem) *string { return &t.B })
	mixedC  = monotable.Field(func(t *mixedItem) *string { return &t.C })
	mixedD  = monotable.Field(func(t *mixedItem) *string { return &t.D })
	mixedF  = monotable.Field(func(t *mixedItem) *string { return &t.F })
	mixedG  = monotable.Field(func(t *mixedItem) *string { return &t.G })
	mixedOn = monotable.Field(func(t *mixedItem) *bool { return &t.On })
	mixedNX = monotable.Field(func(t *mixedItem) *string { return &t.N.X })
	mixedNY = monotable.Field(func(t *mixedItem) *string { return &t.N.Y })
)

// Whatever keys indexes have in common, and whatever verb writes: what is stored is what the item makes.
func TestF106_SharedKeysOfAnyShape(t *testing.T) {
	rounds := 400
	if monotabletest.Endpoint(t) != "" {
		rounds = 40
	}
	x, y := "X#{a}#{b}", "Y#{n.x}#{f}"
	idx := func(name, pk, sk string) monotable.Index {
		return monotable.Index{Name: name, PartitionKey: pk, SortKey: sk}
	}
	type conf struct {
		name  string
		idx   []monotable.Index
		keys  map[string]monotable.Key
		rules []monotable.Rule[mixedItem]
	}
	confs := []conf{
		{
			"basic",
			[]monotable.Index{idx("x-i1", "xPK", "cSK"), idx("x-i2", "xPK", "dSK"), idx("x-i3", "xPK", "")},
			map[string]monotable.Key{"x-i1": {Partition: x, Sort: "{c}"}, "x-i2": {Partition: x, Sort: "{d}"}, "x-i3": {Partition: x}},
			nil,
		},
		{
			"basic2",
			[]monotable.Index{idx("x-i3", "xPK", "cSK"), idx("x-i2", "xPK", "dSK"), idx("x-i1", "xPK", "")},
			map[string]monotable.Key{"x-i3": {Partition: x, Sort: "{c}"}, "x-i2": {Partition: x, Sort: "{d}"}, "x-i1": {Partition: x}},
			nil,
		},
		{
			"when",
			[]monotable.Index{idx("x-i1", "xPK", "cSK"), idx("x-i2", "xPK", "dSK")},
			map[string]monotable.Key{"x-i1": {Partition: x, Sort: "{c}"}, "x-i2": {Partition: x, Sort: "{d}"}},
			[]monotable.Rule[mixedItem]{monotable.IndexWhen("x-i1", func(r *mixedItem) bool { return r.On }, mixedOn)},
		},
		{
			"when2",
			[]monotable.Index{idx("x-i1", "xPK", "cSK"), idx("x-i2", "xPK", "dSK")},
			map[string]monotable.Key{"x-i1": {Partition: x, Sort: "{c}"}, "x-i2": {Sort: "{d}"}},
			[]monotable.Rule[mixedItem]{monotable.IndexWhen("x-i2", func(r *mixedItem) bool { return r.G == "a" }, mixedG), monotable.IndexWhen("x-i1", func(r *mixedItem) bool { return r.On }, mixedOn)},
		},
		{
			"cross",
			[]monotable.Index{idx("x-i1", "xPK", "cSK"), idx("x-i2", "cSK", "xPK"), idx("x-i3", "yPK", "cSK")},
			map[string]monotable.Key{"x-i1": {Partition: x, Sort: "C#{c}#{d}"}, "x-i3": {Partition: y}},
			nil,
		},
		{
			"local",
			[]monotable.Index{{Name: "x-l1", PartitionKey: "PK", SortKey: "lSK", Local: true}, idx("x-i2", "lSK", "PK"), idx("x-i3", "SK", "PK"), idx("x-i4", "yPK", "lSK")},
			map[string]monotable.Key{"x-l1": {Sort: "{c}#{d}"}, "x-i4": {Partition: y}},
			nil,
		},
		{
			"fields",
			[]monotable.Index{idx("x-i1", "f", "cSK"), idx("x-i2", "g", "cSK"), idx("x-i3", "f", "g"), idx("x-i4", "cSK", "f")},
			map[string]monotable.Key{"x-i1": {Sort: "{c}#{d}"}, "x-i2": {}},
			nil,
		},
		{
			"multi",
			[]monotable.Index{{Name: "x-m", PartitionKeys: []monotable.KeyAttribute{{Name: "xPK", Type: types.ScalarAttributeTypeS}, {Name: "f", Type: types.ScalarAttributeTypeS}}, SortKeys: []monotable.KeyAttribute{{Name: "cSK", Type: types.ScalarAttributeTypeS}, {Name: "g", Type: types.ScalarAttributeTypeS}}}, idx("x-i1", "xPK", "cSK")},
			map[string]monotable.Key{"x-i1": {Partition: x, Sort: "{c}#{n.x}"}},
			nil,
		},
	}
	for _, c := range confs {
		t.Run(c.name, func(t *testing.T) {
			s := openStore(t, monotable.TableConfig{Indexes: c.idx})
			e, err := monotable.NewEntity(s.Table, monotable.Schema[mixedItem]{Name: "I", Key: monotable.Key{Partition: "I#{id}", Sort: "I"}, Indexes: c.keys, Rules: c.rules})
			require.NoError(t, err)
			some := func() string { return []string{"", "a", "b"}[rand.IntN(3)] }
			attrs := []monotable.Attr[mixedItem, string]{mixedA, mixedB, mixedC, mixedD, mixedF, mixedG, mixedNX, mixedNY}
			get := []func(r *mixedItem) *string{func(r *mixedItem) *string { return &r.A }, func(r *mixedItem) *string { return &r.B }, func(r *mixedItem) *string { return &r.C }, func(r *mixedItem) *string { return &r.D }, func(r *mixedItem) *string { return &r.F }, func(r *mixedItem) *string { return &r.G }, func(r *mixedItem) *string { return &r.N.X }, func(r *mixedItem) *string { return &r.N.Y }}
			random := func() mixedItem {
				r := mixedItem{ID: "1", On: rand.IntN(2) == 0}
				for _, g := range get {
					*g(&r) = some()
				}
				return r
			}
			done := 0
			for range rounds {
				if rand.IntN(4) == 0 {
					_, err := e.Put(t.Context(), random())
					require.NoError(t, err)
				}
				before := s.stored(keyPS("I#1", "I"))
				var err error
				did := ""
				switch rand.IntN(8) {
				case 0:
					next := random()
					did = fmt.Sprintf("Modify %+v", next)
					_, err = e.Modify(t.Context(), mixedItem{ID: "1"}, func(r *mixedItem) error { *r = next; return nil })
				case 1:
					next := random()
					did = fmt.Sprintf("BatchPut %+v", next)
					err = e.BatchPut(t.Context(), []mixedItem{next})
				default:
					now, _ := e.Get(t.Context(), mixedItem{ID: "1"})
					var changes []monotable.Change[mixedItem]
					for j, a := range attrs {
						switch rand.IntN(9) {
						case 0, 1:
							v := some()
							did += fmt.Sprintf(" Set %d %q", j, v)
							changes = append(changes, a.Set(v))
						case 2:
							did += fmt.Sprintf(" Remove %d", j)
							changes = append(changes, a.Remove())
						case 3:
							if before != nil {
								did += fmt.Sprintf(" Given %d", j)
								changes = append(changes, a.Given(*get[j](&now)))
							}
						case 4:
							if rand.IntN(3) == 0 {
								did += fmt.Sprintf(" SetIfAbsent %d", j)
								changes = append(changes, a.SetIfAbsent("b"))
							}
						}
					}
					if rand.IntN(4) == 0 {
						changes = append(changes, mixedOn.Set(rand.IntN(2) == 0))
						did += " On"
					}
					switch rand.IntN(4) {
					case 0:
						did = "Upsert" + did
						_, err = e.Upsert(t.Context(), mixedItem{ID: "1"}, changes...)
					case 1:
						did = "Transact" + did
						err = s.TransactWrite(t.Context(), e.UpdateOp(mixedItem{ID: "1"}, changes...))
					case 2:
						did = "TransactUpsert" + did
						err = s.TransactWrite(t.Context(), e.UpsertOp(mixedItem{ID: "1"}, changes...))
					default:
						did = "Update" + did
						_, err = e.Update(t.Context(), mixedItem{ID: "1"}, changes...)
					}
				}
				if err != nil {
					continue
				}
				done++
				raw := s.stored(keyPS("I#1", "I"))
				if raw == nil {
					continue
				}
				fresh, err := s.Fresh(raw)
				require.NoError(t, err)
				for _, name := range []string{"xPK", "cSK", "dSK", "yPK", "lSK"} {
					require.Equal(t, fresh[name], raw[name], "%s: %s\nover %v", name, did, before)
				}
				_, err = e.Put(t.Context(), random())
				require.NoError(t, err)
			}
			require.Greater(t, done, rounds/5)
		})
	}
}
