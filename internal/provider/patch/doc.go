// Package patch reads of requests, in the wire of any of the APIs, what routing and
// accounting need, and edits those that a provider of the same wire gets; of OpenAI's
// wire, which most providers copy, also JSON answers, event streams and errors. Where
// the wires differ, package translate comes in.
//
// Everything is a pure function of the bytes it is given. A request is checked
// and understood in one pass, and edited by splicing: what need not change is
// passed on byte for byte, never decoded and encoded again.
//
// It must never do I/O, never read a clock, never allocate for an ordinary
// request or event once its reusable types are warm, and never put a byte of a
// prompt or of an answer into an error: those end up in logs. What a provider
// says of an error is passed on, cut to a sane length.
package patch
