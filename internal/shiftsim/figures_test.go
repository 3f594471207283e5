package shiftsim

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/shift"
)

// How much the figures of docs/shifting.md are measured on:
//
//	go test ./internal/shiftsim -run 'FalseRollbacks|DetectionDelay' -v -timeout 2h -weeks 10000 -drops 2000
var (
	weeks = flag.Int("weeks", 10, "simulated weeks without any change")
	first = flag.Int("first-week", 0, "seed of the first of them, to count many in parts")
	falls = flag.Int("drops", 12, "simulated drops of quality")
)

// defaults are the settings of a policy that gives nothing but objectives.
func defaults() shift.Settings {
	return shift.Settings{
		Mode: v1alpha1.ShiftAutomatic, Interval: v1alpha1.DefaultShiftInterval, Cooldown: v1alpha1.DefaultShiftCooldown,
		StepPercent: v1alpha1.DefaultShiftStepPercent, MinSamples: v1alpha1.DefaultShiftMinSamples,
		MinQuality: 0.92, MaxLatencyP95: 4 * time.Second,
	}
}

// steady is a week in which nothing changes and the cheapest tier is good enough.
func steady() *Scenario {
	return &Scenario{
		Length:  7 * 24 * time.Hour,
		Traffic: Traffic{PerHour: 3600, Swing: 0.5, Judged: 0.1},
		Tiers: []Tier{
			{Name: "nano", CostUSD: 0.0002, Quality: 0.95, Failing: 0.002, Latency: time.Second},
			{Name: "mid", CostUSD: 0.001, Quality: 0.965, Failing: 0.002, Latency: 1200 * time.Millisecond},
			{Name: "flagship", CostUSD: 0.008, Quality: 0.98, Failing: 0.002, Latency: 1500 * time.Millisecond},
		},
	}
}

// settledOn has all traffic on the cheapest tier already.
func settledOn(tier string) []v1alpha1.TierShare {
	return []v1alpha1.TierShare{{Tier: tier, Percent: 100}}
}

func TestFalseRollbacksAreRarerThanOneWeekInTwenty(t *testing.T) {
	for name, world := range map[string]struct {
		route   Route
		quality float64
	}{
		"on the way down": {Route{Name: "chat", Initial: "mid", Settings: defaults()}, 0.95},
		"at the bottom":   {Route{Name: "chat", Initial: "mid", Settings: defaults(), Split: settledOn("nano")}, 0.95},
		"at the bottom, exactly at the objective": {Route{Name: "chat", Initial: "mid", Settings: defaults(), Split: settledOn("nano")}, 0.92},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rollbacks, lower, below := 0, 0, time.Duration(0)
			for week := *first; week < *first+*weeks; week++ {
				s := steady()
				s.Tiers[0].Quality = world.quality
				result := Run(uint64(week), s, &world.route)
				if slices.ContainsFunc(result.Shifts, func(s Shift) bool { return s.Record.Direction == v1alpha1.ShiftUp }) {
					rollbacks++
				}
				if result.Points[len(result.Points)-1].Shares[0] > 50 {
					lower++
				}
				below += result.Below
			}
			share := float64(rollbacks) / float64(*weeks)
			t.Logf("%d of %d weeks had a false rollback (%.2f %%); %d ended with most traffic on the cheapest tier; below the objective %s a week",
				rollbacks, *weeks, 100*share, lower, (below / time.Duration(*weeks)).Round(time.Second))
			if share >= 0.05 {
				t.Errorf("%.2f %% of the weeks had a false rollback", 100*share)
			}
		})
	}
}

// stretch is quality before and after a drop, from which on it is watched.
type stretch struct {
	name          string
	before, after float64
	objective     float64
	history       time.Duration
	// most is how many times as many scores as the ideal test may be needed.
	most float64
}

func (s *stretch) scenario(traffic Traffic) *Scenario {
	scenario := steady()
	scenario.Traffic = traffic
	scenario.Length = s.history + 7*24*time.Hour
	scenario.Tiers[0].Quality = s.before
	scenario.Changes = []Change{{At: s.history, Tier: "nano", Quality: &s.after}}
	return scenario
}

// delay is how many scores came after the drop until the route left the tier; not
// ok when it left before, or never.
func (s *stretch) delay(seed uint64, traffic Traffic) (scores float64, ok bool) {
	settings := defaults()
	settings.MinQuality, settings.MaxLatencyP95 = s.objective, 0
	p := newPlay(seed, s.scenario(traffic), &Route{Name: "chat", Initial: "mid", Settings: settings, Split: settledOn("nano")})
	for !p.over() {
		at := p.at
		_, decision := p.step()
		for i := range p.in.Window.Samples {
			h := p.in.Window.Samples[i].Scores[shift.SourceJudge]
			if at >= s.history {
				scores += h.Count()
			}
		}
		if decision.Direction == v1alpha1.ShiftUp {
			return scores, at >= s.history
		}
	}
	return 0, false
}

// ideal is Page's CUSUM (1954) which knows the distribution of scores before and
// after: no test with as few false alarms finds the change sooner (Moustakides 1986,
// https://doi.org/10.1214/aos/1176350164). It looks once a window, as shifting does.
type ideal struct {
	gains     [levels]float64
	threshold float64
}

func newIdeal(before, after float64) *ideal {
	var c ideal
	p, q := gradedLevels(before), gradedLevels(after)
	for i := range p {
		c.gains[i] = math.Log(q[i] / p[i])
	}
	return &c
}

// run draws windows until the alarm or the limit, and returns the number of scores.
func (c *ideal) run(random *rand.Rand, mean, perWindow float64, limit int) (scores, peak float64, alarm bool) {
	level, chances := 0.0, gradedLevels(mean)
	for range limit {
		n := poisson(random, perWindow)
		h := scoresByLevel(random, n, chances)
		gain := 0.0
		for i, count := range h {
			gain += float64(count) * c.gains[i]
		}
		scores += float64(n)
		level = max(level, 0) + gain
		if peak = max(peak, level); level >= c.threshold {
			return scores, peak, true
		}
	}
	return scores, peak, false
}

// calibrate finds the threshold with this rate of false alarms a week.
func (c *ideal) calibrate(before, perWindow, rate float64, trials int) {
	c.threshold = math.Inf(1)
	peaks := make([]float64, trials)
	for i := range peaks {
		_, peaks[i], _ = c.run(rand.New(rand.NewPCG(uint64(i), 1)), before, perWindow, 7*24*12)
	}
	slices.Sort(peaks)
	c.threshold = peaks[len(peaks)-1-int(rate*float64(trials))]
}

// falseAlarmRate is that of the ideal test a week. Shifting's own at quality 0.95
// is about a tenth of it.
const falseAlarmRate = 0.001

func TestDetectionDelayIsNearTheBestPossible(t *testing.T) {
	traffic := Traffic{PerHour: 3600, Judged: 0.1}
	perWindow := traffic.PerHour * traffic.Judged / 12 * 0.998
	for _, s := range []stretch{
		{"5 points below the objective", 0.92, 0.87, 0.92, time.Hour, 1.5},
		{"5 points, to below the objective", 0.95, 0.90, 0.92, 72 * time.Hour, 1.5},
		{"15 points, to below the objective", 0.95, 0.80, 0.92, 72 * time.Hour, 1.75},
	} {
		t.Run(s.name, func(t *testing.T) {
			early, sum := 0, 0.0
			for i := range *falls {
				scores, ok := s.delay(uint64(i), traffic)
				if !ok {
					early++
					continue
				}
				sum += scores
			}
			ours := sum / float64(*falls-early)
			c := newIdeal(s.before, s.after)
			c.calibrate(s.before, perWindow, falseAlarmRate, 2000)
			best := 0.0
			const trials = 1000
			for i := range trials {
				scores, _, _ := c.run(rand.New(rand.NewPCG(uint64(i), 2)), s.after, perWindow, 1e6)
				best += scores / trials
			}
			t.Logf("ours %.0f scores (%.0f min), ideal %.0f, ratio %.2f; %d of %d left before the drop",
				ours, ours/perWindow*5, best, ours/best, early, *falls)
			if ours > s.most*best {
				t.Errorf("the drop was found after %.0f scores, the ideal test needs %.0f", ours, best)
			}
		})
	}
}
