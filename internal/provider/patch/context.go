package patch

import "strings"

// IsContextExceeded reports whether an error answer says that the request is too
// long for the model, so that one with a larger context may take it. Status 200 is
// for an error where a completion should be, 500 was llama.cpp's.
func IsContextExceeded(status int, body []byte) bool {
	switch status {
	case 200, 400, 413, 422, 500:
	default:
		return false
	}
	e := readError(body)
	return e.IsContextExceeded() || saysContextExceeded(e.raw)
}

// IsContextExceeded reports whether the error says that the request is too long
// for the model.
func (e ErrorBody) IsContextExceeded() bool {
	return contextCodes[e.Code] || contextCodes[e.Type] || saysContextExceeded(e.Message)
}

func saysContextExceeded(message string) bool {
	said := strings.ToLower(message)
	return saysAny(said, contextPhrases) && !saysAny(said, ratePhrases)
}

func saysAny(text string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// contextCodes are codes and types that say it without words.
var contextCodes = map[string]bool{
	"context_length_exceeded":       true, // OpenAI, Azure OpenAI, Groq, OpenRouter
	"exceed_context_size_error":     true, // llama.cpp
	"model_context_window_exceeded": true, // Z.ai
}

// contextPhrases are what providers say, in lower case.
var contextPhrases = []string{
	// OpenAI, DeepSeek, vLLM, SGLang, OpenRouter: "This model's maximum context
	// length is 131072 tokens. However, you requested …". Mistral: "Prompt
	// contains 65673 tokens …, too large for model with 32768 maximum context
	// length".
	"maximum context length",
	"exceeds the context window",                   // OpenAI: "Your input exceeds the context window of this model."
	"input tokens exceed the configured limit",     // OpenAI
	"maximum prompt length is",                     // xAI: "This model's maximum prompt length is 131072 but the request contains 537812 tokens."
	"prompt is too long",                           // Anthropic: "prompt is too long: 213462 tokens > 200000 maximum"
	"input is too long for requested model",        // Bedrock
	"exceeds the maximum number of tokens allowed", // Gemini: "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576)."
	"reduce the length of the messages",            // Groq
	"exceeds the available context size",           // llama.cpp
	"context size has been exceeded",               // LM Studio with MLX
	"greater than the context length",              // LM Studio
	"is loaded with context length of only",        // LM Studio: "Trying to keep the first 15857 tokens when context the overflows. However, …"
	"longer than the model's context length",       // Together
	"exceeds the maximum allowed input length",     // Poolside
	"exceeded max context length",                  // Ollama: "prompt too long; exceeded max context length by 12 tokens"
	"exceeded model token limit",                   // Moonshot
	"context window exceeds limit",                 // MiniMax
	"range of input length should be",              // Qwen
	"context length exceeded",
	"context_length_exceeded",
	"max_tokens must be at least 1, got -", // vLLM up to 0.5: what the prompt left for the answer
}

// ratePhrases mark limits on tokens per minute, which some providers report with
// status 413 and in similar words.
var ratePhrases = []string{"rate limit", "rate_limit", "per minute", "too many requests"}
