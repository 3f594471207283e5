package chain

import (
	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Methods by which a tier is found, as metrics and explanations name them.
const (
	MethodRules = classify.MethodRules
	MethodModel = "model"
	MethodLLM   = "llm"
	// MethodNone: no step was sure.
	MethodNone = "none"
)

// Overrule is the confidence with which the classifier's word counts more than
// that of a rule of the preset, if it is for a less demanding class.
const Overrule = 0.8

// Classifier is a trained model and how its tiers stand for the policy's.
type Classifier struct {
	Model *model.Model
	Fit   model.Fit
}

// Options are what a chain is made of.
type Options struct {
	// Tiers is how many tiers the policy has.
	Tiers int
	// Classification are the policy's settings.
	Classification *routerconfig.Classification
	// Classifier returns the trained classifier, or nil where there is none. It is
	// called for each request and must be cheap and safe for concurrent use.
	Classifier func() *Classifier
	// Cost is what a request of so many tokens costs on a tier, in any unit. It is
	// only asked where the cost weighs.
	Cost func(tier int, input, output int64) float64
}

// Chain classifies requests. It is immutable and safe for concurrent use.
type Chain struct {
	tiers         int
	minConfidence float64
	target        float64 // 0: none
	byLength      bool
	classifier    func() *Classifier
	cost          func(tier int, input, output int64) float64
}

// New returns the chain of a policy.
func New(o Options) *Chain {
	cfg := o.Classification
	c := &Chain{
		tiers: o.Tiers, target: cfg.TargetQuality, byLength: cfg.ConsiderOutputLength,
		classifier: o.Classifier, cost: o.Cost,
	}
	if cfg.Model == nil || o.Classifier == nil {
		c.classifier = func() *Classifier { return nil }
	} else {
		c.minConfidence = cfg.Model.MinConfidence
	}
	return c
}

// Request is what is asked, and the room to judge it in.
type Request struct {
	Analysis *classify.Analysis
	Input    *classify.Input
	// MaxOutput is the cap on the answer in tokens; 0: none.
	MaxOutput int64
	// LLM, if set, asks a model for the class; ok is false where it has no say.
	LLM func() (class routerconfig.Class, ok bool)
}

// Verdict is what the chain found.
type Verdict struct {
	// Method is the step that decided; MethodNone: none did.
	Method string
	// Class is that of the deciding step; of predicted quality, the classifier's
	// or, if it has no classes, the one that goes to the tier. Empty if undecided.
	Class routerconfig.Class
	// Tier is the index of the tier to go to; undefined if undecided.
	Tier int
	// Rule names the rule that decided.
	Rule string
	// Confidence is that of the deciding step, in [0,1]: of predicted quality, the
	// probability that the tier answers well. An LLM states none.
	Confidence float64
	// ByQuality is whether predicted quality found the tier, rather than a class.
	ByQuality bool
}

// Decided is whether a step was sure.
func (v *Verdict) Decided() bool { return v.Method != MethodNone }

// Decide asks the steps in their order.
func (c *Chain) Decide(r *Request) Verdict {
	var j judgement
	c.judge(r, &j)
	if j.verdict.Decided() || r.LLM == nil {
		return j.verdict
	}
	if class, ok := r.LLM(); ok {
		return Verdict{Method: MethodLLM, Class: class, Tier: classify.TierFor(class, c.tiers)}
	}
	return j.verdict
}

// judgement is what the steps that cost nothing found.
type judgement struct {
	rule     classify.Verdict
	ruleSure bool
	model    modelVerdict
	verdict  Verdict
}

// modelVerdict is what the classifier says.
type modelVerdict struct {
	asked bool
	sure  bool
	// class and confidence are empty for a model without classes.
	class      routerconfig.Class
	confidence float64
	// byQuality is whether the tier was found by predicted quality: then tier and
	// quality are set.
	byQuality bool
	tier      int
	quality   float64
}

func (c *Chain) judge(r *Request, j *judgement) {
	j.rule, j.ruleSure = r.Analysis.Classify()
	if j.ruleSure && (j.rule.Custom || c.cannotOverrule(j.rule.Class)) {
		j.verdict = c.byRule(j)
		return
	}
	c.askModel(r, j)
	j.verdict = c.weigh(j)
}

// cannotOverrule is whether nothing that the classifier could say counts against a
// rule of the preset: then it need not be asked.
func (c *Chain) cannotOverrule(class routerconfig.Class) bool {
	classifier := c.classifier()
	return classifier == nil || demand(class) == 0 && !c.wantsQuality(classifier)
}

// weigh sets a rule of the preset against the classifier.
func (c *Chain) weigh(j *judgement) Verdict {
	m := &j.model
	switch {
	case m.byQuality && m.sure:
		return Verdict{Method: MethodModel, Class: m.class, Tier: m.tier, Confidence: m.quality, ByQuality: true}
	case j.ruleSure && (m.byQuality || !m.overrules(j.rule.Class)):
		return c.byRule(j)
	case m.sure:
		return Verdict{Method: MethodModel, Class: m.class, Tier: classify.TierFor(m.class, c.tiers), Confidence: m.confidence}
	}
	return Verdict{Method: MethodNone}
}

// overrules is only ever true for a cheaper class: a prompt of another style than
// those it was trained on may look demanding to the classifier that is not, and
// what turns out too hard for a tier is escalated.
func (m *modelVerdict) overrules(class routerconfig.Class) bool {
	return m.sure && demand(m.class) < demand(class) && m.confidence >= Overrule
}

// demand orders the classes.
func demand(class routerconfig.Class) int {
	switch class {
	case routerconfig.ClassSimple:
		return 0
	case routerconfig.ClassComplex:
		return 2
	default:
		return 1
	}
}

func (c *Chain) byRule(j *judgement) Verdict {
	return Verdict{
		Method: MethodRules, Class: j.rule.Class, Tier: classify.TierFor(j.rule.Class, c.tiers),
		Rule: j.rule.Rule, Confidence: j.rule.Confidence,
	}
}
