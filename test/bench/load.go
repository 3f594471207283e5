package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// workload is what is sent to one target, over connections that are kept.
type workload struct {
	address  string
	requests [][]byte
	stream   bool
	conns    []*conn
	// done closes the connections.
	done context.CancelFunc
}

// pathChat is the endpoint. It is the same at the router, at the reverse proxy
// and at the upstream.
const pathChat = "/v1/chat/completions"

// connect opens the connections of a workload. They break when the context ends.
func connect(ctx context.Context, t *target, bodies [][]byte, stream bool, connections int) (*workload, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &workload{address: t.address, stream: stream, done: cancel}
	for _, body := range bodies {
		w.requests = append(w.requests, requestBytes(t.address, t.key, body))
	}
	for range connections {
		c, err := dial(ctx, t.address)
		if err != nil {
			cancel()
			return nil, err
		}
		w.conns = append(w.conns, c)
	}
	return w, nil
}

// tally is what came of a load.
type tally struct {
	requests, errors int
	firstError       error
	// latencies and firstBytes are in milliseconds, of the requests that went well.
	latencies, firstBytes []float64
}

func (t *tally) add(o *tally) {
	t.requests += o.requests
	t.errors += o.errors
	if t.firstError == nil {
		t.firstError = o.firstError
	}
	t.latencies = append(t.latencies, o.latencies...)
	t.firstBytes = append(t.firstBytes, o.firstBytes...)
}

// patience bounds every exchange.
const patience = 30 * time.Second

var errNotWhole = errors.New("the stream has no [DONE]")

// one sends request i on a connection and checks the answer. A connection that
// failed is replaced.
func (w *workload) one(ctx context.Context, c **conn, i int, t *tally, since time.Time) {
	_ = (*c).net.SetDeadline(since.Add(patience)) // a closed connection fails at once
	r, err := (*c).exchange(w.requests[i%len(w.requests)])
	if err == nil && w.stream && !bytes.Contains(r.body, []byte("data: [DONE]\n\n")) {
		err = errNotWhole
	}
	t.requests++
	if err == nil {
		t.latencies = append(t.latencies, milliseconds(r.end.Sub(since)))
		t.firstBytes = append(t.firstBytes, milliseconds(r.first.Sub(since)))
		return
	}
	t.errors++
	if t.firstError == nil {
		t.firstError = err
	}
	(*c).close()
	if fresh, err := dial(ctx, w.address); err == nil {
		*c = fresh
	}
}

// closed sends count requests, each connection the next one as soon as it has
// the answer to the one before. It ends early when the time limit has passed.
func (w *workload) closed(ctx context.Context, count int, limit time.Duration) (tally, error) {
	var next atomic.Int64
	tallies := make([]tally, len(w.conns))
	until := time.Now().Add(limit)
	var group sync.WaitGroup
	for k := range w.conns {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				now := time.Now()
				if i >= count || now.After(until) {
					return
				}
				w.one(ctx, &w.conns[k], i, &tallies[k], now)
			}
		})
	}
	group.Wait()
	return total(tallies), ctx.Err()
}

// open sends count requests at a fixed rate, whether or not earlier ones were
// answered. A request that finds all connections busy waits, and its latency
// includes that.
func (w *workload) open(ctx context.Context, count int, perSecond float64) (tally, error) {
	tallies := make([]tally, len(w.conns))
	due := make(chan time.Time, count)
	var next atomic.Int64
	var group sync.WaitGroup
	for k := range w.conns {
		group.Go(func() {
			for since := range due {
				w.one(ctx, &w.conns[k], int(next.Add(1)), &tallies[k], since)
			}
		})
	}
	begun := time.Now()
	for i := range count {
		if sleepUntil(ctx, begun.Add(time.Duration(float64(i)/perSecond*float64(time.Second)))) != nil {
			break
		}
		due <- time.Now()
	}
	close(due)
	group.Wait()
	return total(tallies), ctx.Err()
}

func total(tallies []tally) tally {
	var sum tally
	for i := range tallies {
		sum.add(&tallies[i])
	}
	return sum
}

func sleepUntil(ctx context.Context, at time.Time) error { return sleep(ctx, time.Until(at)) }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// hold opens so many streams at once and waits until each has brought its first
// event, then calls then while they go on.
func hold(ctx context.Context, address string, request []byte, streams int, then func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	const dialling = 64
	slots := make(chan struct{}, dialling)
	ready := make(chan error, streams)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	for range streams {
		group.Go(func() {
			slots <- struct{}{}
			c, err := begin(ctx, address, request)
			<-slots
			ready <- err
			if err == nil {
				c.discard()
			}
		})
	}
	for range streams {
		if err := <-ready; err != nil {
			return fmt.Errorf("a stream of %d did not begin: %w", streams, err)
		}
	}
	return then()
}

// begin sends a request and reads the first event of the answer.
func begin(ctx context.Context, address string, request []byte) (*conn, error) {
	c, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	_ = c.net.SetDeadline(time.Now().Add(patience)) // a closed connection fails at once
	if err := c.send(request); err != nil {
		return nil, err
	}
	r, at, _, err := c.head()
	if err != nil {
		return nil, err
	}
	if r.status != 200 {
		return nil, fmt.Errorf("status %d: %.300s", r.status, c.buf[at:c.w])
	}
	for c.w <= at {
		if err := c.read(); err != nil {
			return nil, err
		}
	}
	_ = c.net.SetDeadline(time.Time{}) // as above
	return c, nil
}

// discard reads until the connection breaks.
func (c *conn) discard() {
	for {
		if c.w = 0; c.read() != nil {
			c.close()
			return
		}
	}
}
