package upstream

import (
	"bytes"
	"strconv"
	"strings"
)

// maxHead bounds the head of an answer.
const maxHead = 64 << 10

// head is a parsed answer head (RFC 9112, sections 4 and 5).
type head struct {
	status    int
	fields    []byte // the field lines
	keepAlive bool
	chunked   bool
	length    int64 // -1: not stated
}

// headEnd returns the length of the head up to and with the empty line, or -1.
func headEnd(data []byte) int {
	if i := bytes.Index(data, []byte("\r\n\r\n")); i >= 0 {
		return i + 4
	}
	return -1
}

// parseHead reads a head strictly: what two readers could understand in two
// ways is refused.
func parseHead(data []byte) (head, error) {
	line, fields, _ := bytes.Cut(data[:len(data)-2], []byte("\r\n"))
	h := head{fields: fields, length: -1}
	if len(line) < len("HTTP/1.1 200") || string(line[:7]) != "HTTP/1." || line[8] != ' ' || line[7] != '0' && line[7] != '1' {
		return h, malformed("the status line")
	}
	h.keepAlive = line[7] == '1'
	for _, digit := range line[9:12] {
		if digit < '0' || digit > '9' {
			return h, malformed("the status code")
		}
		h.status = h.status*10 + int(digit-'0')
	}
	if h.status < 100 || len(line) > 12 && line[12] != ' ' {
		return h, malformed("the status code")
	}
	for len(fields) > 0 {
		line, fields, _ = bytes.Cut(fields, []byte("\r\n"))
		if err := h.field(line); err != nil {
			return h, err
		}
	}
	if h.chunked && h.length >= 0 {
		return h, malformed("both Transfer-Encoding and Content-Length")
	}
	return h, nil
}

func (h *head) field(line []byte) error {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || !isToken(line[:colon]) {
		return malformed("a header line")
	}
	value := bytes.Trim(line[colon+1:], " \t")
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return malformed("a control character in a header")
		}
	}
	switch name := line[:colon]; {
	case equalFold(name, "content-length"):
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || value[0] == '+' {
			return malformed("the Content-Length")
		}
		if h.length >= 0 && h.length != int64(n) { //nolint:gosec // 63 bits
			return malformed("two different Content-Lengths")
		}
		h.length = int64(n) //nolint:gosec // 63 bits
	case equalFold(name, "transfer-encoding"):
		if h.chunked || !equalFold(value, "chunked") {
			return malformed("a Transfer-Encoding other than chunked")
		}
		h.chunked = true
	case equalFold(name, "connection"):
		for token := range strings.SplitSeq(strings.ToLower(string(value)), ",") {
			switch strings.TrimSpace(token) {
			case "close":
				h.keepAlive = false
			case "keep-alive":
				h.keepAlive = true
			}
		}
	}
	return nil
}

// lookup returns the first value of a field, or "".
func (h *head) lookup(name string) string {
	fields := h.fields
	for len(fields) > 0 {
		var line []byte
		line, fields, _ = bytes.Cut(fields, []byte("\r\n"))
		if len(line) > len(name) && line[len(name)] == ':' && equalFold(line[:len(name)], name) {
			return string(bytes.Trim(line[len(name)+1:], " \t"))
		}
	}
	return ""
}

// equalFold compares with an ASCII string without regard to case.
func equalFold(a []byte, b string) bool {
	return len(a) == len(b) && strings.EqualFold(string(a), b)
}

// isToken holds for an RFC 9110 token.
func isToken(s []byte) bool {
	for _, c := range s {
		if !tokenBytes[c] {
			return false
		}
	}
	return true
}

var tokenBytes = func() (table [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		table[c] = true
	}
	return table
}()
