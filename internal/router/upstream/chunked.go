package upstream

import "bytes"

// chunkState is where in a chunked body (RFC 9112, section 7.1) the reader is.
type chunkState uint8

const (
	atSize chunkState = iota
	inData
	atDataEnd
	inTrailer
)

const (
	maxChunkLine = 4 << 10
	maxChunkSize = 1 << 40
)

// dechunk takes all complete parts of chunks out of the buffer. The data of
// several chunks is moved together, so that a burst of events is handed on as
// one.
func (r *Response) dechunk(b *readBuffer) ([]byte, error) {
	start, end := b.r, b.r
	for b.r < b.w && !r.ended {
		switch r.chunk {
		case atSize:
			line, ok, err := takeLine(b)
			if err != nil || !ok {
				return b.data[start:end], err
			}
			if r.remaining, err = chunkSize(line); err != nil {
				return nil, err
			}
			r.chunk = inData
			if r.remaining == 0 {
				r.chunk = inTrailer
			}
		case inData:
			n := int(min(int64(b.w-b.r), r.remaining))
			end += copy(b.data[end:], b.data[b.r:b.r+n])
			b.r += n
			if r.remaining -= int64(n); r.remaining == 0 {
				r.chunk = atDataEnd
			}
		case atDataEnd:
			if b.w-b.r < 2 {
				return b.data[start:end], nil
			}
			if b.data[b.r] != '\r' || b.data[b.r+1] != '\n' {
				return nil, malformed("a chunk that does not end where it said")
			}
			b.r += 2
			r.chunk = atSize
		case inTrailer:
			line, ok, err := takeLine(b)
			if err != nil || !ok {
				return b.data[start:end], err
			}
			r.ended = len(line) == 0
		}
	}
	return b.data[start:end], nil
}

// takeLine takes a line without its end; ok is false when it is not whole yet.
func takeLine(b *readBuffer) (line []byte, ok bool, err error) {
	data := b.data[b.r:b.w]
	i := bytes.IndexByte(data, '\n')
	if i < 0 {
		if len(data) > maxChunkLine {
			return nil, false, malformed("a chunk line of more than %d bytes", maxChunkLine)
		}
		return nil, false, nil
	}
	if i == 0 || data[i-1] != '\r' {
		return nil, false, malformed("a chunk line that ends without CRLF")
	}
	b.r += i + 1
	return data[:i-1], true, nil
}

// chunkSize reads the hexadecimal size; extensions are passed over.
func chunkSize(line []byte) (int64, error) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 {
		return 0, malformed("a chunk without size")
	}
	size := int64(0)
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, malformed("a chunk size")
		}
		if size = size<<4 | int64(c); size > maxChunkSize {
			return 0, malformed("a chunk of more than %d bytes", int64(maxChunkSize))
		}
	}
	return size, nil
}
