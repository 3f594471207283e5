package router

import (
	"fmt"
	"math"
	"time"

	"github.com/tiershift/tiershift/internal/classify/chain"
	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
)

// explainSteps adds what classification saw and said, also where the tier was
// pinned and nobody listened.
func (x *exchange) explainSteps(out *Explanation) {
	e := x.engine.chain.Explain(&x.classification)
	for _, v := range e.Rules {
		out.Rules = append(out.Rules, ExplainedRule{Name: v.Rule, Class: string(v.Class), Confidence: v.Confidence})
	}
	for _, t := range x.analysis.Traits() {
		out.Features = append(out.Features, ExplainedFeature{Name: t.Name, Value: t.Value})
	}
	if x.decision.verdict.Method == "" {
		return
	}
	out.Steps = append(out.Steps, x.explainRules(&e))
	if e.Model.Asked {
		out.Steps = append(out.Steps, x.explainModel(&e.Model))
	}
	if x.engine.config.Classification.LLM != nil {
		out.Steps = append(out.Steps, x.explainLLM())
	}
}

func (x *exchange) explainRules(e *chain.Explanation) ExplainedStep {
	step := ExplainedStep{
		Method: metricnames.MethodRules, Decided: x.decision.verdict.Method == metricnames.MethodRules,
		Class: string(e.Rule.Class), Confidence: e.Rule.Confidence,
	}
	switch {
	case e.Rule.Rule == "":
		step.Remark = "no rule holds"
	case !e.RuleSure:
		step.Remark = e.Rule.Rule + " holds, but is not sure"
	case e.Model.Overrules:
		step.Remark = e.Rule.Rule + " holds, and is overruled"
	default:
		step.Remark = e.Rule.Rule + " holds"
	}
	return step
}

func (x *exchange) explainModel(m *chain.ModelExplanation) ExplainedStep {
	cfg := &x.engine.config.Classification
	step := ExplainedStep{
		Method: metricnames.MethodModel, Decided: x.decision.verdict.Method == metricnames.MethodModel,
		Class: string(m.Class), Confidence: hundredth(m.Confidence), Score: m.Score, Remark: "classifier " + x.engine.trained.name(),
	}
	switch {
	case m.ByQuality && cfg.TargetQuality > 0:
		step.Remark += fmt.Sprintf(", target quality %g: %s", cfg.TargetQuality, x.engine.tiers[m.Tier].Name)
	case m.ByQuality:
		step.Remark += ", best value: " + x.engine.tiers[m.Tier].Name
	}
	if !m.Sure {
		step.Remark += fmt.Sprintf(", not sure enough (minConfidence %g)", cfg.Model.MinConfidence)
	}
	if err := x.engine.ClassifierFault(); err != nil {
		step.Remark += "; " + err.Error()
	}
	usage := pricing.Usage{InputTokens: x.promptTokens, OutputTokens: x.expectedOutput()}
	for i, quality := range m.Quality {
		tier := x.engine.tiers[i]
		step.Tiers = append(step.Tiers, ExplainedTier{
			Tier: tier.Name, Quality: hundredth(quality), CostUSD: tier.models[0].rates.Cost(usage).String(),
		})
	}
	return step
}

// explainLLM says what the LLM said of the same prompt, or that it would be asked.
func (x *exchange) explainLLM() ExplainedStep {
	spec := x.engine.config.Classification.LLM
	q, key := x.llmQuestion()
	step := ExplainedStep{Method: metricnames.MethodLLM, Decided: x.decision.verdict.Method == metricnames.MethodLLM}
	class, known := x.server.verdicts.peek(key, time.Duration(spec.CacheTTL))
	d := &x.decision
	switch {
	case step.Decided:
		step.Class, step.Remark = string(class), "verdict of tier "+spec.Tier+", remembered"
	case d.verdict.Decided():
		step.Remark = "not asked: an earlier step is sure"
	case d.low == d.high:
		step.Remark = "not asked: only one tier may answer"
	case known && class == "":
		step.Remark = "tier " + spec.Tier + " gave no verdict on this prompt"
	case known:
		step.Class, step.Remark = string(class), "verdict of tier "+spec.Tier+" is not taken: the prompt itself names it"
	case x.server.verdicts.open(spec.Tier):
		step.Remark = "not asked: tier " + spec.Tier + " did not answer lately"
	default:
		step.Remark, step.CostUSD = "tier "+spec.Tier+" would be asked", x.llmCost(q).String()
	}
	return step
}

// hundredth drops digits that mean nothing. It does not round up: what misses a
// limit of 0.6 would be told as 0.6.
func hundredth(p float64) float64 { return math.Floor(p*100+1e-9) / 100 }
