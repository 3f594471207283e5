//go:build unix

package http1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkServer compares what a server costs with a handler that does about what
// the router's does with it. cpu-ns/op is the server's process alone, system calls
// included; ns/op only says how long the client took.
func BenchmarkServer(b *testing.B) {
	peer := startPeer(b)
	servers := []struct {
		name  string
		start func(http.Handler) server
	}{
		{"http1", func(h http.Handler) server {
			return &Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
		}},
		{"net-http", func(h http.Handler) server {
			return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
		}},
	}
	workloads := []struct {
		name, path  string
		concurrency int
	}{
		{"JSON2KB", "/v1/chat/completions", 8},
		{"JSON2KBwaiting", "/v1/waiting", 32}, // as for a provider: the client is watched
		{"SSE50", "/v1/stream", 8},
		{"SSE50paced", "/v1/paced", 32},
	}
	for _, load := range workloads {
		for _, s := range servers {
			b.Run(load.name+"/"+s.name, func(b *testing.B) {
				address := serveOn(b, s.start(http.HandlerFunc(benchHandler)))
				peer.load(address, load.path, 2*load.concurrency, load.concurrency)
				b.ReportAllocs()
				b.ResetTimer()
				before := cpuTime(b)
				peer.load(address, load.path, b.N, load.concurrency)
				used := cpuTime(b) - before
				b.StopTimer()
				b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

type server interface {
	Serve(net.Listener) error
	Close() error
}

func serveOn(b *testing.B, s server) (address string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	b.Cleanup(func() {
		_ = s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			b.Error(err)
		}
	})
	return l.Addr().String()
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

var (
	benchAnswer = []byte(strings.Repeat("a", 800))
	benchEvent  = []byte("data: {\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\"," +
		"\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n")
	benchBodies = sync.Pool{New: func() any { return new([4096]byte) }}

	benchJSON, benchStream, benchLength = []string{"application/json"}, []string{"text/event-stream"}, []string{"800"}
	benchValue                          = []string{"a-usual-value"}
)

// benchHandler reads the body as the router does, and answers with as many headers.
func benchHandler(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(time.Minute))
	space := benchBodies.Get().(*[4096]byte)
	defer benchBodies.Put(space)
	for n := 0; ; {
		m, err := r.Body.Read(space[n:])
		n += m
		if err == io.EOF {
			break
		}
		if err != nil {
			return
		}
	}
	_ = control.SetReadDeadline(time.Time{})
	h := w.Header()
	for _, name := range []string{
		"X-Tiershift-Request-Id", "X-Request-Id", "X-Tiershift-Route", "X-Tiershift-Tier", "X-Tiershift-Model",
		"X-Tiershift-Provider", "X-Tiershift-Reason", "X-Tiershift-Attempts", "X-Tiershift-Cost-Usd",
	} {
		h[name] = benchValue
	}
	if r.URL.Path == "/v1/waiting" {
		time.Sleep(2 * watchAfter)
	}
	if r.URL.Path == "/v1/chat/completions" || r.URL.Path == "/v1/waiting" {
		h["Content-Type"], h["Content-Length"] = benchJSON, benchLength
		_, _ = w.Write(benchAnswer)
		return
	}
	h["Content-Type"] = benchStream
	_ = control.SetWriteDeadline(time.Now().Add(2 * time.Minute))
	for range 50 {
		if r.URL.Path == "/v1/paced" {
			time.Sleep(time.Millisecond)
		}
		if _, err := w.Write(benchEvent); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
	}
}

// BenchmarkOpenStreams measures what a stream costs that waits for its next event.
func BenchmarkOpenStreams(b *testing.B) {
	const streams = 2000
	for _, name := range []string{"http1", "net-http"} {
		b.Run(name, func(b *testing.B) {
			release := make(chan struct{})
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = w.Write(benchEvent)
				_ = http.NewResponseController(w).Flush()
				select {
				case <-release:
				case <-r.Context().Done():
				}
			})
			var s server = &Server{Handler: handler}
			if name == "net-http" {
				s = &http.Server{Handler: handler}
			}
			address := serveOn(b, s)
			request := strings.Replace(benchRequest, "%s", "/v1/stream", 1)
			for b.Loop() {
				before := memoryInUse()
				conns := make([]net.Conn, streams)
				for i := range conns {
					c, err := net.Dial("tcp", address)
					if err != nil {
						b.Fatal(err)
					}
					conns[i] = c
					if _, err := io.WriteString(c, request); err != nil {
						b.Fatal(err)
					}
					var first [1]byte
					if _, err := c.Read(first[:]); err != nil {
						b.Fatal(err)
					}
				}
				time.Sleep(100 * time.Millisecond) // so that all are watched
				b.ReportMetric(float64(memoryInUse()-before)/streams, "B/stream")
				for _, c := range conns {
					c.Close()
				}
			}
			close(release)
		})
	}
}

func memoryInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
