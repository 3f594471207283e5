package chain

import (
	"math"
	"testing"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

func TestAnExplanationSaysWhatEachStepSays(t *testing.T) {
	labels := func(classes ...float64) *model.Model { return fixed(t, nil, nil, classes) }
	target := func(q float64) routerconfig.Classification {
		return settings(func(c *routerconfig.Classification) { c.TargetQuality = q })
	}
	tests := []struct {
		name     string
		asks     asks
		rule     routerconfig.Class
		ruleSure bool
		model    ModelExplanation // but for its numbers
	}{
		{
			"there may be no classifier",
			asks{classification: settings(nil), text: hello},
			"SIMPLE", true,
			ModelExplanation{},
		},
		{
			"a classifier may agree with the preset",
			asks{classification: settings(nil), model: labels(0.9, 0.05, 0.05), text: hello},
			"SIMPLE", true,
			ModelExplanation{Asked: true, Sure: true, Class: "SIMPLE"},
		},
		{
			"or overrule it downwards",
			asks{classification: settings(nil), model: labels(0.9, 0.05, 0.05), text: "Prove it"},
			"COMPLEX", true,
			ModelExplanation{Asked: true, Sure: true, Overrules: true, Class: "SIMPLE"},
		},
		{
			"but not upwards",
			asks{classification: settings(nil), model: labels(0.05, 0.05, 0.9), text: hello},
			"SIMPLE", true,
			ModelExplanation{Asked: true, Sure: true, Class: "COMPLEX"},
		},
		{
			"the policy's own rule is never overruled, but the classifier is heard",
			asks{classification: settings(custom("MODERATE", 0.8)), model: labels(0.9, 0.05, 0.05), text: hello},
			"MODERATE", true,
			ModelExplanation{Asked: true, Sure: true, Class: "SIMPLE"},
		},
		{
			"what is not sure is told too",
			asks{classification: settings(custom("SIMPLE", 0.5)), model: labels(0.3, 0.3, 0.4), text: nothing},
			"SIMPLE", false,
			ModelExplanation{Asked: true, Class: "COMPLEX"},
		},
		{
			"predicted quality overrules the preset where it is sure",
			asks{classification: target(0.75), model: fixed(t, []string{"low", "mid", "top"}, []float64{0.5, 0.8, 0.9}, nil), text: hello},
			"SIMPLE", true,
			ModelExplanation{Asked: true, Sure: true, Overrules: true, ByQuality: true, Tier: 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, request := tt.asks.chain(t)
			got := c.Explain(request)
			if got.Rule.Class != tt.rule || got.RuleSure != tt.ruleSure || len(got.Rules) == 0 {
				t.Errorf("the rules say %+v of %+v, sure: %t", got.Rule, got.Rules, got.RuleSure)
			}
			m := got.Model
			said := ModelExplanation{Asked: m.Asked, Sure: m.Sure, Overrules: m.Overrules, Class: m.Class, ByQuality: m.ByQuality, Tier: m.Tier}
			if want := tt.model; said.Asked != want.Asked || said.Sure != want.Sure || said.Overrules != want.Overrules ||
				said.Class != want.Class || said.ByQuality != want.ByQuality || said.Tier != want.Tier {
				t.Errorf("the classifier says %+v, want %+v", said, want)
			}
		})
	}
}

func TestAnExplanationTellsQualityAndCostPerTier(t *testing.T) {
	a := asks{
		classification: settings(func(c *routerconfig.Classification) { c.ConsiderOutputLength = true }),
		model:          fixed(t, []string{"low", "mid", "top"}, []float64{0.5, 0.8, 0.9}, []float64{0.1, 0.8, 0.1}), text: nothing,
	}
	c, request := a.chain(t)
	got := c.Explain(request).Model
	near := func(name string, got, want []float64) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s %v, want %v", name, got, want)
		}
		for i := range want {
			if math.Abs(got[i]-want[i]) > 0.01 {
				t.Errorf("%s %v, want %v", name, got, want)
			}
		}
	}
	near("quality", got.Quality, []float64{0.5, 0.8, 0.9})
	near("cost", got.Cost, []float64{0.05, 0.2, 1})
	near("confidence", []float64{got.Confidence}, []float64{0.8})
}

func TestTheAnswerIsNotExpectedToBeLongerThanItMay(t *testing.T) {
	long := []byte("Write an essay in 9,000 words")
	free := OutputTokens(&Request{Input: &classify.Input{Text: long}})
	if free <= classify.MediumOutput {
		t.Fatalf("an essay is expected to have %d tokens", free)
	}
	if got := OutputTokens(&Request{Input: &classify.Input{Text: long, JSONSchema: true}}); got != classify.MediumOutput {
		t.Errorf("%d tokens of JSON", got)
	}
	if got := OutputTokens(&Request{Input: &classify.Input{Text: long}, MaxOutput: 7}); got != 7 {
		t.Errorf("%d tokens where 7 are allowed", got)
	}
	if got := OutputTokens(&Request{Input: &classify.Input{Text: long}, MaxOutput: free + 1}); got != free {
		t.Errorf("%d tokens where %d are allowed, but %d needed", got, free+1, free)
	}
}

func TestTheClassThatGoesToATier(t *testing.T) {
	for _, tiers := range []int{1, 2, 3, 5} {
		for tier := range tiers {
			class := classOf(tier, tiers)
			want := routerconfig.Class("MODERATE")
			switch tier {
			case 0:
				want = "SIMPLE"
			case tiers - 1:
				want = "COMPLEX"
			}
			if class != want {
				t.Errorf("tier %d of %d: %s, want %s", tier, tiers, class, want)
			}
		}
	}
}
