package gemini

import (
	"encoding/json"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
)

// NewStreamEncoder implements [chat.Codec]. Each event is a
// GenerateContentResponse. Comments would end the stream for Google's SDK for Go,
// which takes every line that does not begin with "data:" for an error: pings are
// empty lines.
func (c Codec) NewStreamEncoder(*chat.Request) chat.StreamEncoder {
	return &streamEncoder{array: c.array}
}

type streamEncoder struct {
	array bool
	// sent says that something was sent.
	sent      bool
	id, model string
	usage     pricing.Usage
	hasUsage  bool
	choices   []choiceWriter
}

// choiceWriter is what is known of a choice and not yet told: the wire tells a
// call in one piece, and the end together with the usage.
type choiceWriter struct {
	index     int64
	kind      chat.Kind
	call      chat.ToolCall
	arguments []byte
	signature string
	finish    chat.Finish
	finished  bool
	malformed bool
}

// Encode implements [chat.StreamEncoder].
func (e *streamEncoder) Encode(dst []byte, ev chat.Event) []byte {
	switch ev.Kind {
	case chat.EventStart, chat.EventUsage:
		e.note(ev)
	case chat.EventPing:
		return append(dst, "\n\n"...)
	case chat.EventEnd:
		return e.end(dst)
	case chat.EventError:
		return e.fail(dst, ev.Err)
	default:
		return e.choice(ev.Choice).encode(dst, e, ev)
	}
	return dst
}

func (e *streamEncoder) note(ev chat.Event) {
	r := ev.Response
	if r == nil {
		return
	}
	if ev.Kind == chat.EventStart {
		e.id, e.model = r.ID, r.Model
	}
	if r.HasUsage || ev.Kind == chat.EventUsage {
		e.usage, e.hasUsage = r.Usage, true
	}
}

func (e *streamEncoder) choice(index int64) *choiceWriter {
	for i := range e.choices {
		if e.choices[i].index == index {
			return &e.choices[i]
		}
	}
	e.choices = append(e.choices, choiceWriter{index: index})
	return &e.choices[len(e.choices)-1]
}

func (c *choiceWriter) encode(dst []byte, e *streamEncoder, ev chat.Event) []byte {
	switch ev.Kind {
	case chat.EventPartStart:
		return c.start(dst, e, ev.Start)
	case chat.EventText:
		return e.text(dst, c, ev.Text, "")
	case chat.EventArguments:
		c.arguments = append(c.arguments, ev.Text...)
	case chat.EventSignature:
		if c.kind != chat.KindToolCall {
			return e.text(dst, c, "", ev.Text)
		}
		c.signature = ev.Text
	case chat.EventPartEnd:
		return c.end(dst, e)
	case chat.EventCitations:
		return e.member(dst, c, func(w *writer) { writeCitations(w, []json.RawMessage{ev.JSON}) })
	case chat.EventLogProbs:
		return e.member(dst, c, func(w *writer) { writeLogProbs(w, ev.JSON) })
	case chat.EventFinish:
		c.finish, c.finished = ev.Finish, true
	}
	return dst
}

func (c *choiceWriter) start(dst []byte, e *streamEncoder, p *chat.Part) []byte {
	c.arguments, c.signature, c.kind = c.arguments[:0], "", 0
	if p == nil {
		return dst
	}
	switch c.kind = p.Kind; p.Kind {
	case chat.KindToolCall:
		if p.Call != nil {
			c.call = chat.ToolCall{ID: p.Call.ID, Name: p.Call.Name}
			c.arguments = append(c.arguments, p.Call.Arguments...)
		}
		c.signature = p.Signature
	case chat.KindImage, chat.KindDocument, chat.KindAudio, chat.KindNative:
		return e.part(dst, c, func(w *writer) { writePart(w, p) })
	default:
		return e.text(dst, c, p.Text, p.Signature)
	}
	return dst
}

func (c *choiceWriter) end(dst []byte, e *streamEncoder) []byte {
	if c.kind != chat.KindToolCall {
		return dst
	}
	c.kind = 0
	arguments := string(c.arguments)
	if _, ok := objectOf(arguments); !ok {
		c.malformed = true
		return dst
	}
	return e.part(dst, c, func(w *writer) { writeAnswerCall(w, &c.call, arguments, c.signature) })
}

// text sends a piece of the part at hand, and what proves that it is the
// provider's.
func (e *streamEncoder) text(dst []byte, c *choiceWriter, text, signature string) []byte {
	if c.kind == chat.KindThinking {
		signature = clientSignature(signature)
	}
	if text == "" && !isBase64(signature) {
		return dst
	}
	w := e.open(dst)
	w.openCandidate(true)
	writeText(&w, text, c.kind == chat.KindThinking, signature)
	return e.close(w, c)
}

// part sends one whole part.
func (e *streamEncoder) part(dst []byte, c *choiceWriter, write func(*writer)) []byte {
	w := e.open(dst)
	w.openCandidate(true)
	write(&w)
	return e.close(w, c)
}

// member sends a member of the candidate, without content.
func (e *streamEncoder) member(dst []byte, c *choiceWriter, write func(*writer)) []byte {
	w := e.open(dst)
	w.openCandidate(false)
	w.int("index", c.index)
	write(&w)
	w.close('}')
	return e.tail(w)
}

// end sends the finish reasons of all choices and the usage.
func (e *streamEncoder) end(dst []byte) []byte {
	w := e.open(dst)
	w.open("candidates", '[')
	for i := range e.choices {
		c := &e.choices[i]
		if !c.finished {
			continue
		}
		if c.malformed {
			c.finish = chat.FinishMalformedCall
		}
		w.open("", '{')
		w.raw("content", emptyContent)
		w.text("finishReason", reasonOf(c.finish))
		w.int("index", c.index)
		w.close('}')
	}
	dst = e.tailOf(w)
	if e.array {
		return append(dst, ']')
	}
	return append(dst, "\n\n"...)
}

// emptyContent is what Google's last events have for content: clients look for
// the first part.
var emptyContent = json.RawMessage(`{"parts":[{"text":""}],"role":"model"}`)

func (e *streamEncoder) fail(dst []byte, err *chat.Error) []byte {
	if err == nil {
		err = &chat.Error{Class: chat.ErrorInternal, Message: "the stream failed"}
	}
	w := e.open(dst)
	w.b = w.b[:len(w.b)-1] // its brace: an error is no answer
	writeError(&w, err)
	if e.array {
		return append(w.b, ']')
	}
	return append(w.b, "\n\n"...)
}

// open begins an answer: "data: " or the separator of the array, and the brace.
func (e *streamEncoder) open(dst []byte) writer {
	switch {
	case !e.array:
		dst = append(dst, "data: "...)
	case e.sent:
		dst = append(dst, ",\r\n"...)
	default:
		dst = append(dst, '[')
	}
	e.sent = true
	return writer{b: append(dst, '{')}
}

// openCandidate begins the only candidate of an answer, down to its parts if it
// has content.
func (w *writer) openCandidate(content bool) {
	w.open("candidates", '[')
	w.open("", '{')
	if content {
		w.open("content", '{')
		w.open("parts", '[')
	}
}

// close ends the parts and all around them.
func (e *streamEncoder) close(w writer, c *choiceWriter) []byte {
	w.close(']')
	w.text("role", roleModel)
	w.close('}')
	w.int("index", c.index)
	w.close('}')
	return e.tail(w)
}

// tail ends the candidates and writes what every answer has, and the end of the
// event.
func (e *streamEncoder) tail(w writer) []byte {
	b := e.tailOf(w)
	if e.array {
		return b
	}
	return append(b, "\n\n"...)
}

func (e *streamEncoder) tailOf(w writer) []byte {
	w.close(']')
	if e.hasUsage {
		writeUsage(&w, e.usage)
	}
	w.optional("modelVersion", e.model)
	w.optional("responseId", e.id)
	w.close('}')
	return w.b
}
