package upstream

import "github.com/tiershift/tiershift/internal/router/message"

// framing is how the end of a body is told.
type framing uint8

const (
	byLength framing = iota
	chunked
	untilClose
)

// body takes the framing off a body, in place and in pieces of any size.
type body struct {
	framing framing
	chunks  message.Chunks
	// remaining is what is left of a body of known length.
	remaining int64
	// done is true once the end was seen, extra if bytes came after it: they
	// belong to no request.
	done, extra bool
}

func newBody(f framing, length int64) body {
	return body{framing: f, remaining: max(length, 0), done: f == byLength && length == 0}
}

// decode moves the content in p to its front and returns that. Content that
// came before a fault is returned with the fault.
func (b *body) decode(p []byte) ([]byte, error) {
	if b.done {
		b.extra = b.extra || len(p) > 0
		return nil, nil
	}
	switch b.framing {
	case chunked:
		return b.decodeChunks(p)
	case byLength:
		if int64(len(p)) > b.remaining {
			b.extra = true
			p = p[:b.remaining]
		}
		b.remaining -= int64(len(p))
		b.done = b.remaining == 0
	case untilClose:
	}
	return p, nil
}

func (b *body) decodeChunks(p []byte) ([]byte, error) {
	content, consumed, fault := b.chunks.Decode(p)
	if fault != "" {
		return p[:content], malformed(fault)
	}
	b.done = b.chunks.Done
	b.extra = consumed < len(p)
	return p[:content], nil
}
