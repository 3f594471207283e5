package responses

import (
	"errors"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// errNoEvent is an event that is none of this wire.
var errNoEvent = errors.New("the provider's stream has an event that is no JSON object")

// streamDecoder reads the events of a stream.
type streamDecoder struct {
	head, usage chat.Response
	started     bool
	over        bool
	// open is the kind of the part at hand; 0: none. part counts the parts.
	open chat.Kind
	part int64
	// item and content are the places of the part at hand in the output.
	item, content int64
	// told is true once the part at hand said anything.
	told  bool
	calls int64
}

// NewStreamDecoder reads one stream of events.
func (codec) NewStreamDecoder() chat.StreamDecoder { return &streamDecoder{part: -1} }

// event is the part of an event that its kind does not settle.
type event struct {
	kind, delta, item, part, response, text value
	probs, note                             value
	at, content                             int64
}

func readEvent(v value) (e event) {
	for name, member := range v.Members() {
		switch string(name) {
		case "output_index":
			e.at, _ = member.Int()
		case "content_index", "summary_index":
			e.content, _ = member.Int()
		default:
			e.member(name, member)
		}
	}
	return e
}

func (e *event) member(name []byte, v value) {
	switch string(name) {
	case "type":
		e.kind = v
	case "delta":
		e.delta = v
	case "item":
		e.item = v
	case "part":
		e.part = v
	case "response":
		e.response = v
	case "arguments":
		e.text = v
	case "logprobs":
		e.probs = v
	case "annotation":
		e.note = v
	}
}

// Decode reads one event. [DONE], which some servers send, says nothing here.
func (d *streamDecoder) Decode(dst []chat.Event, name string, data []byte) ([]chat.Event, error) {
	if d.over || string(data) == "[DONE]" {
		return dst, nil
	}
	v, ok := openaiwire.Parse(data)
	if !ok || !v.IsObject() {
		return dst, errNoEvent
	}
	e := readEvent(v)
	kind := e.kind.Text()
	if kind == "" {
		kind = name
	}
	if kind == "error" || !e.kind.Given() && v.Get("error").Given() {
		d.over = true
		return append(dst, chat.Event{Kind: chat.EventError, Err: eventError(v, data)}), nil
	}
	return d.event(dst, kind, e), nil
}

// eventError reads an error event, whose type member is its own name.
func eventError(v value, data []byte) *chat.Error {
	if inner := v.Get("error"); inner.IsObject() {
		return openaiwire.DecodeError(0, inner)
	}
	err := openaiwire.DecodeError(0, data)
	err.Type = ""
	return err
}

// event reads an event that is no error.
func (d *streamDecoder) event(dst []chat.Event, kind string, e event) []chat.Event {
	switch kind {
	case "response.output_text.delta":
		return d.logprobs(d.text(dst, chat.KindText, e, e.delta), e.probs)
	case "response.refusal.delta":
		return d.text(dst, chat.KindRefusal, e, e.delta)
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		return d.thought(dst, e)
	case "response.function_call_arguments.delta":
		return d.arguments(dst, e, e.delta)
	case "response.function_call_arguments.done":
		if !d.told {
			return d.arguments(dst, e, e.text)
		}
	case "response.output_text.annotation.added":
		return d.annotation(dst, e)
	}
	return d.milestone(dst, kind, e)
}

// milestone reads an event about an item or the whole.
func (d *streamDecoder) milestone(dst []chat.Event, kind string, e event) []chat.Event {
	switch kind {
	case "response.created", "response.in_progress", "response.queued":
		return d.start(dst, e.response)
	case "response.output_item.added":
		return d.itemAdded(d.start(dst, nil), e)
	case "response.content_part.added":
		return d.partAdded(d.start(dst, nil), e)
	case "response.output_item.done":
		return d.itemDone(dst, e)
	case "response.completed", "response.incomplete":
		return d.end(d.start(dst, e.response), e.response)
	case "response.failed", "response.cancelled":
		d.over = true
		return append(dst, chat.Event{Kind: chat.EventError, Err: openaiwire.DecodeError(0, e.response.Get("error"))})
	}
	return dst
}

func (d *streamDecoder) start(dst []chat.Event, response value) []chat.Event {
	if d.started {
		return dst
	}
	d.started = true
	readHead(&d.head, response)
	return append(dst, chat.Event{Kind: chat.EventStart, Response: &d.head})
}

func (d *streamDecoder) begin(dst []chat.Event, e event, p *chat.Part) []chat.Event {
	dst = d.close(d.start(dst, nil))
	d.open, d.item, d.content, d.told = p.Kind, e.at, e.content, false
	d.part++
	return append(dst, chat.Event{Kind: chat.EventPartStart, Part: d.part, Start: p})
}

func (d *streamDecoder) close(dst []chat.Event) []chat.Event {
	if d.open == 0 {
		return dst
	}
	d.open = 0
	return append(dst, chat.Event{Kind: chat.EventPartEnd, Part: d.part})
}

func (d *streamDecoder) itemAdded(dst []chat.Event, e event) []chat.Event {
	switch e.item.Get("type").Text() {
	case "function_call":
		id := e.item.Get("call_id").Text()
		if id == "" {
			id = openaiwire.CallID(d.head.ID, d.calls)
		}
		d.calls++
		return d.begin(dst, e, &chat.Part{
			Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: id, Name: e.item.Get("name").Text()},
		})
	case "reasoning":
		p := readThought(e.item)
		switch p.Kind {
		case chat.KindThinking:
			return d.begin(dst, e, &chat.Part{Kind: p.Kind})
		case chat.KindRedactedThinking:
			return d.begin(dst, e, &p)
		}
	}
	return dst
}

func (d *streamDecoder) partAdded(dst []chat.Event, e event) []chat.Event {
	switch e.part.Get("type").Text() {
	case "output_text":
		return d.begin(dst, e, &chat.Part{Kind: chat.KindText})
	case "refusal":
		return d.begin(dst, e, &chat.Part{Kind: chat.KindRefusal})
	}
	return dst
}

// text adds to the part at hand. A server that does not tell of parts before they
// speak begins them so.
func (d *streamDecoder) text(dst []chat.Event, kind chat.Kind, e event, delta value) []chat.Event {
	if d.open != kind || d.item != e.at || d.content != e.content && kind != chat.KindThinking {
		dst = d.begin(dst, e, &chat.Part{Kind: kind})
	}
	if text := delta.Text(); text != "" {
		d.told = true
		dst = append(dst, chat.Event{Kind: chat.EventText, Part: d.part, Text: text})
	}
	return dst
}

// thought adds to a thought, whose summary may have several parts.
func (d *streamDecoder) thought(dst []chat.Event, e event) []chat.Event {
	if d.open == chat.KindThinking && d.told && d.content != e.content {
		dst = append(dst, chat.Event{Kind: chat.EventText, Part: d.part, Text: "\n\n"})
	}
	dst = d.text(dst, chat.KindThinking, e, e.delta)
	d.content = e.content
	return dst
}

func (d *streamDecoder) arguments(dst []chat.Event, e event, text value) []chat.Event {
	if d.open != chat.KindToolCall || d.item != e.at || text.Is("") {
		return dst
	}
	d.told = true
	return append(dst, chat.Event{Kind: chat.EventArguments, Part: d.part, Text: text.Text()})
}

func (d *streamDecoder) logprobs(dst []chat.Event, list value) []chat.Event {
	if !list.IsArray() || string(list) == "[]" {
		return dst
	}
	probs := append(append([]byte(`{"content":`), list...), `,"refusal":null}`...)
	return append(dst, chat.Event{Kind: chat.EventLogProbs, Part: d.part, JSON: probs})
}

func (d *streamDecoder) annotation(dst []chat.Event, e event) []chat.Event {
	if d.open != chat.KindText || !e.note.IsObject() {
		return dst
	}
	list := append(append([]byte{'['}, e.note...), ']')
	return append(dst, chat.Event{Kind: chat.EventCitations, Part: d.part, JSON: list})
}

func (d *streamDecoder) itemDone(dst []chat.Event, e event) []chat.Event {
	if d.open == 0 || d.item != e.at {
		return dst
	}
	switch {
	case d.open == chat.KindToolCall && !d.told:
		dst = d.arguments(dst, e, e.item.Get("arguments"))
	case d.open == chat.KindThinking:
		if text := thoughtText(e.item); !d.told && text != "" {
			dst = append(dst, chat.Event{Kind: chat.EventText, Part: d.part, Text: text})
		}
		if s := sign(e.item.Get("id").Text(), e.item.Get("encrypted_content").Text()); s != "" {
			dst = append(dst, chat.Event{Kind: chat.EventSignature, Part: d.part, Text: s})
		}
	}
	return d.close(dst)
}

// end reads the last event. A server that told of nothing before tells all here.
func (d *streamDecoder) end(dst []chat.Event, response value) []chat.Event {
	d.over = true
	dst = d.close(dst)
	r := readResponse(response)
	if d.part < 0 {
		for i := range r.Choices[0].Parts {
			dst = d.whole(dst, &r.Choices[0].Parts[i])
		}
	}
	finish := finishOf(response, r.Choices[0].Parts)
	if finish == chat.FinishStop && d.calls > 0 {
		finish = chat.FinishToolCalls
	}
	dst = append(dst, chat.Event{Kind: chat.EventFinish, Finish: finish})
	if r.HasUsage {
		d.usage.Usage, d.usage.HasUsage = r.Usage, true
		dst = append(dst, chat.Event{Kind: chat.EventUsage, Response: &d.usage})
	}
	return append(dst, chat.Event{Kind: chat.EventEnd})
}

// whole tells a part in one go.
func (d *streamDecoder) whole(dst []chat.Event, p *chat.Part) []chat.Event {
	start := &chat.Part{Kind: p.Kind}
	text := chat.Event{Kind: chat.EventText, Text: p.Text}
	if p.Call != nil {
		start.Call = &chat.ToolCall{ID: p.Call.ID, Name: p.Call.Name}
		text = chat.Event{Kind: chat.EventArguments, Text: p.Call.Arguments}
	}
	dst = d.begin(dst, event{}, start)
	text.Part = d.part
	if text.Text != "" {
		dst = append(dst, text)
	}
	if len(p.Citations) > 0 {
		dst = append(dst, chat.Event{Kind: chat.EventCitations, Part: d.part, JSON: p.Citations})
	}
	if p.Signature != "" {
		dst = append(dst, chat.Event{Kind: chat.EventSignature, Part: d.part, Text: p.Signature})
	}
	return d.close(dst)
}

// End appends nothing: the last event says that the answer is whole, and without
// it the answer was cut.
func (d *streamDecoder) End(dst []chat.Event) []chat.Event { return dst }
