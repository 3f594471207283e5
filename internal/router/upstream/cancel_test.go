package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"
)

var errGone = errors.New("the client has gone")

// The end of the context ends the exchange wherever it is, and the server sees
// it at once.
func TestCancellation(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for _, place := range []string{"before the head", "within the body", "within the upload"} {
			t.Run(fmt.Sprintf("%s, TLS %t", place, secure), func(t *testing.T) {
				reached, gone := make(chan struct{}), make(chan struct{})
				c, _ := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if place == "within the body" {
						w.(http.Flusher).Flush()
					}
					if place != "within the upload" {
						_, _ = io.Copy(io.Discard, r.Body)
					}
					close(reached)
					if place == "within the upload" {
						time.Sleep(10 * time.Millisecond)
						_, _ = io.Copy(io.Discard, r.Body)
					}
					<-r.Context().Done()
					close(gone)
				}), secure)
				ctx, cancel := context.WithCancelCause(t.Context())
				result := make(chan error, 1)
				go func() {
					_, err := do(ctx, c, func(r *Request) {
						if place == "within the upload" {
							*r = *large()
						}
					})
					result <- err
				}()
				receive(t, "the request", reached)
				cancel(errGone)
				err := receive(t, "the error", result)
				if _, ok := errors.AsType[*CancelError](err); !ok || !errors.Is(err, errGone) || !Sent(err) {
					t.Errorf("%T %v, sent %t", err, err, Sent(err))
				}
				receive(t, "the end at the server", gone)
				if stats := c.Stats(); stats.Open != 0 || stats.Idle != 0 {
					t.Errorf("stats %+v", stats)
				}
			})
		}
	}
}

// earlyDial gives up by its own clock, just before the context's timer.
func earlyDial(ctx context.Context, _, _ string) (net.Conn, error) {
	for deadline, _ := ctx.Deadline(); time.Until(deadline) > 500*time.Microsecond; {
		runtime.Gosched()
	}
	return nil, os.ErrDeadlineExceeded
}

// A context's own deadline is not mistaken for a limit of the dial.
func TestContextDeadlineDuringDial(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1", func(o *Options) {
		o.Dial = earlyDial
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := do(ctx, c)
	if _, ok := errors.AsType[*CancelError](err); !ok || !errors.Is(err, context.DeadlineExceeded) || Sent(err) {
		t.Errorf("%T %v", err, err)
	}
}

func TestCancellationBeforeSending(t *testing.T) {
	dialling := make(chan struct{}, 1)
	c := newClient(t, "http://127.0.0.1:1", func(o *Options) {
		o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			dialling <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-dialling
		cancel(errGone)
	}()
	for range 2 {
		_, err := do(ctx, c)
		if _, ok := errors.AsType[*CancelError](err); !ok || !errors.Is(err, errGone) || Sent(err) {
			t.Errorf("%T %v, sent %t", err, err, Sent(err))
		}
	}
	if stats := c.Stats(); stats.Dials != 1 {
		t.Errorf("stats %+v: the second attempt should not have begun", stats)
	}
}

// A context that ends after the exchange must not touch the connection any more.
func TestLateCancellation(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers(okAnswer)))
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := do(ctx, c); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	if stats := c.Stats(); stats.Dials != 1 || stats.Open != 1 {
		t.Errorf("stats %+v", stats)
	}
}

// A context that ends between the last byte and Close takes the connection with
// it: whether it was touched cannot be known.
func TestCancellationBeforeClose(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers(okAnswer)))
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := c.Do(ctx, post("{}"))
	if err != nil {
		t.Fatal(err)
	}
	mustReadAll(t, resp)
	cancel()
	resp.Close()
	if stats := c.Stats(); stats.Open != 0 || stats.Idle != 0 {
		t.Errorf("stats %+v", stats)
	}
}

func TestContextWithoutEnd(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers(okAnswer)))
	for range 2 {
		if body, err := do(context.Background(), c); body != "ok" || err != nil {
			t.Errorf("%q, %v", body, err)
		}
	}
}
