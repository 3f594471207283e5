package upstream

import "bytes"

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

func validToken[T string | []byte](s T) bool {
	for i := range len(s) {
		if !isToken[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

func validValue[T string | []byte](s T) bool {
	for i := range len(s) {
		if isControl[s[i]] {
			return false
		}
	}
	return true
}

// nextField splits the first "name: value" line off lines, whose every line
// ends in CRLF. reason is empty if the line is one.
func nextField(lines []byte) (name, value, rest []byte, reason string) {
	end := bytes.IndexByte(lines, '\n')
	if end < 1 || lines[end-1] != '\r' {
		return nil, nil, nil, "a header line does not end in CRLF"
	}
	line, rest := lines[:end-1], lines[end+1:]
	colon := bytes.IndexByte(line, ':')
	switch {
	case len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
		return nil, nil, nil, "a header line is folded"
	case colon < 0:
		return nil, nil, nil, "a header line has no colon"
	case !validToken(line[:colon]):
		return nil, nil, nil, "a header name is not a token"
	}
	value = trim(line[colon+1:])
	if !validValue(value) {
		return line[:colon], nil, nil, "a header value holds a control character"
	}
	return line[:colon], value, rest, ""
}

// trim cuts the optional white space around a value. Unlike bytes.TrimSpace it
// takes nothing else for white space.
func trim(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// eachElement calls f with the elements of a comma-separated list.
func eachElement(list []byte, f func(element []byte)) {
	for len(list) > 0 {
		element := list
		if comma := bytes.IndexByte(list, ','); comma >= 0 {
			element, list = list[:comma], list[comma+1:]
		} else {
			list = nil
		}
		f(trim(element))
	}
}

// cutField is nextField for lines that it has accepted before.
func cutField(lines []byte) (name, value, rest []byte) {
	line, rest, _ := bytes.Cut(lines, crlf)
	name, value, _ = bytes.Cut(line, colon)
	return name, trim(value), rest
}

var crlf, colon = []byte("\r\n"), []byte(":")

// sameName compares two header names without regard to case.
func sameName[T string | []byte](a T, b string) bool {
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
