package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	_, address := start(t, echo)
	c := dial(t, address)
	var all string
	for i := range 50 {
		body := strings.Repeat("x", i*7)
		all += fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", i, len(body), body)
		all += fmt.Sprintf("POST /c%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x;a\r\n%sy\r\n0\r\nT: u\r\n\r\n", i, len(body)+1, body)
	}
	c.send(all + get("/last"))
	for i := range 50 {
		body := strings.Repeat("x", i*7)
		c.wantAnswer(fmt.Sprintf("POST /%d %s", i, body))
		c.wantAnswer(fmt.Sprintf("POST /c%d %sy", i, body))
	}
	c.wantAnswer("GET /last ")
}

func TestARequestMayComeInAnyPieces(t *testing.T) {
	const request = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n006\r\n world\r\n0\r\nX: y\r\n\r\n"
	_, address := start(t, echo)
	c := dial(t, address)
	_ = c.SetNoDelay(true)
	for i := range len(request) {
		c.send(request[:i])
		if i%8 == 0 {
			time.Sleep(time.Millisecond)
		}
		c.send(request[i:] + get("/b"))
		c.wantAnswer("POST /a hello world")
		c.wantAnswer("GET /b ")
	}
	for piece := 1; piece < 9; piece++ {
		m := newMemoryConn([]byte(request+get("/b")), piece)
		serveMemory(http.HandlerFunc(echo), m)
		if out := strings.Join(m.writes, ""); !strings.Contains(out, "\r\n\r\nPOST /a hello world") || !strings.Contains(out, "\r\n\r\nGET /b ") {
			t.Errorf("in pieces of %d: %q", piece, out)
		}
	}
}

// TestALargeBodyGoesBothWays also shows that nothing is mixed up on the way.
func TestALargeBodyGoesBothWays(t *testing.T) {
	body := make([]byte, 1<<20)
	for i := range body {
		body[i] = byte(i * 7 / 251)
	}
	var chunks bytes.Buffer
	for i := 0; i < len(body); i += 70000 {
		part := body[i:min(i+70000, len(body))]
		fmt.Fprintf(&chunks, "%x\r\n%s\r\n", len(part), part)
	}
	chunks.WriteString("0\r\n\r\n")
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for len(got) > 0 {
			n := min(len(got), 100_000)
			if _, err := w.Write(got[:n]); err != nil {
				t.Error(err)
			}
			got = got[n:]
		}
	})
	c := dial(t, address)
	for range 2 {
		c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(body)))
		c.send(string(body))
		c.wantAnswer(string(body))
		c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
		c.send(chunks.String())
		c.wantAnswer(string(body))
	}
}

func TestContinueIsSentWhenTheBodyIsRead(t *testing.T) {
	read := make(chan bool, 1)
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		if <-read {
			echo(w, r)
		}
	})
	const head = "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"
	c := dial(t, address)
	c.send(head)
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if b, err := c.in.ReadByte(); err == nil {
		t.Fatalf("%q came before the body was read", b)
	}
	_ = c.SetReadDeadline(time.Now().Add(soon))
	read <- true
	line, err := c.in.ReadString('\n')
	empty, _ := c.in.ReadString('\n')
	if line != "HTTP/1.1 100 Continue\r\n" || empty != "\r\n" {
		t.Fatalf("%q, %q, %v", line, empty, err)
	}
	c.send("hello")
	c.wantAnswer("POST /a hello")
	// Who does not read the body gets none, and cannot know whether it comes.
	c.send(head)
	read <- false
	if resp := c.wantAnswer(""); !resp.Close {
		t.Error("the connection is kept although the body may still come")
	}
	c.wantClosed()
}

func TestNoContinueComesWithinAnAnswer(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "a")
		_ = http.NewResponseController(w).Flush()
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v", body, err)
	})
	c := dial(t, address)
	c.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	time.Sleep(20 * time.Millisecond)
	c.send("hello")
	c.wantAnswer("ahello <nil>")
	c.wantClosed()
}

func TestABodyThatIsThereNeedsNoContinue(t *testing.T) {
	_, address := start(t, echo)
	c := dial(t, address)
	c.send("POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
	c.wantAnswer("POST /a hello") // HTTP/1.0 knows no such answer
	c = dial(t, address)
	c.send("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
	c.wantAnswer("POST /a hello")
	c.send("GET /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n")
	c.wantAnswer("GET /a ")
}

func TestASmallRestOfABodyIsPassedOver(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		var first [3]byte
		_, _ = io.ReadFull(r.Body, first[:])
		_, _ = w.Write(first[:])
	})
	c := dial(t, address)
	body := "abc" + strings.Repeat("x", 200<<10)
	for range 3 {
		c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		c.wantAnswer("abc")
		c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body))
		c.wantAnswer("abc")
	}
}

// TestAnAnswerBeforeALargeBodyArrives is about a client that sends 8 MiB and only
// then reads: it must find the answer, not a reset.
func TestAnAnswerBeforeALargeBodyArrives(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	})
	for i, framing := range []string{"Content-Length: 8388608\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n800000\r\n"} {
		c := dial(t, address)
		c.send("POST / HTTP/1.1\r\nHost: x\r\n" + framing)
		_, _ = io.WriteString(c.TCPConn, strings.Repeat("x", 8<<20)) // may break off
		if resp, _ := c.answer(http.MethodPost); resp.StatusCode != http.StatusRequestEntityTooLarge || resp.Close != (i == 0) {
			t.Errorf("status %d, close %t", resp.StatusCode, resp.Close)
		}
		c.wantClosed()
	}
}

func TestABodyThatEndsEarlyIsAnError(t *testing.T) {
	for name, request := range map[string]string{
		"length": "Content-Length: 10\r\n\r\nhello",
		"chunks": "Transfer-Encoding: chunked\r\n\r\nA\r\nhello",
		"no end": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 1)
			_, address := start(t, func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if string(body) != "hello" {
					t.Errorf("body %q", body)
				}
				if r.Context().Err() == nil {
					t.Error("the context goes on")
				}
				failed <- err
			})
			c := dial(t, address)
			c.send("POST / HTTP/1.1\r\nHost: x\r\n" + request)
			_ = c.CloseWrite()
			if err := receive(t, "the error", failed); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Error(err)
			}
		})
	}
}

func TestASlowBodyMeetsTheReadDeadline(t *testing.T) {
	failed := make(chan error, 2)
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Error(err)
		}
		_, err := io.ReadAll(r.Body)
		failed <- err
		_, err = r.Body.Read(make([]byte, 1))
		failed <- err
		if err := r.Context().Err(); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusRequestTimeout)
	})
	c := dial(t, address)
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
	for range 2 {
		if err := receive(t, "the error", failed); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	}
	if resp, _ := c.answer(http.MethodPost); resp.StatusCode != http.StatusRequestTimeout || !resp.Close {
		t.Errorf("status %d, close %t", resp.StatusCode, resp.Close)
	}
	c.wantClosed()
}

// TestALaterDeadlineReplacesAnEarlierOne is about the deadline that is left on the
// socket from the head of the request.
func TestALaterDeadlineReplacesAnEarlierOne(t *testing.T) {
	for name, wait := range map[string]time.Duration{"later": soon, "none": 0} {
		t.Run(name, func(t *testing.T) {
			_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
				if wait > 0 {
					_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(wait))
				}
				echo(w, r)
			}, func(s *Server) { s.ReadHeaderTimeout = 100 * time.Millisecond })
			c := dial(t, address)
			c.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
			time.Sleep(250 * time.Millisecond)
			c.send("hello")
			c.wantAnswer("POST /a hello")
			time.Sleep(150 * time.Millisecond) // no idle timeout
			c.send(get("/b"))
			c.wantAnswer("GET /b ")
		})
	}
}

func TestABodyCannotBeReadOnceItIsClosed(t *testing.T) {
	left := make(chan io.Reader, 1)
	_, address := start(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/closed" {
			r.Body.Close()
			if _, err := r.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
				t.Error(err)
			}
		}
		left <- r.Body
	})
	c := dial(t, address)
	for _, path := range []string{"/closed", "/left"} {
		c.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
		c.wantAnswer("")
		if _, err := (<-left).Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Error(err)
		}
	}
}
