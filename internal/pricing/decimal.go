package pricing

import (
	"errors"
	"strconv"
	"strings"
)

var (
	errNotDecimal = errors.New("is not a decimal")
	errTooLarge   = errors.New("is too large")
)

// parseDecimal reads DIGITS or DIGITS.DIGITS as a multiple of 10^-scale. Digits
// beyond the scale round half to even; exact says that they were all zero.
func parseDecimal(s string, scale int) (value uint64, exact bool, err error) {
	whole, fraction, dotted := strings.Cut(s, ".")
	if !isDigits(whole) || dotted && !isDigits(fraction) {
		return 0, false, errNotDecimal
	}
	kept := fraction[:min(scale, len(fraction))]
	rest := strings.TrimRight(fraction[len(kept):], "0")
	digits := strings.TrimLeft(whole+kept+strings.Repeat("0", scale-len(kept)), "0")
	if digits == "" {
		digits = "0"
	}
	value, err = strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, false, errTooLarge
	}
	if rest > "5" || rest == "5" && value%2 == 1 {
		value++
		if value == 0 {
			return 0, false, errTooLarge
		}
	}
	return value, rest == "", nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// appendDecimal writes value×10^-scale, with trailing zeros of the fraction only
// if fixed.
func appendDecimal(dst []byte, value uint128, scale int, fixed bool) []byte {
	var buffer [39]byte
	digits := value.appendDigits(buffer[:0])
	for len(digits) <= scale {
		digits = append(digits, 0)
		copy(digits[1:], digits)
		digits[0] = '0'
	}
	point := len(digits) - scale
	end := len(digits)
	for !fixed && end > point && digits[end-1] == '0' {
		end--
	}
	dst = append(dst, digits[:point]...)
	if end == point {
		return dst
	}
	dst = append(dst, '.')
	return append(dst, digits[point:end]...)
}
