// Package http1 is a small, strict HTTP/1.1 server for the traffic between
// clients and the router: one goroutine per connection, which reads a request,
// runs the handler and writes the answer. net/http's server starts and stops a
// second goroutine for every request, sets several deadlines, and puts each head
// together from copies; leaving that out is what this package is for.
//
// The contract, in the order in which it is relied upon:
//
//   - A request that two readers could understand differently is refused, and its
//     connection is closed: no byte of it can become part of another request.
//   - The context of a request ends when its client goes away. That is watched
//     once the body was read to its end and the handler has run for a moment
//     ([watchAfter]): most handlers are done by then.
//   - What the handler writes leaves at [http.Flusher], at its end, or when it is
//     more than the buffer takes; the head goes with the first of it, in one write.
//   - A connection that waits, for a client or for a handler, holds no buffer that
//     it does not need.
//
// The request, its header, the header of the answer and the writer are the
// handler's until it returns, and for one goroutine at a time. It must never be
// used for HTTP/2, TLS, hijacking, trailers or informational answers: none of
// them is there.
package http1
