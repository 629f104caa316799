package bench

import (
	"fmt"
	"strings"
	"time"
)

// The plot's measures, in pixels.
const (
	plotWidth, plotHeight = 640, 360
	marginLeft, marginTop = 70, 40
	marginRight, bottom   = 150, 50
)

// plot draws the cost of a plan over the number of versions, both axes linear, as an SVG without
// scripts or fonts of its own.
func plot(points []point, machine string) string {
	maxX, maxY := 1, time.Millisecond
	for _, p := range points {
		maxX = max(maxX, p.versions)
		maxY = max(maxY, p.plan.wall, p.slow.wall, p.peer.wall)
	}
	x := func(n int) float64 { return marginLeft + float64(n)/float64(maxX)*(plotWidth-marginLeft-marginRight) }
	y := func(d time.Duration) float64 {
		return plotHeight - bottom - float64(d)/float64(maxY)*(plotHeight-bottom-marginTop)
	}

	var svg strings.Builder
	fmt.Fprintf(&svg,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		plotWidth, plotHeight)
	svg.WriteString(`<rect width="100%" height="100%" fill="white"/>`)
	fmt.Fprintf(&svg, `<text x="%d" y="20" font-size="14">Time of a plan over a key history (%s)</text>`+"\n",
		marginLeft, escapeXML(machine))
	const ticks = 4
	for i := range ticks + 1 {
		d, n := maxY*time.Duration(i)/ticks, maxX*i/ticks
		fmt.Fprintf(&svg,
			`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.1f s</text>`+
				"\n",
			marginLeft, plotWidth-marginRight, y(d), y(d), marginLeft-8, y(d)+4, d.Seconds())
		fmt.Fprintf(&svg, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(n), plotHeight-bottom+18, n)
	}
	fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="middle">archived versions in state</text>`+"\n",
		(marginLeft+plotWidth-marginRight)/2, plotHeight-12)
	for i, line := range []struct {
		name, colour string
		of           func(point) time.Duration
	}{
		{"plan", "#0b5", func(p point) time.Duration { return p.plan.wall }},
		{"plan at 100 ms", "#06c", func(p point) time.Duration { return p.slow.wall }},
		{"tls_private_key", "#888", func(p point) time.Duration { return p.peer.wall }},
	} {
		var path []string
		for _, p := range points {
			if d := line.of(p); d > 0 {
				path = append(path, fmt.Sprintf("%.1f,%.1f", x(p.versions), y(d)))
			}
		}
		if len(path) == 0 {
			continue
		}
		fmt.Fprintf(&svg,
			`<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%d" y="%d" fill="%s">%s</text>`+"\n",
			strings.Join(path, " "), line.colour, plotWidth-marginRight+10, marginTop+20*i, line.colour, line.name)
	}
	svg.WriteString("</svg>\n")

	return svg.String()
}

func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
