package main

import (
	"context"
	"fmt"
	"time"
)

// cpuSide is one side of a scenario.
type cpuSide struct {
	side
	target *target
	load   *workload
	// count is how many requests a turn has.
	count int
	// perRequest is what a request of the last turn took, in microseconds.
	perRequest float64
}

// cpuRound is what a request took on either side, in microseconds, and how busy
// the machine was elsewhere meanwhile.
type cpuRound struct{ router, proxy, busy float64 }

func (b *bench) measureAllCPU(ctx context.Context) error {
	for i := range cpuScenarios {
		s := &cpuScenarios[i]
		if !b.wants(s.limit) {
			continue
		}
		if err := b.measureCPU(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

func (b *bench) measureCPU(ctx context.Context, s *cpuScenario) error {
	gap, err := time.ParseDuration(s.gap)
	if err != nil {
		return err
	}
	if err := setGap(ctx, b.upstream, gap); err != nil {
		return err
	}
	sides := map[*target]*cpuSide{}
	defer func() {
		for _, side := range sides {
			side.load.done()
		}
	}()
	for _, t := range b.sides(0) {
		load, err := connect(ctx, t, bodies(s.size, s.stream), s.stream, s.connections)
		if err != nil {
			return err
		}
		sides[t] = &cpuSide{target: t, load: load}
		if err := b.calibrate(ctx, sides[t]); err != nil {
			return err
		}
	}
	rounds := make([]cpuRound, b.size.rounds)
	for i := range rounds {
		busy, err := b.elsewhere(func() error {
			first, second := sides[b.sides(i)[0]], sides[b.sides(i)[1]]
			if err := b.turn(ctx, first); err != nil {
				return err
			}
			return b.turn(ctx, second)
		})
		if err != nil {
			return err
		}
		rounds[i] = cpuRound{sides[b.router].perRequest, sides[b.proxy].perRequest, busy}
	}
	if err := b.profile(ctx, s.file, sides[b.router].load); err != nil {
		return err
	}
	b.addCPU(s, rounds, sides[b.router].side, sides[b.proxy].side)
	return setGap(ctx, b.upstream, 0)
}

// calibrate warms a side up and finds out how many requests its turns take.
func (b *bench) calibrate(ctx context.Context, s *cpuSide) error {
	warmUp := 10 * len(s.load.conns)
	if _, err := s.load.closed(ctx, warmUp, b.size.turnLimit); err != nil {
		return err
	}
	spent, sum, err := s.spend(ctx, warmUp, b.size.turnLimit)
	if err != nil {
		return err
	}
	s.count = max(int(float64(sum.requests)*float64(b.size.cpuPerTurn)/float64(max(spent, time.Millisecond))), warmUp)
	return nil
}

// spend sends so many requests and returns the CPU time that took.
func (s *cpuSide) spend(ctx context.Context, count int, limit time.Duration) (time.Duration, tally, error) {
	before, err := s.target.cpu()
	if err != nil {
		return 0, tally{}, err
	}
	sum, err := s.load.closed(ctx, count, limit)
	if err != nil {
		return 0, sum, err
	}
	after, err := s.target.cpu()
	return after - before, sum, err
}

func (b *bench) turn(ctx context.Context, s *cpuSide) error {
	spent, sum, err := s.spend(ctx, s.count, b.size.turnLimit)
	if err != nil {
		return err
	}
	s.side.count(&sum)
	s.CPUSeconds += spent.Seconds()
	s.perRequest = microseconds(spent) / float64(max(sum.requests, 1))
	return nil
}

func (b *bench) addCPU(s *cpuScenario, rounds []cpuRound, router, proxy side) {
	quiet, most := quietHalf(rounds, func(r cpuRound) float64 { return r.busy })
	var ofRouter, ofProxy []float64
	for _, r := range quiet {
		ofRouter, ofProxy = append(ofRouter, r.router), append(ofProxy, r.proxy)
	}
	router.spread, proxy.spread = spreadOf(ofRouter), spreadOf(ofProxy)
	b.add(figure{
		limit: s.limit, RawUnit: "µs", Router: router, Proxy: proxy,
		Value: spreadOf(combine(ofRouter, ofProxy, ratio)), Note: busyNote(most),
	})
}
