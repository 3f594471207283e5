package simulator

import (
	"maps"
	"net/http"
	"slices"
	"sync"
)

// Stats is what a provider has seen so far.
type Stats struct {
	// Requests are all requests, whatever came of them.
	Requests int64
	// Cancelled are those whose client went away before the answer was complete.
	Cancelled int64
	// OpenStreams are the streams being sent now.
	OpenStreams int64
	// TokensGenerated are the output tokens of all answers, reasoning included,
	// also of those that were cut or cancelled.
	TokensGenerated int64
	// Faults are the faults injected: "429", "hang", "cut" and so on.
	Faults map[string]int64
	// Models is what each model was asked for, and would be charged for.
	Models map[string]ModelStats
}

// ModelStats is what one model would be charged for, in tokens.
type ModelStats struct {
	// Requests are those that the model began to answer.
	Requests int64
	// PromptTokens include CachedTokens, CompletionTokens include ReasoningTokens.
	PromptTokens, CachedTokens, CompletionTokens, ReasoningTokens int64
	// CacheWriteTokens are those of the prompt that are charged for being cached:
	// none, of models that do not report them.
	CacheWriteTokens int64
}

// RecordedRequest is a request as it arrived, keys and prompts included.
type RecordedRequest struct {
	Method, Path string
	Header       http.Header
	Body         []byte
}

type counters struct {
	mu       sync.Mutex
	stats    Stats
	limit    int // of recorded
	recorded []RecordedRequest
}

func newCounters(record int) *counters {
	return &counters{
		limit: record,
		stats: Stats{Faults: map[string]int64{}, Models: map[string]ModelStats{}},
	}
}

func (c *counters) update(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.stats)
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Faults, s.Models = maps.Clone(s.Faults), maps.Clone(s.Models)
	return s
}

// charge counts what a model was asked and has generated.
func (c *counters) charge(model string, u usage) {
	c.update(func(s *Stats) {
		m := s.Models[model]
		m.Requests++
		m.PromptTokens += int64(u.prompt)
		m.CachedTokens += int64(u.cached)
		m.CompletionTokens += int64(u.completion)
		m.ReasoningTokens += int64(u.reasoning)
		if u.reportWrites {
			m.CacheWriteTokens += int64(u.cacheWritten)
		}
		s.Models[model] = m
		s.TokensGenerated += int64(u.completion)
	})
}

// arrived counts a request, and records it if that is wanted.
func (c *counters) arrived(r *http.Request, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Requests++
	if c.limit <= 0 {
		return
	}
	if len(c.recorded) == c.limit {
		c.recorded = slices.Delete(c.recorded, 0, 1)
	}
	c.recorded = append(c.recorded, RecordedRequest{r.Method, r.URL.Path, r.Header.Clone(), slices.Clone(body)})
}

func (c *counters) requests() []RecordedRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.recorded)
}
