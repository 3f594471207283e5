package anthropic

import (
	"encoding/json"
	"slices"
)

// minBudget is the least that a model can be given to think, in tokens.
const minBudget = 1024

// budgets are the thinking tokens that an effort stands for with models that
// take a budget, and the other way round: a budget stands for the greatest effort
// whose budget it reaches. The steps are a choice of this package; Anthropic
// names none.
var budgets = []struct {
	effort string
	tokens int64
}{
	{"minimal", minBudget}, {"low", 2048}, {"medium", 8192}, {"high", 16384}, {"xhigh", 32000}, {"max", 48000},
}

func budgetOf(effort string) int64 {
	for _, b := range budgets {
		if b.effort == effort {
			return b.tokens
		}
	}
	return 8192 // the model may decide, or an effort that is new
}

func effortOf(budget int64) string {
	effort := "low"
	for _, b := range budgets[1:] {
		if budget >= b.tokens {
			effort = b.effort
		}
	}
	return effort
}

// wantsThinking reports whether the client asks for thoughts.
func (e *requestEncoder) wantsThinking() bool {
	r := e.r.Reasoning
	return !e.off() && (r.BudgetTokens != 0 || r.Effort != "" && !r.EffortOnly || r.Show != nil && *r.Show)
}

// reasoning writes thinking and effort
// (https://platform.claude.com/docs/en/build-with-claude/thinking).
func (e *requestEncoder) reasoning() error {
	if e.forced && !e.t.forced {
		return unsupported(e.r.FieldName("tool_choice"), "this model always thinks, and so cannot be made to call a tool; use auto")
	}
	if len(e.out.Thinking) > 0 { // the client's own, of this wire
		e.effort(e.r.Reasoning.Effort, "high")
		return nil
	}
	wants := e.wantsThinking()
	if wants && (!e.t.thinks || e.forced) { // a call cannot be forced from a model that thinks
		e.drop("reasoning_effort")
		wants = false
	}
	switch {
	case wants:
		e.thinkOn()
	case e.forced || e.off():
		e.disable()
	default:
		e.effort(e.r.Reasoning.Effort, "max")
	}
	return nil
}

// off reports whether the client wants no thoughts.
func (e *requestEncoder) off() bool { return e.r.Reasoning.Disabled || e.r.Reasoning.Effort == "none" }

// thinkOn switches thinking on, in the form that the model takes. Of both, a
// budget that the client has given is kept.
func (e *requestEncoder) thinkOn() {
	if e.t.adaptive && (e.r.Reasoning.BudgetTokens <= 0 || !e.t.budgets) {
		e.adapt()
		return
	}
	e.spend()
}

// disable switches thinking off, where it is on unless told so. Opus 5 takes no
// more than high effort then.
func (e *requestEncoder) disable() {
	r := e.r.Reasoning
	switch {
	case !e.t.byDefault:
		e.effort(r.Effort, "max")
	case e.t.canDisable:
		e.out.Thinking = json.RawMessage(`{"type":"disabled"}`)
		e.effort(r.Effort, "high")
	default: // it cannot but think: as little as it can
		e.drop("reasoning_effort")
		e.effort("low", "low")
	}
}

// adapt lets the model decide how much to think, with an effort for guidance.
func (e *requestEncoder) adapt() {
	r := e.r.Reasoning
	e.think(object{"type": "adaptive"})
	effort := r.Effort
	if effort == "" && r.BudgetTokens > 0 {
		effort = effortOf(r.BudgetTokens)
	}
	e.effort(effort, "max")
}

// spend gives the model a budget of tokens, less than all that it may write.
func (e *requestEncoder) spend() {
	r := e.r.Reasoning
	budget := r.BudgetTokens
	if budget <= 0 {
		budget = budgetOf(r.Effort)
		budget = min(budget, e.out.MaxTokens*3/4)
	}
	if budget >= e.out.MaxTokens {
		budget = e.out.MaxTokens * 3 / 4
	}
	if budget < minBudget || e.thoughtlessCall() {
		e.drop("reasoning_effort")
		e.effort(r.Effort, "max")
		return
	}
	e.think(object{"type": "enabled", "budget_tokens": budget})
	e.effort(r.Effort, "max")
}

func (e *requestEncoder) think(config object) {
	if show := e.r.Reasoning.Show; show != nil {
		config["display"] = "omitted"
		if *show {
			config["display"] = "summarized"
		}
	}
	e.out.Thinking, _ = encode(config)
}

// thoughtlessCall reports whether the conversation ends with results of calls
// that the model made without a thought: with a budget, it then refuses to think
// on ("Expected `thinking` or `redacted_thinking`, but found `tool_use`").
func (e *requestEncoder) thoughtlessCall() bool {
	n := len(e.out.Messages)
	if n < 2 || e.out.Messages[n-1].results == 0 || e.out.Messages[n-2].Role != "assistant" {
		return false
	}
	first, ok := e.out.Messages[n-2].Content[0].(*block)
	return !ok || first.Type != typeThinking && first.Type != typeRedactedThinking
}

// effort writes an effort, none above most, and what the model knows at that.
func (e *requestEncoder) effort(asked, most string) {
	if asked == "" || asked == "none" {
		return
	}
	if len(e.t.efforts) == 0 {
		if e.r.Reasoning.EffortOnly {
			e.drop("reasoning_effort")
		}
		return
	}
	rank := min(slices.Index(allEfforts, asked), slices.Index(allEfforts, most))
	if asked == "minimal" {
		rank = 0
	}
	if rank < 0 { // a word that is newer than this table: the provider may know it
		e.out.OutputConfig["effort"] = asked
		return
	}
	for rank > 0 && !slices.Contains(e.t.efforts, allEfforts[rank]) {
		rank--
	}
	e.out.OutputConfig["effort"] = allEfforts[rank]
}

// sampling writes temperature, top_p and top_k where they are taken. With
// thinking, temperature must be 1, top_p at least 0.95, and top_k is refused
// (https://platform.claude.com/docs/en/build-with-claude/extended-thinking).
func (e *requestEncoder) sampling() {
	thinks := isThinking(e.out.Thinking)
	free := e.t.sampling && !thinks
	if t := e.r.Temperature; t != nil {
		e.temperature(*t, free)
	}
	if p := e.r.TopP; p != nil && *p != 1 {
		e.topP(*p, thinks)
	}
	switch {
	case e.r.TopK == nil:
	case free:
		e.out.TopK = e.r.TopK
	default:
		e.drop("top_k")
	}
}

func (e *requestEncoder) topP(p float64, thinks bool) {
	if !e.t.sampling || thinks && p < 0.95 || e.out.Temperature != nil && !e.t.bothSampling {
		e.drop("top_p")
		return
	}
	e.out.TopP = &p
}

// temperature writes a temperature, of which 1 is the most and the default.
func (e *requestEncoder) temperature(t float64, free bool) {
	if free {
		e.out.Temperature = ptr(min(t, 1))
	}
	if t > 1 || t < 1 && !free {
		e.drop("temperature")
	}
}

// isThinking reports whether a thinking member switches thinking on.
func isThinking(raw json.RawMessage) bool {
	var t struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(raw, &t) == nil && (t.Type == "adaptive" || t.Type == "enabled")
}
