// Command profiled is the router with the profiles of net/http/pprof on a port
// of their own, for the bench to say where time and memory go. Nobody should
// serve traffic with it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	_ "net/http/pprof" // registers its handlers
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tiershift/tiershift/internal/router/process"
	"github.com/tiershift/tiershift/internal/router/reload"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "profiled:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var options process.Options
	flags := flag.NewFlagSet("profiled", flag.ContinueOnError)
	config := flags.String("config", "", "the compiled config `FILE`")
	secrets := flags.String("secrets-dir", "", "the `DIR` with a folder per Secret and a file per key")
	profiles := flags.String("profile-listen", "", "the `ADDRESS` of the profiles")
	flags.StringVar(&options.Listen, "listen", "", "the `ADDRESS` of the traffic port")
	flags.StringVar(&options.Admin, "admin-listen", "", "the `ADDRESS` of the admin port")
	flags.DurationVar(&options.DrainDelay, "drain-delay", 0, "how long requests are still accepted after SIGTERM")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	options.Source, options.Secrets = reload.File(*config), os.DirFS(*secrets)
	options.ReloadInterval, options.DrainTimeout = time.Second, time.Second
	options.Log = slog.New(slog.NewJSONHandler(os.Stderr, nil))
	p, err := process.New(options)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: *profiles, ReadHeaderTimeout: time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	defer func() { _ = server.Close() }() // it has nothing to lose
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	select {
	case err := <-failed:
		return err
	case err := <-done:
		return err
	}
}
