package patch

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tiershift/tiershift/internal/provider/plain"
)

// Unescape appends the inside of a JSON string, unescaped as encoding/json does
// it: half a surrogate pair becomes U+FFFD. What is no valid escape stays as it
// is; a scanned body has none.
func Unescape(dst, raw []byte) []byte {
	return unescape(dst, raw, len(raw))
}

// unescape stops once it has appended limit bytes, or up to a word more.
//
// It copies a word at a time and looks for a backslash in it meanwhile: prose has
// an escape in every other line, and a search and a copy for each piece between
// two of them would cost several times as much.
func unescape(dst, raw []byte, limit int) []byte {
	const word = 8
	limit = min(limit, len(raw))
	dst = slices.Grow(dst, limit+2*word) // the last copy and the last escape overhang
	out := dst[len(dst):cap(dst)]
	at, i := 0, 0
	for at < limit && i < len(raw) {
		if i+word <= len(raw) {
			w := binary.LittleEndian.Uint64(raw[i:])
			binary.LittleEndian.PutUint64(out[at:], w)
			marks := backslashes(w)
			if marks == 0 {
				at, i = at+word, i+word
				continue
			}
			plain := bits.TrailingZeros64(marks) >> 3
			at, i = at+plain, i+plain
		} else if raw[i] != '\\' {
			out[at] = raw[i]
			at, i = at+1, i+1
			continue
		}
		if i+1 < len(raw) && plain.ShortEscapes[raw[i+1]] != 0 {
			out[at] = plain.ShortEscapes[raw[i+1]]
			at, i = at+1, i+2
			continue
		}
		wrote, read := unescapeUnicode(out[at:], raw[i:])
		at, i = at+wrote, i+read
	}
	return dst[:len(dst)+at]
}

// Eight bytes are looked at in one step: a word of eight times the same byte.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// backslashes has the high bit of the lowest byte set that is a backslash, and is
// 0 if none is.
func backslashes(w uint64) uint64 {
	w ^= '\\' * ones
	return (w - ones) &^ w & highs
}

// unescapeUnicode writes what the \u escape at the start of raw stands for, and
// returns the lengths of both. What is none stays as it is.
func unescapeUnicode(out, raw []byte) (wrote, read int) {
	if r, next := decodeUnicodeEscape(raw, 0); next > 0 {
		return utf8.EncodeRune(out, r), next
	}
	n := copy(out, raw[:min(len(raw), len(`\x`))])
	return n, n
}

// decodeUnicodeEscape decodes the \u escape at b[i], or the two that make up a
// surrogate pair. next is negative if it is none.
func decodeUnicodeEscape(b []byte, i int) (r rune, next int) {
	r = hexRune(b, i)
	if r < 0 {
		return 0, -1
	}
	if !utf16.IsSurrogate(r) {
		return r, i + 6
	}
	if pair := utf16.DecodeRune(r, hexRune(b, i+6)); pair != utf8.RuneError {
		return pair, i + 12
	}
	return utf8.RuneError, i + 6
}

// hexRune decodes \uXXXX at b[i]. It is negative if that is none.
func hexRune(b []byte, i int) rune {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return -1
	}
	w := b[i+2 : i+6]
	return hexValues[w[0]]<<12 | hexValues[w[1]]<<8 | hexValues[w[2]]<<4 | hexValues[w[3]]
}

// hexValues are the values of hexadecimal digits, and -1 for all other bytes.
var hexValues = func() (table [256]rune) {
	for i := range table {
		switch c := byte(i); {
		case isDigit(c):
			table[i] = rune(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			table[i] = rune(c | 0x20 - 'a' + 10)
		default:
			table[i] = -1
		}
	}
	return table
}()

// appendText appends the inside of a JSON string, unescaped, at most limit bytes
// of it (negative: all), and never part of a character.
func appendText(dst, raw []byte, escaped bool, limit int) []byte {
	if limit < 0 {
		limit = len(raw)
	}
	start := len(dst)
	if escaped {
		dst = unescape(dst, raw, limit)
	} else {
		dst = append(dst, raw[:min(len(raw), limit)]...)
	}
	if len(dst)-start < limit {
		return dst
	}
	return dst[:start+wholeRunes(dst[start:], limit)]
}

// wholeRunes returns the length of the longest start of b that has at most limit
// bytes and, provided that b is cut from valid UTF-8, no part of a character.
func wholeRunes(b []byte, limit int) int {
	if len(b) > limit {
		b = b[:limit]
	}
	for back := 1; back <= utf8.UTFMax && back <= len(b); back++ {
		if c := b[len(b)-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-back:]) {
				return len(b) - back
			}
			break
		}
	}
	return len(b)
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		default:
			dst = append(dst, c)
		}
		i++
	}
	return append(dst, '"')
}
