package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// FuzzResponse feeds a client arbitrary bytes as the server's answer, in pieces
// of every size and read in every way. The result must not depend on either,
// and what the client accepts net/http has to understand in the same way, down
// to the byte at which the answer ends.
func FuzzResponse(f *testing.F) {
	const ok = "HTTP/1.1 200 OK\r\n"
	const chunks = ok + "Transfer-Encoding: chunked\r\n\r\n"
	for _, seed := range []string{
		okAnswer,
		okAnswer + okAnswer,
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",
		ok + "\r\nuntil the end",
		ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		ok + "Content-Length: 99\r\n\r\nshort",
		chunks + "5\r\nhello\r\n6;a=\"b\"\r\n world\r\n0\r\nX: y\r\n\r\n",
		chunks + "A\r\n0123456789\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		chunks + "ffffffffffffffff\r\nx",
		chunks + "0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + okAnswer,
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n",
		ok + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
		ok + "X : a\r\nContent-Length: 0\r\n\r\n",
		ok + "Connection: close, keep-alive\r\nKeep-Alive: timeout=5, max=1\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200\nContent-Length: 0\n\n",
		"\x16\x03\x01\x00\x05",
		"",
	} {
		f.Add([]byte(seed), 7)
	}
	f.Fuzz(func(t *testing.T, answer []byte, piece int) {
		want := understand(t, answer, len(answer)+1, readWhole)
		for _, size := range []int{1, 1 + int(uint(piece)%64)} {
			for name, read := range readers {
				if got := understand(t, answer, size, read); !got.same(want) {
					t.Errorf("%s in pieces of %d: %+v, in one piece %+v", name, size, got, want)
				}
			}
		}
		if want.err != nil {
			return
		}
		oracle := oracleUnderstands(answer)
		if oracle.err != nil || oracle.status != want.status || !bytes.Equal(oracle.body, want.body) {
			t.Errorf("client: %+v, net/http: %+v", want, oracle)
		}
		if want.kept && oracle.length != len(answer)-want.unread {
			t.Errorf("the answer ends after %d bytes for net/http, after %d for the client", oracle.length, len(answer)-want.unread)
		}
	})
}

// understanding is what a reader made of an answer.
type understanding struct {
	status int
	body   []byte
	err    error
	// kept is true if the connection went back to the pool, with so many bytes
	// unread; length is where the answer ends.
	kept           bool
	unread, length int
}

func (u understanding) same(other understanding) bool {
	return u.status == other.status && bytes.Equal(u.body, other.body) && (u.err == nil) == (other.err == nil)
}

var readers = map[string]func(*Response) ([]byte, error){
	"ReadAll": readWhole,
	"Next": func(r *Response) (all []byte, err error) {
		for {
			p, err := r.Next()
			all = append(all, p...)
			if err != nil {
				return all, ignoreEOF(err)
			}
			if len(p) == 0 {
				return all, errors.New("Next returned nothing")
			}
			clear(p) // the caller may do as it likes with it
		}
	},
	"Read of 3":    readBy(3),
	"Read of 4096": readBy(4096),
}

func readWhole(r *Response) ([]byte, error) { return r.ReadAll(nil, 1<<20) }

func readBy(size int) func(*Response) ([]byte, error) {
	return func(r *Response) (all []byte, err error) {
		p := make([]byte, size)
		for {
			n, err := r.Read(p)
			all = append(all, p[:n]...)
			if err != nil {
				return all, ignoreEOF(err)
			}
			if n == 0 {
				return all, errors.New("Read returned nothing")
			}
		}
	}
}

func ignoreEOF(err error) error {
	if err == io.EOF { //nolint:errorlint // the end is io.EOF itself, nothing that wraps it
		return nil
	}
	return err
}

func understand(t *testing.T, answer []byte, piece int, read func(*Response) ([]byte, error)) (u understanding) {
	t.Helper()
	peer := &cannedConn{rest: answer, piece: piece}
	c, err := New(Options{
		BaseURL: "http://fuzz", MaxHeaderBytes: 8 << 10,
		Dial: func(context.Context, string, string) (net.Conn, error) { return peer, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := c.Do(context.Background(), &Request{Method: "GET", Path: "/"})
	if err != nil {
		return understanding{err: err}
	}
	u.status = resp.StatusCode
	u.body, u.err = read(resp)
	if u.err == nil && resp.ContentLength >= 0 && resp.ContentLength != int64(len(u.body)) {
		t.Errorf("content length %d, body of %d", resp.ContentLength, len(u.body))
	}
	resp.Close()
	stats := c.Stats()
	u.kept, u.unread = stats.Idle == 1, len(peer.rest)
	if u.kept == peer.closed || stats.Open != stats.Idle {
		t.Errorf("closed %t, %+v", peer.closed, stats)
	}
	if u.kept && u.err != nil {
		t.Errorf("kept after %v", u.err)
	}
	return u
}

func oracleUnderstands(answer []byte) (u understanding) {
	in := bufio.NewReader(bytes.NewReader(answer))
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return understanding{err: err}
		}
		if resp.StatusCode < 200 && resp.StatusCode != 101 {
			continue
		}
		u.status = resp.StatusCode
		u.body, u.err = io.ReadAll(resp.Body)
		rest, _ := io.ReadAll(in)
		u.length = len(answer) - len(rest)
		return u
	}
}

// cannedConn answers with the same bytes whatever is written to it, in pieces.
type cannedConn struct {
	net.Conn
	rest   []byte
	piece  int
	closed bool
}

func (c *cannedConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest[:min(c.piece, len(c.rest))])
	c.rest = c.rest[n:]
	return n, nil
}

func (c *cannedConn) Write(p []byte) (int, error)   { return len(p), nil }
func (c *cannedConn) SetDeadline(_ time.Time) error { return nil }

func (c *cannedConn) Close() error {
	c.closed = true
	return nil
}
