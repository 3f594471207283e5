package http1

import "sync"

// bufferSize takes a usual head with a small body, in either direction.
const bufferSize = 4 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func newBuffer() []byte { return buffers.Get().(*[bufferSize]byte)[:] }

// freeBuffer takes back a buffer of newBuffer, from its beginning. One that has
// grown is left to the garbage collector.
func freeBuffer(b []byte) {
	if cap(b) == bufferSize {
		buffers.Put((*[bufferSize]byte)(b[:bufferSize]))
	}
}

// input is what has come from the client and was not used yet: buf[begin:end].
// It holds a buffer only while it has to.
type input struct {
	buf        []byte
	begin, end int
}

func (in *input) bytes() []byte { return in.buf[in.begin:in.end] }

func (in *input) empty() bool { return in.begin == in.end }

// take copies to p what is there.
func (in *input) take(p []byte) int {
	n := copy(p, in.bytes())
	in.begin += n
	return n
}

// space returns where the next bytes can be read to, at least one.
func (in *input) space() []byte {
	switch {
	case in.buf == nil:
		in.buf = newBuffer()
	case in.begin > 0:
		in.end = copy(in.buf, in.bytes())
		in.begin = 0
	case in.end == len(in.buf):
		in.buf = append(make([]byte, 0, 2*len(in.buf)), in.buf...)
		in.buf = in.buf[:cap(in.buf)]
	}
	return in.buf[in.end:]
}

// add appends bytes that were read elsewhere.
func (in *input) add(p []byte) {
	for len(p) > 0 {
		n := copy(in.space(), p)
		in.end += n
		p = p[n:]
	}
}

// release gives the buffer back if nothing is in it.
func (in *input) release() {
	if in.empty() && in.buf != nil {
		freeBuffer(in.buf)
		*in = input{}
	}
}
