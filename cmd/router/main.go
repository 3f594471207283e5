// Command router is the data plane: it serves the config that the operator
// compiled, from a mounted file, and nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/router/process"
	"github.com/tiershift/tiershift/internal/router/reload"
	"github.com/tiershift/tiershift/internal/version"
)

func main() {
	runtime.MemProfileRate = 0 // nobody can ask for the profile, whose books take memory
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "router:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("router", flag.ContinueOnError)
	var (
		options      process.Options
		config       = flags.String("config", "/etc/tiershift/config.json", "the compiled config `FILE`")
		secrets      = flags.String("secrets-dir", "/var/run/tiershift/secrets", "the `DIR` with a folder per Secret and a file per key")
		classifiers  = flags.String("classifiers-dir", "/etc/tiershift-classifiers", "the `DIR` with a folder per ConfigMap and a file per trained classifier")
		level        slog.Level
		printVersion = flags.Bool("version", false, "print the version and exit")
	)
	flags.StringVar(&options.Listen, "listen", ":8080", "the `ADDRESS` of the traffic port")
	flags.StringVar(&options.Admin, "admin-listen", ":8081", "the `ADDRESS` of /metrics, /healthz, /readyz and /config")
	flags.DurationVar(&options.ReloadInterval, "reload-interval", time.Second, "how often the config and the keys are looked at")
	flags.DurationVar(&options.DrainDelay, "drain-delay", 5*time.Second, "how long requests are still accepted after SIGTERM")
	flags.DurationVar(&options.DrainTimeout, "drain-timeout", 10*time.Minute, "how long to wait for requests in flight after that")
	flags.Int64Var(&options.Router.MaxBodyBytes, "max-body-bytes", router.DefaultMaxBodyBytes, "the largest request body that is accepted")
	flags.Int64Var(&options.Router.MaxInFlight, "max-in-flight", router.DefaultMaxInFlight, "the most requests that are served at once")
	flags.TextVar(&level, "log-level", slog.LevelInfo, "debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *printVersion {
		fmt.Println("router", version.String())
		return nil
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; see router -help", flags.Arg(0))
	}
	options.Source = reload.File(*config)
	options.Secrets = os.DirFS(*secrets)
	options.Classifiers = os.DirFS(*classifiers)
	options.Log = slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	p, err := process.New(options)
	if err != nil {
		return fmt.Errorf("load %s: %w", *config, err)
	}
	options.Log.Info("serving", "version", version.String(), "listen", options.Listen, "admin", options.Admin, "digest", p.Server().Engine().Digest())
	return p.Run(ctx)
}
