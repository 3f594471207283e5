package gemini

import (
	"github.com/tiershift/tiershift/internal/provider/chat"
)

// maxStops is how many stop sequences the wire takes
// (https://ai.google.dev/api/generate-content#generationconfig).
const maxStops = 5

func (e *requestEncoder) generationConfig() {
	e.object("generationConfig", func() {
		e.sampling()
		e.limits()
		e.format()
		e.thinking()
		e.nativesOf("generationConfig", "")
	})
}

func (e *requestEncoder) sampling() {
	r := e.r
	e.float("temperature", r.Temperature)
	e.float("topP", r.TopP)
	if r.TopK != nil {
		e.int("topK", *r.TopK)
	}
	e.float("frequencyPenalty", r.FrequencyPenalty)
	e.float("presencePenalty", r.PresencePenalty)
	if r.Seed != nil {
		e.int("seed", seed32(*r.Seed))
	}
	if r.LogProbs {
		e.bool("responseLogprobs", true)
		if r.TopLogProbs > 0 {
			e.int("logprobs", r.TopLogProbs)
		}
	}
}

// seed32 fits a seed in the 32 bits that the wire has, the same one always to the
// same one.
func seed32(seed int64) int64 {
	if int64(int32(seed)) == seed {
		return seed
	}
	return (seed ^ seed>>32) & 0x7fffffff
}

func (e *requestEncoder) limits() {
	r := e.r
	limit := r.MaxOutputTokens
	if e.up.MaxOutputTokens > 0 && (limit <= 0 || e.up.MaxOutputTokens < limit) {
		limit = e.up.MaxOutputTokens
	}
	if limit > 0 {
		e.int("maxOutputTokens", limit)
	}
	if r.Candidates > 0 {
		e.int("candidateCount", r.Candidates)
	}
	if len(r.Stop) > maxStops {
		e.refuse(r.FieldName("stop"), "Gemini takes %d stop sequences at most", maxStops)
	}
	if len(r.Stop) > 0 {
		e.texts("stopSequences", r.Stop)
	}
}

func (e *requestEncoder) format() {
	f := e.r.Format
	if f.Kind == chat.FormatText {
		return
	}
	field := e.r.FieldName("response_format")
	if len(e.r.Tools) > 0 && e.model.early() {
		e.refuse(field, "models before Gemini 3 take no JSON format beside tools; leave out either, or use a newer model")
	}
	e.text("responseMimeType", "application/json")
	if f.Kind == chat.FormatSchema {
		e.schema("responseJsonSchema", field, f.Schema)
	}
	if f.Strict != nil && !*f.Strict {
		e.dropped = append(e.dropped, field+".strict")
	}
}

// thinking writes the thinkingConfig: a level where the client gave an effort
// and the model takes levels, a budget otherwise, never both, for that is an error.
func (e *requestEncoder) thinking() {
	r := e.r.Reasoning
	if !r.Given() {
		return
	}
	if !e.up.Reasons && !e.model.thinks() || r.EffortOnly && !e.model.thinksUnasked() {
		if !r.Disabled && r.Effort != "none" {
			e.drop("reasoning_effort")
		}
		return
	}
	e.object("thinkingConfig", func() {
		e.depth(r)
		if r.Show != nil {
			e.bool("includeThoughts", *r.Show)
		}
	})
}

// depth writes the level or the budget.
func (e *requestEncoder) depth(r chat.Reasoning) {
	if r.Disabled {
		r.Effort, r.BudgetTokens = "none", 0
	}
	switch tokens, known := budgets[r.Effort]; {
	case r.Effort != "" && !e.model.early():
		e.text("thinkingLevel", e.model.level(r.Effort))
	case r.BudgetTokens != 0:
		e.int("thinkingBudget", e.model.budget(r.BudgetTokens))
	case known:
		e.int("thinkingBudget", e.model.budget(tokens))
	}
}
