package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// request is a chat completion request, as far as the simulator heeds it.
type request struct {
	Model               string                     `json:"model"`
	Messages            []message                  `json:"messages"`
	Stream              bool                       `json:"stream"`
	StreamOptions       *streamOptions             `json:"stream_options"`
	MaxTokens           *int                       `json:"max_tokens"`
	MaxCompletionTokens *int                       `json:"max_completion_tokens"`
	N                   *int                       `json:"n"`
	Stop                stopSequences              `json:"stop"`
	Tools               []tool                     `json:"tools"`
	ToolChoice          toolChoice                 `json:"tool_choice"`
	ParallelToolCalls   *bool                      `json:"parallel_tool_calls"`
	ResponseFormat      *responseFormat            `json:"response_format"`
	Logprobs            bool                       `json:"logprobs"`
	TopLogprobs         int                        `json:"top_logprobs"`
	ReasoningEffort     string                     `json:"reasoning_effort"`
	ServiceTier         string                     `json:"service_tier"`
	Temperature         *float64                   `json:"temperature"`
	TopP                *float64                   `json:"top_p"`
	Metadata            map[string]json.RawMessage `json:"metadata"`

	// array and showThoughts are Gemini's: a stream as one JSON array, and thoughts
	// as a part of the answer.
	array, showThoughts bool
}

type streamOptions struct {
	IncludeUsage       bool  `json:"include_usage"`
	IncludeObfuscation *bool `json:"include_obfuscation"`
}

type responseFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Name   string          `json:"name"`
		Strict bool            `json:"strict"`
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

type message struct {
	Role       string     `json:"role"`
	Content    content    `json:"content"`
	ToolCalls  []toolCall `json:"tool_calls"`
	ToolCallID string     `json:"tool_call_id"`
}

// toolCall is a call as it stands in requests and in answers.
type toolCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function functionCall `json:"function"`
}

type functionCall struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type tool struct {
	Type     string `json:"type"`
	Function struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
	} `json:"function"`
}

// content is the content of a message: a string, a list of parts, or null.
type content struct {
	text        string
	present     bool
	imageTokens int
}

// Tokens per image, as OpenAI documents them for its 4o models: low detail, and
// a 1024 by 1024 picture in high detail.
const (
	lowDetailTokens  = 85
	highDetailTokens = 765
)

// UnmarshalJSON implements [json.Unmarshaler].
func (c *content) UnmarshalJSON(data []byte) error {
	*c = content{}
	if string(data) == "null" {
		return nil
	}
	c.present = true
	if data[0] != '[' {
		return json.Unmarshal(data, &c.text)
	}
	var parts []struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		Refusal  string `json:"refusal"`
		ImageURL struct {
			Detail string `json:"detail"`
		} `json:"image_url"`
	}
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	var texts []string
	for _, p := range parts {
		if p.Type == "image_url" {
			c.imageTokens += imageTokens(p.ImageURL.Detail)
			continue
		}
		texts = append(texts, p.Text+p.Refusal)
	}
	c.text = strings.Join(texts, "\n")
	return nil
}

func imageTokens(detail string) int {
	if detail == "low" {
		return lowDetailTokens
	}
	return highDetailTokens
}

// stopSequences is the stop parameter: a string or a list.
type stopSequences []string

// UnmarshalJSON implements [json.Unmarshaler].
func (s *stopSequences) UnmarshalJSON(data []byte) error {
	if data[0] != '"' {
		return json.Unmarshal(data, (*[]string)(s))
	}
	*s = make([]string, 1)
	return json.Unmarshal(data, &(*s)[0])
}

// toolChoice is the tool_choice parameter. The mode is "", none, auto or
// required; names restricts the choice, and forced says that the one name is
// the client's demand.
type toolChoice struct {
	mode   string
	names  []string
	forced bool
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *toolChoice) UnmarshalJSON(data []byte) error {
	*t = toolChoice{}
	if data[0] != '{' {
		return json.Unmarshal(data, &t.mode)
	}
	var object struct {
		tool
		AllowedTools struct {
			Mode  string `json:"mode"`
			Tools []tool `json:"tools"`
		} `json:"allowed_tools"`
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return err
	}
	if object.Type == "allowed_tools" {
		t.mode = object.AllowedTools.Mode
		for _, allowed := range object.AllowedTools.Tools {
			t.names = append(t.names, allowed.Function.Name)
		}
		return nil
	}
	t.mode, t.names, t.forced = "required", []string{object.Function.Name}, true
	return nil
}

// decodeRequest reads a body as OpenAI does: one that is not declared as JSON
// is not looked at, and so lacks everything.
func decodeRequest(contentType string, body []byte) (*request, *apiError) {
	req := &request{}
	if media, _, _ := mime.ParseMediaType(contentType); media != "application/json" {
		return req, nil
	}
	err := json.Unmarshal(body, req)
	var mistyped *json.UnmarshalTypeError
	switch {
	case err == nil:
		return req, nil
	case errors.As(err, &mistyped) && json.Valid(body):
		return nil, errInvalidType(mistyped.Field, mistyped.Type.String(), mistyped.Value)
	default:
		return nil, errInvalidJSON
	}
}

// maxTokens is the bound that the request sets on its answer; 0: none.
func (r *request) maxTokens() int {
	switch {
	case r.MaxCompletionTokens != nil:
		return *r.MaxCompletionTokens
	case r.MaxTokens != nil:
		return *r.MaxTokens
	default:
		return 0
	}
}

func (r *request) choices() int {
	if r.N == nil {
		return 1
	}
	return *r.N
}

// prompt is the text that is to be answered: that of the last user message.
func (r *request) prompt() string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == "user" {
			return r.Messages[i].Content.text
		}
	}
	return ""
}

// instructions is the text of the system and developer messages.
func (r *request) instructions() string {
	var out []string
	for _, m := range r.Messages {
		if m.Role == "system" || m.Role == "developer" {
			out = append(out, m.Content.text)
		}
	}
	return strings.Join(out, "\n")
}

// hash identifies the conversation.
func (r *request) hash() uint64 {
	var h uint64
	for _, m := range r.Messages {
		h = mix(h, hashText(m.Role, m.Content.text, m.ToolCallID))
	}
	return h
}

// difficulty is the hint in the metadata, or else an estimate, to which tools
// and each earlier turn add a little.
func (r *request) difficulty() float64 {
	if hint, ok := r.Metadata["difficulty"]; ok {
		text := string(bytes.Trim(hint, `"`))
		if v, err := strconv.ParseFloat(text, 64); err == nil && v == v {
			return clampShare(v)
		}
	}
	d := Difficulty(r.prompt())
	if len(r.Tools) > 0 {
		d += 0.05
	}
	turns := 0
	for _, m := range r.Messages {
		if m.Role == "assistant" {
			turns++
		}
	}
	return clampShare(d + min(0.02*float64(turns), 0.1))
}

// apiKey returns the key that a request presents, as any of the SDKs sends it.
func apiKey(h http.Header) string {
	if scheme, key, ok := strings.Cut(h.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		return key
	}
	for _, name := range []string{"api-key", "x-api-key", "x-goog-api-key"} {
		if key := h.Get(name); key != "" {
			return key
		}
	}
	return ""
}
