// Package gemini translates the wire of the Gemini API, models.generateContent
// and models.streamGenerateContent of v1beta, to the neutral model of package
// chat and back, for clients and for providers that speak it
// (https://ai.google.dev/api/generate-content).
//
// The wire leaves the model and the streaming to the path: [ParsePath] and [Path]
// read and write it, and the caller sets Model and Stream of a decoded request.
// [New] streams as server-sent events (alt=sse), [NewArray] as the JSON array
// that the method answers with otherwise.
//
// It must never do I/O, read a clock or draw a random number, never keep a
// stream's text (only the arguments of the call at hand, which this wire tells in
// one piece), and never put a byte of a prompt or of an answer into an error.
//
// # Requests: what is carried, and how
//
//	chat                           wire
//	leading system, developer      systemInstruction; a conversation of these alone: contents
//	later system, developer        a user's content, at its place
//	consecutive turns of one role  one content; tool results count as the user's
//	image, document, audio         inlineData, or fileData for URLs and files of Google's
//	tool call                      functionCall, with its id unless the decoder made it ("call_0")
//	tool result                    functionResponse: a JSON object as it is, any other JSON and text
//	                               as {"output":…}, an error as {"error":…}; media in its parts, of
//	                               models before Gemini 3 beside it
//	thought                        text with thought:true
//	thought signature              thoughtSignature of text and calls as it is; of thoughts only if
//	                               this package marked it as Gemini's (see response.go). Gemini 3
//	                               wants one on the first call of a turn: where there is none, Google's
//	                               own placeholder for transferred conversations
//	tool                           functionDeclarations with parametersJsonSchema
//	tool choice                    toolConfig.functionCallingConfig; strict tools: mode VALIDATED
//	JSON format                    responseMimeType, responseJsonSchema
//	effort                         thinkingLevel, before Gemini 3 thinkingBudget
//	budget                         thinkingBudget, within the model's bounds
//	n, stop, seed, penalties, …    generationConfig
//	log probabilities              responseLogprobs, logprobs
//	service tier                   serviceTier
//
// Dropped, because the answer does not need it, and named: user, metadata,
// prompt_cache_key, cache_control (Gemini caches by itself), messages.name,
// redacted_thinking, image_url.detail, filename, reasoning_effort for models that do
// not think, response_format.strict where false, harmless natives of other wires.
//
// Refused, because dropping it would change what was asked: parallel_tool_calls:
// false, more than five stop sequences, a JSON format beside tools for models before
// Gemini 3, files of other providers, media in instructions, other natives.
//
// # Requests: what becomes native
//
// Harmless: safetySettings, labels (also Metadata), store, mediaResolution,
// retrievalConfig, and members that the package does not know. Not harmless:
// cachedContent and continuationToken (they hold a part of the prompt), tools that
// Google runs (googleSearch, codeExecution, …) and the parts that tell of them, clipped
// videos, responseModalities beyond text, speechConfig, imageConfig,
// responseMimeType text/x.enum. EncodeRequest puts back what is native to this wire.
//
// # Answers
//
// Finish reasons: STOP (with calls: tool calls), MAX_TOKENS, the safety family and
// RECITATION (content filter), MALFORMED_FUNCTION_CALL and UNEXPECTED_TOOL_CALL,
// CONTINUATION (pause); others are unknown and encoded as OTHER. A prompt that was
// blocked is an empty choice that ended by the content filter. Usage: see usage.go.
package gemini
