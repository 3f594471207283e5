package gemini

import "github.com/tiershift/tiershift/internal/pricing"

// readUsage translates a UsageMetadata
// (https://ai.google.dev/api/generate-content#UsageMetadata), whose total is the
// sum of prompt, candidates, tool use and thoughts:
//
//   - promptTokenCount includes cachedContentTokenCount; toolUsePromptTokenCount,
//     what tools run by Google gave the model to read, is input besides;
//   - candidatesTokenCount leaves thoughtsTokenCount out.
//
// Google does not report what was written to its cache: implicit caching costs
// nothing.
func readUsage(v value) (u pricing.Usage, ok bool) {
	var thoughts int64
	for m := range v.members {
		switch string(camel(m.name)) {
		case "promptTokenCount":
			u.InputTokens += m.count()
			ok = true
		case "toolUsePromptTokenCount":
			u.InputTokens += m.count()
		case "cachedContentTokenCount":
			u.CachedInputTokens = m.count()
		case "candidatesTokenCount":
			u.OutputTokens += m.count()
			ok = true
		case "thoughtsTokenCount":
			thoughts = m.count()
			ok = true
		}
	}
	u.OutputTokens += thoughts
	u.ReasoningTokens = thoughts
	return u, ok
}

// writeUsage is the inverse. Counts that are zero are left out, as the JSON
// mapping does, but for those that every answer of Google's has.
func writeUsage(w *writer, u pricing.Usage) {
	u = u.Clamped()
	w.open("usageMetadata", '{')
	w.int("promptTokenCount", u.InputTokens)
	w.int("candidatesTokenCount", u.OutputTokens-u.ReasoningTokens)
	w.int("totalTokenCount", u.InputTokens+u.OutputTokens)
	if u.CachedInputTokens > 0 {
		w.int("cachedContentTokenCount", u.CachedInputTokens)
	}
	if u.ReasoningTokens > 0 {
		w.int("thoughtsTokenCount", u.ReasoningTokens)
	}
	w.close('}')
}
