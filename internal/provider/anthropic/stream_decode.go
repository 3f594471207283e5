package anthropic

import (
	"encoding/json"
	"slices"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// streamEvent is the data of an event; which members there are depends on its
// type.
type streamEvent struct {
	Type         string          `json:"type"`
	Index        int64           `json:"index"`
	Message      *message        `json:"message"`
	ContentBlock json.RawMessage `json:"content_block"`
	Delta        streamDelta     `json:"delta"`
	Usage        *usage          `json:"usage"`
}

// streamDelta is what content_block_delta and message_delta add.
type streamDelta struct {
	Type         string          `json:"type"`
	Text         string          `json:"text"`
	PartialJSON  string          `json:"partial_json"`
	Thinking     string          `json:"thinking"`
	Signature    string          `json:"signature"`
	Citation     json.RawMessage `json:"citation"`
	StopReason   *string         `json:"stop_reason"`
	StopSequence *string         `json:"stop_sequence"`
	StopDetails  *stopDetails    `json:"stop_details"`
}

// streamDecoder reads one stream. Its buffers are reused from event to event.
type streamDecoder struct {
	event   streamEvent
	usage   usage
	started bool
	// finished is that the reason of the end was told, ended that the end was.
	finished, ended bool
	// spoke, calls and answered are that there was a block, a call, and a call of
	// the tool that stands for the answer; answering is that it is being written.
	spoke, calls, answered, answering bool
}

// NewStreamDecoder implements [chat.Codec].
func (Codec) NewStreamDecoder() chat.StreamDecoder { return &streamDecoder{} }

// Decode implements [chat.StreamDecoder]. The type in the data counts, not the
// name of the event: they are the same.
func (d *streamDecoder) Decode(dst []chat.Event, name string, data []byte) ([]chat.Event, error) {
	if d.ended {
		return dst, nil
	}
	d.event = streamEvent{}
	if err := decodeAt("", data, &d.event); err != nil {
		if name == "error" {
			return d.fail(dst, data), nil
		}
		return dst, problem("", "a stream event is no JSON object of this wire")
	}
	switch d.event.Type {
	case "error":
		return d.fail(dst, data), nil
	case "ping":
		return append(dst, chat.Event{Kind: chat.EventPing}), nil
	case "message_start":
		return d.start(dst)
	}
	if d.event.Type == "" || !d.started {
		if name == "error" {
			return d.fail(dst, data), nil
		}
		return dst, problem("", "the stream does not begin with message_start")
	}
	return d.step(dst)
}

func (d *streamDecoder) fail(dst []chat.Event, data []byte) []chat.Event {
	d.ended = true
	return append(dst, chat.Event{Kind: chat.EventError, Err: Codec{}.DecodeError(0, data)})
}

func (d *streamDecoder) start(dst []chat.Event) ([]chat.Event, error) {
	m := d.event.Message
	if m == nil || d.started {
		return dst, problem("message", "message_start is sent once, with a message")
	}
	d.started = true
	r := &chat.Response{ID: m.ID, Model: m.Model}
	if m.Usage != nil {
		d.usage = *m.Usage
		r.Usage, r.HasUsage = d.usage.record(), true
		r.ServiceTier = servedTier(d.usage.ServiceTier)
	}
	return append(dst, chat.Event{Kind: chat.EventStart, Response: r}), nil
}

// step reads the events between the start and the end.
func (d *streamDecoder) step(dst []chat.Event) ([]chat.Event, error) {
	switch d.event.Type {
	case "content_block_start":
		return d.startBlock(dst)
	case "content_block_delta":
		return d.delta(dst), nil
	case "content_block_stop":
		d.answering = false
		return append(dst, chat.Event{Kind: chat.EventPartEnd, Part: d.event.Index}), nil
	case "message_delta":
		return d.finish(dst), nil
	case "message_stop":
		return d.End(dst), nil
	}
	return dst, nil // an event of a newer version
}

func (d *streamDecoder) startBlock(dst []chat.Event) ([]chat.Event, error) {
	var b block
	if err := decodeBlock("content_block", d.event.ContentBlock, &b, &b); err != nil {
		return dst, err
	}
	d.spoke = true
	p := answerPart("content_block", &b)
	index := d.event.Index
	if p.Kind == chat.KindNative {
		p.Native.Value = slices.Clone(d.event.ContentBlock)
	}
	switch {
	case p.Kind == chat.KindToolCall:
		d.calls = true
		p.Call.Arguments = ""
	case p.Kind == chat.KindText && b.Type == typeToolUse:
		d.answering, d.answered = true, true
		p.Text = ""
	}
	text, signature, citations := p.Text, p.Signature, p.Citations
	p.Text, p.Signature, p.Citations = "", "", nil
	dst = append(dst, chat.Event{Kind: chat.EventPartStart, Part: index, Start: &p})
	if text != "" {
		dst = append(dst, chat.Event{Kind: chat.EventText, Part: index, Text: text})
	}
	if signature != "" {
		dst = append(dst, chat.Event{Kind: chat.EventSignature, Part: index, Text: signature})
	}
	if citations != nil {
		dst = append(dst, chat.Event{Kind: chat.EventCitations, Part: index, JSON: citations})
	}
	return dst, nil
}

func (d *streamDecoder) delta(dst []chat.Event) []chat.Event {
	e := chat.Event{Part: d.event.Index}
	switch delta := &d.event.Delta; delta.Type {
	case "text_delta":
		e.Kind, e.Text = chat.EventText, delta.Text
	case "thinking_delta":
		e.Kind, e.Text = chat.EventText, delta.Thinking
	case "signature_delta":
		e.Kind, e.Text = chat.EventSignature, delta.Signature
	case "input_json_delta":
		e.Kind, e.Text = chat.EventArguments, delta.PartialJSON
		if d.answering {
			e.Kind = chat.EventText
		}
	case "citations_delta":
		if isNull(delta.Citation) {
			return dst
		}
		e.Kind, e.JSON = chat.EventCitations, slices.Concat([]byte{'['}, delta.Citation, []byte{']'})
		return append(dst, e)
	default:
		return dst
	}
	if e.Text == "" {
		return dst
	}
	return append(dst, e)
}

// finish reads message_delta: the reason of the end, and the usage.
func (d *streamDecoder) finish(dst []chat.Event) []chat.Event {
	delta := &d.event.Delta
	if delta.StopReason != nil {
		if s := delta.StopDetails; !d.spoke && s != nil && deref(s.Explanation) != "" {
			dst = append(dst,
				chat.Event{Kind: chat.EventPartStart, Start: &chat.Part{Kind: chat.KindRefusal}},
				chat.Event{Kind: chat.EventText, Text: *s.Explanation},
				chat.Event{Kind: chat.EventPartEnd})
		}
		d.finished = true
		dst = append(dst, chat.Event{
			Kind: chat.EventFinish, Finish: answeredFinish(finishes[*delta.StopReason], d.calls, d.answered),
			StopSequence: deref(delta.StopSequence),
		})
	}
	if u := d.event.Usage; u != nil {
		d.usage.merge(u)
		dst = append(dst, chat.Event{Kind: chat.EventUsage, Response: &chat.Response{Usage: d.usage.record(), HasUsage: true}})
	}
	return dst
}

// End implements [chat.StreamDecoder]: an answer whose reason to end was told is
// whole, also if message_stop is missing.
func (d *streamDecoder) End(dst []chat.Event) []chat.Event {
	if d.ended || !d.finished {
		return dst
	}
	d.ended = true
	return append(dst, chat.Event{Kind: chat.EventEnd})
}
