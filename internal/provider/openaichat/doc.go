// Package openaichat translates between OpenAI Chat Completions and the neutral
// model, both ways (https://platform.openai.com/docs/api-reference/chat). It also
// knows what the servers that speak this wire add: reasoning_content of DeepSeek
// and vLLM, reasoning_details of OpenRouter, the thought signatures of Gemini's
// OpenAI endpoint, Mistral's content lists.
//
// A request that comes in and goes out over this wire does not pass here: package
// openai splices its bytes. This codec is for requests that change wires.
//
// # What a provider of this wire is not told
//
//	field                       what happens
//	top_k                       dropped: OpenAI refuses it
//	metadata                    dropped: OpenAI wants it only beside store
//	cache marks                 dropped: prefixes are cached without them
//	thinking of earlier turns   dropped, unless the client is of this wire
//	reasoning settings          dropped where the model is not known to reason
//	images in tool results      moved into a user message behind the results
//	failed tool results         marked by "Error: " before their text
//	text documents              sent as text
//	documents by URL            refused: Chat Completions takes data and ids
//	file ids of other vendors   refused
//	sound but WAV and MP3       refused
//	built-in and custom tools   refused
//
// # What a client of this wire is not told
//
// The signature of a thought travels in reasoning_details
// (https://openrouter.ai/docs/use-cases/reasoning-tokens), that of a tool call in
// extra_content (https://ai.google.dev/gemini-api/docs/openai): a client that
// sends them back keeps the chain of thought, one that does not loses nothing
// else. Citations without a URL are dropped. A finish reason "stop" of a
// provider becomes "tool_calls" if it called tools.
//
// The package must never do I/O, keep state between requests, or put content into
// an error.
package openaichat
