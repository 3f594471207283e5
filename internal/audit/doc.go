// Package audit reads a log of past LLM requests and says what a policy would
// have made of them: how demanding they are, what they cost, and what they would
// have cost under the policy.
//
//	lines ─► Record (a format's field map) ─► Decide ─► tally ─► Report ─► JSON, HTML
//
// Logs may be larger than memory: lines stream through a bounded number of
// batches, and only sums are kept.
//
// It must never decide by itself (Decide is the router's own code, handed in),
// never call anyone, and never keep, print or quote a prompt or an answer.
package audit
