package http1

import (
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

// connState is what a server that shuts down needs to know of a connection.
type connState = int32

const (
	connNew connState = iota
	connActive
	connIdle
	connClosed
)

// conn is one connection of a client.
type conn struct {
	server *Server
	socket net.Conn
	// remote is the client's address.
	remote string
	// accepted is when the connection came.
	accepted time.Duration
	state    atomic.Int32

	in              input
	readBy, writeBy deadline
	watch           watch

	// segments and vector are the memory of a vectored write.
	segments [3][]byte
	vector   net.Buffers
}

func newConn(s *Server, socket net.Conn) *conn {
	c := &conn{server: s, socket: socket, remote: socket.RemoteAddr().String(), accepted: now()}
	c.readBy.tell, c.writeBy.tell = socket.SetReadDeadline, socket.SetWriteDeadline
	c.watch.ended.L = &c.watch.mu
	return c
}

// serve serves one request after the other.
func (c *conn) serve() {
	defer c.end()
	for {
		end, fault := c.awaitHead()
		if fault != nil {
			c.refuse(fault)
			return
		}
		if end == 0 || !c.serveOne(end) {
			return
		}
		if c.in.empty() {
			c.state.Store(connIdle)
			if c.server.closing.Load() {
				return
			}
		}
	}
}

func (c *conn) serveOne(end int) (again bool) {
	head := string(c.in.bytes()[:end])
	c.in.begin += end
	x, r, fault := c.newExchange(head)
	if fault != nil {
		c.refuse(fault)
		return false
	}
	return x.run(r)
}

// end gives the connection up.
func (c *conn) end() {
	_ = c.socket.Close() // nobody is left to be told
	c.disarm()
	if c.in.buf != nil {
		freeBuffer(c.in.buf)
	}
	c.server.forget(c)
}

// awaitHead reads until a whole head is there, and returns where it ends; 0: the
// client went away, or took too long.
func (c *conn) awaitHead() (end int, _ *fault) {
	timed := c.awaitFirstByte()
	for scanned := 0; ; {
		got := c.in.bytes()
		end, fault := scanHead(got, scanned, c.server.maxHeader())
		if end > 0 || fault != nil {
			return end, fault
		}
		if len(got) > 0 && !timed {
			timed = true
			c.readBy.wanted = after(c.server.ReadHeaderTimeout)
		}
		scanned = max(0, len(got)-len(endOfHead)+1)
		if c.fill() != nil || !c.activate() {
			return 0, nil
		}
	}
}

// awaitFirstByte sets how long the first byte of a head may take, and reports
// whether that is the time for all of it.
func (c *conn) awaitFirstByte() (timed bool) {
	if c.accepted == 0 || c.server.ReadHeaderTimeout <= 0 {
		c.readBy.wanted = after(c.server.IdleTimeout)
		return false
	}
	c.readBy.wanted = c.accepted + c.server.ReadHeaderTimeout
	c.accepted = 0
	return true
}

// activate marks the connection as in use; false: a shutdown has closed it.
func (c *conn) activate() bool {
	return c.state.Load() == connActive || c.state.CompareAndSwap(connIdle, connActive) || c.state.CompareAndSwap(connNew, connActive)
}

// fill reads what has come to the input, or waits for some.
func (c *conn) fill() error {
	n, err := c.read(c.in.space())
	c.in.end += n
	return err
}

// refuse answers a request that is none.
func (c *conn) refuse(f *fault) {
	body := f.reason + "\n"
	out := appendDate(appendStatus(newBuffer()[:0], false, f.status))
	out = append(out, "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: "...)
	out = append(strconv.AppendInt(out, int64(len(body)), 10), "\r\n\r\n"...)
	out = append(out, body...)
	c.writeBy.wanted = after(restTime)
	err := c.write(out, nil, nil)
	freeBuffer(out)
	if err == nil {
		c.linger()
	}
}

// lingerTime is how long a client may go on sending what nobody reads.
const lingerTime = 500 * time.Millisecond

// linger reads on after the last answer. Closing a socket that holds unread bytes
// resets the connection, and the client could lose the answer
// (https://www.rfc-editor.org/rfc/rfc9112#section-9.6-12).
func (c *conn) linger() {
	half, ok := c.socket.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.readBy.wanted = after(lingerTime)
	space := newBuffer()
	defer freeBuffer(space)
	for {
		if _, err := c.read(space); err != nil {
			return
		}
	}
}
