package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

func TestTimeouts(t *testing.T) {
	const limit = 500 * time.Millisecond
	hang := func(answer string) func(net.Conn, int) {
		return func(c net.Conn, _ int) {
			in := bufio.NewReader(c)
			if _, ok := readRequest(in); !ok {
				return
			}
			fmt.Fprint(c, answer)
			_, _ = io.Copy(io.Discard, in)
		}
	}
	slowDial := func(o *Options) {
		o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
	for name, test := range map[string]struct {
		scheme  string
		serve   func(net.Conn, int)
		options func(*Options)
		limits  Timeouts
		phase   Phase
		sent    bool
		large   bool
	}{
		"dial": {options: func(o *Options) { slowDial(o); o.DialTimeout = limit }, phase: PhaseDial},
		"dial that gives up early": {
			options: func(o *Options) { o.Dial, o.DialTimeout = earlyDial, limit }, phase: PhaseDial,
		},
		"first byte during dial": {options: slowDial, limits: Timeouts{FirstByte: limit}, phase: PhaseFirstByte},
		"total during dial":      {options: slowDial, limits: Timeouts{FirstByte: time.Hour, Total: limit}, phase: PhaseTotal},
		"TLS handshake": {
			scheme: "https", serve: func(c net.Conn, _ int) { _, _ = io.Copy(io.Discard, c) },
			options: func(o *Options) { o.TLSHandshakeTimeout = limit }, phase: PhaseTLS,
		},
		"first byte during the handshake": {
			scheme: "https", serve: func(c net.Conn, _ int) { _, _ = io.Copy(io.Discard, c) },
			limits: Timeouts{FirstByte: limit}, phase: PhaseFirstByte,
		},
		"first byte":             {serve: hang(""), limits: Timeouts{FirstByte: limit}, phase: PhaseFirstByte, sent: true},
		"first byte in the head": {serve: hang("HTTP/1.1 2"), limits: Timeouts{FirstByte: limit}, phase: PhaseFirstByte, sent: true},
		"first byte after 103": {
			serve: hang("HTTP/1.1 103 Early Hints\r\n\r\n"), limits: Timeouts{FirstByte: limit}, phase: PhaseFirstByte, sent: true,
		},
		"first byte of a large request": {
			serve: func(c net.Conn, _ int) { time.Sleep(3 * limit) }, limits: Timeouts{FirstByte: limit},
			phase: PhaseFirstByte, sent: true, large: true,
		},
		"idle before the body": {serve: hang(head), limits: Timeouts{Idle: limit}, phase: PhaseIdle, sent: true},
		"idle within the body": {serve: hang(head + "hello"), limits: Timeouts{FirstByte: time.Hour, Idle: limit, Total: time.Hour}, phase: PhaseIdle, sent: true},
		"total before the head": {
			serve: hang(""), limits: Timeouts{FirstByte: time.Hour, Total: limit}, phase: PhaseTotal, sent: true,
		},
		"total within the body": {serve: hang(head + "hello"), limits: Timeouts{Idle: time.Hour, Total: limit}, phase: PhaseTotal, sent: true},
		"total alone":           {serve: hang(head), limits: Timeouts{Total: limit}, phase: PhaseTotal, sent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, scheme := "127.0.0.1:1", "http"
			if test.serve != nil {
				address = rawServer(t, test.serve)
			}
			if test.scheme != "" {
				scheme = test.scheme
			}
			var options []func(*Options)
			if test.options != nil {
				options = append(options, test.options)
			}
			c := newClient(t, scheme+"://"+address, options...)
			started := time.Now()
			_, err := do(t.Context(), c, func(r *Request) {
				if test.large {
					*r = *large()
				}
				r.Timeouts = test.limits
			})
			took := time.Since(started)
			timeout, ok := errors.AsType[*TimeoutError](err)
			if !ok || timeout.Phase != test.phase || timeout.Limit != limit || Sent(err) != test.sent {
				t.Errorf("%T %v, sent %t", err, err, Sent(err))
			}
			if took < limit-time.Millisecond || took > soon {
				t.Errorf("took %s", took)
			}
			if _, isDial := errors.AsType[*DialError](err); isDial != (test.phase == PhaseDial || test.phase == PhaseTLS) {
				t.Errorf("%T", err)
			}
			if stats := c.Stats(); stats.Open != 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// A provider that has been given up on is told so at once, not when the response
// is closed.
func TestFailedConnectionIsClosedAtOnce(t *testing.T) {
	gone := make(chan struct{})
	c := newClient(t, "http://"+rawServer(t, func(c net.Conn, _ int) {
		answerAndHang("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")(c, 0)
		close(gone)
	}))
	req := post("{}")
	req.Timeouts.Idle = 10 * time.Millisecond
	resp := mustDo(t, c, req)
	defer resp.Close()
	if _, err := resp.Next(); err == nil {
		t.Error("no timeout")
	}
	receive(t, "the end at the server", gone)
	if stats := c.Stats(); stats.Open != 0 {
		t.Errorf("stats %+v", stats)
	}
}

// A stream may last far longer than its idle timeout, and a connection outlives
// the timeouts of the exchanges that it has served.
func TestIdleTimeoutIsPerRead(t *testing.T) {
	t.Parallel()
	const limit = 200 * time.Millisecond
	c := newClient(t, "http://"+rawServer(t, func(c net.Conn, _ int) {
		in := bufio.NewReader(c)
		for {
			if _, ok := readRequest(in); !ok {
				return
			}
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for range 20 {
				time.Sleep(limit / 8)
				fmt.Fprint(c, "1\r\nx\r\n")
			}
			fmt.Fprint(c, "0\r\n\r\n")
		}
	}))
	for _, timeouts := range []Timeouts{{FirstByte: limit, Idle: limit}, {}, {FirstByte: limit, Idle: limit, Total: 30 * limit}} {
		body, err := do(t.Context(), c, func(r *Request) { r.Timeouts = timeouts })
		if len(body) != 20 || err != nil {
			t.Errorf("%+v: %d bytes, %v", timeouts, len(body), err)
		}
		time.Sleep(limit + limit/4)
	}
	if stats := c.Stats(); stats.Dials != 1 {
		t.Errorf("stats %+v", stats)
	}
}

// The deadline of the body is moved only when it has to be, and never takes
// effect early.
func TestDeadlineIsMovedLazily(t *testing.T) {
	const second = time.Second
	started := now()
	far := started + time.Hour
	for name, test := range map[string]struct {
		timeouts  Timeouts
		totalBy   time.Duration
		low, high time.Duration
	}{
		"none":           {},
		"idle":           {timeouts: Timeouts{Idle: 800 * second}, low: started + 800*second, high: started + 900*second},
		"total":          {totalBy: far, low: far, high: far},
		"total is first": {timeouts: Timeouts{Idle: 2 * time.Hour}, totalBy: far, low: far, high: far},
		"total is close": {timeouts: Timeouts{Idle: 3500 * second}, totalBy: far, low: started + 3500*second, high: far},
		"total is far":   {timeouts: Timeouts{Idle: 800 * second}, totalBy: far, low: started + 800*second, high: started + 900*second},
	} {
		l := limits{Timeouts: test.timeouts, totalBy: test.totalBy}
		low, high := l.body()
		if low < test.low || low > test.low+soon || high < test.high || high > test.high+soon || high < low {
			t.Errorf("%s: %s to %s, want %s to %s", name, low, high, test.low, test.high)
		}
	}
	set := 0
	c := &conn{stream: &countingConn{set: &set}}
	for i := range 80 {
		by := time.Duration(i)*second/10 + 8*second
		if err := c.setDeadline(by, by+second); err != nil {
			t.Fatal(err)
		}
	}
	if set != 8 {
		t.Errorf("80 reads in 8 s with a limit of 8 s set %d deadlines, want one per second", set)
	}
}

type countingConn struct {
	net.Conn
	set *int
}

func (c *countingConn) SetDeadline(time.Time) error {
	*c.set++
	return nil
}
