package audit

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/tiershift/tiershift/internal/pricing"
)

//go:embed report.html
var reportHTML string

// page escapes whatever it shows: model names come from the log.
var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"count": grouped, "usd": Money, "percent": percentOf,
}).Parse(reportHTML))

// WriteHTML writes the report as one page that loads nothing: its style and
// charts are in it, and it forbids the browser to fetch anything.
func (r *Report) WriteHTML(w io.Writer) error { return page.Execute(w, newView(r)) }

// view is the report as the page shows it. Lengths are in the units of the charts'
// view boxes.
type view struct {
	*Report
	Saves   bool
	Totals  []bar
	Shares  []segment
	ByClass []group
	Columns []column
	Labels  []label
	ByModel []modelRow
	Aside   []Row
	Sources []Row
}

// segment is a coloured part of a bar.
type segment struct {
	Name, Class, Value string
	X, Y, W, H         float64
}

// bar is one bar with its name and value.
type bar struct {
	Name, Value string
	Y, EndX     float64
	Segments    []segment
}

// group is two bars of one class.
type group struct {
	Name string
	Y    float64
	Bars []bar
}

// column is a stack of a histogram.
type column struct {
	Name         string
	X, W, Middle float64
	Segments     []segment
}

// label stands at a grid line.
type label struct {
	Text string
	Y    float64
}

type modelRow struct {
	Row
	Width float64 // of its cost, of the dearest, in percent
}

// Sizes of the charts.
const (
	wideChart   = 1000
	halfChart   = 460
	nameWidth   = 150
	className   = 90
	valueWidth  = 90
	barHeight   = 26
	barPitch    = 46
	columnSpace = 160
	shownModels = 12
)

func newView(r *Report) *view {
	v := &view{Report: r}
	saved, _ := strconv.ParseFloat(r.Cost.SavedPercent, 64)
	v.Saves = saved >= 0
	v.Totals = totals(r)
	v.Shares = shares(r.Classes)
	v.ByClass = byClass(r.Classes)
	v.Columns, v.Labels = histogram(r.Sizes)
	v.ByModel = byModel(r.Models)
	for _, why := range Asides {
		if n := r.SetAside[why]; n > 0 {
			v.Aside = append(v.Aside, Row{Name: string(why), Requests: n})
		}
	}
	for _, s := range []struct {
		source Source
		name   string
	}{
		{FromLog, "stated in the log"},
		{FromUsage, "priced from the log's tokens"},
		{FromText, "priced from estimated tokens"},
		{NoPrice, "not known: left out of all costs"},
	} {
		if n := r.Cost.Sources[s.source]; n > 0 {
			v.Sources = append(v.Sources, Row{Name: s.name, Requests: n})
		}
	}
	return v
}

// totals are three bars on one scale: the log, the baseline, and the policy by
// tier.
func totals(r *Report) []bar {
	logged, baseline, policy := sum(r.Classes, func(r *Row) float64 { return r.logged }),
		sum(r.Classes, func(r *Row) float64 { return r.baseline }), sum(r.Classes, func(r *Row) float64 { return r.policy })
	scale := (wideChart - nameWidth - valueWidth) / positive(max(logged, baseline, policy))
	whole := func(i int, name, value string, usd float64, class string) bar {
		y := float64(i) * barPitch
		return bar{Name: name, Value: value, Y: y, EndX: nameWidth + usd*scale, Segments: []segment{
			{Name: name, Class: class, Value: value, X: nameWidth, Y: y, W: usd * scale, H: barHeight},
		}}
	}
	byTier := bar{Name: "Under this policy", Value: Money(r.Cost.PolicyUSD), Y: 2 * barPitch, EndX: nameWidth + policy*scale}
	x := float64(nameWidth)
	for i := range r.Tiers {
		t := &r.Tiers[i]
		byTier.Segments = append(byTier.Segments, segment{
			Name: t.Name, Class: "t" + strconv.Itoa(i%6), Value: Money(t.PolicyUSD), X: x, Y: 2 * barPitch, W: t.policy * scale, H: barHeight,
		})
		x += t.policy * scale
	}
	return []bar{
		whole(0, "In the log", Money(r.Cost.LoggedUSD), logged, "log"),
		whole(1, "All on the baseline", Money(r.Cost.BaselineUSD), baseline, "base"),
		byTier,
	}
}

func sum(rows []Row, of func(*Row) float64) float64 {
	total := 0.0
	for i := range rows {
		total += of(&rows[i])
	}
	return total
}

// positive keeps a scale finite when there is nothing to show.
func positive(x float64) float64 { return max(x, math.SmallestNonzeroFloat32) }

// shares are the classes as parts of one bar.
func shares(classes []Row) []segment {
	var out []segment
	x := 0.0
	for i := range classes {
		c := &classes[i]
		out = append(out, segment{Name: c.Name, Class: classColour(c.Name), Value: percentOf(c.Share), X: x, W: c.Share * halfChart, H: 40})
		x += c.Share * halfChart
	}
	return out
}

func classColour(name string) string {
	if i := slices.Index(classOrder, name); i >= 0 {
		return "c" + strconv.Itoa(i)
	}
	return "base"
}

// byClass sets, for each class, the cost in the log against that under the policy.
func byClass(classes []Row) []group {
	most := 0.0
	for i := range classes {
		most = max(most, classes[i].logged, classes[i].policy)
	}
	scale := (halfChart - className - valueWidth) / positive(most)
	const height, pitch = 16, 56
	groups := make([]group, 0, len(classes))
	for i := range classes {
		c := &classes[i]
		y := float64(i) * pitch
		g := group{Name: c.Name, Y: y + height}
		for j, b := range []struct {
			usd         float64
			text, class string
		}{{c.logged, c.LoggedUSD, "log"}, {c.policy, c.PolicyUSD, classColour(c.Name)}} {
			at := y + float64(j)*(height+4)
			g.Bars = append(g.Bars, bar{Value: Money(b.text), Y: at, EndX: className + b.usd*scale, Segments: []segment{
				{Name: c.Name, Class: b.class, Value: Money(b.text), X: className, Y: at, W: b.usd * scale, H: height},
			}})
		}
		groups = append(groups, g)
	}
	return groups
}

// histogram stacks the classes over the sizes of the prompts.
func histogram(sizes []Size) ([]column, []label) {
	most := int64(0)
	for _, s := range sizes {
		total := int64(0)
		for _, n := range s.Classes {
			total += n
		}
		most = max(most, total)
	}
	if most == 0 {
		return nil, nil
	}
	const left = 56
	pitch := float64(halfChart-left) / float64(len(sizes))
	columns := make([]column, 0, len(sizes))
	for i, s := range sizes {
		c := column{Name: sizeName(s.BelowTokens), X: left + float64(i)*pitch, W: pitch * 0.8, Middle: left + (float64(i)+0.4)*pitch}
		y := float64(columnSpace)
		for _, class := range classOrder {
			h := float64(s.Classes[class]) / float64(most) * columnSpace
			if y -= h; h > 0 {
				c.Segments = append(c.Segments, segment{Name: class, Class: classColour(class), Value: grouped(s.Classes[class]), X: c.X, Y: y, W: c.W, H: h})
			}
		}
		columns = append(columns, c)
	}
	return columns, []label{{grouped(most), 0}, {grouped(most / 2), columnSpace / 2}, {"0", columnSpace}}
}

func sizeName(below int64) string {
	switch {
	case below == 0:
		return "more"
	case below >= 1024:
		return "<" + strconv.FormatInt(below/1024, 10) + "k"
	}
	return "<" + strconv.FormatInt(below, 10)
}

func byModel(models []Row) []modelRow {
	shown := models[:min(len(models), shownModels)]
	most := 0.0
	for i := range shown {
		most = max(most, shown[i].logged)
	}
	out := make([]modelRow, len(shown))
	for i := range shown {
		out[i] = modelRow{shown[i], 100 * shown[i].logged / positive(most)}
	}
	return out
}

// grouped writes a count with thin spaces between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

func percentOf(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// Money rounds an amount for reading: to the cent, or of small amounts to three
// digits that count. The amount is decimal USD.
func Money(usd string) string {
	x, err := strconv.ParseFloat(usd, 64)
	switch {
	case err != nil:
		return usd
	case x == 0:
		return "0 USD"
	case math.Abs(x) >= 100:
		return grouped(int64(math.Round(x))) + " USD"
	case math.Abs(x) >= 1:
		return strconv.FormatFloat(x, 'f', 2, 64) + " USD"
	}
	exact, err := pricing.ParseUSD(usd)
	if err != nil {
		return usd
	}
	decimals := min(2-int(math.Floor(math.Log10(math.Abs(x)))), 12)
	return exact.FormatUSD(decimals) + " USD"
}
