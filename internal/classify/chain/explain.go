package chain

import (
	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Explanation is a verdict and what each step had to say that costs nothing.
type Explanation struct {
	// Rules are all rules that held, in the order in which they are tried.
	Rules []classify.Verdict
	// Rule is the verdict of the rules, RuleSure whether it counts.
	Rule     classify.Verdict
	RuleSure bool
	// Model is what the classifier says; its Asked is false where there is none.
	Model ModelExplanation
}

// ModelExplanation is what the classifier says of a request, whether or not it
// was asked: an own rule that is sure spares it the question.
type ModelExplanation struct {
	Asked bool
	// Sure is whether its verdict counts, Overrules whether it does against a rule
	// of the preset.
	Sure, Overrules bool
	Class           routerconfig.Class
	Confidence      float64
	// ByQuality is whether predicted quality found Tier, an index.
	ByQuality bool
	Tier      int
	// Quality is, per tier of the policy, how likely it answers well; empty for a
	// classifier that knows classes only. Score is the need for the strongest.
	Quality []float64
	Score   float64
	// Cost is, per tier, what the request costs relative to a request with a medium
	// answer on the highest; empty where cost does not weigh.
	Cost []float64
}

// Explain says what each step has to say of the request.
func (c *Chain) Explain(r *Request) Explanation {
	rules := r.Analysis.Explain()
	e := Explanation{Rules: rules.Matched, Rule: rules.Verdict, RuleSure: rules.Decided}
	classifier := c.classifier()
	if classifier == nil {
		return e
	}
	var room room
	var m modelVerdict
	c.predict(classifier, r, &room)
	c.read(r, &room, &m)
	e.Model = ModelExplanation{
		Asked: true, Sure: m.sure, Overrules: e.RuleSure && !e.Rule.Custom && (m.byQuality && m.sure || m.overrules(e.Rule.Class)),
		Class: routerconfig.Class(room.prediction.Class), Confidence: float64(room.prediction.Confidence),
		ByQuality: m.byQuality, Tier: m.tier, Score: float64(room.prediction.Score), Cost: room.costs,
	}
	for _, q := range room.qualities {
		e.Model.Quality = append(e.Model.Quality, float64(q))
	}
	return e
}
