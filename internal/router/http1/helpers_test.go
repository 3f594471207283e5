package http1

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// soon is long enough for anything that should happen at once, also on a busy
// machine under the race detector.
const soon = 10 * time.Second

// start serves the handler until the test ends.
func start(t testing.TB, h http.HandlerFunc, change ...func(*Server)) (s *Server, address string) {
	t.Helper()
	s = &Server{Handler: h, ErrorLog: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := receive(t, "the server ended", done); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
		eventually(t, "all connections ended", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.conns) == 0
		})
	})
	return s, l.Addr().String()
}

// client is a raw connection.
type client struct {
	t testing.TB
	*net.TCPConn
	in *bufio.Reader
}

func dial(t testing.TB, address string) *client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(3 * soon))
	return &client{t: t, TCPConn: c.(*net.TCPConn), in: bufio.NewReader(c)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.TCPConn, s); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one answer with its body.
func (c *client) answer(method string) (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("body: %v after %d bytes", err, len(body))
	}
	return resp, string(body)
}

// wantAnswer reads an answer of 200 with the body.
func (c *client) wantAnswer(body string) *http.Response {
	c.t.Helper()
	resp, got := c.answer(http.MethodGet)
	if resp.StatusCode != http.StatusOK || got != body {
		c.t.Fatalf("status %d, body %q; want 200, %q", resp.StatusCode, clip(got), clip(body))
	}
	return resp
}

func clip(s string) string {
	if len(s) > 600 {
		return s[:600] + "..."
	}
	return s
}

// wantClosed reads until the server closes the connection, which sends nothing
// more.
func (c *client) wantClosed() {
	c.t.Helper()
	rest, err := io.ReadAll(c.in)
	if len(rest) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		c.t.Fatalf("not just closed: %q, %v", rest, err)
	}
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n" }

// echo answers with what it has read.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Header().Set("Connection", "close")
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	_, _ = io.WriteString(w, r.Method+" "+r.URL.Path+" "+string(body))
}

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func receive[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(soon):
		t.Fatalf("never happened: %s", what)
		panic("unreachable")
	}
}

// memoryConn is a connection whose client has sent all it will, in pieces.
type memoryConn struct {
	in    []byte
	piece int

	mu     sync.Mutex
	writes []string
	closed chan struct{}
}

func newMemoryConn(in []byte, piece int) *memoryConn {
	return &memoryConn{in: in, piece: piece, closed: make(chan struct{})}
}

func (c *memoryConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.piece)], c.in)
	c.in = c.in[n:]
	return n, nil
}

func (c *memoryConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = append(c.writes, string(p))
	return len(p), nil
}

func (c *memoryConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	return nil
}

func (c *memoryConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *memoryConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }

// serveMemory runs a connection from its beginning to its end.
func serveMemory(h http.Handler, c net.Conn) {
	s := &Server{Handler: h, ErrorLog: slog.New(slog.DiscardHandler), conns: map[*conn]struct{}{}}
	newConn(s, c).serve()
}
