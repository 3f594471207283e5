// Package classify judges what a request asks: which routes' prompt conditions
// it meets, and how demanding it is.
//
// It must never do I/O, never read a clock, and never allocate for a request
// that uses no expression.
package classify
