// Package pricing says what a request costs: a dated catalogue of list prices,
// integer arithmetic in picodollars, and the cost of a usage record.
//
// Prices are exact: a record's tokens are multiplied by integer prices in 128
// bits and rounded once, half to even, to the picodollar (10^-12 USD). What is
// unknown is never free: an unknown kind of token costs what the dearer kind
// it belongs to costs, and a model without an input or output price is an error.
//
// The package must never read a clock, do I/O, compute money in floating point,
// or guess: a name that is not in the catalogue under a documented spelling is
// unknown, however similar. It holds no state; the embedded tables are read in
// place and nothing is parsed before the first lookup.
package pricing
