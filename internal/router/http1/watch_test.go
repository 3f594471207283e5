package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// watching counts the goroutines that watch a client.
func watching() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return strings.Count(string(stacks), ".watchClient(")
}

// TestTheContextEndsWhenTheClientGoes is what saves the money for an answer that
// nobody reads.
func TestTheContextEndsWhenTheClientGoes(t *testing.T) {
	requests := map[string]string{
		"no body": get("/"),
		"length":  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
		"chunks":  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	}
	ways := map[string]func(*client){
		"closes":      func(c *client) { c.Close() },
		"half-closes": func(c *client) { _ = c.CloseWrite() },
		"resets":      func(c *client) { _ = c.SetLinger(0); c.Close() },
		"is gone at once": func(c *client) {
			c.Close()
		},
	}
	for requestName, request := range requests {
		for way, leave := range ways {
			t.Run(requestName+"/"+way, func(t *testing.T) {
				begun, ended := make(chan struct{}), make(chan error, 1)
				_, address := start(t, func(_ http.ResponseWriter, r *http.Request) {
					if body, err := io.ReadAll(r.Body); err != nil {
						t.Errorf("%q, %v", body, err)
					}
					close(begun)
					<-r.Context().Done()
					ended <- context.Cause(r.Context())
				}, func(s *Server) { s.ReadHeaderTimeout = time.Second })
				c := dial(t, address)
				c.send(request)
				receive(t, "the handler runs", begun)
				if way != "is gone at once" {
					eventually(t, "the client is watched", func() bool { return watching() > 0 })
				}
				left := time.Now()
				leave(c)
				if err := receive(t, "the context ended", ended); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				if took := time.Since(left); took > 2*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		}
	}
}

func TestAWatchBeginsLateAndEndsWithTheHandler(t *testing.T) {
	release := make(chan struct{})
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		if r.URL.Path == "/slow" {
			<-release
		} else {
			time.Sleep(watchAfter / 10)
			if n := watching(); n > 0 && time.Since(begun) < watchAfter {
				t.Errorf("%d goroutines watch from the beginning", n)
			}
		}
		if err := r.Context().Err(); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, r.URL.Path)
	})
	c := dial(t, address)
	for range 50 {
		c.send(get("/fast"))
		c.wantAnswer("/fast")
	}
	if n := watching(); n > 0 {
		t.Errorf("%d goroutines watch a client that waits for nothing", n)
	}
	for range 10 {
		c.send(get("/slow"))
		eventually(t, "the client is watched", func() bool { return watching() == 1 })
		release <- struct{}{}
		c.wantAnswer("/slow")
		eventually(t, "nothing is watched", func() bool { return watching() == 0 })
	}
}

// TestADeadlineThatIsLeftDoesNotEndAContext: that of the head passes while the
// handler runs.
func TestADeadlineThatIsLeftDoesNotEndAContext(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			t.Error("the context ended")
		case <-time.After(300 * time.Millisecond):
		}
		fmt.Fprint(w, "a")
	}, func(s *Server) { s.ReadHeaderTimeout, s.IdleTimeout = 100*time.Millisecond, 100*time.Millisecond })
	c := dial(t, address)
	for range 2 {
		c.send(get("/"))
		c.wantAnswer("a")
	}
	began := time.Now()
	c.wantClosed()
	if waited := time.Since(began); waited < 50*time.Millisecond {
		t.Errorf("closed after %s", waited)
	}
}

// TestWhatAWatchReadsIsServed sends the next requests while a handler runs, of
// more bytes than a watch takes.
func TestWhatAWatchReadsIsServed(t *testing.T) {
	for _, size := range []int{0, 10, 28, 64, 100, 10_000, 300_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			release := make(chan struct{})
			_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					<-release
				}
				echo(w, r)
			})
			c := dial(t, address)
			c.send(get("/slow"))
			eventually(t, "the client is watched", func() bool { return watching() > 0 })
			body := strings.Repeat("x", size)
			next := fmt.Sprintf("POST /next HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, body)
			go func() { _, _ = io.WriteString(c.TCPConn, next[:20]) }()
			time.Sleep(5 * time.Millisecond)
			go func() {
				time.Sleep(5 * time.Millisecond)
				_, _ = io.WriteString(c.TCPConn, next[20:]+get("/last"))
			}()
			time.Sleep(20 * time.Millisecond)
			release <- struct{}{}
			c.wantAnswer("GET /slow ")
			c.wantAnswer("POST /next " + body)
			c.wantAnswer("GET /last ")
		})
	}
}

// TestRequestsAtTheEdgeOfAWatch runs handlers that end about when the watch begins.
func TestRequestsAtTheEdgeOfAWatch(t *testing.T) {
	var cancelled atomic.Int32
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(watchAfter - 200*time.Microsecond)
		if r.Context().Err() != nil {
			cancelled.Add(1)
		}
		echo(w, r)
	})
	done := make(chan struct{})
	for range 16 {
		go func() {
			defer func() { done <- struct{}{} }()
			c := dial(t, address)
			for i := range 50 {
				c.send(get(fmt.Sprintf("/%d", i)) + get("/more"))
				c.wantAnswer(fmt.Sprintf("GET /%d ", i))
				c.wantAnswer("GET /more ")
			}
		}()
	}
	for range 16 {
		receive(t, "a client is done", done)
	}
	if n := cancelled.Load(); n > 0 {
		t.Errorf("%d requests were cancelled", n)
	}
}

func TestAContextEndsWithItsHandler(t *testing.T) {
	contexts := make(chan context.Context, 2)
	_, address := start(t, func(_ http.ResponseWriter, r *http.Request) {
		contexts <- r.Context()
		child, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		contexts <- child
		if r.URL.Path == "/panic" {
			panic(http.ErrAbortHandler)
		}
	})
	for _, path := range []string{"/", "/panic"} {
		c := dial(t, address)
		c.send(get(path))
		for range 2 {
			receive(t, "the context ended", (<-contexts).Done())
		}
	}
}

func TestTheContextWorksWithPackageContext(t *testing.T) {
	var c requestContext
	var ctx context.Context = &c
	before := runtime.NumGoroutine()
	child, cancelChild := context.WithCancelCause(ctx)
	late, cancelLate := context.WithTimeout(ctx, time.Hour)
	defer cancelLate()
	stopped := context.AfterFunc(ctx, func() { t.Error("stopped, and called") })
	called := make(chan struct{}, 2)
	notStopped := context.AfterFunc(ctx, func() { called <- struct{}{} })
	given, cancelGiven := context.WithCancel(ctx)
	cancelGiven()
	if runtime.NumGoroutine() > before {
		t.Error("a goroutine waits")
	}
	if !stopped() || stopped() || child.Err() != nil || given.Err() == nil || ctx.Err() != nil {
		t.Error("ended too early")
	}
	c.cancel()
	c.cancel()
	receive(t, "the function was called", called)
	receive(t, "the end", ctx.Done())
	for _, err := range []error{ctx.Err(), context.Cause(child), late.Err()} {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if notStopped() {
		t.Error("stopped after it was called")
	}
	cancelChild(nil)
	after := context.AfterFunc(ctx, func() { called <- struct{}{} })
	receive(t, "the function was called at once", called)
	if after() {
		t.Error("stopped after it was called")
	}
	if lateChild, cancel := context.WithCancel(ctx); lateChild.Err() == nil {
		cancel()
		t.Error("a child of an ended context goes on")
	} else {
		cancel()
	}
}

func TestWaitersCanBeStoppedInAnyOrder(t *testing.T) {
	for first := range 3 {
		var c requestContext
		var calls [3]int
		var stops [3]func() bool
		for i := range stops {
			stops[i] = c.AfterFunc(func() { calls[i]++ })
		}
		stops[first]()
		stops[(first+1)%3]()
		c.cancel()
		want := [3]int{}
		want[(first+2)%3] = 1
		if calls != want {
			t.Errorf("%v, want %v", calls, want)
		}
		for i, stop := range stops {
			if stop() {
				t.Errorf("%d was stopped after the end", i)
			}
		}
	}
}
