//go:build unix

package upstream

import (
	"errors"
	"net"
	"syscall"
)

// peek reads from a socket without waiting.
type peek struct {
	raw syscall.RawConn
	// try is attempt, bound once. p, n and err are its argument and results.
	try func(fd uintptr) bool
	p   []byte
	n   int
	err error
}

// newPeek returns nil if the connection is none of the operating system's.
func newPeek(c net.Conn) *peek {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	p := &peek{raw: raw}
	p.try = p.attempt
	return p
}

// read returns errQuiet if nothing has arrived, and no bytes without an error
// at the end of the stream.
func (k *peek) read(p []byte) (int, error) {
	k.p, k.n, k.err = p, 0, nil
	if err := k.raw.Read(k.try); err != nil {
		return 0, err
	}
	k.p = nil
	if errors.Is(k.err, syscall.EAGAIN) || errors.Is(k.err, syscall.EWOULDBLOCK) {
		return 0, errQuiet
	}
	return max(k.n, 0), k.err
}

func (k *peek) attempt(fd uintptr) bool {
	k.n, k.err = syscall.Read(int(fd), k.p)
	return true // never wait
}
