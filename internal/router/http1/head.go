package http1

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/tiershift/tiershift/internal/router/message"
)

// fault is why a request is refused.
type fault struct {
	status int
	reason string
}

func bad(reason string) *fault { return &fault{http.StatusBadRequest, reason} }

// requestLine is the first line of a request.
type requestLine struct {
	method, target string
	version10      bool
}

// fields collects the headers that matter to the server.
type fields struct {
	length                   int64 // -1: none
	chunked                  bool
	close, keep              bool
	host                     string
	hosts, expects, expected int
}

// parseLine reads a line such as "GET / HTTP/1.1", without its end
// (https://www.rfc-editor.org/rfc/rfc9112#name-request-line).
func parseLine(line string) (requestLine, *fault) {
	method, rest, _ := strings.Cut(line, " ")
	target, version, spaced := strings.Cut(rest, " ")
	switch {
	case !message.ValidToken(method):
		return requestLine{}, bad("the method is not a token")
	case !spaced || target == "":
		return requestLine{}, bad("the request line has not three parts")
	}
	l := requestLine{method: method, target: target, version10: version == "HTTP/1.0"}
	if version == "HTTP/1.1" || l.version10 {
		return l, nil
	}
	return requestLine{}, otherVersion(version)
}

func otherVersion(version string) *fault {
	numbers, named := strings.CutPrefix(version, "HTTP/")
	if !named || len(numbers) != 3 || !digit(numbers[0]) || numbers[1] != '.' || !digit(numbers[2]) {
		return bad("the request line does not end in a version")
	}
	return &fault{http.StatusHTTPVersionNotSupported, "only HTTP/1.1 and HTTP/1.0 are spoken here"}
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// parseTarget takes a path, an absolute URL, or the asterisk of OPTIONS
// (https://www.rfc-editor.org/rfc/rfc9112#name-request-target).
func parseTarget(u *url.URL, method, target string) *fault {
	if target[0] == '/' && plainPath(target) {
		u.Path = target
		return nil
	}
	if target == "*" && method != http.MethodOptions {
		return bad("only OPTIONS has the target *")
	}
	parsed, err := url.ParseRequestURI(target)
	if err != nil {
		return bad("the request target is not a URL")
	}
	absolute := (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Host != ""
	if target[0] != '/' && target != "*" && !absolute {
		return bad("the request target is neither a path nor a URL of http")
	}
	*u = *parsed
	return nil
}

// plainPath reports whether a path stands for itself in a URL.
func plainPath(s string) bool {
	for i := range len(s) {
		if !isPlain[s[i]] {
			return false
		}
	}
	return true
}

var isPlain = table("-_.~$&+,/:;=@0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

// isHost marks what can be part of "host:port"
// (https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2).
var isHost = table("-._~%!$&'()*+,;=:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

func table(chars string) (t [256]bool) {
	for i := range len(chars) {
		t[chars[i]] = true
	}
	return t
}

// parseFields reads the header lines into h, whose values use the memory of
// values.
func parseFields(lines string, h http.Header, values *[]string) (fields, *fault) {
	f := fields{length: -1}
	for len(lines) > 0 {
		name, value, rest, reason := message.NextField(lines)
		if reason != "" {
			return f, bad(reason)
		}
		lines = rest
		name = canonical(name)
		keep, fault := f.add(name, value)
		if fault != nil {
			return f, fault
		}
		if !keep {
			continue
		}
		if before := h[name]; before != nil {
			h[name] = append(before, value)
			continue
		}
		*values = append(*values, value)
		n := len(*values)
		h[name] = (*values)[n-1 : n : n]
	}
	return f, nil
}

// add takes in one header, and reports whether the handler sees it.
func (f *fields) add(name, value string) (keep bool, _ *fault) {
	switch name {
	case "Host":
		f.host = value
		f.hosts++
		return false, nil
	case "Content-Length":
		return true, f.addLength(value)
	case "Transfer-Encoding":
		return false, f.addEncoding(value)
	case "Connection":
		message.EachElement(value, func(option string) {
			f.close = f.close || message.SameName(option, "close")
			f.keep = f.keep || message.SameName(option, "keep-alive")
		})
	case "Expect":
		f.expects++
		if message.SameName(value, "100-continue") {
			f.expected++
		}
	case "Trailer":
		return false, nil // trailers are passed over
	}
	return true, nil
}

func (f *fields) addEncoding(value string) *fault {
	if f.chunked || !message.SameName(value, "chunked") {
		return bad("the transfer encoding is not just chunked")
	}
	f.chunked = true
	return nil
}

// addLength takes no second length, not even the same.
func (f *fields) addLength(value string) *fault {
	n, ok := message.Decimal(value)
	if !ok {
		return bad("the content length is not a number")
	}
	if f.length >= 0 {
		return bad("there are two content lengths")
	}
	f.length = n
	return nil
}

// check looks at what the headers say together.
func (f *fields) check(version10 bool) *fault {
	switch {
	case f.chunked && version10:
		return bad("HTTP/1.0 has no transfer encodings")
	case f.chunked && f.length >= 0:
		return bad("both Content-Length and Transfer-Encoding are given")
	case f.hosts > 1:
		return bad("there are two Host headers")
	case f.hosts == 0 && !version10:
		return bad("the Host header is missing")
	case f.expects != f.expected:
		return &fault{http.StatusExpectationFailed, "only 100-continue can be expected"}
	}
	for i := range len(f.host) {
		if !isHost[f.host[i]] {
			return bad("the Host header is not a host")
		}
	}
	return nil
}

var endOfHead = []byte("\r\n\r\n")

// scanHead looks for the end of a head, of which the first bytes were looked at
// before. end is 0 if it has not come.
func scanHead(p []byte, before, limit int) (end int, _ *fault) {
	i := bytes.Index(p[before:], endOfHead)
	end = before + i + len(endOfHead)
	switch {
	case i >= 0 && end <= limit:
		return end, nil
	case i >= 0 || len(p) > limit:
		return 0, tooLong(p, limit)
	}
	return 0, unfinished(p, before)
}

// unfinished looks at a head that has not come to its end, of which the first
// bytes were looked at before.
func unfinished(p []byte, before int) *fault {
	if len(p) > 0 && !message.ValidToken(p[:1]) {
		return bad("the method is not a token") // TLS, for one
	}
	for i := before; ; {
		n := bytes.IndexByte(p[i:], '\n')
		if n < 0 {
			return nil
		}
		if i += n; p[i-1] != '\r' { // i > 0: the first byte is of a token
			return bad("a line does not end in CRLF")
		}
		i++
	}
}

// tooLong refuses a head that is longer than it may be.
func tooLong(p []byte, limit int) *fault {
	if end := bytes.IndexByte(p, '\n'); end < 0 || end >= limit {
		return &fault{http.StatusRequestURITooLong, "the request line is too long"}
	}
	return &fault{http.StatusRequestHeaderFieldsTooLarge, "the headers are too large"}
}
