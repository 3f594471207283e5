package openaiwire

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendString appends a JSON string. Invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = AppendEscaped(dst, s)
	return append(dst, '"')
}

// AppendEscaped appends the inside of a JSON string.
func AppendEscaped(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, c)
		i++
		start = i
	}
	return append(dst, s[start:]...)
}

func appendEscape(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c == '\t':
		return append(dst, '\\', 't')
	case c < ' ':
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
	return append(dst, "\uFFFD"...)
}

// AppendRaw appends a JSON value in one line, as events need it; what is no JSON
// becomes null.
func AppendRaw(dst []byte, raw json.RawMessage) []byte {
	b := bytes.NewBuffer(dst)
	if json.Compact(b, raw) != nil {
		return append(dst, "null"...)
	}
	return b.Bytes()
}

// AppendFloat appends a number; one that JSON cannot write becomes null.
func AppendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// Object writes the members of a JSON object.
type Object struct {
	B     []byte
	begun bool
}

// NewObject begins an object at the end of dst.
func NewObject(dst []byte) *Object { return &Object{B: append(dst, '{')} }

// Name begins a member, whose value the caller appends to B.
func (o *Object) Name(name string) {
	if o.begun {
		o.B = append(o.B, ',')
	}
	o.begun = true
	o.B = append(AppendString(o.B, name), ':')
}

// String writes a member.
func (o *Object) String(name, value string) {
	o.Name(name)
	o.B = AppendString(o.B, value)
}

// Text writes a member unless it is empty.
func (o *Object) Text(name, value string) {
	if value != "" {
		o.String(name, value)
	}
}

// Int writes a member.
func (o *Object) Int(name string, value int64) {
	o.Name(name)
	o.B = strconv.AppendInt(o.B, value, 10)
}

// Count writes a member unless it is 0.
func (o *Object) Count(name string, value int64) {
	if value != 0 {
		o.Int(name, value)
	}
}

// OptionalInt writes a member unless it is nil.
func (o *Object) OptionalInt(name string, value *int64) {
	if value != nil {
		o.Int(name, *value)
	}
}

// Float writes a member unless it is nil.
func (o *Object) Float(name string, value *float64) {
	if value != nil {
		o.Name(name)
		o.B = AppendFloat(o.B, *value)
	}
}

// Bool writes a member.
func (o *Object) Bool(name string, value bool) {
	o.Name(name)
	o.B = strconv.AppendBool(o.B, value)
}

// OptionalBool writes a member unless it is nil.
func (o *Object) OptionalBool(name string, value *bool) {
	if value != nil {
		o.Bool(name, *value)
	}
}

// Raw writes a member unless it is empty.
func (o *Object) Raw(name string, value json.RawMessage) {
	if len(value) > 0 {
		o.Name(name)
		o.B = AppendRaw(o.B, value)
	}
}

// Literal writes a member whose value is JSON already.
func (o *Object) Literal(name, value string) {
	o.Name(name)
	o.B = append(o.B, value...)
}

// Strings writes a list unless it is empty.
func (o *Object) Strings(name string, values []string) {
	if len(values) == 0 {
		return
	}
	o.Name(name)
	o.B = append(o.B, '[')
	for i, v := range values {
		if i > 0 {
			o.B = append(o.B, ',')
		}
		o.B = AppendString(o.B, v)
	}
	o.B = append(o.B, ']')
}

// End closes the object and returns the bytes.
func (o *Object) End() []byte { return append(o.B, '}') }
