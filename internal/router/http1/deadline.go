package http1

import (
	"errors"
	"net"
	"os"
	"time"
)

// epoch makes points in time plain numbers that are never 0: 0 is "none".
var epoch = time.Now().Add(-time.Hour)

func now() time.Duration { return time.Since(epoch) }

// after is the point in time d from now; none if d is none.
func after(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return now() + d
}

// deadline is that of a connection's reads, or of its writes. What the socket is
// told may be earlier than what is wanted, never later: it is moved only when it
// has passed too early. Most requests cost no timer that way.
type deadline struct {
	tell func(time.Time) error
	// wanted is when an operation has to end, told what the socket knows; 0: none.
	wanted, told time.Duration
}

// prepare comes before an operation.
func (d *deadline) prepare() error {
	if d.wanted == 0 || 0 < d.told && d.told <= d.wanted {
		return nil
	}
	return d.move()
}

// abort ends the operation that is under way, and those that come, until one is
// found to be premature.
func (d *deadline) abort() error {
	d.told = 1
	return d.tell(epoch.Add(d.told))
}

func (d *deadline) move() error {
	d.told = d.wanted
	if d.told == 0 {
		return d.tell(time.Time{})
	}
	return d.tell(epoch.Add(d.told))
}

// premature reports whether an operation was ended before its time, and can be
// repeated.
func (d *deadline) premature(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && (d.wanted == 0 || now() < d.wanted) && d.move() == nil
}

// set wants the deadline of a handler.
func (d *deadline) set(t time.Time) {
	if d.wanted = 0; !t.IsZero() {
		d.wanted = max(t.Sub(epoch), 1)
	}
}

// read reads what has come, or waits for some until the deadline.
func (c *conn) read(p []byte) (int, error) {
	if err := c.readBy.prepare(); err != nil {
		return 0, err
	}
	for {
		n, err := c.socket.Read(p)
		if n > 0 {
			return n, nil // an error beside bytes comes again
		}
		if err != nil && !c.readBy.premature(err) {
			return 0, err
		}
	}
}

// write writes all of head, body and tail in one system call, if the client
// takes it. The last two may be empty.
func (c *conn) write(head, body, tail []byte) error {
	if err := c.writeBy.prepare(); err != nil {
		return err
	}
	switch {
	case len(body) == 0:
		return c.writeOne(head)
	case len(head)+len(tail) == 0:
		return c.writeOne(body)
	}
	c.segments = [3][]byte{head, body, tail}
	c.vector = net.Buffers(c.segments[:])
	if len(tail) == 0 {
		c.vector = c.vector[:2]
	}
	defer clear(c.segments[:])
	for {
		_, err := c.vector.WriteTo(c.socket) // takes off what it has written
		if err == nil || !c.writeBy.premature(err) {
			return err
		}
	}
}

func (c *conn) writeOne(p []byte) error {
	for {
		n, err := c.socket.Write(p)
		if err == nil || !c.writeBy.premature(err) {
			return err
		}
		p = p[n:]
	}
}
