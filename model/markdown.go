package model

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/monotable/monotable"
)

// Markdown writes a page in GitHub's Markdown: the entity chart, the partitions as a Mermaid diagram, the access patterns with their plans, the indexes, and the
// attributes of each entity. It is an error if a pattern is refused; nothing is written then.
func (m *Model) Markdown(w io.Writer) error {
	return m.write(w, func(out *bytes.Buffer) error {
		c, err := m.chart()
		if err != nil {
			return err
		}
		page := markdown{out}
		page.heading(1, c.Title)
		if c.Description != "" {
			page.paragraph(text(c.Description))
		}
		page.paragraph(c.summary(text, code))
		page.heading(2, "Entity chart")
		page.entityChart(c)
		if len(c.Entities) > 0 {
			page.heading(2, "Partitions")
			page.paragraph("What stands in one box is read by one Query.")
			out.WriteString("```mermaid\n")
			c.mermaid(out)
			out.WriteString("```\n\n")
		}
		page.patterns(c)
		page.indexes(c)
		page.entities(c)
		trimmed := bytes.TrimRight(out.Bytes(), "\n")
		out.Truncate(len(trimmed) + 1)
		return nil
	})
}

// EntityChart writes the entity chart alone, as a table in GitHub's Markdown: what the keys of the table and of each index are made of, for each entity. It
// is for a part of a document that a test keeps up to date.
func (m *Model) EntityChart(w io.Writer) error {
	return m.write(w, func(out *bytes.Buffer) error {
		plain := *m
		plain.patterns = nil
		c, err := plain.chart()
		if err != nil {
			return err
		}
		markdown{out}.entityChart(c)
		out.Truncate(out.Len() - 1)
		return nil
	})
}

// summary says what there is in one line.
func (c *chart) summary(text, code func(string) string) string {
	s := "Table " + code(c.Table) + ", " + count(len(c.Entities), "entity", "entities") + ", " + count(len(c.Indexes)-1, "index", "indexes") + "."
	if c.Tagged {
		s += text(" The type of an item is in ") + code(c.TypeTag) + "."
	}
	if c.TTL != "" {
		s += text(" Items expire by ") + code(c.TTL) + "."
	}
	return s
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

type markdown struct{ *bytes.Buffer }

func (w markdown) heading(level int, title string) {
	fmt.Fprintf(w, "%s %s\n\n", strings.Repeat("#", level), text(title))
}

func (w markdown) paragraph(markup string) { fmt.Fprintf(w, "%s\n\n", markup) }

// row writes cells that are Markdown already.
func (w markdown) row(cells ...string) {
	for _, cell := range cells {
		w.WriteString("|")
		if cell != "" {
			w.WriteString(" " + cell)
		}
		w.WriteString(" ")
	}
	w.WriteString("|\n")
}

func (w markdown) header(names ...string) {
	w.row(names...)
	w.WriteString(strings.Repeat("|---", len(names)) + "|\n")
}

func (w markdown) entityChart(c *chart) {
	names := []string{"Entity"}
	for _, index := range c.Indexes {
		for _, k := range index.attributes() {
			name := cell(k.Name)
			if index.Name != "" && !strings.HasPrefix(k.Name, index.Name) {
				name = cell(index.Name) + " " + name
			}
			names = append(names, name)
		}
	}
	w.header(names...)
	for _, e := range c.Entities {
		cells := []string{text(e.Name)}
		for i, keys := range e.Keys {
			for j, template := range keys {
				if template = cell(template); j == 0 && e.Partly[i] {
					template += " (sparse)"
				}
				cells = append(cells, template)
			}
		}
		w.row(cells...)
	}
	w.WriteString("\n")
}

func (w markdown) patterns(c *chart) {
	if len(c.Patterns) == 0 {
		return
	}
	w.heading(2, "Access patterns")
	w.header("#", "Pattern", "Operation", "On", "Key condition", "Filter and more", "Requests", "Warnings")
	for _, p := range c.Patterns {
		for i, plan := range p.Steps {
			n, name, requests := "", "", ""
			if i == 0 {
				n, name, requests = strconv.Itoa(p.N), "**"+text(p.Name)+"**", strconv.Itoa(p.Requests)+" or more"
				if p.Description != "" {
					name += "<br>" + text(p.Description)
				}
			}
			var more, warnings []string
			for _, line := range details(plan) {
				more = append(more, line[0]+" "+cell(line[1]))
			}
			for _, warning := range plan.Warnings {
				warnings = append(warnings, "**"+text(warning.Code)+"** "+text(warning.Text))
			}
			w.row(n, name, text(operation(plan)), text(target(plan)), cell(keyUse(plan)), strings.Join(more, "<br>"), requests, strings.Join(warnings, "<br>"))
		}
	}
	w.WriteString("\n")
}

// operation is the call, and what the program calls it where that is something else.
func operation(plan monotable.Plan) string {
	if plan.Verb == plan.Operation || plan.Verb == "" {
		return plan.Operation
	}
	return plan.Operation + " (" + plan.Verb + ")"
}

func (w markdown) indexes(c *chart) {
	if len(c.Indexes) == 1 {
		return
	}
	w.heading(2, "Indexes")
	w.header("Index", "Kind", "Partition key", "Sort key", "Projection", "Entities")
	for _, index := range c.Indexes[1:] {
		w.row(text(index.Name), index.Kind, text(keyNames(index.Partition)), text(keyNames(index.Sort)), text(index.Projection), text(index.In()))
	}
	w.WriteString("\n")
}

func (w markdown) entities(c *chart) {
	if len(c.Entities) > 0 {
		w.heading(2, "Entities")
	}
	for _, e := range c.Entities {
		w.heading(3, e.Name)
		w.paragraph("Go type " + code(e.GoType) + ".")
		for _, note := range e.Notes {
			w.paragraph(text(note))
		}
		for _, guard := range e.Guards {
			w.paragraph("Values are kept unique by items of their own, with the partition key " + code(guard) + ".")
		}
		w.header("Attribute", "Type", "Go type", "Rules")
		for _, a := range e.Attributes {
			w.row(cell(a.Path), typeName(a.Type), cell(a.GoType), rules(a))
		}
		w.WriteString("\n")
	}
}

// rules are the names of an attribute's rules.
func rules(a monotable.AttributeDeclaration) string {
	var names []string
	for _, rule := range a.Rules {
		if rule = text(rule); rule == "Hidden" {
			rule = "**Hidden**"
		}
		names = append(names, rule)
	}
	return strings.Join(names, ", ")
}

// text escapes all that Markdown or HTML could take for markup. Line breaks become spaces.
func text(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r < ' ' || r == 0x7f:
			r = ' '
		case strings.ContainsRune("\\`*_[]<>|#~&!", r):
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// code is text in backticks, as many as it takes.
func code(s string) string {
	if s == "" {
		return ""
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		s = " " + s + " "
	}
	return fence + s + fence
}

// cell is code in a table, where a bar ends the cell even inside of backticks.
func cell(s string) string { return strings.ReplaceAll(code(s), "|", `\|`) }
