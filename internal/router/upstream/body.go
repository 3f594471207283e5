package upstream

import "strings"

// framing is how the end of a body is told.
type framing uint8

const (
	byLength framing = iota
	chunked
	untilClose
)

// chunkState is the place in the chunked coding at which the next byte stands
// (https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding).
type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkPad
	chunkExtension
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	trailerStart
	trailerName
	trailerValue
	trailerLF
	trailerEndLF
)

const (
	// maxSizeDigits keeps sizes below 2^60, and zeros from being put in front
	// without end.
	maxSizeDigits = 15
	// maxChunkLine bounds a size and its extensions, maxTrailer all trailers.
	maxChunkLine = 1 << 10
	maxTrailer   = 16 << 10
)

// body takes the framing off a body, in place and in pieces of any size.
type body struct {
	framing framing
	state   chunkState
	// digits and line count the bytes of the framing line that is being read.
	digits, line int
	// remaining is what is left of the body, or of the chunk.
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
	content := 0
	for i := 0; i < len(p); {
		if b.done {
			b.extra = true
			break
		}
		if b.state == chunkData {
			n := int(min(b.remaining, int64(len(p)-i)))
			copy(p[content:], p[i:i+n])
			content += n
			i += n
			if b.remaining -= int64(n); b.remaining == 0 {
				b.state = chunkDataCR
			}
			continue
		}
		if err := b.step(p[i]); err != nil {
			return p[:content], err
		}
		i++
	}
	return p[:content], nil
}

// step takes in one byte that is not content.
func (b *body) step(c byte) error {
	switch b.state {
	case chunkSize, chunkPad, chunkExtension:
		return b.stepSizeLine(c)
	case chunkSizeLF:
		if c != '\n' {
			return malformed("a chunk size does not end in CRLF")
		}
		b.endSizeLine()
	case chunkDataCR, chunkDataLF:
		return b.stepDataEnd(c)
	default:
		return b.stepTrailer(c)
	}
	return nil
}

func (b *body) stepSizeLine(c byte) error {
	if b.line++; b.line > maxChunkLine {
		return malformed("a chunk extension is too long")
	}
	switch {
	case b.digits == 0 || b.state == chunkSize && hexValue[c] >= 0:
		return b.addDigit(c)
	case c == '\r':
		b.state = chunkSizeLF
	case b.state == chunkExtension || c == ';':
		if isControl[c] {
			return malformed("a chunk extension holds a control character")
		}
		b.state = chunkExtension
	case c == ' ' || c == '\t':
		b.state = chunkPad
	default:
		return malformed("a chunk size is not a number")
	}
	return nil
}

func (b *body) addDigit(c byte) error {
	if hexValue[c] < 0 {
		return malformed("a chunk size is not a number")
	}
	if b.digits++; b.digits > maxSizeDigits {
		return malformed("a chunk size has too many digits")
	}
	b.remaining = b.remaining<<4 | int64(hexValue[c])
	return nil
}

// hexValue is the value of a hexadecimal digit, or -1.
var hexValue = func() (table [256]int8) {
	for c := range table {
		table[c] = int8(strings.IndexByte("0123456789abcdef", byte(c)))
	}
	for c := 'A'; c <= 'F'; c++ {
		table[c] = int8(c-'A') + 10
	}
	return table
}()

func (b *body) endSizeLine() {
	b.digits, b.line = 0, 0
	b.state = chunkData
	if b.remaining == 0 {
		b.state = trailerStart
	}
}

func (b *body) stepDataEnd(c byte) error {
	switch {
	case b.state == chunkDataCR && c == '\r':
		b.state = chunkDataLF
	case b.state == chunkDataLF && c == '\n':
		b.state = chunkSize
	default:
		return malformed("a chunk is longer than its size")
	}
	return nil
}

// stepTrailer passes over the trailers.
func (b *body) stepTrailer(c byte) error {
	if b.line++; b.line > maxTrailer {
		return malformed("the trailers are too long")
	}
	var valid bool
	switch b.state {
	case trailerStart:
		valid, b.state = isToken[c], trailerName
		if c == '\r' {
			valid, b.state = true, trailerEndLF
		}
	case trailerName:
		valid = isToken[c]
		if c == ':' {
			valid, b.state = true, trailerValue
		}
	case trailerValue:
		valid = !isControl[c]
		if c == '\r' {
			valid, b.state = true, trailerLF
		}
	case trailerLF:
		valid, b.state = c == '\n', trailerStart
	default:
		valid = c == '\n'
		b.done = valid
	}
	if !valid {
		return malformed("a trailer is not a header line")
	}
	return nil
}
