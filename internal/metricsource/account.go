package metricsource

import (
	"cmp"
	"math"
	"slices"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/shift"
)

// key is a number that is counted. tier is where the split placed the requests.
type key struct {
	route, tier string
	// model and its provider are set where a model's own numbers are counted, of
	// requests that were answered where they were placed; else the number is a sum
	// over all models.
	model, provider string
	what            quantity
	// detail is the source of scores, and le the bucket of histograms.
	detail string
	le     float64
}

type quantity uint8

const (
	requests quantity = iota
	failed
	cost
	durationBucket
	modelBucket
	scoreBucket
	scoreSum
)

// isFailure holds for requests that no provider answered, and those whose answer
// was cut: what the client did wrong, or gave up, does not tell of the tier.
func isFailure(outcome string) bool {
	return outcome == metricnames.OutcomeUpstreamError || outcome == metricnames.OutcomeCut
}

// counts are numbers that only grow.
type counts map[key]float64

// samples makes the samples of one route out of what was counted.
func (c counts) samples(route string) []shift.Sample {
	byTier := map[string]*tierCount{}
	scores := map[string]map[shift.Source]*shift.Histogram{}
	for k, v := range c {
		if k.route != route {
			continue
		}
		s, ok := byTier[k.tier]
		if !ok {
			s = &tierCount{Sample: shift.Sample{Tier: k.tier}, models: map[[2]string]*shift.Histogram{}}
			byTier[k.tier], scores[k.tier] = s, map[shift.Source]*shift.Histogram{}
		}
		switch k.what {
		case modelBucket:
			h := s.model(k)
			h.Buckets = append(h.Buckets, shift.Bucket{Upper: k.le, Count: v})
		case requests:
			s.Requests = v
		case failed:
			s.Failed = v
		case cost:
			s.CostUSD = v
		case durationBucket:
			s.Durations.Buckets = append(s.Durations.Buckets, shift.Bucket{Upper: k.le, Count: v})
		case scoreBucket, scoreSum:
			k.score(scores[k.tier], v)
		}
	}
	return finish(byTier, scores)
}

// tierCount is a sample in the making.
type tierCount struct {
	shift.Sample
	// models are the durations by model and provider.
	models map[[2]string]*shift.Histogram
}

func (t *tierCount) model(k key) *shift.Histogram {
	name := [2]string{k.model, k.provider}
	if t.models[name] == nil {
		t.models[name] = &shift.Histogram{}
	}
	return t.models[name]
}

func (k key) score(scores map[shift.Source]*shift.Histogram, v float64) {
	h, ok := scores[shift.Source(k.detail)]
	if !ok {
		h = &shift.Histogram{}
		scores[shift.Source(k.detail)] = h
	}
	if k.what == scoreSum {
		h.Sum = v
		return
	}
	h.Buckets = append(h.Buckets, shift.Bucket{Upper: k.le, Count: v})
}

// finish turns cumulative buckets into plain ones and sorts the tiers that did
// anything by name.
func finish(byTier map[string]*tierCount, scores map[string]map[shift.Source]*shift.Histogram) []shift.Sample {
	var out []shift.Sample
	for tier, s := range byTier {
		s.Failed = min(s.Failed, s.Requests)
		plain(&s.Durations)
		for source, h := range scores[tier] {
			if plain(h); h.Count() > 0 {
				if s.Scores == nil {
					s.Scores = map[shift.Source]shift.Histogram{}
				}
				s.Scores[source] = *h
			}
		}
		if s.Requests > 0 || s.CostUSD > 0 || len(s.Scores) > 0 {
			out = append(out, s.whole())
		}
	}
	slices.SortFunc(out, func(a, b shift.Sample) int { return cmp.Compare(a.Tier, b.Tier) })
	return out
}

// whole is the sample with the models that answered anything, by name.
func (t *tierCount) whole() shift.Sample {
	for name, h := range t.models {
		if plain(h); h.Count() > 0 {
			t.Models = append(t.Models, shift.ModelSample{Model: shift.Model{Name: name[0], Provider: name[1]}, Durations: *h})
		}
	}
	slices.SortFunc(t.Models, func(a, b shift.ModelSample) int { return a.Compare(b.Model) })
	return t.Sample
}

// plain makes cumulative buckets count for themselves. A torn scrape may have a
// bucket behind the one below it: then the lower one is right.
func plain(h *shift.Histogram) {
	slices.SortFunc(h.Buckets, func(a, b shift.Bucket) int { return cmp.Compare(a.Upper, b.Upper) })
	below := 0.0
	for i := range h.Buckets {
		cumulative := max(h.Buckets[i].Count, below)
		h.Buckets[i].Count = cumulative - below
		below = cumulative
	}
}

func usable(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }
