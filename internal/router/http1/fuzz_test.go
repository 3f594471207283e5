package http1

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// FuzzRequest feeds the server arbitrary bytes, in pieces of every size. What it
// serves must not depend on those, and net/http must have served the same, down to
// the byte at which each request ends.
func FuzzRequest(f *testing.F) {
	const post = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
	for _, seed := range []string{
		get("/"),
		get("/a%20b?c=d#e") + get("/two"),
		post + "Content-Length: 5\r\n\r\nhello" + get("/two"),
		post + "Transfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n" + get("/two"),
		post + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\nA\r\n0123456789\r\n00\r\n\r\n",
		post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		post + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
		post + "x-a: b\r\nX-A: c\r\nx_y: \xff\r\nContent-Length: 0\r\n\r\n",
		post + "Content-Length: 99\r\n\r\nshort",
		"GET / HTTP/1.0\r\n\r\n" + get("/two"),
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get("/two"),
		"GET http://user@y/a HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n" + get("/two"),
		"HEAD /a/../b;c HTTP/1.1\r\nHost: [::1]\r\nPragma: no-cache\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
		"GET / HTTP/1.1\nHost: x\n\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01\x00\x05",
		"",
	} {
		f.Add([]byte(seed), 7)
	}
	f.Fuzz(func(t *testing.T, sent []byte, piece int) {
		ours := serveOurs(sent, len(sent)+1)
		for _, size := range []int{1, 1 + int(uint(piece)%64)} {
			if got := serveOurs(sent, size); !slices.Equal(got, ours) {
				t.Errorf("in pieces of %d: %+v, in one piece: %+v", size, got, ours)
			}
		}
		if len(ours) == 0 {
			return
		}
		theirs := serveTheirs(sent)
		for i := range ours {
			if i < len(theirs) && !ours[i].whole {
				theirs[i].body, theirs[i].whole = ours[i].body, false // a body that is refused is not compared
			}
			if i >= len(theirs) || theirs[i] != ours[i] {
				t.Fatalf("request %d: %+v, net/http: %+v", i, ours, theirs)
			}
		}
	})
}

// recorded is what a request said, and whether its body came to an end.
type recorded struct {
	head, body string
	whole      bool
}

// recorder keeps what requests say, in words that both servers would use.
type recorder struct {
	mu       sync.Mutex
	requests []recorded
}

func (s *recorder) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	header := r.Header.Clone()
	if v := header["Pragma"]; len(v) > 0 && v[0] == "no-cache" && header["Cache-Control"] == nil {
		header["Cache-Control"] = []string{"no-cache"} // net/http adds it
	}
	header.Del("Trailer") // net/http keeps it where there are no chunks
	body, err := io.ReadAll(r.Body)
	said := fmt.Sprintf("%s %s %s %q %v %d %v", r.Method, r.RequestURI, r.Proto, r.Host, r.TransferEncoding, r.ContentLength, r.Close)
	u := r.URL
	said += fmt.Sprintf(" %q %q %q %q %q %q %q %t", u.Scheme, u.Opaque, u.User, u.Host, u.Path, u.RawPath, u.RawQuery, u.ForceQuery)
	said += fmt.Sprintf(" %q", header)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, recorded{said, string(body), err == nil})
}

func serveOurs(sent []byte, piece int) []recorded {
	var r recorder
	serveMemory(&r, newMemoryConn(sent, piece))
	return r.requests
}

// one is a listener of one connection.
type one struct {
	conn   *memoryConn
	handed bool
}

func (l *one) Accept() (net.Conn, error) {
	if l.handed {
		<-l.conn.closed
		return nil, net.ErrClosed
	}
	l.handed = true
	return l.conn, nil
}
func (l *one) Close() error   { return nil }
func (l *one) Addr() net.Addr { return &net.TCPAddr{} }

func serveTheirs(sent []byte) []recorded {
	var r recorder
	c := newMemoryConn(sent, len(sent)+1)
	s := &http.Server{Handler: &r, ErrorLog: log.New(io.Discard, "", 0), DisableGeneralOptionsHandler: true}
	_ = s.Serve(&one{conn: c})
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}
