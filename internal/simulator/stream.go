package simulator

import (
	"iter"
	"net/http"
	"unicode/utf8"
)

// stream sends the answer as server-sent events, and reports whether the client
// stayed until the end.
func (x *exchange) stream() bool {
	x.count.update(func(s *Stats) { s.OpenStreams++ })
	defer x.count.update(func(s *Stats) { s.OpenStreams-- })
	x.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	x.w.Header().Set("Cache-Control", "no-cache")
	out := &eventWriter{w: x.w, exchange: x}
	if x.fault.shape.KeepAliveComments {
		out.line(": keep-alive")
	}
	events, frames := x.frames()
	left := x.breakPoint(events)
	for f := range frames {
		if left == 0 {
			return x.breakStream(out, f)
		}
		left--
		if x.pace.wait(x.ctx, x.sent+f.tokens) != nil {
			return false
		}
		x.sent += f.tokens
		if out.event(f); out.err != nil {
			return false
		}
	}
	if !x.fault.shape.NoDone && x.otherWire() == nil {
		out.data([]byte("[DONE]"))
	}
	return out.err == nil
}

// frames are the events of the stream, and how many they are.
func (x *exchange) frames() (int, iter.Seq[frame]) {
	if other := x.otherWire(); other != nil {
		return other.frames(x)
	}
	chunks := newChunker(x.c, x.dialect, x.req, &x.fault.shape)
	return chunks.events(), chunks.frames()
}

// failure is the event that tells of an error.
func (x *exchange) failure(e *apiError) frame {
	if other := x.otherWire(); other != nil && other.failure != nil {
		return other.failure(e)
	}
	_, body := x.dialect.err(e)
	return frame{data: encode(body, "")}
}

// breakPoint is how many events go out before the stream breaks; below zero: it
// does not.
func (x *exchange) breakPoint(events int) int {
	switch x.fault.kind {
	case faultCut, faultStall, faultErrorEvent, faultGarbage:
		if x.fault.after >= 0 {
			return min(x.fault.after, events-1)
		}
		return events / 2
	default:
		return -1
	}
}

// breakStream ends the stream at an event as the fault demands.
func (x *exchange) breakStream(out *eventWriter, next frame) bool {
	switch x.fault.kind {
	case faultErrorEvent:
		out.event(x.failure(statusError(http.StatusInternalServerError, x.model.Name, "")))
	case faultGarbage:
		out.data(next.data[:len(next.data)/2])
	}
	return x.breakOff() && out.err == nil
}

// eventWriter writes events in the shape that the provider's faults demand, and
// sends each at once. After an error it writes nothing more.
type eventWriter struct {
	w        http.ResponseWriter
	exchange *exchange
	buf      []byte
	err      error
}

// line writes a line that is no event.
func (e *eventWriter) line(text string) {
	e.buf = append(e.buf[:0], text...)
	e.send()
}

// event writes a frame, with its name where the wire names events.
func (e *eventWriter) event(f frame) {
	other := e.exchange.otherWire()
	if other == nil || other.name == nil {
		e.data(f.data)
		return
	}
	end := "\n"
	if e.exchange.fault.shape.CRLF {
		end = "\r\n"
	}
	e.buf = append(append(append(e.buf[:0], "event: "...), other.name(f)...), end...)
	e.buf = append(append(e.buf, "data: "...), f.data...)
	e.send()
}

// data writes an event.
func (e *eventWriter) data(payload []byte) {
	e.buf = append(append(e.buf[:0], "data: "...), payload...)
	e.send()
}

// send ends the event in the buffer and writes it.
func (e *eventWriter) send() {
	shape := &e.exchange.fault.shape
	if shape.CRLF {
		e.buf = append(e.buf, "\r\n\r\n"...)
	} else {
		e.buf = append(e.buf, "\n\n"...)
	}
	if !shape.ChunkSplitting {
		e.write(e.buf)
		return
	}
	for rest := e.buf; len(rest) > 0; {
		n := splitAt(rest, 1+e.exchange.rand.IntN(7))
		e.write(rest[:n])
		rest = rest[n:]
	}
}

func (e *eventWriter) write(b []byte) {
	if e.err != nil {
		return
	}
	if _, e.err = e.w.Write(b); e.err == nil {
		e.err = http.NewResponseController(e.w).Flush()
	}
}

// splitAt is where to cut a text of which about n bytes are wanted: after the
// first byte of a character of several, if there is one.
func splitAt(b []byte, n int) int {
	n = min(n, len(b))
	for i := range n {
		if b[i] >= utf8.RuneSelf && utf8.RuneStart(b[i]) {
			return i + 1
		}
	}
	return n
}
