package simulator

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"iter"
	"net/http"
	"strings"
)

// anthropicExchange is one request for a message, and its answer.
type anthropicExchange struct {
	*exchange
	in messagesRequest
	// blocks are the answer, and stop and sequence why it ended.
	blocks   []answerBlock
	stop     string
	sequence *string
	usage    anthropicUsage
}

// answerBlock is a content block of an answer, cut into tokens.
type answerBlock struct {
	kind      string // text, thinking or tool_use
	id, name  string
	signature string
	pieces    []string
}

type anthropicUsage struct {
	InputTokens              int  `json:"input_tokens"`
	CacheCreationInputTokens int  `json:"cache_creation_input_tokens"`
	CacheReadInputTokens     int  `json:"cache_read_input_tokens"`
	CacheCreation            *ttl `json:"cache_creation,omitempty"`
	OutputTokens             int  `json:"output_tokens"`
	OutputTokensDetails      *struct {
		ThinkingTokens int `json:"thinking_tokens"`
	} `json:"output_tokens_details,omitempty"`
	ServiceTier string `json:"service_tier,omitempty"`
}

type ttl struct {
	For5m int `json:"ephemeral_5m_input_tokens"`
	For1h int `json:"ephemeral_1h_input_tokens"`
}

// prepare checks the request and settles its whole answer.
func (x *anthropicExchange) prepare(serial uint64) *apiError {
	if x.req.Model == "" {
		return anthropicBad("model", "Field required")
	}
	if err := x.validate(); err != nil {
		return err
	}
	var ok bool
	if x.model, ok = x.models[x.req.Model]; !ok {
		return errUnknownModel(x.req.Model)
	}
	prompt := countPrompt(x.model.Name, x.req)
	if err := x.checkLengths(&x.model.Model, prompt.tokens); err != nil {
		return err
	}
	cached, written := 0, 0
	life := x.in.cacheTTL()
	if life != "" {
		cached, written = x.cache.use(prompt)
	}
	now := x.cfg.Clock.Now()
	x.c = complete(order{
		req: x.req, model: &x.model.Model, capability: x.model.currentCapability(), seed: x.cfg.Seed, prompt: prompt,
		cached: cached, written: written, serial: serial, created: now.Unix(), dialect: x.dialect,
	})
	x.compose()
	x.account(life)
	latency := x.latency.Load()
	if x.model.Latency != nil {
		latency = x.model.Latency
	}
	x.pace = newPacer(x.cfg.Clock, now, latency, x.rand, x.c.usage.reasoning)
	setTruth(x.w.Header(), x.c)
	return nil
}

// sign signs a thought, so that it is known again in the next turn.
func (x *anthropicExchange) sign(thought string) string {
	b := binary.BigEndian.AppendUint64([]byte("simulated"), mix(x.cfg.Seed, hashText("thought", thought)))
	return base64.StdEncoding.EncodeToString(b)
}

// compose turns the completion into blocks.
func (x *anthropicExchange) compose() {
	ch := &x.c.choices[0]
	if x.in.Thinking.on() && x.c.usage.reasoning > 0 {
		thought := "This is about " + strings.Join(topics(x.req.prompt()), ", ") + ". A short, complete answer fits."
		if x.in.Thinking.Display == "omitted" {
			thought = ""
		}
		x.blocks = append(x.blocks, answerBlock{kind: "thinking", signature: x.sign(thought), pieces: pieces(thought)})
	}
	x.stop = "end_turn"
	x.cutAtStop(ch)
	switch {
	case ch.finish == finishLength:
		x.stop = "max_tokens"
	case ch.refused:
		x.stop = "refusal"
	case len(ch.calls) > 0:
		x.stop = "tool_use"
	}
	if len(ch.content) > 0 {
		x.blocks = append(x.blocks, answerBlock{kind: "text", pieces: ch.content})
	}
	for _, call := range ch.calls {
		id := "toolu_" + strings.TrimPrefix(call.id, "call_")
		x.blocks = append(x.blocks, answerBlock{kind: "tool_use", id: id, name: call.name, pieces: call.arguments})
	}
}

// cutAtStop ends a text where a stop sequence comes first.
func (x *anthropicExchange) cutAtStop(ch *choice) {
	text := joined(ch.content)
	at := len(text)
	for _, s := range x.in.StopSequences {
		if i := strings.Index(text, s); i >= 0 && i < at {
			at, x.sequence = i, &s
		}
	}
	if x.sequence == nil {
		return
	}
	before := len(ch.content)
	ch.content = pieces(text[:at])
	ch.finish, x.stop = finishStop, "stop_sequence"
	x.c.usage.completion -= before - len(ch.content)
}

// account settles the usage. Input tokens leave out what was read from and
// written to the cache.
func (x *anthropicExchange) account(life string) {
	u := x.c.usage
	x.usage = anthropicUsage{
		InputTokens: u.prompt - u.cached - u.cacheWritten, CacheCreationInputTokens: u.cacheWritten,
		CacheReadInputTokens: u.cached, OutputTokens: u.completion, ServiceTier: "standard",
		CacheCreation: &ttl{For5m: u.cacheWritten},
	}
	if life == "1h" {
		x.usage.CacheCreation = &ttl{For1h: u.cacheWritten}
	}
	if u.reasoning > 0 {
		x.usage.OutputTokensDetails = &struct {
			ThinkingTokens int `json:"thinking_tokens"`
		}{u.reasoning}
	}
}

// answer sends the answer, and counts what it cost, however it ends.
func (x *anthropicExchange) answer() {
	defer func() {
		u := x.c.usage
		u.completion = min(u.reasoning+x.sent, u.completion)
		x.count.charge(x.model.Name, u)
	}()
	complete := false
	if x.in.Stream {
		complete = x.stream()
	} else {
		x.whole = encode(x.message(false), "")
		complete = x.document()
	}
	if !complete {
		x.abandon()
	}
}

// message is the answer as a document; started is that of message_start, of
// which nothing is said yet.
func (x *anthropicExchange) message(started bool) map[string]any {
	u, content := x.usage, []any{}
	m := map[string]any{
		"id": x.c.id, "type": "message", "role": "assistant", "model": x.c.model, "stop_reason": nil, "stop_sequence": nil,
	}
	if started {
		u.OutputTokens, u.OutputTokensDetails = 1, nil
	} else {
		m["stop_reason"], m["stop_sequence"] = x.stop, x.sequence
		for _, b := range x.blocks {
			content = append(content, b.json(joined(b.pieces), b.signature))
		}
	}
	m["content"] = content
	if !x.fault.shape.NoUsage {
		m["usage"] = u
	}
	return m
}

// json is the block with so much of its content.
func (b *answerBlock) json(said, signature string) map[string]any {
	switch b.kind {
	case "thinking":
		return map[string]any{"type": b.kind, "thinking": said, "signature": signature}
	case "tool_use":
		input := json.RawMessage(said)
		if !json.Valid(input) { // cut short
			input = json.RawMessage("{}")
		}
		return map[string]any{"type": b.kind, "id": b.id, "name": b.name, "input": input}
	default:
		return map[string]any{"type": b.kind, "text": said}
	}
}

// namedFrame is one event of a stream, and the tokens it brings.
type namedFrame struct {
	name   string
	data   map[string]any
	tokens int
}

// frames yields the events of the stream
// (https://platform.claude.com/docs/en/build-with-claude/streaming).
func (x *anthropicExchange) frames() iter.Seq[namedFrame] {
	return func(yield func(namedFrame) bool) {
		ok := yield(namedFrame{"message_start", map[string]any{"message": x.message(true)}, 0}) &&
			yield(namedFrame{"ping", map[string]any{}, 0})
		for i := range x.blocks {
			ok = ok && x.blockFrames(i, yield)
		}
		usage := x.usage
		usage.CacheCreation, usage.ServiceTier = nil, ""
		end := map[string]any{"delta": map[string]any{"stop_reason": x.stop, "stop_sequence": x.sequence}, "usage": usage}
		if x.fault.shape.NoUsage {
			delete(end, "usage")
		}
		_ = ok && yield(namedFrame{"message_delta", end, 0}) &&
			(x.fault.shape.NoDone || yield(namedFrame{"message_stop", map[string]any{}, 0}))
	}
}

// blockFrames yields the events of one block.
func (x *anthropicExchange) blockFrames(i int, yield func(namedFrame) bool) bool {
	b := &x.blocks[i]
	kind, member, cost, start := "text_delta", "text", 0, ""
	switch b.kind {
	case "thinking":
		kind, member = "thinking_delta", "thinking"
	case "tool_use":
		kind, member, start = "input_json_delta", "partial_json", "{}"
		cost = callOverhead + Tokens(b.name)
	}
	if !yield(namedFrame{"content_block_start", map[string]any{"index": i, "content_block": b.json(start, "")}, cost}) {
		return false
	}
	delta := func(kind, member, value string, tokens int) bool {
		return yield(namedFrame{"content_block_delta", map[string]any{"index": i, "delta": map[string]string{"type": kind, member: value}}, tokens})
	}
	for _, p := range b.pieces {
		tokens := 1
		if b.kind == "thinking" { // its tokens are those of reasoning
			tokens = 0
		}
		if !delta(kind, member, p, tokens) {
			return false
		}
	}
	if b.kind == "thinking" && !delta("signature_delta", "signature", b.signature, 0) {
		return false
	}
	return yield(namedFrame{"content_block_stop", map[string]any{"index": i}, 0})
}

// stream sends the answer as events, and reports whether the client stayed.
func (x *anthropicExchange) stream() bool {
	x.count.update(func(s *Stats) { s.OpenStreams++ })
	defer x.count.update(func(s *Stats) { s.OpenStreams-- })
	x.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	x.w.Header().Set("Cache-Control", "no-cache")
	out := &eventWriter{w: x.w, exchange: x.exchange}
	if x.fault.shape.KeepAliveComments {
		out.line(": keep-alive")
	}
	events := 0
	for range x.frames() {
		events++
	}
	left := x.breakPoint(events)
	for f := range x.frames() {
		f.data["type"] = f.name
		data := encode(f.data, "")
		if left == 0 {
			return x.breakMessages(out, f.name, data)
		}
		left--
		if x.pace.wait(x.ctx, x.sent+f.tokens) != nil {
			return false
		}
		x.sent += f.tokens
		if out.named(f.name, data); out.err != nil {
			return false
		}
	}
	return out.err == nil
}

// breakMessages ends the stream at an event as the fault demands.
func (x *anthropicExchange) breakMessages(out *eventWriter, name string, data []byte) bool {
	switch x.fault.kind {
	case faultErrorEvent:
		_, body := anthropicError(newError(http.StatusInternalServerError, "", "", ""))
		out.named("error", encode(body, ""))
	case faultGarbage:
		out.named(name, data[:len(data)/2])
	}
	return x.breakOff() && out.err == nil
}

// named writes an event with a name.
func (e *eventWriter) named(name string, payload []byte) {
	end := "\n"
	if e.exchange.fault.shape.CRLF {
		end = "\r\n"
	}
	e.buf = append(append(e.buf[:0], "event: "...), name...)
	e.buf = append(append(e.buf, end+"data: "...), payload...)
	e.send()
}
