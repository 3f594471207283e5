package patch

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
	// failed is that the provider gave up, errorSeen that clients notice.
	failed, errorSeen bool
	failure           ErrorBody
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
// reason of each choice, and neither a fault nor an error. Some servers send
// [DONE] after an error.
func (s *Stream) Complete() bool {
	b := &s.books
	whole := b.done || b.finished != 0 && b.finished == b.spoke
	return whole && b.fault == "" && !b.failed
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

// ErrorSeen reports whether an event with an error member was passed on: OpenAI's
// SDKs raise it, so that the client needs no other sign that the answer failed.
// They do not raise what only is named an error, or has OpenRouter's finish
// reason for one; these do but make the stream incomplete.
func (s *Stream) ErrorSeen() bool { return s.books.errorSeen }

// ErrorEvent returns what the provider said when it gave up.
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
	if len(rest) < len(s.buf) {
		s.buf = s.buf[:copy(s.buf, rest)]
	}
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
	for !s.over() {
		if f, ok := s.repeats(src); ok {
			out = s.repeat(&f, src[:f.length], out)
			src, feed = src[f.length:], -1
			continue
		}
		if feed < s.seen {
			feed = indexFrom(src, s.seen, '\n')
		}
		end := indexFrom(src[:feed], s.seen, '\r')
		if end == len(src) {
			s.seen = end
			return s.pending(src), out
		}
		next := s.lineEnd(src, end)
		whole := s.line(src, end)
		s.lineAt, s.seen = next, next
		if whole {
			out = s.pass(src[:next], end, out)
			src, feed = src[next:], feed-next
		}
	}
	return nil, out
}

// pending returns what is kept of an event whose end has not come.
func (s *Stream) pending(event []byte) []byte {
	if len(event) > s.limit() {
		s.fail(FaultEventTooLarge)
		return nil
	}
	return event
}

// lineEnd returns where the next line starts if one ends at end.
func (s *Stream) lineEnd(src []byte, end int) (next int) {
	next = end + 1
	switch {
	case src[end] == '\n':
	case next == len(src):
		s.afterCR = true
	case src[next] == '\n':
		next++
	}
	return next
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

// pass ends the event at hand, whose last line ends at end, and passes it on
// unless it is to be hidden.
func (s *Stream) pass(event []byte, end int, out []byte) []byte {
	s.lineAt, s.seen = 0, 0
	if end > s.limit() {
		s.fail(FaultEventTooLarge)
		return out
	}
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
	if s.passed && len(s.event.data) == 1 && !s.books.failed {
		s.shape.learn(event, s.event.data[0].start, &a, a.cuts[:a.ncut])
	}
	s.event.reset()
	return out
}

// repeats looks whether src starts with an event that has the shape of one
// before. That is to be seen only once it is whole: a long event that comes in
// small pieces must not be looked at with each.
func (s *Stream) repeats(src []byte) (f fit, ok bool) {
	if s.lineAt > 0 || s.seen > 0 && bytes.IndexByte(src[s.seen:], '\n') < 0 {
		return f, false
	}
	f, ok = s.shape.match(src)
	return f, ok && f.length <= s.limit()
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
	if s.isMark(data) {
		return passed
	}
	b := &s.books
	d := reader{b: data}
	d.answer(a)
	if d.failed() || !a.object {
		s.fail(FaultEventNotJSON)
		return hidden
	}
	if a.error.len() > 0 || string(s.event.name.of(event)) == "error" {
		b.fail(a, data)
	} else {
		b.events++
	}
	b.enter(a, data)
	switch {
	case !s.options.HideUsage || a.ncut == 0:
		return passed
	case a.choices == 0 && a.usage.found && !b.failed:
		return hidden
	}
	return edited
}

// fail books an error event.
func (b *books) fail(a *answer, data []byte) {
	b.failed = true
	b.errorSeen = b.errorSeen || a.error.len() > 0
	b.failure = ScanError(data)
}

// isMark reports whether the data is the end mark, tested for as OpenAI's SDKs
// do, or empty: a ping of sorts.
func (s *Stream) isMark(data []byte) bool {
	word := bytes.TrimSpace(data)
	if bytes.HasPrefix(word, []byte("[DONE]")) {
		s.books.done = true
		return true
	}
	return len(word) == 0
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
		b.failed = b.failed || b.finish == finishError
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
	out = s.pass(append(event, '\n'), len(event), out)
	if s.books.fault == FaultEventNotJSON {
		s.books.fault = ""
	}
	return out
}
