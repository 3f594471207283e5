package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/classify/chain"
	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// standalone decides without a policy: by the classifier's own tiers.
type standalone struct {
	analyzer *classify.Analyzer
	chain    *chain.Chain
	model    *model.Model
	tiers    []string
	costs    []float64
	target   float64 // 0: none
	price    float64

	// The rest is one goroutine's.
	analysis   classify.Analysis
	prediction model.Prediction
	qualities  []float32
}

func (f *classifyFlags) withoutPolicy() (func() decide, error) {
	if !(f.target >= 0 && f.target <= 1) {
		return nil, fmt.Errorf("--target-quality must be from 0 to 1, not %g", f.target)
	}
	if !(f.price >= 0) {
		return nil, fmt.Errorf("--price must not be negative, as %g is", f.price)
	}
	m, err := loadModel(f.model)
	if err != nil {
		return nil, err
	}
	if len(m.Tiers()) == 0 {
		return nil, errors.New("the model has no tiers: give a policy with -f")
	}
	fit, err := model.FitTiers(m.Tiers(), m.Tiers())
	if err != nil {
		return nil, err
	}
	s := &standalone{model: m, tiers: m.Tiers(), costs: model.AssumedCosts(len(m.Tiers())), target: f.target, price: f.price}
	// The classifier's word always counts where no rule is sure.
	rules := &routerconfig.Classification{Preset: routerconfig.PresetStandard, Model: &routerconfig.ClassifierModel{}}
	if !f.rules {
		rules.Preset = routerconfig.PresetNone
	}
	if s.analyzer, err = classify.NewAnalyzer(nil, *rules); err != nil {
		return nil, err
	}
	classifier := &chain.Classifier{Model: m, Fit: fit}
	s.chain = chain.New(chain.Options{
		Tiers: len(s.tiers), Classification: rules, Classifier: func() *chain.Classifier { return classifier },
		Cost: func(tier int, input, output int64) float64 { return s.costs[tier] * float64(input+output) },
	})
	return func() decide {
		own := *s
		return own.decide
	}, nil
}

func (s *standalone) decide(_ int, in *asked) (classified, error) {
	text := []byte(*in.Prompt)
	tokens := in.Tokens
	if tokens == 0 {
		tokens = classify.EstimateTokens(text)
	}
	input := classify.Input{Text: text, UserText: text, Tokens: tokens, Turns: in.Turns, Tools: in.Tools, Images: in.Images, JSONSchema: in.JSONSchema}
	s.analyzer.Analyze(&input, &s.analysis)
	verdict := s.chain.Decide(&chain.Request{Analysis: &s.analysis, Input: &input})
	s.model.Predict(text, in.signals(tokens), &s.prediction)
	return classified{
		Class: string(verdict.Class), Tier: s.tiers[s.tier(&verdict)], Confidence: verdict.Confidence, Score: float64(s.prediction.Score),
	}, nil
}

func (in *asked) signals(tokens int64) model.Signals {
	return model.Signals{Tokens: tokens, Turns: in.Turns, Tools: in.Tools, Images: in.Images, JSONSchema: in.JSONSchema}
}

// tier is the index of the tier to go to.
func (s *standalone) tier(v *chain.Verdict) int {
	if v.Method == chain.MethodRules && s.target == 0 {
		return v.Tier
	}
	s.qualities = model.Spread(s.qualities, s.prediction.Quality, len(s.tiers))
	if s.target > 0 {
		return model.Cheapest(s.qualities, float32(s.target))
	}
	return model.BestValue(s.qualities, s.costs, s.price)
}

// byPolicy decides as the policy's router does.
func (f *classifyFlags) byPolicy() (func() decide, error) {
	p, err := newAuditPolicy(&f.manifestFlags)
	if err != nil {
		return nil, err
	}
	m := model.Default()
	return func() decide {
		explain := p.newExplain()
		var prediction model.Prediction
		return func(number int, in *asked) (classified, error) {
			body, err := in.body()
			if err != nil {
				return classified{}, err
			}
			e, err := explain(uint64(number), body)
			if err != nil {
				return classified{}, fmt.Errorf("the router would answer %w", err)
			}
			out := classified{Class: e.Class, Tier: e.Tier}
			m.Predict([]byte(*in.Prompt), in.signals(e.PromptTokens), &prediction)
			out.Score = float64(prediction.Score)
			if !slices.Contains(model.Classes[:], out.Class) {
				out.Class, out.Confidence = prediction.Class, float64(prediction.Confidence)
			}
			out.readSteps(e.Steps)
			return out, nil
		}
	}, nil
}

// readSteps takes the confidence of the step that decided, and the score of the
// policy's own classifier.
func (c *classified) readSteps(steps []router.ExplainedStep) {
	for i := range steps {
		if steps[i].Decided {
			c.Confidence = steps[i].Confidence
		}
		if steps[i].Method == chain.MethodModel {
			c.Score = cmp.Or(steps[i].Score, c.Score)
		}
	}
}

// body is a request that asks the prompt.
func (in *asked) body() ([]byte, error) {
	type object = map[string]any
	var messages []object
	for range in.Turns - 1 {
		messages = append(messages, object{"role": "user", "content": "…"}, object{"role": "assistant", "content": "…"})
	}
	content := any(*in.Prompt)
	if in.Images {
		content = []object{{"type": "text", "text": *in.Prompt}, {"type": "image_url", "image_url": object{"url": "https://example.com/image.png"}}}
	}
	request := object{"model": routerconfig.AutoModel, "messages": append(messages, object{"role": "user", "content": content})}
	if in.Tools {
		request["tools"] = []object{{"type": "function", "function": object{"name": "tool"}}}
	}
	if in.JSONSchema {
		request["response_format"] = object{"type": "json_schema", "json_schema": object{"name": "answer", "schema": object{"type": "object"}}}
	}
	return json.Marshal(request)
}
