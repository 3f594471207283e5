package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/pricing"
)

// Aside says why a line that could be read is not part of the comparison.
type Aside string

// The reasons.
const (
	// AsideFailed: the log says that the request failed.
	AsideFailed Aside = "failed"
	// AsideCached: the gateway answered from its own cache, which costs nothing
	// with or without a policy.
	AsideCached Aside = "answered from a cache"
	// AsideNotChat: embeddings, images, speech and the like are not routed.
	AsideNotChat Aside = "no chat request"
	// AsideNoPrompt: the log has no prompt, so there is nothing to decide on.
	AsideNoPrompt Aside = "no prompt in the log"
	// AsideRefused: the router would refuse the request.
	AsideRefused Aside = "the policy would refuse it"
	// AsideTooLong: the line is longer than the limit.
	AsideTooLong Aside = "line too long"
)

// Asides lists the reasons.
var Asides = []Aside{AsideNoPrompt, AsideFailed, AsideCached, AsideNotChat, AsideRefused, AsideTooLong}

// record is what a line says of a request.
type record struct {
	// body is a Chat Completions request.
	body     []byte
	model    string
	provider string
	usage    pricing.Usage
	// hasUsage says that usage is the provider's own count, and answerTokens is
	// an estimate of the output from the text of the answer; 0: there is none.
	hasUsage     bool
	answerTokens int64
	cost         pricing.Picodollars
	hasCost      bool
	aside        Aside
}

// parser reads lines.
type parser struct {
	fields Map
	// keep says that the policy knows a model name as more than a model: those
	// are asked for as the log has them, any other as "auto".
	keep func(model string) bool
}

// parse reads a line. Errors name the field and quote nothing of it.
func (p *parser) parse(line []byte) (*record, error) {
	d, err := parseDocument(line)
	if err != nil {
		return nil, err
	}
	format := p.fields.of(d)
	get := func(f field) json.RawMessage { return p.fields.value(d, format, f) }
	r := &record{model: word(get(fieldModel)), provider: word(get(fieldProvider))}
	a := answer{}
	if v := get(fieldResponse); v != nil {
		p.readAnswer(r, &a, v)
	}
	if r.aside = asideOf(&a, word(get(fieldStatus)), word(get(fieldCacheHit)), word(get(fieldEndpoint))); r.aside != "" {
		return r, nil
	}
	if err := r.readMoney(get, &a); err != nil {
		return nil, err
	}
	r.usage.Batch = format == OpenAIBatch
	return r, p.readPrompt(r, get(fieldPrompt), word(get(fieldEndpoint)))
}

func (p *parser) readAnswer(r *record, a *answer, v json.RawMessage) {
	if s, ok := text(v); ok {
		r.answerTokens = classify.EstimateTokens([]byte(s))
		return
	}
	if json.Unmarshal(v, a) != nil {
		return // an answer of another shape only costs the estimate of its length
	}
	r.answerTokens = a.estimatedOutput()
	if r.model == "" {
		r.model = a.Model
	}
}

// asideOf finds the requests that cost nothing, or that no policy routes.
func asideOf(a *answer, status, cacheHit, endpoint string) Aside {
	code, err := strconv.Atoi(status)
	switch {
	case err == nil && code >= 400, status == "failure", status == "error", unwrapped(a.Error) != nil:
		return AsideFailed
	case strings.EqualFold(cacheHit, "true"):
		return AsideCached
	}
	for _, other := range []string{"embedding", "image", "audio", "speech", "transcription", "moderation", "rerank"} {
		if strings.Contains(strings.ToLower(endpoint), other) {
			return AsideNotChat
		}
	}
	return ""
}

// readMoney takes tokens and cost. Counts of the line win over those of a usage
// object, which still says what part of them was cached or reasoning.
func (r *record) readMoney(get func(field) json.RawMessage, a *answer) error {
	var err error
	if r.cost, r.hasCost, err = dollars(get(fieldCost), fieldNames[fieldCost]); err != nil {
		return err
	}
	u := &r.usage
	for _, v := range []json.RawMessage{get(fieldUsage), a.Usage, a.Gemini} {
		if found := usageOf(v); u.InputTokens+u.OutputTokens == 0 && found != (pricing.Usage{}) {
			*u = found
		}
	}
	for _, c := range []struct {
		f  field
		to *int64
	}{
		{fieldInput, &u.InputTokens},
		{fieldCached, &u.CachedInputTokens},
		{fieldCacheWrite, &u.CacheWriteTokens},
		{fieldOutput, &u.OutputTokens},
		{fieldReasoning, &u.ReasoningTokens},
	} {
		n, ok, err := count(get(c.f), fieldNames[c.f])
		if err != nil {
			return err
		}
		if ok {
			*c.to = n
		}
	}
	if cached := u.CachedInputTokens + u.CacheWriteTokens; cached > u.InputTokens {
		u.InputTokens += cached // Anthropic's way of counting
	}
	r.hasUsage = u.InputTokens > 0
	// Gateways write a cost of 0 for models that they have no price of.
	r.hasCost = r.hasCost && r.cost > 0
	return nil
}

func (p *parser) readPrompt(r *record, v json.RawMessage, endpoint string) error {
	body, model, err := chatBody(v, endpoint, p.keep)
	switch {
	case errors.Is(err, errNoPrompt):
		r.aside = AsideNoPrompt
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", fieldNames[fieldPrompt], err)
	}
	r.body = body
	if r.model == "" {
		r.model = model
	}
	if strings.Contains(strings.ToLower(r.model), "embedding") {
		r.aside = AsideNotChat
	}
	return nil
}
