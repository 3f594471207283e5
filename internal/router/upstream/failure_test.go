package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A server that closed the connection while it was idle is found out before
// anything is sent.
func TestClosedIdleConnectionIsFoundOut(t *testing.T) {
	closed := make(chan struct{})
	c := newClient(t, "http://"+rawServer(t, func(c net.Conn, number int) {
		in := bufio.NewReader(c)
		readRequest(in)
		fmt.Fprint(c, okAnswer)
		if number == 0 {
			c.Close()
			close(closed)
			return
		}
		readRequest(in)
	}))
	exchange(t, c, post("1"))
	receive(t, "the close", closed)
	time.Sleep(10 * time.Millisecond) // the FIN is on its way
	exchange(t, c, post("2"))
	if stats := c.Stats(); stats.Dials != 2 || stats.Redials != 0 || stats.Open != 1 {
		t.Errorf("stats %+v", stats)
	}
}

// What arrives on an idle connection must never be taken for the answer to the
// next request.
func TestUnaskedBytesMakeTheConnectionUseless(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %t", secure), func(t *testing.T) {
			speak, spoken := make(chan struct{}), make(chan struct{})
			first := true
			c, _ := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if !first {
					fmt.Fprint(w, "mine")
					return
				}
				first = false
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Fprint(conn, okAnswer)
				go func() {
					defer close(spoken)
					<-speak
					fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nanother")
				}()
			}), secure)
			exchange(t, c, post("1"))
			close(speak)
			receive(t, "the unasked answer", spoken)
			time.Sleep(10 * time.Millisecond)
			if _, body := exchange(t, c, post("2")); body != "mine" {
				t.Errorf("got the answer %q", body)
			}
			if stats := c.Stats(); stats.Dials != 2 || stats.Redials != 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// A second answer in the same TLS record as the end of the first is held by the
// tls.Conn, where no look at the socket finds it.
func TestUnaskedAnswerWithinTLS(t *testing.T) {
	first := true
	c, _ := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !first {
			fmt.Fprint(w, "mine")
			return
		}
		first = false
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n")
		fmt.Fprint(conn, strings.Repeat("x", 2000)+"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nanother")
	}), true)
	resp := mustDo(t, c, post("1"))
	for read := 0; read < 2000; {
		n, err := resp.Read(make([]byte, 2000-read))
		if err != nil {
			t.Fatal(err)
		}
		read += n
	}
	resp.Close()
	if _, body := exchange(t, c, post("2")); body != "mine" {
		t.Errorf("got the answer %q", body)
	}
}

// The server closes the connection just as the second request is on its way.
func TestRequestIsSentAgainIfAPooledConnectionHadDied(t *testing.T) {
	for name, request := range map[string]*Request{"small": post("2"), "large": large()} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "http://"+rawServer(t, func(c net.Conn, number int) {
				in := bufio.NewReader(c)
				readRequest(in)
				fmt.Fprint(c, okAnswer)
				if number == 0 {
					_, _ = in.ReadByte()
					return
				}
				readRequest(in)
			}))
			exchange(t, c, post("1"))
			if status, body := exchange(t, c, request); status != 200 || body != "ok" {
				t.Errorf("%d %q", status, body)
			}
			if stats := c.Stats(); stats.Dials != 2 || stats.Redials != 1 || stats.Open != 1 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// A request is not sent a third time, and having been sent once is not forgotten
// when the second connection cannot even be made.
func TestRedialHappensOnce(t *testing.T) {
	t.Run("second connection ends as well", func(t *testing.T) {
		requests := make(chan int, 10)
		c := newClient(t, "http://"+rawServer(t, func(c net.Conn, number int) {
			in := bufio.NewReader(c)
			readRequest(in)
			requests <- number
			if number == 0 {
				fmt.Fprint(c, okAnswer)
				readRequest(in)
				requests <- number
			}
		}))
		exchange(t, c, post("1"))
		_, err := c.Do(t.Context(), post("2"))
		if !isConnError(err, io.ErrUnexpectedEOF) || !Sent(err) {
			t.Errorf("%T %v, sent %t", err, err, Sent(err))
		}
		if len(requests) != 3 {
			t.Errorf("%d requests arrived", len(requests))
		}
	})
	t.Run("not after a byte of the answer", func(t *testing.T) {
		c := newClient(t, "http://"+rawServer(t, func(c net.Conn, _ int) {
			in := bufio.NewReader(c)
			readRequest(in)
			fmt.Fprint(c, okAnswer)
			readRequest(in)
			fmt.Fprint(c, "HTTP")
		}))
		exchange(t, c, post("1"))
		_, err := c.Do(t.Context(), post("2"))
		if !isConnError(err, io.ErrUnexpectedEOF) || !Sent(err) {
			t.Errorf("%T %v, sent %t", err, err, Sent(err))
		}
		if stats := c.Stats(); stats.Dials != 1 || stats.Redials != 0 {
			t.Errorf("stats %+v", stats)
		}
	})
	t.Run("second connection cannot be made", func(t *testing.T) {
		address := rawServer(t, func(c net.Conn, _ int) {
			in := bufio.NewReader(c)
			readRequest(in)
			fmt.Fprint(c, okAnswer)
			readRequest(in)
		})
		dials := 0
		c := newClient(t, "http://"+address, func(o *Options) {
			o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if dials++; dials > 1 {
					return nil, syscall.ECONNREFUSED
				}
				return new(net.Dialer).DialContext(ctx, network, addr)
			}
		})
		exchange(t, c, post("1"))
		_, err := c.Do(t.Context(), post("2"))
		if _, ok := errors.AsType[*DialError](err); !ok || !Sent(err) {
			t.Errorf("%T %v, sent %t", err, err, Sent(err))
		}
	})
}

// A server that had been at work on the request for a while must not get it
// again: that would be paid for twice.
func TestNoRedialAfterAWhile(t *testing.T) {
	t.Parallel()
	c := newClient(t, "http://"+rawServer(t, func(c net.Conn, _ int) {
		in := bufio.NewReader(c)
		readRequest(in)
		fmt.Fprint(c, okAnswer)
		readRequest(in)
		time.Sleep(staleWindow + 100*time.Millisecond)
	}))
	exchange(t, c, post("1"))
	if _, err := c.Do(t.Context(), post("2")); !isConnError(err, io.ErrUnexpectedEOF) || !Sent(err) {
		t.Errorf("%T %v", err, err)
	}
	if stats := c.Stats(); stats.Dials != 1 || stats.Redials != 0 || stats.Open != 0 {
		t.Errorf("stats %+v", stats)
	}
}

func isConnError(err, target error) bool {
	_, ok := errors.AsType[*ConnError](err)
	return ok && errors.Is(err, target)
}

func TestServerEndsTooEarly(t *testing.T) {
	for name, test := range map[string]struct{ answer, body string }{
		"no head":          {"", ""},
		"half a head":      {"HTTP/1.1 200 OK\r\nContent-Le", ""},
		"only 103":         {"HTTP/1.1 103 Early Hints\r\n\r\n", ""},
		"within a length":  {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "hello"},
		"within a chunk":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwor", "hellowor"},
		"between chunks":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello"},
		"within a size":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1", "hello"},
		"within the end":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "hello"},
		"before any chunk": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "http://"+rawServer(t, func(c net.Conn, _ int) {
				readRequest(bufio.NewReader(c))
				fmt.Fprint(c, test.answer)
			}))
			body, err := do(t.Context(), c)
			if !isConnError(err, io.ErrUnexpectedEOF) || !Sent(err) || body != test.body {
				t.Errorf("%q, %T %v", body, err, err)
			}
			if stats := c.Stats(); stats.Open != 0 || stats.Dials != 1 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// do makes an exchange and returns what came of it.
func do(ctx context.Context, c *Client, change ...func(*Request)) (string, error) {
	req := post("{}")
	for _, f := range change {
		f(req)
	}
	resp, err := c.Do(ctx, req)
	if err != nil {
		return "", err
	}
	defer resp.Close()
	body, err := resp.ReadAll(nil, 1<<20)
	return string(body), err
}

func TestConnectionCannotBeMade(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	c := newClient(t, "http://"+address)
	_, err = do(t.Context(), c)
	dial, ok := errors.AsType[*DialError](err)
	if !ok || dial.Addr != address || dial.Proxy != "" || !errors.Is(err, syscall.ECONNREFUSED) || Sent(err) {
		t.Errorf("%T %v, sent %t", err, err, Sent(err))
	}
	if stats := c.Stats(); stats.Open != 0 || stats.Dials != 1 {
		t.Errorf("stats %+v", stats)
	}
}

// A server that answers without reading the request gets its answer delivered.
func TestEarlyAnswer(t *testing.T) {
	refuse := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		fmt.Fprint(w, "too large")
	}
	for _, secure := range []bool{false, true} {
		for name, req := range map[string]*Request{"small": post(strings.Repeat("x", 60<<10)), "large": large()} {
			t.Run(fmt.Sprintf("%s, TLS %t", name, secure), func(t *testing.T) {
				c, _ := startServer(t, http.HandlerFunc(refuse), secure)
				for range 5 {
					if status, body := exchange(t, c, req); status != http.StatusRequestEntityTooLarge || body != "too large" {
						t.Fatalf("%d %q", status, body)
					}
				}
				if stats := c.Stats(); stats.Open != 0 {
					t.Errorf("stats %+v", stats)
				}
			})
		}
	}
}

// The server answers at once, keeps the connection open, and never reads.
func TestEarlyAnswerOfAServerThatDoesNotRead(t *testing.T) {
	hang := make(chan struct{})
	c := newClient(t, "http://"+rawServer(t, func(c net.Conn, _ int) {
		fmt.Fprint(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
		<-hang
	}))
	if status, body := exchange(t, c, large()); status != 401 || body != "no" {
		t.Errorf("%d %q", status, body)
	}
	if stats := c.Stats(); stats.Open != 0 {
		t.Errorf("stats %+v: part of the request is missing", stats)
	}
	close(hang)
}

// The server resets the connection after its answer, so that the write fails
// while the answer waits.
func TestAnswerAfterAFailedWrite(t *testing.T) {
	conns := make(chan net.Conn, 1)
	c := newClient(t, "http://127.0.0.1:1", func(o *Options) {
		o.Dial = func(context.Context, string, string) (net.Conn, error) { return <-conns, nil }
	})
	for name, test := range map[string]struct {
		conn   *scriptedConn
		status int
		sent   bool
	}{
		"an answer":            {&scriptedConn{answer: "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"}, 413, true},
		"no answer":            {&scriptedConn{}, 0, false},
		"no answer, part sent": {&scriptedConn{accepts: 10}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			conns <- test.conn
			resp, err := c.Do(t.Context(), post("{}"))
			if test.status == 0 {
				if !isConnError(err, syscall.EPIPE) || Sent(err) != test.sent {
					t.Errorf("%T %v, sent %t", err, err, Sent(err))
				}
				return
			}
			if err != nil || resp.StatusCode != test.status {
				t.Fatalf("%v, %v", resp, err)
			}
			resp.Close()
			if stats := c.Stats(); stats.Idle != 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// scriptedConn takes a number of bytes, then fails to be written to, and answers.
type scriptedConn struct {
	net.Conn
	accepts int
	answer  string
}

func (c *scriptedConn) Write(p []byte) (int, error) {
	n := min(c.accepts, len(p))
	c.accepts -= n
	if n < len(p) {
		return n, syscall.EPIPE
	}
	return n, nil
}

func (c *scriptedConn) Read(p []byte) (int, error) {
	if c.answer == "" {
		return 0, io.EOF
	}
	n := copy(p, c.answer)
	c.answer = c.answer[n:]
	return n, nil
}

func (c *scriptedConn) SetDeadline(time.Time) error { return nil }
func (c *scriptedConn) Close() error                { return nil }

// While a stream is being answered early, the upload goes on beside it.
func TestFullDuplex(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %t", secure), func(t *testing.T) {
			c, _ := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
					t.Error(err)
				}
				w.(http.Flusher).Flush()
				_, _ = io.Copy(w, r.Body)
			}), secure)
			for range 2 {
				if _, body := exchange(t, c, large()); len(body) != 8<<20 {
					t.Errorf("%d bytes", len(body))
				}
			}
			if stats := c.Stats(); stats.Dials != 1 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

func TestNoGoroutinesAreLeft(t *testing.T) {
	eventually(t, "a quiet start", func() bool { return ownGoroutines() == 0 })
	for _, secure := range []bool{false, true} {
		c, server := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.(http.Flusher).Flush()
			if r.URL.Path == "/hang" {
				<-r.Context().Done()
			}
		}), secure)
		exchange(t, c, post("{}"))
		exchange(t, c, large())
		resp := mustDo(t, c, &Request{Method: "GET", Path: "/hang"})
		if ownGoroutines() != 0 {
			t.Errorf("%d goroutines while a response is open and a connection idle", ownGoroutines())
		}
		resp.Close()
		c.Close()
		server.Close()
		if stats := c.Stats(); stats.Open != 0 || stats.Idle != 0 {
			t.Errorf("stats %+v", stats)
		}
	}
	eventually(t, "the last goroutine's end", func() bool { return ownGoroutines() == 0 })
}
