package upstream

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// rush writes of what was loaded so much as the kernel takes without waiting.
func (c *conn) rush() (written int64, err error) {
	socket, ok := c.stream.(syscall.Conn)
	if !ok {
		return 0, nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	var fault error
	err = raw.Write(func(fd uintptr) bool {
		for len(c.vector) > 0 {
			var n int
			n, fault = unix.Writev(int(fd), c.vector)
			if n > 0 {
				written += int64(n)
				c.vector = rest(c.vector, n)
			}
			if fault != nil && !errors.Is(fault, unix.EINTR) {
				break
			}
		}
		return true // never wait
	})
	if errors.Is(fault, unix.EAGAIN) {
		fault = nil
	}
	return written, errors.Join(err, fault)
}

// rest is what is left of segments after so many bytes of them.
func rest(v net.Buffers, n int) net.Buffers {
	for len(v) > 0 && n >= len(v[0]) {
		n -= len(v[0])
		v = v[1:]
	}
	if n > 0 {
		v[0] = v[0][n:]
	}
	return v
}
