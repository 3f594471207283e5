package upstream

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"
)

// dialer makes connections to one endpoint, through a proxy or directly.
type dialer struct {
	dial                func(ctx context.Context, network, addr string) (net.Conn, error)
	timeout, tlsTimeout time.Duration
	addr                string      // of the provider
	tls                 *tls.Config // nil for http
	proxyAddr           string      // empty: none
	proxyTLS            *tls.Config // nil for a proxy that is reached by http
	proxyAuth           string      // the header line, or empty
	tunnelled           bool        // whether the proxy is asked to CONNECT
}

// link is a connection as it is put together, layer by layer.
type link struct {
	socket, stream net.Conn
	wire           *wire // under TLS
	probe          func() bool
}

// connectAside is connect on a goroutine of its own. To resolve, dial and shake
// hands goes deep, and a goroutine that serves a stream would keep the large stack
// as long as that lasts.
func (d *dialer) connectAside(ctx context.Context) (link, error) {
	type result struct {
		link link
		err  error
	}
	done := make(chan result)
	go func() {
		l, err := d.connect(ctx)
		done <- result{l, err}
	}()
	r := <-done // soon after ctx has ended, if not before
	return r.link, r.err
}

// connect makes a connection ready for the first request. Its error may say that
// a limit of its own has passed when it was the context that ended.
func (d *dialer) connect(ctx context.Context) (link, error) {
	l, err := d.reach(ctx)
	if err != nil || d.tls == nil {
		return l, err
	}
	tlsCtx, cancel := context.WithTimeout(ctx, d.tlsTimeout)
	defer cancel()
	if err := l.encrypt(tlsCtx, d.tls); err != nil {
		_ = l.socket.Close() // the handshake has failed already
		return link{}, limitPassed(tlsCtx, err, PhaseTLS, d.tlsTimeout)
	}
	return l, nil
}

// reach dials, and has the proxy dial, within the dial timeout.
func (d *dialer) reach(ctx context.Context) (link, error) {
	dialCtx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	addr := d.addr
	if d.proxyAddr != "" {
		addr = d.proxyAddr
	}
	socket, err := d.dial(dialCtx, "tcp", addr)
	if err != nil {
		return link{}, limitPassed(dialCtx, err, PhaseDial, d.timeout)
	}
	l := link{socket: socket, stream: socket}
	if d.tls != nil || d.proxyTLS != nil {
		l.wire = &wire{Conn: socket, peek: newPeek(socket)}
		l.stream = l.wire
	} else {
		l.probe = plainProbe(socket)
	}
	if err := d.throughProxy(dialCtx, &l); err != nil {
		_ = socket.Close() // it is of no use any more
		return link{}, limitPassed(dialCtx, err, PhaseDial, d.timeout)
	}
	return l, nil
}

func (d *dialer) throughProxy(ctx context.Context, l *link) error {
	if d.proxyTLS != nil {
		if err := l.encrypt(ctx, d.proxyTLS); err != nil {
			return err
		}
	}
	if !d.tunnelled {
		return nil
	}
	return d.openTunnel(ctx, l)
}

// encrypt puts TLS on top.
func (l *link) encrypt(ctx context.Context, config *tls.Config) error {
	stream := tls.Client(l.stream, config)
	if err := stream.HandshakeContext(ctx); err != nil {
		return err
	}
	l.stream, l.probe = stream, l.wire.probe(stream)
	return nil
}

// openTunnel asks the proxy for a tunnel to the provider
// (https://www.rfc-editor.org/rfc/rfc9110#name-connect).
func (d *dialer) openTunnel(ctx context.Context, l *link) error {
	stop := context.AfterFunc(ctx, func() { _ = l.socket.Close() })
	defer stop()
	request := "CONNECT " + d.addr + " HTTP/1.1\r\nHost: " + d.addr + "\r\n" + d.proxyAuth + "\r\n"
	if _, err := io.WriteString(l.stream, request); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	const maxHead = 8 << 10
	buf := make([]byte, maxHead)
	for n := 0; n < len(buf); {
		m, err := l.stream.Read(buf[n:])
		n += m
		if end := bytes.Index(buf[:n], endOfHead); end >= 0 {
			if end+len(endOfHead) != n {
				return errors.New("proxy: bytes came before the tunnel was used")
			}
			return tunnelOpened(buf[:n])
		}
		if err != nil {
			return fmt.Errorf("proxy: %w", unexpected(err))
		}
	}
	return errors.New("proxy: the head of the answer is too large")
}

func tunnelOpened(answer []byte) error {
	h, err := parseHead(answer)
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	if h.status/100 != 2 {
		return fmt.Errorf("proxy: answered CONNECT with status %d", h.status)
	}
	return nil
}

// limitPassed says so if it was the time that ended a step.
func limitPassed(ctx context.Context, err error, phase Phase, limit time.Duration) error {
	if over(ctx) {
		return &TimeoutError{Phase: phase, Limit: limit}
	}
	return err
}

// over holds for a context that has ended, or is about to: a net.Dialer goes by
// the deadline and may be ahead of the context's own timer.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < time.Millisecond
}

// unexpected turns an end into one that came too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// useProxy prepares for the proxy. Its user and password go into a header and
// nowhere else.
func (d *dialer) useProxy(proxy *url.URL, config *tls.Config) error {
	switch proxy.Scheme {
	case "http":
	case "https":
		if config != nil {
			config = config.Clone()
			config.ServerName = "" // the provider's
		}
		d.proxyTLS = clientTLS(config, proxy.Hostname())
	default:
		return fmt.Errorf("proxies of the scheme %q are not supported, only http and https", proxy.Scheme)
	}
	if proxy.Hostname() == "" {
		return errors.New("the proxy's URL has no host")
	}
	d.proxyAddr = hostPort(proxy)
	d.tunnelled = d.tls != nil
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		d.proxyAuth = "Proxy-Authorization: Basic " + credentials + "\r\n"
	}
	return nil
}

// clientTLS completes a configuration. Only HTTP/1.1 is offered: a server that
// wants nothing else says so in the handshake.
func clientTLS(config *tls.Config, host string) *tls.Config {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config = config.Clone()
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	config.NextProtos = []string{"http/1.1"}
	// Small first records help a browser to render early. A provider needs the
	// whole request.
	config.DynamicRecordSizingDisabled = true
	if config.ClientSessionCache == nil {
		const sessions = 64
		config.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	}
	return config
}

// hostPort is the address of a URL with the port spelled out.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
