package shiftsim

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/shift"
)

func threeTiers() []Tier {
	return []Tier{{Name: "nano", CostUSD: 0.00016}, {Name: "mid", CostUSD: 0.00035}, {Name: "flagship", CostUSD: 0.0069}}
}

func play1(t *testing.T, name string, change func(*Route)) (*Result, *Route) {
	t.Helper()
	route := &Route{Name: "chat", Initial: "mid", Settings: defaults()}
	if change != nil {
		change(route)
	}
	scenario, err := Find(Scenarios(threeTiers(), &route.Settings), name)
	if err != nil {
		t.Fatal(err)
	}
	return Run(1, scenario, route), route
}

func (r *Result) shareAt(at time.Duration, tier int) int32 {
	i, _ := slices.BinarySearchFunc(r.Points, at, func(p Point, at time.Duration) int { return int(p.At - at) })
	return r.Points[i].Shares[tier]
}

func (r *Result) reasons(d v1alpha1.ShiftDirection) (out []string) {
	for _, s := range r.Shifts {
		if s.Record.Direction == d && !slices.Contains(out, s.Record.Reason) {
			out = append(out, s.Record.Reason)
		}
	}
	return out
}

func TestGoodEndsOnTheCheapestTierAtHalfTheCost(t *testing.T) {
	r, _ := play1(t, "good", nil)
	if r.shareAt(7*day, 0) != 100 || len(r.reasons(v1alpha1.ShiftUp)) > 0 || r.CostUSD > 0.6*r.StayUSD || r.Below > 0 {
		t.Errorf("%d %% on nano, up for %v, %.2f of %.2f USD, below for %s", r.shareAt(7*day, 0), r.reasons(v1alpha1.ShiftUp), r.CostUSD, r.StayUSD, r.Below)
	}
}

func TestDegradeGoesBackUpWithinHours(t *testing.T) {
	r, _ := play1(t, "degrade", nil)
	if before, after := r.shareAt(2*day+9*time.Hour, 0), r.shareAt(2*day+13*time.Hour, 0); before != 100 || after > 50 {
		t.Errorf("nano had %d %% before and %d %% four hours after", before, after)
	}
	if !slices.Contains(r.reasons(v1alpha1.ShiftUp), string(shift.ReasonQualityBelow)) || r.Below > 4*time.Hour {
		t.Errorf("up for %v, below the objective for %s", r.reasons(v1alpha1.ShiftUp), r.Below)
	}
}

func TestPriceFollowsTheCheaperTierThereAndBack(t *testing.T) {
	r, _ := play1(t, "price", nil)
	if dear, back := r.shareAt(3*day, 0), r.shareAt(7*day, 0); dear > 0 || back != 100 {
		t.Errorf("nano had %d %% while it was dear, %d %% at the end", dear, back)
	}
	if r.CostUSD > 0.85*r.StayUSD {
		t.Errorf("%.2f of %.2f USD", r.CostUSD, r.StayUSD)
	}
}

func TestOutageLeavesAtOnceAndReturns(t *testing.T) {
	r, _ := play1(t, "outage", nil)
	if during, after := r.shareAt(2*day+9*time.Hour+10*time.Minute, 0), r.shareAt(7*day, 0); during != 0 || after != 100 {
		t.Errorf("nano had %d %% ten minutes into the outage, %d %% at the end", during, after)
	}
	tries := 0
	for _, s := range r.Shifts {
		if s.Record.Reason == string(shift.ReasonCollapsed) {
			tries++
		}
	}
	if tries < 2 || tries > 4 {
		t.Errorf("nano collapsed %d times: it is to be tried again, ever more seldom", tries)
	}
}

func TestSparseAndBiasedFeedbackCostsSavingsButNotQuality(t *testing.T) {
	r, _ := play1(t, "sparse-feedback", nil)
	if r.Below > 0 || r.shareAt(14*day, 0) > 30 || r.Last.Reason != shift.ReasonSettled {
		t.Errorf("below for %s, %d %% on nano: %s", r.Below, r.shareAt(14*day, 0), r.Last.Message)
	}
}

func TestDiurnalSwingsMoveNothingUp(t *testing.T) {
	r, _ := play1(t, "diurnal", nil)
	if up := r.reasons(v1alpha1.ShiftUp); len(up) > 0 {
		t.Errorf("up for %v", up)
	}
}

func TestRecommendMovesNothing(t *testing.T) {
	r, _ := play1(t, "good", func(route *Route) { route.Settings.Mode = v1alpha1.ShiftRecommend })
	if r.shareAt(7*day, 1) != 100 || len(r.Shifts) != 1 || !r.Shifts[0].Record.Recommended {
		t.Errorf("%d %% on mid, %d records", r.shareAt(7*day, 1), len(r.Shifts))
	}
	if len(r.Last.Recommended) != 2 {
		t.Errorf("recommends %v", r.Last.Recommended)
	}
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	a, route := play1(t, "outage", nil)
	b, _ := play1(t, "outage", nil)
	if a.SVG(route) != b.SVG(route) || a.Last.State.Encode() != b.Last.State.Encode() || !reflect.DeepEqual(a.Shifts, b.Shifts) {
		t.Error("two runs differ")
	}
}

func TestChartsAreXMLAndNameEveryTier(t *testing.T) {
	r, route := play1(t, "degrade", nil)
	svg := r.SVG(route)
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{">nano<", ">mid<", ">flagship<", "minQuality 0.92", "quality falls"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the chart lacks %s", want)
		}
	}
	if strings.Contains(svg, "NaN") || len(svg) > 50_000 {
		t.Errorf("the chart holds NaN, or %d bytes", len(svg))
	}
}

func TestAnUnknownScenarioIsNamed(t *testing.T) {
	settings := defaults()
	if _, err := Find(Scenarios(threeTiers(), &settings), "doom"); err == nil || !strings.Contains(err.Error(), "good, degrade") {
		t.Error(err)
	}
}

func TestDrawsHaveTheirMeans(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		n int
		p float64
	}{{10, 0.3}, {10, 0.9}, {400, 0.05}, {400, 0.5}, {5, 0}, {5, 1}} {
		sum := 0
		for range 20000 {
			sum += binomial(random, c.n, c.p)
		}
		if mean, want := float64(sum)/20000, float64(c.n)*c.p; math.Abs(mean-want) > 0.02*want+0.02 {
			t.Errorf("binomial(%d, %g) has mean %g", c.n, c.p, mean)
		}
	}
	for _, want := range []float64{0, 0.5, 12, 200} {
		sum := 0
		for range 20000 {
			sum += poisson(random, want)
		}
		if mean := float64(sum) / 20000; math.Abs(mean-want) > 0.02*want {
			t.Errorf("poisson(%g) has mean %g", want, mean)
		}
	}
	mean, total := 0.0, 0.0
	for i, p := range gradedLevels(0.87) {
		mean += p * float64(i) / (levels - 1)
		total += p
	}
	if math.Abs(mean-0.87) > 1e-9 || math.Abs(total-1) > 1e-9 {
		t.Errorf("graded levels have mean %g, sum %g", mean, total)
	}
}
