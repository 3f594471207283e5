// Package expression compiles and evaluates the CEL conditions of routes and
// classification rules. The control plane compiles them to report a bad one by
// its field; the router compiles them again and evaluates them per request.
//
// An expression is a boolean over two variables:
//
//	request.path      string               the URL path before the API's own ("/api/code-review")
//	request.method    string               the HTTP method
//	request.model     string               the model that the client asked for
//	request.headers   map(string, string)  lower-case name to first value
//	request.metadata  map(string, string)  the request's metadata object
//	request.stream    bool                 whether the client asked for a stream
//	request.user      string               the request's user field
//	request.client    string               the authenticated client's name
//	prompt.text       string               all user messages
//	prompt.tokens     int                  the estimated tokens of the whole prompt
//	prompt.hasCode    bool                 whether the user messages hold code
//	prompt.turns      int                  the user messages in the conversation
//	prompt.hasTools   bool                 whether tools are offered
//	prompt.hasImages  bool                 whether images are attached
//
// with CEL's standard functions and macros and the strings extension.
//
// A key that a map does not have, or an index that a list does not have, leaves
// the value undefined. Where the result depends on it the expression does not
// hold, which is no error: a route for request.headers["x-plan"] == "premium"
// does not match a request without that header. Nor does one for
// request.headers["x-plan"] != "free", which has to be written as
// !("x-plan" in request.headers && request.headers["x-plan"] == "free").
//
// Linking CEL costs a binary that has nothing else of it about 10 MB on disk,
// 5.8 MB of resident memory (4.4 MB of it file-backed) and 3 ms at start. The
// first Compile adds about 1.3 MB and 2.5 ms; a router without expressions never
// pays for that.
//
// The package must never do I/O, never read a clock, and never accept an
// expression whose cost has no bound.
package expression
