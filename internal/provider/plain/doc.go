// Package plain runs over the plain stretches of JSON strings: the bytes that stand
// for themselves, which are nearly all bytes of a request. It is the innermost loop
// of reading one, so on processors with AVX2 it looks at 32 bytes at once, and with
// AVX-512 at 64, without a branch for each escape.
//
// It must never read or write beyond the slices it is given, and what it returns
// must not depend on the processor: every kernel is fuzzed against a byte-wise one.
package plain

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Eight bytes are looked at in one step: a word of eight times the same byte.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// kernelKind is a way to walk.
type kernelKind uint8

const (
	kernelNone kernelKind = iota
	kernelAVX2
	kernelAVX512
)

// Special has the high bit of a byte set where the text is not plain: a quote, a
// backslash, a control character or part of a non-ASCII one. Control characters and
// the quote (0x22) take one test together: with bit 1 flipped, they are all those up
// to 0x20. Subtraction may carry into bytes above one that is marked; the lowest mark
// is always right.
func Special(x uint64) uint64 {
	return (x | ((x ^ 0x02*ones) - 0x21*ones) | ((x ^ '\\'*ones) - ones)) & highs
}

// ShortEscapes are, by what follows the backslash, the bytes that the escapes of two
// bytes stand for.
var ShortEscapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// Skip walks over plain bytes and short escapes from b[i] on, and returns where it
// stopped: at something else, or when little is left. Valid characters beyond ASCII
// it may walk over too. length is that of what it walked over, unescaped.
func Skip(b []byte, i int) (next, length int) {
	start := i
	if i, length = skipKernel(b, i); i > start {
		i, length = wholeRune(b, start, i, length)
	}
	for {
		from := i
		i = index(b, i)
		length += i - from
		if i+1 >= len(b) || b[i] != '\\' || ShortEscapes[b[i+1]] == 0 {
			return i, length
		}
		i, length = i+2, length+1
	}
}

// Copy is Skip, and writes what it walks over, unescaped, to the beginning of dst. It
// stops too when little room is left, and may write more of dst than it says.
func Copy(dst, b []byte, i int) (next, wrote int) {
	start := i
	if i, wrote = copyKernel(dst, b, i); i > start {
		i, wrote = wholeRune(b, start, i, wrote)
	}
	const word = 8
	for i+word < len(b) && wrote+word <= len(dst) {
		w := binary.LittleEndian.Uint64(b[i:])
		binary.LittleEndian.PutUint64(dst[wrote:], w)
		marks := Special(w)
		if marks == 0 {
			wrote, i = wrote+word, i+word
			continue
		}
		k := bits.TrailingZeros64(marks) >> 3
		wrote, i = wrote+k, i+k
		short := ShortEscapes[b[i+1]]
		if b[i] != '\\' || short == 0 {
			break
		}
		dst[wrote] = short
		wrote, i = wrote+1, i+2
	}
	return i, wrote
}

// index returns the index from i of the first byte that is not plain, or len(b).
func index(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if m := Special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// wholeRune goes back to the beginning of a character beyond ASCII of which some is
// before i. A kernel may have stopped within it, or only seen behind it that it is
// none.
func wholeRune(b []byte, start, i, length int) (at, rest int) {
	at = i
	for at > start && i-at < utf8.UTFMax && b[at-1] >= utf8.RuneSelf {
		if at--; utf8.RuneStart(b[at]) {
			break
		}
	}
	return at, length - (i - at)
}
