package train

import (
	"math"
	"slices"
	"sort"

	"github.com/tiershift/tiershift/internal/classify/model"
)

// judgement is what was predicted for a row: per tier and per class a
// probability; empty where there is no head.
type judgement struct {
	quality, classes []float64
}

func (j *judgement) class() int {
	best := 0
	for c, p := range j.classes {
		if p > j.classes[best] {
			best = c
		}
	}
	return best
}

// Curve is quality against the share of requests that the strongest tier gets,
// when those with the highest score get it and the cheapest has the rest. PGR,
// APGR and CPT are as RouteLLM defines them (arXiv:2406.18665, section 2.2):
// what part of the gap between the two tiers is closed.
type Curve struct {
	Rows     int     `json:"rows"`
	Cheapest float64 `json:"cheapest"`
	// Strongest and Cheapest are the mean outcomes of always the one.
	Strongest float64 `json:"strongest"`
	// APGR is the area under PGR over the share; 0.5 for a router that guesses.
	APGR float64 `json:"apgr"`
	// CPT50 and CPT80 are the least shares that close 50 and 80 % of the gap.
	CPT50 float64 `json:"cpt50"`
	CPT80 float64 `json:"cpt80"`
	// PGR is at shares of 0, 0.05, … 1.
	PGR []float64 `json:"pgr"`
}

const curveSteps = 20

// newCurve computes the curve of rows by their score and gain, or nil if the
// strongest tier is not better than the cheapest.
func newCurve(score, cheap, strong []float64) *Curve {
	n := len(score)
	order := make([]int, n)
	c := &Curve{Rows: n}
	for i := range order {
		order[i] = i
		c.Cheapest += cheap[i] / float64(n)
		c.Strongest += strong[i] / float64(n)
	}
	sort.SliceStable(order, func(a, b int) bool { return score[order[a]] > score[order[b]] })
	total := (c.Strongest - c.Cheapest) * float64(n)
	if n == 0 || total <= 1e-9 {
		return nil
	}
	// closed[k] is the PGR with the first k rows at the strongest tier. Rows of
	// equal score share their gain.
	closed := make([]float64, 1, n+1)
	for i := 0; i < n; {
		j, gain := i, 0.0
		for ; j < n && score[order[j]] == score[order[i]]; j++ {
			gain += strong[order[j]] - cheap[order[j]]
		}
		for k := i; k < j; k++ {
			closed = append(closed, closed[k]+gain/float64(j-i)/total)
		}
		i = j
	}
	for k := range n {
		c.APGR += (closed[k] + closed[k+1]) / 2 / float64(n)
	}
	c.CPT50, c.CPT80 = reach(closed, 0.5), reach(closed, 0.8)
	for s := range curveSteps + 1 {
		c.PGR = append(c.PGR, at(closed, float64(s)/curveSteps))
	}
	return c
}

// at interpolates the curve at a share.
func at(closed []float64, share float64) float64 {
	place := share * float64(len(closed)-1)
	low := min(int(place), len(closed)-2)
	return closed[low] + (place-float64(low))*(closed[low+1]-closed[low])
}

// reach is the least share at which the curve reaches the target.
func reach(closed []float64, target float64) float64 {
	for k := 1; k < len(closed); k++ {
		if closed[k] >= target {
			t := (target - closed[k-1]) / (closed[k] - closed[k-1])
			return (float64(k-1) + max(t, 0)) / float64(len(closed)-1)
		}
	}
	return 1
}

// Calibration compares predicted probabilities with what came.
type Calibration struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
	// Mean is the mean outcome, Brier the mean squared error.
	Mean  float64 `json:"mean"`
	Brier float64 `json:"brier"`
	// ECE is the expected calibration error over ten bins of equal width: Guo et
	// al., arXiv:1706.04599, section 3.
	ECE  float64 `json:"ece"`
	Bins []Bin   `json:"bins"`
}

// Bin is the rows whose prediction is within a tenth.
type Bin struct {
	Rows      int     `json:"rows"`
	Predicted float64 `json:"predicted"`
	Observed  float64 `json:"observed"`
}

const calibrationBins = 10

func newCalibration(name string, p, y []float64) Calibration {
	c := Calibration{Name: name, Rows: len(p), Bins: make([]Bin, calibrationBins)}
	n := float64(len(p))
	for i := range p {
		b := &c.Bins[min(int(p[i]*calibrationBins), calibrationBins-1)]
		b.Rows++
		b.Predicted += p[i]
		b.Observed += y[i]
		c.Mean += y[i] / n
		c.Brier += (p[i] - y[i]) * (p[i] - y[i]) / n
	}
	for k := range c.Bins {
		b := &c.Bins[k]
		c.ECE += math.Abs(b.Predicted-b.Observed) / n
		if b.Rows > 0 {
			b.Predicted, b.Observed = b.Predicted/float64(b.Rows), b.Observed/float64(b.Rows)
		}
	}
	return c
}

// Labelling is how well the classes fit the labels.
type Labelling struct {
	Rows     int     `json:"rows"`
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macroF1"`
	// Under and Over are the shares judged too low and too high.
	Under float64 `json:"under"`
	Over  float64 `json:"over"`
	// Confusion counts rows by label, then by verdict.
	Confusion [len(model.Classes)][len(model.Classes)]int `json:"confusion"`
	// Confidence compares the verdicts' confidences with how often they are right.
	Confidence Calibration `json:"confidence"`
}

func newLabelling(rows []Row, judged []judgement) *Labelling {
	l := &Labelling{}
	var confidence, right []float64
	for i := range rows {
		want := slices.Index(model.Classes[:], rows[i].Label)
		if want < 0 || len(judged[i].classes) == 0 {
			continue
		}
		got := judged[i].class()
		l.Confusion[want][got]++
		confidence = append(confidence, judged[i].classes[got])
		right = append(right, indicator(got == want))
		l.Rows++
		l.Accuracy += indicator(got == want)
		l.Under += indicator(got < want)
		l.Over += indicator(got > want)
	}
	if l.Rows == 0 {
		return nil
	}
	n := float64(l.Rows)
	l.Accuracy, l.Under, l.Over = l.Accuracy/n, l.Under/n, l.Over/n
	l.MacroF1 = macroF1(l.Confusion)
	l.Confidence = newCalibration("confidence", confidence, right)
	return l
}

// macroF1 is the mean F1 of the classes that have labels.
func macroF1(confusion [len(model.Classes)][len(model.Classes)]int) float64 {
	sum, classes := 0.0, 0.0
	for c := range confusion {
		labelled, given := 0, 0
		for k := range confusion {
			labelled += confusion[c][k]
			given += confusion[k][c]
		}
		if labelled > 0 {
			classes++
			sum += 2 * float64(confusion[c][c]) / float64(labelled+given)
		}
	}
	return sum / classes
}

// OperatingPoint is what a way of deciding costs and gives.
type OperatingPoint struct {
	// Target is the quality that the cheapest tier is to reach, or Price the
	// quality that a request to the strongest tier has to buy; 0: not this one.
	Target float64 `json:"target,omitempty"`
	Price  float64 `json:"price,omitempty"`
	// Quality is the mean outcome.
	Quality float64 `json:"quality"`
	// Cost is per request, relative to always the strongest tier.
	Cost float64 `json:"cost"`
	// Shares are those of the tiers.
	Shares []float64 `json:"shares"`
}

// prices are those that operating points are given for: each step halves what
// quality may cost.
var prices = []float64{1, 0.7, 0.5, 0.35, 0.25, 0.18, 0.13, 0.09, 0.06, 0.04, 0.02}

// operatingPoints decides for every row that has an outcome of all tiers. Costs
// are relative to the strongest tier.
func operatingPoints(rows []Row, judged []judgement, tiers []string, costs []float64) []OperatingPoint {
	var points []OperatingPoint
	add := func(p OperatingPoint, decide func(quality []float32) int) {
		if p.measure(rows, judged, tiers, costs, decide) {
			points = append(points, p)
		}
	}
	for percent := 10; percent < 100; percent += 5 {
		target := float64(percent) / 100
		add(OperatingPoint{Target: target}, func(q []float32) int { return model.Cheapest(q, float32(target)) })
	}
	for _, price := range prices {
		add(OperatingPoint{Price: price}, func(q []float32) int { return model.BestValue(q, costs, price) })
	}
	return points
}

// measure fills what the decisions cost and give; false if no row has all tiers.
func (p *OperatingPoint) measure(rows []Row, judged []judgement, tiers []string, costs []float64, decide func(quality []float32) int) bool {
	p.Shares = make([]float64, len(tiers))
	quality := make([]float32, len(tiers))
	n := 0.0
	for i := range rows {
		if len(rows[i].Outcomes) != len(tiers) {
			continue
		}
		for k := range tiers {
			quality[k] = float32(judged[i].quality[k])
		}
		k := decide(quality)
		n++
		p.Quality += rows[i].Outcomes[tiers[k]]
		p.Cost += costs[k]
		p.Shares[k]++
	}
	if n == 0 {
		return false
	}
	p.Quality, p.Cost = p.Quality/n, p.Cost/n
	for k := range p.Shares {
		p.Shares[k] /= n
	}
	return true
}
