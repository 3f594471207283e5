package shiftsim

import (
	"math"
	"math/rand/v2"
)

// exactBelow is the mean up to which counts are drawn exactly; above it the normal
// approximation is off by less than what matters here.
const exactBelow = 40

// binomial draws how many of n happen, each with probability p.
func binomial(random *rand.Rand, n int, p float64) int {
	switch {
	case n <= 0 || p <= 0:
		return 0
	case p >= 1:
		return n
	case p > 0.5:
		return n - binomial(random, n, 1-p)
	}
	mean := float64(n) * p
	if mean > exactBelow {
		drawn := math.Round(mean + math.Sqrt(mean*(1-p))*random.NormFloat64())
		return int(min(max(drawn, 0), float64(n)))
	}
	// Inversion: walk up the distribution function.
	u, odds := random.Float64(), p/(1-p)
	term := math.Exp(float64(n) * math.Log1p(-p))
	for k := 0; k < n; k++ {
		if u < term {
			return k
		}
		u -= term
		term *= odds * float64(n-k) / float64(k+1)
	}
	return n
}

// poisson draws a count of this mean.
func poisson(random *rand.Rand, mean float64) int {
	if mean <= 0 {
		return 0
	}
	if mean > exactBelow {
		return int(max(math.Round(mean+math.Sqrt(mean)*random.NormFloat64()), 0))
	}
	u, term := random.Float64(), math.Exp(-mean)
	for k := 0; k < 1000; k++ {
		if u < term {
			return k
		}
		u -= term
		term *= mean / float64(k+1)
	}
	return 1000
}
