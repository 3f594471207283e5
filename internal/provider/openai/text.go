package openai

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Unescape appends the inside of a JSON string, unescaped as encoding/json does
// it: half a surrogate pair becomes U+FFFD. What is no valid escape stays as it
// is; a scanned body has none.
func Unescape(dst, raw []byte) []byte {
	return unescape(dst, raw, len(raw))
}

// unescape stops once it has appended limit bytes or, to complete a character,
// a few more.
func unescape(dst, raw []byte, limit int) []byte {
	end := len(dst) + limit
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i >= end-len(dst) {
			return append(dst, raw[:min(len(raw), end-len(dst))]...)
		}
		dst = append(dst, raw[:i]...)
		var n int
		dst, n = appendEscape(dst, raw[i:])
		raw = raw[i+n:]
		if len(dst) >= end {
			return dst
		}
	}
}

// appendEscape appends what the escape at the start of raw stands for, and
// returns the length of the escape.
func appendEscape(dst, raw []byte) ([]byte, int) {
	if len(raw) < 2 {
		return append(dst, raw...), len(raw)
	}
	switch c := raw[1]; c {
	case '"', '\\', '/':
		return append(dst, c), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		if r, next := decodeUnicodeEscape(raw, 0); next > 0 {
			return utf8.AppendRune(dst, r), next
		}
	}
	return append(dst, raw[:2]...), 2
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

// hexRune decodes \uXXXX at b[i], or returns -1.
func hexRune(b []byte, i int) rune {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range b[i+2 : i+6] {
		v := hexValue(c)
		if v < 0 {
			return -1
		}
		r = r<<4 | v
	}
	return r
}

func hexValue(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c | 0x20 - 'a' + 10)
	}
	return -1
}

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
