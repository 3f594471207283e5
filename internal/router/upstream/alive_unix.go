//go:build unix

package upstream

import "syscall"

// alive looks, without waiting, whether the peer has closed the connection. One
// that has something to say without having been asked is not used again either,
// but for TLS, where session tickets may still be under way.
func (cn *conn) alive() bool {
	if cn.raw == nil {
		return true
	}
	live := false
	var one [1]byte
	err := cn.raw.Read(func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		live = err == syscall.EAGAIN || err == nil && n > 0 && cn.secure //nolint:errorlint // a bare errno
		return true
	})
	return err == nil && live
}
