package gemini

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// writer appends JSON. It puts the commas itself.
type writer struct {
	b []byte
}

// comma separates from what stands before, unless that opens something.
func (w *writer) comma() {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':', ',', '\n', ' ':
		default:
			w.b = append(w.b, ',')
		}
	}
}

// open begins an object or an array; name is empty in arrays.
func (w *writer) open(name string, bracket byte) {
	w.key(name)
	w.b = append(w.b, bracket)
}

func (w *writer) close(bracket byte) { w.b = append(w.b, bracket) }

// key writes a member's name, or in arrays only the comma.
func (w *writer) key(name string) {
	w.comma()
	if name != "" {
		w.b = append(appendString(w.b, name), ':')
	}
}

func (w *writer) text(name, s string) {
	w.key(name)
	w.b = appendString(w.b, s)
}

// optional writes a text that is not empty.
func (w *writer) optional(name, s string) {
	if s != "" {
		w.text(name, s)
	}
}

func (w *writer) texts(name string, all []string) {
	w.open(name, '[')
	for _, s := range all {
		w.text("", s)
	}
	w.close(']')
}

func (w *writer) int(name string, n int64) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *writer) float(name string, f *float64) {
	if f == nil || math.IsNaN(*f) || math.IsInf(*f, 0) {
		return
	}
	w.key(name)
	w.b = strconv.AppendFloat(w.b, *f, 'g', -1, 64)
}

func (w *writer) bool(name string, v bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, v)
}

// raw writes JSON that is known to be valid.
func (w *writer) raw(name string, v json.RawMessage) {
	w.key(name)
	w.b = append(w.b, document(v)...)
}

// object writes an object, or nothing if members writes nothing.
func (w *writer) object(name string, members func()) {
	before := len(w.b)
	w.open(name, '{')
	inside := len(w.b)
	members()
	if len(w.b) == inside {
		w.b = w.b[:before]
		return
	}
	w.close('}')
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			dst = appendEscape(append(dst, s[start:i]...), c)
			start = i + 1
		}
		i++
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\t':
		return append(dst, '\\', 't')
	case '\r':
		return append(dst, '\\', 'r')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
