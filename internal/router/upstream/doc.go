// Package upstream is a small, strict, synchronous HTTP/1.1 client for the path
// between the router and a provider: a request goes out in one writev, the
// answer is handed over as it arrives, and everything happens on the caller's
// goroutine. net/http's Transport runs two goroutines per connection and wakes
// each of them for every request and every piece of a stream; leaving that out
// is what this package is for. Only of a request of more than 64 KiB, what the kernel
// does not take at once is written by a goroutine, beside the reading of an answer
// that may come early.
//
// The contract, in the order in which it is relied upon:
//
//   - What has arrived is handed over at once. No read waits to fill a buffer.
//   - Every error tells whether the request may have reached the provider (see
//     [Sent]), since what reached it has to be paid for.
//   - The end of the context closes the connection at once, so that a provider
//     stops producing what nobody reads.
//   - An answer whose length or framing is in doubt is an error, and its
//     connection is closed: no byte of it can become part of another answer.
//
// It must never follow a redirect, decompress a body, retry an answered request,
// change a header it was given, or put a header value or a URL's credentials in
// an error.
package upstream
