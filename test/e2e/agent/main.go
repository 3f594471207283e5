// Command agent runs inside the cluster of the end-to-end tests: as the simulated
// providers that routers call, and as the application that calls a gateway through
// its Service with an unmodified OpenAI SDK. Tests drive both over HTTP.
//
//	agent providers -listen :8080
//	agent application -listen :8080 -url http://GATEWAY:8080 -key KEY
//
// It must never be part of an installation: it does what anyone tells it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say what to be: providers or application")
	}
	flags := flag.NewFlagSet("agent "+args[0], flag.ContinueOnError)
	listen := flags.String("listen", ":8080", "the `ADDRESS` to listen at")
	url := flags.String("url", "", "the `URL` of the gateway")
	key := flags.String("key", "", "the `KEY` of the client")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "providers":
		return serve(ctx, *listen, newProviders())
	case "application":
		a := newApplication(*url, *key)
		defer a.stop()
		return serve(ctx, *listen, a.handler())
	}
	return fmt.Errorf("%q is neither providers nor application", args[0])
}

func serve(ctx context.Context, address string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = server.Close() // nothing is left that could be lost
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
