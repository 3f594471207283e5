package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRequestArrivesAsItIs(t *testing.T) {
	type arrived struct {
		*http.Request
		body string
	}
	requests := make(chan arrived, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- arrived{r, string(body)}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", "abc")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, `{"a":1}`)
	}))
	defer server.Close()
	c := newClient(t, server.URL+"/base/")
	resp := mustDo(t, c, &Request{
		Method: "POST", Path: "/v1/chat?x=%20y", Head: []byte("Content-Type: application/json\r\nX-Static: 1\r\n"),
		Fields: []Field{{"Authorization", "Bearer k"}, {"X-Empty", ""}},
		Body:   [][]byte{[]byte("one "), nil, []byte("two "), []byte("three")}, ContentLength: 13,
		Timeouts: Timeouts{FirstByte: soon, Idle: soon, Total: soon},
	})
	defer resp.Close()

	r := receive(t, "the request", requests)
	if r.Method != "POST" || r.RequestURI != "/base/v1/chat?x=%20y" || r.body != "one two three" || r.ContentLength != 13 {
		t.Errorf("got %s %s %q of %d bytes", r.Method, r.RequestURI, r.body, r.ContentLength)
	}
	if want := strings.TrimPrefix(server.URL, "http://"); r.Host != want {
		t.Errorf("host %q, want %q", r.Host, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Static": "1", "Authorization": "Bearer k", "X-Empty": "",
		"Accept-Encoding": "identity", "User-Agent": "tiershift",
	} {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}

	if resp.StatusCode != http.StatusTeapot || resp.ContentLength != 7 {
		t.Errorf("status %d, length %d", resp.StatusCode, resp.ContentLength)
	}
	if resp.Header("x-REQUEST-id") != "abc" || resp.Header("Missing") != "" {
		t.Errorf("header %q, missing %q", resp.Header("x-REQUEST-id"), resp.Header("Missing"))
	}
	seen := http.Header{}
	resp.EachHeader(func(name, value []byte) { seen.Add(string(name), string(value)) })
	if seen.Get("Content-Type") != "application/json" || seen.Get("Content-Length") != "7" || seen.Get("Date") == "" {
		t.Errorf("headers %v", seen)
	}
	if body := mustReadAll(t, resp); body != `{"a":1}` {
		t.Errorf("body %q", body)
	}
}

func TestUserAgentOfTheRequestWins(t *testing.T) {
	agents := make(chan []string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		agents <- r.Header.Values("User-Agent")
	}))
	defer server.Close()
	c := newClient(t, server.URL, func(o *Options) { o.UserAgent = "default" })
	exchange(t, c, &Request{Method: "GET", Path: "/", Head: []byte("user-agent: mine\r\n")})
	exchange(t, c, &Request{Method: "GET", Path: "/", Fields: []Field{{"User-agent", "mine"}}})
	for range 2 {
		if got := receive(t, "the request", agents); len(got) != 1 || got[0] != "mine" {
			t.Errorf("user agents %q", got)
		}
	}
}

// Every event of a stream is handed over before the next one is sent.
func TestStreamIsHandedOverAtOnce(t *testing.T) {
	next := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 20 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	}))
	defer server.Close()
	readers := map[string]func(*Response) (string, error){
		"Next": func(r *Response) (string, error) {
			p, err := r.Next()
			return string(p), err
		},
		"Read into little": func(r *Response) (string, error) {
			var p [100]byte
			n, err := r.Read(p[:])
			return string(p[:n]), err
		},
		"Read into much": func(r *Response) (string, error) {
			var p [4096]byte
			n, err := r.Read(p[:])
			return string(p[:n]), err
		},
	}
	c := newClient(t, server.URL)
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			resp := mustDo(t, c, post("{}"))
			defer resp.Close()
			if resp.ContentLength != -1 {
				t.Errorf("length %d", resp.ContentLength)
			}
			for i := range 20 {
				got, err := read(resp)
				if want := fmt.Sprintf("data: %d\n\n", i); got != want || err != nil {
					t.Fatalf("got %q and %v, want %q", got, err, want)
				}
				next <- struct{}{}
			}
			for range 2 {
				if got, err := read(resp); got != "" || !resp.EOF(err) {
					t.Errorf("at the end: %q, %v", got, err)
				}
			}
		})
	}
	if stats := c.Stats(); stats.Dials != 1 || stats.Open != 1 || stats.Idle != 1 {
		t.Errorf("stats %+v", stats)
	}
}

func TestConnectionIsReused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/chunked":
			w.(http.Flusher).Flush()
		case "/none":
			w.WriteHeader(http.StatusNoContent)
			return
		}
		fmt.Fprint(w, r.RemoteAddr)
	}))
	defer server.Close()
	c := newClient(t, server.URL)
	first := ""
	for _, path := range []string{"/length", "/chunked", "/none", "/length", "/chunked"} {
		resp := mustDo(t, c, &Request{Method: "GET", Path: path})
		body := mustReadAll(t, resp)
		resp.Close()
		resp.Close()
		if first == "" {
			first = body
		}
		if body != first && path != "/none" {
			t.Errorf("%s came over %q, the first over %q", path, body, first)
		}
		if stats := c.Stats(); stats.Open != 1 || stats.Idle != 1 {
			t.Errorf("after %s: %+v", path, stats)
		}
	}
}

func TestConnectionIsNotReused(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		read   bool
	}{
		"body not read":            {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", false},
		"Connection: close":        {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", true},
		"HTTP/1.0":                 {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
		"bytes after the body":     {okAnswer + "HTTP/1.1 200 OK\r\n", true},
		"bytes after the chunks":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", true},
		"bytes after 204":          {"HTTP/1.1 204 No Content\r\n\r\nx", true},
		"Keep-Alive of no seconds": {"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok", true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, "http://"+rawServer(t, answerAndHang(test.answer)))
			resp := mustDo(t, c, post("{}"))
			if test.read {
				mustReadAll(t, resp)
			}
			resp.Close()
			if stats := c.Stats(); stats.Open != 0 || stats.Idle != 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

func TestHTTP10KeepAlive(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok")))
	exchange(t, c, post("{}"))
	exchange(t, c, post("{}"))
	if stats := c.Stats(); stats.Dials != 1 {
		t.Errorf("stats %+v", stats)
	}
}

func TestInformationalAnswersArePassedOver(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		fmt.Fprint(w, "ok")
	}))
	defer server.Close()
	c := newClient(t, server.URL)
	for range 2 {
		if status, body := exchange(t, c, post("{}")); status != 200 || body != "ok" {
			t.Errorf("%d %q", status, body)
		}
	}
	if stats := c.Stats(); stats.Dials != 1 {
		t.Errorf("stats %+v", stats)
	}
}

func TestBodyUntilClose(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, func(c net.Conn, _ int) {
		if _, ok := readRequest(bufio.NewReader(c)); ok {
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 10000))
		}
	}))
	if _, body := exchange(t, c, post("{}")); len(body) != 10000 {
		t.Errorf("%d bytes", len(body))
	}
	if stats := c.Stats(); stats.Open != 0 {
		t.Errorf("stats %+v", stats)
	}
}

// A head that is longer than the read buffer, and a body behind it that does
// not fit beside it.
func TestLongHead(t *testing.T) {
	for _, size := range []int{3500, 4000, 4096, 9000, 60000} {
		head := "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("h", size) + "\r\nTransfer-Encoding: chunked\r\n\r\n"
		body := strings.Repeat("3e8\r\n"+strings.Repeat("b", 1000)+"\r\n", 20)
		c := newClient(t, "http://"+rawServer(t, answers(head+body+"0\r\n\r\n")))
		resp := mustDo(t, c, post("{}"))
		var got []byte
		for {
			p, err := resp.Next()
			got = append(got, p...)
			if err != nil {
				if !resp.EOF(err) {
					t.Error(err)
				}
				break
			}
		}
		if len(got) != 20000 || len(resp.Header("X-Long")) != size {
			t.Errorf("head of %d: %d bytes of body, header of %d", size, len(got), len(resp.Header("X-Long")))
		}
		resp.Close()
	}
}

func TestReadAll(t *testing.T) {
	content := strings.Repeat("0123456789", 30000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/chunked" {
			w.(http.Flusher).Flush()
		} else {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		}
		fmt.Fprint(w, content)
	}))
	defer server.Close()
	c := newClient(t, server.URL)
	for _, path := range []string{"/length", "/chunked"} {
		for _, room := range []int{0, 10, len(content), 2 * len(content)} {
			t.Run(fmt.Sprintf("%s into %d", path, room), func(t *testing.T) {
				resp := mustDo(t, c, &Request{Method: "GET", Path: path})
				defer resp.Close()
				dst := append(make([]byte, 0, 6+room), "before"...)
				got, err := resp.ReadAll(dst, int64(len(content)))
				if err != nil || string(got) != "before"+content {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
		}
		t.Run(path+" limited", func(t *testing.T) {
			resp := mustDo(t, c, &Request{Method: "GET", Path: path})
			defer resp.Close()
			got, err := resp.ReadAll([]byte("before"), 1000)
			if !errors.Is(err, ErrBodyTooLarge) || string(got) != "before"+content[:1000] {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	if stats := c.Stats(); stats.Dials != 2 {
		t.Errorf("stats %+v: the body that was too large should have cost one connection", stats)
	}
}

func TestReadsAfterClose(t *testing.T) {
	c := newClient(t, "http://"+rawServer(t, answers(okAnswer)))
	resp := mustDo(t, c, post("{}"))
	resp.Close()
	if _, err := resp.Next(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := resp.Read(make([]byte, 10)); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := resp.ReadAll(nil, 10); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if resp.Header("Content-Length") != "" {
		t.Error("header after close")
	}
}

// A body far larger than a record, and segments of all sizes.
func TestLargeBodies(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %t", secure), func(t *testing.T) {
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				_, _ = w.Write(body)
			})
			c, _ := startServer(t, handler, secure)
			var sent []byte
			var segments [][]byte
			for i, size := range []int{1, 0, 100, 16 << 10, 16<<10 - 1, 16<<10 + 1, 700 << 10, 3, 5000, 5000, 5000, 5000} {
				segment := bytes.Repeat([]byte{byte('a' + i)}, size)
				segments = append(segments, segment)
				sent = append(sent, segment...)
			}
			for range 3 {
				_, body := exchange(t, c, &Request{Method: "PUT", Path: "/", Body: segments, ContentLength: int64(len(sent))})
				if body != string(sent) {
					t.Fatalf("%d bytes came back of %d", len(body), len(sent))
				}
			}
			if stats := c.Stats(); stats.Dials != 1 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// startServer starts a server with or without TLS, and a client of it.
func startServer(t *testing.T, handler http.Handler, secure bool) (*Client, *httptest.Server) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	t.Cleanup(server.Close)
	if !secure {
		server.Start()
		return newClient(t, server.URL), server
	}
	server.StartTLS()
	return newClient(t, server.URL, trusting(server)), server
}

func trusting(server *httptest.Server) func(*Options) {
	return func(o *Options) {
		o.TLSConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		o.TLSConfig.NextProtos = nil
	}
}

func TestConcurrentUse(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %t", secure), func(t *testing.T) {
			c, _ := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if len(body)%2 == 0 {
					w.(http.Flusher).Flush()
				}
				_, _ = w.Write(body)
			}), secure)
			var group sync.WaitGroup
			for worker := range 16 {
				group.Go(func() {
					for i := range 40 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						word := strings.Repeat(fmt.Sprintf("%d-%d ", worker, i), 1+i*50)
						resp, err := c.Do(ctx, post(word))
						if err != nil {
							t.Error(err)
							cancel()
							return
						}
						if i%7 == 0 {
							cancel()
							resp.Close()
							continue
						}
						body, err := resp.ReadAll(nil, 1<<20)
						if err != nil || string(body) != word {
							t.Errorf("%d bytes, %v, want %d", len(body), err, len(word))
						}
						resp.Close()
						cancel()
					}
				})
			}
			group.Wait()
			c.CloseIdle()
			if stats := c.Stats(); stats.Open != 0 || stats.Idle != 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}
