package router

import (
	"crypto/rand"
	"sync"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/requestid"
)

// scratch is the memory that one exchange works in and the next one takes over.
type scratch struct {
	*working
	stream        patch.Stream
	attempts      [4]attempt
	response, out []byte
}

// working is the part that is needed until it is settled who answers. A stream
// gives it back then: see shed.
type working struct {
	request  patch.Request
	analysis classify.Analysis
	input    classify.Input

	body, plain, rewrite []byte
	segments             [][]byte
}

// keepBytes is the largest buffer that is kept for the next exchange: a rare
// huge request must not hold its memory for ever.
const keepBytes = 256 << 10

var (
	scratches = sync.Pool{New: func() any { return new(scratch) }}
	workings  = sync.Pool{New: func() any { return new(working) }}
)

func acquireScratch() *scratch {
	s := scratches.Get().(*scratch)
	s.working = workings.Get().(*working)
	return s
}

func (s *scratch) release() {
	s.shed()
	s.stream.Reset(patch.StreamOptions{})
	s.attempts = [4]attempt{}
	trim(&s.response, &s.out)
	scratches.Put(s)
}

// shed gives back what was read of the request. Nothing may use it any more.
func (s *scratch) shed() {
	w := s.working
	if w == nil {
		return
	}
	s.working = nil
	w.request.Reset()
	w.analysis.Release()
	w.input = classify.Input{}
	trim(&w.body, &w.plain, &w.rewrite)
	clear(w.segments[:cap(w.segments)])
	w.segments = w.segments[:0]
	workings.Put(w)
}

// trim drops buffers that are too large to be kept.
func trim(buffers ...*[]byte) {
	for _, buffer := range buffers {
		if cap(*buffer) > keepBytes {
			*buffer = nil
		}
	}
}

// newRequestID returns the short form of an id.
func newRequestID() string {
	var random [15]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	return requestid.New(random)
}

// Header values that many answers share.
var (
	contentTypeJSON = []string{"application/json"}
	contentTypeSSE  = []string{"text/event-stream"}
	noCache         = []string{"no-cache"}
	connectionClose = []string{"close"}
)
