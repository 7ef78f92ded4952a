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
