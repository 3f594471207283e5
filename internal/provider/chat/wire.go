package chat

// The wires, as [Request.Wire] and [Native.Wire] name them: by the folders of
// their codecs.
const (
	WireOpenAIChat = "openaichat"
	WireResponses  = "responses"
	WireAnthropic  = "anthropic"
	WireGemini     = "gemini"
)

// Unsupported is the error of an encoder that cannot carry the member.
func (n Native) Unsupported(wire string) *Unsupported {
	reason := n.Reason
	if reason == "" {
		reason = "only the wire of the request knows it; leave it out, or route the request to a provider of that wire"
	}
	return &Unsupported{Field: n.Field, Wire: wire, Reason: reason}
}

// FieldName is what the client's wire calls a member of the neutral request that
// OpenAI Chat Completions calls name: encoders need it to name what they drop or
// refuse.
func (r *Request) FieldName(name string) string {
	if name == "reasoning_effort" && r.Reasoning.EffortOnly {
		return "output_config.effort" // Anthropic's, the only wire that has such an effort
	}
	if own, ok := fieldNames[r.Wire][name]; ok {
		return own
	}
	return name
}

// fieldNames are the names that differ from those of Chat Completions.
var fieldNames = map[string]map[string]string{
	WireResponses: {
		"messages": "input", "max_tokens": "max_output_tokens", "response_format": "text.format",
		"reasoning_effort": "reasoning",
	},
	WireAnthropic: {
		"stop": "stop_sequences", "reasoning_effort": "thinking", "user": "metadata.user_id",
		"response_format": "output_config.format", "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
	},
	WireGemini: {
		"messages": "contents", "stop": "generationConfig.stopSequences", "top_k": "generationConfig.topK",
		"top_p": "generationConfig.topP", "temperature": "generationConfig.temperature", "seed": "generationConfig.seed",
		"n": "generationConfig.candidateCount", "max_tokens": "generationConfig.maxOutputTokens",
		"frequency_penalty": "generationConfig.frequencyPenalty", "presence_penalty": "generationConfig.presencePenalty",
		"logprobs": "generationConfig.responseLogprobs", "top_logprobs": "generationConfig.logprobs",
		"reasoning_effort": "generationConfig.thinkingConfig", "response_format": "generationConfig.responseSchema",
		"tool_choice": "toolConfig.functionCallingConfig", "metadata": "labels",
	},
}
