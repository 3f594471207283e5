package http1

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// TestRefused sends what is no request, with a good one behind it: the answer has
// the status, the connection closes, and nothing else was served.
func TestRefused(t *testing.T) {
	const line, host = "POST / HTTP/1.1\r\n", "Host: x\r\n"
	const post = line + host
	const chunked = post + "Transfer-Encoding: chunked\r\n"
	tests := []struct {
		name, request string
		status        int
	}{
		{"length and chunks", chunked + "Content-Length: 5\r\n\r\n0\r\n\r\n", 400},
		{"chunks and length", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"lengths that differ", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
		{"the same length twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
		{"a list of lengths", post + "Content-Length: 5, 5\r\n\r\nhello", 400},
		{"a signed length", post + "Content-Length: +5\r\n\r\nhello", 400},
		{"a negative length", post + "Content-Length: -5\r\n\r\nhello", 400},
		{"a hexadecimal length", post + "Content-Length: 0x5\r\n\r\nhello", 400},
		{"an empty length", post + "Content-Length:\r\n\r\n", 400},
		{"a length with a space in it", post + "Content-Length: 1 1\r\n\r\nhello", 400},
		{"a length of 20 digits", post + "Content-Length: 18446744073709551616\r\n\r\n", 400},
		{"gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
		{"chunked twice", chunked + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"chunked, chunked", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
		{"identity", post + "Transfer-Encoding: identity\r\n\r\n", 400},
		{"xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
		{"chunked with a vertical tab", post + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400},
		{"an empty transfer encoding", post + "Transfer-Encoding:\r\n\r\n", 400},
		{"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"a folded header", post + "X: a\r\n b\r\n\r\n", 400},
		{"a header folded with a tab", post + "X: a\r\n\tb\r\n\r\n", 400},
		{"a folded first header", line + " X: a\r\n" + host + "\r\n", 400},
		{"a space before the colon", post + "Content-Length : 5\r\n\r\nhello", 400},
		{"a tab before the colon", post + "Content-Length\t: 5\r\n\r\nhello", 400},
		{"no colon", post + "Content-Length\r\n\r\n", 400},
		{"an empty name", post + ": a\r\n\r\n", 400},
		{"a name that is no token", post + "X(y): a\r\n\r\n", 400},
		{"a name that is not ASCII", post + "X\xc3\xa9: a\r\n\r\n", 400},
		{"NUL in a value", post + "X: a\x00b\r\n\r\n", 400},
		{"CR in a value", post + "X: a\rb\r\n\r\n", 400},
		{"a control character in a value", post + "X: a\x1bb\r\n\r\n", 400},
		{"DEL in a value", post + "X: a\x7fb\r\n\r\n", 400},
		{"bare LF after a header", post + "X: a\nContent-Length: 5\r\n\r\nhello", 400},
		{"bare LF after the request line", "POST / HTTP/1.1\nHost: x\r\n\r\n", 400},
		{"bare LFs only", "POST / HTTP/1.1\nHost: x\n\n", 400},
		{"bare LF as the empty line", post + "\n", 400},
		{"CR CR LF", post + "X: a\r\r\n\r\n", 400},
		{"a line before the request line", "\r\n" + post + "\r\n", 400},
		{"no method", " / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a method that is no token", "PO(ST / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"no target", "POST  HTTP/1.1\r\n" + host + "\r\n", 400},
		{"two spaces", "POST  / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a space at the end", "POST / HTTP/1.1 \r\n" + host + "\r\n", 400},
		{"a space in the target", "POST /a b HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a tab for a space", "POST\t/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a tab in the target", "POST /a\tb HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a control character in the target", "POST /\x01 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a broken escape in the target", "POST /%zz HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a relative target", "POST v1 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an opaque target", "POST mailto:a@b HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a target of another scheme", "POST ftp://x/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a URL without a host", "POST http:///a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an asterisk for POST", "POST * HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an authority", "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 400},
		{"HTTP/0.9", "GET /\r\n\r\n", 400},
		{"no version", "POST / \r\n" + host + "\r\n", 400},
		{"a version in small letters", "POST / http/1.1\r\n" + host + "\r\n", 400},
		{"a version of three parts", "POST / HTTP/1.1.1\r\n" + host + "\r\n", 400},
		{"a version without a minor", "POST / HTTP/1\r\n" + host + "\r\n", 400},
		{"HTTP/1.2", "POST / HTTP/1.2\r\n" + host + "\r\n", 505},
		{"HTTP/3.0", "POST / HTTP/3.0\r\n" + host + "\r\n", 505},
		{"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"no Host", line + "\r\n", 400},
		{"two Hosts", post + host + "\r\n", 400},
		{"a Host with a slash", line + "Host: x/y\r\n\r\n", 400},
		{"a Host with a user", line + "Host: a@x\r\n\r\n", 400},
		{"a Host with a space", line + "Host: x y\r\n\r\n", 400},
		{"two Hosts in one", line + "Host: x, y\r\n\r\n", 400},
		{"TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400},
		{"an unknown expectation", post + "Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello", 417},
		{"two expectations", post + "Expect: 100-continue\r\nExpect: x\r\nContent-Length: 5\r\n\r\nhello", 417},
		{"a long request line", "GET /" + strings.Repeat("a", 70<<10) + " HTTP/1.1\r\n" + host + "\r\n", 414},
		{"a long request line without an end", "GET /" + strings.Repeat("a", 70<<10), 414},
		{"long headers", post + "X: " + strings.Repeat("a", 70<<10) + "\r\n\r\n", 431},
		{"many headers", post + strings.Repeat("X: a\r\n", 12<<10) + "\r\n", 431},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var served atomic.Int32
			_, address := start(t, func(http.ResponseWriter, *http.Request) { served.Add(1) })
			c := dial(t, address)
			c.send(test.request + get("/smuggled"))
			resp, body := c.answer(http.MethodGet)
			if resp.StatusCode != test.status || !resp.Close {
				t.Errorf("status %d, close %t (%s); want %d, true", resp.StatusCode, resp.Close, body, test.status)
			}
			c.wantClosed()
			if n := served.Load(); n != 0 {
				t.Errorf("%d requests were served", n)
			}
		})
	}
}

// lingering keeps the order of what is done to a connection.
type lingering struct {
	*memoryConn
	steps []string
}

func (c *lingering) Write(p []byte) (int, error) {
	c.steps = append(c.steps, "write")
	return c.memoryConn.Write(p)
}

func (c *lingering) CloseWrite() error {
	c.steps = append(c.steps, fmt.Sprintf("half-close, %d unread", len(c.in)))
	return nil
}

func (c *lingering) Close() error {
	c.steps = append(c.steps, fmt.Sprintf("close, %d unread", len(c.in)))
	return c.memoryConn.Close()
}

// TestAnswersAreNotFollowedByAReset is about what the client still sends: closing
// a socket that holds unread bytes makes some systems lose the answer.
func TestAnswersAreNotFollowedByAReset(t *testing.T) {
	for name, head := range map[string]string{
		"a refusal":     "Host: x y\r\n",
		"a large body":  "Host: x\r\n",
		"a closing one": "Host: x\r\nConnection: close\r\n",
	} {
		c := &lingering{memoryConn: newMemoryConn([]byte("POST / HTTP/1.1\r\n"+head+"Content-Length: 300000\r\n\r\n"+strings.Repeat("x", 300_000)), 1000)}
		serveMemory(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), c)
		if len(c.steps) != 3 || c.steps[0] != "write" || !strings.HasPrefix(c.steps[1], "half-close") || c.steps[2] != "close, 0 unread" {
			t.Errorf("%s: %q", name, c.steps)
		}
	}
}

// TestRefusedBody is about faults behind a good head: the handler gets an error,
// and nothing behind them is served.
func TestRefusedBody(t *testing.T) {
	for name, body := range map[string]string{
		"a size that is no number":        "x\r\n\r\n0\r\n\r\n",
		"an empty size":                   "\r\n0\r\n\r\n",
		"a signed size":                   "+5\r\nhello\r\n0\r\n\r\n",
		"a size with 0x":                  "0x5\r\nhello\r\n0\r\n\r\n",
		"a size beyond 63 bits":           "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
		"a space before the size":         " 5\r\nhello\r\n0\r\n\r\n",
		"bare LF after the size":          "5\nhello\r\n0\r\n\r\n",
		"bare LF after the chunk":         "5\r\nhello\n0\r\n\r\n",
		"a chunk longer than its size":    "5\r\nhello!\r\n0\r\n\r\n",
		"a chunk shorter than its size":   "6\r\nhello\r\n0\r\n\r\n",
		"bare LF in an extension":         "5;a\nb\r\nhello\r\n0\r\n\r\n",
		"a long extension":                "5;" + strings.Repeat("a", 5000) + "\r\nhello\r\n0\r\n\r\n",
		"a trailer that is no header":     "5\r\nhello\r\n0\r\nno colon\r\n\r\n",
		"a folded trailer":                "5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
		"bare LF at the end":              "5\r\nhello\r\n0\r\n\n",
		"long trailers":                   "5\r\nhello\r\n0\r\n" + strings.Repeat("X: a\r\n", 10000) + "\r\n",
		"a size of many zeros":            strings.Repeat("0", 200) + "5\r\nhello\r\n0\r\n\r\n",
		"a size that ends in another one": "5 5\r\nhello\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			var served atomic.Int32
			_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
				served.Add(1)
				echo(w, r)
			})
			c := dial(t, address)
			c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + get("/smuggled"))
			if resp, _ := c.answer(http.MethodPost); resp.StatusCode != http.StatusUnprocessableEntity || !resp.Close {
				t.Errorf("status %d, close %t", resp.StatusCode, resp.Close)
			}
			c.wantClosed()
			if n := served.Load(); n != 1 {
				t.Errorf("%d requests were served", n)
			}
		})
	}
}

// TestAccepted is about what has to be served although it looks unusual.
func TestAccepted(t *testing.T) {
	tests := []struct{ name, request, want string }{
		{"a plain GET", get("/a/b"), "GET|/a/b|/a/b||x|"},
		{"a query", get("/a?b=c&d"), "GET|/a?b=c&d|/a|b=c&d|x|"},
		{"an escape", get("/a%2fb%20c"), "GET|/a%2fb%20c|/a/b c||x|"},
		{"two slashes", get("//a"), "GET|//a|//a||x|"},
		{"a colon", get("/v1beta/models/m:generateContent"), "GET|/v1beta/models/m:generateContent|/v1beta/models/m:generateContent||x|"},
		{"a URL", "GET http://y:80/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "GET|http://y:80/a?b|/a|b|y:80|"},
		{"an asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS|*|*||x|"},
		{"an unknown method", "BREW /tea HTTP/1.1\r\nHost: x\r\n\r\n", "BREW|/tea|/tea||x|"},
		{"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET|/|/|||"},
		{"an IPv6 Host", "GET / HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n", "GET|/|/||[::1]:8080|"},
		{"white space around a value", "GET / HTTP/1.1\r\nHost:\t x \t\r\nX-A:  b c\t\r\n\r\n", "GET|/|/||x|X-A=[b c]"},
		{"no white space", "GET / HTTP/1.1\r\nHost:x\r\nx-a:b\r\n\r\n", "GET|/|/||x|X-A=[b]"},
		{"the same header twice", "GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\nx-a: c\r\nX-a: d\r\n\r\n", "GET|/|/||x|X-A=[b c d]"},
		{"an underscore", "GET / HTTP/1.1\r\nHost: x\r\nx_a: b\r\n\r\n", "GET|/|/||x|X_a=[b]"},
		{"an empty value", "GET / HTTP/1.1\r\nHost: x\r\nX-A:\r\n\r\n", "GET|/|/||x|X-A=[]"},
		{"UTF-8 in a value", "GET / HTTP/1.1\r\nHost: x\r\nX-A: \xc3\xa9\r\n\r\n", "GET|/|/||x|X-A=[\xc3\xa9]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
				header := ""
				for name, values := range r.Header {
					header += fmt.Sprintf("%s=%v", name, values)
				}
				fmt.Fprintf(w, "%s|%s|%s|%s|%s|%s", r.Method, r.RequestURI, r.URL.Path, r.URL.RawQuery, r.Host, header)
			})
			c := dial(t, address)
			for range 2 { // the second shows that nothing is left of the first
				c.send(test.request)
				c.wantAnswer(test.want)
			}
		})
	}
}

func TestARequestTellsWhatItIs(t *testing.T) {
	seen := make(chan *http.Request, 1)
	_, address := start(t, func(_ http.ResponseWriter, r *http.Request) {
		clone := r.Clone(t.Context())
		seen <- clone
	})
	c := dial(t, address)
	c.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n\r\n")
	r := receive(t, "the request", seen)
	if r.Proto != "HTTP/1.1" || r.ProtoMajor != 1 || r.ProtoMinor != 1 || !r.Close || r.ContentLength != -1 ||
		len(r.TransferEncoding) != 1 || r.RemoteAddr != c.LocalAddr().String() || len(r.Header) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestKnownNamesAreCanonical(t *testing.T) {
	for name, known := range knownNames {
		if want := http.CanonicalHeaderKey(name); known != want || canonical(name) != want || canonical(known) != want {
			t.Errorf("%q: %q, %q, want %q", name, known, canonical(name), want)
		}
	}
	for _, name := range []string{"x", "X", "x-y", "X-yZ", "-", "x--y", "x_y", "1a", "X-Y"} {
		if got, want := canonical(name), http.CanonicalHeaderKey(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
