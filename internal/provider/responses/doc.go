// Package responses translates between OpenAI Responses (POST /v1/responses, JSON
// and typed server-sent events) and the neutral model, both ways
// (https://platform.openai.com/docs/api-reference/responses).
//
// # State
//
// Responses may keep conversations at the provider. A router that sends each
// request where it is best answered cannot: previous_response_id, conversation,
// prompt, background and item references are carried to a provider of this wire
// and refused everywhere else. store is harmless: an answer that was made
// elsewhere cannot be retrieved by its id, whatever store said.
//
// # What a provider of this wire is not told
//
//	field                       what happens
//	stop                        refused: Responses has no stop sequences
//	n                           refused: Responses gives one answer
//	sound                       refused
//	top_k, seed, penalties      dropped: Responses has none
//	cache marks                 dropped: prefixes are cached without them
//	foreign thoughts            dropped: only their provider can read them
//	reasoning settings          dropped where the model is not known to reason
//	failed tool results         marked by "Error: " before their text
//	text documents              sent as text
//	caps below 16 tokens        raised to 16, the least that Responses takes
//	built-in and custom tools   refused, but for clients of this wire
//
// Requests of other wires are sent with store false, and thoughts are asked for
// in their encrypted form, so that the next turn can bring them back.
//
// # What a client of this wire is not told
//
// What the answer repeats of the request (tools, instructions, temperature, …) has
// its default. Reasoning items have ids that start with "rs_ts" and the
// provider's signature as their encrypted content; when they come back, the
// signature goes to the provider unchanged. Of several answers only the first is
// told. Citations without a URL are dropped.
//
// The stream encoder keeps the answer, for this wire repeats it in its last event:
// about the answer's length of memory for a stream.
//
// The package must never do I/O, keep state between requests, or put content into
// an error.
package responses
