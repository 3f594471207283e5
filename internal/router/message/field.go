// Package message is the syntax of HTTP/1.1 that the router's client and its
// server share: tokens, header lines and the chunked coding. It must never take
// what two readers could understand differently, nor do any I/O.
package message

import (
	"bytes"
	"math"
	"strings"
)

// isToken marks the bytes of a method or header name
// (https://www.rfc-editor.org/rfc/rfc9110#name-tokens).
var isToken = func() (table [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		table[c] = true
	}
	return table
}()

// isControl marks the bytes that no header value may hold: NUL, CR and LF first
// of all, since other readers take them for the end of the value.
var isControl = func() (table [256]bool) {
	for c := range 0x20 {
		table[c] = c != '\t'
	}
	table[0x7f] = true
	return table
}()

// ValidToken reports whether s can be a method or a header name.
func ValidToken[T string | []byte](s T) bool {
	for i := range len(s) {
		if !isToken[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

// ValidValue reports whether s holds no control character.
func ValidValue[T string | []byte](s T) bool {
	for i := range len(s) {
		if isControl[s[i]] {
			return false
		}
	}
	return true
}

// NextField splits the first "name: value" line off lines, whose every line
// ends in CRLF. reason is empty if the line is one.
func NextField[T string | []byte](lines T) (name, value, rest T, reason string) {
	var none T
	end := index(lines, '\n')
	if end < 1 || lines[end-1] != '\r' {
		return none, none, none, "a header line does not end in CRLF"
	}
	line, rest := lines[:end-1], lines[end+1:]
	colon := index(line, ':')
	switch {
	case len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
		return none, none, none, "a header line is folded"
	case colon < 0:
		return none, none, none, "a header line has no colon"
	case !ValidToken(line[:colon]):
		return none, none, none, "a header name is not a token"
	}
	value = Trim(line[colon+1:])
	if !ValidValue(value) {
		return line[:colon], none, none, "a header value holds a control character"
	}
	return line[:colon], value, rest, ""
}

func index[T string | []byte](s T, c byte) int {
	switch s := any(s).(type) {
	case string:
		return strings.IndexByte(s, c)
	case []byte:
		return bytes.IndexByte(s, c)
	}
	return -1 // not reached
}

// Trim cuts the optional white space around a value. Unlike bytes.TrimSpace it
// takes nothing else for white space.
func Trim[T string | []byte](s T) T {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// EachElement calls f with the elements of a comma-separated list.
func EachElement[T string | []byte](list T, f func(element T)) {
	for len(list) > 0 {
		element := list
		if comma := index(list, ','); comma >= 0 {
			element, list = list[:comma], list[comma+1:]
		} else {
			list = list[:0]
		}
		f(Trim(element))
	}
}

// CutField is NextField for lines that it has accepted before.
func CutField(lines []byte) (name, value, rest []byte) {
	line, rest, _ := bytes.Cut(lines, crlf)
	name, value, _ = bytes.Cut(line, colon)
	return name, Trim(value), rest
}

var crlf, colon = []byte("\r\n"), []byte(":")

// SameName compares two header names without regard to case.
func SameName[T string | []byte](a T, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}

// Decimal reads digits and nothing else.
func Decimal[T string | []byte](s T) (n int64, ok bool) {
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(s) > 0
}
