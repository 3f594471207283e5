package pricing

import (
	"math"
	"math/big"
	"strconv"
)

// Savings compares what requests cost with what they would have cost on the
// baseline model.
type Savings struct {
	Baseline, Actual Total
}

// Saved is the baseline less the actual cost; negative if routing cost more.
func (s Savings) Saved() Total {
	return s.Baseline.SubTotal(s.Actual)
}

// Permille is the saved part of the baseline in tenths of a percent, rounded
// half to even and saturated: 793 is 79.3 %. Without a baseline above zero there is nothing
// to compare with, and ok is false.
func (s Savings) Permille() (permille int64, ok bool) {
	if s.Baseline.Sign() <= 0 {
		return 0, false
	}
	saved, baseline := s.Saved(), s.Baseline.big()
	quotient, remainder := saved.big(), new(big.Int)
	quotient.Mul(quotient, big.NewInt(1000))
	// Euclidean: the remainder is not negative, also below zero.
	quotient.DivMod(quotient, baseline, remainder)
	half := remainder.Lsh(remainder, 1).Cmp(baseline)
	if half > 0 || half == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(1))
	}
	switch {
	case quotient.IsInt64():
		return quotient.Int64(), true
	case quotient.Sign() < 0:
		return math.MinInt64, true
	}
	return math.MaxInt64, true
}

// Percent is Permille as a percentage with one decimal, "79.3" or "-4.0";
// "0.0" if there is no baseline.
func (s Savings) Percent() string {
	permille, _ := s.Permille()
	sign := ""
	if permille < 0 {
		sign = "-"
	}
	tenths := magnitude(permille)
	return sign + strconv.FormatUint(tenths/10, 10) + "." + strconv.FormatUint(tenths%10, 10)
}

func (t Total) big() *big.Int {
	n := big.NewInt(t.hi)
	n.Lsh(n, 64)
	return n.Add(n, new(big.Int).SetUint64(t.lo))
}
