package simulator

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// Response headers that state the truth about an answer, between 0 and 1: how
// good the first choice is, and how hard its prompt was.
const (
	QualityHeader    = "x-simulator-quality"
	DifficultyHeader = "x-simulator-difficulty"
)

// The rate limits that headers state, per minute. They are not enforced: use
// [Faults] to be limited.
const (
	requestLimit = 10_000
	tokenLimit   = 10_000_000
)

// setHeaders sets the headers that every answer has. The tokens are those that
// the request took from the rate limit.
func (p *Provider) setHeaders(h http.Header, serial uint64, tokens int) {
	r := draws(mix(p.cfg.Seed, hashText(p.cfg.Name)), serial)
	id := token(r, hexDigits, 32)
	if p.cfg.Dialect == Mistral {
		h.Set("mistral-correlation-id", id)
		return
	}
	if p.cfg.Dialect == Anthropic {
		setAnthropicHeaders(h, id)
		return
	}
	h.Set("x-request-id", "req_"+id)
	if !p.dialect.rateLimits {
		return
	}
	h.Set("openai-version", "2020-10-01")
	h.Set("openai-organization", "org-simulated")
	h.Set("openai-processing-ms", strconv.Itoa(10+r.IntN(40)))
	h.Set("x-ratelimit-limit-requests", strconv.Itoa(requestLimit))
	h.Set("x-ratelimit-limit-tokens", strconv.Itoa(tokenLimit))
	h.Set("x-ratelimit-remaining-requests", strconv.Itoa(requestLimit-1))
	h.Set("x-ratelimit-remaining-tokens", strconv.Itoa(max(tokenLimit-tokens, 0)))
	h.Set("x-ratelimit-reset-requests", "6ms")
	h.Set("x-ratelimit-reset-tokens", "0s")
}

// setRetryAfter asks the client to wait: in whole seconds, rounded up, and in
// milliseconds. A 429 has used up its limit.
func (p *Provider) setRetryAfter(h http.Header, status int, wait time.Duration) {
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		h.Set("retry-after-ms", strconv.FormatInt(wait.Milliseconds(), 10))
	}
	if status == http.StatusTooManyRequests && p.dialect.rateLimits {
		h.Set("x-ratelimit-remaining-requests", "0")
		h.Set("x-ratelimit-reset-requests", wait.String())
	}
}

// setTruth states the quality and the difficulty of an answer.
func setTruth(h http.Header, c *completion) {
	h.Set(QualityHeader, strconv.FormatFloat(c.choices[0].quality, 'f', 2, 64))
	h.Set(DifficultyHeader, strconv.FormatFloat(c.difficulty, 'f', 2, 64))
}

// writeError answers with an error in the provider's shape.
func (p *Provider) writeError(w http.ResponseWriter, e *apiError) {
	status, body := p.dialect.err(e)
	h := w.Header()
	if h.Get("x-request-id") == "" {
		p.setHeaders(h, p.serial.Add(1), 0)
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(encode(body, p.dialect.indent+p.dialect.indent))
}
