package model

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
)

// page is the template of the page. html/template escapes each name, template and plan by the place it stands in.
//
//go:embed page.html
var page string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"typeName":  typeName,
	"keyNames":  keyNames,
	"keyUse":    keyUse,
	"operation": operation,
	"details":   details,
	"count":     count,
	"inc":       func(i int) int { return i + 1 },
}).Parse(page))

// HTML writes one page that needs nothing else: no script, font or picture from anywhere, and none of its own but a drawing of the partitions in SVG. It is light or
// dark as the reader's system is, fits a phone, and can be printed. It has what [Model.Markdown] has. Nothing in a name is taken for markup. It is an
// error if a pattern is refused; nothing is written then.
func (m *Model) HTML(w io.Writer) error {
	return m.write(w, func(out *bytes.Buffer) error {
		c, err := m.chart()
		if err != nil {
			return err
		}
		var html bytes.Buffer
		err = pageTemplate.Execute(&html, struct {
			*chart
			Figures []figure
		}{c, c.figures()})
		out.Write(bytes.Map(printable, html.Bytes()))
		return err
	})
}

// printable replaces what no page may have, escaped or not: control characters.
func printable(r rune) rune {
	if r < ' ' && r != '\n' || r == 0x7f {
		return ' '
	}
	return r
}
