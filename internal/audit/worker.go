package audit

import (
	"bytes"

	"github.com/tiershift/tiershift/internal/pricing"
)

// worker is one goroutine's part of the work.
type worker struct {
	options *Options
	parser  parser
	decide  Decide
	tally   *tally
}

// take counts the lines of a batch and returns how many were malformed.
func (w *worker) take(b *batch) int64 {
	before, start := w.tally.malformed, 0
	for i, end := range b.ends {
		if end == tooLong {
			w.tally.lines++
			w.tally.aside[AsideTooLong]++
			continue
		}
		if line := bytes.TrimSpace(b.data[start:end]); len(line) > 0 {
			w.line(b.first+i, line)
		}
		start = end
	}
	return w.tally.malformed - before
}

func (w *worker) line(number int, line []byte) {
	t := w.tally
	t.lines++
	r, err := w.parser.parse(line)
	if err != nil {
		t.malformed++
		t.unreadable.add(Problem{number, err.Error()})
		return
	}
	if r.aside != "" {
		t.aside[r.aside]++
		return
	}
	d, err := w.decide(uint64(number), r.body)
	if err != nil {
		t.aside[AsideRefused]++
		t.refused.add(Problem{number, err.Error()})
		return
	}
	w.count(r, d)
}

// count adds a request to all sums that it belongs to.
func (w *worker) count(r *record, d *Decision) {
	usage := w.usage(r, d)
	c := cell{requests: 1, input: usage.InputTokens, output: usage.OutputTokens}
	cost, source := w.cost(r, &usage)
	if source != NoPrice {
		c.compared = 1
		c.logged = c.logged.Add(cost)
		live := usage
		live.Batch = false // the router asks at once
		c.policy = c.policy.Add(d.Rates.Cost(live))
		c.baseline = c.baseline.Add(d.Baseline.Cost(live))
	}
	t := w.tally
	t.all.add(&c)
	t.classes.add(d.Class, &c)
	t.tiers.add(d.Tier, &c)
	t.served.add(d.Tier+"/"+d.Model, &c)
	t.routes.add(d.Route, &c)
	t.models.add(modelName(r.model), &c)
	t.source(source, &c)
	t.size(d.Class)[sizeBin(usage.InputTokens)]++
	if usage.Estimated {
		t.estimatedUsage++
	}
	if d.Judged {
		t.judged++
	}
}

// usage is what the log says, or else an estimate: of the prompt as the router
// estimates it, and of the answer from its text or as one of medium length.
func (w *worker) usage(r *record, d *Decision) pricing.Usage {
	if r.hasUsage {
		return r.usage
	}
	u := pricing.Usage{InputTokens: d.InputTokens, OutputTokens: d.OutputTokens, Estimated: true, Batch: r.usage.Batch}
	switch {
	case r.usage.OutputTokens > 0:
		u.OutputTokens, u.ReasoningTokens = r.usage.OutputTokens, r.usage.ReasoningTokens
	case r.answerTokens > 0:
		u.OutputTokens = r.answerTokens
	}
	return u
}

func (w *worker) cost(r *record, usage *pricing.Usage) (pricing.Picodollars, Source) {
	if r.hasCost {
		return r.cost, FromLog
	}
	rates, ok := w.options.Prices.of(r.provider, r.model, usage.Batch)
	switch {
	case !ok:
		return 0, NoPrice
	case usage.Estimated:
		return rates.Cost(*usage), FromText
	}
	return rates.Cost(*usage), FromUsage
}

// modelName keeps a table of models readable, whatever the log has for a name.
func modelName(s string) string {
	const longest = 80
	switch {
	case s == "":
		return "(not named)"
	case len(s) > longest:
		return s[:longest] + "…"
	}
	return s
}
