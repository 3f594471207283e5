package patch

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/tiershift/tiershift/internal/provider/plain"
)

// The functions of this file walk over JSON (RFC 8259) in a byte slice. They
// take an index and return the one behind what they walked over, or, negative,
// a fault: see newFault.

// maxDepth bounds nesting, and with it the stack that a hostile body can claim.
// Python's decoder, which many providers use, gives up at about 1000.
const maxDepth = 512

// faultKind says what is wrong with JSON.
type faultKind int

const (
	unexpectedEnd faultKind = iota
	unexpectedByte
	controlInString
	badEscape
	badUTF8
	badNumber
	tooDeep
	trailingData
	// stopped is no fault of the JSON: the reader gave up for its own reason.
	stopped
)

// faultKinds is a power of two above the number of kinds.
const faultKinds = 16

func (k faultKind) String() string {
	switch k {
	case unexpectedEnd:
		return "unexpected end"
	case controlInString:
		return "control character in a string"
	case badEscape:
		return "invalid escape in a string"
	case badUTF8:
		return "invalid UTF-8"
	case badNumber:
		return "invalid number"
	case tooDeep:
		return "nested too deeply"
	case trailingData:
		return "data after the end"
	default:
		return "unexpected character"
	}
}

// newFault packs a kind and a position into a negative index: a second result
// would cost every step of every walk.
func newFault(kind faultKind, at int) int { return -1 - (at*faultKinds + int(kind)) }

func splitFault(fault int) (kind faultKind, at int) {
	n := -1 - fault
	return faultKind(n % faultKinds), n / faultKinds
}

// unexpected is the fault of whatever stands at i.
func unexpected(b []byte, i int) int {
	if i >= len(b) {
		return newFault(unexpectedEnd, len(b))
	}
	return newFault(unexpectedByte, i)
}

// skipSpace is split so that the usual case, no space, is inlined.
func skipSpace(b []byte, i int) int {
	if i < len(b) && b[i] > ' ' {
		return i
	}
	return skipSpaces(b, i)
}

func skipSpaces(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// skipString walks over a string from behind its opening quote to behind its
// closing one. saved is by how many bytes unescaping shortens it: not 0 if and
// only if it has escapes.
func skipString(b []byte, i int) (end, saved int) {
	// Most strings are short and plain.
	if w := b[i:]; len(w) >= 16 {
		m := plain.Special(binary.LittleEndian.Uint64(w))
		if m == 0 {
			i += 8
			m = plain.Special(binary.LittleEndian.Uint64(w[8:]))
		}
		i += bits.TrailingZeros64(m) >> 3
		if i < len(b) && b[i] == '"' {
			return i + 1, 0
		}
	}
	return skipLongString(b, i)
}

func skipLongString(b []byte, i int) (end, saved int) {
	for {
		next, length := plain.Skip(b, i)
		saved += next - i - length
		if i = next; i >= len(b) {
			return newFault(unexpectedEnd, len(b)), 0
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, saved
		case c == '\\':
			next, shorter := skipUnicodeEscapes(b, i)
			if next < 0 {
				return next, 0
			}
			i, saved = next, saved+shorter
		case c < ' ':
			return newFault(controlInString, i), 0
		default:
			if i = skipRunes(b, i); i < 0 {
				return i, 0
			}
		}
	}
}

// skipRunes walks over non-ASCII characters, which must be valid UTF-8.
func skipRunes(b []byte, i int) int {
	for i < len(b) && b[i] >= utf8.RuneSelf {
		// Nearly all are of three bytes, or two. These lead bytes take any
		// continuation, 0x80 to 0xbf; DecodeRune knows about the others.
		c := b[i]
		if i+2 < len(b) && c-0xe1 < 0x0f && c != 0xed && (b[i+1]^0x80)|(b[i+2]^0x80) < 0x40 {
			i += 3
			continue
		}
		if i+1 < len(b) && c-0xc2 < 0x1e && b[i+1]^0x80 < 0x40 {
			i += 2
			continue
		}
		if i = skipRune(b, i); i < 0 {
			return i
		}
	}
	return i
}

func skipRune(b []byte, i int) int {
	r, size := utf8.DecodeRune(b[i:])
	if r == utf8.RuneError && size == 1 {
		return newFault(badUTF8, i)
	}
	return i + size
}

// skipUnicodeEscapes walks over the escape at b[i], which is no short one, and over
// those that follow it, as they do in scripts other than Latin.
func skipUnicodeEscapes(b []byte, i int) (next, saved int) {
	for {
		next, shorter := skipUnicodeEscape(b, i)
		if next < 0 {
			return next, 0
		}
		i, saved = next, saved+shorter
		if i+1 >= len(b) || b[i] != '\\' || b[i+1] != 'u' {
			return i, saved
		}
	}
}

// skipUnicodeEscape walks over the escape at b[i], which is no short one.
func skipUnicodeEscape(b []byte, i int) (next, saved int) {
	r, next := decodeUnicodeEscape(b, i)
	if next > 0 {
		return next, next - i - utf8.RuneLen(r)
	}
	for j, c := range b[i+1:] {
		if j == 0 && c != 'u' || j > 0 && hexValues[c] < 0 {
			return newFault(badEscape, i), 0
		}
	}
	return newFault(unexpectedEnd, len(b)), 0
}

// skipNumber walks over a number.
func skipNumber(b []byte, i int) int {
	start := i
	if b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && isDigit(b[i]):
		i = skipDigits(b, i)
	default:
		return numberFault(b, start, i)
	}
	if i < len(b) && b[i] == '.' {
		whole := i + 1
		if i = skipDigits(b, whole); i == whole {
			return numberFault(b, start, i)
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		return skipExponent(b, start, i+1)
	}
	return i
}

func skipExponent(b []byte, start, i int) int {
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		i++
	}
	end := skipDigits(b, i)
	if end == i {
		return numberFault(b, start, i)
	}
	return end
}

func numberFault(b []byte, start, i int) int {
	if i >= len(b) {
		return newFault(unexpectedEnd, len(b))
	}
	return newFault(badNumber, start)
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func skipDigits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

func skipWord(b []byte, i int, word string) int {
	for j := range len(word) {
		if i+j >= len(b) || b[i+j] != word[j] {
			return unexpected(b, i+j)
		}
	}
	return i + len(word)
}

// skipValue walks over the value at b[i] inside of depth containers.
func skipValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return newFault(unexpectedEnd, len(b))
	}
	switch b[i] {
	case '"':
		end, _ := skipString(b, i+1)
		return end
	case '{':
		return skipObject(b, i, depth+1)
	case '[':
		return skipArray(b, i, depth+1)
	case 't':
		return skipWord(b, i, "true")
	case 'f':
		return skipWord(b, i, "false")
	case 'n':
		return skipWord(b, i, "null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return skipNumber(b, i)
	}
	return newFault(unexpectedByte, i)
}

func skipObject(b []byte, i, depth int) int {
	if depth > maxDepth {
		return newFault(tooDeep, i)
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if _, i, _ = skipKey(b, i); i < 0 {
			return i
		}
		if i = skipValue(b, i, depth); i < 0 {
			return i
		}
		i = skipSpace(b, i)
		if i < len(b) && b[i] == '}' {
			return i + 1
		}
		if i >= len(b) || b[i] != ',' {
			return unexpected(b, i)
		}
		i = skipSpace(b, i+1)
	}
}

// skipKey walks over the key at b[i] to the value behind it. end is where the
// key ends with its closing quote; saved is that of skipString.
func skipKey(b []byte, i int) (end, value, saved int) {
	if i >= len(b) || b[i] != '"' {
		return 0, unexpected(b, i), 0
	}
	end, saved = skipString(b, i+1)
	if end < 0 {
		return 0, end, 0
	}
	value = skipSpace(b, end)
	if value >= len(b) || b[value] != ':' {
		return 0, unexpected(b, value), 0
	}
	return end, skipSpace(b, value+1), saved
}

func skipArray(b []byte, i, depth int) int {
	if depth > maxDepth {
		return newFault(tooDeep, i)
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i = skipValue(b, i, depth); i < 0 {
			return i
		}
		i = skipSpace(b, i)
		if i < len(b) && b[i] == ']' {
			return i + 1
		}
		if i >= len(b) || b[i] != ',' {
			return unexpected(b, i)
		}
		i = skipSpace(b, i+1)
	}
}
