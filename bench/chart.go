package main

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/monotable/monotable/bench/pair"
)

// measured is what came of one group.
type measured struct {
	name    string
	results []pair.Result // the SDK's first
}

// The chart's measures, in pixels.
const (
	labelWidth = 150
	barWidth   = 460
	barHeight  = 11
	rowHeight  = 46
	headHeight = 56
	maxShare   = 1.6 // longer bars are cut
)

var colours = []string{"#9aa5b1", "#2563eb", "#d1a054"}

// chart draws the time of each library as a share of the SDK's. It reads well on
// light and on dark pages.
func chart(w io.Writer, all []measured) error {
	var b strings.Builder
	width, height := labelWidth+barWidth+90, headHeight+rowHeight*len(all)+8
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Time of each library as a share of the SDK's">`+"\n", width, height, width, height)
	b.WriteString("<style>text { fill: #24292f } @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }</style>\n")
	fmt.Fprintf(&b, `<text x="0" y="16" font-size="14" font-weight="600">Processor time, the SDK with attributevalue = 100 %%</text>`+"\n")
	x := 0
	for i, r := range all[0].results {
		fmt.Fprintf(&b, `<rect x="%d" y="28" width="10" height="10" fill="%s"/><text x="%d" y="37">%s</text>`+"\n", x, colours[i], x+15, html.EscapeString(r.Name))
		x += 40 + 7*len(r.Name)
	}
	for row, m := range all {
		top := headHeight + rowHeight*row
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", labelWidth-10, top+barHeight*3/2+4, html.EscapeString(m.name))
		for i, r := range m.results {
			share := 1 / r.TimeRatio
			y, length := top+i*(barHeight+1), min(share, maxShare)/maxShare*barWidth
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, labelWidth, y, length, barHeight, colours[i])
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" font-size="10">%.0f %%</text>`+"\n", labelWidth+length+5, y+barHeight-2, 100*share)
		}
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
