package main

import (
	"fmt"
	"slices"
	"time"
)

// elsewhere is how many processors were busy, while f ran, with processes that
// are not of the bench.
func (b *bench) elsewhere(f func() error) (float64, error) {
	begun := time.Now()
	before, err := b.foreignCPU()
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	after, err := b.foreignCPU()
	return max(0, float64(after-before)/float64(time.Since(begun))), err
}

func (b *bench) foreignCPU() (time.Duration, error) {
	sum, err := machineCPU()
	if err != nil {
		return 0, err
	}
	own, err := ownCPU()
	if err != nil {
		return 0, err
	}
	sum -= own
	for _, t := range []*target{b.upstream, b.proxy, b.router} {
		used, err := t.cpu()
		if err != nil {
			return 0, err
		}
		sum -= used
	}
	return sum, nil
}

// quietHalf are the turns in which the machine had least to do elsewhere, in the
// order in which they were taken, and the most that it had to do in these. What
// was measured in a turn has no say in it.
func quietHalf[T any](turns []T, busy func(T) float64) (quiet []T, most float64) {
	all := make([]float64, len(turns))
	for i, t := range turns {
		all[i] = busy(t)
	}
	most = median(all)
	return slices.DeleteFunc(slices.Clone(turns), func(t T) bool { return busy(t) > most }), most
}

func busyNote(most float64) string {
	return fmt.Sprintf("%.1f processors busy elsewhere", most)
}
