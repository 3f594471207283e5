package anthropic

import (
	"encoding/json"
	"strconv"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
)

// streamEncoder writes one stream. The reason of the end and the usage wait for
// the end of the answer: this wire tells both in one event.
type streamEncoder struct {
	model   string
	started bool
	// index is that of the block being written, or to be written next; part is
	// the part that it is, kind what that is.
	index int64
	part  int64
	kind  chat.Kind
	open  bool
	// skip is that the part is one that this wire has no block for.
	skip  bool
	calls bool

	finish       chat.Finish
	stopSequence string
	usage        pricing.Usage
}

// NewStreamEncoder implements [chat.Codec].
func (Codec) NewStreamEncoder(r *chat.Request) chat.StreamEncoder {
	e := &streamEncoder{}
	if r != nil {
		e.model = r.Model
	}
	return e
}

// Encode implements [chat.StreamEncoder]. Of several choices the first is told.
func (s *streamEncoder) Encode(dst []byte, e chat.Event) []byte {
	if e.Choice != 0 {
		return dst
	}
	switch e.Kind {
	case chat.EventStart:
		return s.start(dst, e.Response)
	case chat.EventPing:
		return append(dst, "event: ping\ndata: {\"type\":\"ping\"}\n\n"...)
	case chat.EventError:
		return s.fail(dst, e.Err)
	case chat.EventFinish:
		s.finish, s.stopSequence = e.Finish, e.StopSequence
		return dst
	case chat.EventUsage:
		if e.Response != nil {
			s.usage = e.Response.Usage
		}
		return dst
	}
	dst = s.start(dst, nil)
	if e.Kind == chat.EventEnd {
		return s.end(dst)
	}
	return s.content(dst, e)
}

func (s *streamEncoder) fail(dst []byte, err *chat.Error) []byte {
	if err == nil {
		err = &chat.Error{Class: chat.ErrorInternal}
	}
	dst = append(dst, "event: error\ndata: "...)
	return append(appendError(dst, err), "\n\n"...)
}

// start writes message_start, once. Its usage has what is known of the input.
func (s *streamEncoder) start(dst []byte, r *chat.Response) []byte {
	if s.started {
		return dst
	}
	s.started = true
	m := message{Type: "message", Role: "assistant", Model: s.model, Content: []json.RawMessage{}, Usage: &usage{}}
	if r != nil {
		m.ID = r.ID
		if r.Model != "" {
			m.Model = r.Model
		}
		m.Usage = usageOf(r.Usage)
		m.Usage.ServiceTier = wireTier(r.ServiceTier, r.Usage.Batch)
		s.usage = r.Usage
	}
	body, _ := encode(&m) // of plain members only
	dst = append(dst, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...)
	return append(append(dst, body...), "}\n\n"...)
}

// content writes what a part says. Only parts that were started are written, but
// for a text, which some streams begin without a word.
func (s *streamEncoder) content(dst []byte, e chat.Event) []byte {
	switch e.Kind {
	case chat.EventPartStart:
		dst = s.stop(dst)
		if e.Start == nil {
			return dst
		}
		return s.startBlock(dst, e.Part, e.Start)
	case chat.EventPartEnd:
		s.skip = false
		return s.stop(dst)
	case chat.EventText:
		if !s.skip && (!s.open || e.Part != s.part) {
			dst = s.startBlock(s.stop(dst), e.Part, &chat.Part{Kind: chat.KindText})
		}
	}
	if s.skip || !s.open || e.Part != s.part {
		return dst
	}
	return s.delta(dst, e)
}

func (s *streamEncoder) startBlock(dst []byte, part int64, p *chat.Part) []byte {
	start := *p
	if start.Kind == chat.KindToolCall {
		if start.Call == nil {
			start.Call = &chat.ToolCall{}
		}
		call := *start.Call
		call.Arguments = ""
		start.Call = &call
		s.calls = true
	}
	block := answerBlock(start)
	s.skip = block == nil
	if s.skip {
		return dst
	}
	s.open, s.part, s.kind = true, part, p.Kind
	dst = s.event(dst, "content_block_start")
	dst = append(dst, `,"content_block":`...)
	dst = append(append(dst, block...), "}\n\n"...)
	if start.Kind == chat.KindToolCall && p.Call != nil && p.Call.Arguments != "" {
		dst = s.delta(dst, chat.Event{Kind: chat.EventArguments, Part: part, Text: p.Call.Arguments})
	}
	return dst
}

// event begins an event about the block at hand, and leaves its data open.
func (s *streamEncoder) event(dst []byte, name string) []byte {
	dst = append(dst, "event: "...)
	dst = append(dst, name...)
	dst = append(dst, "\ndata: {\"type\":\""...)
	dst = append(dst, name...)
	dst = append(dst, "\",\"index\":"...)
	return strconv.AppendInt(dst, s.index, 10)
}

// stop ends the block at hand, if there is one.
func (s *streamEncoder) stop(dst []byte) []byte {
	if !s.open {
		return dst
	}
	dst = append(s.event(dst, "content_block_stop"), "}\n\n"...)
	s.open = false
	s.index++
	return dst
}

// delta writes what is added to the block at hand.
func (s *streamEncoder) delta(dst []byte, e chat.Event) []byte {
	var kind, member string
	switch e.Kind {
	case chat.EventText:
		kind, member = "text_delta", "text"
		if s.kind == chat.KindThinking {
			kind, member = "thinking_delta", "thinking"
		}
	case chat.EventArguments:
		kind, member = "input_json_delta", "partial_json"
	case chat.EventSignature:
		if s.kind != chat.KindThinking {
			return dst // another provider's proof of another kind of part
		}
		kind, member = "signature_delta", "signature"
	case chat.EventCitations:
		return s.citations(dst, e.JSON)
	default:
		return dst
	}
	dst = s.event(dst, "content_block_delta")
	dst = append(dst, `,"delta":{"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `","`...)
	dst = append(dst, member...)
	dst = append(dst, `":`...)
	dst = appendString(dst, e.Text)
	return append(dst, "}}\n\n"...)
}

// citations writes citations one by one, if they are of this wire.
func (s *streamEncoder) citations(dst []byte, raw json.RawMessage) []byte {
	var list []json.RawMessage
	if s.kind != chat.KindText || ownCitations(raw) == nil || json.Unmarshal(raw, &list) != nil {
		return dst
	}
	for _, c := range list {
		one, err := encode(c) // on one line, as the framing wants it
		if err != nil {
			return dst
		}
		dst = s.event(dst, "content_block_delta")
		dst = append(dst, `,"delta":{"type":"citations_delta","citation":`...)
		dst = append(append(dst, one...), "}}\n\n"...)
	}
	return dst
}

// end writes the reason of the end, the usage, and the end.
func (s *streamEncoder) end(dst []byte) []byte {
	dst = s.stop(dst)
	dst = append(dst, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"...)
	dst = appendString(dst, stopReason(s.finish, s.calls))
	dst = append(dst, `,"stop_sequence":`...)
	if s.stopSequence == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, s.stopSequence)
	}
	body, _ := encode(usageOf(s.usage)) // numbers only
	dst = append(append(dst, `},"usage":`...), body...)
	return append(dst, "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
}
