package monotable

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

type coin struct {
	ID     string `dynamodbav:"id"`
	Kind   string `dynamodbav:"kind"`
	N      int64  `dynamodbav:"n"`
	Secret string `dynamodbav:"secret"`
}

// Only entities of which nothing has to be known, or left out, once an item is encoded write it as JSON.
func TestWhichEntitiesWriteJSON(t *testing.T) {
	kind, n, secret := Field(func(c *coin) *string { return &c.Kind }), Field(func(c *coin) *int64 { return &c.N }), Field(func(c *coin) *string { return &c.Secret })
	type (
		config = TableConfig
		schema = Schema[coin]
	)
	for name, row := range map[string]struct {
		change     func(*config, *schema)
		text, json bool
	}{
		"plain":         {func(*config, *schema) {}, true, true},
		"no sort key":   {func(c *config, s *schema) { c.SortKey, s.Key.Sort = "", "" }, true, true},
		"number":        {func(c *config, s *schema) { c.SortKey, c.SortKeyType, s.Key.Sort = "n", "N", "" }, false, false},
		"own attribute": {func(c *config, s *schema) { c.PartitionKey, s.Key.Partition = "id", "" }, false, false},
		"index": {func(c *config, s *schema) {
			c.Indexes, s.Indexes = []Index{{Name: "kinds", PartitionKey: "XPK"}}, map[string]Key{"kinds": {Partition: "KIND#{kind}"}}
		}, true, true},
		"own in index": {func(c *config, _ *schema) { c.Indexes = []Index{{Name: "kinds", PartitionKey: "kind"}} }, true, false},
		"version":      {func(_ *config, s *schema) { s.Rules = []Rule[coin]{Version(n)} }, true, false},
		"unique":       {func(_ *config, s *schema) { s.Rules = []Rule[coin]{kind.Unique()} }, true, false},
		"hidden":       {func(_ *config, s *schema) { s.Rules = []Rule[coin]{secret.Hidden()} }, true, false},
		"validated":    {func(_ *config, s *schema) { s.Validate = func(*coin) error { return nil } }, true, false},
		"its tag":      {func(c *config, _ *schema) { c.TypeTag = "kind" }, true, false},
		"upgrades":     {func(_ *config, s *schema) { s.Upgrades = []Upgrade{} }, true, false},
	} {
		cfg := TableConfig{Name: "coins", PartitionKey: "PK", SortKey: "SK"}
		s := Schema[coin]{Name: "Coin", Key: Key{Partition: "COIN#{id}", Sort: "COIN"}}
		row.change(&cfg, &s)
		table, err := NewTable(unsent{}, cfg)
		require.NoError(t, err, name)
		e, err := NewEntity(table, s)
		if name == "its tag" && err != nil {
			continue // which is refused at once
		}
		require.NoError(t, err, name)
		require.Equal(t, row.text, e.model.hasTextKey(), name)
		require.Equal(t, row.json, e.model.writesJSON(), name)
		if !row.json {
			continue
		}
		entry := batchEntry{room: &jsonRoom{}}
		item := coin{ID: "1", Kind: "é", N: 7}
		require.NoError(t, e.model.fillJSON(&e.options, &entry, reflect.ValueOf(&item).Elem()))
		require.True(t, json.Valid(entry.json), "%s", entry.json)
		require.Equal(t, len(`"coins":[],`+`{"PutRequest":{"Item":`+string(entry.json)+`}},`), entry.bytes)
		require.Equal(t, int64(len(entry.json)+len(entry.json)/8), e.model.itemRoom.Load())
		want, err := e.model.primaryKey(&e.options, reflect.ValueOf(&item).Elem())
		require.NoError(t, err)
		require.Equal(t, want, entry.attributes())
	}
}
