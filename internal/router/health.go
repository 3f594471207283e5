package router

import (
	"math"
	"sync/atomic"
	"time"
)

// A model that failed ejectAfter times in a row is passed over for ejectFor,
// doubled with every further failure up to ejectMost, unless nothing else is
// left. One success clears it.
const (
	ejectAfter = 3
	ejectFor   = 2 * time.Second
	ejectMost  = time.Minute
)

// latencyWeight is the weight of the newest sample in the moving average of the
// time to the first token.
const latencyWeight = 0.2

// health is what a router has seen of one model at one account. Other replicas
// see for themselves.
type health struct {
	failures atomic.Int32
	// ejectedUntil is in Unix nanoseconds; 0: not ejected.
	ejectedUntil atomic.Int64
	// latency holds the bits of a float64 of seconds; 0: not measured yet.
	latency atomic.Uint64
}

func (h *health) ejected(now time.Time) bool {
	until := h.ejectedUntil.Load()
	return until != 0 && now.UnixNano() < until
}

func (h *health) succeeded(firstToken time.Duration) {
	if h.failures.Load() != 0 {
		h.failures.Store(0)
		h.ejectedUntil.Store(0)
	}
	for {
		old := h.latency.Load()
		average := firstToken.Seconds()
		if old != 0 {
			average = latencyWeight*average + (1-latencyWeight)*math.Float64frombits(old)
		}
		if h.latency.CompareAndSwap(old, math.Float64bits(average)) {
			return
		}
	}
}

// failed counts a failure and returns how long the model is passed over for it.
// retryAfter, if positive, is how long the provider itself asked to be left
// alone.
func (h *health) failed(now time.Time, retryAfter time.Duration) (pause time.Duration) {
	count := h.failures.Add(1)
	if count >= ejectAfter {
		pause = min(ejectFor<<min(count-ejectAfter, 10), ejectMost)
	}
	pause = max(pause, min(retryAfter, ejectMost))
	if pause > 0 {
		h.ejectedUntil.Store(now.Add(pause).UnixNano())
	}
	return pause
}

// averageLatency is the moving average of the time to the first token in
// seconds, or 0 when nothing was measured yet.
func (h *health) averageLatency() float64 { return math.Float64frombits(h.latency.Load()) }
