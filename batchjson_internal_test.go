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
		change          func(*config, *schema)
		text, json, put bool
	}{
		"plain":         {func(*config, *schema) {}, true, true, true},
		"no sort key":   {func(c *config, s *schema) { c.SortKey, s.Key.Sort = "", "" }, true, true, true},
		"number":        {func(c *config, s *schema) { c.SortKey, c.SortKeyType, s.Key.Sort = "n", "N", "" }, false, false, false},
		"own attribute": {func(c *config, s *schema) { c.PartitionKey, s.Key.Partition = "id", "" }, false, false, false},
		"index": {func(c *config, s *schema) {
			c.Indexes, s.Indexes = []Index{{Name: "kinds", PartitionKey: "XPK"}}, map[string]Key{"kinds": {Partition: "KIND#{kind}"}}
		}, true, true, true},
		"own in index": {func(c *config, _ *schema) { c.Indexes = []Index{{Name: "kinds", PartitionKey: "kind"}} }, true, false, false},
		"version":      {func(_ *config, s *schema) { s.Rules = []Rule[coin]{Version(n)} }, true, false, true},
		"unique":       {func(_ *config, s *schema) { s.Rules = []Rule[coin]{kind.Unique()} }, true, false, false},
		"immutable":    {func(_ *config, s *schema) { s.Rules = []Rule[coin]{kind.Immutable()} }, true, true, false},
		"hidden":       {func(_ *config, s *schema) { s.Rules = []Rule[coin]{secret.Hidden()} }, true, false, false},
		"validated":    {func(_ *config, s *schema) { s.Validate = func(*coin) error { return nil } }, true, false, false},
		"its tag":      {func(c *config, _ *schema) { c.TypeTag = "kind" }, true, false, false},
		"upgrades":     {func(_ *config, s *schema) { s.Upgrades = []Upgrade{} }, true, false, true},
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
		require.Equal(t, row.text, e.core.model.textKeys, name)
		require.Equal(t, row.json, e.core.model.asJSON, name)
		require.Equal(t, row.put, e.core.model.putsJSON, name)
		if !row.json {
			continue
		}
		entry := batchEntry{batchedWrite: &batchedWrite{room: &jsonRoom{}}}
		item := coin{ID: "1", Kind: "é", N: 7}
		require.NoError(t, e.core.model.fillJSON(&e.core.options, &entry, reflect.ValueOf(&item).Elem()))
		require.True(t, json.Valid(entry.json), "%s", entry.json)
		require.Equal(t, len(`"coins":[],`+`{"PutRequest":{"Item":`+string(entry.json)+`}},`), entry.bytes)
		require.Equal(t, int64(len(entry.json)+len(entry.json)/8), e.core.model.itemRoom.Load())
		want, err := e.core.model.primaryKey(&e.core.options, reflect.ValueOf(&item).Elem())
		require.NoError(t, err)
		require.Equal(t, want, entry.attributes())
	}
}
