// Command bench holds the router to its figures: it measures a real router
// process against a bare httputil.ReverseProxy in a process of its own, both
// before the same simulated upstream, in turns, in one run. What counts are
// ratios and differences between things measured side by side, never times of
// one machine.
//
//	go run ./test/bench          the whole, about five minutes
//	go run ./test/bench -quick   whether it works, under half a minute
//	go run ./test/bench -check   exit code 1 when a figure is surely missed
//
// A verdict with a question mark is not sure: the quartiles of the rounds lie on
// both sides of the limit. A machine that does other things meanwhile makes for
// many of these, although only the quieter half of the rounds counts.
//
// It must never send anything beyond loopback, and leaves neither a process nor
// a file behind, however it ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
)

// options are the command line.
type options struct {
	quick, json, check bool
	only               *regexp.Regexp
	router             string
	profiles           string
}

func main() {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "role-") {
		fmt.Fprintln(os.Stderr, play(os.Args[1:]))
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	options := flagged()
	flag.Parse()
	met, err := run(ctx, *options, os.Stdout, os.Stderr)
	stop()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	case !met:
		os.Exit(1)
	}
}

// flagged declares the flags and returns the options that parsing them fills.
func flagged() *options {
	o := new(options)
	flag.BoolVar(&o.quick, "quick", false, "only see that everything works: too short for the figures to mean much")
	flag.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	flag.BoolVar(&o.check, "check", false, "exit with 1 when a figure surely misses what it must be")
	flag.StringVar(&o.router, "router", "", "measure this router `FILE` instead of building one")
	flag.StringVar(&o.profiles, "profile", "", "write CPU and allocation profiles of the router to this `DIR`; its figures then are a little worse")
	flag.Func("run", "measure only figures whose name matches this `REGEXP`", func(s string) (err error) {
		o.only, err = regexp.Compile(s)
		return err
	})
	return o
}

// run measures and reports. met is false when -check is given and missed.
func run(ctx context.Context, o options, out, progress io.Writer) (met bool, err error) {
	if !supported {
		return false, fmt.Errorf("processes are measured as Linux shows them; run it there")
	}
	b := newBench(o, progress)
	defer b.close()
	err = b.setUp(ctx)
	if err == nil {
		err = b.measure(ctx)
	}
	switch {
	case ctx.Err() != nil: // whatever came of it
		return false, context.Cause(ctx)
	case err != nil:
		return false, err
	}
	b.report.finish()
	if o.json {
		err = b.report.writeJSON(out)
	} else {
		err = b.report.writeTable(out)
	}
	return !o.check || b.report.met(), err
}
