// Package translate turns one provider's streamed answer into what the client
// expects, event by event: translated from wire to wire, or passed on byte for byte
// and only understood, where both speak the same wire.
//
// It must never do I/O, read a clock, hold back an event once it is whole, or keep
// more of an answer than a wire's last event repeats.
package translate

import (
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/sse"
)

// Stream translates one stream. Its methods are those by which package patch's
// Stream is used, so that one relay serves both.
type Stream struct {
	reader  sse.Reader
	decoder chat.StreamDecoder
	encoder chat.StreamEncoder
	// pass is that the bytes go on as they are.
	pass bool
	form Form

	events []chat.Event
	books
}

// books are what a stream says of itself.
type books struct {
	fault       string
	ended       bool
	failed      bool
	content     int
	outputBytes int64
	usage       pricing.Usage
	counted     bool
}

// New returns a Stream that reads with the decoder and writes with the encoder.
func New(decoder chat.StreamDecoder, encoder chat.StreamEncoder) *Stream {
	return &Stream{decoder: decoder, encoder: encoder}
}

// Passing returns a Stream that passes the bytes on and reads along with the
// decoder. The encoder writes only what the provider did not: the error that ends
// a stream which was cut.
func Passing(decoder chat.StreamDecoder, encoder chat.StreamEncoder, form Form) *Stream {
	return &Stream{decoder: decoder, encoder: encoder, pass: true, form: form}
}

// Form is what the client's wire asks of a stream that is passed on.
type Form struct {
	// Silent is that its SDK takes no comments.
	Silent bool
	// Last is the event without which its SDK takes no answer for whole, for
	// providers that leave it out; empty: there is none.
	Last string
}

// Feed takes the next bytes of the stream and appends to out what may go to the
// client now.
func (s *Stream) Feed(chunk, out []byte) []byte {
	s.reader.Feed(chunk)
	for !s.over() {
		e, ok, err := s.reader.Next()
		if err != nil {
			s.fault = err.Error()
			return out
		}
		if !ok {
			return out
		}
		out = s.event(e, out)
	}
	return out
}

func (s *Stream) over() bool { return s.ended || s.failed || s.fault != "" }

func (s *Stream) event(e sse.Event, out []byte) []byte {
	switch {
	case e.Data == nil && s.pass && s.form.Silent:
		return out
	case e.Data == nil && s.pass:
		return append(out, e.Raw...)
	case e.Data == nil: // a comment keeps the connection alive
		return s.encoder.Encode(out, chat.Event{Kind: chat.EventPing})
	}
	events, err := s.decoder.Decode(s.events[:0], string(e.Name), e.Data)
	s.events = events
	if err != nil {
		s.fault = "an event that is none: " + err.Error()
		return out
	}
	if s.pass {
		out = append(out, e.Raw...)
	}
	return s.tell(out)
}

// tell books the events at hand and, unless their bytes have gone on, encodes
// them.
func (s *Stream) tell(out []byte) []byte {
	for i := range s.events {
		e := &s.events[i]
		s.enter(e)
		if e.Kind == chat.EventError && s.content == 0 {
			return out // nobody has seen anything yet: another attempt may do better
		}
		switch {
		case !s.pass:
			out = s.encoder.Encode(out, *e)
		case e.Kind == chat.EventStart: // errors of some wires repeat it
			_ = s.encoder.Encode(nil, *e)
		}
	}
	clear(s.events)
	return out
}

func (s *Stream) enter(e *chat.Event) {
	switch e.Kind {
	case chat.EventStart, chat.EventUsage:
		if e.Response != nil && e.Response.HasUsage {
			s.usage, s.counted = e.Response.Usage, true
		}
	case chat.EventPing:
	case chat.EventEnd:
		s.ended = true
	case chat.EventError:
		s.failed = true
		if s.content == 0 {
			s.fault = "an error: " + e.Err.Message
		}
	default:
		s.content++
		s.outputBytes += int64(len(e.Text))
	}
}

// End takes note that no more bytes will come and appends what may still go to the
// client.
func (s *Stream) End(out []byte) []byte {
	if s.over() {
		return out
	}
	if e, ok := s.reader.End(); ok {
		out = s.event(e, out)
	}
	if s.over() {
		return out
	}
	s.events = s.decoder.End(s.events[:0])
	out = s.tell(out)
	if s.pass && s.ended {
		out = append(out, s.form.Last...)
	}
	return out
}

// AppendError appends the event that tells the client that the answer is not
// whole.
func (s *Stream) AppendError(out []byte, e *chat.Error) []byte {
	return s.encoder.Encode(out, chat.Event{Kind: chat.EventError, Err: e})
}

// Events counts the events in which the answer begins, goes on, or ends.
func (s *Stream) Events() int { return s.content }

// Done reports whether the stream has come to its ordinary end, or to an error:
// nothing that follows is read.
func (s *Stream) Done() bool { return s.ended || s.failed }

// Complete reports whether the answer is whole.
func (s *Stream) Complete() bool { return s.ended && !s.failed && s.fault == "" }

// Fault says why the bytes are no stream of this wire; empty: they are. It holds
// nothing of an answer.
func (s *Stream) Fault() string { return s.fault }

// ErrorSeen reports whether the client was told of an error.
func (s *Stream) ErrorSeen() bool { return s.failed && s.content > 0 }

// Usage returns the usage that the provider reported last; false: none so far.
func (s *Stream) Usage() (pricing.Usage, bool) { return s.usage, s.counted }

// OutputBytes returns the length of what the model wrote so far.
func (s *Stream) OutputBytes() int64 { return s.outputBytes }
