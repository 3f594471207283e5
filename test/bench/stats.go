package main

import (
	"slices"
	"time"
)

// quantile returns the q-quantile (0 to 1) of the values, interpolated between
// the two nearest; 0 if there is none. It does not change them.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	share := at - float64(low)
	return sorted[low]*(1-share) + sorted[low+1]*share
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// spread is what a figure was in the rounds: a median and how far rounds lie
// apart.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // the lower quartile
	High   float64 `json:"high"` // the upper quartile
}

func spreadOf(values []float64) spread {
	return spread{Median: median(values), Low: quantile(values, 0.25), High: quantile(values, 0.75)}
}

// combine applies f to the values of each round that both have.
func combine(a, b []float64, f func(a, b float64) float64) []float64 {
	out := make([]float64, 0, len(a))
	for i := range min(len(a), len(b)) {
		out = append(out, f(a[i], b[i]))
	}
	return out
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func difference(a, b float64) float64 { return a - b }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
