// Package plain runs over the plain stretches of JSON strings: the bytes that stand
// for themselves, which are nearly all bytes of a request. It is the innermost loop
// of reading one, so on processors with AVX2 it looks at 32 bytes at once.
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

// Special has the high bit of a byte set where the text is not plain: a quote, a
// backslash, a control character or part of a non-ASCII one. Control characters and
// the quote (0x22) take one test together: with bit 1 flipped, they are all those up
// to 0x20. Subtraction may carry into bytes above one that is marked; the lowest mark
// is always right.
func Special(x uint64) uint64 {
	return (x | ((x ^ 0x02*ones) - 0x21*ones) | ((x ^ '\\'*ones) - ones)) & highs
}

// Index returns the index of the first byte that is not plain, or len(b).
func Index(b []byte) int {
	i := 0
	if len(b) >= wide {
		i = indexWide(b)
	}
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

// ShortEscapes are, by what follows the backslash, the bytes that the escapes of two
// bytes stand for.
var ShortEscapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// Copy copies plain bytes, and what short escapes stand for, to the beginning of dst,
// until there is something else, or little is left of src or dst. It may write more of
// dst than it says.
func Copy(dst, src []byte) (wrote, read int) {
	if len(src) >= wide && len(dst) >= wide {
		wrote, read = copyWide(dst, src)
	}
	const word = 8
	for read+word < len(src) && wrote+word <= len(dst) {
		w := binary.LittleEndian.Uint64(src[read:])
		binary.LittleEndian.PutUint64(dst[wrote:], w)
		marks := Special(w)
		if marks == 0 {
			wrote, read = wrote+word, read+word
			continue
		}
		k := bits.TrailingZeros64(marks) >> 3
		wrote, read = wrote+k, read+k
		short := ShortEscapes[src[read+1]]
		if src[read] != '\\' || short == 0 {
			break
		}
		dst[wrote] = short
		wrote, read = wrote+1, read+2
	}
	return wrote, read
}
