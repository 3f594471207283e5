package shiftsim

import (
	"math"
	"slices"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/shift"
)

// Scenario is a stretch of a route's life.
type Scenario struct {
	Name, Description string
	Length            time.Duration
	Traffic           Traffic
	// Tiers are by ascending rank.
	Tiers   []Tier
	Changes []Change
}

// Route is how the route is set up.
type Route struct {
	Name     string
	Settings shift.Settings
	// Initial is the tier that serves without a split.
	Initial string
	// Split is the split at the start; nil: the initial one.
	Split []v1alpha1.TierShare
}

// Point is how the route stood in one window.
type Point struct {
	// At is the window's end since the start.
	At time.Duration
	// Shares are in percent, parallel to the scenario's tiers.
	Shares []int32
	// Requests ended in the window.
	Requests float64
	// CostUSD is the mean cost of a request; NaN without any.
	CostUSD float64
	// Quality is the true mean quality, and Lower what is proven of it; NaN while
	// nothing is measured.
	Quality, Lower float64
	Reason         shift.Reason
}

// Shift is a decision that moved traffic, or would have.
type Shift struct {
	At     time.Duration
	Record v1alpha1.ShiftRecord
}

// Result is what came of it.
type Result struct {
	Scenario *Scenario
	Points   []Point
	Shifts   []Shift
	// Last is the last decision.
	Last shift.Decision
	// Requests and CostUSD are totals; StayUSD is what they would have cost had
	// everything stayed at the initial tier.
	Requests, CostUSD, StayUSD float64
	// Good sums the true quality of all requests, and Below is how long the true
	// quality was more than half a point below the objective.
	Good  float64
	Below time.Duration
}

const halfPoint = 0.005

// start is when simulations begin; any time does.
var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Run plays a scenario.
func Run(seed uint64, scenario *Scenario, route *Route) *Result {
	p := newPlay(seed, scenario, route)
	result := &Result{Scenario: scenario}
	for !p.over() {
		point, decision := p.step()
		result.add(p, point, decision)
	}
	return result
}

func (r *Result) add(p *play, point Point, decision *shift.Decision) {
	r.Points = append(r.Points, point)
	if decision.Record != nil {
		r.Shifts = append(r.Shifts, Shift{At: point.At, Record: *decision.Record})
	}
	r.Last = *decision
	if point.Requests == 0 {
		return
	}
	r.Requests += point.Requests
	r.CostUSD += point.Requests * point.CostUSD
	r.Good += point.Requests * point.Quality
	if point.Quality < p.in.Settings.MinQuality-halfPoint {
		r.Below += p.in.Settings.Interval
	}
	for i := range p.world.tiers {
		if p.world.tiers[i].Name == p.in.Initial {
			r.StayUSD += point.Requests * p.world.tiers[i].CostUSD
		}
	}
}

// play is a route on its way through a scenario.
type play struct {
	world  *world
	in     shift.Input
	at     time.Duration
	length time.Duration
}

func newPlay(seed uint64, scenario *Scenario, route *Route) *play {
	p := &play{
		world:  newWorld(seed, scenario, route.Settings.MaxLatencyP95 > 0),
		length: scenario.Length,
		in:     shift.Input{Route: route.Name, Settings: route.Settings, Initial: route.Initial, Split: route.Split},
	}
	for _, t := range scenario.Tiers {
		p.in.Tiers = append(p.in.Tiers, shift.Tier{Name: t.Name})
	}
	if p.in.Split == nil {
		p.in.Split = []v1alpha1.TierShare{{Tier: route.Initial, Percent: 100}}
	}
	return p
}

func (p *play) over() bool { return p.at >= p.length }

// step plays one interval: traffic, measurement, decision, and the decision's
// effect.
func (p *play) step() (Point, *shift.Decision) {
	interval := p.in.Settings.Interval
	p.world.advance(p.at)
	shares := p.shares()
	samples := p.world.measure(p.at, interval, shares)
	from := start.Add(p.at)
	p.at += interval
	p.in.Now = start.Add(p.at)
	p.in.Window = shift.Window{Start: from, End: p.in.Now, Samples: samples}
	decision := shift.Decide(p.in)
	point := p.point(shares, samples)
	point.Reason, point.Lower = decision.Reason, provenQuality(&decision)
	p.in.Split, p.in.Recommended, p.in.State = decision.Split, decision.Recommended, decision.State
	if decision.Record != nil {
		p.in.Shifts = slices.Insert(p.in.Shifts, 0, *decision.Record)
		p.in.Shifts = p.in.Shifts[:min(len(p.in.Shifts), v1alpha1.MaxShiftHistory)]
	}
	return point, &decision
}

func provenQuality(d *shift.Decision) float64 {
	for _, v := range d.Verdicts {
		if v.Objective == shift.ObjectiveQuality && v.Samples > 0 {
			return v.Lower
		}
	}
	return math.NaN()
}

func (p *play) shares() []int32 {
	shares := make([]int32, len(p.world.tiers))
	for _, s := range p.in.Split {
		i := slices.IndexFunc(p.world.tiers, func(t Tier) bool { return t.Name == s.Tier })
		shares[i] = s.Percent
	}
	return shares
}

func (p *play) point(shares []int32, samples []shift.Sample) Point {
	point := Point{At: p.at, Shares: shares}
	for i, t := range p.world.tiers {
		point.Quality += float64(shares[i]) / 100 * t.Quality
	}
	for i := range samples {
		point.Requests += samples[i].Requests
		point.CostUSD += samples[i].CostUSD
	}
	point.CostUSD /= point.Requests
	return point
}
