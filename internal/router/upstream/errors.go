package upstream

import (
	"errors"
	"fmt"
)

// Phase is the part of an exchange that a timeout ended.
type Phase string

// The phases.
const (
	PhaseConnect   Phase = "connecting"
	PhaseFirstByte Phase = "waiting for the first byte of the answer"
	PhaseIdle      Phase = "waiting for more of the answer"
	PhaseTotal     Phase = "the whole exchange"
)

// TimeoutError is an exchange that one of its Timeouts ended.
type TimeoutError struct {
	Phase Phase
	sent  bool
}

func (e *TimeoutError) Error() string { return "timeout: " + string(e.Phase) }

// DialError is a connection that could not be made. Nothing was sent.
type DialError struct{ Err error }

func (e *DialError) Error() string { return "cannot connect: " + e.Err.Error() }
func (e *DialError) Unwrap() error { return e.Err }

// ConnError is a connection that broke, before the answer or within it.
type ConnError struct {
	Err  error
	sent bool
}

func (e *ConnError) Error() string { return "connection broke: " + e.Err.Error() }
func (e *ConnError) Unwrap() error { return e.Err }

// ProtocolError is an answer that is not HTTP/1.1, or not unambiguously so.
type ProtocolError struct{ Problem string }

func (e *ProtocolError) Error() string { return "malformed HTTP answer: " + e.Problem }

func malformed(format string, args ...any) error {
	return &ProtocolError{Problem: fmt.Sprintf(format, args...)}
}

// ErrBodyTooLarge is an answer beyond the limit given to ReadAll.
var ErrBodyTooLarge = errors.New("the answer is larger than allowed")

// Sent reports whether the whole request was written before the error, so that
// the provider may have acted, and charged, upon it.
func Sent(err error) bool {
	var timeout *TimeoutError
	var broken *ConnError
	var protocol *ProtocolError
	var gone *cancelled
	switch {
	case errors.As(err, &gone):
		return gone.sent
	case errors.As(err, &timeout):
		return timeout.sent
	case errors.As(err, &broken):
		return broken.sent
	default:
		return errors.As(err, &protocol)
	}
}
