// Command benchoperator holds the operator to its figures: a real kube-apiserver
// and etcd, the operator's own binary as a process of its own, and many policies.
// It reports how long they take to be in service, what that costs in API requests,
// CPU and memory, what a change of a shared tier costs, and what rest costs.
//
//	go run ./test/benchoperator           a thousand policies, a few minutes
//	go run ./test/benchoperator -quick    whether it works, with fifty
//	go run ./test/benchoperator -check    exit code 1 when a figure is missed
//
// There is no kubelet and no controller of Deployments: the bench creates the pods,
// and answers for their routers at addresses of loopback. Kubernetes' own work and
// the bench's share the machine with the operator, whose CPU time is therefore told
// apart from what the clock says.
//
// It must never send anything beyond loopback, and leaves neither a process nor a
// file behind, however it ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	policies, tiers, credentials, replicas int
	workers                                int
	resync                                 time.Duration
	json, check                            bool
	profiles                               string
}

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	met := false
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		met, err = run(ctx, o, os.Stdout, os.Stderr)
		stop()
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "benchoperator:", err)
		os.Exit(2)
	case !met:
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("benchoperator", flag.ContinueOnError)
	flags.IntVar(&o.policies, "policies", 1000, "how many policies")
	flags.IntVar(&o.tiers, "tiers", 50, "how many tiers they share")
	flags.IntVar(&o.credentials, "credentials", 20, "how many credentials those share")
	flags.IntVar(&o.replicas, "replicas", 1, "how many routers a policy runs")
	flags.IntVar(&o.workers, "workers", 0, "the operator's -workers; 0: its default")
	flags.DurationVar(&o.resync, "resync", 5*time.Second, "the operator's -resync while at rest")
	flags.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	flags.BoolVar(&o.check, "check", false, "exit with 1 when a figure misses what it must be")
	flags.StringVar(&o.profiles, "profile", "", "write CPU and heap profiles of the operator to this `DIR`")
	quick := flags.Bool("quick", false, "only see that everything works: 50 policies, short resyncs")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if *quick {
		o.policies, o.tiers, o.credentials, o.resync = 50, 10, 4, time.Second
	}
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.policies < 2 || o.policies > maxPods || o.tiers < 4 || o.credentials < 1 || o.replicas < 1 || o.policies*o.replicas > maxPods:
		return options{}, fmt.Errorf("at least 2 policies of 4 tiers, 1 credential and 1 replica are needed, and at most %d routers are run", maxPods)
	case o.resync < time.Second:
		return options{}, errors.New("-resync is at least 1s")
	}
	return o, nil
}

// run measures and reports. met is false when -check is given and missed.
func run(ctx context.Context, o options, out, progress io.Writer) (met bool, err error) {
	if !supported {
		return false, errors.New("processes are measured as Linux shows them, which also answers at every address of 127.0.0.0/8; run it there")
	}
	b := &bench{options: o, progress: progress}
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
