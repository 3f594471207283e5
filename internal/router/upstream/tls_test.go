package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

func TestTLS(t *testing.T) {
	states := make(chan tls.ConnectionState, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		states <- *r.TLS
		fmt.Fprint(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	server.StartTLS()
	defer server.Close()
	c := newClient(t, strings.Replace(server.URL, "127.0.0.1", "example.com", 1), trusting(server), func(o *Options) {
		o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		}
	})
	for i := range 4 {
		if _, body := exchange(t, c, post("{}")); body != "HTTP/1.1" {
			t.Errorf("spoke %q", body)
		}
		state := receive(t, "the request", states)
		if state.NegotiatedProtocol != "http/1.1" || state.Version < tls.VersionTLS12 || state.ServerName != "example.com" {
			t.Errorf("negotiated %q in version %#x for %q", state.NegotiatedProtocol, state.Version, state.ServerName)
		}
		if resumed := i >= 2; state.DidResume != resumed {
			t.Errorf("request %d: resumed %t", i, state.DidResume)
		}
		if i == 1 {
			c.CloseIdle() // the session outlives the connection
		}
	}
	if stats := c.Stats(); stats.Dials != 2 {
		t.Errorf("stats %+v", stats)
	}
}

func TestTLSIsVerified(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = quietLog
	_, err := do(t.Context(), newClient(t, server.URL))
	if _, ok := errors.AsType[*DialError](err); !ok || Sent(err) {
		t.Errorf("%T %v", err, err)
	}
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		t.Errorf("%T %v", err, err)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	server.Config.ErrorLog = quietLog
	server.StartTLS()
	defer server.Close()
	c := newClient(t, server.URL, trusting(server), func(o *Options) { o.TLSConfig.MinVersion = tls.VersionTLS10 })
	if _, err := do(t.Context(), c); err == nil {
		t.Error("spoke TLS 1.1")
	}
}

// proxyServer is a forward proxy that counts what it tunnels and passes on.
type proxyServer struct {
	t                  *testing.T
	authorization      string
	tunnels, forwarded atomic.Int32
}

func (p *proxyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.TLS != nil && r.TLS.ServerName != "" {
		p.t.Errorf("the proxy was taken for %s", r.TLS.ServerName)
	}
	if r.Header.Get("Proxy-Authorization") != p.authorization {
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		p.forwarded.Add(1)
		r.Header.Del("Proxy-Authorization")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
		return
	}
	p.tunnels.Add(1)
	to, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		p.t.Error(err)
		return
	}
	defer from.Close()
	fmt.Fprint(from, "HTTP/1.1 200 Connection established\r\n\r\n")
	done := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(to, buffered); done <- struct{}{} }()
	go func() { _, _ = io.Copy(from, to); done <- struct{}{} }()
	<-done
}

const proxyUser, proxyPassword = "me", "p@ss word"

func TestProxy(t *testing.T) {
	for _, secureProxy := range []bool{false, true} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("proxy with TLS %t, provider with TLS %t", secureProxy, secure), func(t *testing.T) {
				provider := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Proxy-Authorization") != "" {
						t.Error("the provider got the proxy's password")
					}
					_, _ = io.Copy(io.Discard, r.Body)
					fmt.Fprint(w, r.URL.Path)
				}))
				if secure {
					provider.StartTLS()
				} else {
					provider.Start()
				}
				defer provider.Close()
				handler := &proxyServer{t: t, authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(proxyUser+":"+proxyPassword))}
				proxy := httptest.NewUnstartedServer(handler)
				if secureProxy {
					proxy.StartTLS()
				} else {
					proxy.Start()
				}
				defer proxy.Close()
				proxyURL, _ := url.Parse(proxy.URL)
				proxyURL.User = url.UserPassword(proxyUser, proxyPassword)
				options := []func(*Options){func(o *Options) {
					o.Proxy = func(u *url.URL) (*url.URL, error) {
						if u.String() != provider.URL+"/base" {
							t.Errorf("asked for %s", u)
						}
						return proxyURL, nil
					}
				}}
				switch { // httptest has one certificate for all
				case secure:
					options = append(options, trusting(provider))
				case secureProxy:
					options = append(options, trusting(proxy))
				}
				options = append(options, func(o *Options) {
					if o.TLSConfig != nil {
						o.TLSConfig.ServerName = "example.com"
					}
				})
				c := newClient(t, provider.URL+"/base", options...)
				for range 3 {
					if status, body := exchange(t, c, post("{}")); status != 200 || body != "/base/v1/chat/completions" {
						t.Errorf("%d %q", status, body)
					}
				}
				if stats := c.Stats(); stats.Dials != 1 {
					t.Errorf("stats %+v", stats)
				}
				if secure && handler.tunnels.Load() != 1 || !secure && handler.forwarded.Load() != 3 {
					t.Errorf("%d tunnels, %d forwarded", handler.tunnels.Load(), handler.forwarded.Load())
				}
			})
		}
	}
}

func TestProxyFailures(t *testing.T) {
	for name, answer := range map[string]string{
		"refuses":             "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
		"hangs up":            "",
		"speaks out of turn":  "HTTP/1.1 200 OK\r\n\r\nhello",
		"is not HTTP":         "hello\r\n\r\n",
		"answers at no end":   "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 10000),
		"answers with a fold": "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			address := rawServer(t, func(c net.Conn, _ int) {
				if r, ok := readRequest(bufio.NewReader(c)); ok && (r.Method != "CONNECT" || r.Host != "provider.test:443") {
					t.Errorf("%s %s", r.Method, r.Host)
				}
				fmt.Fprint(c, answer)
			})
			c := newClient(t, "https://provider.test", func(o *Options) {
				o.Proxy = func(*url.URL) (*url.URL, error) {
					return &url.URL{Scheme: "http", Host: address, User: url.UserPassword(proxyUser, proxyPassword)}, nil
				}
			})
			_, err := do(t.Context(), c)
			dial, ok := errors.AsType[*DialError](err)
			if !ok || dial.Addr != "provider.test:443" || dial.Proxy != address || Sent(err) {
				t.Fatalf("%T %v", err, err)
			}
			if strings.Contains(err.Error(), proxyPassword) || !strings.Contains(err.Error(), "proxy") {
				t.Error(err)
			}
		})
	}
}

func TestProxyThatHangsIsTimedOut(t *testing.T) {
	address := rawServer(t, func(c net.Conn, _ int) { _, _ = io.Copy(io.Discard, c) })
	c := newClient(t, "https://provider.test", func(o *Options) {
		o.DialTimeout = soon / 100
		o.Proxy = func(*url.URL) (*url.URL, error) { return &url.URL{Scheme: "http", Host: address}, nil }
	})
	_, err := do(t.Context(), c)
	if timeout, ok := errors.AsType[*TimeoutError](err); !ok || timeout.Phase != PhaseDial || Sent(err) {
		t.Errorf("%T %v", err, err)
	}
}

// No error of New repeats what may be a password.
func TestOptionsAreChecked(t *testing.T) {
	const secret = "hunter2"
	withProxy := func(proxy *url.URL, err error) Options {
		return Options{BaseURL: "http://a", Proxy: func(*url.URL) (*url.URL, error) { return proxy, err }}
	}
	for name, options := range map[string]Options{
		"no URL":              {},
		"no scheme":           {BaseURL: "example.com/v1"},
		"other scheme":        {BaseURL: "ftp://example.com"},
		"no host":             {BaseURL: "http://:80"},
		"credentials":         {BaseURL: "http://me:" + secret + "@example.com"},
		"not a URL":           {BaseURL: "http://me:" + secret + "@[example.com"},
		"bad port":            {BaseURL: "http://me:" + secret + ":x"},
		"query":               {BaseURL: "http://example.com?key=" + secret},
		"empty query":         {BaseURL: "http://example.com?"},
		"fragment":            {BaseURL: "http://example.com#a"},
		"host beyond ASCII":   {BaseURL: "http://exämple.com"},
		"user agent":          {BaseURL: "http://example.com", UserAgent: "a\r\nb"},
		"proxy error":         withProxy(nil, errors.New("invalid proxy address "+secret)),
		"proxy scheme":        withProxy(url.Parse("socks5://me:" + secret + "@a")),
		"proxy without host":  withProxy(url.Parse("http://me:" + secret + "@")),
		"proxy without a URL": withProxy(&url.URL{}, nil),
	} {
		c, err := New(options)
		if err == nil || c != nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBaseURLs(t *testing.T) {
	for base, want := range map[string]struct{ addr, start string }{
		"http://a":              {"a:80", "GET /x HTTP/1.1\r\nHost: a\r\n"},
		"http://a:/":            {"a:80", "GET /x HTTP/1.1\r\nHost: a\r\n"},
		"https://a/v1/":         {"a:443", "GET /v1/x HTTP/1.1\r\nHost: a\r\n"},
		"http://a:8080/a%20b/c": {"a:8080", "GET /a%20b/c/x HTTP/1.1\r\nHost: a:8080\r\n"},
		"http://[::1]:8080":     {"[::1]:8080", "GET /x HTTP/1.1\r\nHost: [::1]:8080\r\n"},
		"https://[::1]":         {"[::1]:443", "GET /x HTTP/1.1\r\nHost: [::1]\r\n"},
	} {
		c := newClient(t, base)
		head, err := c.appendHead(nil, &Request{Method: "GET", Path: "/x"})
		if err != nil || c.dialer.addr != want.addr || !strings.HasPrefix(string(head), want.start) {
			t.Errorf("%s: %s, %q, %v", base, c.dialer.addr, head, err)
		}
	}
}
