package model

import (
	"fmt"
	"html/template"
	"strings"
	"unicode"

	"github.com/monotable/monotable"
)

// figure is the drawing of the table or of an index: on the left its partitions, on the right the items of each, in the order of their sort keys. Numbers are
// pixels. Widths of text are estimates, on the wide side, because only a browser knows its fonts.
type figure struct {
	Label, Kind   string
	Caption       string // what a screen reader says
	Width, Height int
	MinWidth      int // below it the drawing scrolls, or nobody could read it
	PartitionName string
	SortName      string
	SortX         int
	Partitions    []box
	Items         []box
}

// box is a partition or an item.
type box struct {
	X, Y, W, H int
	Name       string // of the entity; "" for a partition
	Template   string
	NameY      int
	TemplateY  int
	Color      int
	Line       template.HTMLAttr // the d of the path that leads to it
	Badges     []badge
}

// TextX is where the texts begin.
func (b box) TextX() int { return b.X + boxPadding }

// badge is the number of an access pattern.
type badge struct{ N, X, Y int }

// TextY is the base line of the number.
func (b badge) TextY() int { return b.Y + 4 }

const (
	figureTop  = 26 // below the names of the key attributes
	boxHeight  = 46
	boxGap     = 8
	groupGap   = 18
	columnGap  = 36
	boxPadding = 14
	badgeSize  = 18
	badgeStep  = 22
	badgesARow = 8
	minBox     = 120
	monoWidth  = 7.4 // of one character of a template
	sansWidth  = 8.2 // of one character of a name
)

func (c *chart) figures() []figure {
	var all []figure
	for _, index := range c.Indexes {
		if len(index.Groups) > 0 {
			all = append(all, c.figure(index))
		}
	}
	return all
}

func (c *chart) figure(index indexView) figure {
	f := figure{Label: index.Label, Kind: index.Kind, PartitionName: names(index.Partition), SortName: names(index.Sort)}
	if index.Name == "" {
		f.Label, f.Kind = c.Table, "the table itself"
	} else {
		f.Label = index.Name
	}
	left := max(minBox, textWidth(f.PartitionName, sansWidth))
	right := max(minBox, textWidth(f.SortName, sansWidth))
	for _, g := range index.Groups {
		left = max(left, 2*boxPadding+textWidth(several(g.Partition, len(index.Partition)), monoWidth), 2*boxPadding+badgeStep*min(len(g.Patterns), badgesARow))
		for _, m := range g.Members {
			right = max(right, 2*boxPadding+textWidth(m.Entity, sansWidth), 2*boxPadding+textWidth(several(m.Sort, len(index.Sort)), monoWidth))
		}
	}
	f.SortX = left + columnGap
	f.Width = f.SortX + right + 2
	f.MinWidth = f.Width * 4 / 5
	y := figureTop
	var said []string
	for _, g := range index.Groups {
		rows := (len(g.Patterns) + badgesARow - 1) / badgesARow
		top := box{X: 1, Y: y, W: left, H: boxHeight - 8 + rows*badgeStep, Template: several(g.Partition, len(index.Partition)), TemplateY: y + 24}
		for i, n := range g.Patterns {
			top.Badges = append(top.Badges, badge{
				N: n, X: top.X + boxPadding + badgeSize/2 + i%badgesARow*badgeStep, Y: y + 36 + badgeSize/2 + i/badgesARow*badgeStep,
			})
		}
		f.Partitions = append(f.Partitions, top)
		var members []string
		at := y
		for _, m := range g.Members {
			item := box{X: f.SortX, Y: at, W: right, H: boxHeight, Name: m.Entity, Template: several(m.Sort, len(index.Sort)), Color: m.Color, NameY: at + 19, TemplateY: at + 36}
			if m.Sort == "" {
				item.NameY = at + 27
			}
			item.Line = elbow(top.X+left, y+20, f.SortX, at+20)
			f.Items = append(f.Items, item)
			members = append(members, m.Entity)
			at += boxHeight + boxGap
		}
		y = max(at-boxGap, y+top.H) + groupGap
		said = append(said, "partition "+several(g.Partition, len(index.Partition))+" has "+strings.Join(members, ", "))
	}
	f.Height = y - groupGap + 2
	f.Caption = f.Label + ": " + strings.Join(said, "; ")
	return f
}

// elbow is a line with round corners from a partition to an item.
func elbow(x1, y1, x2, y2 int) template.HTMLAttr {
	const r = 8
	middle := (x1 + x2) / 2
	if y1 == y2 {
		return template.HTMLAttr(fmt.Sprintf(`d="M%d %dH%d"`, x1, y1, x2)) //nolint:gosec // numbers only
	}
	return template.HTMLAttr(fmt.Sprintf(`d="M%d %dH%dQ%d %d %d %dV%dQ%d %d %d %dH%d"`, //nolint:gosec // numbers only
		x1, y1, middle-r, middle, y1, middle, y1+r, y2-r, middle, y2, middle+r, y2, x2))
}

func names(attributes []monotable.KeyAttribute) string {
	var all []string
	for _, k := range attributes {
		all = append(all, k.Name)
	}
	return strings.Join(all, ", ")
}

// textWidth is about how wide a text is. What is not Latin, Greek or Cyrillic may take two places.
func textWidth(s string, one float64) int {
	n := 0
	for _, r := range s {
		if n++; r >= 0x1100 && !unicode.Is(unicode.Mn, r) && r != '…' {
			n++
		}
	}
	return int(float64(n) * one)
}
