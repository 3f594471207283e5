// Package router is the data plane: it takes a request as a client's SDK sends
// it, decides which model tier answers, calls upstream models until one answers
// or the attempts are used up, relays the answer, and prices every call exactly.
//
// It must never talk to the Kubernetes API, never log or export a prompt, an
// answer or a key, and never change more of a body than routing requires.
package router
