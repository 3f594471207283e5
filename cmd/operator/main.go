// Command operator is the control plane: it turns ProviderCredentials, ModelTiers
// and RoutingPolicies into running routers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/tiershift/tiershift/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], ctrl.GetConfig, logEverything)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
}

// logEverything makes the libraries log as the operator does. It sets what is
// global to the process.
func logEverything(log logr.Logger) {
	ctrl.SetLogger(log)
	klog.SetLogger(log)
}

// run operates the cluster that connect leads to until the context ends. It hands
// its logger to logger before it does anything else.
func run(ctx context.Context, args []string, connect func() (*rest.Config, error), logger func(logr.Logger)) error {
	options, err := parse(args)
	if err != nil {
		return err
	}
	if options.printVersion {
		fmt.Println("operator", version.String())
		return nil
	}
	log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: options.logLevel}))
	logger(log)
	config, err := connect()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	manager, err := newManager(ctx, config, options, log)
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}
