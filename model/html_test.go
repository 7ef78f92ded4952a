package model_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/model"
)

// element is an element of a page and what was in it.
type element struct {
	name  string
	attrs map[string]string
	text  string
}

// parse reads a page as strict XML, which our own output is besides being HTML, and gives its elements.
func parse(t testing.TB, page string) []element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>\n")))
	var all []element
	var open []int
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			require.Empty(t, open)
			return all
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			open = append(open, len(all))
			all = append(all, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, i := range open {
				all[i].text += string(token)
			}
		}
	}
}

func texts(elements []element, name, class string) []string {
	var all []string
	for _, e := range elements {
		if e.name == name && (class == "" || e.attrs["class"] == class) {
			all = append(all, strings.Join(strings.Fields(e.text), " "))
		}
	}
	return all
}

var known = map[string]bool{}

func init() {
	for _, name := range strings.Fields(`html head meta title style body main header h1 h2 h3 p span code section div figure figcaption svg text path rect circle
		table thead tbody tr th td a br ul li b footer`) {
		known[name] = true
	}
}

// The page is well-formed, asks for nothing, runs nothing, and has what the declaration has.
func TestHTML(t *testing.T) {
	c := newClubs(t)
	page := render(t, c.model(), (*model.Model).HTML)
	require.True(t, strings.HasPrefix(page, "<!DOCTYPE html>\n"))
	elements := parse(t, page)
	ids := map[string]bool{}
	for _, e := range elements {
		require.True(t, known[e.name], e.name)
		if id := e.attrs["id"]; id != "" {
			require.False(t, ids[id], id)
			ids[id] = true
		}
	}
	for _, e := range elements {
		for name, value := range e.attrs {
			require.False(t, strings.HasPrefix(name, "on") || name == "src", name)
			if name == "href" {
				require.True(t, ids[strings.TrimPrefix(value, "#")], value)
			}
		}
	}
	style := texts(elements, "style", "")
	require.Len(t, style, 1)
	require.NotRegexp(t, regexp.MustCompile(`@import|url\(`), style[0])

	require.Equal(t, []string{"Clubs"}, texts(elements, "title", ""))
	require.Equal(t, []string{"Club", "Member", "Visit"}, texts(elements, "h3", ""))
	require.Equal(t, []string{"Club", "Everything of a club", "Strong members", "By level", "All members", "Move"}, texts(elements, "span", "pattern-name"))
	require.Equal(t, []string{"Hidden", "Hidden"}, texts(elements, "span", "hidden"))
	for _, want := range []string{
		"consistent costs twice the read units", "scan reads all of table clubs, whatever it returns",
	} {
		require.Contains(t, texts(elements, "span", "warning"), want)
	}
	for _, want := range []string{"CLUB#{clubId}", "MEMBER#{memberId}", "{region}", "UNIQUE#Member#email#{email}", "PK = ? AND begins_with(SK, ?)", "prefs.theme"} {
		require.Contains(t, texts(elements, "code", ""), want)
	}
	require.Contains(t, page, "items expire by <code>ends</code>")
}

// The drawing has a box for every partition and item, and nothing overlaps or sticks out.
func TestDrawing(t *testing.T) {
	elements := parse(t, render(t, newClubs(t).model(), (*model.Model).HTML))
	require.Len(t, texts(elements, "figure", ""), 5)
	require.Equal(t, []string{"Club", "Member", "Visit", "Member", "Member", "Member", "Visit"}, texts(elements, "text", "name"))
	require.Equal(t, []string{"CLUB#{clubId}", "SECRET#{secret}", "{level}", "Member, {region}", "CLUB#{club}"}, texts(elements, "text", "key"))
	require.Equal(t, []string{"1", "2", "3", "6", "4"}, texts(elements, "text", "digit"))
	var svg rectangle
	var boxes []rectangle
	for _, e := range elements {
		switch {
		case e.name == "svg":
			svg, boxes = rectangle{w: number(t, e.attrs["width"]), h: number(t, e.attrs["height"])}, nil
		case e.name == "rect" && (e.attrs["class"] == "partition" || e.attrs["class"] == "item"):
			box := rectangle{number(t, e.attrs["x"]), number(t, e.attrs["y"]), number(t, e.attrs["width"]), number(t, e.attrs["height"])}
			require.True(t, box.x >= 0 && box.y >= 0 && box.x+box.w <= svg.w && box.y+box.h <= svg.h, box)
			for _, other := range boxes {
				apart := box.x+box.w <= other.x || other.x+other.w <= box.x || box.y+box.h <= other.y || other.y+other.h <= box.y
				require.True(t, apart, "%v and %v", box, other)
			}
			boxes = append(boxes, box)
		}
	}
}

type rectangle struct{ x, y, w, h int }

func number(t testing.TB, s string) int {
	t.Helper()
	n := 0
	for _, c := range s {
		require.True(t, c >= '0' && c <= '9', s)
		n = 10*n + int(c-'0')
	}
	return n
}

const odd = `</script><script>alert("1")</script><img src=x onerror=alert(2)> &amp; | ` + "`code` ``` ]]> *bold* [link](javascript:x) \"]; click {{.}} \x01"

// Names are anybody's. Nothing in them becomes markup, in any of the formats.
func TestEscaping(t *testing.T) {
	d := monotable.Declaration{
		Table: "odd", PartitionKey: monotable.KeyAttribute{Name: odd, Type: types.ScalarAttributeTypeS}, SortKey: monotable.KeyAttribute{Name: "SK", Type: types.ScalarAttributeTypeS},
		TypeTag: odd, TTL: odd, Delimiter: "#",
		Indexes: []monotable.Index{{Name: odd, PartitionKey: odd, PartitionKeyType: types.ScalarAttributeTypeS, Projection: types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{odd}}}},
		Entities: []monotable.EntityDeclaration{{
			Name: odd, Aliases: []string{odd}, Family: odd, GoType: odd, Key: monotable.Key{Partition: odd, Sort: odd}, Indexes: map[string]monotable.Key{odd: {Partition: odd}},
			Attributes: []monotable.AttributeDeclaration{{Path: odd, GoType: odd, Type: "S", Rules: []string{odd, "Unique", "Hidden"}, Hidden: true}},
		}},
	}
	m := model.Of(d, model.Title(odd), model.Description(odd), model.Author(odd))
	m.Pattern(odd, odd, model.ExplainFunc(func() (monotable.Plan, error) {
		return monotable.Plan{
			Verb: odd, Operation: odd, Entity: odd, Table: odd, Index: odd, Key: odd, KeyCondition: odd, Filter: odd, Condition: odd, Update: odd, Projection: odd, Guards: []string{odd},
			Requests: 1, Warnings: []monotable.Warning{{Code: odd, Text: odd}},
		}, nil
	}))

	page := render(t, m, (*model.Model).HTML)
	for _, e := range parse(t, page) {
		require.True(t, known[e.name], e.name)
	}
	require.Equal(t, 1, strings.Count(page, "<style"))
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "<img")

	// What a reader of Markdown sees without its code blocks and spans has no tag, no link and no emphasis but ours.
	prose := render(t, m, (*model.Model).Markdown)
	table := regexp.MustCompile(`(?m)^\|.*$`).FindAllString(prose, -1)
	require.NotEmpty(t, table)
	prose = regexp.MustCompile("(?s)```mermaid\n.*?\n```\n").ReplaceAllString(prose, "")
	prose = regexp.MustCompile("````.*?````").ReplaceAllString(prose, "")
	prose = strings.ReplaceAll(regexp.MustCompile(`\\.`).ReplaceAllString(prose, ""), "<br>", "")
	prose = regexp.MustCompile("`[^`\n]*`").ReplaceAllString(prose, "")
	require.NotContains(t, prose, "<")
	require.NotContains(t, prose, "[")
	require.NotContains(t, prose, "`")
	require.NotContains(t, regexp.MustCompile(`\*\*[^*\n]*\*\*`).ReplaceAllString(prose, ""), "*")
	bars := regexp.MustCompile(`\\\||\|`)
	columns := func(row string) (n int) {
		for _, bar := range bars.FindAllString(row, -1) {
			if bar == "|" {
				n++
			}
		}
		return n
	}
	require.Equal(t, columns(table[0]), columns(table[2]), table[2])

	chart := render(t, m, (*model.Model).Mermaid)
	for _, line := range strings.Split(strings.TrimSpace(chart), "\n")[1:] {
		require.Regexp(t, regexp.MustCompile(`^ +(subgraph i\d\["[^"\x60<>;%]*(#\d+;[^"\x60<>;%]*)*"\]|direction LR|end|i\dp\d\(\["[^"\x60<>]*"\]\)|i\dp\d --> i\dp\de\d\["[^"\x60<>]*(<br/>[^"\x60<>]*)?"\])$`), line)
	}
}
