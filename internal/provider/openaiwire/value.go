package openaiwire

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/tiershift/tiershift/internal/provider/patch"
)

// Value is one JSON value inside a document that [Parse] has found valid. It is a
// part of that document's bytes: nothing is copied until a leaf is read. The zero
// Value is one that is not there. The methods read a value of another type as
// one that is not there.
type Value []byte

// Parse returns the value of a whole document; false: it is no JSON (RFC 8259).
func Parse(document []byte) (Value, bool) {
	if !json.Valid(document) {
		return nil, false
	}
	return bytes.TrimSpace(document), true
}

// Kind is the first byte of the value: one of { [ " t f n - and the digits; 0: it
// is not there.
func (v Value) Kind() byte {
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

// Given reports whether the value is there and not null.
func (v Value) Given() bool { return len(v) > 0 && v[0] != 'n' }

// IsObject reports whether the value is an object.
func (v Value) IsObject() bool { return v.Kind() == '{' }

// IsArray reports whether the value is an array.
func (v Value) IsArray() bool { return v.Kind() == '[' }

// IsString reports whether the value is a string.
func (v Value) IsString() bool { return v.Kind() == '"' }

// Members are the members of an object in order. A name is good until the next.
func (v Value) Members() iter.Seq2[[]byte, Value] {
	return func(yield func([]byte, Value) bool) {
		if !v.IsObject() {
			return
		}
		for i := skipSpace(v, 1); i < len(v) && v[i] == '"'; {
			end := skipString(v, i)
			name := v[i+1 : end-1]
			if bytes.IndexByte(name, '\\') >= 0 {
				name = patch.Unescape(nil, name)
			}
			if !utf8.Valid(name) {
				name = []byte(string([]rune(string(name))))
			}
			start := skipSpace(v, skipSpace(v, end)+1)
			end = skipValue(v, start)
			if !yield(name, v[start:end]) {
				return
			}
			i = skipSpace(v, end)
			if i < len(v) && v[i] == ',' {
				i = skipSpace(v, i+1)
			}
		}
	}
}

// Elements are the elements of an array in order.
func (v Value) Elements() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if !v.IsArray() {
			return
		}
		n := 0
		for i := skipSpace(v, 1); i < len(v) && v[i] != ']'; n++ {
			end := skipValue(v, i)
			if !yield(n, v[i:end]) {
				return
			}
			i = skipSpace(v, end)
			if i < len(v) && v[i] == ',' {
				i = skipSpace(v, i+1)
			}
		}
	}
}

// Get returns the last member of that name.
func (v Value) Get(name string) (found Value) {
	for key, value := range v.Members() {
		if string(key) == name {
			found = value
		}
	}
	return found
}

// Text is the text of a string; invalid UTF-8 becomes U+FFFD.
func (v Value) Text() string {
	if !v.IsString() {
		return ""
	}
	raw := v[1 : len(v)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = patch.Unescape(make([]byte, 0, len(raw)+16), raw)
	}
	text := string(raw)
	if !utf8.ValidString(text) {
		return string([]rune(text)) // as encoding/json: a U+FFFD for each bad byte
	}
	return text
}

// Is compares a string with a short word.
func (v Value) Is(word string) bool {
	return len(v) == len(word)+2 && v[0] == '"' && string(v[1:len(v)-1]) == word
}

// Int is the value of a whole number that int64 can hold.
func (v Value) Int() (int64, bool) {
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return n, true
	}
	f, ok := v.Float()
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// Float is the value of a number.
func (v Value) Float() (float64, bool) {
	if c := v.Kind(); c != '-' && (c < '0' || c > '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil
}

// Bool is the value of true and false.
func (v Value) Bool() (value, ok bool) {
	switch v.Kind() {
	case 't':
		return true, true
	case 'f':
		return false, true
	}
	return false, false
}

// Raw is a copy of the value's JSON; nil: it is not there, or null.
func (v Value) Raw() json.RawMessage {
	if !v.Given() {
		return nil
	}
	return json.RawMessage(bytes.Clone(v))
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index behind the string at b[i].
func skipString(b []byte, i int) int {
	for i++; i < len(b); {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		i += n + 1
		slashes := 0
		for k := i - 2; b[k] == '\\'; k-- {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
	return len(b)
}

// skipValue returns the index behind the value at b[i]. It counts brackets, for
// the document is valid.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		default:
			if depth > 0 {
				i++
				continue
			}
			for i < len(b) && !isEnd(b[i]) {
				i++
			}
		}
		if depth <= 0 {
			return i
		}
	}
	return len(b)
}

func isEnd(c byte) bool {
	switch c {
	case ',', '}', ']', ' ', '\n', '\t', '\r', ':':
		return true
	}
	return false
}
