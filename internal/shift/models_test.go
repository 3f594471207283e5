package shift_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/shift"
)

var (
	first  = shift.Model{Name: "first", Provider: "OpenAI"}
	second = shift.Model{Name: "second", Provider: "DeepSeek"}
)

// durations are n of which so many took longer than four seconds.
func durations(n, slow float64) shift.Histogram {
	return shift.Histogram{Buckets: []shift.Bucket{{Upper: 1, Count: n - slow}, {Upper: 4}, {Upper: 60, Count: slow}}, Sum: n - slow + 30*slow}
}

// served is a window of mid, whose models answered with so many of a hundred too
// slow; a negative number: the model answered nothing.
func served(slowFirst, slowSecond float64, more ...shift.Sample) []shift.Sample {
	s := shift.Sample{Tier: "mid", CostUSD: 1}
	for i, slow := range []float64{slowFirst, slowSecond} {
		if slow >= 0 {
			s.Models = append(s.Models, shift.ModelSample{Model: []shift.Model{first, second}[i], Durations: durations(100, slow)})
			s.Requests += 100
		}
	}
	all, tooSlow := 0.0, max(slowFirst, 0)+max(slowSecond, 0)
	for range s.Models {
		all += 100
	}
	s.Durations = durations(all, tooSlow)
	return append(more, s)
}

// fast tells of a route that only asks for speed, with two models in the tier mid.
func fast() *story {
	return tell(func(in *shift.Input) {
		in.Settings.MinQuality, in.Settings.MaxLatencyP95, in.Settings.MinSamples = 0, 4*time.Second, 50
		in.Tiers = []shift.Tier{{Name: "mid", Models: []shift.Model{first, second}}, {Name: "flagship"}}
	})
}

func (s *story) model(name string) int32 {
	for _, m := range s.in.Models {
		if m.Model == name {
			return m.Percent
		}
	}
	return -1
}

func (s *story) until(t *testing.T, reason shift.Reason, most int, samples ...shift.Sample) {
	t.Helper()
	for range most {
		if s.window(samples...); s.last.Reason == reason {
			return
		}
	}
	t.Fatalf("no %s within %d windows, but %s: %s", reason, most, s.last.Reason, s.last.Message)
}

func TestLatencyIsShedToASiblingFirst(t *testing.T) {
	s := fast().times(5, served(1, 1)...)
	s.until(t, shift.ReasonLatencyAbove, 6, served(20, 1)...)
	s.expect(t, shift.ReasonLatencyAbove, "second 50→60 % of mid (from first): requests within the latency limit")
	if s.last.Direction != v1alpha1.ShiftSideways || s.model("first") != 40 || s.share("mid") != 100 {
		t.Fatalf("%s: %v, %v", s.last.Direction, s.in.Models, s.in.Split)
	}
	if r := s.in.Shifts[0]; r.From != "mid/first" || r.To != "mid/second" || r.Percent != 10 {
		t.Errorf("%+v", r)
	}
	s.window(served(20, 1)...).expect(t, shift.ReasonCooldown, "last shift")
}

func TestACollapseOfAModelMovesAllOfIt(t *testing.T) {
	s := fast().times(5, served(1, 1)...)
	s.until(t, shift.ReasonCollapsed, 6, served(100, -1)...)
	if s.model("first") != 0 || s.model("second") != 100 || s.share("mid") != 100 {
		t.Errorf("%v, %v: %s", s.in.Models, s.in.Split, s.last.Message)
	}
}

func TestOnlyWhenNoSiblingIsLeftTheNeighbourTakesOver(t *testing.T) {
	s := fast().times(5, served(1, 1)...)
	s.until(t, shift.ReasonLatencyAbove, 8, served(20, 20)...)
	if s.last.Direction != v1alpha1.ShiftUp || s.share("flagship") != 10 || s.in.Models != nil {
		t.Errorf("%s: %v, %v", s.last.Message, s.in.Split, s.in.Models)
	}
}

func TestAModelGetsBackWhatItLost(t *testing.T) {
	s := fast().times(5, served(1, 1)...)
	s.until(t, shift.ReasonLatencyAbove, 6, served(20, 1)...)
	s.window(served(1, 1)...)
	since := s.in.Shifts[0].Time.Time
	s.until(t, shift.ReasonRecovered, 20, served(1, 1)...)
	if waited := s.in.Now.Sub(since); waited < 4*s.in.Settings.Cooldown {
		t.Errorf("tried again after %s", waited)
	}
	if s.in.Models != nil || s.last.Record == nil || s.last.Direction != v1alpha1.ShiftSideways {
		t.Errorf("with everything given back: %v, %s", s.in.Models, s.last.Message)
	}
}

func TestWhatIsStillSlowGetsNothingMoreBack(t *testing.T) {
	s := fast().times(5, served(1, 1)...)
	s.until(t, shift.ReasonCollapsed, 6, served(100, -1)...)
	s.until(t, shift.ReasonRecovered, 40, served(-1, 1)...)
	s.expect(t, shift.ReasonRecovered, "first 0→10 % of mid (from second): first is tried again")
	for range 40 {
		s.window(served(60, 1)...)
		if s.model("first") > 10 {
			t.Fatalf("first has %d %%: %s", s.model("first"), s.last.Message)
		}
	}
}

func TestASiblingIsOnlyRecommendedInThatMode(t *testing.T) {
	s := fast()
	s.in.Settings.Mode = v1alpha1.ShiftRecommend
	s.times(5, served(1, 1)...)
	s.until(t, shift.ReasonLatencyAbove, 6, served(20, 1)...)
	if s.in.Models != nil || s.last.Record == nil || !s.last.Record.Recommended || !strings.Contains(s.last.Message, "recommended only") {
		t.Errorf("%v: %s", s.in.Models, s.last.Message)
	}
	if s.window(served(20, 1)...); s.last.Record != nil {
		t.Errorf("the same is recorded again: %+v", s.last.Record)
	}
}

func TestModelSharesThatDoNotFitAreDropped(t *testing.T) {
	share := func(model string, percent int32) v1alpha1.ModelShare {
		return v1alpha1.ModelShare{Tier: "mid", Model: model, Provider: "OpenAI", Percent: percent, Selected: 50}
	}
	for name, models := range map[string][]v1alpha1.ModelShare{
		"a model that is gone": {share("first", 50), share("old", 50)},
		"too little":           {share("first", 50)},
		"another tier":         {{Tier: "gone", Model: "first", Provider: "OpenAI", Percent: 100, Selected: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			s := fast()
			s.in.Models = models
			if s.window(served(1, 1)...); s.last.Models != nil {
				t.Errorf("%v", s.last.Models)
			}
		})
	}
}

func TestModelsSurviveTheStatus(t *testing.T) {
	s := fast().times(5, served(20, 1)...)
	state, err := shift.DecodeState(s.in.State.Encode())
	if err != nil || len(state.Tiers[1].Models) != 2 || state.Tiers[1].Models[0].Model != first {
		t.Fatalf("%v: %+v", err, state.Tiers[1].Models)
	}
	for _, bad := range []string{`{"name":"first","n":-1,"in":0}`, `{"name":"first","n":1,"in":2}`, `{"name":"z","n":1,"in":1},{"name":"a","n":1,"in":1}`} {
		text := `{"v":1,"tiers":[{"name":"mid","is":[{},{},{},{},{}],"models":[` + bad + `]}]}`
		if _, err := shift.DecodeState(text); err == nil || !strings.Contains(err.Error(), "models that cannot be") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
