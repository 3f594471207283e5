// Package sse takes a stream of server-sent events apart
// (https://html.spec.whatwg.org/multipage/server-sent-events.html), for wires whose
// events are translated or must be understood while they are passed on.
//
// It must never do I/O, never hold more than one event, and never put a byte of an
// event into an error.
package sse

import (
	"bytes"
	"errors"
)

// DefaultMaxEvent bounds one event, in bytes. The last event of OpenAI Responses
// repeats the whole answer, so it is generous.
const DefaultMaxEvent = 8 << 20

// ErrTooLarge is an event beyond the bound.
var ErrTooLarge = errors.New("a stream event beyond the size limit")

// ErrNotStream is a body that is no event stream: a JSON document, or a page for
// humans.
var ErrNotStream = errors.New("no event stream")

// Event is one event. Its slices are good until the next call of [Reader.Next].
type Event struct {
	// Raw are the event's bytes as they came, the blank line that ends it included.
	Raw []byte
	// Name is the event field; empty: none.
	Name []byte
	// Data are the data fields, joined by line feeds; nil: none, as with comments.
	Data []byte
}

// Reader cuts a stream in events. Its zero value is ready.
type Reader struct {
	// MaxEvent bounds one event, in bytes; 0: [DefaultMaxEvent].
	MaxEvent int

	buf []byte
	// at is where the event at hand begins in buf, and seen up to where it was
	// searched for its end, a line at a time.
	at, seen int
	data     []byte
	begun    bool
}

// Feed adds bytes that have come. They are copied.
func (r *Reader) Feed(chunk []byte) {
	if r.at > 0 {
		r.buf = r.buf[:copy(r.buf, r.buf[r.at:])]
		r.seen -= r.at
		r.at = 0
	}
	r.buf = append(r.buf, chunk...)
}

// Next returns the next whole event; false: none is whole yet.
func (r *Reader) Next() (e Event, ok bool, err error) {
	if err := r.begin(); err != nil {
		return Event{}, false, err
	}
	for {
		line, next := nextLine(r.buf, r.seen)
		if next < 0 {
			return Event{}, false, r.check(len(r.buf))
		}
		blank := len(line) == 0
		if r.seen = next; blank {
			break
		}
	}
	return r.take(), true, r.check(r.seen)
}

// begin looks at the first bytes of the stream.
func (r *Reader) begin() error {
	if r.begun || len(r.buf) < len(byteOrderMark) {
		return nil
	}
	r.begun = true
	if bytes.HasPrefix(r.buf, byteOrderMark) {
		r.at, r.seen = len(byteOrderMark), len(byteOrderMark)
	}
	switch first := bytes.TrimLeft(r.buf[r.at:], "\r\n\t "); {
	case len(first) == 0:
		r.begun = false
	case first[0] == '{' || first[0] == '<' || first[0] == '[':
		return ErrNotStream
	}
	return nil
}

var byteOrderMark = []byte("\uFEFF")

func (r *Reader) check(end int) error {
	limit := r.MaxEvent
	if limit == 0 {
		limit = DefaultMaxEvent
	}
	if end-r.at > limit {
		return ErrTooLarge
	}
	return nil
}

// take returns the event that ends at seen.
func (r *Reader) take() Event {
	raw := r.buf[r.at:r.seen]
	r.at = r.seen
	return r.parse(raw)
}

// End returns a last event that lacks nothing but the blank line which ends it.
// One whose last line is cut is none.
func (r *Reader) End() (e Event, ok bool) {
	raw := r.buf[r.at:]
	r.at, r.seen = len(r.buf), len(r.buf)
	if len(raw) == 0 || raw[len(raw)-1] != '\n' && raw[len(raw)-1] != '\r' {
		return Event{}, false
	}
	e = r.parse(raw)
	return e, e.Data != nil
}

func (r *Reader) parse(raw []byte) Event {
	e := Event{Raw: raw}
	fields := 0
	for at := 0; at < len(raw); {
		line, next := nextLine(raw, at)
		if next < 0 {
			line, next = raw[at:], len(raw)
		}
		at = next
		name, value, _ := bytes.Cut(line, colon)
		value = bytes.TrimPrefix(value, space)
		switch string(name) {
		case "event":
			e.Name = value
		case "data":
			e.Data = r.join(e.Data, value, fields)
			fields++
		}
	}
	return e
}

var colon, space = []byte(":"), []byte(" ")

// join adds a data field to those before it, in memory of its own only if there
// are several.
func (r *Reader) join(data, value []byte, fields int) []byte {
	switch fields {
	case 0:
		if value == nil {
			return []byte{}
		}
		return value
	case 1:
		r.data = append(r.data[:0], data...)
	}
	r.data = append(append(r.data, '\n'), value...)
	return r.data
}

// nextLine returns the line at a position, without its end, and where the next
// begins; negative: it has no end yet. A carriage return that is the last byte may
// be half of one.
func nextLine(b []byte, at int) (line []byte, next int) {
	end := len(b)
	if n := bytes.IndexByte(b[at:], '\n'); n >= 0 {
		end = at + n
	}
	cr := bytes.IndexByte(b[at:end], '\r')
	switch {
	case cr < 0 && end == len(b), cr >= 0 && at+cr+1 == len(b):
		return nil, -1
	case cr < 0:
		return b[at:end], end + 1
	case b[at+cr+1] == '\n':
		return b[at : at+cr], at + cr + 2
	}
	return b[at : at+cr], at + cr + 1
}
