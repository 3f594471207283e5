package shift

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The bound is looked at after every ten values, and must hold at all of them in
// all but a twentieth of the runs.
func TestTheLowerBoundHoldsAtAllTimesAtOnce(t *testing.T) {
	for name, draw := range map[string]func(*rand.Rand) float64{
		"yes and no":      func(r *rand.Rand) float64 { return math.Floor(r.Float64() + 0.92) },
		"grades":          func(r *rand.Rand) float64 { return []float64{0.25, 0.75, 1, 1, 1}[r.IntN(5)] },
		"anything":        func(r *rand.Rand) float64 { return r.Float64() },
		"nearly constant": func(r *rand.Rand) float64 { return 0.9 + 0.05*r.Float64() },
	} {
		t.Run(name, func(t *testing.T) {
			mean := map[string]float64{"yes and no": 0.92, "grades": 0.8, "anything": 0.5, "nearly constant": 0.925}[name]
			const runs, level = 400, 0.05
			below, above := 0, 0
			for seed := range uint64(runs) {
				random := rand.New(rand.NewPCG(seed, 7))
				var e Evidence
				wrongBelow, wrongAbove := false, false
				for i := range 1500 {
					e.add(draw(random), 1)
					if i%10 == 9 {
						wrongBelow = wrongBelow || e.lower(-math.Log(level)) > mean
						wrongAbove = wrongAbove || e.upper(-math.Log(level)) < mean
					}
				}
				if wrongBelow {
					below++
				}
				if wrongAbove {
					above++
				}
			}
			if below > 1.5*level*runs || above > 1.5*level*runs {
				t.Errorf("the lower bound failed in %d, the upper in %d of %d runs", below, above, runs)
			}
		})
	}
}

func TestBoundsAreAsNarrowAsTheVarianceAllows(t *testing.T) {
	for _, c := range []struct {
		name           string
		evidence       Evidence
		atLeast, least float64
	}{
		{"412 of yes and no", twoPoint(412, 392), 0.91, 0.951},
		{"20,000 of yes and no", twoPoint(20000, 19000), 0.944, 0.95},
		{"two", twoPoint(2, 2), 0, 0.9},
		{"all good", twoPoint(1000, 1000), 0.99, 1},
		{"all bad", twoPoint(1000, 0), 0, 0},
		{"none", Evidence{}, 0, 0},
	} {
		if got := c.evidence.lower(math.Log(20)); got < c.atLeast || got > c.least {
			t.Errorf("%s: proves %.4f, want %.4f to %.4f", c.name, got, c.atLeast, c.least)
		}
	}
	var none Evidence
	if none.upper(3) != 1 {
		t.Errorf("no evidence bounds the mean by %g", none.upper(3))
	}
}

// What the histogram does not say is filled in so that no bet gains by it.
func TestHistogramsFavourNoBet(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 11))
		bounds := []float64{0, 0.2, 0.5, 0.8, 0.9, 1}
		h := Histogram{}
		for _, b := range bounds {
			h.Buckets = append(h.Buckets, Bucket{Upper: b})
		}
		var values []float64
		for range 50 {
			v := math.Pow(random.Float64(), 0.3)
			values = append(values, v)
			h.Sum += v
			for i, b := range bounds {
				if v <= b {
					h.Buckets[i].Count++
					break
				}
			}
		}
		e, err := h.evidence()
		if err != nil || math.Abs(e.count()-50) > 1e-9 || math.Abs(e.sum()-h.Sum) > 1e-9 {
			t.Fatalf("%v: %g values with sum %g of 50 with %g", err, e.count(), e.sum(), h.Sum)
		}
		for _, m := range []float64{0.3, 0.7, 0.95} {
			for _, bet := range []float64{-0.9, -0.3, 0.3, 0.9} {
				truth, held := 0.0, 0.0
				for _, v := range values {
					truth += math.Log(1 + bet*(v-m))
				}
				for i, mass := range e {
					held += mass * math.Log(1+bet*(point(i)-m))
				}
				if held > truth+1e-9 {
					t.Errorf("seed %d: a bet of %g at %g gains %g of %g", seed, bet, m, held, truth)
				}
			}
		}
	}
}

func TestHistogramsThatCannotBeAreRefused(t *testing.T) {
	for name, h := range map[string]Histogram{
		"a sum above":      {Buckets: []Bucket{{0, 10}, {1, 0}}, Sum: 5},
		"a sum below":      {Buckets: []Bucket{{0.5, 0}, {1, 10}}, Sum: 2},
		"a negative count": {Buckets: []Bucket{{1, -1}}},
		"NaN":              {Buckets: []Bucket{{1, math.NaN()}}},
		"disorder":         {Buckets: []Bucket{{1, 1}, {0.5, 1}}, Sum: 1},
		"an infinite sum":  {Buckets: []Bucket{{1, 1}}, Sum: math.Inf(1)},
	} {
		_, err := h.evidence()
		if checked := h.check(); err == nil && checked == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestQuantilesAreThoseOfPrometheus(t *testing.T) {
	h := Histogram{Buckets: []Bucket{{1, 50}, {2, 40}, {4, 10}, {math.Inf(1), 0}}}
	for _, c := range []struct{ q, want float64 }{{0.25, 0.5}, {0.5, 1}, {0.9, 2}, {0.95, 3}} {
		if got := h.quantile(c.q); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("the %g-quantile is %g, want %g", c.q, got, c.want)
		}
	}
	for _, c := range []struct{ limit, want float64 }{{0.5, 25}, {1, 50}, {3, 95}, {99, 100}} {
		if got := h.within(c.limit); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%g are within %g, want %g", got, c.limit, c.want)
		}
	}
}

// The chance of an alarm within a week of windows is at most the number of windows
// over the level.
func TestADetectorSeldomCriesWolf(t *testing.T) {
	const runs, windows, level = 400, 500, 5000.0
	alarms := 0
	for seed := range uint64(runs) {
		random := rand.New(rand.NewPCG(seed, 3))
		var d Detector
		for range windows {
			good := 0.0
			for range 30 {
				good += math.Floor(random.Float64() + 0.92)
			}
			window := twoPoint(30, good)
			d.observe(&window, 0.92, bets(0.92, math.NaN(), math.NaN()), math.Inf(1), 1e9)
			if d.reaches(math.Log(level)) {
				alarms++
				break
			}
		}
	}
	if alarms > runs*windows/level {
		t.Errorf("%d of %d runs raised an alarm, at most %.0f were to", alarms, runs, runs*windows/level)
	}
}

func TestCostErrorsAreThoseOfARatio(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	covered := 0
	for range 500 {
		var c Cost
		for range 40 {
			n := float64(50 + random.IntN(100))
			c.observe(n, 0.002*n+0.002*math.Sqrt(n)*random.NormFloat64())
		}
		if math.Abs(c.perRequest()-0.002) < 2*c.standardError() {
			covered++
		}
	}
	if covered < 440 || covered > 490 {
		t.Errorf("two standard errors cover %d of 500", covered)
	}
}
