package upstream

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// soon is long enough for anything that should happen at once, also on a busy
// machine under the race detector.
const soon = 10 * time.Second

func newClient(t testing.TB, baseURL string, change ...func(*Options)) *Client {
	t.Helper()
	options := Options{BaseURL: baseURL}
	for _, f := range change {
		f(&options)
	}
	c, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func post(body string) *Request {
	return &Request{Method: "POST", Path: "/v1/chat/completions", Body: [][]byte{[]byte(body)}, ContentLength: int64(len(body))}
}

// large is more than what is sent without a goroutine.
func large() *Request { return post(strings.Repeat("x", 8<<20)) }

func mustDo(t testing.TB, c *Client, req *Request) *Response {
	t.Helper()
	resp, err := c.Do(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func mustReadAll(t testing.TB, resp *Response) string {
	t.Helper()
	body, err := resp.ReadAll(nil, 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// exchange makes a request whose answer is read whole.
func exchange(t testing.TB, c *Client, req *Request) (status int, body string) {
	t.Helper()
	resp := mustDo(t, c, req)
	defer resp.Close()
	return resp.StatusCode, mustReadAll(t, resp)
}

// rawServer hands each connection to serve with its number, and closes it when
// serve returns.
func rawServer(t testing.TB, serve func(c net.Conn, number int)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		for number := 0; ; number++ {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { c.Close() })
			group.Go(func() {
				defer c.Close()
				serve(c, number)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		cancel()
		group.Wait()
	})
	return listener.Addr().String()
}

// readRequest reads one request from a raw connection, or reports that there is
// none.
func readRequest(in *bufio.Reader) (*http.Request, bool) {
	r, err := http.ReadRequest(in)
	if err != nil {
		return nil, false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r, err == nil
}

// answers serves the same answer to each request of a connection.
func answers(answer string) func(net.Conn, int) {
	return func(c net.Conn, _ int) {
		in := bufio.NewReader(c)
		for {
			if _, ok := readRequest(in); !ok {
				return
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	}
}

// answerAndHang answers the first request and keeps the connection open.
func answerAndHang(answer string) func(net.Conn, int) {
	return func(c net.Conn, _ int) {
		in := bufio.NewReader(c)
		if _, ok := readRequest(in); !ok {
			return
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, in)
	}
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

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

// ownGoroutines counts the goroutines that run this package's code, tests not
// counted.
func ownGoroutines() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	count := 0
	for stack := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		own := false
		for line := range bytes.Lines(stack) {
			if bytes.Contains(line, []byte("/router/upstream/")) && !bytes.Contains(line, []byte("_test.go")) {
				own = true
			}
			if bytes.Contains(line, []byte("testing.tRunner")) {
				own = false
				break
			}
		}
		if own {
			count++
		}
	}
	return count
}

var quietLog = log.New(io.Discard, "", 0)
