// Package simulator provides model providers that need no key and no network:
// HTTP handlers that speak the OpenAI wire format (chat completions as JSON and
// as a stream, embeddings, the model list, errors, rate-limit headers) so closely that the
// official SDKs and the router cannot tell them from the real thing.
//
// It serves tests (every provider fault on demand), the demo (answers whose
// quality depends honestly on how capable the model is and how hard the prompt
// is) and benchmarks (a canned answer at next to no cost).
//
// It must never call a real provider, never listen beyond loopback, never know
// how the router classifies a prompt, and never be linked into the router.
//
// # How well a simulated model answers
//
// Every model has a capability and every prompt a difficulty, both in [0,1].
// The probability that the model answers the prompt well is
//
//	P = 1 / (1 + exp(-Slope * (capability - difficulty)))
//
// with Slope = 12: one half where capability equals difficulty, 0.95 a quarter
// above it, 0.05 a quarter below. Whether it does is settled by one draw u that
// is fixed by (seed, model, prompt): well if u < P. So the same model answers
// the same prompt the same way every time, two models draw independently, and
// lowering a model's capability only ever turns good answers into bad ones.
//
//   - A good answer has quality 0.75 + 0.25 * (1 - u/P).
//   - A bad answer is wrong (45 %, quality 0.30), truncated (25 %, 0.40),
//     off-topic (15 %, 0.10) or a refusal (15 %, 0.05).
//
// The difficulty of a prompt is what the request states in metadata.difficulty,
// or else what [Difficulty] estimates from the text.
//
// # Where the truth can be read
//
// A complete answer ends with a reference such as "(ref 3f2a9c7d41)": six hex
// digits that fingerprint the prompt it answers, two that carry its quality and
// two that check them. Truncated answers and refusals have none. [Judge] reads
// it; so does a simulated model that is asked to grade an answer. The response
// headers [QualityHeader] and [DifficultyHeader] state the truth as well.
package simulator
