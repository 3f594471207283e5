package upstream

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// inParallel opens a number of responses and closes them all.
func inParallel(t *testing.T, c *Client, number int) {
	t.Helper()
	var open []*Response
	for range number {
		resp := mustDo(t, c, post("{}"))
		mustReadAll(t, resp)
		open = append(open, resp)
	}
	for _, resp := range open {
		resp.Close()
	}
}

func TestPoolKeepsSoMany(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers(okAnswer)), func(o *Options) { o.MaxIdleConns = 2 })
	inParallel(t, c, 5)
	if stats := c.Stats(); stats.Open != 2 || stats.Idle != 2 || stats.Dials != 5 {
		t.Errorf("stats %+v", stats)
	}
}

func TestLatestConnectionIsUsedFirst(t *testing.T) {
	c, _ := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) }), false)
	first, second := mustDo(t, c, post("{}")), mustDo(t, c, post("{}"))
	want := mustReadAll(t, second)
	mustReadAll(t, first)
	first.Close()
	second.Close()
	for range 3 {
		if _, got := exchange(t, c, post("{}")); got != want {
			t.Errorf("used %s, want %s", got, want)
		}
	}
}

func TestIdleConnectionsAreEvicted(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers(okAnswer)), func(o *Options) { o.IdleConnTimeout = 100 * time.Millisecond })
	for range 2 {
		inParallel(t, c, 3)
		eventually(t, "the eviction", func() bool { return c.Stats().Open == 0 })
	}
	if stats := c.Stats(); stats.Idle != 0 || stats.Dials != 6 {
		t.Errorf("stats %+v", stats)
	}
}

func TestConnectionInUseIsNotEvicted(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers(okAnswer)), func(o *Options) { o.IdleConnTimeout = 100 * time.Millisecond })
	deadline := time.Now().Add(500 * time.Millisecond)
	for time.Now().Before(deadline) {
		exchange(t, c, post("{}"))
		time.Sleep(time.Millisecond)
	}
	if stats := c.Stats(); stats.Open != 1 {
		t.Errorf("stats %+v", stats)
	}
}

func TestExpiredConnectionIsNotUsed(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers("HTTP/1.1 200 OK\r\nKeep-Alive: max=5, timeout=1\r\nContent-Length: 2\r\n\r\nok")))
	exchange(t, c, post("{}"))
	if stats := c.Stats(); stats.Open != 1 {
		t.Errorf("stats %+v", stats)
	}
	time.Sleep(800 * time.Millisecond)
	exchange(t, c, post("{}"))
	if stats := c.Stats(); stats.Open != 1 || stats.Dials != 2 {
		t.Errorf("stats %+v: a connection was used that its server was about to close", stats)
	}
}

func TestClose(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers(okAnswer)))
	inUse := mustDo(t, c, post("{}"))
	inParallel(t, c, 2)
	c.CloseIdle()
	if stats := c.Stats(); stats.Open != 1 || stats.Idle != 0 {
		t.Errorf("stats %+v", stats)
	}
	exchange(t, c, post("{}"))
	if stats := c.Stats(); stats.Open != 2 || stats.Idle != 1 {
		t.Errorf("stats %+v", stats)
	}
	c.Close()
	mustReadAll(t, inUse)
	inUse.Close()
	exchange(t, c, post("{}"))
	if stats := c.Stats(); stats.Open != 0 || stats.Idle != 0 {
		t.Errorf("stats %+v", stats)
	}
}

// TestConnectionsOfLargeRequestsAreKept is about answers that are whole before the
// goroutine that wrote the request has seen the end of its write.
func TestConnectionsOfLargeRequestsAreKept(t *testing.T) {
	c, _ := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}), false)
	request := post(strings.Repeat("x", 200<<10))
	for range 300 {
		exchange(t, c, request)
	}
	if stats := c.Stats(); stats.Dials > 3 { // a moment can be too short on a busy machine
		t.Errorf("%d connections for requests one after the other", stats.Dials)
	}
}
