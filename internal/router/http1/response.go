package http1

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tiershift/tiershift/internal/router/message"
)

// response is the writer of an answer. What is written gathers in buf, behind the
// head as long as that has not left, until it is flushed or too much.
type response struct {
	x      *exchange
	header http.Header
	// buf holds the lines of the head and, from content on, what was written.
	buf     []byte
	content int
	status  int // 0: not yet decided
	// length is what the handler announced, or -1; written is what it has written.
	length, written int64
	// chunked is how the answer goes if sent is true: its head has left, or is on
	// its way.
	chunked, sent bool
	// typed is true if no content type is to be guessed, dated if the handler set
	// the date.
	typed, dated bool
	over         bool
	failed       error
}

// Header implements http.ResponseWriter. Changes after WriteHeader have no effect.
func (w *response) Header() http.Header {
	if w.over {
		return http.Header{} // the handler's serves another request by now
	}
	return w.header
}

// WriteHeader implements http.ResponseWriter. Informational answers are not sent,
// and only the first call counts.
func (w *response) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %d", status))
	}
	if w.status != 0 || w.over || status < 200 {
		return
	}
	w.status, w.length = status, -1
	w.buf = appendStatus(w.space(), w.x.version10, status)
	var space [24]string
	names := space[:0]
	for name := range w.header {
		names = append(names, name)
	}
	slices.Sort(names) // for whoever reads or compares answers
	for _, name := range names {
		w.appendHeader(name, w.header[name])
	}
	if !w.dated {
		w.buf = appendDate(w.buf)
	}
	w.content = len(w.buf)
}

func appendStatus(dst []byte, version10 bool, status int) []byte {
	if status == http.StatusOK && !version10 {
		return append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	version := "HTTP/1.1 "
	if version10 {
		version = "HTTP/1.0 "
	}
	dst = strconv.AppendInt(append(dst, version...), int64(status), 10)
	text := http.StatusText(status)
	if text == "" {
		text = "status code " + strconv.Itoa(status)
	}
	return append(append(append(dst, ' '), text...), "\r\n"...)
}

// appendHeader writes the lines of one header, but those that say how the answer
// ends: they are the server's.
func (w *response) appendHeader(name string, values []string) {
	if !message.ValidToken(name) {
		return
	}
	switch canonical(name) {
	case "Content-Length":
		w.announce(values)
		return
	case "Connection":
		w.connection(values)
		return
	case "Transfer-Encoding", "Trailer":
		return
	case "Content-Type", "Content-Encoding":
		w.typed = true
	case "Date":
		w.dated = true
	}
	for _, value := range values {
		w.buf = appendValue(append(append(w.buf, name...), ": "...), value)
	}
}

// announce takes the length from the handler, unless there is none to announce.
func (w *response) announce(values []string) {
	if len(values) == 0 || !w.hasBody() {
		return
	}
	if n, ok := message.Decimal(values[0]); ok {
		w.length = n
	}
}

func (w *response) connection(values []string) {
	for _, value := range values {
		message.EachElement(value, func(option string) {
			w.x.closing = w.x.closing || message.SameName(option, "close")
		})
	}
}

// appendValue ends a header line. A value can hold no line end, and nothing else
// that readers stumble on.
func appendValue(dst []byte, value string) []byte {
	if message.ValidValue(value) {
		dst = append(dst, message.Trim(value)...)
	} else {
		for i := range len(value) {
			c := value[i]
			if !message.ValidValue(value[i : i+1]) {
				c = ' '
			}
			dst = append(dst, c)
		}
	}
	return append(dst, "\r\n"...)
}

// hasBody reports whether answers of the status have a body, if only to GET.
func (w *response) hasBody() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

func (w *response) space() []byte {
	if w.buf == nil {
		w.buf, w.content = newBuffer()[:0], 0
	}
	return w.buf
}

// Write implements http.ResponseWriter. It returns an error when the client went
// away before, or passed the write deadline.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.over:
		return 0, errOver
	case w.failed != nil:
		return 0, w.failed
	case len(p) == 0:
		return 0, nil
	case !w.hasBody():
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0 && w.written+int64(len(p)) > w.length:
		w.x.closing = true // the handler and its client would not agree on what was said
		return 0, http.ErrContentLength
	}
	w.written += int64(len(p))
	if w.x.toHead {
		w.guessType(p)
		return len(p), nil
	}
	w.buf = w.space()
	if len(w.buf)+len(p) <= bufferSize-maxFrame {
		w.buf = append(w.buf, p...)
		return len(p), nil
	}
	if err := w.send(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// guessType is for an answer of which only the head is sent.
func (w *response) guessType(content []byte) {
	if !w.typed && !w.sent {
		w.buf = appendType(w.buf, content)
		w.content = len(w.buf)
		w.typed = true
	}
}

func appendType(dst, content []byte) []byte {
	return appendValue(append(dst, "Content-Type: "...), http.DetectContentType(content))
}

// maxFrame is about what the end of the head and the frame of a chunk take.
const maxFrame = 192

// Flush implements http.Flusher.
func (w *response) Flush() { _ = w.FlushError() } // the next write tells

// FlushError sends what was written, for http.ResponseController.
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.over:
		return errOver
	case w.failed != nil:
		return w.failed
	case len(w.buf) == 0:
		return nil
	}
	return w.send(nil, false)
}

// SetReadDeadline bounds the reading of the body, for http.ResponseController.
func (w *response) SetReadDeadline(t time.Time) error {
	if w.over {
		return errOver
	}
	w.x.conn.readBy.set(t)
	return nil
}

// SetWriteDeadline bounds the writing of the answer, for http.ResponseController.
func (w *response) SetWriteDeadline(t time.Time) error {
	if w.over {
		return errOver
	}
	w.x.conn.writeBy.set(t)
	return nil
}

// finish sends what is left.
func (w *response) finish() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.sent && w.length < 0 && w.hasBody() && (!w.x.toHead || w.written > 0) {
		w.length = w.written
	}
	if w.failed == nil {
		_ = w.send(nil, true) // told by failed
	}
	w.x.closing = w.x.closing || w.failed != nil || w.length > w.written && !w.x.toHead
	w.release()
	w.over = true
}

// release gives the buffer back.
func (w *response) release() {
	if w.buf != nil {
		freeBuffer(w.buf)
		w.buf, w.content = nil, 0
	}
}

var (
	lineEnd   = []byte("\r\n")
	lastChunk = []byte("0\r\n\r\n")
)

// send writes what is in the buffer, and p, which it does not hold on to. last is
// that nothing follows.
func (w *response) send(p []byte, last bool) error {
	n := len(w.buf) - w.content + len(p)
	sample := p
	if len(w.buf) > w.content {
		sample = w.buf[w.content:]
	}
	var space [maxFrame]byte
	frame := space[:0]
	if !w.sent {
		frame = w.endHead(frame, sample)
		w.sent = true
	}
	var tail []byte
	if w.chunked {
		if n > 0 {
			frame = append(strconv.AppendInt(frame, int64(n), 16), "\r\n"...)
			tail = lineEnd
		}
		if last && n == 0 {
			frame = append(frame, lastChunk...)
		} else if last {
			tail = endOfBody
		}
	}
	w.insert(frame)
	if len(p) == 0 {
		w.buf = append(w.buf, tail...)
	}
	err := error(nil)
	if len(w.buf) > 0 || len(p) > 0 {
		err = w.x.conn.write(w.buf, p, tail)
	}
	w.release()
	w.fail(err)
	return err
}

var endOfBody = []byte("\r\n0\r\n\r\n")

// insert puts the frame before the content.
func (w *response) insert(frame []byte) {
	if len(frame) == 0 {
		return
	}
	end := len(w.space())
	w.buf = append(w.buf, frame...)
	if end > w.content {
		copy(w.buf[w.content+len(frame):], w.buf[w.content:end])
		copy(w.buf[w.content:], frame)
	}
}

// endHead decides how the answer ends, and whether the connection does then.
func (w *response) endHead(dst, sample []byte) []byte {
	x := w.x
	if !w.typed && len(sample) > 0 {
		dst = appendType(dst, sample)
	}
	switch {
	case !w.hasBody():
	case w.length >= 0:
		dst = append(strconv.AppendInt(append(dst, "Content-Length: "...), w.length, 10), "\r\n"...)
	case x.toHead:
	case x.version10:
		x.closing = true
	default:
		w.chunked = true
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	x.closing = x.closing || x.body.worthless() || x.conn.server.closing.Load()
	switch {
	case x.closing:
		dst = append(dst, "Connection: close\r\n"...)
	case x.version10:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// fail takes note that the client cannot be reached any more.
func (w *response) fail(err error) {
	if err != nil {
		w.failed = err
		w.x.closing = true
		w.x.ctx.cancel()
	}
}
