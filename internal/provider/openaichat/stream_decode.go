package openaichat

import (
	"errors"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// errNoChunk is an event that is none of this wire.
var errNoChunk = errors.New("the provider's stream has an event that is no JSON object")

// errInterleaved is a stream that goes back to a tool call that it had left.
var errInterleaved = errors.New("the provider's stream interleaves the arguments of tool calls")

// maxChoices bounds the choices of a stream, and with them what is kept of it.
const maxChoices = 128

// errTooManyChoices is a stream beyond what this wire allows.
var errTooManyChoices = errors.New("the provider's stream has more than 128 choices")

// streamDecoder reads the chunks of a stream.
type streamDecoder struct {
	head    chat.Response
	usage   chat.Response
	choices []*choiceState
	started bool
	// over is true after the end or an error: what follows is not read.
	over bool
}

// choiceState is one choice of a stream.
type choiceState struct {
	index int64
	// answer is the id of the whole.
	answer string
	// open is the kind of the part at hand; 0: none. part counts the parts.
	open chat.Kind
	part int64
	// callAt is the provider's index of the open tool call, and callID its id.
	callAt int64
	callID string
	// calls counts the tool calls, lastCall is the highest index of them.
	calls, lastCall int64
	finished        bool
}

// NewStreamDecoder reads one stream of chunks.
func (Codec) NewStreamDecoder() chat.StreamDecoder { return &streamDecoder{} }

// Decode reads a chunk, an error event or [DONE].
func (d *streamDecoder) Decode(dst []chat.Event, name string, data []byte) ([]chat.Event, error) {
	if d.over {
		return dst, nil
	}
	if string(data) == "[DONE]" {
		return d.end(dst), nil
	}
	v, ok := openaiwire.Parse(data)
	if !ok || !v.IsObject() {
		return dst, errNoChunk
	}
	c := d.read(v)
	if name == "error" || c.err.Given() {
		return d.fail(dst, data), nil
	}
	return d.chunk(dst, c.choices, c.usage, data)
}

// chunk is what a chunk says of more than the whole.
type chunk struct{ choices, usage, err value }

func (d *streamDecoder) read(v value) (c chunk) {
	for name, member := range v.Members() {
		switch string(name) {
		case "choices":
			c.choices = member
		case "usage":
			c.usage = member
		case "x_groq":
			if inner := member.Get("usage"); inner.IsObject() && !c.usage.Given() {
				c.usage = inner
			}
		case "error":
			c.err = member
		default:
			if !d.started {
				readHead(&d.head, name, member)
			}
		}
	}
	return c
}

func (d *streamDecoder) chunk(dst []chat.Event, choices, usage value, data []byte) ([]chat.Event, error) {
	if !d.started {
		if string(choices) <= "[]" && !usage.Given() { // such as Azure's note on the prompt
			return dst, nil
		}
		d.started = true
		dst = append(dst, chat.Event{Kind: chat.EventStart, Response: &d.head})
	}
	for _, v := range choices.Elements() {
		var err error
		c := readChunkChoice(v)
		if dst, err = d.choice(dst, c); err != nil {
			return dst, err
		}
		if c.reason.Is("error") { // OpenRouter
			return d.fail(dst, data), nil
		}
	}
	if u, ok := openaiwire.ReadUsage(usage); ok {
		d.usage.Usage, d.usage.HasUsage = u, true
		dst = append(dst, chat.Event{Kind: chat.EventUsage, Response: &d.usage})
	}
	return dst, nil
}

func (d *streamDecoder) fail(dst []chat.Event, data []byte) []chat.Event {
	d.over = true
	return append(dst, chat.Event{Kind: chat.EventError, Err: openaiwire.DecodeError(0, data)})
}

func (d *streamDecoder) end(dst []chat.Event) []chat.Event {
	d.over = true
	if !d.started {
		return dst
	}
	for _, c := range d.choices {
		dst = c.close(dst)
	}
	return append(dst, chat.Event{Kind: chat.EventEnd})
}

// End is for the servers that send no [DONE]: the answer is whole if each choice
// has its finish reason.
func (d *streamDecoder) End(dst []chat.Event) []chat.Event {
	if d.over || len(d.choices) == 0 {
		return dst
	}
	for _, c := range d.choices {
		if !c.finished {
			return dst
		}
	}
	return d.end(dst)
}

func (d *streamDecoder) state(index int64) *choiceState {
	for _, c := range d.choices {
		if c.index == index {
			return c
		}
	}
	c := &choiceState{index: index, answer: d.head.ID, part: -1, lastCall: -1}
	d.choices = append(d.choices, c)
	return c
}

// chunkChoice is what a chunk says of one choice.
type chunkChoice struct {
	index                   int64
	delta, logprobs, reason value
}

func readChunkChoice(v value) (c chunkChoice) {
	for name, member := range v.Members() {
		switch string(name) {
		case "index":
			c.index, _ = member.Int()
		case "delta":
			c.delta = member
		case "logprobs":
			c.logprobs = member
		case "finish_reason":
			c.reason = member
		}
	}
	return c
}

func (d *streamDecoder) choice(dst []chat.Event, said chunkChoice) ([]chat.Event, error) {
	if said.index < 0 || said.index >= maxChoices {
		return dst, errTooManyChoices
	}
	c := d.state(said.index)
	if c.finished {
		return dst, nil
	}
	dst, err := c.delta(dst, said.delta)
	if err != nil {
		return dst, err
	}
	if said.logprobs.IsObject() {
		dst = append(dst, chat.Event{Kind: chat.EventLogProbs, Choice: c.index, Part: max(c.part, 0), JSON: said.logprobs.Raw()})
	}
	if reason := said.reason; reason.Given() && !reason.Is("error") && !reason.Is("") {
		dst = c.close(dst)
		c.finished = true
		dst = append(dst, chat.Event{Kind: chat.EventFinish, Choice: c.index, Finish: finishOf(reason, c.calls > 0)})
	}
	return dst, nil
}

// delta is what a chunk adds to one choice.
type delta struct {
	thought, details, content, refusal, calls, legacy, notes value
	// signed is the delta itself if it may have a thought signature.
	signed value
}

func readDelta(v value) (d delta) {
	for name, member := range v.Members() {
		switch string(name) {
		case "reasoning_content", "reasoning":
			if len(member) > len(`""`) {
				d.thought = member
			}
		case "reasoning_details":
			d.details = member
		case "content":
			d.content = member
		case "refusal":
			d.refusal = member
		case "tool_calls":
			d.calls = member
		case "function_call":
			d.legacy = member
		case "annotations":
			d.notes = member
		case "extra_content":
			d.signed = v
		}
	}
	return d
}

func (c *choiceState) delta(dst []chat.Event, v value) ([]chat.Event, error) {
	d := readDelta(v)
	dst = c.thought(dst, d.thought.Text(), d.details)
	dst = c.content(dst, d.content)
	dst = c.text(dst, chat.KindRefusal, d.refusal.Text())
	if d.notes.IsArray() && string(d.notes) != "[]" && c.open == chat.KindText {
		dst = append(dst, chat.Event{Kind: chat.EventCitations, Choice: c.index, Part: c.part, JSON: d.notes.Raw()})
	}
	if signature := thoughtSignature(d.signed); signature != "" && c.open != 0 {
		dst = append(dst, chat.Event{Kind: chat.EventSignature, Choice: c.index, Part: c.part, Text: signature})
	}
	if d.legacy.IsObject() {
		return c.call(dst, 0, "", d.legacy, d.legacy)
	}
	for _, call := range d.calls.Elements() {
		var err error
		at, _ := call.Get("index").Int()
		if dst, err = c.call(dst, at, call.Get("id").Text(), call.Get("function"), call); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// thought reads what is thought aloud, and the details that sign it.
func (c *choiceState) thought(dst []chat.Event, text string, details value) []chat.Event {
	dst = c.text(dst, chat.KindThinking, text)
	for _, p := range thoughtDetails(details) {
		switch {
		case p.Kind == chat.KindRedactedThinking:
			dst = c.begin(dst, &p)
			dst = c.close(dst)
			continue
		case text == "":
			dst = c.text(dst, chat.KindThinking, p.Text)
		}
		if p.Signature != "" {
			if c.open != chat.KindThinking {
				dst = c.begin(dst, &chat.Part{Kind: chat.KindThinking})
			}
			dst = append(dst, chat.Event{Kind: chat.EventSignature, Choice: c.index, Part: c.part, Text: p.Signature})
		}
	}
	return dst
}

func (c *choiceState) content(dst []chat.Event, v value) []chat.Event {
	if !v.IsArray() {
		return c.text(dst, chat.KindText, v.Text())
	}
	for _, p := range answerParts(v) {
		dst = c.text(dst, p.Kind, p.Text)
	}
	return dst
}

// text adds to the part at hand, or begins one of that kind.
func (c *choiceState) text(dst []chat.Event, kind chat.Kind, text string) []chat.Event {
	if text == "" {
		return dst
	}
	if c.open != kind {
		dst = c.begin(dst, &chat.Part{Kind: kind})
	}
	return append(dst, chat.Event{Kind: chat.EventText, Choice: c.index, Part: c.part, Text: text})
}

func (c *choiceState) begin(dst []chat.Event, p *chat.Part) []chat.Event {
	dst = c.close(dst)
	c.open = p.Kind
	c.part++
	return append(dst, chat.Event{Kind: chat.EventPartStart, Choice: c.index, Part: c.part, Start: p})
}

func (c *choiceState) close(dst []chat.Event) []chat.Event {
	if c.open == 0 {
		return dst
	}
	c.open = 0
	return append(dst, chat.Event{Kind: chat.EventPartEnd, Choice: c.index, Part: c.part})
}

// call adds to the call at hand, or begins another: one with an index of its own
// or, as some servers number all of theirs 0, with an id of its own.
func (c *choiceState) call(dst []chat.Event, at int64, id string, function, v value) ([]chat.Event, error) {
	another := c.open != chat.KindToolCall || at != c.callAt || id != "" && id != c.callID && function.Get("name").Text() != ""
	if another {
		if at <= c.lastCall && id == "" {
			return dst, errInterleaved
		}
		if id == "" {
			id = openaiwire.CallID(c.answer, c.calls)
		}
		c.callAt, c.callID, c.lastCall = at, id, max(at, c.lastCall)
		c.calls++
		dst = c.begin(dst, &chat.Part{
			Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: id, Name: function.Get("name").Text()},
		})
	}
	if args := arguments(function.Get("arguments")); args != "" {
		dst = append(dst, chat.Event{Kind: chat.EventArguments, Choice: c.index, Part: c.part, Text: args})
	}
	if signature := thoughtSignature(v); signature != "" {
		dst = append(dst, chat.Event{Kind: chat.EventSignature, Choice: c.index, Part: c.part, Text: signature})
	}
	return dst, nil
}
