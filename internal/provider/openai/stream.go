package openai

import (
	"bytes"

	"github.com/tiershift/tiershift/internal/pricing"
)

// StreamOptions are the settings of a [Stream].
type StreamOptions struct {
	// HideUsage takes out the usage that the client did not ask for.
	HideUsage bool
	// MaxEventBytes bounds one event; 0: 1 MiB.
	MaxEventBytes int
}

const defaultMaxEvent = 1 << 20

// The faults of a stream, as [Stream.Fault] returns them.
const (
	FaultNotStream     = "no event stream"
	FaultEventNotJSON  = "a stream event that is no JSON object"
	FaultEventTooLarge = "a stream event beyond the size limit"
)

// Stream passes a chat completion stream on, event by event, and keeps its books.
// The zero value is ready for use; it may be pooled and Reset.
//
// An event is what stands between blank lines (WHATWG HTML, 9.2); a comment line
// before it counts as an event of its own, so that pings are not held back.
// Events go on byte for byte but for two changes under HideUsage: the chunk that
// has nothing but usage is left out, and members named usage are cut from other
// chunks.
type Stream struct {
	options StreamOptions

	// buf holds the start of an event whose end has not come yet.
	buf   []byte
	event eventLines
	// lineAt is where the line at hand starts in the event, and seen up to where
	// it was searched for its end.
	lineAt, seen int
	// begun is true once a line has been read: only before may a byte order mark
	// stand.
	begun bool
	// afterCR is true when a line ended in the last byte fed, a carriage return:
	// a line feed to come belongs to it. passed is whether that line went on.
	afterCR, passed bool

	joined []byte
	shape  shape
	books  books
}

// books are what a stream says of itself.
type books struct {
	fault   string
	done    bool
	started bool
	finish  string
	// spoke and finished have a bit for each choice of which something, and the
	// finish reason, was seen.
	spoke, finished uint64

	events      int
	outputBytes int64
	usage       usage
	errorSeen   bool
	failure     ErrorBody
}

// Reset prepares for another stream and keeps the memory, unless that is large.
func (s *Stream) Reset(o StreamOptions) {
	const keep = 64 << 10
	buf, joined, data := s.buf[:0], s.joined[:0], s.event.data[:0]
	if cap(buf) > keep || cap(joined) > keep || cap(data) > keep>>4 {
		buf, joined, data = nil, nil, nil
	}
	s.shape.reset()
	*s = Stream{options: o, buf: buf, joined: joined, event: eventLines{data: data}, shape: s.shape}
}

// Complete reports whether the answer is whole: [DONE] was seen, or the finish
// reason of each choice, and neither a fault nor an error event. Some servers
// send [DONE] after an error.
func (s *Stream) Complete() bool {
	b := &s.books
	whole := b.done || b.finished != 0 && b.finished == b.spoke
	return whole && b.fault == "" && !b.errorSeen
}

// Done reports whether [DONE] was seen. Nothing that follows it is passed on.
func (s *Stream) Done() bool { return s.books.done }

// Events counts the chunks seen: not comments, error events, nor [DONE].
func (s *Stream) Events() int { return s.books.events }

// Started reports whether a chunk was seen in which the model says something.
func (s *Stream) Started() bool { return s.books.started }

// OutputBytes returns the length of what the model wrote so far, unescaped.
func (s *Stream) OutputBytes() int64 { return s.books.outputBytes }

// FinishReason returns the first finish reason seen, or "".
func (s *Stream) FinishReason() string { return s.books.finish }

// Usage returns the usage that the provider reported last; false: none so far.
func (s *Stream) Usage() (pricing.Usage, bool) {
	if !s.books.usage.found {
		return pricing.Usage{}, false
	}
	return s.books.usage.record(), true
}

// ErrorSeen reports whether the provider sent an error event, or OpenRouter's
// finish reason for one. It was passed on.
func (s *Stream) ErrorSeen() bool { return s.books.errorSeen }

// ErrorEvent returns what the provider's error event says.
func (s *Stream) ErrorEvent() ErrorBody { return s.books.failure }

// Fault says why the bytes are no chat completion stream; empty: they are. It is
// one of the constants above. The event at fault and what follows is not passed
// on.
func (s *Stream) Fault() string { return s.books.fault }

// over is true when nothing more is passed on.
func (s *Stream) over() bool { return s.books.done || s.books.fault != "" }

// Feed takes the next bytes of the stream and appends to out what may go to the
// client now. It keeps neither.
func (s *Stream) Feed(chunk, out []byte) []byte {
	chunk, out = s.lineFeed(chunk, out)
	if len(chunk) == 0 || s.over() {
		return out
	}
	if len(s.buf) == 0 {
		rest, out := s.lines(chunk, out)
		s.buf = append(s.buf, rest...)
		return out
	}
	s.buf = append(s.buf, chunk...)
	rest, out := s.lines(s.buf, out)
	s.buf = s.buf[:copy(s.buf, rest)]
	return out
}

// lineFeed takes the second half of a line end that was split by chunks.
func (s *Stream) lineFeed(chunk, out []byte) (_, _ []byte) {
	if !s.afterCR || len(chunk) == 0 {
		return chunk, out
	}
	s.afterCR = false
	if chunk[0] != '\n' {
		return chunk, out
	}
	switch {
	case len(s.buf) > 0: // the line is one of an event that is still open
		s.buf = append(s.buf, '\n')
		s.lineAt++
		s.seen = s.lineAt
	case s.passed:
		out = append(out, '\n')
	}
	return chunk[1:], out
}

// lines reads the lines of src, which starts with an event, and returns the part
// that has no end yet.
func (s *Stream) lines(src, out []byte) (rest, _ []byte) {
	feed := -1 // the next line feed; kept, because lines may end without one
	for {
		if s.lineAt == 0 {
			if f, ok := s.shape.match(src); ok && f.length <= s.limit() {
				out = s.repeat(&f, src[:f.length], out)
				src, feed = src[f.length:], -1
				continue
			}
		}
		from := s.seen
		if feed < from {
			feed = indexFrom(src, from, '\n')
		}
		end := indexFrom(src[:feed], from, '\r')
		if end == len(src) {
			s.seen = end
			break
		}
		next := end + 1
		switch {
		case src[end] == '\n':
		case next < len(src) && src[next] == '\n':
			next++
		case next == len(src):
			s.afterCR = true
		}
		s.seen = next
		whole := s.line(src, end)
		s.lineAt = next
		if whole {
			if end > s.limit() {
				s.fail(FaultEventTooLarge)
			} else {
				out = s.pass(src[:next], out)
			}
			src, feed = src[next:], feed-next
		}
		if s.over() {
			return nil, out
		}
	}
	if len(src) > s.limit() {
		s.fail(FaultEventTooLarge)
		return nil, out
	}
	return src, out
}

func (s *Stream) fail(fault string) { s.books.fault, s.passed = fault, false }

func (s *Stream) limit() int {
	if s.options.MaxEventBytes > 0 {
		return s.options.MaxEventBytes
	}
	return defaultMaxEvent
}

// indexFrom returns the index of c in b from i on, or len(b).
func indexFrom(b []byte, i int, c byte) int {
	if n := bytes.IndexByte(b[i:], c); n >= 0 {
		return i + n
	}
	return len(b)
}

// line takes note of the line that ends at end. It is true when the event is
// whole.
func (s *Stream) line(src []byte, end int) (whole bool) {
	start := s.lineAt
	if !s.begun {
		s.begun = true
		if bytes.HasPrefix(src[start:end], byteOrderMark) {
			start += len(byteOrderMark)
		}
	}
	line := src[start:end]
	switch {
	case len(line) == 0:
		return true
	case line[0] == ':':
		return s.lineAt == 0
	case s.books.events == 0 && (line[0] == '{' || line[0] == '<' || line[0] == '['):
		s.fail(FaultNotStream) // a JSON document, or a page for humans
		return false
	}
	s.event.field(line, start)
	return false
}

var byteOrderMark = []byte("\uFEFF")

// pass ends the event at hand, and passes it on unless it is to be hidden.
func (s *Stream) pass(event, out []byte) []byte {
	s.lineAt, s.seen = 0, 0
	verdict := passed
	var a answer
	if len(s.event.data) > 0 {
		verdict = s.judge(event, &a)
	}
	s.passed = verdict != hidden
	switch verdict {
	case passed:
		a.ncut = 0
		out = append(out, event...)
	case edited:
		out = appendWithout(out, event, s.event.data, a.cuts[:a.ncut])
	}
	if s.passed && len(s.event.data) == 1 && !s.books.errorSeen {
		s.shape.learn(event, s.event.data[0].start, &a, a.cuts[:a.ncut])
	}
	s.event.reset()
	return out
}

// repeat passes on an event that has the shape of one before.
func (s *Stream) repeat(f *fit, event, out []byte) []byte {
	s.seen, s.passed = 0, true
	s.books.events++
	if n := int64(f.spoken.len() - f.spoken.saved); n > 0 {
		s.books.outputBytes += n
		s.books.started = true
	}
	out = append(out, event[:f.cut.start]...)
	return append(out, event[f.cut.end:]...)
}

// verdict says what is to become of an event.
type verdict uint8

const (
	passed verdict = iota
	edited
	hidden
)

// judge reads the data of an event.
func (s *Stream) judge(event []byte, a *answer) verdict {
	data := s.data(event)
	b := &s.books
	switch word := bytes.TrimSpace(data); {
	case bytes.HasPrefix(word, []byte("[DONE]")): // as OpenAI's SDKs test for it
		b.done = true
		return passed
	case len(word) == 0: // a ping of sorts
		return passed
	}
	d := reader{b: data}
	d.answer(a)
	if d.failed() || !a.object {
		s.fail(FaultEventNotJSON)
		return hidden
	}
	if a.error.len() > 0 || string(s.event.name.of(event)) == "error" {
		b.errorSeen = true
		b.failure = ScanError(data)
	} else {
		b.events++
	}
	b.enter(a, data)
	switch {
	case !s.options.HideUsage || a.ncut == 0:
		return passed
	case a.choices == 0 && a.usage.found && !b.errorSeen:
		return hidden
	}
	return edited
}

// enter books what a chunk says.
func (b *books) enter(a *answer, data []byte) {
	b.outputBytes += a.outputBytes
	b.spoke |= a.spoke
	b.finished |= a.finished
	if a.outputBytes > 0 {
		b.started = true
	}
	if u := a.reported(); u.found {
		b.usage = *u
	}
	if b.finish == "" && a.finish.len() > 0 {
		b.finish = finishReason(a.finish.of(data))
		b.errorSeen = b.errorSeen || b.finish == finishError
	}
}

// finishReason makes a string of a finish reason, without allocating for those
// that OpenAI documents.
func finishReason(raw []byte) string {
	switch string(raw) {
	case "stop":
		return "stop"
	case "length":
		return "length"
	case "tool_calls":
		return "tool_calls"
	case "content_filter":
		return "content_filter"
	case "function_call":
		return "function_call"
	}
	return clip(string(raw), maxWord)
}

// End takes note that no more bytes will come, and appends what may still go to
// the client: a last event that lacks nothing but its closing blank line, with
// that. One that is cut off is dropped, and no fault.
func (s *Stream) End(out []byte) []byte {
	if len(s.buf) == 0 || s.over() {
		return out
	}
	event := s.buf
	s.buf = s.buf[:0]
	if s.lineAt < len(event) {
		s.line(event, len(event))
		event = append(event, '\n')
	}
	if len(s.event.data) == 0 || s.over() {
		return out
	}
	out = s.pass(append(event, '\n'), out)
	if s.books.fault == FaultEventNotJSON {
		s.books.fault = ""
	}
	return out
}
