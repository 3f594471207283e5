package pricing

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// RateStrings are prices as a person or a config file writes them: decimal
// strings in USD per million tokens. A price may carry long-context steps,
// "BASE;>N:PRICE;>M:PRICE", N < M: it is PRICE for a request with more than N
// input tokens. An empty string means unknown, not free; [Rates] says what
// stands in for it. "0" is free.
type RateStrings struct {
	// Input is the price of input tokens that no cache touched. Required.
	Input string
	// CachedInput is the price of input tokens read from the provider's cache.
	CachedInput string
	// CacheWrite is the price of input tokens written to the provider's cache
	// for its standard time.
	CacheWrite string
	// CacheWrite1h is the price of those written for an hour (Anthropic).
	CacheWrite1h string
	// Output is the price of output tokens. Required.
	Output string
	// ReasoningOutput is the price of output tokens spent on reasoning.
	ReasoningOutput string
	// BatchDiscountPercent, 0 to 100, comes off the cost of batch requests.
	// Unknown and 0 are the same: the full price.
	BatchDiscountPercent int
}

// Or is s with everything that s leaves empty taken from other.
func (s RateStrings) Or(other RateStrings) RateStrings {
	for k := range kinds {
		if *s.field(k) == "" {
			*s.field(k) = *other.field(k)
		}
	}
	if s.BatchDiscountPercent == 0 {
		s.BatchDiscountPercent = other.BatchDiscountPercent
	}
	return s
}

// kind is a kind of token that has its own price.
type kind int

const (
	input kind = iota
	cachedInput
	cacheWrite
	cacheWrite1h
	output
	reasoningOutput
	kinds
)

// fieldNames are the names of spec.models[].pricing, for messages.
func (k kind) fieldName() string {
	switch k {
	case input:
		return "inputPerMillion"
	case cachedInput:
		return "cachedInputPerMillion"
	case cacheWrite:
		return "cacheWritePerMillion"
	case cacheWrite1h:
		return "cacheWrite1hPerMillion"
	case output:
		return "outputPerMillion"
	default:
		return "reasoningOutputPerMillion"
	}
}

func (s *RateStrings) field(k kind) *string {
	switch k {
	case input:
		return &s.Input
	case cachedInput:
		return &s.CachedInput
	case cacheWrite:
		return &s.CacheWrite
	case cacheWrite1h:
		return &s.CacheWrite1h
	case output:
		return &s.Output
	default:
		return &s.ReasoningOutput
	}
}

// FieldError says which price is wrong, and why.
type FieldError struct {
	// Field is its name in spec.models[].pricing: "inputPerMillion".
	Field string
	// Value is what was written.
	Value string
	// Problem says what is wrong with it and what to write instead.
	Problem string
}

func (e *FieldError) Error() string {
	if e.Value == "" {
		return e.Field + " " + e.Problem
	}
	return fmt.Sprintf("%s: %q %s", e.Field, e.Value, e.Problem)
}

// Rates are the prices of one model, ready to multiply. What is unknown costs
// what the kind it belongs to costs, at every step: cached input and cache
// writes the input price, one-hour cache writes the price of cache writes,
// reasoning the output price. Rates are immutable and safe to share. The zero
// Rates prices everything at 0; see IsZero.
type Rates struct {
	base     prices
	known    [kinds]bool
	discount uint64
	// bands are the long-context steps of all kinds together, ascending.
	bands []band
}

// prices are integers of 10^-15 USD per million tokens: exact for every list
// price of up to 15 decimals, and below 2^63, so that 2^63 input and 2^63 output
// tokens of one request cannot overflow 128 bits.
type prices [kinds]uint64

// band holds the prices of requests with more than above input tokens.
type band struct {
	above  int64
	prices prices
}

const (
	// priceDecimals is the number of decimals that a price keeps.
	priceDecimals = 15
	// maxPrice is 9,223.37 USD per million tokens.
	maxPrice = math.MaxInt64
	// maxThreshold has 12 digits.
	maxThreshold = 999_999_999_999
)

// NewRates reads prices. A price keeps 15 decimals, rounded half to even beyond
// them (0.08333333333333334 is a price of the catalogue), and reaches to 9,223
// USD per million tokens. The error joins a [*FieldError] for every field that
// is missing or wrong.
func NewRates(s RateStrings) (Rates, error) {
	var all [kinds]series
	var errs []error
	for k := range kinds {
		written := *s.field(k)
		parsed, problem := parseSeries(written)
		if written == "" && (k == input || k == output) {
			problem = "is required: a model without it has no price"
		}
		if problem != "" {
			errs = append(errs, &FieldError{k.fieldName(), written, problem})
		}
		all[k] = parsed
	}
	if s.BatchDiscountPercent < 0 || s.BatchDiscountPercent > 100 {
		errs = append(errs, &FieldError{"batchDiscountPercent", strconv.Itoa(s.BatchDiscountPercent), "must be 0 to 100"})
	}
	if len(errs) > 0 {
		return Rates{}, errors.Join(errs...)
	}
	return resolve(&all, uint64(s.BatchDiscountPercent)), nil
}

// Strings is the canonical form of the rates: prices without trailing zeros,
// steps in ascending order, none that changes nothing. NewRates reads it back
// as equal rates, and equal rates give equal strings.
func (r Rates) Strings() RateStrings {
	s := RateStrings{BatchDiscountPercent: int(r.discount)}
	for k := range kinds {
		if r.known[k] {
			*s.field(k) = r.text(k)
		}
	}
	return s
}

func (r Rates) text(k kind) string {
	last := r.base[k]
	text := appendPrice(nil, last)
	for i := range r.bands {
		price := r.bands[i].prices[k]
		if price == last {
			continue
		}
		last = price
		text = append(text, ";>"...)
		text = strconv.AppendInt(text, r.bands[i].above, 10)
		text = append(text, ':')
		text = appendPrice(text, price)
	}
	return string(text)
}

// IsZero says that these are no rates at all: those of NewRates and of a list
// are never zero, even where every price is 0.
func (r Rates) IsZero() bool {
	return !r.known[input]
}

func appendPrice(dst []byte, price uint64) []byte {
	return appendDecimal(dst, uint128{lo: price}, priceDecimals, false)
}

// series is the price of one kind of token: a base and its steps.
type series struct {
	known bool
	base  uint64
	steps []step
}

type step struct {
	above int64
	price uint64
}

const notAPrice = `is not a price in USD per million tokens: write a decimal, such as "2.50", ` +
	`or one with ascending steps, such as "2.50;>200000:5"`

// parseSeries reads a price with its steps; problem is empty if it is well-formed.
func parseSeries(s string) (parsed series, problem string) {
	if s == "" {
		return series{}, ""
	}
	base, rest, stepped := strings.Cut(s, ";")
	parsed.known = true
	if parsed.base, problem = parsePrice(base); problem != "" {
		return series{}, problem
	}
	last := int64(-1)
	for stepped {
		var text string
		text, rest, stepped = strings.Cut(rest, ";")
		next, problem := parseStep(text)
		if problem == "" && next.above <= last {
			problem = notAPrice
		}
		if problem != "" {
			return series{}, problem
		}
		last = next.above
		parsed.steps = append(parsed.steps, next)
	}
	return parsed, ""
}

func parseStep(s string) (parsed step, problem string) {
	condition, price, _ := strings.Cut(s, ":")
	threshold, marked := strings.CutPrefix(condition, ">")
	above, err := strconv.ParseUint(threshold, 10, 63)
	if !marked || err != nil || above > maxThreshold {
		return step{}, notAPrice
	}
	parsed.above = int64(above)
	parsed.price, problem = parsePrice(price)
	return parsed, problem
}

func parsePrice(s string) (price uint64, problem string) {
	price, _, err := parseDecimal(s, priceDecimals)
	switch {
	case errors.Is(err, errNotDecimal):
		return 0, notAPrice
	case err != nil || price > maxPrice:
		return 0, "is more than 9223 USD per million tokens: prices are per million, not per token"
	}
	return price, ""
}

// resolve merges the steps of all kinds into bands and fills in what is unknown.
func resolve(all *[kinds]series, discount uint64) Rates {
	r := Rates{base: pricesAt(all, -1), discount: discount}
	var thresholds []int64
	for k := range kinds {
		r.known[k] = all[k].known
		for _, s := range all[k].steps {
			thresholds = append(thresholds, s.above)
		}
	}
	slices.Sort(thresholds)
	last := r.base
	for _, above := range slices.Compact(thresholds) {
		if next := pricesAt(all, above); next != last {
			r.bands = append(r.bands, band{above, next})
			last = next
		}
	}
	return r
}

// pricesAt are the prices of a request with above+1 input tokens.
func pricesAt(all *[kinds]series, above int64) prices {
	var p prices
	p[input] = all[input].at(above, 0)
	p[cachedInput] = all[cachedInput].at(above, p[input])
	p[cacheWrite] = all[cacheWrite].at(above, p[input])
	p[cacheWrite1h] = all[cacheWrite1h].at(above, p[cacheWrite])
	p[output] = all[output].at(above, 0)
	p[reasoningOutput] = all[reasoningOutput].at(above, p[output])
	return p
}

func (s *series) at(above int64, unknown uint64) uint64 {
	if !s.known {
		return unknown
	}
	price := s.base
	for _, step := range s.steps {
		if step.above <= above {
			price = step.price
		}
	}
	return price
}
