package shift_test

import (
	"testing"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/shift"
)

// BenchmarkDecide decides on three tiers in use with all objectives set.
func BenchmarkDecide(b *testing.B) {
	in := shift.Input{
		Now: at(0), Route: "chat", Initial: "mid",
		Settings: shift.Settings{
			Mode: v1alpha1.ShiftAutomatic, Interval: 5 * time.Minute, Cooldown: 15 * time.Minute, StepPercent: 10, MinSamples: 200,
			MinQuality: 0.92, MaxCostUSD: 0.01, MaxLatencyP95: 4 * time.Second,
		},
		Tiers: []shift.Tier{{Name: "nano"}, {Name: "mid"}, {Name: "flagship"}},
		Split: []v1alpha1.TierShare{{Tier: "nano", Percent: 30}, {Tier: "mid", Percent: 50}, {Tier: "flagship", Percent: 20}},
	}
	for i := range 50 {
		in.Now = at(5 * (i + 1))
		in.Window = shift.Window{Start: at(5 * i), End: in.Now, Samples: []shift.Sample{
			sample("nano", 100, 0.91, 0.001), sample("mid", 160, 0.95, 0.004), sample("flagship", 60, 0.97, 0.02),
		}}
		in.State = shift.Decide(in).State
	}
	in.Window.Start, in.Window.End, in.Now = at(250), at(255), at(255)
	b.ReportAllocs()
	for b.Loop() {
		shift.Decide(in)
	}
}

// at is so many minutes after a fixed time.
func at(minutes int) time.Time {
	return time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

// sample is what a tier did: n requests, all scored yes or no by the judge.
func sample(tier string, n, quality, cost float64) shift.Sample {
	good := float64(int(n*quality + 0.5))
	return shift.Sample{
		Tier: tier, Requests: n, CostUSD: n * cost,
		Durations: shift.Histogram{Sum: n, Buckets: []shift.Bucket{{Upper: 1, Count: n * 0.7}, {Upper: 3, Count: n * 0.28}, {Upper: 6, Count: n * 0.02}}},
		Scores: map[shift.Source]shift.Histogram{shift.SourceJudge: {
			Buckets: []shift.Bucket{{Upper: 0, Count: n - good}, {Upper: 1, Count: good}}, Sum: good,
		}},
	}
}
