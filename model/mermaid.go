package model

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/monotable/monotable"
)

// Mermaid writes a flowchart in Mermaid's language, which GitHub and many wikis draw: the table and each index, their partitions, and the entities that share each
// of them, in the order of their sort keys. An index that no entity is in is left out. Names and templates are escaped: nothing in them is taken for Mermaid's own.
func (m *Model) Mermaid(w io.Writer) error {
	return m.write(w, func(out *bytes.Buffer) error {
		plain := *m
		plain.patterns = nil // they are not drawn, so they refuse nothing
		c, err := plain.chart()
		if err != nil {
			return err
		}
		c.mermaid(out)
		return nil
	})
}

func (c *chart) mermaid(out *bytes.Buffer) {
	out.WriteString("flowchart LR\n")
	for i, index := range c.Indexes {
		if len(index.Groups) == 0 {
			continue
		}
		label := index.Label
		if index.Name == "" {
			label += " " + c.Table
		}
		fmt.Fprintf(out, "  subgraph i%d[\"%s\"]\n    direction LR\n", i, mermaidText(label))
		for g, group := range index.Groups {
			partition := fmt.Sprintf("i%dp%d", i, g)
			fmt.Fprintf(out, "    %s([\"%s\"])\n", partition, mermaidText(assigned(index.Partition, group.Partition)))
			for e, member := range group.Members {
				fmt.Fprintf(out, "    %s --> %se%d[\"%s", partition, partition, e, mermaidText(member.Entity))
				if member.Sort != "" {
					out.WriteString("<br/>" + mermaidText(assigned(index.Sort, member.Sort)))
				}
				out.WriteString("\"]\n")
			}
		}
		out.WriteString("  end\n")
	}
}

// assigned is a key as in "PK = USER#{userId}".
func assigned(attributes []monotable.KeyAttribute, template string) string {
	texts := spread(template, len(attributes))
	var all []string
	for i, k := range attributes {
		if texts[i] != "" {
			all = append(all, k.Name+" = "+texts[i])
		}
	}
	return strings.Join(all, ", ")
}

// mermaidText writes what could be markup, in Mermaid's or Markdown's eyes, as the numbers of its characters.
func mermaidText(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r < ' ' || r == 0x7f:
			out.WriteByte(' ')
		case r > 0x7f, r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', strings.ContainsRune(" ={},()/:-", r):
			out.WriteRune(r)
		default:
			fmt.Fprintf(&out, "#%d;", r)
		}
	}
	return out.String()
}
