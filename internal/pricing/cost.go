package pricing

import "math"

// Usage is what a provider reports, or the router estimates, that one request
// used. It follows OpenAI's meaning of the counts
// (https://platform.openai.com/docs/api-reference/chat/object#usage):
//
//	InputTokens ⊇ CachedInputTokens + CacheWriteTokens + CacheWrite1hTokens
//	OutputTokens ⊇ ReasoningTokens
//
// The three cache counts are disjoint: no token is in two of them. Other APIs
// have to be translated: Anthropic's input_tokens leaves out what was read from
// and written to the cache, and Gemini's candidatesTokenCount leaves out
// thoughtsTokenCount; add them up first.
//
// A record that breaks these rules is still priced, and never below zero: a
// negative count is 0. A part that is larger than what it is a part of is cut
// to fit, and where several cache counts do not fit together, one-hour writes
// are kept before writes and writes before reads, so that the dearer remains.
type Usage struct {
	// InputTokens are all tokens of the prompt.
	InputTokens int64
	// CachedInputTokens were read from the provider's cache.
	CachedInputTokens int64
	// CacheWriteTokens were written to the provider's cache for its standard time.
	CacheWriteTokens int64
	// CacheWrite1hTokens were written to it for an hour.
	CacheWrite1hTokens int64
	// OutputTokens are all tokens that the model produced.
	OutputTokens int64
	// ReasoningTokens were produced, but not shown.
	ReasoningTokens int64
	// Batch says that the provider's batch discount applies.
	Batch bool
	// Estimated says that the provider did not report the counts. It does not
	// change the price.
	Estimated bool
}

// Clamped is the usage with the rules above enforced: as Cost prices it.
func (u Usage) Clamped() Usage {
	u.InputTokens = max(0, u.InputTokens)
	u.CacheWrite1hTokens = clamp(u.CacheWrite1hTokens, u.InputTokens)
	u.CacheWriteTokens = clamp(u.CacheWriteTokens, u.InputTokens-u.CacheWrite1hTokens)
	u.CachedInputTokens = clamp(u.CachedInputTokens, u.InputTokens-u.CacheWrite1hTokens-u.CacheWriteTokens)
	u.OutputTokens = max(0, u.OutputTokens)
	u.ReasoningTokens = clamp(u.ReasoningTokens, u.OutputTokens)
	return u
}

func clamp(n, limit int64) int64 {
	return max(0, min(n, limit))
}

// tokens counts every token of the clamped usage once, by kind.
func (u *Usage) tokens() [kinds]uint64 {
	return [kinds]uint64{
		input:           uint64(u.InputTokens - u.CachedInputTokens - u.CacheWriteTokens - u.CacheWrite1hTokens),
		cachedInput:     uint64(u.CachedInputTokens),
		cacheWrite:      uint64(u.CacheWriteTokens),
		cacheWrite1h:    uint64(u.CacheWrite1hTokens),
		output:          uint64(u.OutputTokens - u.ReasoningTokens),
		reasoningOutput: uint64(u.ReasoningTokens),
	}
}

const (
	// perPicodollar turns tokens × 10^-15 USD per million tokens into picodollars.
	perPicodollar = 1_000 * 1_000_000
	percent       = 100
)

// Cost is what the usage costs, rounded once, half to even, to the picodollar;
// it saturates at MaxPicodollars and is never negative. A request with more
// input tokens, cached ones included, than a long-context step is billed at
// that step's prices as a whole.
func (r Rates) Cost(u Usage) Picodollars {
	u = u.Clamped()
	counts := u.tokens()
	list := r.pricesFor(u.InputTokens)
	var sum uint128
	for k := range kinds {
		sum = sum.plus(product(counts[k], list[k]))
	}
	if u.Batch && r.discount > 0 {
		return saturated(sum.times(percent - r.discount).divideHalfEven(perPicodollar * percent))
	}
	return saturated(sum.divideHalfEven(perPicodollar))
}

// WorstCase is the most that a request can cost that has at most that many
// input and output tokens, whatever part of them is cached or reasoning: what a
// budget has to reserve. No batch discount is assumed.
func (r Rates) WorstCase(inputTokens, outputTokens int64) Picodollars {
	inputTokens, outputTokens = max(0, inputTokens), max(0, outputTokens)
	worst := worstOf(&r.base, inputTokens, outputTokens)
	for i := range r.bands {
		if r.bands[i].above < inputTokens {
			worst = max(worst, worstOf(&r.bands[i].prices, inputTokens, outputTokens))
		}
	}
	return worst
}

func worstOf(list *prices, inputTokens, outputTokens int64) Picodollars {
	dearestInput := max(list[input], list[cachedInput], list[cacheWrite], list[cacheWrite1h])
	dearestOutput := max(list[output], list[reasoningOutput])
	sum := product(uint64(inputTokens), dearestInput).plus(product(uint64(outputTokens), dearestOutput))
	return saturated(sum.divideHalfEven(perPicodollar))
}

func (r *Rates) pricesFor(inputTokens int64) *prices {
	for i := len(r.bands) - 1; i >= 0; i-- {
		if inputTokens > r.bands[i].above {
			return &r.bands[i].prices
		}
	}
	return &r.base
}

func saturated(u uint128) Picodollars {
	if u.hi > 0 || u.lo > math.MaxInt64 {
		return MaxPicodollars
	}
	return Picodollars(u.lo)
}
