package shift_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/shift"
)

// story is a route whose windows are told one after another.
type story struct {
	in   shift.Input
	last shift.Decision
}

func tell(change func(*shift.Input)) *story {
	s := &story{in: shift.Input{
		Now: at(0), Route: "chat", Initial: "mid",
		Settings: shift.Settings{
			Mode: v1alpha1.ShiftAutomatic, Interval: 5 * time.Minute, Cooldown: 15 * time.Minute,
			StepPercent: 10, MinSamples: 200, MinQuality: 0.92,
		},
		Tiers: []shift.Tier{{Name: "nano"}, {Name: "mid"}, {Name: "flagship"}},
		Split: split("mid", 100),
	}}
	if change != nil {
		change(&s.in)
	}
	return s
}

func split(pairs ...any) (out []v1alpha1.TierShare) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, v1alpha1.TierShare{Tier: pairs[i].(string), Percent: int32(pairs[i+1].(int))})
	}
	return out
}

// window plays one interval with these samples.
func (s *story) window(samples ...shift.Sample) *story {
	start := s.in.Now
	s.in.Now = start.Add(s.in.Settings.Interval)
	s.in.Window = shift.Window{Start: start, End: s.in.Now, Samples: samples}
	return s.decide()
}

func (s *story) decide() *story {
	s.last = shift.Decide(s.in)
	s.in.Split, s.in.Recommended, s.in.State = s.last.Split, s.last.Recommended, s.last.State
	s.in.Models = s.last.Models
	if s.last.Record != nil {
		s.in.Shifts = slices.Insert(s.in.Shifts, 0, *s.last.Record)
	}
	return s
}

func (s *story) times(n int, samples ...shift.Sample) *story {
	for range n {
		s.window(samples...)
	}
	return s
}

func (s *story) share(tier string) int32 {
	for _, share := range s.in.Split {
		if share.Tier == tier {
			return share.Percent
		}
	}
	return 0
}

func (s *story) expect(t *testing.T, reason shift.Reason, message string) {
	t.Helper()
	if s.last.Reason != reason || !strings.Contains(s.last.Message, message) {
		t.Errorf("%s: %s; want %s with %q", s.last.Reason, s.last.Message, reason, message)
	}
}

func TestWithoutASplitTheInitialTierServesAsItDid(t *testing.T) {
	for name, c := range map[string]struct {
		split   []v1alpha1.TierShare
		initial string
		want    []v1alpha1.TierShare
	}{
		"no split":                      {nil, "mid", split("mid", 100)},
		"an initial tier out of bounds": {nil, "gone", split("flagship", 100)},
		"a tier that is gone":           {split("old", 40, "mid", 60), "mid", split("mid", 100)},
		"shares that do not sum up":     {split("nano", 40, "mid", 50), "mid", split("mid", 100)},
		"a tier twice":                  {split("mid", 40, "mid", 60), "mid", split("mid", 100)},
		"a negative share":              {split("nano", -10, "mid", 110), "mid", split("mid", 100)},
	} {
		t.Run(name, func(t *testing.T) {
			d := tell(func(in *shift.Input) { in.Split, in.Initial = c.split, c.initial }).decide().last
			if d.Reason != shift.ReasonInitial || !reflect.DeepEqual(d.Split, c.want) || d.Record != nil || d.Direction != "" {
				t.Errorf("%s %v %v", d.Reason, d.Split, d.Record)
			}
		})
	}
}

func TestWhatHoldsTheSplit(t *testing.T) {
	bad := func(change func(*shift.Sample)) []shift.Sample {
		s := sample("mid", 500, 0.5, 0.001)
		change(&s)
		return []shift.Sample{s}
	}
	for name, c := range map[string]struct {
		change  func(*shift.Input)
		samples []shift.Sample
		reason  shift.Reason
		message string
	}{
		"mode Off":                {func(in *shift.Input) { in.Settings.Mode = v1alpha1.ShiftOff }, bad(func(*shift.Sample) {}), shift.ReasonOff, "Off"},
		"suspended":               {func(in *shift.Input) { in.Suspended = true }, bad(func(*shift.Sample) {}), shift.ReasonSuspended, "spec.suspend"},
		"no tier":                 {func(in *shift.Input) { in.Tiers = nil }, nil, shift.ReasonNoTier, "no tier"},
		"invalid settings":        {func(in *shift.Input) { in.Settings.StepPercent = 0 }, nil, shift.ReasonInvalid, "stepPercent must be from 1 to 100"},
		"an objective of NaN":     {func(in *shift.Input) { in.Settings.MinQuality = math.NaN() }, nil, shift.ReasonInvalid, "minQuality"},
		"no traffic":              {nil, nil, shift.ReasonNoTraffic, "no request"},
		"NaN":                     {nil, bad(func(s *shift.Sample) { s.CostUSD = math.NaN() }), shift.ReasonMetricsUnavailable, "tier mid: a counter"},
		"a negative count":        {nil, bad(func(s *shift.Sample) { s.Requests = -1 }), shift.ReasonMetricsUnavailable, "tier mid"},
		"more failures than ends": {nil, bad(func(s *shift.Sample) { s.Failed = 900 }), shift.ReasonMetricsUnavailable, "more requests failed"},
		"scores that cannot be": {nil, bad(func(s *shift.Sample) {
			h := s.Scores[shift.SourceJudge]
			h.Sum = 4000
			s.Scores[shift.SourceJudge] = h
		}), shift.ReasonMetricsUnavailable, "do not allow"},
	} {
		t.Run(name, func(t *testing.T) {
			s := tell(c.change).window(c.samples...)
			s.expect(t, c.reason, c.message)
			if s.share("mid") != 100 || s.last.Record != nil || s.last.Recheck <= 0 {
				t.Errorf("moved: %v, recheck %s", s.last.Split, s.last.Recheck)
			}
		})
	}
}

func TestWindowsThatCannotBeTrustedHoldTheSplit(t *testing.T) {
	for name, c := range map[string]struct {
		window  shift.Window
		message string
	}{
		"a fault of the source":   {shift.Window{Fault: "only 1 of 3 routers answered"}, "only 1 of 3"},
		"an empty window":         {shift.Window{Start: at(5), End: at(5)}, "empty"},
		"a window of tomorrow":    {shift.Window{Start: at(5), End: at(600)}, "clock"},
		"a window of an hour ago": {shift.Window{Start: at(-65), End: at(-60)}, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			s := tell(nil)
			s.in.Now, s.in.Window = at(5), c.window
			s.decide().expect(t, shift.ReasonMetricsUnavailable, c.message)
			if s.share("mid") != 100 || s.last.Window != nil {
				t.Errorf("split %v, window %v", s.last.Split, s.last.Window)
			}
		})
	}
}

func TestAWindowCountsOnce(t *testing.T) {
	s := tell(nil).window(sample("mid", 100, 0.95, 0.001))
	before := s.last.State.Encode()
	s.decide().expect(t, shift.ReasonCounted, "already")
	if s.last.State.Encode() != before {
		t.Error("the window was counted twice")
	}
}

func TestATierWithoutDataIsExploredAndThenTrustedStepByStep(t *testing.T) {
	s := tell(nil).window(sample("mid", 100, 0.97, 0.001))
	s.expect(t, shift.ReasonTooFewSamples, "mid has 100 of 200 values")
	s.times(3, sample("mid", 100, 0.97, 0.001)).expect(t, shift.ReasonCooldown, "")
	if s.share("nano") != 5 || s.in.Shifts[0].Reason != string(shift.ReasonExploring) {
		t.Fatalf("explores with %v", s.in.Split)
	}
	s.times(8, sample("nano", 20, 0.95, 0.0002), sample("mid", 400, 0.97, 0.001)).expect(t, shift.ReasonTooFewSamples, "nano has 160 of 200")
	s.times(60, sample("nano", 60, 0.96, 0.0002), sample("mid", 400, 0.97, 0.001))
	if s.share("nano") < 95 {
		t.Errorf("after hours of good answers the split is %v: %s", s.in.Split, s.last.Message)
	}
	for i, record := range s.in.Shifts[:len(s.in.Shifts)-1] {
		if gap := record.Time.Sub(s.in.Shifts[i+1].Time.Time); gap < 15*time.Minute {
			t.Errorf("two shifts within %s", gap)
		}
		if record.Percent > 10 || record.Direction != v1alpha1.ShiftDown {
			t.Errorf("moved %d %% %s", record.Percent, record.Direction)
		}
	}
	if !strings.Contains(s.in.Shifts[2].Message, "chat: nano ") || !strings.Contains(s.in.Shifts[2].Message, "≥ 0.92 (n=") || !strings.Contains(s.in.Shifts[2].Message, "cost −") {
		t.Errorf("says %q", s.in.Shifts[2].Message)
	}
}

// mixed is a route with a proven split.
func mixed(change func(*shift.Input)) *story {
	return tell(func(in *shift.Input) {
		in.Split = split("nano", 50, "mid", 50)
		if change != nil {
			change(in)
		}
	}).times(12, sample("nano", 300, 0.925, 0.0002), sample("mid", 300, 0.935, 0.001))
}

func TestAFailureTakesOneStepUp(t *testing.T) {
	s := mixed(nil)
	if s.share("nano") != 50 {
		t.Fatalf("begins with %v: %s", s.in.Split, s.last.Message)
	}
	s.times(6, sample("nano", 300, 0.87, 0.0002), sample("mid", 300, 0.935, 0.001))
	if s.share("nano") != 40 || s.share("mid") != 60 || s.in.Shifts[0].Reason != string(shift.ReasonQualityBelow) {
		t.Errorf("%v: %s", s.in.Split, s.last.Message)
	}
}

func TestACollapseTakesEverythingAtOnceAndDoesNotWait(t *testing.T) {
	s := mixed(func(in *shift.Input) {
		in.Shifts = []v1alpha1.ShiftRecord{{Time: metav1.NewTime(at(58)), Direction: v1alpha1.ShiftDown, From: "mid", To: "nano", Percent: 10, Reason: string(shift.ReasonProven)}}
	})
	s.window(sample("nano", 300, 0.3, 0.0002), sample("mid", 300, 0.935, 0.001)).expect(t, shift.ReasonCollapsed, "nano at 0.3")
	if s.share("nano") != 0 || s.share("mid") != 100 {
		t.Errorf("%v", s.in.Split)
	}
	s.times(6, sample("mid", 600, 0.935, 0.001))
	if s.share("nano") != 0 {
		t.Errorf("half an hour later it is tried again: %s", s.in.Shifts[0].Message)
	}
}

func TestFailedRequestsAreLeftWhateverTheObjectives(t *testing.T) {
	s := mixed(func(in *shift.Input) { in.Settings.MinQuality, in.Settings.MaxCostUSD = 0, 0.01 })
	broken := sample("nano", 300, 0.9, 0.0002)
	broken.Failed = 290
	s.window(broken, sample("mid", 300, 0.935, 0.001)).expect(t, shift.ReasonCollapsed, "answered requests")
	if s.share("nano") != 0 {
		t.Errorf("%v", s.in.Split)
	}
}

func TestAFlappingSignalShiftsAtMostOncePerCooldown(t *testing.T) {
	s := mixed(nil)
	for i := range 400 {
		quality := 0.99
		if i%2 == 0 {
			quality = 0.87
		}
		s.window(sample("nano", 300, quality, 0.0002), sample("mid", 300, 0.95, 0.001))
	}
	for i := range len(s.in.Shifts) - 1 {
		if gap := s.in.Shifts[i].Time.Sub(s.in.Shifts[i+1].Time.Time); gap < 15*time.Minute {
			t.Errorf("two shifts within %s: %s, %s", gap, s.in.Shifts[i+1].Message, s.in.Shifts[i].Message)
		}
	}
	if len(s.in.Shifts) == 0 {
		t.Error("nothing ever moved, so nothing was tested")
	}
}

func TestLatencyShedsToTheNextTier(t *testing.T) {
	s := mixed(func(in *shift.Input) { in.Settings.MaxLatencyP95 = 3 * time.Second })
	slow := sample("nano", 300, 0.925, 0.0002)
	slow.Durations.Buckets = []shift.Bucket{{Upper: 1, Count: 150}, {Upper: 3, Count: 80}, {Upper: 6, Count: 70}}
	s.times(3, slow, sample("mid", 300, 0.935, 0.001))
	if len(s.in.Shifts) == 0 || s.in.Shifts[len(s.in.Shifts)-1].Reason != string(shift.ReasonLatencyAbove) || s.share("nano") != 40 {
		t.Errorf("%v: %s", s.in.Split, s.last.Message)
	}
}

func TestQualityGoesBeforeLatency(t *testing.T) {
	s := tell(func(in *shift.Input) {
		in.Settings.MaxLatencyP95 = 3 * time.Second
		in.Split = split("nano", 10, "flagship", 90)
		in.Tiers = []shift.Tier{{Name: "nano"}, {Name: "flagship"}}
	})
	slow := sample("flagship", 600, 0.94, 0.01)
	slow.Durations.Buckets = []shift.Bucket{{Upper: 1, Count: 300}, {Upper: 3, Count: 200}, {Upper: 6, Count: 100}}
	s.times(8, sample("nano", 60, 0.80, 0.0002), slow).expect(t, shift.ReasonConflict, "quality goes first")
	if s.share("flagship") != 90 {
		t.Errorf("%v", s.in.Split)
	}
}

func TestQualityGoesBeforeCost(t *testing.T) {
	s := tell(func(in *shift.Input) { in.Settings.MaxCostUSD = 0.0005; in.Split = split("nano", 20, "mid", 80) })
	s.times(20, sample("nano", 60, 0.85, 0.0002), sample("mid", 240, 0.95, 0.001)).expect(t, shift.ReasonConflict, "quality goes first")
	if s.share("nano") != 20 {
		t.Errorf("%v", s.in.Split)
	}
}

func TestAnObjectiveThatNoTierMeetsIsSaid(t *testing.T) {
	s := tell(func(in *shift.Input) { in.Split = split("flagship", 100) }).times(10, sample("flagship", 400, 0.85, 0.01))
	s.expect(t, shift.ReasonUnmeetable, "lower minQuality")
	if s.share("flagship") != 100 {
		t.Errorf("%v", s.in.Split)
	}
}

func TestWithoutAQualityObjectiveCostIsMetAndNoMore(t *testing.T) {
	cheap := func(in *shift.Input) {
		in.Settings.MinQuality, in.Settings.MaxCostUSD = 0, 0.0007
		in.Split = split("nano", 20, "mid", 80)
	}
	play := func(s *story) *story {
		for range 40 {
			n, m := float64(s.share("nano"))*6, float64(s.share("mid"))*6
			s.window(sample("nano", n, 0.5, 0.0002), sample("mid", m, 0.9, 0.001))
		}
		return s
	}
	s := play(tell(cheap))
	s.expect(t, shift.ReasonSettled, "maxCostPerRequestUSD is met")
	if s.share("nano") != 40 {
		t.Errorf("%v", s.in.Split)
	}
	pressed := play(tell(func(in *shift.Input) { cheap(in); in.Pressure = shift.PreferCheaper }))
	if pressed.share("nano") != 100 {
		t.Errorf("under pressure %v: %s", pressed.in.Split, pressed.last.Message)
	}
}

func TestInvalidAnswersOutweighAKindJudge(t *testing.T) {
	s := mixed(nil)
	for range 3 {
		n, m := sample("nano", 300, 0.96, 0.0002), sample("mid", 300, 0.96, 0.001)
		n.Scores[shift.SourceValidation] = sample("", 300, 0.6, 0).Scores[shift.SourceJudge]
		m.Scores[shift.SourceValidation] = sample("", 300, 1, 0).Scores[shift.SourceJudge]
		s.window(n, m)
	}
	if s.share("nano") != 0 || !strings.Contains(s.in.Shifts[len(s.in.Shifts)-1].Message, "valid answers") {
		t.Errorf("%v: %s", s.in.Split, s.last.Message)
	}
}

func TestRecommendSaysItOnce(t *testing.T) {
	s := tell(func(in *shift.Input) { in.Settings.Mode = v1alpha1.ShiftRecommend }).times(6, sample("mid", 200, 0.97, 0.001))
	if s.share("mid") != 100 || len(s.in.Shifts) != 1 || !s.in.Shifts[0].Recommended {
		t.Errorf("%v, %d records", s.in.Split, len(s.in.Shifts))
	}
	if !reflect.DeepEqual(s.last.Recommended, split("nano", 5, "mid", 95)) || !strings.Contains(s.last.Message, "recommended only") {
		t.Errorf("recommends %v: %s", s.last.Recommended, s.last.Message)
	}
}

func TestALostStateHoldsTheSplitAndStillFindsFailures(t *testing.T) {
	s := mixed(nil)
	s.in.State = shift.State{}
	s.window(sample("nano", 100, 0.99, 0.0002), sample("mid", 90, 0.99, 0.001)).expect(t, shift.ReasonTooFewSamples, "of 200 values")
	if s.share("nano") != 50 {
		t.Errorf("%v", s.in.Split)
	}
	s.times(4, sample("nano", 300, 0.7, 0.0002), sample("mid", 300, 0.95, 0.001))
	if s.share("nano") != 0 {
		t.Errorf("%v: %s", s.in.Split, s.last.Message)
	}
}

func TestANewRevisionOfATierIsLearnedAnew(t *testing.T) {
	s := mixed(nil)
	s.in.Tiers[0].Revision = "another model"
	s.window(sample("nano", 10, 0.99, 0.0002), sample("mid", 300, 0.95, 0.001)).expect(t, shift.ReasonTooFewSamples, "nano has 10 of 200")
}

func TestTheOrderOfSamplesDoesNotMatter(t *testing.T) {
	a, b := sample("nano", 300, 0.925, 0.0002), sample("mid", 301, 0.935, 0.001)
	one, other := mixed(nil).window(a, b), mixed(nil).window(b, a)
	if !reflect.DeepEqual(one.last, other.last) {
		t.Error("the same samples in another order give another decision")
	}
}

func TestTheStatusWindowHasTheFigures(t *testing.T) {
	w := mixed(nil).last.Window
	if w == nil || w.Requests != 600 || w.CostPerRequestUSD != "0.000600000" || w.Quality != "0.932" || w.QualitySamples != 7200 || w.QualityLowerBound < "0.91" || w.LatencyP95.Duration != 2786*time.Millisecond {
		t.Errorf("%+v %s", w, w.LatencyP95.Duration)
	}
}

func TestDue(t *testing.T) {
	settings := tell(nil).in.Settings
	for _, c := range []struct {
		through time.Time
		now     time.Time
		want    time.Duration
	}{{time.Time{}, at(0), 0}, {at(0), at(2), 3 * time.Minute}, {at(0), at(7), 0}, {at(10), at(0), 0}} {
		if got := shift.Due(&shift.State{Through: c.through}, &settings, c.now); got != c.want {
			t.Errorf("through %s at %s: %s", c.through, c.now, got)
		}
	}
}

func TestSettingsAreReadFromTheAPI(t *testing.T) {
	resolved := v1alpha1.ResolveShift(nil, &v1alpha1.Shift{Mode: v1alpha1.ShiftAutomatic, Objectives: &v1alpha1.ShiftObjectives{
		MinQuality: "0.92", MaxCostPerRequestUSD: "0.0015", MaxLatencyP95: &metav1.Duration{Duration: 4 * time.Second},
	}})
	got, err := shift.NewSettings(resolved)
	want := shift.Settings{v1alpha1.ShiftAutomatic, 5 * time.Minute, 15 * time.Minute, 10, 200, 0.92, 0.0015, 4 * time.Second}
	if err != nil || got != want {
		t.Errorf("%v, %+v", err, got)
	}
	resolved.Objectives.MinQuality = "high"
	if _, err := shift.NewSettings(resolved); err == nil || !strings.Contains(err.Error(), "minQuality must be a decimal") {
		t.Error(err)
	}
}

func TestStateSurvivesItsText(t *testing.T) {
	s := mixed(nil)
	text := s.last.State.Encode()
	if len(text) > 3000 {
		t.Errorf("the state of three tiers takes %d bytes", len(text))
	}
	state, err := shift.DecodeState(text)
	if err != nil || state.Encode() != text {
		t.Fatalf("%v\n%s\n%s", err, text, state.Encode())
	}
	kept, restarted := *s, *s
	restarted.in.State = state
	next := []shift.Sample{sample("nano", 300, 0.6, 0.0002), sample("mid", 300, 0.935, 0.001)}
	if a, b := kept.window(next...).last, restarted.window(next...).last; a.Message != b.Message || a.Reason != shift.ReasonCollapsed {
		t.Errorf("%q after a restart, %q without", b.Message, a.Message)
	}
}

func TestStatesThatCannotBeAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":           "x",
		"another version":   `{"v":9}`,
		"an unknown field":  `{"v":1,"x":1,"route":[]}`,
		"something behind":  `{"v":1} {}`,
		"tiers in disorder": `{"v":1,"tiers":[{"name":"b"},{"name":"a"}]}`,
		"a mass below zero": `{"v":1,"tiers":[{"name":"a","is":[{"e":[0,-1]}]}]}`,
		"a point too far":   `{"v":1,"tiers":[{"name":"a","is":[{"e":[11,1]}]}]}`,
		"half a pair":       `{"v":1,"tiers":[{"name":"a","is":[{"e":[1]}]}]}`,
		"a bound above one": `{"v":1,"tiers":[{"name":"a","is":[{"b":[2,0,0]}]}]}`,
		"a huge number":     `{"v":1,"ms":1e300}`,
		"too long":          `"` + strings.Repeat("x", 70000) + `"`,
	} {
		if _, err := shift.DecodeState(text); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if state, err := shift.DecodeState(""); err != nil || !state.Through.IsZero() {
		t.Errorf("the empty text: %v", err)
	}
}

// FuzzDecodeState also decides with whatever was decoded: no state may make Decide
// leave the tiers, lose a percent, or say nothing.
func FuzzDecodeState(f *testing.F) {
	f.Add("")
	f.Add(mixed(nil).last.State.Encode())
	f.Add(`{"v":1,"tiers":[{"name":"nano","cost":[1,-1,5,0,0,0],"is":[{"e":[0,1e15]}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		state, err := shift.DecodeState(text)
		if err != nil {
			return
		}
		s := mixed(nil)
		s.in.State = state
		s.in.State.Through = s.in.Now
		d := s.window(sample("nano", 300, 0.925, 0.0002), sample("mid", 300, 0.935, 0.001)).last
		sum := int32(0)
		for _, share := range d.Split {
			sum += share.Percent
		}
		if sum != 100 || d.Message == "" || d.Recheck <= 0 {
			t.Errorf("%v %q %s", d.Split, d.Message, d.Recheck)
		}
	})
}
