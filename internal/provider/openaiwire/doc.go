// Package openaiwire is what the codecs of OpenAI's two conversation wires, Chat
// Completions and Responses, have in common: a lean walk over JSON, readers that
// name the field at fault, and the shapes that both wires share (data URLs, token
// counts, citations, errors).
//
// It must never know one of the two wires beyond what both share, do I/O, or put
// content into an error.
package openaiwire
