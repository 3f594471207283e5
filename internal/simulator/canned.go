package simulator

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"
)

// Canned is a fixed answer for benchmarks. Requests are read and their key is
// checked, but they are neither decoded nor validated; latency, faults and the
// prompt cache do not apply. The answer names the provider's first model.
type Canned struct {
	// Tokens is the length of the answer, at least 1.
	Tokens int
	// PromptTokens is what its usage states for the prompt; 0 means 500.
	PromptTokens int
	// FlushEvery sends that many events of a stream at a time; 0 means 1.
	FlushEvery int
	// Interval is the time between two sends, to hold many streams open.
	Interval time.Duration
}

// cannedAnswer is the answer, ready to be written.
type cannedAnswer struct {
	model     string
	usage     usage
	interval  time.Duration
	clock     Clock
	body      []byte
	stream    [][]byte // without usage
	withUsage [][]byte

	jsonType, streamType, length []string
}

func newCannedAnswer(c Canned, m Model, d dialect, seed uint64, clock Clock) *cannedAnswer {
	if c.PromptTokens == 0 {
		c.PromptTokens = 500
	}
	t := &task{model: &m, prompt: "canned", rand: draws(seed, 0), result: Result{Well, 1}}
	text := make([]string, 0, c.Tokens)
	for len(text) < c.Tokens {
		text = append(text, pieces(" "+t.prose())...)
	}
	answer := &completion{
		id: d.id(draws(seed, 1)), created: clock.Now().Unix(), model: m.Name, fingerprint: "fp_" + token(draws(seed, 2), hexDigits, 10),
		tier: "default", usage: usage{prompt: c.PromptTokens, completion: c.Tokens},
		choices: []choice{{content: text[:c.Tokens], finish: finishStop}},
	}
	body := encodeJSON(answer, d, &request{}, false)
	return &cannedAnswer{
		model: m.Name, usage: answer.usage, interval: c.Interval, clock: clock, body: body,
		stream:    cannedStream(answer, d, false, c.FlushEvery),
		withUsage: cannedStream(answer, d, true, c.FlushEvery),
		jsonType:  []string{"application/json"}, streamType: []string{"text/event-stream; charset=utf-8"},
		length: []string{strconv.Itoa(len(body))},
	}
}

// cannedStream is a stream, cut into the parts that are sent at a time.
func cannedStream(c *completion, d dialect, withUsage bool, every int) [][]byte {
	r := &request{StreamOptions: &streamOptions{IncludeUsage: withUsage}}
	var out [][]byte
	events := 0
	event := func(data []byte) {
		if events%max(every, 1) == 0 {
			out = append(out, nil)
		}
		events++
		last := &out[len(out)-1]
		*last = append(append(append(*last, "data: "...), data...), "\n\n"...)
	}
	for f := range newChunker(c, d, r, &Faults{}).frames() {
		event(f.data)
	}
	event([]byte("[DONE]"))
	return out
}

func (a *cannedAnswer) serve(ctx context.Context, w http.ResponseWriter, body []byte, count *counters) {
	count.charge(a.model, a.usage)
	h := w.Header()
	if !flagSet(body, streamFlag) {
		h["Content-Type"], h["Content-Length"] = a.jsonType, a.length
		_, _ = w.Write(a.body)
		return
	}
	h["Content-Type"] = a.streamType
	parts := a.stream
	if flagSet(body, usageFlag) {
		parts = a.withUsage
	}
	count.update(func(s *Stats) { s.OpenStreams++ })
	complete := a.send(ctx, w, parts)
	count.update(func(s *Stats) {
		s.OpenStreams--
		if !complete {
			s.Cancelled++
		}
	})
}

// send writes the parts of a stream, and reports whether the client stayed.
func (a *cannedAnswer) send(ctx context.Context, w http.ResponseWriter, parts [][]byte) bool {
	flush := http.NewResponseController(w)
	for i, part := range parts {
		if i > 0 && a.interval > 0 && a.clock.Sleep(ctx, a.interval) != nil {
			return false
		}
		if _, err := w.Write(part); err != nil {
			return false
		}
		_ = flush.Flush()
	}
	return true
}

var (
	streamFlag = []byte(`"stream"`)
	usageFlag  = []byte(`"include_usage"`)
)

// flagSet reports whether a JSON document holds the quoted name with the value
// true. It does not decode: within a string, the closing quote of the name
// would be escaped and so not be found.
func flagSet(body, name []byte) bool {
	for {
		i := bytes.Index(body, name)
		if i < 0 {
			return false
		}
		body = body[i+len(name):]
		rest := bytes.TrimLeft(body, " \t\r\n")
		if len(rest) > 0 && rest[0] == ':' {
			return bytes.HasPrefix(bytes.TrimLeft(rest[1:], " \t\r\n"), []byte("true"))
		}
	}
}
