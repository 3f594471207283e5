package upstream

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// head is what the status line and the header lines of an answer say about it.
type head struct {
	status int
	// lines are the header lines, without the empty one.
	lines   []byte
	framing framing
	length  int64
	// keep is true if the connection may serve another request, lifetime how
	// long the server promises to hold it; 0: it does not say.
	keep     bool
	lifetime time.Duration
}

// headFields collects the headers that matter to the framing.
type headFields struct {
	length      int64 // -1: none
	chunked     bool
	close, keep bool
	lifetime    time.Duration
}

// parseHead reads a whole head, from the status line to the empty line. It
// accepts only what every reader understands alike
// (https://www.rfc-editor.org/rfc/rfc9112#name-message-parsing).
func parseHead(p []byte) (head, error) {
	end := bytes.IndexByte(p, '\n')
	status, version10, err := parseStatus(p[:end+1])
	if err != nil {
		return head{}, err
	}
	h := head{status: status, lines: p[end+1 : len(p)-2]}
	fields, err := scanFields(h.lines)
	if err != nil {
		return head{}, err
	}
	if fields.chunked && version10 {
		return head{}, malformed("HTTP/1.0 has no transfer encodings")
	}
	if fields.chunked && fields.length >= 0 {
		return head{}, malformed("both Content-Length and Transfer-Encoding are given")
	}
	h.framing, h.length = bodyFraming(status, fields)
	h.keep = !fields.close && (fields.keep || !version10) && h.framing != untilClose
	h.lifetime = fields.lifetime
	return h, nil
}

// bodyFraming follows https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length.
func bodyFraming(status int, fields headFields) (framing, int64) {
	switch {
	case status < 200 || status == 204 || status == 304:
		return byLength, 0
	case fields.chunked:
		return chunked, -1
	case fields.length >= 0:
		return byLength, fields.length
	default:
		return untilClose, -1
	}
}

// parseStatus reads a line such as "HTTP/1.1 200 OK\r\n".
func parseStatus(line []byte) (status int, version10 bool, err error) {
	const prefix = "HTTP/1.1 200"
	if len(line) < len(prefix)+2 || !bytes.HasPrefix(line, startOfHead) || line[len(line)-2] != '\r' {
		return 0, false, malformed("the status line is not HTTP/1")
	}
	minor, rest := line[len("HTTP/1.")], line[len(prefix):len(line)-2]
	if minor != '0' && minor != '1' || line[len("HTTP/1.1")] != ' ' {
		return 0, false, malformed("the protocol version is unknown")
	}
	for _, c := range line[len("HTTP/1.1 "):len(prefix)] {
		if c < '0' || c > '9' {
			return 0, false, malformed("the status is not a number of three digits")
		}
		status = status*10 + int(c-'0')
	}
	if status < 100 || len(rest) > 0 && rest[0] != ' ' {
		return 0, false, malformed("the status is not a number of three digits")
	}
	if !validValue(rest) {
		return 0, false, malformed("the status line holds a control character")
	}
	return status, minor == '0', nil
}

var (
	startOfHead = []byte("HTTP/1.")
	endOfHead   = []byte("\r\n\r\n")
)

func scanFields(lines []byte) (headFields, error) {
	fields := headFields{length: -1}
	for len(lines) > 0 {
		name, value, rest, reason := nextField(lines)
		if reason != "" {
			return fields, malformed(reason)
		}
		if err := fields.add(name, value); err != nil {
			return fields, err
		}
		lines = rest
	}
	return fields, nil
}

func (f *headFields) add(name, value []byte) error {
	switch {
	case equalFold(name, "content-length"):
		return f.addLength(value)
	case equalFold(name, "transfer-encoding"):
		if f.chunked || !equalFold(value, "chunked") {
			return malformed("the transfer encoding is not just chunked")
		}
		f.chunked = true
	case equalFold(name, "connection"):
		eachElement(value, func(option []byte) {
			f.close = f.close || equalFold(option, "close")
			f.keep = f.keep || equalFold(option, "keep-alive")
		})
	case equalFold(name, "keep-alive"):
		eachElement(value, f.addKeepAlive)
	}
	return nil
}

// addLength takes the same length twice, as RFC 9112 allows, but no list.
func (f *headFields) addLength(value []byte) error {
	var n int64
	for _, c := range value {
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 {
			return malformed("the content length is not a number")
		}
		n = n*10 + int64(c-'0')
	}
	if len(value) == 0 {
		return malformed("the content length is not a number")
	}
	if f.length >= 0 && f.length != n {
		return malformed("two content lengths differ")
	}
	f.length = n
	return nil
}

// addKeepAlive takes in "timeout=5": servers with a short patience say so, and
// a connection that is not used close to its end is one that does not break.
func (f *headFields) addKeepAlive(parameter []byte) {
	const name = "timeout="
	if len(parameter) <= len(name) || !equalFold(parameter[:len(name)], name) {
		return
	}
	const longest = 24 * 60 * 60
	seconds, err := strconv.ParseUint(string(parameter[len(name):]), 10, 32)
	if err != nil {
		return
	}
	f.close = f.close || seconds == 0
	f.lifetime = time.Duration(min(seconds, longest)) * time.Second
}
