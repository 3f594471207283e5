package upstream

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestMalformedAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	const chunks = ok + "Transfer-Encoding: chunked\r\n\r\n"
	for name, answer := range map[string]string{
		"not HTTP":                        "SSH-2.0-OpenSSH_9.9\r\n",
		"HTTP/2 settings":                 "\x00\x00\x12\x04\x00\x00\x00\x00\x00",
		"HTTP/2":                          "HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.2":                        "HTTP/1.2 200 OK\r\n\r\n",
		"empty line first":                "\r\n" + okAnswer,
		"no status":                       "HTTP/1.1\r\n\r\n",
		"short status":                    "HTTP/1.1 20\r\n\r\n",
		"long status":                     "HTTP/1.1 2000 OK\r\n\r\n",
		"status with a sign":              "HTTP/1.1 +20 OK\r\n\r\n",
		"status below 100":                "HTTP/1.1 099 OK\r\n\r\n",
		"two spaces":                      "HTTP/1.1  200 OK\r\n\r\n",
		"control character in the reason": "HTTP/1.1 200 O\x00K\r\n\r\n",
		"CR in the reason":                "HTTP/1.1 200 O\rK\r\n\r\n",
		"status line without CR":          "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
		"header line without CR":          ok + "Content-Length: 0\nX: y\r\n\r\n",
		"CR within a header":              ok + "Content-Length: 0\rX: y\r\n\r\n",
		"NUL in a header":                 ok + "X: a\x00b\r\n\r\n",
		"DEL in a header":                 ok + "X: a\x7fb\r\n\r\n",
		"folded header":                   ok + "X: a\r\n b\r\n\r\n",
		"folded first header":             ok + " X: a\r\n\r\n",
		"no colon":                        ok + "X\r\n\r\n",
		"no name":                         ok + ": x\r\n\r\n",
		"space before the colon":          ok + "Content-Length : 2\r\n\r\nok",
		"space in the name":               ok + "Content Length: 2\r\n\r\nok",
		"NUL in the name":                 ok + "X\x00: 2\r\n\r\nok",
		"two lengths":                     ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
		"list of lengths":                 ok + "Content-Length: 2, 2\r\n\r\nok",
		"empty length":                    ok + "Content-Length:\r\n\r\n",
		"negative length":                 ok + "Content-Length: -2\r\n\r\n",
		"length with a sign":              ok + "Content-Length: +2\r\n\r\nok",
		"hexadecimal length":              ok + "Content-Length: 0x2\r\n\r\nok",
		"length of 2^64":                  ok + "Content-Length: 18446744073709551616\r\n\r\n",
		"length of 2^63":                  ok + "Content-Length: 9223372036854775808\r\n\r\n",
		"length and chunked":              ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunked and length":              ok + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
		"chunked twice":                   ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"gzip and chunked":                ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"identity":                        ok + "Transfer-Encoding: identity\r\n\r\n",
		"chunked with a tab":              ok + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.0 chunked":                "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"switching protocols":             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
		"early hints without end":         strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100),
		"giant head":                      ok + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 100) + "\r\n",
		"giant line":                      ok + "X: " + strings.Repeat("x", 100000),
		"no size":                         chunks + "\r\nhello\r\n0\r\n\r\n",
		"size that is no number":          chunks + "x\r\nhello\r\n0\r\n\r\n",
		"size with a sign":                chunks + "+5\r\nhello\r\n0\r\n\r\n",
		"negative size":                   chunks + "-5\r\nhello\r\n0\r\n\r\n",
		"size with a prefix":              chunks + "0x5\r\nhello\r\n0\r\n\r\n",
		"size after a space":              chunks + " 5\r\nhello\r\n0\r\n\r\n",
		"size of 2^64":                    chunks + "10000000000000000\r\nhello\r\n0\r\n\r\n",
		"size of 2^64-1":                  chunks + "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
		"size of 2^63":                    chunks + "8000000000000000\r\nhello\r\n0\r\n\r\n",
		"zeros without end":               chunks + strings.Repeat("0", 100) + "5\r\nhello\r\n0\r\n\r\n",
		"size line without CR":            chunks + "5\nhello\r\n0\r\n\r\n",
		"CR without LF":                   chunks + "5\rhello\r\n0\r\n\r\n",
		"two sizes":                       chunks + "5 6\r\nhello\r\n0\r\n\r\n",
		"control character in extension":  chunks + "5;a=\x00\r\nhello\r\n0\r\n\r\n",
		"LF in an extension":              chunks + "5;a=\n\r\nhello\r\n0\r\n\r\n",
		"giant extension":                 chunks + "5;" + strings.Repeat("x", 2000) + "\r\nhello\r\n0\r\n\r\n",
		"chunk that is longer":            chunks + "5\r\nhello!\r\n0\r\n\r\n",
		"chunk that is shorter":           chunks + "5\r\nhell\r\n0\r\n\r\n",
		"chunk that ends in LF":           chunks + "5\r\nhello\n0\r\n\r\n",
		"end without CR":                  chunks + "0\r\n\n",
		"folded trailer":                  chunks + "0\r\n X: y\r\n\r\n",
		"trailer without a colon":         chunks + "0\r\nXy\r\n\r\n",
		"trailer without CR":              chunks + "0\r\nX: y\n\r\n",
		"CR within a trailer":             chunks + "0\r\nX: y\rz\r\n\r\n",
		"NUL in a trailer":                chunks + "0\r\nX: \x00\r\n\r\n",
		"giant trailer":                   chunks + "0\r\n" + strings.Repeat("X: yyyyyyyyyyyyyyyy\r\n", 1000) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, "http://"+rawServer(t, answerAndHang(answer)))
			_, err := do(t.Context(), c)
			if _, ok := errors.AsType[*ProtocolError](err); !ok || !Sent(err) {
				t.Errorf("%T %v", err, err)
			}
			if stats := c.Stats(); stats.Open != 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

func TestUnusualButValidAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	const chunks = ok + "Transfer-Encoding: chunked\r\n\r\n"
	for name, test := range map[string]struct {
		answer string
		status int
		body   string
	}{
		"no reason":                   {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
		"empty reason":                {"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
		"unknown status":              {"HTTP/1.1 799 What\r\nContent-Length: 2\r\n\r\nok", 799, "ok"},
		"reason beyond ASCII":         {"HTTP/1.1 404 Non trouv\xc3\xa9\r\nContent-Length: 2\r\n\r\nok", 404, "ok"},
		"same length twice":           {ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
		"white space around values":   {ok + "Content-Length:\t 2 \t\r\n\r\nok", 200, "ok"},
		"names in capitals":           {ok + "CONTENT-LENGTH:2\r\n\r\nok", 200, "ok"},
		"empty value":                 {ok + "X:\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
		"coding in capitals":          {ok + "Transfer-Encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok"},
		"304 with a length":           {"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", 304, ""},
		"204 with a length":           {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204, ""},
		"continue first":              {"HTTP/1.1 100 Continue\r\n\r\n" + okAnswer, 200, "ok"},
		"continue with fields first":  {"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" + okAnswer, 200, "ok"},
		"empty chunked body":          {chunks + "0\r\n\r\n", 200, ""},
		"last chunk of many zeros":    {chunks + "2\r\nok\r\n00000\r\n\r\n", 200, "ok"},
		"sizes in both cases":         {chunks + "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", 200, "01234567890123456789"},
		"leading zeros":               {chunks + "0002\r\nok\r\n0\r\n\r\n", 200, "ok"},
		"extensions":                  {chunks + "2;a=b;c=\"d e\"\r\nok\r\n0;last\r\n\r\n", 200, "ok"},
		"space before extensions":     {chunks + "2 \t;a\r\nok\r\n0 \r\n\r\n", 200, "ok"},
		"trailers":                    {chunks + "2\r\nok\r\n0\r\nX: y\r\nContent-Length: 7\r\n\r\n", 200, "ok"},
		"extension that is just held": {chunks + "2;" + strings.Repeat("x", 1000) + "\r\nok\r\n0\r\n\r\n", 200, "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, "http://"+rawServer(t, answers(test.answer)))
			for range 2 {
				if status, body := exchange(t, c, post("{}")); status != test.status || body != test.body {
					t.Errorf("%d %q", status, body)
				}
			}
			if stats := c.Stats(); stats.Dials != 1 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// Content that came before a fault is handed over before the fault is reported.
func TestContentBeforeAFault(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx")))
	resp := mustDo(t, c, post("{}"))
	defer resp.Close()
	got, err := io.ReadAll(iotest.OneByteReader(resp))
	if _, ok := errors.AsType[*ProtocolError](err); !ok || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	if _, again := resp.Next(); !errors.Is(again, err) {
		t.Errorf("%v, then %v", err, again)
	}
}

func TestRefusedRequests(t *testing.T) {
	const secret = "sk-verysecret"
	for name, test := range map[string]struct {
		change func(*Request)
		field  string
	}{
		"no method":            {func(r *Request) { r.Method = "" }, "method"},
		"method with a space":  {func(r *Request) { r.Method = "GET /" }, "method"},
		"HEAD":                 {func(r *Request) { r.Method = "HEAD" }, "method"},
		"CONNECT":              {func(r *Request) { r.Method = "CONNECT" }, "method"},
		"no path":              {func(r *Request) { r.Path = "" }, "path"},
		"relative path":        {func(r *Request) { r.Path = "v1" }, "path"},
		"path with a space":    {func(r *Request) { r.Path = "/v1 HTTP/1.1\r\nX: y" }, "path"},
		"path with LF":         {func(r *Request) { r.Path = "/v1\n" }, "path"},
		"path beyond ASCII":    {func(r *Request) { r.Path = "/é" }, "path"},
		"path with a fragment": {func(r *Request) { r.Path = "/a#b" }, "path"},
		"length too small":     {func(r *Request) { r.ContentLength-- }, "body"},
		"length too large":     {func(r *Request) { r.ContentLength++ }, "body"},
		"CRLF in a value":      {func(r *Request) { r.Fields = []Field{{"X-Key", secret + "\r\nX-Evil: 1"}} }, "header X-Key"},
		"LF in a value":        {func(r *Request) { r.Fields = []Field{{"X-Key", secret + "\n"}} }, "header X-Key"},
		"NUL in a value":       {func(r *Request) { r.Fields = []Field{{"X-Key", secret + "\x00"}} }, "header X-Key"},
		"empty name":           {func(r *Request) { r.Fields = []Field{{"", secret}} }, `header ""`},
		"CRLF in a name":       {func(r *Request) { r.Fields = []Field{{"X\r\nY", secret}} }, `header "X\r\nY"`},
		"length as a field":    {func(r *Request) { r.Fields = []Field{{"content-length", "0"}} }, "header content-length"},
		"coding as a field":    {func(r *Request) { r.Fields = []Field{{"Transfer-Encoding", "chunked"}} }, "header Transfer-Encoding"},
		"head without CRLF":    {func(r *Request) { r.Head = []byte("X-Key: " + secret) }, "head"},
		"head with LF":         {func(r *Request) { r.Head = []byte("X-Key: " + secret + "\n") }, "head"},
		"LF within the head":   {func(r *Request) { r.Head = []byte("X-Key: " + secret + "\nX: y\r\n") }, "head"},
		"CR within the head":   {func(r *Request) { r.Head = []byte("X-Key: " + secret + "\rX: y\r\n") }, "header X-Key"},
		"end within the head":  {func(r *Request) { r.Head = []byte("X-Key: " + secret + "\r\n\r\nGET / HTTP/1.1\r\n") }, "head"},
		"fold in the head":     {func(r *Request) { r.Head = []byte("X-Key: a\r\n " + secret + "\r\n") }, "head"},
		"host in the head":     {func(r *Request) { r.Head = []byte("hOST: " + secret + "\r\n") }, "header hOST"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "http://127.0.0.1:1")
			_, err := do(t.Context(), c, test.change)
			refused, ok := errors.AsType[*RequestError](err)
			if !ok || refused.Field != test.field || Sent(err) {
				t.Fatalf("%T %v", err, err)
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
				t.Errorf("the error tells the value: %v", err)
			}
			if c.Stats().Dials != 0 {
				t.Error("it dialled")
			}
		})
	}
	if err := CheckHead([]byte("A: b\r\nC: d\r\n")); err != nil {
		t.Error(err)
	}
	if err := CheckHead([]byte("A: b\r\nHost: d\r\n")); err == nil {
		t.Error("CheckHead let Host pass")
	}
}

// What is refused costs nothing: the connection's state is not involved.
func TestSentIsConservative(t *testing.T) {
	for _, test := range []struct {
		err  error
		sent bool
	}{
		{nil, false},
		{io.EOF, true},
		{errors.New("unknown"), true},
		{&RequestError{}, false},
		{&DialError{}, false},
		{&DialError{Sent: true}, true},
		{&DialError{Err: &TimeoutError{Phase: PhaseDial}}, false},
		{&DialError{Err: &TimeoutError{Phase: PhaseDial}, Sent: true}, true},
		{&ConnError{}, false},
		{&ConnError{Sent: true}, true},
		{&TimeoutError{}, false},
		{&TimeoutError{Sent: true}, true},
		{&CancelError{Err: io.EOF}, false},
		{&CancelError{Err: io.EOF, Sent: true}, true},
		{&ProtocolError{}, true},
		{fmt.Errorf("attempt 1: %w", &DialError{}), false},
	} {
		if got := Sent(test.err); got != test.sent {
			t.Errorf("%T %+v: %t", test.err, test.err, got)
		}
	}
}
