package monotabletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Mask replaces what differs from run to run in golden requests; it returns other values as they are. It is called for every text and number that is
// sent. name is the attribute, "prefs.theme" or "tags[0]", also for values of expressions, as far as they tell; otherwise it is the request's parameter, as "TableName".
type Mask func(name, value string) string

// Golden compares what was recorded with the file testdata/NAME.json of the package under test, and has the test fail, naming the first line that differs. The requests
// are there in the order in which they were sent, in stable JSON, without the SDK's retries; those that are sent at the same time have no order, unless
// [monotable.Concurrency] gives them one.
//
// The ids that monotable gives to writes (under the usual name _w) and the tokens of transactions are random, and masked. What else differs is for masks, or for
// [Clock] and [IDs].
//
// The file is written instead of compared if the test runs with -update, for which the test package declares the flag, as a package may do only once:
//
//	var _ = flag.Bool("update", false, "rewrite the golden files")
//
// or, for any number of packages, if MONOTABLE_UPDATE is set in the environment. This package declares no flag.
func Golden(t testing.TB, name string, rec *Recorder, masks ...Mask) {
	t.Helper()
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		t.Fatalf("%q is no name for a file in testdata", name)
	}
	got, err := goldenText(rec.Requests(), append([]Mask{maskRandom}, masks...))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", filepath.FromSlash(name)+".json")
	if updating() {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil { //nolint:gosec // as source files are
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file) //nolint:gosec // a test's own file
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.Fatalf("there is no %s: MONOTABLE_UPDATE=1 go test writes it", file)
	case err != nil:
		t.Fatal(err)
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n")) // a checkout on Windows
	if difference := firstDifference(string(want), string(got)); difference != "" {
		t.Errorf("%s: %s\nAfter a deliberate change: MONOTABLE_UPDATE=1 go test", file, difference)
	}
}

// updating says whether golden files are to be written. The flag belongs to the test's package, if it has one.
func updating() bool {
	if os.Getenv("MONOTABLE_UPDATE") != "" {
		return true
	}
	update := flag.Lookup("update")
	return update != nil && update.Value.String() == "true"
}

func maskRandom(name, value string) string {
	if name == "_w" || name == "ClientRequestToken" {
		return "<random>"
	}
	return value
}

// goldenText is what a golden file holds.
func goldenText(sent []Sent, masks []Mask) ([]byte, error) {
	type request struct {
		Operation string `json:"operation"`
		Request   any    `json:"request"`
	}
	requests := []request{}
	for _, s := range sent {
		if s.Attempt > 1 {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(s.Body))
		d.UseNumber()
		var body any
		if err := d.Decode(&body); err != nil {
			return nil, fmt.Errorf("%s: %w", s, err)
		}
		requests = append(requests, request{s.Operation, masked{masks, nil}.parameters("", body)})
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(requests)
	return text.Bytes(), err
}

// masked masks the values of requests.
type masked struct {
	masks []Mask
	names map[string]string // of the attributes that the values of expressions stand for
}

func (m masked) leaf(name, value string) string {
	for _, mask := range m.masks {
		value = mask(name, value)
	}
	return value
}

// parameters masks a request, or a part of it that holds no attribute values itself.
func (m masked) parameters(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		m.names = attributesOf(v)
		out := map[string]any{}
		for key, part := range v {
			switch key {
			case "Item", "Key", "ExclusiveStartKey", "ExpressionAttributeValues":
				out[key] = m.item(part)
			case "Keys":
				out[key] = m.each(part, m.item)
			default:
				out[key] = m.parameters(key, part)
			}
		}
		return out
	case []any:
		return m.each(v, func(part any) any { return m.parameters(name, part) })
	case string:
		return m.leaf(name, v)
	case json.Number:
		return number(m.leaf(name, v.String()))
	}
	return v
}

func (m masked) each(v any, mask func(any) any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := []any{}
	for _, part := range list {
		out = append(out, mask(part))
	}
	return out
}

// number stays one if a mask has left it alone.
func number(text string) any {
	if json.Valid([]byte(text)) {
		return json.Number(text)
	}
	return text
}

// item masks the attributes of an item, or the values of an expression.
func (m masked) item(v any) any {
	attributes, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for name, value := range attributes {
		of := name
		if known := m.names[name]; known != "" {
			of = known
		}
		out[name] = m.value(of, value)
	}
	return out
}

// value masks an attribute value, such as {"S": "x"}.
func (m masked) value(name string, v any) any {
	typed, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for kind, content := range typed {
		switch content := content.(type) {
		case string:
			out[kind] = m.leaf(name, content)
		case map[string]any:
			members := map[string]any{}
			for member, value := range content {
				members[member] = m.value(name+"."+member, value)
			}
			out[kind] = members
		case []any:
			elements := []any{}
			for i, element := range content {
				if text, ok := element.(string); ok { // of a set
					elements = append(elements, m.leaf(name, text))
				} else {
					elements = append(elements, m.value(fmt.Sprintf("%s[%d]", name, i), element))
				}
			}
			out[kind] = elements
		default:
			out[kind] = content
		}
	}
	return out
}

var (
	expressionToken = regexp.MustCompile(`:\w+|[#\w][#\w.\[\]]*\s*\(?|\S`)
	keywords        = []string{"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"}
)

// attributesOf finds what attribute each value of a request's expressions is set to or compared with: the last one that was named before it.
func attributesOf(request map[string]any) map[string]string {
	of := map[string]string{}
	names, _ := request["ExpressionAttributeNames"].(map[string]any)
	for parameter, text := range request {
		expression, ok := text.(string)
		if !ok || !strings.HasSuffix(parameter, "Expression") {
			continue
		}
		last := ""
		for _, token := range expressionToken.FindAllString(expression, -1) {
			token = strings.TrimSpace(token)
			switch first := token[0]; {
			case first == ':':
				of[token] = last
			case strings.HasSuffix(token, "("), slices.Contains(keywords, strings.ToUpper(token)):
			case first == '#' || first == '_' || first >= 'A' && first <= 'Z' || first >= 'a' && first <= 'z':
				last = named(token, names)
			}
		}
	}
	return of
}

var placeholder = regexp.MustCompile(`#\w+`)

// named puts the names into a path of placeholders.
func named(path string, names map[string]any) string {
	return placeholder.ReplaceAllStringFunc(path, func(p string) string {
		if name, ok := names[p].(string); ok {
			return name
		}
		return p
	})
}

// firstDifference shows the first line in which two texts differ; "" if none does.
func firstDifference(want, got string) string {
	if want == got {
		return ""
	}
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	line := func(lines []string, i int) string {
		if i < len(lines) {
			return strings.TrimSpace(lines[i])
		}
		return "(the end)"
	}
	i := 0
	for i < len(wants) && i < len(gots) && wants[i] == gots[i] {
		i++
	}
	return fmt.Sprintf("line %d differs\nexpected: %s\n    sent: %s", i+1, line(wants, i), line(gots, i))
}
