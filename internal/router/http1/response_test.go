package http1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestAnswersAreThoseOfNetHTTP runs handlers under both servers.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	flush := func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
	handlers := map[string]http.HandlerFunc{
		"nothing":               func(http.ResponseWriter, *http.Request) {},
		"a status":              func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"an unknown status":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) },
		"no content":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"not modified":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
		"a body":                func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") },
		"a body in two":         func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "he"); fmt.Fprint(w, "llo") },
		"a large body":          func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 100_000)) },
		"a page":                func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html><body>hi") },
		"an error":              func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) },
		"a redirect":            func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/b", http.StatusFound) },
		"a flush":               func(w http.ResponseWriter, _ *http.Request) { flush(w) },
		"a flush after a write": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "he"); flush(w); flush(w) },
		"a stream": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 20 {
				fmt.Fprint(w, "data: x\n\n")
				flush(w)
			}
			fmt.Fprint(w, "data: [DONE]\n\n")
		},
		"a length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "hello")
		},
		"a length and a large body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			for range 10 {
				_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
			}
		},
		"less than the length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "hello")
		},
		"no content with content": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := io.WriteString(w, "hello"); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("write: %v", err)
			}
		},
		"a status too late": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			w.Header().Set("X-Late", "1")
			w.WriteHeader(http.StatusOK)
			fmt.Fprint(w, "a")
			w.WriteHeader(http.StatusOK)
		},
		"a line end in a header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Evil", "a\r\nSet-Cookie: b")
			w.Header().Set("X-Space", "  a  ")
			w.Header()["X Bad\r\nname"] = []string{"a"}
			w.Header()["X-Two"] = []string{"a", "b"}
		},
		"a date":  func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", "today") },
		"no type": func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil; fmt.Fprint(w, "a") },
		"an encoding": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, "a")
		},
		"close": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, "a")
		},
	}
	requests := map[string]string{
		"1.1":            get("/"),
		"1.1 close":      "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"1.0":            "GET / HTTP/1.0\r\n\r\n",
		"1.0 keep-alive": "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"HEAD":           "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	for handlerName, handler := range handlers {
		_, ours := start(t, handler)
		their := httptest.NewUnstartedServer(handler)
		their.Config.ErrorLog = log.New(io.Discard, "", 0)
		their.Start()
		t.Cleanup(their.Close)
		for requestName, request := range requests {
			if requestName == "HEAD" && strings.Contains(handlerName, "large") {
				continue // net/http tells no length, of what is more than its buffer
			}
			t.Run(handlerName+"/"+requestName, func(t *testing.T) {
				got, want := describe(t, ours, request), describe(t, strings.TrimPrefix(their.URL, "http://"), request)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got  %s\nwant %s", clip(fmt.Sprintf("%+v", got)), clip(fmt.Sprintf("%+v", want)))
				}
			})
		}
	}
}

func TestTheFramingIsTheServers(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Trailer", "X")
		h.Set("Transfer-Encoding", "gzip")
		h["transfer-encoding"], h["connection"] = []string{"chunked"}, []string{"upgrade"}
		h["Content-Length"] = r.Header["X-Length"]
		w.WriteHeader(http.StatusContinue) // cannot be sent, and is no answer
		_, _ = io.WriteString(w, "hello")
		_, _ = io.WriteString(w, " world")
	})
	c := dial(t, address)
	for _, length := range []string{"", "X-Length: five\r\n", "X-Length: -5\r\n"} {
		c.send("GET / HTTP/1.1\r\nHost: x\r\n" + length + "\r\n")
		if resp := c.wantAnswer("hello world"); resp.ContentLength != 11 || resp.TransferEncoding != nil || resp.Trailer != nil {
			t.Errorf("%s%+v", length, resp)
		}
	}
	c.send("GET / HTTP/1.1\r\nHost: x\r\nX-Length: 5\r\n\r\n")
	if resp := c.wantAnswer("hello"); !resp.Close {
		t.Error("an answer that was to be longer does not end the connection")
	}
	c.wantClosed()
	c = dial(t, address)
	c.send("GET / HTTP/1.1\r\nHost: x\r\nX-Length: 50\r\n\r\n" + get("/"))
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "hello world" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", body, err)
	}
}

// answered is what a client sees of an answer.
type answered struct {
	status     string
	header     http.Header
	length     int64
	encoding   []string
	close      bool
	body       string
	broken     bool
	keptInFact bool
}

func describe(t *testing.T, address, request string) answered {
	t.Helper()
	c := dial(t, address)
	c.send(request)
	method, rest, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a := answered{resp.Proto + " " + resp.Status, resp.Header, resp.ContentLength, resp.TransferEncoding, resp.Close, string(body), err != nil, false}
	if date := a.header.Get("Date"); date != "today" {
		when, err := http.ParseTime(date)
		if err != nil || time.Since(when).Abs() > time.Minute {
			t.Errorf("date %q", date)
		}
		a.header.Del("Date")
	}
	if strings.HasPrefix(rest, "/ HTTP/1.0") && a.close {
		a.header.Del("Connection") // says what is so anyway, and net/http does not say it
	}
	if !a.broken {
		_, _ = io.WriteString(c.TCPConn, get("/"))
		_, err := c.in.Peek(1)
		a.keptInFact = err == nil
	}
	return a
}

// writes are the system calls of an answer.
func writes(request string, h http.HandlerFunc) []string {
	c := newMemoryConn([]byte(request), 1<<20)
	serveMemory(h, c)
	return c.writes
}

func TestAnAnswerLeavesInOneWrite(t *testing.T) {
	for name, size := range map[string]int{"empty": 0, "small": 10, "2 KB": 2048} {
		for _, announced := range []bool{true, false} {
			got := writes(get("/"), func(w http.ResponseWriter, _ *http.Request) {
				if announced {
					w.Header().Set("Content-Length", fmt.Sprint(size))
				}
				_, _ = io.WriteString(w, strings.Repeat("x", size))
			})
			if len(got) != 1 || !strings.Contains(got[0], fmt.Sprintf("Content-Length: %d\r\n", size)) ||
				!strings.HasSuffix(got[0], "\r\n\r\n"+strings.Repeat("x", size)) {
				t.Errorf("%s, announced %t: %q", name, announced, got)
			}
		}
	}
}

func TestAFlushIsOneWrite(t *testing.T) {
	got := writes(get("/"), func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		for _, event := range []string{"one", "two", "three"} {
			_, _ = io.WriteString(w, event)
			_, _ = io.WriteString(w, "\n\n")
			if event != "three" {
				w.(http.Flusher).Flush()
			}
		}
	})
	if len(got) != 3 || !strings.HasPrefix(got[0], "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(got[0], "\r\n\r\n5\r\none\n\n\r\n") ||
		got[1] != "5\r\ntwo\n\n\r\n" || got[2] != "7\r\nthree\n\n\r\n0\r\n\r\n" {
		t.Errorf("%q", got)
	}
}

func TestEveryEventArrivesAtItsFlush(t *testing.T) {
	next := make(chan struct{})
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 30 {
			<-next
			fmt.Fprintf(w, "event %d\n", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}
	})
	c := dial(t, address)
	c.send(get("/"))
	next <- struct{}{}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for i := range 30 {
		if line, err := lines.ReadString('\n'); line != fmt.Sprintf("event %d\n", i) {
			t.Fatalf("%q, %v", line, err)
		}
		if i < 29 {
			next <- struct{}{}
		}
	}
	if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	c.send(get("/"))
	for range 30 {
		next <- struct{}{}
	}
	c.answer(http.MethodGet)
}

func TestHTTP10(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "a")
		if r.URL.Path == "/stream" {
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "b")
		}
	})
	c := dial(t, address)
	const kept = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
	c.send(kept + kept)
	for range 2 {
		if resp := c.wantAnswer("a"); resp.Header.Get("Connection") != "keep-alive" || resp.ContentLength != 1 || resp.Proto != "HTTP/1.0" {
			t.Errorf("%+v", resp)
		}
	}
	c.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if resp := c.wantAnswer("ab"); resp.TransferEncoding != nil || !resp.Close {
		t.Errorf("%+v", resp)
	}
	c = dial(t, address)
	c.send("GET / HTTP/1.0\r\n\r\n")
	c.wantAnswer("a")
	c.wantClosed()
}

func TestAClientThatDoesNotReadMeetsTheWriteDeadline(t *testing.T) {
	failed := make(chan error, 3)
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(time.Hour))
		_ = control.Flush()
		_ = control.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		for range 1000 {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<20)); err != nil {
				failed <- err
				_, err = io.WriteString(w, "x")
				failed <- err
				failed <- r.Context().Err()
				return
			}
		}
	})
	c := dial(t, address)
	c.send(get("/"))
	for range 2 {
		if err := receive(t, "the error", failed); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	}
	if receive(t, "the error of the context", failed) == nil {
		t.Error("the context goes on")
	}
}

// TestAWriteGoesOnAfterADeadlineThatWasMoved is about the deadline that is left on
// the socket, which passes in the middle of a write.
func TestAWriteGoesOnAfterADeadlineThatWasMoved(t *testing.T) {
	const size = 16 << 20
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", fmt.Sprint(size+1))
		}
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		fmt.Fprint(w, "a")
		_ = control.Flush()
		_ = control.SetWriteDeadline(time.Now().Add(soon))
		body := make([]byte, size)
		for i := range body {
			body[i] = byte('a' + i/1000%26)
		}
		if n, err := w.Write(body); n != size || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
	for _, path := range []string{"/chunks", "/length"} {
		c := dial(t, address)
		c.send(get(path))
		time.Sleep(300 * time.Millisecond)
		_, body := c.answer(http.MethodGet)
		if len(body) != size+1 {
			t.Fatalf("%d bytes", len(body))
		}
		for i := range size {
			if body[i+1] != byte('a'+i/1000%26) {
				t.Fatalf("byte %d is wrong", i)
			}
		}
	}
}

func TestAWriterThatIsKeptWritesNothing(t *testing.T) {
	kept := make(chan http.ResponseWriter, 1)
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			kept <- w
			return
		}
		old := <-kept
		if _, err := io.WriteString(old, "smuggled"); err == nil {
			t.Error("no error")
		}
		if http.NewResponseController(old).Flush() == nil {
			t.Error("no error")
		}
		old.Header().Set("X-Smuggled", "1")
		fmt.Fprint(w, "second")
	})
	c := dial(t, address)
	c.send(get("/first") + get("/second"))
	c.wantAnswer("")
	if resp := c.wantAnswer("second"); resp.Header["X-Smuggled"] != nil {
		t.Error("a header of another request")
	}
}
