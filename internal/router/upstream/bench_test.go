//go:build unix

package upstream

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/router/message"
)

// BenchmarkProxy compares what a proxy costs with this client and with
// httputil.ReverseProxy over a tuned transport. cpu-ns/op is the proxy's process
// alone, system calls included; ns/op only says how long the peer took.
func BenchmarkProxy(b *testing.B) {
	peer := startPeer(b)
	proxies := []struct {
		name    string
		handler http.Handler
	}{
		{"upstream", newClientProxy(b, "http://"+peer.provider)},
		{"ReverseProxy", newReverseProxy(b, "http://"+peer.provider)},
	}
	workloads := []struct {
		name, path  string
		concurrency int
	}{
		{"JSON2KB", "/v1/chat/completions", 8},
		{"SSE50", "/v1/stream", 32},
	}
	for _, load := range workloads {
		for _, proxy := range proxies {
			b.Run(load.name+"/"+proxy.name, func(b *testing.B) {
				server := httptest.NewServer(proxy.handler)
				defer server.Close()
				address := strings.TrimPrefix(server.URL, "http://")
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

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func newReverseProxy(b *testing.B, target string) http.Handler {
	b.Helper()
	u, err := url.Parse(target)
	if err != nil {
		b.Fatal(err)
	}
	transport := &http.Transport{
		MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
	b.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport:  transport,
		BufferPool: &copyBuffers{},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Without this, streams break off when the answer begins before the
		// transport has seen the end of the request's body.
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			b.Error(err)
		}
		proxy.ServeHTTP(w, r)
	})
}

type copyBuffers struct{ pool sync.Pool }

func (c *copyBuffers) Get() []byte {
	if b, ok := c.pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 32<<10)
}

func (c *copyBuffers) Put(b []byte) { c.pool.Put(&b) }

// clientProxy does with this client what a router does at the least.
type clientProxy struct {
	client  *Client
	scratch sync.Pool
}

type proxyScratch struct {
	body, answer []byte
	segments     [1][]byte
	fields       [1]Field
}

func newClientProxy(b *testing.B, target string) http.Handler {
	b.Helper()
	client, err := New(Options{BaseURL: target})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return &clientProxy{client: client, scratch: sync.Pool{New: func() any { return new(proxyScratch) }}}
}

var proxyHead = []byte("Content-Type: application/json\r\n")

func (p *clientProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := p.scratch.Get().(*proxyScratch)
	defer p.scratch.Put(s)
	var err error
	if s.body, err = readAll(s.body[:0], r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.segments[0] = s.body
	s.fields[0] = Field{Name: "Authorization", Value: r.Header.Get("Authorization")}
	resp, err := p.client.Do(r.Context(), &Request{
		Method: r.Method, Path: r.URL.Path, Head: proxyHead, Fields: s.fields[:],
		Body: s.segments[:], ContentLength: int64(len(s.body)),
		Timeouts: Timeouts{FirstByte: time.Minute, Idle: 30 * time.Second, Total: 10 * time.Minute},
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Close()
	header := w.Header()
	resp.EachHeader(func(name, value []byte) {
		if !message.SameName(name, "Transfer-Encoding") {
			key := http.CanonicalHeaderKey(string(name))
			header[key] = append(header[key], string(value))
		}
	})
	if resp.ContentLength >= 0 {
		s.answer, err = resp.ReadAll(s.answer[:0], 1<<20)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		header["Content-Length"] = []string{strconv.Itoa(len(s.answer))}
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(s.answer)
		return
	}
	w.WriteHeader(resp.StatusCode)
	flusher := w.(http.Flusher)
	for {
		content, err := resp.Next()
		if err != nil {
			return
		}
		_, _ = w.Write(content)
		flusher.Flush()
	}
}

func readAll(dst []byte, r io.Reader) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, make([]byte, 4096)...)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

// BenchmarkClient leaves the server in front out: what one exchange costs.
func BenchmarkClient(b *testing.B) {
	peer := startPeer(b)
	base := "http://" + peer.provider
	client, err := New(Options{BaseURL: base})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	answer := make([]byte, 0, 4096)
	measure(b, "upstream", func() error {
		resp, err := client.Do(ctx, &Request{
			Method: "POST", Path: "/v1/chat/completions", Head: proxyHead,
			Body: [][]byte{benchRequest}, ContentLength: int64(len(benchRequest)),
			Timeouts: Timeouts{FirstByte: time.Minute, Idle: 30 * time.Second, Total: 10 * time.Minute},
		})
		if err != nil {
			return err
		}
		defer resp.Close()
		answer, err = resp.ReadAll(answer[:0], 1<<20)
		return err
	})
	measure(b, "Transport", func() error {
		req, err := http.NewRequestWithContext(ctx, "POST", base+"/v1/chat/completions", bytes.NewReader(benchRequest))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		answer, err = readAll(answer[:0], resp.Body)
		return err
	})
}

// BenchmarkOpenStreams measures what a stream costs that waits for its next
// event, the goroutine that waits included.
func BenchmarkOpenStreams(b *testing.B) {
	const streams = 2000
	peer := startPeer(b)
	client := newClient(b, "http://"+peer.provider)
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		before := memoryInUse()
		var begun, group sync.WaitGroup
		begun.Add(streams)
		for range streams {
			group.Go(func() {
				resp, err := client.Do(ctx, &Request{
					Method: "GET", Path: benchHoldPath, Timeouts: Timeouts{FirstByte: time.Minute, Idle: time.Minute},
				})
				if err != nil {
					b.Error(err)
					begun.Done()
					return
				}
				defer resp.Close()
				_, err = resp.Next()
				begun.Done()
				for err == nil {
					_, err = resp.Next()
				}
			})
		}
		begun.Wait()
		b.ReportMetric(float64(memoryInUse()-before)/streams, "B/stream")
		cancel()
		group.Wait()
	}
}

func memoryInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

func measure(b *testing.B, name string, exchange func() error) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		before := cpuTime(b)
		for b.Loop() {
			if err := exchange(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
	})
}
