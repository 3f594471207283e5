package patch

import "github.com/tiershift/tiershift/internal/pricing"

// maxTokens is above any count that a provider can mean, and low enough for
// sums of counts to fit.
const maxTokens = 1 << 40

// usage is a usage object as providers write it.
type usage struct {
	found bool
	// prompt, completion and total are OpenAI's.
	prompt, completion, total int64
	// cached and cacheWrite are parts of prompt, reasoning of completion.
	cached, cacheWrite, reasoning int64
	// hit and miss are DeepSeek's: the cached part of prompt and the rest.
	hit, miss int64
}

// usage reads the value at hand if it is an object.
func (d *reader) usage(u *usage) {
	if d.peek() != '{' {
		d.skip()
		return
	}
	*u = usage{}
	d.open()
	for {
		key, ok := d.member()
		if !ok {
			return
		}
		d.usageMember(u, key)
	}
}

func (d *reader) usageMember(u *usage, key []byte) {
	switch string(key) {
	case "prompt_tokens":
		u.found = d.count(&u.prompt) || u.found
	case "completion_tokens":
		u.found = d.count(&u.completion) || u.found
	case "total_tokens":
		d.count(&u.total)
	case "prompt_tokens_details":
		d.promptDetails(u)
	case "completion_tokens_details":
		d.completionDetails(u)
	case "prompt_cache_hit_tokens", "cached_tokens": // the latter is Moonshot's
		d.count(&u.hit)
	case "prompt_cache_miss_tokens":
		d.count(&u.miss)
	case "reasoning_tokens":
		d.count(&u.reasoning)
	default:
		d.skip()
	}
}

func (d *reader) promptDetails(u *usage) {
	if d.peek() != '{' {
		d.skip()
		return
	}
	d.open()
	for {
		key, ok := d.member()
		if !ok {
			return
		}
		switch string(key) {
		case "cached_tokens":
			d.count(&u.cached)
		case "cache_write_tokens":
			d.count(&u.cacheWrite)
		default:
			d.skip()
		}
	}
}

func (d *reader) completionDetails(u *usage) {
	if d.peek() != '{' {
		d.skip()
		return
	}
	d.open()
	for {
		key, ok := d.member()
		if !ok {
			return
		}
		if string(key) == "reasoning_tokens" {
			d.count(&u.reasoning)
		} else {
			d.skip()
		}
	}
}

// count reads a number of tokens; false: the value at hand is none.
func (d *reader) count(n *int64) bool {
	v, ok := d.optionalInt()
	if ok {
		*n = min(max(v, 0), maxTokens)
	}
	return ok
}

// record translates into the meaning that pricing gives the counts, which is
// OpenAI's. Two providers count differently, which total_tokens tells:
//
//   - xAI does not count reasoning_tokens in completion_tokens, but in
//     total_tokens
//     (https://docs.x.ai/docs/key-information/consumption-and-rate-limits);
//   - Gemini's OpenAI endpoint does not count thoughts in completion_tokens, but
//     in total_tokens, and may not report them elsewhere.
//
// So whatever of the total is not prompt was produced by the model.
func (u *usage) record() pricing.Usage {
	prompt := u.prompt
	if prompt == 0 {
		prompt = u.hit + u.miss
	}
	out, reasoning := u.completion, u.reasoning
	switch hidden := u.total - prompt - out; {
	case hidden > 0:
		out += hidden
		if reasoning == 0 {
			reasoning = hidden
		}
	case reasoning > out: // no part of it then, and the total does not say so
		out += reasoning
	}
	return pricing.Usage{
		InputTokens:       prompt,
		CachedInputTokens: max(u.cached, u.hit),
		CacheWriteTokens:  u.cacheWrite,
		OutputTokens:      out,
		ReasoningTokens:   reasoning,
	}
}
