package train

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tiershift/tiershift/internal/classify/model"
)

// Report is how well a model does on data.
type Report struct {
	Card  model.Card `json:"card"`
	Tiers []string   `json:"tiers"`
	// Always are the mean outcomes of the tiers on the rows that have all.
	Always []float64 `json:"always,omitempty"`
	// Costs are relative to the strongest tier.
	Costs []float64 `json:"costs,omitempty"`
	// Sources are those of the curves; the last curve is of all rows.
	Sources []SourceCurve `json:"sources,omitempty"`
	// MacroAPGR is the mean over the sources.
	MacroAPGR   float64          `json:"macroAPGR,omitempty"`
	Calibration []Calibration    `json:"calibration,omitempty"`
	Points      []OperatingPoint `json:"operatingPoints,omitempty"`
	Labels      *Labelling       `json:"labels,omitempty"`
}

// SourceCurve is the curve of the rows of one source.
type SourceCurve struct {
	Source string `json:"source"`
	Curve
}

// allRows is the source that stands for all of them.
const allRows = "all"

func newReport(rows []Row, judged []judgement, tiers []string, costs []float64) *Report {
	r := &Report{Tiers: tiers, Costs: costs, Labels: newLabelling(rows, judged)}
	if len(tiers) == 0 {
		return r
	}
	if len(costs) != len(tiers) {
		r.Costs = model.AssumedCosts(len(tiers))
	}
	for k, tier := range tiers {
		var p, y []float64
		for i := range rows {
			if score, ok := rows[i].Outcomes[tier]; ok {
				p, y = append(p, judged[i].quality[k]), append(y, score)
			}
		}
		if len(p) > 0 {
			r.Calibration = append(r.Calibration, newCalibration(tier, p, y))
		}
	}
	r.addCurves(rows, judged)
	strongest := r.Costs[len(r.Costs)-1]
	r.Costs = slices.Clone(r.Costs)
	for k := range r.Costs {
		r.Costs[k] /= strongest
	}
	r.Points = operatingPoints(rows, judged, tiers, r.Costs)
	r.addAlways(rows)
	return r
}

func (r *Report) addAlways(rows []Row) {
	n := 0.0
	always := make([]float64, len(r.Tiers))
	for i := range rows {
		if len(rows[i].Outcomes) == len(r.Tiers) {
			n++
			for k, tier := range r.Tiers {
				always[k] += rows[i].Outcomes[tier]
			}
		}
	}
	if n > 0 {
		for k := range always {
			always[k] /= n
		}
		r.Always = always
	}
}

// addCurves adds the curve of each source, by name, and that of all rows. The mean
// counts each source once; without sources it is that of all rows.
func (r *Report) addCurves(rows []Row, judged []judgement) {
	bySource := r.pointsBySource(rows, judged)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(bySource)), func(name string) bool { return name == allRows || name == "" })
	counted := 0.0
	for _, name := range append(names, allRows) {
		p := bySource[name]
		c := newCurve(p.score, p.cheap, p.strong)
		if c == nil {
			continue
		}
		r.Sources = append(r.Sources, SourceCurve{name, *c})
		if name != allRows || len(names) == 0 {
			r.MacroAPGR += c.APGR
			counted++
		}
	}
	r.MacroAPGR /= max(counted, 1)
}

// curvePoints are, by row, by how much the strongest tier is predicted to be better
// than the cheapest, and what both scored.
type curvePoints struct{ score, cheap, strong []float64 }

// pointsBySource has the rows whose outcome on both tiers is known, by source and
// all together.
func (r *Report) pointsBySource(rows []Row, judged []judgement) map[string]*curvePoints {
	bySource := map[string]*curvePoints{allRows: {}}
	last := len(r.Tiers) - 1
	for i := range rows {
		cheap, ok := rows[i].Outcomes[r.Tiers[0]]
		strong, both := rows[i].Outcomes[r.Tiers[last]]
		if !ok || !both || last == 0 {
			continue
		}
		for _, source := range slices.Compact([]string{allRows, rows[i].Source}) {
			p := bySource[source]
			if p == nil {
				p = &curvePoints{}
				bySource[source] = p
			}
			p.score = append(p.score, judged[i].quality[last]-judged[i].quality[0])
			p.cheap, p.strong = append(p.cheap, cheap), append(p.strong, strong)
		}
	}
	return bySource
}

// summary is what the card says.
func (r *Report) summary() map[string]float64 {
	s := map[string]float64{}
	for _, c := range r.Calibration {
		s["ece/"+c.Name] = rounded(c.ECE)
	}
	for _, c := range r.Sources {
		s["apgr/"+c.Source] = rounded(c.APGR)
	}
	if r.MacroAPGR > 0 {
		s["apgr/macro"] = rounded(r.MacroAPGR)
	}
	if r.Labels != nil {
		s["labels/accuracy"], s["labels/ece"] = rounded(r.Labels.Accuracy), rounded(r.Labels.Confidence.ECE)
	}
	return s
}

func rounded(x float64) float64 { return float64(int(x*1e4+0.5)) / 1e4 }

// Print writes the report as tables.
func (r *Report) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { fmt.Fprintf(table, format+"\n", args...) }
	if len(r.Sources) > 0 {
		line("SOURCE\tROWS\tCHEAPEST\tSTRONGEST\tAPGR\tCPT50\tCPT80")
		for _, c := range r.Sources {
			line("%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f", c.Source, c.Rows, c.Cheapest, c.Strongest, c.APGR, c.CPT50, c.CPT80)
		}
		line("mean of sources\t\t\t\t%.3f\n", r.MacroAPGR)
		r.printCurve(line)
	}
	if len(r.Calibration) > 0 {
		line("TIER\tROWS\tMEAN\tBRIER\tCALIBRATION ERROR")
		for _, c := range r.Calibration {
			line("%s\t%d\t%.3f\t%.3f\t%.3f", c.Name, c.Rows, c.Mean, c.Brier, c.ECE)
		}
		line("")
	}
	r.printPoints(line)
	if r.Labels != nil {
		r.Labels.print(line)
	}
	return table.Flush()
}

func (r *Report) printCurve(line func(string, ...any)) {
	all := r.Sources[len(r.Sources)-1]
	line("SHARE TO STRONGEST\tGAP CLOSED\tQUALITY")
	for s := 0; s <= curveSteps; s += 2 {
		line("%.0f %%\t%.3f\t%.3f", 100*float64(s)/curveSteps, all.PGR[s], all.Cheapest+all.PGR[s]*(all.Strongest-all.Cheapest))
	}
	line("")
}

func (r *Report) printPoints(line func(string, ...any)) {
	if len(r.Points) == 0 {
		return
	}
	line("DECISION\tQUALITY\tCOST\t%s", strings.ToUpper(strings.Join(r.Tiers, "\t")))
	row := func(name string, quality, cost float64, shares []float64) {
		cells := make([]string, len(shares))
		for k, s := range shares {
			cells[k] = fmt.Sprintf("%.3f", s)
		}
		line("%s\t%.3f\t%.3f\t%s", name, quality, cost, strings.Join(cells, "\t"))
	}
	for _, p := range r.Points {
		name := fmt.Sprintf("target %.2f", p.Target)
		if p.Price > 0 {
			name = fmt.Sprintf("price %.2f", p.Price)
		}
		row(name, p.Quality, p.Cost, p.Shares)
	}
	for k, tier := range r.Tiers {
		shares := make([]float64, len(r.Tiers))
		shares[k] = 1
		row("always "+tier, r.Always[k], r.Costs[k], shares)
	}
	line("")
}

func (l *Labelling) print(line func(string, ...any)) {
	line("LABELS\tACCURACY\tMACRO F1\tTOO LOW\tTOO HIGH\tCALIBRATION ERROR")
	line("%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\n", l.Rows, l.Accuracy, l.MacroF1, l.Under, l.Over, l.Confidence.ECE)
	line("LABEL \\ VERDICT\t%s", strings.Join(model.Classes[:], "\t"))
	for c, counts := range l.Confusion {
		line("%s\t%d\t%d\t%d", model.Classes[c], counts[0], counts[1], counts[2])
	}
}

// Evaluate measures a model on data that it was not trained on.
func Evaluate(m *model.Model, data *Data, costs []float64) (*Report, error) {
	tiers := m.Tiers()
	known := false
	for i := range data.Rows {
		for tier := range data.Rows[i].Outcomes {
			if !slices.Contains(tiers, tier) {
				return nil, fmt.Errorf("the data has outcomes of tier %q, the model knows %q", tier, tiers)
			}
		}
		known = known || len(data.Rows[i].Outcomes) > 0
	}
	if !known {
		tiers = nil
	}
	judged := make([]judgement, len(data.Rows))
	var p model.Prediction
	for i := range data.Rows {
		m.Predict([]byte(data.Rows[i].Prompt), data.Rows[i].Signals, &p)
		for _, q := range p.Quality {
			judged[i].quality = append(judged[i].quality, float64(q))
		}
		if p.Class != "" {
			for _, q := range p.Classes {
				judged[i].classes = append(judged[i].classes, float64(q))
			}
		}
	}
	report := newReport(data.Rows, judged, tiers, costs)
	report.Card = m.Card()
	return report, nil
}
