package gemini

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// value is one JSON value as it stands in a document. Its methods never panic,
// whatever the bytes are: of a document that is cut off they read what is there.
// Where that is not wanted, the document is checked with [json.Valid] first.
type value []byte

// member is one member of an object, its name as it was written.
type member struct {
	name []byte
	value
}

// field is the name in the spelling of the reference: Google's JSON mapping
// takes lowerCamelCase and the names of the proto file alike
// (https://protobuf.dev/programming-guides/json/#field-names).
func (m member) field() string { return string(camel(m.name)) }

// document is the value that a text holds.
func document(b []byte) value {
	i := space(b, 0)
	return b[i:skip(b, i)]
}

// kind is the first byte: one of { [ " t f n - or a digit; 0 if there is none.
func (v value) kind() byte {
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

// members yields the members of an object; null ones are left out, for they
// stand for absent ones. Any other value has none.
func (v value) members(yield func(member) bool) {
	if v.kind() != '{' {
		return
	}
	for i := space(v, 1); i < len(v) && v[i] == '"'; {
		end := skip(v, i)
		name := v[i:end]
		if i = space(v, end); i >= len(v) || v[i] != ':' {
			return
		}
		i = space(v, i+1)
		end = skip(v, i)
		if m := (member{unquoted(name), v[i:end]}); m.kind() != 'n' && m.kind() != 0 && !yield(m) {
			return
		}
		i = next(v, end)
	}
}

// elements yields the elements of an array. A value that is none stands for an
// array of one, as Google's servers take it.
func (v value) elements(yield func(int, value) bool) {
	if v.kind() != '[' {
		if v.kind() != 0 && v.kind() != 'n' {
			yield(0, v)
		}
		return
	}
	i := space(v, 1)
	for n := 0; i < len(v) && v[i] != ']'; n++ {
		end := skip(v, i)
		if end == i || !yield(n, v[i:end]) {
			return
		}
		i = next(v, end)
	}
}

// get is the member of that name, in the spelling of the reference; nil if there
// is none.
func (v value) get(field string) value {
	for m := range v.members {
		if string(camel(m.name)) == field {
			return m.value
		}
	}
	return nil
}

// text is a string's text, in valid UTF-8; of another value it is empty.
func (v value) text() string {
	if v.kind() != '"' {
		return ""
	}
	inner := unquoted(v)
	if bytes.IndexByte(inner, '\\') >= 0 {
		inner = unescape(make([]byte, 0, len(inner)), inner)
	}
	if !utf8.Valid(inner) {
		inner = bytes.ToValidUTF8(inner, []byte("\uFFFD"))
	}
	return string(inner)
}

// escapes are what stands after a backslash, and what it stands for.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape appends the text that stands between the quotes of a string. An escape
// that is none, or is cut off, is left out.
func unescape(dst, inner []byte) []byte {
	for {
		i := bytes.IndexByte(inner, '\\')
		if i < 0 {
			return append(dst, inner...)
		}
		dst = append(dst, inner[:i]...)
		if i+1 >= len(inner) {
			return dst
		}
		c := inner[i+1]
		inner = inner[i+2:]
		if c == 'u' {
			var r rune
			r, inner = unicodeEscape(inner)
			dst = utf8.AppendRune(dst, r)
		} else if escapes[c] != 0 {
			dst = append(dst, escapes[c])
		}
	}
}

// unicodeEscape reads the digits after \u, and those of the second half of a
// surrogate pair. A half alone is U+FFFD.
func unicodeEscape(b []byte) (rune, []byte) {
	r, ok := hex4(b)
	if !ok {
		return utf8.RuneError, b
	}
	b = b[4:]
	if !utf16.IsSurrogate(r) {
		return r, b
	}
	if len(b) >= 6 && b[0] == '\\' && b[1] == 'u' {
		if low, ok := hex4(b[2:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, b[6:]
			}
		}
	}
	return utf8.RuneError, b
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(n), err == nil
}

// integer reads a whole number, which the JSON mapping of 64-bit numbers also
// writes as a string.
func (v value) integer() (int64, bool) {
	digits := unquoted(v)
	if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
		return n, true
	}
	f, ok := v.number()
	if !ok || f != math.Trunc(f) || math.Abs(f) >= 1<<62 {
		return 0, false
	}
	return int64(f), true
}

// number reads a number that is finite.
func (v value) number() (float64, bool) {
	f, err := strconv.ParseFloat(string(unquoted(v)), 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// count is a number of tokens: not negative, and low enough for sums to fit.
func (v value) count() int64 {
	n, _ := v.integer()
	return min(max(n, 0), 1<<40)
}

func (v value) raw() json.RawMessage { return bytes.Clone(v) }

// unquoted is what stands between the quotes of a string, or the value itself.
func unquoted(b []byte) []byte {
	if len(b) == 0 || b[0] != '"' {
		return b
	}
	b = b[1:]
	if n := len(b); n > 0 && b[n-1] == '"' {
		b = b[:n-1]
	}
	return b
}

// camel turns snake_case into lowerCamelCase.
func camel(name []byte) []byte {
	if bytes.IndexByte(name, '_') < 0 {
		return name
	}
	out := make([]byte, 0, len(name))
	upper := false
	for _, c := range name {
		switch {
		case c == '_':
			upper = len(out) > 0
			continue
		case upper && 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		upper = false
		out = append(out, c)
	}
	return out
}

// space is the place of the first byte from i on that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// next is where the value after the one that ends at i begins.
func next(b []byte, i int) int {
	i = space(b, i)
	if i < len(b) && b[i] == ',' {
		i = space(b, i+1)
	}
	return i
}

// skip is the end of the value that begins at i.
func skip(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for i < len(b) {
		switch b[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return i
		}
		i++
	}
	return i
}

func skipString(b []byte, i int) int {
	start := i + 1
	for i = start; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		i += n
		slashes := 0
		for j := i - 1; j >= start && b[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
	return len(b)
}

func skipNested(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(b)
}
