package upstream

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
	"time"
)

// conn is one connection to the origin, or through a proxy to it.
type conn struct {
	client *Client
	net    net.Conn
	raw    syscall.RawConn // of the TCP connection below; nil: unknown
	secure bool
	buffer *readBuffer
	// idleSince is when its last answer ended.
	idleSince time.Time
}

func (cn *conn) close() {
	_ = cn.net.Close() // whatever it says, the connection is not used again
	cn.releaseBuffer()
	cn.client.open.Add(-1)
}

// dial opens a connection within the connect timeout and the exchange's own.
func (c *Client) dial(ctx context.Context, deadline time.Time) (*conn, error) {
	limit := time.Now().Add(c.options.ConnectTimeout)
	if !deadline.IsZero() && deadline.Before(limit) {
		limit = deadline
	}
	bounded, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	connection, err := c.connect(bounded)
	if err == nil {
		c.open.Add(1)
		return connection, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if bounded.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &TimeoutError{Phase: PhaseConnect}
	}
	return nil, &DialError{Err: err}
}

func (c *Client) connect(ctx context.Context) (*conn, error) {
	address := c.address
	if c.proxy != nil {
		address = addressOf(c.proxy)
	}
	raw, err := c.options.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	out := &conn{client: c, net: raw, raw: rawConn(raw)}
	if c.tls == nil {
		return out, nil
	}
	if c.proxy != nil {
		if err := c.tunnel(ctx, raw); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
	}
	secure := tls.Client(raw, c.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the handshake's error says it all
		return nil, err
	}
	out.net, out.secure = secure, true
	return out, nil
}

func rawConn(connection net.Conn) syscall.RawConn {
	if s, ok := connection.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// tunnel asks the proxy for a tunnel to the origin (RFC 9110, section 9.3.6).
func (c *Client) tunnel(ctx context.Context, connection net.Conn) error {
	deadline, _ := ctx.Deadline()
	if err := connection.SetDeadline(deadline); err != nil {
		return err
	}
	request := "CONNECT " + c.address + " HTTP/1.1\r\nHost: " + c.address + "\r\n" + string(proxyAuthorization(c.proxy)) + "\r\n"
	if _, err := connection.Write([]byte(request)); err != nil {
		return err
	}
	// Byte by byte: what follows the head belongs to the tunnel.
	var head []byte
	one := make([]byte, 1)
	for headEnd(head) < 0 {
		if len(head) > maxHead {
			return malformed("the proxy's head exceeds %d bytes", maxHead)
		}
		n, err := connection.Read(one)
		if err != nil {
			return err
		}
		head = append(head, one[:n]...)
	}
	parsed, err := parseHead(head)
	if err != nil {
		return err
	}
	if parsed.status/100 != 2 {
		return fmt.Errorf("the proxy answered %d", parsed.status)
	}
	return connection.SetDeadline(time.Time{})
}

func proxyAuthorization(proxy *url.URL) []byte {
	if proxy.User == nil {
		return nil
	}
	password, _ := proxy.User.Password()
	credentials := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
	return []byte("Proxy-Authorization: Basic " + credentials + "\r\n")
}
