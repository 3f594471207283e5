package upstream

import (
	"bytes"
	"time"

	"github.com/tiershift/tiershift/internal/router/message"
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
	const least = len("HTTP/1.1 200\r\n")
	if len(line) < least || !bytes.HasPrefix(line, startOfHead) || line[len(line)-2] != '\r' {
		return 0, false, malformed("the status line is not HTTP/1")
	}
	version, code, reason := line[:9], line[9:12], line[12:len(line)-2]
	version10 = string(version) == "HTTP/1.0 "
	if !version10 && string(version) != "HTTP/1.1 " {
		return 0, false, malformed("the protocol version is unknown")
	}
	n, ok := message.Decimal(code)
	if !ok || n < 100 || len(reason) > 0 && reason[0] != ' ' {
		return 0, false, malformed("the status is not a number of three digits")
	}
	if !message.ValidValue(reason) {
		return 0, false, malformed("the status line holds a control character")
	}
	return int(n), version10, nil
}

var (
	startOfHead = []byte("HTTP/1.")
	endOfHead   = []byte("\r\n\r\n")
)

func scanFields(lines []byte) (headFields, error) {
	fields := headFields{length: -1}
	for len(lines) > 0 {
		name, value, rest, reason := message.NextField(lines)
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
	case message.SameName(name, "content-length"):
		return f.addLength(value)
	case message.SameName(name, "transfer-encoding"):
		if f.chunked || !message.SameName(value, "chunked") {
			return malformed("the transfer encoding is not just chunked")
		}
		f.chunked = true
	case message.SameName(name, "connection"):
		message.EachElement(value, func(option []byte) {
			f.close = f.close || message.SameName(option, "close")
			f.keep = f.keep || message.SameName(option, "keep-alive")
		})
	case message.SameName(name, "keep-alive"):
		message.EachElement(value, f.addKeepAlive)
	}
	return nil
}

// addLength takes the same length twice, as RFC 9112 allows, but no list.
func (f *headFields) addLength(value []byte) error {
	n, ok := message.Decimal(value)
	if !ok {
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
	if len(parameter) <= len(name) || !message.SameName(parameter[:len(name)], name) {
		return
	}
	const longest = 24 * 60 * 60
	if seconds, ok := message.Decimal(parameter[len(name):]); ok {
		f.close = f.close || seconds == 0
		f.lifetime = time.Duration(min(seconds, longest)) * time.Second
	}
}
