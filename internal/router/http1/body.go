package http1

import (
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/tiershift/tiershift/internal/router/message"
)

// body is that of a request.
type body struct {
	x *exchange
	// chunked tells how the body ends: as chunks say, or after remaining bytes.
	chunked   bool
	remaining int64
	chunks    message.Chunks
	// asked is true as long as the client may wait to be told to go on.
	asked bool
	// done is true once the end was seen, closed once the handler has returned or
	// does not want any more.
	done, closed bool
	// err is what every further read returns.
	err error
}

// Read implements io.Reader. It returns what has come, and io.EOF with the last of
// it. A client that goes away before is io.ErrUnexpectedEOF, and one that is too
// slow for the read deadline os.ErrDeadlineExceeded.
func (b *body) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.read(p)
}

// Close implements io.Closer. What is left is read once the handler has returned.
func (b *body) Close() error {
	b.closed = true
	return nil
}

func (b *body) read(p []byte) (int, error) {
	switch {
	case b.done:
		return 0, io.EOF
	case b.err != nil:
		return 0, b.err
	case len(p) == 0:
		return 0, nil
	}
	if b.asked {
		b.askFor()
	}
	n, err := b.pull(p)
	if err != nil {
		b.fail(err)
		return n, b.err
	}
	if b.done = b.chunks.Done || !b.chunked && b.remaining == 0; b.done {
		b.x.bodyRead()
		return n, io.EOF
	}
	return n, nil
}

var goOn = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// askFor tells the client to send the body, unless some of it is here already, or
// the client has its answer.
func (b *body) askFor() {
	b.asked = false
	if w := &b.x.w; b.x.conn.in.empty() && !w.sent && w.failed == nil {
		w.fail(b.x.conn.write(goOn, nil, nil))
	}
}

// malformedBody is the error of a body that is not in the chunked coding.
type malformedBody string

func (m malformedBody) Error() string { return "malformed request body: " + string(m) }

// fail keeps the error. But for those of the client's doing, it has gone away.
func (b *body) fail(err error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	b.err = err
	b.x.closing = true
	if _, malformed := errors.AsType[malformedBody](err); !malformed && !errors.Is(err, os.ErrDeadlineExceeded) {
		b.x.ctx.cancel()
	}
}

// pull reads some content to p. Nothing may come of it at the end of chunks.
func (b *body) pull(p []byte) (int, error) {
	if b.chunked {
		return b.pullChunks(p)
	}
	in := &b.x.conn.in
	p = p[:min(int64(len(p)), b.remaining)]
	n := in.take(p)
	var err error
	if n == 0 {
		in.release()
		n, err = b.x.conn.read(p)
	}
	b.remaining -= int64(n)
	return n, err
}

func (b *body) pullChunks(p []byte) (content int, err error) {
	c := b.x.conn
	for content == 0 && !b.chunks.Done && err == nil {
		got, taken := 0, false
		switch {
		case !c.in.empty():
			got, taken = c.in.take(p), true
		case b.chunks.Remaining() > 0:
			got, err = c.read(p[:min(int64(len(p)), b.chunks.Remaining())])
		default:
			err = c.fill()
			continue
		}
		var consumed int
		var reason string
		content, consumed, reason = b.chunks.Decode(p[:got])
		if taken {
			c.in.begin -= got - consumed // of the next request
		}
		if reason != "" {
			err = malformedBody(reason)
		}
	}
	return content, err
}

// maxRest is how much of a body is read that the handler did not want, so that
// the connection can serve another request.
const maxRest = 256 << 10

// worthless reports whether the rest of the body is more than the connection is
// worth, or may never come.
func (b *body) worthless() bool {
	return !b.done && (b.asked || b.err != nil || b.remaining > maxRest)
}

// drain reads the rest of the body, and reports whether that was possible.
func (b *body) drain() bool {
	if b.done {
		return true
	}
	if b.worthless() {
		return false
	}
	b.x.conn.readBy.wanted = after(restTime)
	space := newBuffer()
	defer freeBuffer(space)
	for total := 0; total <= maxRest && !b.done; {
		n, err := b.read(space)
		if err != nil {
			return b.done
		}
		total += n
	}
	return b.done
}
