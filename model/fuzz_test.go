package model_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/avjson"
)

// withoutHidden is an item of a member without what is Hidden, and nil where there is a value that no database stores.
func withoutHidden(item map[string]types.AttributeValue) (map[string]types.AttributeValue, bool) {
	out := map[string]types.AttributeValue{}
	for name, av := range item {
		if name == "secret" || name == "GSI1PK" {
			continue
		}
		if lacking(av) {
			return nil, false
		}
		out[name] = av
	}
	return out, true
}

func lacking(av types.AttributeValue) bool {
	switch av := av.(type) {
	case nil:
		return true
	case *types.AttributeValueMemberL:
		for _, v := range av.Value {
			if lacking(v) {
				return true
			}
		}
	case *types.AttributeValueMemberM:
		for _, v := range av.Value {
			if lacking(v) {
				return true
			}
		}
	case *types.AttributeValueMemberNULL:
		return !av.Value // which is written as true
	}
	return false
}

// FuzzWorkbenchSamples writes any items into the file of NoSQL Workbench, and reads from it what was written, but for what is Hidden.
func FuzzWorkbenchSamples(f *testing.F) {
	c := newClubs(f)
	f.Add(`{"PK":{"S":"CLUB#chess"},"SK":{"S":"<&>\u2028"},"secret":{"S":"sesame"},"level":{"N":"3"},"b":{"B":"AQI="},"t":{"BOOL":true},"n":{"NULL":true}}`)
	f.Add(`{"GSI1PK":{"S":"SECRET#sesame"},"l":{"L":[{"L":[]},{"M":{}},{"M":{"secret":{"S":"x"},"a.b":{"SS":["a","é"]}}}]},"ns":{"NS":["1"]},"bs":{"BS":["AQ=="]}}`)
	f.Add(`{"a":null}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		item, _, err := (&avjson.Reader{Data: []byte(text)}).Map(0)
		if err != nil || item == nil || !json.Valid([]byte(text)) || !utf8.ValidString(text) {
			return
		}
		m := c.model()
		m.Sample("Member", item)
		var out bytes.Buffer
		want, whole := withoutHidden(item)
		if err := m.Workbench(&out); err != nil {
			require.False(t, whole, "%v", err)
			return
		}
		var file struct {
			DataModel []struct {
				TableFacets []struct {
					FacetName string
					TableData []json.RawMessage
				}
			}
		}
		require.NoError(t, json.Unmarshal(out.Bytes(), &file))
		facet := file.DataModel[0].TableFacets[1]
		require.Equal(t, "Member", facet.FacetName)
		require.Len(t, facet.TableData, 1)
		row, _, err := (&avjson.Reader{Data: facet.TableData[0]}).Map(0)
		require.NoError(t, err)
		if whole {
			require.Equal(t, want, row)
		}
	})
}
