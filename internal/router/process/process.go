// Package process runs a router: both ports, the config's reload, and the
// drain at the end. The router binary and the embedded mode are this with
// different sources.
//
// It must never end while a request that was accepted is still being served,
// unless the drain timeout has passed.
package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/router/http1"
	"github.com/tiershift/tiershift/internal/router/reload"
	"github.com/tiershift/tiershift/internal/router/upstream"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Options say what to serve and where.
type Options struct {
	// Source is where configs come from.
	Source reload.Source
	// Secrets is the directory of key files.
	Secrets fs.FS
	// Classifiers is the directory of trained classifiers; nil: there is none.
	Classifiers fs.FS
	// Listen and Admin are the addresses of the traffic and the admin port.
	// An empty Admin opens no admin port.
	Listen, Admin string
	// ReloadInterval is how often the source and the key files are looked at.
	ReloadInterval time.Duration
	// DrainDelay is how long requests are still accepted after the end was
	// announced, so that load balancers have time to notice. DrainTimeout
	// bounds the wait for those in flight.
	DrainDelay, DrainTimeout time.Duration
	Router                   router.Options
	Upstream                 upstream.Options
	Log                      *slog.Logger
	// Ready, if set, is called once both ports are open, with their addresses.
	Ready func(listen, admin net.Addr)
	// Reloaded, if set, is told in place of the log what became of a changed
	// config: nil, or why the one before serves on.
	Reloaded func(error)
}

// Process is a router at work.
type Process struct {
	options   Options
	registry  *prometheus.Registry
	metrics   *router.Metrics
	server    *router.Server
	upstreams *router.Upstreams
	reloader  *reload.Reloader
}

// New prepares a process and loads the first config. A first config that cannot
// be loaded is an error: there is no last good one to serve.
func New(options Options) (*Process, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics, err := router.NewMetrics(registry)
	if err != nil {
		return nil, err
	}
	options.Router.Log = options.Log
	p := &Process{
		options: options, registry: registry, metrics: metrics,
		server: router.NewServer(metrics, options.Router), upstreams: router.NewUpstreams(options.Upstream),
	}
	p.reloader = reload.New(options.Source, time.Now, p.apply, reload.AwaitKeys(options.Secrets))
	if err := p.reloader.Load(); err != nil {
		return nil, err
	}
	return p, nil
}

// apply builds an engine and swaps it in.
func (p *Process) apply(config *routerconfig.Config) error {
	engine, err := router.NewEngine(config, router.Dependencies{
		Secrets: p.options.Secrets, Classifiers: p.options.Classifiers, Upstreams: p.upstreams,
	})
	if err != nil {
		return err
	}
	if fault := engine.ClassifierFault(); fault != nil {
		p.options.Log.Warn("the embedded classifier is asked instead", "error", fault)
	}
	p.server.Swap(engine)
	p.upstreams.Retire(config)
	return nil
}

// Server is the traffic handler.
func (p *Process) Server() *router.Server { return p.server }

// serving is one port. The traffic port stands first in every list, so that
// probes and metrics answer until it is drained.
type serving struct {
	server   server
	listener net.Listener
}

// server is what http1.Server and http.Server are alike in.
type server interface {
	Serve(listener net.Listener) error
	Shutdown(ctx context.Context) error
	Close() error
}

// Run serves until the context ends, then drains.
func (p *Process) Run(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", p.options.Listen)
	if err != nil {
		return fmt.Errorf("traffic port: %w", err)
	}
	servers := []serving{{p.trafficServer(), listener}}
	var adminAddr net.Addr
	if p.options.Admin != "" {
		adminListener, err := config.Listen(ctx, "tcp", p.options.Admin)
		if err != nil {
			return errors.Join(fmt.Errorf("admin port: %w", err), listener.Close())
		}
		adminAddr = adminListener.Addr()
		servers = append(servers, serving{p.adminServer(), adminListener})
	}
	failed := make(chan error, len(servers))
	for _, s := range servers {
		go func() { failed <- s.server.Serve(s.listener) }()
	}
	watching, stopWatching := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	defer watchers.Wait() // nothing is reloaded or logged once Run has returned
	defer stopWatching()
	watchers.Go(func() { p.watchConfig(watching) })
	watchers.Go(func() { p.watchKeys(watching) })
	if p.options.Ready != nil {
		p.options.Ready(listener.Addr(), adminAddr)
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	return p.drain(servers)
}

// Both ports wait this long for the head of a request, and for the next one.
const (
	headerPatience = 10 * time.Second
	idlePatience   = 2 * time.Minute
)

func (p *Process) trafficServer() *http1.Server {
	return &http1.Server{Handler: p.server, ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience, ErrorLog: p.options.Log}
}

func (p *Process) adminServer() *http.Server {
	return &http.Server{
		Handler: p.server.AdminHandler(p.registry, p.reloader.Status), ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience,
		ErrorLog: slog.NewLogLogger(p.options.Log.Handler(), slog.LevelWarn),
	}
}

// watchConfig takes new configs into service.
func (p *Process) watchConfig(ctx context.Context) {
	p.reloader.Run(ctx, p.options.ReloadInterval, func(err error) {
		if err != nil {
			p.metrics.ReloadFailed()
		}
		switch {
		case p.options.Reloaded != nil:
			p.options.Reloaded(err)
		case err != nil:
			p.options.Log.Error("new config refused, still serving the last good one", "error", err)
		default:
			p.options.Log.Info("config loaded", "digest", p.reloader.Status().Digest)
		}
	})
}

// watchKeys takes new keys and a new classifier into service.
func (p *Process) watchKeys(ctx context.Context) {
	ticker := time.NewTicker(p.options.ReloadInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if p.server.Engine().RefreshKeys() {
				p.options.Log.Info("keys changed, new requests use the new ones")
			}
			p.refreshClassifier()
		}
	}
}

// refreshClassifier takes a changed classifier into service, and says so.
func (p *Process) refreshClassifier() {
	changed, err := p.server.Engine().RefreshClassifier()
	switch {
	case !changed:
	case err != nil:
		p.options.Log.Warn("the new classifier cannot be used, the one before is asked on", "error", err)
	default:
		p.options.Log.Info("classifier loaded")
	}
}

// drain announces the end, goes on serving for the delay, stops accepting, and
// waits for what is in flight.
func (p *Process) drain(servers []serving) error {
	p.server.Drain()
	if p.options.DrainDelay > 0 {
		p.options.Log.Info("draining", "in_flight", p.server.InFlight(), "delay", p.options.DrainDelay)
		time.Sleep(p.options.DrainDelay)
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.options.DrainTimeout)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if err := s.server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%d requests were still in flight after %s: %w", p.server.InFlight(), p.options.DrainTimeout, err))
			errs = append(errs, s.server.Close())
		}
	}
	return errors.Join(errs...)
}
