package openaichat

import (
	"strconv"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
	"github.com/tiershift/tiershift/internal/provider/patch"
)

// streamEncoder writes the chunks of a stream.
type streamEncoder struct {
	// tellUsage is what the client asked for.
	tellUsage bool
	// head is all of a chunk up to its choices.
	head    []byte
	choices []*encodedChoice
	usage   pricing.Usage
	counted bool
}

// encodedChoice is what the client was told of one choice.
type encodedChoice struct {
	index int64
	// open is the kind of the part at hand, call the number of its tool call.
	open  chat.Kind
	calls int64
	// thoughts counts the details of thoughts.
	thoughts int64
}

// NewStreamEncoder writes one stream of chunks, and its usage if r asks for it.
func (Codec) NewStreamEncoder(r *chat.Request) chat.StreamEncoder {
	return &streamEncoder{tellUsage: r.StreamUsage}
}

// Encode appends the chunks that tell the client of an event.
func (s *streamEncoder) Encode(dst []byte, e chat.Event) []byte {
	switch e.Kind {
	case chat.EventStart:
		s.start(e.Response)
	case chat.EventUsage:
		s.count(e.Response)
	case chat.EventPing:
		return append(dst, ": ping\n\n"...)
	case chat.EventError:
		return patch.AppendErrorEvent(dst, openaiwire.ErrorBody(e.Err))
	case chat.EventEnd:
		return s.end(dst)
	default:
		return s.delta(dst, e)
	}
	return dst
}

func (s *streamEncoder) start(r *chat.Response) {
	o := openaiwire.NewObject([]byte("data: "))
	o.String("id", r.ID)
	o.String("object", "chat.completion.chunk")
	o.Int("created", r.Created)
	o.String("model", r.Model)
	o.Text("service_tier", r.ServiceTier)
	o.Text("system_fingerprint", r.SystemFingerprint)
	o.Name("choices")
	o.B = append(o.B, '[')
	s.head = o.B
	s.count(r)
}

func (s *streamEncoder) count(r *chat.Response) {
	if r.HasUsage {
		s.usage, s.counted = r.Usage, true
	}
}

func (s *streamEncoder) end(dst []byte) []byte {
	if s.tellUsage && s.counted {
		dst = append(append(dst, s.head...), `],"usage":`...)
		dst = append(appendUsage(dst, s.usage), "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// choice returns the state of a choice, whose role is told first.
func (s *streamEncoder) choice(dst []byte, index int64) ([]byte, *encodedChoice) {
	for _, c := range s.choices {
		if c.index == index {
			return dst, c
		}
	}
	c := &encodedChoice{index: index}
	s.choices = append(s.choices, c)
	dst = append(s.open(dst, c), `"role":"assistant","content":"","refusal":null`...)
	return s.close(dst, nil, ""), c
}

// open begins a chunk up to the members of its delta.
func (s *streamEncoder) open(dst []byte, c *encodedChoice) []byte {
	dst = append(append(dst, s.head...), `{"index":`...)
	dst = strconv.AppendInt(dst, c.index, 10)
	return append(dst, `,"delta":{`...)
}

// close ends a chunk behind the members of its delta.
func (s *streamEncoder) close(dst []byte, logprobs []byte, finish string) []byte {
	dst = append(dst, `},"logprobs":`...)
	if len(logprobs) > 0 {
		dst = openaiwire.AppendRaw(dst, logprobs)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"finish_reason":`...)
	if finish == "" {
		dst = append(dst, "null"...)
	} else {
		dst = openaiwire.AppendString(dst, finish)
	}
	dst = append(dst, "}]"...)
	if s.tellUsage {
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, "}\n\n"...)
}

func (s *streamEncoder) delta(dst []byte, e chat.Event) []byte {
	dst, c := s.choice(dst, e.Choice)
	switch e.Kind {
	case chat.EventPartStart:
		return s.partStart(dst, c, e.Start)
	case chat.EventPartEnd:
		c.open = 0
		return dst
	case chat.EventFinish:
		return s.close(s.open(dst, c), nil, finishWords[e.Finish])
	case chat.EventLogProbs:
		return s.close(s.open(dst, c), e.JSON, "")
	case chat.EventText:
		return s.text(dst, c, e.Text)
	case chat.EventArguments:
		dst = s.openCall(dst, c)
		dst = openaiwire.AppendString(append(dst, `"function":{"arguments":`...), e.Text)
		return s.close(append(dst, "}}]"...), nil, "")
	case chat.EventSignature:
		return s.signature(dst, c, e.Text)
	case chat.EventCitations:
		cited := openaiwire.ReadCitations(e.JSON)
		if len(cited) == 0 {
			return dst
		}
		return s.close(appendAnnotations(append(s.open(dst, c), `"annotations":`...), cited), nil, "")
	}
	return dst
}

func (s *streamEncoder) text(dst []byte, c *encodedChoice, text string) []byte {
	name := `"content":`
	switch c.open {
	case chat.KindNative: // what another wire's own tools did
		return dst
	case chat.KindThinking:
		name = `"reasoning_content":`
	case chat.KindRefusal:
		name = `"refusal":`
	}
	return s.close(openaiwire.AppendString(append(s.open(dst, c), name...), text), nil, "")
}

// openCall begins a chunk up to the members of the tool call at hand.
func (s *streamEncoder) openCall(dst []byte, c *encodedChoice) []byte {
	dst = append(s.open(dst, c), `"tool_calls":[{"index":`...)
	return append(strconv.AppendInt(dst, max(c.calls-1, 0), 10), ',')
}

func (s *streamEncoder) partStart(dst []byte, c *encodedChoice, p *chat.Part) []byte {
	c.open = p.Kind
	switch p.Kind {
	case chat.KindToolCall:
		c.calls++
		dst = openaiwire.AppendString(append(s.openCall(dst, c), `"id":`...), p.Call.ID)
		dst = openaiwire.AppendString(append(dst, `,"type":"function","function":{"name":`...), p.Call.Name)
		dst = openaiwire.AppendString(append(dst, `,"arguments":`...), p.Call.Arguments)
		return s.close(append(dst, "}}]"...), nil, "")
	case chat.KindRedactedThinking:
		return s.detail(dst, c, *p)
	}
	if p.Text != "" {
		return s.text(dst, c, p.Text)
	}
	return dst
}

func (s *streamEncoder) signature(dst []byte, c *encodedChoice, signature string) []byte {
	switch c.open {
	case chat.KindThinking:
		return s.detail(dst, c, chat.Part{Kind: chat.KindThinking, Signature: signature})
	case chat.KindToolCall:
		o := openaiwire.NewObject(nil)
		writeSignature(o, signature)
		dst = append(s.openCall(dst, c), o.B[1:]...)
		return s.close(append(dst, "}]"...), nil, "")
	}
	o := openaiwire.NewObject(nil)
	writeSignature(o, signature)
	return s.close(append(s.open(dst, c), o.B[1:]...), nil, "")
}

// detail tells of a thought what its provider wants back.
func (s *streamEncoder) detail(dst []byte, c *encodedChoice, p chat.Part) []byte {
	dst = appendThought(append(s.open(dst, c), `"reasoning_details":[`...), int(c.thoughts), p)
	c.thoughts++
	return s.close(append(dst, ']'), nil, "")
}
