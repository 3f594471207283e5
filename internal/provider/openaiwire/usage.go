package openaiwire

import "github.com/tiershift/tiershift/internal/pricing"

// maxTokens is above any count that a provider can mean, and low enough for sums
// of counts to fit.
const maxTokens = 1 << 40

func count(v Value) int64 {
	f, _ := v.Float()
	return int64(min(max(f, 0), maxTokens))
}

// counts are those of a usage object.
type counts struct {
	found                                 bool
	prompt, completion, total             int64
	cached, hit, miss, written, reasoning int64
}

// ReadUsage reads a usage object of either wire into the meaning of pricing,
// which is OpenAI's; false: there is none. Two providers count differently, which
// total_tokens tells: xAI does not count reasoning in completion_tokens
// (https://docs.x.ai/docs/key-information/consumption-and-rate-limits), Gemini's
// OpenAI endpoint not its thoughts. Whatever of the total is not prompt was
// produced by the model.
func ReadUsage(v Value) (pricing.Usage, bool) {
	var c counts
	for name, value := range v.Members() {
		c.member(name, value)
	}
	if c.prompt == 0 {
		c.prompt = c.hit + c.miss
	}
	out, reasoning := c.completion, c.reasoning
	switch hidden := c.total - c.prompt - out; {
	case hidden > 0:
		out += hidden
		if reasoning == 0 {
			reasoning = hidden
		}
	case reasoning > out:
		out += reasoning
	}
	return pricing.Usage{
		InputTokens: c.prompt, CachedInputTokens: max(c.cached, c.hit), CacheWriteTokens: c.written,
		OutputTokens: out, ReasoningTokens: reasoning,
	}, c.found
}

func (c *counts) member(name []byte, v Value) {
	switch string(name) {
	case "prompt_tokens", "input_tokens":
		c.prompt, c.found = count(v), c.found || v.Given()
	case "completion_tokens", "output_tokens":
		c.completion, c.found = count(v), c.found || v.Given()
	case "total_tokens":
		c.total = count(v)
	case "prompt_cache_hit_tokens", "cached_tokens": // DeepSeek's and Moonshot's
		c.hit = count(v)
	case "prompt_cache_miss_tokens":
		c.miss = count(v)
	case "reasoning_tokens":
		c.reasoning = count(v)
	case "prompt_tokens_details", "input_tokens_details":
		c.cached, c.written = count(v.Get("cached_tokens")), count(v.Get("cache_write_tokens"))
	case "completion_tokens_details", "output_tokens_details":
		c.reasoning = max(c.reasoning, count(v.Get("reasoning_tokens")))
	}
}
