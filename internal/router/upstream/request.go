package upstream

import (
	"strconv"
	"time"

	"github.com/tiershift/tiershift/internal/router/message"
)

// Request is one request. It may be used again once Do has returned, its Body
// once the response is closed.
type Request struct {
	// Method is any but HEAD and CONNECT, whose answers are framed differently.
	Method string
	// Path is absolute, percent-encoded, and follows the base URL's path. It may
	// hold a query.
	Path string
	// Head holds header lines that are ready to be sent, each ending in CRLF.
	// Their form is checked; that a value has brought lines of its own with it
	// cannot be seen any more, so what is not known beforehand belongs in Fields.
	Head []byte
	// Fields are further header lines.
	Fields []Field
	// Body is sent as it is, without being copied or joined on a plain connection.
	// The bytes must not change before the response is closed.
	Body [][]byte
	// ContentLength is the sum of the segments' lengths.
	ContentLength int64
	Timeouts      Timeouts
}

// Field is a header line. Host, Content-Length, Accept-Encoding and what else
// controls the connection is the client's own to write.
type Field struct{ Name, Value string }

// Timeouts bound an exchange; zero is no bound.
type Timeouts struct {
	// FirstByte bounds the time from the start of Do, so including the dial and
	// the sending, until the head of the answer is there. Informational answers
	// such as 103 are not that head.
	FirstByte time.Duration
	// Idle bounds how long a read of the body waits for more to arrive. It never
	// takes effect early, and up to an eighth of it late, so that not every read
	// has to move a timer.
	Idle time.Duration
	// Total bounds the exchange from the start of Do to the last byte read.
	Total time.Duration
}

// CheckHead reports the first line of the header lines that Do would refuse.
func CheckHead(head []byte) error {
	_, err := checkHead(head)
	return err
}

// checkHead also reports whether a User-Agent is among the lines.
func checkHead(head []byte) (hasAgent bool, err error) {
	for len(head) > 0 {
		name, _, rest, reason := message.NextField(head)
		if reason != "" {
			field := "head"
			if name != nil {
				field = "header " + string(name)
			}
			return false, &RequestError{Field: field, Reason: reason}
		}
		if isOwn(name) {
			return false, ownError(string(name))
		}
		hasAgent = hasAgent || message.SameName(name, "user-agent")
		head = rest
	}
	return hasAgent, nil
}

func ownError(name string) error {
	return &RequestError{Field: "header " + name, Reason: "is written by the client itself"}
}

// ownNames frame the message, control the connection, or ask for a body that
// the client does not decode.
var ownNames = []string{
	"Host", "Content-Length", "Transfer-Encoding", "Connection", "Accept-Encoding", "Expect",
	"Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Upgrade",
}

func isOwn[T string | []byte](name T) bool {
	for _, own := range ownNames {
		if message.SameName(name, own) {
			return true
		}
	}
	return false
}

func (f *Field) check() error {
	switch {
	case !message.ValidToken(f.Name):
		return &RequestError{Field: "header " + strconv.Quote(f.Name), Reason: "the name is not a token"}
	case !message.ValidValue(f.Value):
		return &RequestError{Field: "header " + f.Name, Reason: "the value holds a control character"}
	case isOwn(f.Name):
		return ownError(f.Name)
	}
	return nil
}

// appendHead appends the whole head of the request.
func (c *Client) appendHead(dst []byte, req *Request) ([]byte, error) {
	if err := checkStart(req); err != nil {
		return dst, err
	}
	hasAgent, err := checkHead(req.Head)
	if err != nil {
		return dst, err
	}
	dst = append(append(dst, req.Method...), ' ')
	dst = append(append(dst, c.target...), req.Path...)
	dst = append(dst, c.fixedHead...)
	dst = append(dst, req.Head...)
	for i := range req.Fields {
		f := &req.Fields[i]
		if err := f.check(); err != nil {
			return dst, err
		}
		hasAgent = hasAgent || message.SameName(f.Name, "user-agent")
		dst = append(append(append(append(dst, f.Name...), ": "...), f.Value...), "\r\n"...)
	}
	if !hasAgent {
		dst = append(append(append(dst, "User-Agent: "...), c.options.UserAgent...), "\r\n"...)
	}
	if req.ContentLength > 0 || req.Method != "GET" {
		dst = append(dst, "Content-Length: "...)
		dst = append(strconv.AppendInt(dst, req.ContentLength, 10), "\r\n"...)
	}
	return append(dst, "\r\n"...), nil
}

// checkStart checks what makes up the request line and the framing.
func checkStart(req *Request) error {
	if !message.ValidToken(req.Method) {
		return &RequestError{Field: "method", Reason: "is not a token"}
	}
	if req.Method == "HEAD" || req.Method == "CONNECT" {
		return &RequestError{Field: "method", Reason: req.Method + " is not supported"}
	}
	if req.Path == "" || req.Path[0] != '/' {
		return &RequestError{Field: "path", Reason: "must begin with a slash"}
	}
	if !validTarget(req.Path) {
		return &RequestError{Field: "path", Reason: "must be percent-encoded and without a fragment"}
	}
	var total int64
	for _, segment := range req.Body {
		total += int64(len(segment))
	}
	if total != req.ContentLength {
		return &RequestError{Field: "body", Reason: "the segments do not add up to the content length"}
	}
	return nil
}

// validTarget holds if the text cannot end the place in the head where it is put.
func validTarget(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}
