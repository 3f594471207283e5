package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a process of the bench. It ends with the bench, whatever ends that.
type child struct {
	name string
	cmd  *exec.Cmd
	pid  int
	logs tail
	// ended is closed when the process has ended and was waited for.
	ended chan struct{}
}

// start starts a program in a process group of its own, so that an interrupt at
// the terminal reaches the bench alone, which then ends its children.
func start(name, path string, args ...string) (*child, error) {
	c := &child{name: name, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	c.cmd.Stderr = &c.logs
	c.cmd.SysProcAttr = ownGroup()
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c.pid = c.cmd.Process.Pid
	go func() {
		defer close(c.ended)
		_ = c.cmd.Wait() // how a child ends that was told to is no news; one that was not is found missing
	}()
	return c, nil
}

// stop ends the process and waits until it is gone.
func (c *child) stop() {
	if c == nil {
		return
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // one that has ended already needs none
	select {
	case <-c.ended:
	case <-time.After(2 * time.Second):
		_ = c.cmd.Process.Kill() // as above
		<-c.ended
	}
}

// tail keeps the last bytes that a process wrote.
type tail struct {
	mu   sync.Mutex
	data []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const keep = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if len(t.data) > keep {
		t.data = append(t.data[:0], t.data[len(t.data)-keep:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.data))
}

// target is a process that requests are sent to.
type target struct {
	*child
	name, address string
	// key is what clients send.
	key string
	// profiles is where its profiles can be fetched; empty: nowhere.
	profiles string
}

// awaitListening returns a first connection once the process listens.
func (t *target) awaitListening(ctx context.Context) (*conn, error) {
	const pause = 100 * time.Microsecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if c, err := new(net.Dialer).DialContext(ctx, "tcp", t.address); err == nil {
			return &conn{net: c, buf: make([]byte, 4<<10)}, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s does not listen: %w; it says: %s", t.name, ctx.Err(), t.logs.String())
		case <-t.ended:
			return nil, fmt.Errorf("%s has ended; it says: %s", t.name, t.logs.String())
		case <-time.After(pause):
		}
	}
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// memory is what a process occupies, in bytes.
type memory struct {
	// resident is all of it, file the part that is the program's own file, which
	// the system can drop at any time, and peak the most that resident was.
	resident, file, peak float64
}
