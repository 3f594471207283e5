// Command operator is the control plane: it turns ProviderCredentials, ModelTiers
// and RoutingPolicies into running routers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/tiershift/tiershift/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], ctrl.GetConfig)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
}

// run operates the cluster that connect leads to until the context ends.
func run(ctx context.Context, args []string, connect func() (*rest.Config, error)) error {
	options, err := parse(args)
	if err != nil {
		return err
	}
	if options.printVersion {
		fmt.Println("operator", version.String())
		return nil
	}
	config, err := connect()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	manager, err := newManager(ctx, config, options)
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}
