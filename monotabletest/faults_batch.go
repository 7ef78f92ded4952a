package monotabletest

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
)

// Unprocessed leaves the last k entries of a BatchWriteItem or BatchGetItem to be sent again, counted
// over the tables by name. They are taken out of the request, and if no other remains nothing is
// passed on. Other operations pass. The signature no longer fits the request, which memdb and
// DynamoDB Local do not look at.
func Unprocessed(k int) Fault {
	return unprocessed(func(_ *rand.Rand, i, n int) bool { return i >= n-k })
}

// UnprocessedShare is Unprocessed for each entry with a probability from 0 to 1.
func UnprocessedShare(p float64) Fault {
	return unprocessed(func(dice *rand.Rand, _, _ int) bool { return dice.Float64() < p })
}

// fields are those of a JSON object.
type fields = map[string]json.RawMessage

// unprocessed asks leave for the i-th of n entries.
func unprocessed(leave func(dice *rand.Rand, i, n int) bool) Fault {
	return func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		name := map[string]string{"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}[operation(r)]
		if name == "" {
			return do(r)
		}
		var in fields
		if err := decodeBody(r, &in); err != nil {
			return nil, err
		}
		tables, err := entriesOf(in["RequestItems"])
		if err != nil {
			return nil, err
		}
		kept, left := split(tables, turnOf(r).dice, leave)
		if len(left) == 0 {
			return do(r)
		}
		var resp *http.Response
		out := fields{}
		if len(kept) > 0 {
			if in["RequestItems"], err = json.Marshal(kept); err != nil {
				return nil, err
			}
			body, err := json.Marshal(in)
			if err != nil {
				return nil, err
			}
			if resp, err = do(withBody(r, body)); err != nil || resp.StatusCode != http.StatusOK {
				return resp, err
			}
			if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
				return nil, err
			}
		} else {
			resp = answer(r, http.StatusOK, nil)
			if name == "UnprocessedKeys" {
				out["Responses"] = json.RawMessage("{}")
			}
		}
		if out[name], err = merged(out[name], left); err != nil {
			return nil, err
		}
		body, err := json.Marshal(out)
		if err != nil {
			return nil, err
		}
		setBody(resp, body)
		return resp, nil
	}
}

// entries are those of one table. A write has them as a list, a read under Keys beside what counts
// for all of them.
type entries struct {
	list   []json.RawMessage
	beside fields // nil for a write
}

// UnmarshalJSON reads either form.
func (e *entries) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, &e.list)
	}
	if err := json.Unmarshal(text, &e.beside); err != nil {
		return err
	}
	return json.Unmarshal(e.beside["Keys"], &e.list)
}

// MarshalJSON writes the form that was read.
func (e entries) MarshalJSON() ([]byte, error) {
	if e.beside == nil {
		return json.Marshal(e.list)
	}
	all := maps.Clone(e.beside)
	var err error
	if all["Keys"], err = json.Marshal(e.list); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// entriesOf reads the tables of a batch; none if there is no text.
func entriesOf(text json.RawMessage) (map[string]entries, error) {
	var tables map[string]entries
	if text != nil {
		if err := json.Unmarshal(text, &tables); err != nil {
			return nil, err
		}
	}
	if tables == nil {
		tables = map[string]entries{}
	}
	return tables, nil
}

// split parts the entries of a batch into those that are passed on and those that are left.
func split(tables map[string]entries, dice *rand.Rand, leave func(dice *rand.Rand, i, n int) bool) (kept, left map[string]entries) {
	n, i := 0, 0
	for _, table := range tables {
		n += len(table.list)
	}
	kept, left = map[string]entries{}, map[string]entries{}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		for _, entry := range tables[name].list {
			side := kept
			if leave(dice, i, n) {
				side = left
			}
			side[name] = entries{append(side[name].list, entry), tables[name].beside}
			i++
		}
	}
	return kept, left
}

// merged adds entries to those that the server itself left.
func merged(text json.RawMessage, left map[string]entries) (json.RawMessage, error) {
	tables, err := entriesOf(text)
	if err != nil {
		return nil, err
	}
	for name, table := range left {
		tables[name] = entries{append(tables[name].list, table.list...), table.beside}
	}
	return json.Marshal(tables)
}
