package upstream

import (
	"crypto/tls"
	"io"
	"net"
)

// errQuiet says that an open connection has nothing to read. It is temporary,
// so that tls.Conn does not keep it.
var errQuiet error = quiet{}

type quiet struct{}

func (quiet) Error() string   { return "nothing has arrived" }
func (quiet) Timeout() bool   { return true }
func (quiet) Temporary() bool { return true }

// plainProbe looks whether an idle socket has been closed, or has received what
// nobody asked for. Either makes it useless: an answer that came by itself would
// be taken for the answer to the next request.
func plainProbe(socket net.Conn) func() bool {
	k := newPeek(socket)
	if k == nil {
		return nil
	}
	var b [1]byte
	return func() bool {
		_, err := k.read(b[:])
		return err == errQuiet //nolint:errorlint // peek returns it as it is
	}
}

// wire is the socket under TLS. While probing, its reads do not wait: a read of
// the tls.Conn on top then also finds what that holds, decrypted or not.
type wire struct {
	net.Conn
	peek *peek
	// probing is set for the time of a probe, heard if bytes came during it.
	probing, heard bool
}

func (w *wire) Read(p []byte) (int, error) {
	if !w.probing {
		return w.Conn.Read(p)
	}
	if w.peek == nil {
		return 0, errQuiet
	}
	n, err := w.peek.read(p)
	w.heard = n > 0
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return n, err
}

// probe tells whether the idle TLS connection over the wire is open and silent.
// Bytes that are not a whole record yet break the silence too.
func (w *wire) probe(stream *tls.Conn) func() bool {
	var b [1]byte
	return func() bool {
		w.probing, w.heard = true, false
		_, err := stream.Read(b[:])
		w.probing = false
		return err == errQuiet && !w.heard //nolint:errorlint // tls.Conn passes temporary errors on as they are
	}
}
