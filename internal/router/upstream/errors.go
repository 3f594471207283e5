package upstream

import (
	"errors"
	"fmt"
	"time"
)

// ErrBodyTooLarge is returned by [Response.ReadAll] with the first limit bytes.
var ErrBodyTooLarge = errors.New("the response body exceeds the limit")

// ErrClosed is returned for a read after [Response.Close].
var ErrClosed = errors.New("the response is closed")

// Sent reports whether the request that ended in err may have reached the
// provider, in whole or in part. It is false only where it is certain that the
// provider could read no byte of it. An error of another package counts as sent.
func Sent(err error) bool {
	var known interface{ RequestSent() bool }
	if errors.As(err, &known) {
		return known.RequestSent()
	}
	return err != nil
}

// RequestError is a request that was refused before anything was sent.
type RequestError struct {
	// Field is "method", "path", "body" or the name of a header.
	Field string
	// Reason never repeats a value.
	Reason string
}

func (e *RequestError) Error() string { return fmt.Sprintf("request %s: %s", e.Field, e.Reason) }

// RequestSent is false.
func (e *RequestError) RequestSent() bool { return false }

// DialError is a connection that could not be made.
type DialError struct {
	// Addr is the host and port that could not be reached.
	Addr string
	// Proxy is the host and port of the proxy in between, or empty.
	Proxy string
	// Err is a [*TimeoutError] if the dial timeout or the TLS handshake timeout
	// has passed.
	Err error
	// Sent is true only if the request had gone out before, on a pooled
	// connection that turned out to be dead.
	Sent bool
}

func (e *DialError) Error() string {
	if e.Proxy != "" {
		return fmt.Sprintf("connect to %s through proxy %s: %s", e.Addr, e.Proxy, e.Err)
	}
	return fmt.Sprintf("connect to %s: %s", e.Addr, e.Err)
}

func (e *DialError) Unwrap() error { return e.Err }

// RequestSent returns Sent.
func (e *DialError) RequestSent() bool { return e.Sent }

// Phase is a part of an exchange that has a time limit of its own.
type Phase string

// The phases of an exchange.
const (
	PhaseDial      Phase = "dial"
	PhaseTLS       Phase = "TLS handshake"
	PhaseFirstByte Phase = "first byte"
	PhaseIdle      Phase = "idle"
	PhaseTotal     Phase = "total"
)

// TimeoutError is a time limit that has passed.
type TimeoutError struct {
	Phase Phase
	Limit time.Duration
	Sent  bool
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s timeout of %s has passed", e.Phase, e.Limit)
}

// Timeout is true, as net.Error has it.
func (e *TimeoutError) Timeout() bool { return true }

// RequestSent returns Sent.
func (e *TimeoutError) RequestSent() bool { return e.Sent }

// CancelError is an exchange that its context ended. It wraps context.Cause.
type CancelError struct {
	Err  error
	Sent bool
}

func (e *CancelError) Error() string { return e.Err.Error() }

func (e *CancelError) Unwrap() error { return e.Err }

// RequestSent returns Sent.
func (e *CancelError) RequestSent() bool { return e.Sent }

// ConnError is a connection that broke. An answer that was cut off wraps
// io.ErrUnexpectedEOF.
type ConnError struct {
	// Op is "write the request", "read the head" or "read the body".
	Op   string
	Err  error
	Sent bool
}

func (e *ConnError) Error() string { return e.Op + ": " + e.Err.Error() }

func (e *ConnError) Unwrap() error { return e.Err }

// RequestSent returns Sent.
func (e *ConnError) RequestSent() bool { return e.Sent }

// ProtocolError is an answer that is not valid HTTP/1.1, or one that two
// readers could understand differently.
type ProtocolError struct {
	// Reason never repeats what was received.
	Reason string
}

func (e *ProtocolError) Error() string { return "malformed response: " + e.Reason }

// RequestSent is true.
func (e *ProtocolError) RequestSent() bool { return true }

func malformed(reason string) error { return &ProtocolError{Reason: reason} }
