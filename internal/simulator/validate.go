package simulator

import (
	"fmt"
	"slices"
	"strings"
)

// validate checks a request as the API does; promptTokens is what the prompt
// counts. The first fault found is returned.
func (r *request) validate(m *Model, promptTokens int) *apiError {
	for _, check := range []func() *apiError{
		r.checkMessages,
		r.checkToolMessages,
		r.checkNumbers,
		r.checkTools,
		r.checkFormat,
		func() *apiError { return r.checkLengths(m, promptTokens) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

var roles = []string{"system", "assistant", "user", "function", "tool", "developer"}

func (r *request) checkMessages() *apiError {
	if r.Messages == nil {
		return badRequest("messages", "missing_required_parameter", "Missing required parameter: 'messages'.")
	}
	if len(r.Messages) == 0 {
		return badRequest("messages", "empty_array",
			"Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	for i, m := range r.Messages {
		if !slices.Contains(roles, m.Role) {
			return badRequest(fmt.Sprintf("messages[%d].role", i), "invalid_value",
				"Invalid value: '%s'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", m.Role)
		}
		if !m.Content.present && len(m.ToolCalls) == 0 {
			return badRequest(fmt.Sprintf("messages.[%d].content", i), "",
				"Invalid value for 'content': expected a string, got null.")
		}
	}
	return nil
}

// checkToolMessages demands that each tool call is answered by the messages
// right after it, and that nothing else answers as a tool.
func (r *request) checkToolMessages() *apiError {
	var open []string
	caller := false
	for i, m := range r.Messages {
		if m.Role == "tool" {
			if !caller {
				return badRequest(fmt.Sprintf("messages.[%d].role", i), "",
					"Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.")
			}
			open = slices.DeleteFunc(open, func(id string) bool { return id == m.ToolCallID })
			continue
		}
		if len(open) > 0 {
			return errUnanswered(i, open)
		}
		caller = len(m.ToolCalls) > 0
		for _, call := range m.ToolCalls {
			open = append(open, call.ID)
		}
	}
	if len(open) > 0 {
		return errUnanswered(len(r.Messages), open)
	}
	return nil
}

func errUnanswered(i int, ids []string) *apiError {
	return badRequest(fmt.Sprintf("messages.[%d].role", i), "",
		"An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "+
			"The following tool_call_ids did not have response messages: %s", strings.Join(ids, ", "))
}

func (r *request) checkNumbers() *apiError {
	for _, c := range []struct {
		name     string
		value    *int
		min, max int
	}{
		{"n", r.N, 1, 128},
		{"max_tokens", r.MaxTokens, 1, 0},
		{"max_completion_tokens", r.MaxCompletionTokens, 1, 0},
		{"top_logprobs", &r.TopLogprobs, 0, 20},
	} {
		if err := checkRange(c.name, "integer", c.value, c.min, c.max); err != nil {
			return err
		}
	}
	if err := checkRange("temperature", "decimal", r.Temperature, 0, 2); err != nil {
		return err
	}
	return checkRange("top_p", "decimal", r.TopP, 0, 1)
}

// checkRange checks a number that may be absent; a max of 0 is no bound.
func checkRange[T int | float64](name, kind string, value *T, low, high T) *apiError {
	switch {
	case value == nil:
		return nil
	case *value < low:
		return badRequest(name, kind+"_below_min_value",
			"Invalid '%s': %s below minimum value. Expected a value >= %v, but got %v instead.", name, kind, low, *value)
	case high != 0 && *value > high:
		return badRequest(name, kind+"_above_max_value",
			"Invalid '%s': %s above maximum value. Expected a value <= %v, but got %v instead.", name, kind, high, *value)
	default:
		return nil
	}
}

func (r *request) checkTools() *apiError {
	if len(r.Tools) == 0 {
		switch {
		case r.Tools != nil:
			return badRequest("tools", "empty_array",
				"Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.")
		case r.ToolChoice.mode != "":
			return badRequest("tool_choice", "",
				"Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
		case r.ParallelToolCalls != nil:
			return badRequest("parallel_tool_calls", "",
				"Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.")
		}
		return nil
	}
	for _, name := range r.ToolChoice.names {
		if !slices.ContainsFunc(r.Tools, func(t tool) bool { return t.Function.Name == name }) {
			return badRequest("tool_choice", "", "Tool choice 'function' not found in 'tools' parameter.")
		}
	}
	return nil
}

func (r *request) checkFormat() *apiError {
	if r.StreamOptions != nil && !r.Stream {
		return badRequest("stream_options", "",
			"The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	if r.ResponseFormat == nil {
		return nil
	}
	switch r.ResponseFormat.Type {
	case "text":
		return nil
	case "json_object":
		return r.checkJSONWord()
	case "json_schema":
		if r.ResponseFormat.JSONSchema.Name == "" {
			return badRequest("response_format.json_schema.name", "missing_required_parameter",
				"Missing required parameter: 'response_format.json_schema.name'.")
		}
		return nil
	default:
		return badRequest("response_format.type", "invalid_value",
			"Invalid value: '%s'. Supported values are: 'json_object', 'json_schema', and 'text'.", r.ResponseFormat.Type)
	}
}

func (r *request) checkJSONWord() *apiError {
	for _, m := range r.Messages {
		if strings.Contains(strings.ToLower(m.Content.text), "json") {
			return nil
		}
	}
	return badRequest("messages", "",
		"'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
}

func (r *request) checkLengths(m *Model, promptTokens int) *apiError {
	limit := r.maxTokens()
	if m.MaxOutputTokens > 0 && limit > m.MaxOutputTokens {
		name := "max_tokens"
		if r.MaxCompletionTokens != nil {
			name = "max_completion_tokens"
		}
		return badRequest(name, "invalid_value",
			"%s is too large: %d. This model supports at most %d completion tokens, whereas you provided %d.",
			name, limit, m.MaxOutputTokens, limit)
	}
	const exceeded = "context_length_exceeded"
	switch {
	case m.ContextTokens == 0:
		return nil
	case promptTokens > m.ContextTokens:
		return badRequest("messages", exceeded, "This model's maximum context length is %d tokens. However, your messages "+
			"resulted in %d tokens. Please reduce the length of the messages.", m.ContextTokens, promptTokens)
	case promptTokens+limit > m.ContextTokens:
		return badRequest("messages", exceeded, "This model's maximum context length is %d tokens. However, you requested %d "+
			"tokens (%d in the messages, %d in the completion). Please reduce the length of the messages or completion.",
			m.ContextTokens, promptTokens+limit, promptTokens, limit)
	default:
		return nil
	}
}
