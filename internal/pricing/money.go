package pricing

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Picodollars is an amount of money: 1 USD is 10^12 of them. It reaches to
// ±9,223,372 USD. Its methods saturate at these ends, so that a sum that no
// longer fits is large, never small or negative; sums over many requests belong
// in a [Total].
type Picodollars int64

const (
	// PicodollarsPerUSD is the number of picodollars in a US dollar.
	PicodollarsPerUSD Picodollars = 1e12
	// MaxPicodollars and MinPicodollars are the amounts that saturate.
	MaxPicodollars Picodollars = math.MaxInt64
	MinPicodollars Picodollars = math.MinInt64
)

// usdDecimals is the number of decimals of a picodollar in USD.
const usdDecimals = 12

// ParseUSD reads an amount in USD: digits, optionally a minus before them and a
// fraction behind them ("25", "0.002", "-3.50"). It keeps an amount exactly or
// refuses it: no exponents, no currency sign, nothing finer than a picodollar.
func ParseUSD(s string) (Picodollars, error) {
	digits, negative := strings.CutPrefix(s, "-")
	value, exact, err := parseDecimal(digits, usdDecimals)
	switch {
	case errors.Is(err, errNotDecimal):
		return 0, fmt.Errorf("%q is not an amount in USD: write a decimal, such as \"25.00\"", s)
	case err == nil && !exact:
		return 0, fmt.Errorf("%q is finer than a picodollar: write at most %d decimals", s, usdDecimals)
	case negative && err == nil && value <= 1<<63:
		return Picodollars(-value), nil // -value wraps to the two's complement on purpose.
	case err != nil || value > math.MaxInt64:
		return 0, fmt.Errorf("%q is beyond ±%s USD", s, MaxPicodollars)
	}
	return Picodollars(value), nil
}

// String is the amount in USD, exactly and as short as that goes: "0.00024".
// ParseUSD reads it back.
func (p Picodollars) String() string {
	return string(p.AppendUSD(nil))
}

// AppendUSD appends what String returns. It allocates only what dst lacks.
func (p Picodollars) AppendUSD(dst []byte) []byte {
	if p < 0 {
		dst = append(dst, '-')
	}
	return appendDecimal(dst, uint128{lo: p.magnitude()}, usdDecimals, false)
}

// FormatUSD is the amount in USD with that many decimals, of 0 to 12, rounded
// half to even: "18.90".
func (p Picodollars) FormatUSD(decimals int) string {
	return formatUSD(p < 0, uint128{lo: p.magnitude()}, decimals)
}

// Float64 is the amount in USD for the export of metrics. It is inexact: never
// calculate with it.
func (p Picodollars) Float64() float64 {
	return float64(p) / float64(PicodollarsPerUSD)
}

// Add is p+q, saturated.
func (p Picodollars) Add(q Picodollars) Picodollars {
	return Total{}.Add(p).Add(q).Picodollars()
}

// Sub is p-q, saturated.
func (p Picodollars) Sub(q Picodollars) Picodollars {
	return Total{}.Add(p).SubTotal(Total{}.Add(q)).Picodollars()
}

// Times is p×n, saturated.
func (p Picodollars) Times(n int64) Picodollars {
	return Total{}.AddTimes(p, n).Picodollars()
}

func (p Picodollars) magnitude() uint64 {
	return magnitude(int64(p))
}

// magnitude is |n|; that of the smallest integer too.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n) // The two's complement of a negative number is its magnitude.
	}
	return uint64(n)
}

// Total is a sum of picodollars over any number of requests, in 128 bits: it
// reaches to ±1.7×10^26 USD and saturates there. The zero Total is 0 USD. It is
// a value: Add returns the sum, == compares.
type Total struct {
	hi int64
	lo uint64
}

var (
	maxTotal = Total{math.MaxInt64, math.MaxUint64}
	minTotal = Total{math.MinInt64, 0}
)

// Add is t+p.
func (t Total) Add(p Picodollars) Total {
	return t.AddTotal(Total{hi: int64(p) >> 63, lo: uint64(p)}) // Sign extension.
}

// AddTimes is t + p×n: n requests that cost p each.
func (t Total) AddTimes(p Picodollars, n int64) Total {
	sum := product(p.magnitude(), magnitude(n))
	term := Total{int64(sum.hi), sum.lo} // At most 2^62.
	if (p < 0) != (n < 0) {
		term = term.negated()
	}
	return t.AddTotal(term)
}

// AddTotal is t+u.
func (t Total) AddTotal(u Total) Total {
	lo, carry := bits.Add64(t.lo, u.lo, 0)
	hi := t.hi + u.hi + int64(carry) // The carry is 0 or 1.
	switch {
	case t.hi >= 0 && u.hi >= 0 && hi < 0:
		return maxTotal
	case t.hi < 0 && u.hi < 0 && hi >= 0:
		return minTotal
	}
	return Total{hi, lo}
}

// SubTotal is t-u.
func (t Total) SubTotal(u Total) Total {
	return t.AddTotal(u.negated())
}

func (t Total) negated() Total {
	if t == minTotal {
		return maxTotal
	}
	lo, borrow := bits.Sub64(0, t.lo, 0)
	return Total{-t.hi - int64(borrow), lo} // The carry is 0 or 1.
}

// Sign is -1, 0 or 1.
func (t Total) Sign() int {
	switch {
	case t.hi < 0:
		return -1
	case t == Total{}:
		return 0
	}
	return 1
}

// Cmp is -1 if t < u, 0 if they are equal, 1 if t > u.
func (t Total) Cmp(u Total) int {
	switch {
	case t == u:
		return 0
	case t.hi < u.hi || t.hi == u.hi && t.lo < u.lo:
		return -1
	}
	return 1
}

// Picodollars is the total, saturated to the smaller type.
func (t Total) Picodollars() Picodollars {
	switch {
	case t.hi > 0 || t.hi == 0 && t.lo > math.MaxInt64:
		return MaxPicodollars
	case t.hi < -1 || t.hi == -1 && t.lo < 1<<63:
		return MinPicodollars
	}
	return Picodollars(t.lo) // Two's complement; hi only repeats the sign.
}

// String is the total in USD, exactly and as short as that goes.
func (t Total) String() string {
	sign := []byte(nil)
	if t.hi < 0 {
		sign = []byte{'-'}
	}
	return string(appendDecimal(sign, t.magnitude(), usdDecimals, false))
}

// FormatUSD is the total in USD with that many decimals, of 0 to 12, rounded
// half to even.
func (t Total) FormatUSD(decimals int) string {
	return formatUSD(t.hi < 0, t.magnitude(), decimals)
}

// Float64 is the total in USD for the export of metrics. It is inexact: never
// calculate with it.
func (t Total) Float64() float64 {
	return (float64(t.hi)*(1<<64) + float64(t.lo)) / float64(PicodollarsPerUSD)
}

// magnitude is |t|. That of the smallest total is one short: the formats need
// a value below 2^127.
func (t Total) magnitude() uint128 {
	if t.hi < 0 {
		t = t.negated()
	}
	return uint128{uint64(t.hi), t.lo} // Not negative.
}

func formatUSD(negative bool, value uint128, decimals int) string {
	decimals = max(0, min(decimals, usdDecimals))
	divisor := uint64(1)
	for range usdDecimals - decimals {
		divisor *= 10
	}
	rounded := value.divideHalfEven(divisor)
	var buffer [48]byte
	text := buffer[:0]
	if negative && rounded != (uint128{}) {
		text = append(text, '-')
	}
	return string(appendDecimal(text, rounded, decimals, true))
}
