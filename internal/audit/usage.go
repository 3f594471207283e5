package audit

import (
	"encoding/json"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/pricing"
)

// reported is a usage object as any of the wires writes it.
type reported struct {
	// OpenAI Chat Completions.
	PromptTokens     int64   `json:"prompt_tokens"`
	CompletionTokens int64   `json:"completion_tokens"`
	PromptDetails    details `json:"prompt_tokens_details"`
	OutputDetails    details `json:"completion_tokens_details"`
	// OpenAI Responses, and Anthropic, whose input leaves the cache out.
	InputTokens           int64   `json:"input_tokens"`
	OutputTokens          int64   `json:"output_tokens"`
	InputDetails          details `json:"input_tokens_details"`
	ResponsesDetails      details `json:"output_tokens_details"`
	CacheReadInputTokens  int64   `json:"cache_read_input_tokens"`
	CacheCreationInTokens int64   `json:"cache_creation_input_tokens"`
	// Gemini, whose candidates leave the thoughts out.
	GeminiPrompt     int64 `json:"promptTokenCount"`
	GeminiCached     int64 `json:"cachedContentTokenCount"`
	GeminiCandidates int64 `json:"candidatesTokenCount"`
	GeminiThoughts   int64 `json:"thoughtsTokenCount"`
}

type details struct {
	Cached     int64 `json:"cached_tokens"`
	CacheWrite int64 `json:"cache_write_tokens"`
	Reasoning  int64 `json:"reasoning_tokens"`
}

// usageOf reads a usage object; what it does not know is 0.
func usageOf(v json.RawMessage) pricing.Usage {
	var r reported
	if v == nil || json.Unmarshal(v, &r) != nil {
		return pricing.Usage{}
	}
	u := pricing.Usage{
		InputTokens:       r.PromptTokens + r.InputTokens + r.GeminiPrompt,
		CachedInputTokens: max(r.PromptDetails.Cached, r.InputDetails.Cached, r.GeminiCached, r.CacheReadInputTokens),
		CacheWriteTokens:  max(r.PromptDetails.CacheWrite, r.InputDetails.CacheWrite, r.CacheCreationInTokens),
		OutputTokens:      r.CompletionTokens + r.OutputTokens + r.GeminiCandidates + r.GeminiThoughts,
		ReasoningTokens:   max(r.OutputDetails.Reasoning, r.ResponsesDetails.Reasoning, r.GeminiThoughts),
	}
	if r.PromptTokens == 0 && r.InputTokens > 0 { // else prompt_tokens has them in it
		u.InputTokens += r.CacheReadInputTokens + r.CacheCreationInTokens
	}
	return plausible(u)
}

// plausible takes counts that no request has for none.
func plausible(u pricing.Usage) pricing.Usage {
	for _, n := range []int64{u.InputTokens, u.CachedInputTokens, u.CacheWriteTokens, u.OutputTokens, u.ReasoningTokens} {
		if n < 0 || n > maxCount {
			return pricing.Usage{}
		}
	}
	return u
}

// answer is what is read of a response.
type answer struct {
	Model   string          `json:"model"`
	Usage   json.RawMessage `json:"usage"`
	Gemini  json.RawMessage `json:"usageMetadata"`
	Error   json.RawMessage `json:"error"`
	Choices []struct {
		Text    string `json:"text"`
		Message struct {
			Content json.RawMessage `json:"content"`
		} `json:"message"`
	} `json:"choices"`
	Content []struct {
		Text string `json:"text"`
	} `json:"content"`
}

// estimatedOutput weighs the answer's text; 0: it has none that is known.
func (a *answer) estimatedOutput() int64 {
	total := int64(0)
	for i := range a.Choices {
		content, _ := text(a.Choices[i].Message.Content)
		total += classify.EstimateTokens([]byte(a.Choices[i].Text + content))
	}
	for i := range a.Content {
		total += classify.EstimateTokens([]byte(a.Content[i].Text))
	}
	return total
}
