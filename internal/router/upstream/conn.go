package upstream

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// epoch makes points in time plain numbers that are never 0: 0 is "none".
var epoch = time.Now().Add(-time.Hour)

func now() time.Duration { return time.Since(epoch) }

// conn is one connection to the provider. One exchange uses it at a time; close
// may be called by anyone at any time.
type conn struct {
	client *Client
	// socket is the bottom of the connection, stream what is read and written:
	// the same, or TLS over it.
	socket, stream net.Conn
	// vectored is true if stream takes many segments in one system call.
	vectored bool
	// probe tells whether an idle connection is still open and silent.
	probe func() bool
	// deadline is what is set on stream.
	deadline time.Duration
	// lifetime is how long the server promises to hold the connection idle,
	// expires when it is to be closed if it still is.
	lifetime, expires time.Duration

	// segments and vector are the memory of a vectored write.
	segments [][]byte
	vector   net.Buffers

	// closeIt is close, bound once.
	closeIt func()
	closed  atomic.Bool
}

func newConn(client *Client, socket, stream net.Conn, probe func() bool) *conn {
	_, isTCP := stream.(*net.TCPConn)
	c := &conn{client: client, socket: socket, stream: stream, vectored: isTCP, probe: probe}
	c.closeIt = c.close
	client.open.Add(1)
	return c
}

// close closes the socket. TLS is not told goodbye: that could block, and what
// is closed here is idle, broken or abandoned.
func (c *conn) close() {
	if c.closed.CompareAndSwap(false, true) {
		c.client.open.Add(-1)
		_ = c.socket.Close() // nobody is left to be told
	}
}

// setDeadline moves the deadline of reads and writes to a point between low and
// high, if it is not there already. Both at once cost one timer of the runtime's
// poller, each by itself would cost two.
func (c *conn) setDeadline(low, high time.Duration) error {
	if low <= c.deadline && c.deadline <= high {
		return nil
	}
	c.deadline = high
	if high == 0 {
		return c.stream.SetDeadline(time.Time{})
	}
	return c.stream.SetDeadline(epoch.Add(high))
}

// write sends the head and the body.
func (c *conn) write(head []byte, body [][]byte) (int64, error) {
	if !c.vectored {
		return c.writeJoined(head, body)
	}
	if len(body) == 0 {
		n, err := c.stream.Write(head)
		return int64(n), err
	}
	c.load(head, body)
	return c.unload()
}

// load makes the segments of a request ready for a vectored write.
func (c *conn) load(head []byte, body [][]byte) {
	c.segments = append(append(c.segments[:0], head), body...)
	c.vector = c.segments
}

// unload writes what is left of what was loaded.
func (c *conn) unload() (int64, error) {
	n, err := c.vector.WriteTo(c.stream)
	clear(c.segments)
	return n, err
}

// maxRecord is the largest TLS record
// (https://www.rfc-editor.org/rfc/rfc8446#section-5.1).
const maxRecord = 16 << 10

var records = sync.Pool{New: func() any { return new([maxRecord]byte) }}

// writeJoined joins small segments, since each write becomes a TLS record and a
// system call of its own. Segments that fill a record by themselves are not
// copied.
func (c *conn) writeJoined(head []byte, body [][]byte) (written int64, err error) {
	record := records.Get().(*[maxRecord]byte)
	defer records.Put(record)
	joined := record[:0]
	flush := func(p []byte) {
		if err == nil && len(p) > 0 {
			var n int
			n, err = c.stream.Write(p)
			written += int64(n)
		}
	}
	add := func(p []byte) {
		if len(joined)+len(p) > maxRecord {
			flush(joined)
			joined = record[:0]
		}
		if len(p) > maxRecord {
			flush(p)
			return
		}
		joined = append(joined, p...)
	}
	add(head)
	for _, p := range body {
		add(p)
	}
	flush(joined)
	return written, err
}
