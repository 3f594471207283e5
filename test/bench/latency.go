package main

import (
	"context"
	"fmt"
)

const (
	latencyRate    = 300 // requests per second
	firstTokenRate = 100
	// openConnections is how many requests may be under way before one waits.
	openConnections = 32
)

// openSide is one side of an open-loop measurement.
type openSide struct {
	side
	load  *workload
	turns []openTurn
}

// openTurn is what requests took, in milliseconds, and how busy the machine was
// elsewhere meanwhile.
type openTurn struct {
	times []float64
	busy  float64
}

// measureOpen sends requests at a fixed rate to the upstream itself, through the
// reverse proxy, and through the router, in short turns, so that what else the
// machine does hits all three alike. pick says which time counts.
func (b *bench) measureOpen(ctx context.Context, stream bool, count int, rate float64, pick func(*tally) []float64) (sides [3]openSide, err error) {
	defer func() {
		for _, side := range sides {
			if side.load != nil {
				side.load.done()
			}
		}
	}()
	for i, t := range []*target{b.upstream, b.proxy, b.router} {
		load, err := connect(ctx, t, bodies(2<<10, stream), stream, openConnections)
		if err != nil {
			return sides, err
		}
		sides[i].load = load
		if _, err := load.closed(ctx, 4*openConnections, b.size.turnLimit); err != nil {
			return sides, err
		}
	}
	for turn := range b.size.latencyTurns {
		for k := range sides {
			s := &sides[(k+turn)%len(sides)]
			var sum tally
			busy, err := b.elsewhere(func() (err error) {
				sum, err = s.load.open(ctx, count, rate)
				return err
			})
			if err != nil {
				return sides, err
			}
			s.count(&sum)
			s.turns = append(s.turns, openTurn{pick(&sum), busy})
		}
	}
	return sides, nil
}

// pooled is the quantile over all requests of the turns.
func pooled(turns []openTurn, q float64) float64 {
	var all []float64
	for _, t := range turns {
		all = append(all, t.times...)
	}
	return quantile(all, q)
}

// pooledSpread is the quantile over all turns, and its quartiles over fifths of
// them.
func pooledSpread(turns []openTurn, q float64) (spread, []float64) {
	const parts = 5
	var values []float64
	for i := range min(parts, len(turns)) {
		n := min(parts, len(turns))
		values = append(values, pooled(turns[i*len(turns)/n:(i+1)*len(turns)/n], q))
	}
	s := spreadOf(values)
	s.Median = pooled(turns, q)
	return s, values
}

func (b *bench) measureLatency(ctx context.Context) error {
	sides, err := b.measureOpen(ctx, false, b.size.latencyCount, latencyRate, func(t *tally) []float64 { return t.latencies })
	if err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	b.addOpen(latencyP50, sides, 0.50)
	b.addOpen(latencyP99, sides, 0.99)
	return nil
}

func (b *bench) measureFirstToken(ctx context.Context) error {
	sides, err := b.measureOpen(ctx, true, b.size.firstTokenCount, firstTokenRate, func(t *tally) []float64 { return t.firstBytes })
	if err != nil {
		return fmt.Errorf("time to first token: %w", err)
	}
	b.addOpen(firstToken, sides, 0.50)
	return nil
}

// addOpen adds what the router takes longer than the upstream itself.
func (b *bench) addOpen(l limit, sides [3]openSide, q float64) {
	if !b.wants(l) {
		return
	}
	var out [3]side
	var parts [3][]float64
	busiest := 0.0
	for i := range sides {
		turns, most := quietHalf(sides[i].turns, func(t openTurn) float64 { return t.busy })
		out[i] = sides[i].side
		out[i].spread, parts[i] = pooledSpread(turns, q)
		busiest = max(busiest, most)
	}
	direct, proxy, router := &out[0], &out[1], &out[2]
	value := spreadOf(combine(parts[2], parts[0], difference))
	value.Median = router.Median - direct.Median
	b.add(figure{
		limit: l, RawUnit: "ms", Direct: direct, Proxy: *proxy, Router: *router, Value: value,
		Note: fmt.Sprintf("the reverse proxy adds %.2f ms; %s", proxy.Median-direct.Median, busyNote(busiest)),
	})
}
