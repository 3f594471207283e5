package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// sizing is how long the bench measures.
type sizing struct {
	// rounds is how often all sides take their turn, and cpuPerTurn how much CPU
	// time a side gets to spend in one: with the rounds, seconds.
	rounds     int
	cpuPerTurn time.Duration
	turnLimit  time.Duration
	// latencyTurns is how many turns a side has, with so many requests each.
	latencyTurns, latencyCount, firstTokenCount int
	coldStarts                                  int
	// streams are held open at once, each with an event every streamGap.
	streams   int
	streamGap time.Duration
	settle    time.Duration
}

var (
	whole = sizing{
		rounds: 15, cpuPerTurn: 220 * time.Millisecond, turnLimit: 10 * time.Second,
		latencyTurns: 90, latencyCount: 100, firstTokenCount: 30, coldStarts: 15,
		streams: 10000, streamGap: 5 * time.Second, settle: 3 * time.Second,
	}
	smoke = sizing{
		rounds: 2, cpuPerTurn: 30 * time.Millisecond, turnLimit: time.Second,
		latencyTurns: 2, latencyCount: 100, firstTokenCount: 30, coldStarts: 2,
		streams: 200, streamGap: time.Second, settle: 500 * time.Millisecond,
	}
)

// bench is one run.
type bench struct {
	options  options
	size     sizing
	progress io.Writer
	report   report

	dir                     string
	programs                programs
	upstream, router, proxy *target
	children                []*child
}

func newBench(o options, progress io.Writer) *bench {
	b := &bench{options: o, size: whole, progress: progress, report: newReport(o)}
	if o.quick {
		b.size = smoke
	}
	return b
}

func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.progress, format+"\n", args...) }

// close ends all processes and removes all files.
func (b *bench) close() {
	for _, c := range b.children {
		c.stop()
	}
	b.removeFiles()
}

// measure takes all figures that were asked for.
func (b *bench) measure(ctx context.Context) error {
	for _, m := range []struct {
		figures []limit
		take    func(context.Context) error
	}{
		{[]limit{idleMemory}, b.measureIdle},
		{[]limit{coldStart}, b.measureColdStart},
		{cpuLimits(), b.measureAllCPU},
		{[]limit{latencyP50, latencyP99}, b.measureLatency},
		{[]limit{firstToken}, b.measureFirstToken},
		{[]limit{loadMemory}, b.measureLoaded},
		{[]limit{streamMemory}, b.measureStreams},
	} {
		if !b.wants(m.figures...) {
			continue
		}
		if err := m.take(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// wants reports whether any of the figures was asked for.
func (b *bench) wants(limits ...limit) bool {
	for _, l := range limits {
		if b.options.only == nil || b.options.only.MatchString(l.Name) {
			return true
		}
	}
	return false
}

// sides are the two that are compared, in an order that changes with the round,
// so that neither always has the first turn.
func (b *bench) sides(round int) [2]*target {
	if round%2 == 1 {
		return [2]*target{b.proxy, b.router}
	}
	return [2]*target{b.router, b.proxy}
}
