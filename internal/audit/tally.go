package audit

import (
	"maps"
	"math/bits"
	"slices"

	"github.com/tiershift/tiershift/internal/pricing"
)

// Source says how the cost of a logged request is known.
type Source string

// The sources.
const (
	// FromLog: the log has the cost.
	FromLog Source = "log"
	// FromUsage: priced from the tokens that the log has.
	FromUsage Source = "usage"
	// FromText: priced from tokens that were estimated from the text.
	FromText Source = "estimate"
	// NoPrice: neither the log nor any price list says what the model costs.
	NoPrice Source = "none"
)

// cell sums requests. The costs are those of compared requests only, so that they
// may be set against each other.
type cell struct {
	requests, compared       int64
	input, output            int64
	logged, policy, baseline pricing.Total
}

func (c *cell) add(o *cell) {
	c.requests += o.requests
	c.compared += o.compared
	c.input += o.input
	c.output += o.output
	c.logged = c.logged.AddTotal(o.logged)
	c.policy = c.policy.AddTotal(o.policy)
	c.baseline = c.baseline.AddTotal(o.baseline)
}

// cells are sums by name.
type cells map[string]*cell

// maxNames bounds the names that a table keeps, because they may come from the
// log: further ones share the row otherNames. Which those are may then depend on
// the number of cores.
const (
	maxNames   = 500
	otherNames = "(others)"
)

func (m cells) add(name string, c *cell) {
	sum := m[name]
	if sum == nil && len(m) >= maxNames {
		name = otherNames
		sum = m[name]
	}
	if sum == nil {
		sum = &cell{}
		m[name] = sum
	}
	sum.add(c)
}

func (m cells) merge(o cells) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		m.add(name, o[name])
	}
}

// Problem is a line that could not be read.
type Problem struct {
	Line    int    `json:"line"`
	Problem string `json:"problem"`
}

// maxProblems is how many problems are told one by one.
const maxProblems = 20

// sizeBins are the bins of the prompts' sizes: below 2^(5+i) tokens, the last
// without bound.
const (
	sizeBins  = 15
	firstBits = 5
)

func sizeBin(tokens int64) int {
	return min(max(bits.Len64(uint64(tokens))-firstBits, 0), sizeBins-1)
}

// tally is the account of a part of the log. Sums do not depend on their order,
// so that the report is the same on any number of cores.
type tally struct {
	lines, malformed int64
	aside            map[Aside]int64
	unreadable       problems // malformed
	refused          problems // by the policy
	all              cell
	classes          cells
	tiers            cells
	served           cells // by tier and model
	routes           cells
	models           cells // of the log
	sources          map[Source]*cell
	estimatedUsage   int64
	judged           int64
	sizes            map[string]*[sizeBins]int64 // by class
}

func newTally() *tally {
	return &tally{
		aside: map[Aside]int64{}, classes: cells{}, tiers: cells{}, served: cells{}, routes: cells{}, models: cells{},
		sources: map[Source]*cell{}, sizes: map[string]*[sizeBins]int64{},
	}
}

// problems are the first of those added.
type problems []Problem

func (p *problems) add(more ...Problem) {
	*p = append(*p, more...)
	if len(*p) > 2*maxProblems {
		*p = p.first()
	}
}

// first are at most maxProblems, in the order of their lines.
func (p *problems) first() []Problem {
	slices.SortFunc(*p, func(a, b Problem) int { return a.Line - b.Line })
	return (*p)[:min(len(*p), maxProblems)]
}

func (t *tally) merge(o *tally) {
	t.lines += o.lines
	t.malformed += o.malformed
	t.estimatedUsage += o.estimatedUsage
	t.judged += o.judged
	t.all.add(&o.all)
	for _, p := range [...][2]cells{{t.classes, o.classes}, {t.tiers, o.tiers}, {t.served, o.served}, {t.routes, o.routes}, {t.models, o.models}} {
		p[0].merge(p[1])
	}
	for why, n := range o.aside {
		t.aside[why] += n
	}
	for source, c := range o.sources {
		t.source(source, c)
	}
	for class, bins := range o.sizes {
		for i, n := range bins {
			t.size(class)[i] += n
		}
	}
	t.unreadable.add(o.unreadable...)
	t.refused.add(o.refused...)
}

func (t *tally) source(s Source, c *cell) {
	if t.sources[s] == nil {
		t.sources[s] = &cell{}
	}
	t.sources[s].add(c)
}

func (t *tally) size(class string) *[sizeBins]int64 {
	if t.sizes[class] == nil {
		t.sizes[class] = &[sizeBins]int64{}
	}
	return t.sizes[class]
}
