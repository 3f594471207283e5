package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tiershift/tiershift/internal/router/message"
)

// Options say where a Client connects to and how. Only BaseURL is required.
type Options struct {
	// BaseURL is the endpoint: http or https, a host, and perhaps a port and a
	// path that all requests' paths are put behind.
	BaseURL string
	// TLSConfig is the beginning of the configuration for https. TLS 1.2 is the
	// least, and only HTTP/1.1 is negotiated.
	TLSConfig *tls.Config
	// DialTimeout bounds name resolution, TCP, and the proxy's CONNECT; 0: 10 s.
	DialTimeout time.Duration
	// TLSHandshakeTimeout comes after it; 0: 10 s.
	TLSHandshakeTimeout time.Duration
	// IdleConnTimeout is how long an unused connection is kept; 0: 90 s. One
	// whose server announces a shorter time is kept for less than that.
	IdleConnTimeout time.Duration
	// MaxIdleConns is how many unused connections are kept; 0: 256.
	MaxIdleConns int
	// MaxHeaderBytes bounds the head of an answer; 0: 64 KiB.
	MaxHeaderBytes int
	// UserAgent is sent where the request has none; empty: "tiershift".
	UserAgent string
	// Proxy returns the proxy for the base URL, or nil for none; it is asked
	// once. The default is http.ProxyFromEnvironment's rule.
	Proxy func(*url.URL) (*url.URL, error)
	// Dial replaces the net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

func (o *Options) setDefaults() {
	const patience = 10 * time.Second
	setDefault(&o.DialTimeout, patience)
	setDefault(&o.TLSHandshakeTimeout, patience)
	setDefault(&o.IdleConnTimeout, 90*time.Second)
	setDefault(&o.MaxIdleConns, 256)
	setDefault(&o.MaxHeaderBytes, 64<<10)
	setDefault(&o.UserAgent, "tiershift")
	if o.Proxy == nil {
		o.Proxy = func(u *url.URL) (*url.URL, error) { return http.ProxyFromEnvironment(&http.Request{URL: u}) }
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
}

func setDefault[T comparable](option *T, value T) {
	var zero T
	if *option == zero {
		*option = value
	}
}

// Client sends requests to one endpoint. It is safe for concurrent use.
type Client struct {
	options Options
	dialer  dialer
	pool    pool
	// target is what stands before a request's path, fixedHead what follows it:
	// the end of the request line and the header lines that never change.
	target, fixedHead string

	open           atomic.Int64
	dials, redials atomic.Uint64
}

// New returns a client for the endpoint. It does not connect.
func New(options Options) (*Client, error) {
	options.setDefaults()
	base, err := parseBase(options.BaseURL)
	if err != nil {
		return nil, err
	}
	if !message.ValidValue(options.UserAgent) {
		return nil, errors.New("the user agent holds a control character")
	}
	c := &Client{options: options, pool: pool{max: options.MaxIdleConns, timeout: options.IdleConnTimeout}}
	c.dialer = dialer{
		dial: options.Dial, timeout: options.DialTimeout, tlsTimeout: options.TLSHandshakeTimeout,
		addr: hostPort(base),
	}
	if base.Scheme == "https" {
		c.dialer.tls = clientTLS(options.TLSConfig, base.Hostname())
	}
	proxy, err := options.Proxy(base)
	if err != nil {
		return nil, errors.New("the proxy settings are invalid") // err would repeat the proxy's password
	}
	if proxy != nil {
		if err := c.dialer.useProxy(proxy, options.TLSConfig); err != nil {
			return nil, err
		}
	}
	c.target = strings.TrimSuffix(base.EscapedPath(), "/")
	c.fixedHead = " HTTP/1.1\r\nHost: " + base.Host + "\r\nAccept-Encoding: identity\r\n"
	if c.dialer.proxyAddr != "" && !c.dialer.tunnelled {
		c.target = base.Scheme + "://" + base.Host + c.target
		c.fixedHead += c.dialer.proxyAuth
	}
	return c, nil
}

// parseBase never repeats the URL in an error: it may hold a password.
func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the base URL is not a URL")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the base URL must be http or https")
	case u.Hostname() == "":
		return nil, errors.New("the base URL has no host")
	case !validTarget(u.Host):
		return nil, errors.New("the base URL's host must be ASCII: write international names in Punycode")
	case u.User != nil:
		return nil, errors.New("the base URL must not hold credentials")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the base URL must have neither query nor fragment")
	}
	u.Host = strings.TrimSuffix(u.Host, ":")
	return u, nil
}

// heads are the buffers in which the heads of requests are put together.
var heads = sync.Pool{New: func() any { return new([]byte) }}

// Do sends the request and returns the answer as soon as its head is there. The
// response has to be closed. Errors are those of this package; see [Sent].
//
// A pooled connection that ends before the first byte of the answer, and soon,
// was closed by the server for being idle; the request is then sent once more,
// on a new connection.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	head := heads.Get().(*[]byte)
	var err error
	if *head, err = c.appendHead((*head)[:0], req); err != nil {
		heads.Put(head)
		return nil, err
	}
	r := newResponse(ctx, &req.Timeouts)
	err = r.begin(c, head, req.Body)
	if !r.uploading() {
		clear(*head) // it may hold a key
		heads.Put(head)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// CloseIdle closes the connections that are not in use.
func (c *Client) CloseIdle() { c.pool.drain(false) }

// Close closes the connections that are not in use, and those in use once they
// no longer are. The client still works, with a new connection for each request.
func (c *Client) Close() { c.pool.drain(true) }

// Stats are the counts of a client's connections.
type Stats struct {
	// Open are all connections, Idle those of them that wait in the pool.
	Open, Idle int
	// Dials counts the connections made, Redials the requests that were sent
	// again because a pooled connection had died.
	Dials, Redials uint64
}

// Stats returns the counts now.
func (c *Client) Stats() Stats {
	return Stats{
		Open: int(c.open.Load()), Idle: c.pool.len(),
		Dials: c.dials.Load(), Redials: c.redials.Load(),
	}
}
