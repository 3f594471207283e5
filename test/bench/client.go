package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// conn is one keep-alive connection of the load. It reads HTTP/1.1 as plainly
// as can be, so that the load takes little of the time that is measured.
type conn struct {
	net net.Conn
	buf []byte
	// w is how much of buf was read.
	w int
}

// reply is an answer. Its times are when the first byte of the body had been
// read, and the last.
type reply struct {
	status     int
	body       []byte // with the framing of chunks; valid until the next exchange
	first, end time.Time
}

// dial opens a connection, which breaks when the context ends.
func dial(ctx context.Context, address string) (*conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = c.Close() })
	return &conn{net: c, buf: make([]byte, 4<<10)}, nil
}

func (c *conn) close() { _ = c.net.Close() }

// exchange sends a request and reads its answer to the end. An answer other
// than a whole 200 is an error.
func (c *conn) exchange(request []byte) (reply, error) {
	if err := c.send(request); err != nil {
		return reply{}, err
	}
	r, body, length, err := c.head()
	if err != nil {
		return r, err
	}
	if length >= 0 {
		err = c.counted(&r, body, length)
	} else {
		err = c.chunked(&r, body)
	}
	if err != nil {
		return r, fmt.Errorf("the answer is cut after %d bytes: %w", c.w, err)
	}
	r.end = time.Now()
	r.body = c.buf[body:c.w]
	if r.status != 200 {
		return r, fmt.Errorf("status %d: %.300s", r.status, r.body)
	}
	return r, nil
}

func (c *conn) send(request []byte) error {
	c.w = 0
	_, err := c.net.Write(request)
	return err
}

// read reads once more.
func (c *conn) read() error {
	if c.w == len(c.buf) {
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
	n, err := c.net.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	return errors.Join(err, io.ErrUnexpectedEOF)
}

// head reads the head and returns where the body begins and how long it is, -1
// if it comes in chunks.
func (c *conn) head() (r reply, body, length int, err error) {
	end := -1
	for end < 0 {
		if err := c.read(); err != nil {
			return r, 0, 0, fmt.Errorf("no answer: %w", err)
		}
		end = bytes.Index(c.buf[:c.w], []byte("\r\n\r\n"))
	}
	head := c.buf[:end+2]
	if len(head) < 13 {
		return r, 0, 0, errors.New("no HTTP answer")
	}
	if r.status, err = strconv.Atoi(string(head[9:12])); err != nil {
		return r, 0, 0, errors.New("no HTTP status")
	}
	length = -1
	if value, ok := field(head, "content-length"); ok {
		if length, err = strconv.Atoi(value); err != nil {
			return r, 0, 0, err
		}
	}
	return r, end + 4, length, nil
}

// field finds a header field by its name in lower case.
func field(head []byte, name string) (string, bool) {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		key, value, ok := bytes.Cut(line, []byte(":"))
		if ok && len(key) == len(name) && bytes.EqualFold(key, []byte(name)) {
			return string(bytes.TrimSpace(value)), true
		}
	}
	return "", false
}

func (c *conn) counted(r *reply, body, length int) error {
	for c.w <= body && length > 0 {
		if err := c.read(); err != nil {
			return err
		}
	}
	r.first = time.Now()
	for c.w < body+length {
		if err := c.read(); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) chunked(r *reply, at int) error {
	for {
		size, data, err := c.chunk(at)
		if err != nil {
			return err
		}
		if r.first.IsZero() && size > 0 {
			for c.w <= data {
				if err := c.read(); err != nil {
					return err
				}
			}
			r.first = time.Now()
		}
		at = data + size + len("\r\n")
		for c.w < at {
			if err := c.read(); err != nil {
				return err
			}
		}
		if size == 0 {
			return nil
		}
	}
}

// chunk reads the line that begins a chunk, and returns where its data begins.
func (c *conn) chunk(at int) (size, data int, err error) {
	for {
		if i := bytes.Index(c.buf[min(at, c.w):c.w], []byte("\r\n")); i >= 0 {
			n, err := strconv.ParseUint(string(c.buf[at:at+i]), 16, 31)
			return int(n), at + i + 2, err
		}
		if err := c.read(); err != nil {
			return 0, 0, err
		}
	}
}

// requestBytes writes a request whole.
func requestBytes(address, key string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Accept: application/json\r\nAccept-Encoding: gzip, deflate\r\nUser-Agent: bench\r\nContent-Length: %d\r\n\r\n",
		pathChat, address, key, len(body))
	b.Write(body)
	return b.Bytes()
}
