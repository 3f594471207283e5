// Package anthropic translates between the neutral model of package chat and
// Anthropic's Messages API (POST /v1/messages, anthropic-version 2023-06-01), in
// both directions: for clients of that API and for providers of it.
//
// The wire is that of https://platform.claude.com/docs/en/api/messages, its
// events that of https://platform.claude.com/docs/en/build-with-claude/streaming,
// both as the official SDK (https://github.com/anthropics/anthropic-sdk-go,
// message.go of v1.84) types them.
//
// # What becomes of a request on this wire
//
//	max_tokens            required: the lower of the client's and the route's cap, else
//	                      the model's own, else [DefaultMaxTokens]
//	system, developer     those that begin a conversation, or that stand where this wire
//	                      takes none, become the system prompt; a later one stays in its
//	                      place for models that take it (Opus 4.8 and later)
//	turns                 consecutive ones of a role are merged, tool results first
//	n > 1, logprobs       refused: one answer, no probabilities
//	audio                 refused
//	response_format       json_schema: output_config.format, its schema brought into the
//	                      subset that is accepted, or for older models a forced tool that
//	                      is turned back into text; json_object: an instruction
//	reasoning             adaptive thinking with an effort, or a token budget, by what
//	                      the model takes (see traits in model.go)
//	temperature, top_p,   dropped where the model or its thinking refuses them; one of
//	top_k                 temperature and top_p where both are refused
//	seed, penalties,      dropped, and named as dropped
//	metadata, cache key
//	service_tier          auto and default are carried, flex is dropped
//	user                  metadata.user_id
//	thoughts              sent back if signed: the signature proves that they are Claude's
//	members of this wire  carried unchanged, as [chat.Native]
//
// It must never do I/O, read a clock or draw a random number, and never put a
// byte of a prompt or of an answer into an error.
package anthropic
