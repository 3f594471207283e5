package http1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestShutdown(t *testing.T) {
	begun, release := make(chan struct{}, 2), make(chan struct{})
	s, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			begun <- struct{}{}
			<-release
		}
		fmt.Fprint(w, r.URL.Path)
	})
	idle, active, streaming := dial(t, address), dial(t, address), dial(t, address)
	idle.send(get("/a"))
	idle.wantAnswer("/a")
	active.send(get("/slow"))
	streaming.send("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
	receive(t, "the handler runs", begun)
	receive(t, "the handler runs", begun)
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown with requests in flight: %v", err)
	}
	idle.wantClosed()
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("a connection is accepted")
	}
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(t.Context()) }()
	close(release)
	for _, c := range []*client{active, streaming} {
		if resp := c.wantAnswer("/slow"); !resp.Close {
			t.Error("the connection is not said to close")
		}
		c.wantClosed()
	}
	if err := receive(t, "Shutdown returned", done); err != nil {
		t.Error(err)
	}
	if err := s.Serve(&one{}); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve after Shutdown: %v", err)
	}
}

func TestShutdownServesANewConnection(t *testing.T) {
	s, address := start(t, echo)
	c, silent := dial(t, address), dial(t, address)
	eventually(t, "both are accepted", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) == 2
	})
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(t.Context()) }()
	eventually(t, "the server shuts down", s.closing.Load)
	time.Sleep(20 * time.Millisecond)
	c.send(get("/a"))
	if resp := c.wantAnswer("GET /a "); !resp.Close {
		t.Error("the connection is kept")
	}
	silent.wantClosed()
	if err := receive(t, "Shutdown returned", done); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	ended := make(chan struct{})
	begun := make(chan struct{})
	s, address := start(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	})
	idle, active := dial(t, address), dial(t, address)
	active.send(get("/"))
	receive(t, "the handler runs", begun)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	idle.wantClosed()
	active.wantClosed()
	receive(t, "the context ended", ended)
}

func TestASlowHeadIsGivenUp(t *testing.T) {
	const limit = 200 * time.Millisecond
	for name, before := range map[string]string{
		"silent": "", "first": "GET / HT", "second": get("/") + "GET / HTTP/1.1\r\nHost: x\r\n", "after a while": get("/"),
	} {
		t.Run(name, func(t *testing.T) {
			_, address := start(t, echo, func(s *Server) { s.ReadHeaderTimeout, s.IdleTimeout = limit, time.Minute })
			c := dial(t, address)
			began := time.Now()
			c.send(before)
			switch name {
			case "second":
				c.wantAnswer("GET / ")
			case "after a while": // when the deadline on the socket is that of an idle connection
				c.wantAnswer("GET / ")
				time.Sleep(limit + limit/2)
				began = time.Now()
				c.send("GET")
			}
			stop := make(chan struct{})
			go func() { // a byte now and then does not help
				for range 1000 {
					select {
					case <-stop:
						return
					case <-time.After(20 * time.Millisecond):
						if name != "silent" {
							_, _ = io.WriteString(c.TCPConn, "x")
						}
					}
				}
			}()
			c.wantClosed()
			close(stop)
			if took := time.Since(began); took < limit*9/10 || took > limit+soon/2 {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	const limit = 200 * time.Millisecond
	_, address := start(t, echo, func(s *Server) { s.ReadHeaderTimeout, s.IdleTimeout = 50*time.Millisecond, limit })
	c := dial(t, address)
	for range 3 {
		c.send(get("/"))
		c.wantAnswer("GET / ")
		time.Sleep(limit / 2) // longer than a head may take
	}
	c.send(get("/"))
	c.wantAnswer("GET / ")
	began := time.Now()
	c.wantClosed()
	if took := time.Since(began); took < limit*9/10 || took > limit+soon/2 {
		t.Errorf("it took %s", took)
	}
}

func TestAPanicEndsTheConnectionAndIsLogged(t *testing.T) {
	var mu sync.Mutex
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return said.Write(p)
	}), nil))
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/stream":
			fmt.Fprint(w, "a")
			_ = http.NewResponseController(w).Flush()
		case "/body":
			_, _ = r.Body.Read(make([]byte, 1))
		}
		fmt.Fprint(w, "b")
		panic("ouch")
	}, func(s *Server) { s.ErrorLog = log })
	logged := func() string {
		mu.Lock()
		defer mu.Unlock()
		defer said.Reset()
		return said.String()
	}
	c := dial(t, address)
	c.send(get("/abort"))
	c.wantClosed()
	if got := logged(); got != "" {
		t.Errorf("logged: %s", got)
	}
	c = dial(t, address)
	c.send(get("/"))
	c.wantClosed()
	if got := logged(); !strings.Contains(got, "ouch") || !strings.Contains(got, "server_test.go") || !strings.Contains(got, c.LocalAddr().String()) {
		t.Errorf("logged: %s", got)
	}
	c = dial(t, address)
	c.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
	c.wantClosed()
	c = dial(t, address)
	c.send(get("/stream") + get("/stream"))
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "a" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", body, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// flaky is a listener that fails before it works, and for good after one connection.
type flaky struct {
	net.Listener
	failures int
}

func (l *flaky) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	if l.failures < -1 {
		return nil, errors.New("broken")
	}
	return l.Listener.Accept()
}

func TestErrorsThatPassAreWaitedOut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Handler: http.HandlerFunc(echo), ErrorLog: slog.New(slog.DiscardHandler)}
	done := make(chan error, 1)
	go func() { done <- s.Serve(&flaky{l, 3}) }()
	c := dial(t, l.Addr().String())
	c.send(get("/"))
	c.wantAnswer("GET / ")
	if err := receive(t, "Serve returned", done); err == nil || err.Error() != "broken" {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheHeadMayHaveItsLimit(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, len(r.Header["X"][0]))
	}, func(s *Server) { s.MaxHeaderBytes = 20_000 })
	const around = len("GET / HTTP/1.1\r\nHost: x\r\nX: \r\n\r\n")
	c := dial(t, address)
	for range 2 {
		c.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 20_000-around) + "\r\n\r\n")
		c.wantAnswer(fmt.Sprint(20_000 - around))
	}
	c.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 20_001-around) + "\r\n\r\n")
	if resp, _ := c.answer(http.MethodGet); resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// TestManyClientsAtOnce is for the race detector.
func TestManyClientsAtOnce(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for i := range 3 {
			fmt.Fprintf(w, "%s%d", body, i)
			w.(http.Flusher).Flush()
		}
	})
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() {
			c := dial(t, address)
			for i := range 50 {
				body := fmt.Sprintf("%d.%d,", n, i)
				c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nX-N: %d\r\nContent-Length: %d\r\n\r\n%s", n, len(body), body))
				if _, got := c.answer(http.MethodPost); got != body+"0"+body+"1"+body+"2" {
					t.Errorf("%q", got)
				}
			}
		})
	}
	group.Wait()
}
