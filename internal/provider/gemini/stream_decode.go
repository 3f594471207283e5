package gemini

import (
	"encoding/json"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
)

// NewStreamDecoder implements [chat.Codec]. The stream is that of alt=sse: each
// event is a GenerateContentResponse that adds to those before.
func (Codec) NewStreamDecoder() chat.StreamDecoder { return &streamDecoder{} }

type streamDecoder struct {
	started, failed bool
	// response and usage are what the events point to.
	response chat.Response
	usage    chat.Response
	seen     pricing.Usage
	choices  []choiceState
	made     int
}

// choiceState is how far a choice has come.
type choiceState struct {
	index int64
	// parts are those begun; open is the kind of the last one if it goes on.
	parts    int64
	open     chat.Kind
	called   bool
	finished bool
}

// Decode implements [chat.StreamDecoder].
func (d *streamDecoder) Decode(dst []chat.Event, _ string, data []byte) ([]chat.Event, error) {
	if !json.Valid(data) {
		if v := document(data); v.kind() == '[' && string(v) == "[DONE]" { // some gateways add it
			return dst, nil
		}
		return dst, errNotJSON
	}
	c := d.read(document(data))
	switch {
	case c.failed:
		d.failed = true
		return append(dst, chat.Event{Kind: chat.EventError, Err: Codec{}.DecodeError(0, data)}), nil
	case !c.known:
		return dst, errNotAnswer
	}
	return d.answer(dst, &c), nil
}

// chunk is what one event says: known that it is an answer, failed that it is an
// error, blocked that the prompt was.
type chunk struct {
	candidates, usage      value
	known, failed, blocked bool
}

func (d *streamDecoder) read(v value) (c chunk) {
	for m := range v.members {
		switch string(camel(m.name)) {
		case "candidates":
			c.candidates, c.known = m.value, true
		case "usageMetadata":
			c.usage, c.known = m.value, true
		case "promptFeedback":
			c.known, c.blocked = true, m.get("blockReason") != nil
		case "modelVersion":
			c.known = true
			once(&d.response.Model, m.value)
		case "responseId":
			c.known = true
			once(&d.response.ID, m.value)
		case "error":
			c.failed = true
		}
	}
	return c
}

// once keeps what every event repeats.
func once(s *string, v value) {
	if *s == "" {
		*s = v.text()
	}
}

func (d *streamDecoder) answer(dst []chat.Event, said *chunk) []chat.Event {
	if !d.started {
		d.started = true
		dst = append(dst, chat.Event{Kind: chat.EventStart, Response: &d.response})
	}
	for _, c := range said.candidates.elements {
		dst = d.candidate(dst, c)
	}
	if u, ok := readUsage(said.usage); ok && u != d.seen {
		d.seen = u
		d.usage.Usage, d.usage.HasUsage = u, true
		dst = append(dst, chat.Event{Kind: chat.EventUsage, Response: &d.usage})
	}
	if said.blocked && len(d.choices) == 0 {
		d.choices = append(d.choices, choiceState{finished: true})
		dst = append(dst, chat.Event{Kind: chat.EventFinish, Finish: chat.FinishContentFilter})
	}
	return dst
}

// choice is the state of the choice of that index.
func (d *streamDecoder) choice(index int64) *choiceState {
	for i := range d.choices {
		if d.choices[i].index == index {
			return &d.choices[i]
		}
	}
	d.choices = append(d.choices, choiceState{index: index})
	return &d.choices[len(d.choices)-1]
}

func (d *streamDecoder) candidate(dst []chat.Event, v value) []chat.Event {
	var index int64
	var parts value
	reason, sourced := "", false
	var logProbs value
	for m := range v.members {
		switch string(camel(m.name)) {
		case "index":
			index = m.count()
		case "content":
			parts = m.get("parts")
		case "finishReason":
			reason = m.text()
		case "logprobsResult":
			logProbs = m.value
		case "citationMetadata", "groundingMetadata":
			sourced = true
		}
	}
	c := d.choice(index)
	for _, p := range parts.elements {
		if part, ok := readPart(p); ok {
			dst = d.part(dst, c, &part)
		}
	}
	if sourced {
		dst = c.cite(dst, citations(v))
	}
	if logProbs != nil {
		dst = append(dst, chat.Event{Kind: chat.EventLogProbs, Choice: index, JSON: readLogProbs(logProbs)})
	}
	return c.finish(dst, reason)
}

// cite gives the sources of the answer so far to the text at hand.
func (c *choiceState) cite(dst []chat.Event, sources json.RawMessage) []chat.Event {
	if sources == nil {
		return dst
	}
	dst = c.enter(dst, chat.KindText)
	e := c.event(chat.EventCitations)
	e.JSON = sources
	return append(dst, e)
}

// part appends what a part says: text goes on with the part before if that is of
// its kind and was not signed; anything else is a part of its own.
func (d *streamDecoder) part(dst []chat.Event, c *choiceState, p *chat.Part) []chat.Event {
	switch p.Kind {
	case chat.KindText, chat.KindThinking:
		if dst = c.enter(dst, p.Kind); p.Text != "" {
			dst = append(dst, c.event(chat.EventText))
			dst[len(dst)-1].Text = p.Text
		}
		if p.Signature == "" {
			return dst
		}
	case chat.KindToolCall:
		if c.called = true; p.Call.ID == "" {
			p.Call.ID = callID(d.response.ID, d.made)
			d.made++
		}
		dst = c.begin(dst, &chat.Part{Kind: p.Kind, Call: &chat.ToolCall{ID: p.Call.ID, Name: p.Call.Name}})
		dst = append(dst, c.event(chat.EventArguments))
		dst[len(dst)-1].Text = p.Call.Arguments
	default:
		dst = c.begin(dst, p)
	}
	if p.Signature != "" {
		dst = append(dst, c.event(chat.EventSignature))
		dst[len(dst)-1].Text = p.Signature
	}
	return c.end(dst)
}

// The starts of the parts that come with every answer.
var (
	textStart     = &chat.Part{Kind: chat.KindText}
	thinkingStart = &chat.Part{Kind: chat.KindThinking}
)

// enter begins a part of text of that kind, unless one is open.
func (c *choiceState) enter(dst []chat.Event, kind chat.Kind) []chat.Event {
	switch {
	case c.open == kind:
		return dst
	case kind == chat.KindThinking:
		return c.begin(dst, thinkingStart)
	}
	return c.begin(dst, textStart)
}

func (c *choiceState) begin(dst []chat.Event, start *chat.Part) []chat.Event {
	dst = c.end(dst)
	c.open = start.Kind
	c.parts++
	e := c.event(chat.EventPartStart)
	e.Start = start
	return append(dst, e)
}

func (c *choiceState) end(dst []chat.Event) []chat.Event {
	if c.open == 0 {
		return dst
	}
	c.open = 0
	return append(dst, c.event(chat.EventPartEnd))
}

func (c *choiceState) event(kind chat.EventKind) chat.Event {
	return chat.Event{Kind: kind, Choice: c.index, Part: c.parts - 1}
}

func (c *choiceState) finish(dst []chat.Event, reason string) []chat.Event {
	if reason == "" || c.finished {
		return dst
	}
	c.finished = true
	return append(c.end(dst), chat.Event{Kind: chat.EventFinish, Choice: c.index, Finish: finishOf(reason, c.called)})
}

// End implements [chat.StreamDecoder]: the wire has no mark of its end, so the
// answer was whole if every choice told why it ended.
func (d *streamDecoder) End(dst []chat.Event) []chat.Event {
	if d.failed || len(d.choices) == 0 {
		return dst
	}
	for i := range d.choices {
		if !d.choices[i].finished {
			return dst
		}
	}
	return append(dst, chat.Event{Kind: chat.EventEnd})
}
