package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// Options are the settings of a Client. Zero values mean the defaults.
type Options struct {
	// BaseURL is the http or https URL that request paths are appended to.
	BaseURL string
	// TLS is cloned; nil: the system's roots.
	TLS *tls.Config
	// ConnectTimeout bounds dialling, proxy and TLS handshake together; 0: 10 s.
	ConnectTimeout time.Duration
	// IdleTimeout is how long an unused connection is kept; 0: 90 s.
	IdleTimeout time.Duration
	// MaxIdle is how many unused connections are kept; 0: 256.
	MaxIdle int
	// Proxy finds the proxy for a URL; nil: HTTP_PROXY, HTTPS_PROXY and NO_PROXY
	// of the environment.
	Proxy func(*url.URL) (*url.URL, error)
	// Dial opens connections; nil: net.Dialer with TCP keep-alive.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	defaultConnectTimeout = 10 * time.Second
	defaultIdleTimeout    = 90 * time.Second
	defaultMaxIdle        = 256
)

// Client sends requests to one base URL. It is safe for concurrent use.
type Client struct {
	options Options
	base    *url.URL
	address string // host:port of the origin
	proxy   *url.URL
	tls     *tls.Config // nil: plain http
	// target is what stands before the request path in the request line.
	target string
	// head is the part of every request's head that never changes.
	head []byte

	open    atomic.Int64
	mu      sync.Mutex
	idle    []*conn // the last used last
	closed  bool    // idle connections are not kept any more
	janitor *time.Timer
}

// New returns a client for the base URL. The error never repeats the URL, which
// may hold what is private.
func New(options Options) (*Client, error) {
	base, err := url.Parse(options.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("the base URL must be an absolute http or https URL")
	}
	if options.ConnectTimeout <= 0 {
		options.ConnectTimeout = defaultConnectTimeout
	}
	if options.IdleTimeout <= 0 {
		options.IdleTimeout = defaultIdleTimeout
	}
	if options.MaxIdle <= 0 {
		options.MaxIdle = defaultMaxIdle
	}
	if options.Proxy == nil {
		options.Proxy = httpproxy.FromEnvironment().ProxyFunc()
	}
	if options.Dial == nil {
		options.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	c := &Client{options: options, base: base, address: addressOf(base)}
	if c.proxy, err = options.Proxy(base); err != nil {
		return nil, fmt.Errorf("proxy for %s: %w", base.Host, err)
	}
	if base.Scheme == "https" {
		c.tls = tlsConfig(options.TLS, base.Hostname())
	}
	c.target = strings.TrimRight(base.EscapedPath(), "/")
	c.head = []byte("Host: " + base.Host + "\r\nUser-Agent: tiershift\r\nAccept-Encoding: identity\r\n")
	if c.proxy != nil && c.tls == nil { // a proxy takes plain http in absolute form
		c.target = "http://" + base.Host + c.target
		c.head = append(c.head, proxyAuthorization(c.proxy)...)
	}
	return c, nil
}

func tlsConfig(given *tls.Config, host string) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if given != nil {
		config = given.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.NextProtos = []string{"http/1.1"}
	if config.ClientSessionCache == nil {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return config
}

func addressOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// Open is the number of connections, Idle of those not in use.
func (c *Client) Open() int64 { return c.open.Load() }

// Idle is the number of connections that wait for a request.
func (c *Client) Idle() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.idle)
}

// CloseIdle closes the connections not in use, and from now on each of the
// others after its answer.
func (c *Client) CloseIdle() {
	c.mu.Lock()
	idle := c.idle
	c.idle, c.closed = nil, true
	if c.janitor != nil {
		c.janitor.Stop()
	}
	c.mu.Unlock()
	for _, cn := range idle {
		cn.close()
	}
}

// take returns the connection used last that still lives, or nil.
func (c *Client) take(now time.Time) *conn {
	for {
		c.mu.Lock()
		n := len(c.idle)
		if n == 0 {
			c.mu.Unlock()
			return nil
		}
		cn := c.idle[n-1]
		c.idle[n-1] = nil
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		if now.Sub(cn.idleSince) < c.options.IdleTimeout && cn.alive() {
			return cn
		}
		cn.close()
	}
}

// put keeps a connection for the next request.
func (c *Client) put(cn *conn) {
	cn.idleSince = time.Now()
	c.mu.Lock()
	if c.closed || len(c.idle) >= c.options.MaxIdle {
		c.mu.Unlock()
		cn.close()
		return
	}
	c.idle = append(c.idle, cn)
	if c.janitor == nil {
		c.janitor = time.AfterFunc(c.options.IdleTimeout, c.evict)
	} else if len(c.idle) == 1 {
		c.janitor.Reset(c.options.IdleTimeout)
	}
	c.mu.Unlock()
}

// evict closes what has idled for too long. The list is in order of last use.
func (c *Client) evict() {
	c.mu.Lock()
	keep := 0
	now := time.Now()
	for keep < len(c.idle) && now.Sub(c.idle[keep].idleSince) >= c.options.IdleTimeout {
		keep++
	}
	old := append([]*conn(nil), c.idle[:keep]...)
	c.idle = append(c.idle[:0], c.idle[keep:]...)
	if len(c.idle) > 0 && !c.closed {
		c.janitor.Reset(c.options.IdleTimeout - now.Sub(c.idle[0].idleSince))
	}
	c.mu.Unlock()
	for _, cn := range old {
		cn.close()
	}
}
