package http1

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultMaxHeaderBytes bounds a request line and its headers.
const DefaultMaxHeaderBytes = 64 << 10

// Server serves a handler. Its fields must not be changed once it serves.
type Server struct {
	Handler http.Handler
	// ReadHeaderTimeout is how long the head of a request may take, from its first
	// byte or, of a new connection, from the beginning; 0: for ever.
	ReadHeaderTimeout time.Duration
	// IdleTimeout is how long a connection waits for its next request; 0: for ever.
	IdleTimeout time.Duration
	// MaxHeaderBytes bounds the head of a request; 0: DefaultMaxHeaderBytes.
	MaxHeaderBytes int
	// ErrorLog gets what an operator should look into; nil: slog's default.
	ErrorLog *slog.Logger

	closing   atomic.Bool
	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
}

func (s *Server) log() *slog.Logger {
	if s.ErrorLog == nil {
		return slog.Default()
	}
	return s.ErrorLog
}

func (s *Server) maxHeader() int {
	if s.MaxHeaderBytes <= 0 {
		return DefaultMaxHeaderBytes
	}
	return s.MaxHeaderBytes
}

// Serve accepts connections and serves each on a goroutine of its own. It closes
// the listener, and returns http.ErrServerClosed after Shutdown or Close and
// otherwise the error of the listener. Errors that pass, such as too many open
// files, are waited out.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.listen(l) {
		return http.ErrServerClosed
	}
	defer s.unlisten(l)
	var pause time.Duration
	for {
		socket, err := l.Accept()
		if err != nil {
			if s.closing.Load() {
				return http.ErrServerClosed
			}
			if !passing(err) {
				return err
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log().Warn("a connection could not be accepted", "error", err, "pause", pause)
			time.Sleep(pause)
			continue
		}
		pause = 0
		if c := newConn(s, socket); s.remember(c) {
			go c.serve()
		} else {
			_ = socket.Close()
		}
	}
}

func passing(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && t.Temporary()
}

func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	if s.listeners == nil {
		s.listeners, s.conns = map[net.Listener]struct{}{}, map[*conn]struct{}{}
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) unlisten(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) remember(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// stop closes the listeners.
func (s *Server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	var errs []error
	for l := range s.listeners {
		errs = append(errs, l.Close())
	}
	clear(s.listeners)
	return errors.Join(errs...)
}

// newGrace is how long a new connection may take to send its first byte once the
// server shuts down.
const newGrace = 5 * time.Second

// Shutdown stops accepting, closes the connections that wait for a request, and
// waits until those that serve one are done, or the context is, whose error it
// returns then. Answers that begin from now on close their connections.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.stop()
	begun := now()
	pause := time.Millisecond
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for !s.closeIdle(now()-begun > newGrace) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			pause = min(2*pause, 100*time.Millisecond)
			timer.Reset(pause)
		}
	}
	return err
}

// closeIdle closes what is not in use, and reports whether nothing is left.
func (s *Server) closeIdle(newToo bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.state.CompareAndSwap(connIdle, connClosed) || newToo && c.state.CompareAndSwap(connNew, connClosed) {
			_ = c.socket.Close()
		}
	}
	return len(s.conns) == 0
}

// Close stops accepting and closes all connections at once.
func (s *Server) Close() error {
	err := s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.socket.Close()
	}
	return err
}
