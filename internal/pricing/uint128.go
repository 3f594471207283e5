package pricing

import (
	"math/bits"
	"strconv"
)

// uint128 is an unsigned integer of 128 bits.
type uint128 struct{ hi, lo uint64 }

func product(a, b uint64) uint128 {
	hi, lo := bits.Mul64(a, b)
	return uint128{hi, lo}
}

// plus wraps beyond 2^128: callers know their sums to be smaller.
func (u uint128) plus(v uint128) uint128 {
	lo, carry := bits.Add64(u.lo, v.lo, 0)
	hi, _ := bits.Add64(u.hi, v.hi, carry)
	return uint128{hi, lo}
}

// times saturates.
func (u uint128) times(factor uint64) uint128 {
	over, high := bits.Mul64(u.hi, factor)
	carried, lo := bits.Mul64(u.lo, factor)
	hi, carry := bits.Add64(high, carried, 0)
	if over != 0 || carry != 0 {
		return uint128{^uint64(0), ^uint64(0)}
	}
	return uint128{hi, lo}
}

func (u uint128) divide(divisor uint64) (quotient uint128, remainder uint64) {
	quotient.hi = u.hi / divisor
	quotient.lo, remainder = bits.Div64(u.hi%divisor, u.lo, divisor)
	return quotient, remainder
}

// divideHalfEven rounds to the nearest integer, and halves to the even one. The
// divisor is even or 1, and below 2^63.
func (u uint128) divideHalfEven(divisor uint64) uint128 {
	quotient, remainder := u.divide(divisor)
	half := divisor - divisor/2
	if remainder > half || remainder == half && quotient.lo%2 == 1 {
		quotient = quotient.plus(uint128{lo: 1})
	}
	return quotient
}

// appendDigits writes a value below 2^127 in decimal.
func (u uint128) appendDigits(dst []byte) []byte {
	if u.hi == 0 {
		return strconv.AppendUint(dst, u.lo, 10)
	}
	const group, width = uint64(1e19), 19
	high, low := u.divide(group)
	dst = high.appendDigits(dst)
	end := len(dst) + width
	dst = append(dst, "0000000000000000000"...)
	for i := end - 1; low > 0; i-- {
		dst[i] = byte('0' + low%10)
		low /= 10
	}
	return dst
}
