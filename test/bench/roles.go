package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tiershift/tiershift/internal/simulator"
)

// The roles that the program takes as a child of itself.
const (
	roleUpstream     = "role-upstream"
	roleReverseProxy = "role-reverse-proxy"
)

// play takes a role until the process is ended. args are the role, the address
// to listen on and, for the reverse proxy, the root URL of the upstream.
func play(args []string) error {
	switch {
	case len(args) == 2 && args[0] == roleUpstream:
		return playUpstream(args[1])
	case len(args) == 3 && args[0] == roleReverseProxy:
		return playReverseProxy(args[1], args[2])
	default:
		return fmt.Errorf("no role: %q", args)
	}
}

func serve(address string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

// answerTokens makes streams of that many tokens, and JSON answers of about 1 KB.
const answerTokens = 50

// playUpstream is a provider that answers everything with the same bytes. GET
// /gap?d=1ms makes it pause so long after each event of a stream.
func playUpstream(address string) error {
	provider, err := simulator.New(simulator.Config{
		Name: "bench", Models: []simulator.Model{{Name: "canned", Capability: 1}},
		Canned: &simulator.Canned{Tokens: answerTokens},
	})
	if err != nil {
		return err
	}
	var gap atomic.Int64
	answer := provider.Handler()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /gap", func(w http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.URL.Query().Get("d"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		gap.Store(int64(d))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if d := time.Duration(gap.Load()); d > 0 {
			w = &pacedWriter{ResponseWriter: w, request: r, gap: d}
		}
		answer.ServeHTTP(w, r)
	})
	return serve(address, mux)
}

// pacedWriter pauses after each flush.
type pacedWriter struct {
	http.ResponseWriter
	request *http.Request
	gap     time.Duration
}

// FlushError is what http.ResponseController flushes by.
func (w *pacedWriter) FlushError() error {
	if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil {
		return err
	}
	return sleep(w.request.Context(), w.gap)
}

// playReverseProxy is what the router is measured against: the standard
// library's reverse proxy, with all that makes it fast.
func playReverseProxy(address, upstream string) error {
	root, err := url.Parse(upstream)
	if err != nil {
		return err
	}
	const connections = 1 << 16
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(root) },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			MaxIdleConnsPerHost: connections,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		},
		FlushInterval: -1,
		BufferPool:    &bufferPool{},
	}
	return serve(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Without it, the server closes the request's body as soon as the answer
		// begins, while the transport still waits for the body's end: a few of a
		// hundred streams are then cut.
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/1.1 always can
		proxy.ServeHTTP(w, r)
	}))
}

// bufferPool keeps the buffers that bodies are copied through.
type bufferPool struct{ pool sync.Pool }

func (p *bufferPool) Get() []byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 32<<10)
}

func (p *bufferPool) Put(b []byte) { p.pool.Put(&b) }

// setGap makes the upstream pause after each event of a stream.
func setGap(ctx context.Context, upstream *target, gap time.Duration) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+upstream.address+"/gap?d="+gap.String(), http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil || response.StatusCode == http.StatusOK {
		return err
	}
	return errors.New("the upstream does not take the gap: " + response.Status)
}
