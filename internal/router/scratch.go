package router

import (
	"crypto/rand"
	"sync"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/provider/openai"
	"github.com/tiershift/tiershift/internal/requestid"
)

// scratch is the memory that one exchange works in and the next one takes over.
type scratch struct {
	request  openai.Request
	analysis classify.Analysis
	input    classify.Input
	stream   openai.Stream
	attempts [4]attempt

	body, response, out []byte
	plain, rewrite      []byte
	segments            [][]byte
}

// keepBytes is the largest buffer that is kept for the next exchange: a rare
// huge request must not hold its memory for ever.
const keepBytes = 256 << 10

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func acquireScratch() *scratch { return scratches.Get().(*scratch) }

func (s *scratch) release() {
	s.request.Reset()
	s.analysis.Release()
	s.input = classify.Input{}
	s.stream.Reset(openai.StreamOptions{})
	s.attempts = [4]attempt{}
	for _, buffer := range []*[]byte{&s.body, &s.response, &s.out, &s.plain, &s.rewrite} {
		if cap(*buffer) > keepBytes {
			*buffer = nil
		}
	}
	clear(s.segments[:cap(s.segments)])
	s.segments = s.segments[:0]
	scratches.Put(s)
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
