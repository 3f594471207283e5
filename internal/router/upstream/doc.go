// Package upstream is the HTTP/1.1 client of the streaming path: strict,
// synchronous, and pooled. A request costs one vectored write and as many reads
// as the answer comes in; no goroutine stands between the connection and its
// reader, which is where net/http.Transport spends most of its time.
//
// It must never hold back a byte that has arrived, never put a header value or a
// key into an error, never follow a redirect, and never repeat a request that a
// provider may have seen.
package upstream
