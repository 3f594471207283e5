// Package conformance proves that the router carries what applications ask: each
// feature, asked by each official SDK, of each kind of provider, as a document and
// as a stream. What it finds is docs/conformance.md, which `make conformance` writes
// and which the tests check.
//
// The SDKs are unmodified but for their base URL, and the providers are simulators
// that the vendors' own SDKs have accepted without the router between
// (internal/simulator). It must never send a request beyond loopback.
package conformance
