package shift

import (
	"errors"
	"fmt"
	"math"
)

// Bucket counts the values above the bucket before it, up to and with Upper. The
// last bucket's Upper may be +Inf.
type Bucket struct {
	Upper float64
	// Count is not cumulative. Prometheus extrapolates, so it need not be whole.
	Count float64
}

// Histogram is a sample by ascending buckets, and the sum of its values.
type Histogram struct {
	Buckets []Bucket
	Sum     float64
}

// Count is the number of values.
func (h *Histogram) Count() float64 {
	n := 0.0
	for _, b := range h.Buckets {
		n += b.Count
	}
	return n
}

var errNotFinite = errors.New("holds a value that is negative or no number")

func (h *Histogram) check() error {
	previous := math.Inf(-1)
	for _, b := range h.Buckets {
		if !isCount(b.Count) || math.IsNaN(b.Upper) {
			return errNotFinite
		}
		if b.Upper <= previous {
			return fmt.Errorf("has buckets out of order at le=%g", b.Upper)
		}
		previous = b.Upper
	}
	if !isCount(h.Sum) {
		return errNotFinite
	}
	return nil
}

func isCount(v float64) bool { return v >= 0 && !math.IsInf(v, 1) } // false for NaN

// sumTolerance is how far the sum of scores may lie outside of what their buckets
// allow, per score: extrapolation rounds, but a counter that was torn is further off.
const sumTolerance = 0.05

// evidence holds scores in [0,1] as Evidence. Where in its bucket a value lies is
// not known; of all placements with the known sum the most spread one is taken,
// which favours no bet in either direction: every bet's logarithm is concave.
func (h *Histogram) evidence() (Evidence, error) {
	var e Evidence
	n := h.Count()
	if n == 0 {
		return e, nil
	}
	lowest, highest := 0.0, 0.0
	h.eachScoreBucket(func(low, high, count float64) {
		lowest += low * count
		highest += high * count
	})
	if h.Sum < lowest-sumTolerance*n || h.Sum > highest+sumTolerance*n {
		return e, fmt.Errorf("has a sum of %g that its buckets do not allow (%g to %g)", h.Sum, lowest, highest)
	}
	// What is above the lowest placement goes to the highest buckets first.
	rest := min(max(h.Sum, lowest), highest) - lowest
	h.eachScoreBucket(func(low, high, count float64) {
		up := 0.0
		if high > low {
			up = min(count, rest/(high-low))
		}
		rest -= up * (high - low)
		e.add(high, up)
		e.add(low, count-up)
	})
	return e, nil
}

// eachScoreBucket visits the filled buckets from the highest to the lowest, with
// their bounds within [0,1].
func (h *Histogram) eachScoreBucket(visit func(low, high, count float64)) {
	for i := len(h.Buckets) - 1; i >= 0; i-- {
		b := h.Buckets[i]
		if b.Count == 0 {
			continue
		}
		low := 0.0
		if i > 0 {
			low = min(max(h.Buckets[i-1].Upper, 0), 1)
		}
		visit(low, max(min(b.Upper, 1), low), b.Count)
	}
}

// within counts the values up to limit; within a bucket they are taken to be
// spread evenly, as Prometheus' histogram_quantile takes them.
func (h *Histogram) within(limit float64) float64 {
	n, low := 0.0, 0.0
	for _, b := range h.Buckets {
		if b.Upper <= limit {
			n += b.Count
			low = b.Upper
			continue
		}
		if !math.IsInf(b.Upper, 1) && limit > low {
			n += b.Count * (limit - low) / (b.Upper - low)
		}
		break
	}
	return n
}

// quantile is the q-quantile by the same rule; 0 without values. Above the last
// finite bucket it is that bucket's bound.
func (h *Histogram) quantile(q float64) float64 {
	rank, low := q*h.Count(), 0.0
	if rank == 0 {
		return 0
	}
	for _, b := range h.Buckets {
		if math.IsInf(b.Upper, 1) {
			break
		}
		if b.Count > 0 && rank <= b.Count {
			return low + (b.Upper-low)*rank/b.Count
		}
		rank -= b.Count
		low = b.Upper
	}
	return low
}

// pool adds the other's values bucket by bucket, where the bounds are the same.
func (h *Histogram) pool(other *Histogram) {
	if len(h.Buckets) == 0 {
		h.Buckets = append([]Bucket(nil), other.Buckets...)
		h.Sum = other.Sum
		return
	}
	if len(h.Buckets) != len(other.Buckets) {
		return
	}
	for i := range h.Buckets {
		h.Buckets[i].Count += other.Buckets[i].Count
	}
	h.Sum += other.Sum
}
