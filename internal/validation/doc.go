// Package validation judges answers by their form, as a route's validate asks:
// whether they keep to a JSON Schema, hold a pattern, are long enough, and are
// neither a refusal nor cut short. It cannot tell whether an answer is right.
//
// It is pure. It must never load a schema from anywhere, and never put a byte of
// an answer into an outcome: those end up in headers and logs.
package validation
