package message

import "strings"

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

// Chunks takes the chunked coding off a body, in place and in pieces of any size.
// The zero value stands before the first byte.
type Chunks struct {
	// Done is true once the end was seen, the trailers included.
	Done  bool
	state chunkState
	// digits and line count the bytes of the framing line that is being read.
	digits, line int
	// remaining is what is left of the chunk.
	remaining int64
}

// Remaining is how many bytes of content follow for certain before the next byte
// of framing.
func (b *Chunks) Remaining() int64 {
	if b.state != chunkData {
		return 0
	}
	return b.remaining
}

// Decode moves the content in p to its front and returns how much that is, and
// how many bytes of p belong to the body: all, unless its end is among them. A
// fault says why the coding is none; content that came before it is returned
// with it.
func (b *Chunks) Decode(p []byte) (content, consumed int, fault string) {
	i := 0
	for i < len(p) && !b.Done {
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
		if fault := b.step(p[i]); fault != "" {
			return content, i, fault
		}
		i++
	}
	return content, i, ""
}

// step takes in one byte that is not content.
func (b *Chunks) step(c byte) (fault string) {
	switch b.state {
	case chunkSize, chunkPad, chunkExtension:
		return b.stepSizeLine(c)
	case chunkSizeLF:
		if c != '\n' {
			return "a chunk size does not end in CRLF"
		}
		b.endSizeLine()
	case chunkDataCR, chunkDataLF:
		return b.stepDataEnd(c)
	default:
		return b.stepTrailer(c)
	}
	return ""
}

func (b *Chunks) stepSizeLine(c byte) (fault string) {
	if b.line++; b.line > maxChunkLine {
		return "a chunk extension is too long"
	}
	switch {
	case b.digits == 0 || b.state == chunkSize && hexValue[c] >= 0:
		return b.addDigit(c)
	case c == '\r':
		b.state = chunkSizeLF
	case b.state == chunkExtension || c == ';':
		if isControl[c] {
			return "a chunk extension holds a control character"
		}
		b.state = chunkExtension
	case c == ' ' || c == '\t':
		b.state = chunkPad
	default:
		return "a chunk size is not a number"
	}
	return ""
}

func (b *Chunks) addDigit(c byte) (fault string) {
	if hexValue[c] < 0 {
		return "a chunk size is not a number"
	}
	if b.digits++; b.digits > maxSizeDigits {
		return "a chunk size has too many digits"
	}
	b.remaining = b.remaining<<4 | int64(hexValue[c])
	return ""
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

func (b *Chunks) endSizeLine() {
	b.digits, b.line = 0, 0
	b.state = chunkData
	if b.remaining == 0 {
		b.state = trailerStart
	}
}

func (b *Chunks) stepDataEnd(c byte) (fault string) {
	switch {
	case b.state == chunkDataCR && c == '\r':
		b.state = chunkDataLF
	case b.state == chunkDataLF && c == '\n':
		b.state = chunkSize
	default:
		return "a chunk is longer than its size"
	}
	return ""
}

// stepTrailer passes over the trailers.
func (b *Chunks) stepTrailer(c byte) (fault string) {
	if b.line++; b.line > maxTrailer {
		return "the trailers are too long"
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
		b.Done = valid
	}
	if !valid {
		return "a trailer is not a header line"
	}
	return ""
}
