package shiftsim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// The chart's measures in pixels.
const (
	chartWidth  = 860
	plotLeft    = 64
	plotRight   = 730
	panelHeight = 120
	panelGap    = 46
	panelTop    = 78
)

// tierColours are told apart by those who see few colours (Okabe and Ito,
// https://jfly.uni-koeln.de/color/), from the cheapest tier up.
var tierColours = []string{"#56b4e9", "#e69f00", "#7a5195", "#009e73", "#d55e00", "#0072b2", "#cc79a7", "#999999"}

func tierColour(i int) string { return tierColours[i%len(tierColours)] }

// chart is a drawing in the making.
type chart struct {
	strings.Builder
	result *Result
	end    time.Duration
}

// SVG draws the split, the cost and the quality over time. The same result gives
// the same bytes.
func (r *Result) SVG(route *Route) string {
	c := &chart{result: r, end: r.Scenario.Length}
	height := panelTop + 3*panelHeight + 2*panelGap + 40
	c.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="12" fill="#222">`, chartWidth, height)
	c.add(`<rect width="100%%" height="100%%" fill="#fff"/>`)
	c.text(plotLeft, 24, "start", `font-size="16" font-weight="600"`, fmt.Sprintf("%s: %s", r.Scenario.Name, r.Scenario.Description))
	c.split(panelTop)
	c.cost(panelTop + panelHeight + panelGap)
	c.quality(panelTop+2*(panelHeight+panelGap), route.Settings.MinQuality)
	c.changes()
	c.add(`</svg>`)
	return c.String()
}

func (c *chart) add(format string, args ...any) {
	fmt.Fprintf(c, format, args...)
	c.WriteByte('\n')
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func (c *chart) text(x, y float64, anchor, style, text string) {
	c.add(`<text x="%.0f" y="%.0f" text-anchor="%s" %s>%s</text>`, x, y, anchor, style, escaper.Replace(text))
}

func (c *chart) x(at time.Duration) float64 {
	return plotLeft + (plotRight-plotLeft)*at.Hours()/c.end.Hours()
}

// frame draws a panel's title, its frame, the days, and its scale's ends.
func (c *chart) frame(top float64, title, low, high string) {
	c.text(plotLeft, top-8, "start", `font-weight="600"`, title)
	days := int(c.end / day)
	for d := 0; d <= days; d++ {
		x := c.x(time.Duration(d) * day)
		c.add(`<path d="M%.1f %.1fV%.1f" stroke="#ddd"/>`, x, top, top+panelHeight)
		if d < days {
			c.text((x+c.x(time.Duration(d+1)*day))/2, top+panelHeight+15, "middle", `fill="#666"`, fmt.Sprintf("day %d", d+1))
		}
	}
	c.add(`<rect x="%d" y="%.1f" width="%d" height="%d" fill="none" stroke="#999"/>`, plotLeft, top, plotRight-plotLeft, panelHeight)
	c.text(plotLeft-6, top+10, "end", `fill="#666"`, high)
	c.text(plotLeft-6, top+panelHeight, "end", `fill="#666"`, low)
}

// split stacks the tiers' shares, the cheapest at the bottom.
func (c *chart) split(top float64) {
	points := c.result.Points
	level := make([]int32, len(points))
	for i, t := range c.result.Scenario.Tiers {
		path := c.steps(top, level, false)
		for j := range points {
			level[j] += points[j].Shares[i]
		}
		c.add(`<path d="M%sL%sZ" fill="%s"/>`, path, c.steps(top, level, true), tierColour(i))
		c.legend(top, i, tierColour(i), t.Name)
	}
	c.frame(top, "split, % of undecided requests", "0", "100")
}

// steps is the line of a level in percent, forwards or back, without the points
// at which nothing changes.
func (c *chart) steps(top float64, level []int32, back bool) string {
	var corners []string
	corner := func(at time.Duration, percent int32) {
		corners = append(corners, fmt.Sprintf("%.1f %.1f", c.x(at), top+panelHeight*(1-float64(percent)/100)))
	}
	begin := time.Duration(0)
	for j, p := range c.result.Points {
		if j+1 < len(level) && level[j+1] == level[j] {
			continue
		}
		corner(begin, level[j])
		corner(p.At, level[j])
		begin = p.At
	}
	if back {
		slices.Reverse(corners)
	}
	return strings.Join(corners, "L")
}

func (c *chart) legend(top float64, line int, colour, text string) {
	y := top + 12 + 18*float64(line)
	c.add(`<rect x="%d" y="%.1f" width="12" height="12" fill="%s"/>`, plotRight+12, y-10, colour)
	c.text(plotRight+30, y, "start", "", text)
}

// hours averages what each window had, weighed by its requests, over each hour:
// a line that can be seen.
func (c *chart) hours(of func(*Point) float64) []float64 {
	sums, weights := make([]float64, int(c.end/time.Hour)+1), make([]float64, int(c.end/time.Hour)+1)
	for i := range c.result.Points {
		p := &c.result.Points[i]
		if v := of(p); p.Requests > 0 && !math.IsNaN(v) {
			at := int((p.At - 1) / time.Hour)
			sums[at] += v * p.Requests
			weights[at] += p.Requests
		}
	}
	for i := range sums {
		sums[i] /= weights[i] // NaN where nothing was
	}
	return sums
}

func (c *chart) line(top float64, values []float64, low, high float64, colour string) {
	var path strings.Builder
	pen := "M"
	for i, v := range values {
		if math.IsNaN(v) {
			pen = "M"
			continue
		}
		height := min(max((v-low)/(high-low), 0), 1)
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, c.x(time.Duration(i)*time.Hour+30*time.Minute), top+panelHeight*(1-height))
		pen = "L"
	}
	c.add(`<path d="%s" fill="none" stroke="%s" stroke-width="1.6"/>`, path.String(), colour)
}

func (c *chart) cost(top float64) {
	costs := c.hours(func(p *Point) float64 { return 1000 * p.CostUSD })
	high := 0.0
	for _, v := range costs {
		if v > high {
			high = v
		}
	}
	if high == 0 {
		high = 1
	}
	c.line(top, costs, 0, high*1.1, "#d55e00")
	c.legend(top, 0, "#d55e00", "measured")
	c.frame(top, "cost, USD per 1,000 requests", "0", fmt.Sprintf("%.3g", high*1.1))
}

func (c *chart) quality(top, objective float64) {
	truth := c.hours(func(p *Point) float64 { return p.Quality })
	proven := c.hours(func(p *Point) float64 { return p.Lower })
	low := 1.0
	for i := range truth {
		for _, v := range []float64{truth[i], proven[i], objective} {
			if v > 0 && v < low {
				low = v
			}
		}
	}
	low = max(math.Floor(low*20-0.2)/20, 0)
	if objective > 0 {
		y := top + panelHeight*(1-(objective-low)/(1-low))
		c.add(`<path d="M%d %.1fH%d" stroke="#222" stroke-dasharray="5 4"/>`, plotLeft, y, plotRight)
		c.legend(top, 2, "#222", fmt.Sprintf("minQuality %.2f", objective))
	}
	c.line(top, proven, low, 1, "#999")
	c.line(top, truth, low, 1, "#009e73")
	c.legend(top, 0, "#009e73", "true")
	c.legend(top, 1, "#999", "proven")
	c.frame(top, "quality", fmt.Sprintf("%.2f", low), "1.00")
}

// changes marks what happened.
func (c *chart) changes() {
	bottom := panelTop + 3*panelHeight + 2*panelGap
	for _, change := range c.result.Scenario.Changes {
		x := c.x(change.At)
		c.add(`<path d="M%.1f %dV%d" stroke="#b00" stroke-dasharray="2 3"/>`, x, panelTop-38, bottom)
		c.text(x+4, panelTop-28, "start", `fill="#b00"`, change.Tier+": "+change.What)
	}
}
