package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// messagesRequest is a request as Anthropic's wire has it. A member that is not
// here is refused.
type messagesRequest struct {
	Model         string            `json:"model"`
	MaxTokens     *int              `json:"max_tokens"`
	Messages      []messagesTurn    `json:"messages"`
	System        anthropicContent  `json:"system"`
	Stream        bool              `json:"stream"`
	Temperature   *float64          `json:"temperature"`
	TopP          *float64          `json:"top_p"`
	TopK          *int              `json:"top_k"`
	StopSequences []string          `json:"stop_sequences"`
	Tools         []messagesTool    `json:"tools"`
	ToolChoice    *messagesChoice   `json:"tool_choice"`
	Thinking      *messagesThinking `json:"thinking"`
	OutputConfig  *messagesOutput   `json:"output_config"`
	ServiceTier   string            `json:"service_tier"`
	CacheControl  *messagesCache    `json:"cache_control"`
	Metadata      *struct {
		UserID string `json:"user_id"`
	} `json:"metadata"`
}

type messagesTurn struct {
	Role    string           `json:"role"`
	Content anthropicContent `json:"content"`
}

type messagesCache struct {
	Type string `json:"type"`
	TTL  string `json:"ttl"`
}

type messagesTool struct {
	Type         string          `json:"type"`
	Name         string          `json:"name"`
	Description  string          `json:"description"`
	InputSchema  json.RawMessage `json:"input_schema"`
	Strict       bool            `json:"strict"`
	CacheControl *messagesCache  `json:"cache_control"`
}

type messagesChoice struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	OneOnly bool   `json:"disable_parallel_tool_use"`
}

type messagesThinking struct {
	Type    string `json:"type"`
	Budget  int    `json:"budget_tokens"`
	Display string `json:"display"`
}

// on reports whether the model is to think.
func (t *messagesThinking) on() bool {
	return t != nil && (t.Type == "enabled" || t.Type == "adaptive")
}

type messagesOutput struct {
	Effort string `json:"effort"`
	Format *struct {
		Type   string          `json:"type"`
		Schema json.RawMessage `json:"schema"`
	} `json:"format"`
}

// messagesBlock is a content block of any type.
type messagesBlock struct {
	Type         string            `json:"type"`
	Text         *string           `json:"text"`
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Input        json.RawMessage   `json:"input"`
	ToolUseID    string            `json:"tool_use_id"`
	Content      *anthropicContent `json:"content"`
	IsError      bool              `json:"is_error"`
	Thinking     string            `json:"thinking"`
	Signature    string            `json:"signature"`
	Data         string            `json:"data"`
	Title        string            `json:"title"`
	Context      string            `json:"context"`
	Citations    json.RawMessage   `json:"citations"`
	CacheControl *messagesCache    `json:"cache_control"`
	Source       *messagesSource   `json:"source"`
}

type messagesSource struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type"`
	Data      string `json:"data"`
	URL       string `json:"url"`
	FileID    string `json:"file_id"`
}

// anthropicContent is a string or a list of blocks.
type anthropicContent []messagesBlock

// UnmarshalJSON implements [json.Unmarshaler].
func (c *anthropicContent) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		*c = anthropicContent{{Type: "text", Text: &text}}
		return nil
	}
	return strictly(data, (*[]messagesBlock)(c))
}

// strictly decodes JSON whose members are all known.
func strictly(data []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

var unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)

// anthropicBad is a bad request as Anthropic words it: the path, then what is
// wrong with it.
func anthropicBad(path, format string, args ...any) *apiError {
	text := fmt.Sprintf(format, args...)
	if path != "" {
		text = path + ": " + text
	}
	return badRequest("", "", "%s", text)
}

// anthropicImageTokens is about what a picture of a megapixel costs
// (https://platform.claude.com/docs/en/build-with-claude/vision).
const anthropicImageTokens = 1334

// read reads a request into the form that answers are made from.
func (x *anthropicExchange) read(body []byte) *apiError {
	if err := strictly(body, &x.in); err != nil {
		if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
			return anthropicBad(m[1], "Extra inputs are not permitted")
		}
		return anthropicBad("", "The request body is not valid JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	in, req := &x.in, x.req
	req.Model, req.Stream, req.MaxCompletionTokens = in.Model, in.Stream, in.MaxTokens
	req.ReasoningEffort = in.effort()
	if len(in.System) > 0 {
		req.Messages = append(req.Messages, message{Role: "system", Content: content{text: in.System.text(), present: true}})
	}
	for _, t := range in.Messages {
		req.Messages = append(req.Messages, t.messages()...)
	}
	for _, t := range in.Tools {
		own := tool{Type: "function"}
		own.Function.Name, own.Function.Description, own.Function.Parameters = t.Name, t.Description, t.InputSchema
		req.Tools = append(req.Tools, own)
	}
	if in.OutputConfig != nil && in.OutputConfig.Format != nil {
		req.ResponseFormat = &responseFormat{Type: "json_schema"}
		req.ResponseFormat.JSONSchema.Schema, req.ResponseFormat.JSONSchema.Strict = in.OutputConfig.Format.Schema, true
	}
	if c := in.ToolChoice; c != nil {
		req.ToolChoice = c.choice()
		parallel := !c.OneOnly
		req.ParallelToolCalls = &parallel
	}
	return nil
}

func (c *messagesChoice) choice() toolChoice {
	switch c.Type {
	case "tool":
		return toolChoice{mode: "required", names: []string{c.Name}, forced: true}
	case "any":
		return toolChoice{mode: "required"}
	case "none":
		return toolChoice{mode: "none"}
	}
	return toolChoice{mode: "auto"}
}

// effort is how much the model thinks, in OpenAI's words.
func (r *messagesRequest) effort() string {
	effort := "high"
	switch {
	case !r.Thinking.on():
		return "none"
	case r.OutputConfig != nil && r.OutputConfig.Effort == "max":
		effort = "xhigh"
	case r.OutputConfig != nil && r.OutputConfig.Effort != "":
		effort = r.OutputConfig.Effort
	case r.Thinking.Budget > 0 && r.Thinking.Budget < 8192:
		effort = "medium"
	}
	return effort
}

// text is what the texts of the blocks say.
func (c anthropicContent) text() string {
	var out []string
	for _, b := range c {
		switch {
		case b.Text != nil:
			out = append(out, *b.Text)
		case b.Source != nil && b.Source.Type == "text":
			out = append(out, b.Source.Data)
		}
	}
	return strings.Join(out, "\n")
}

// messages are a turn as OpenAI's wire has it: a message for each tool result, and
// one for the rest.
func (t messagesTurn) messages() []message {
	var out []message
	rest := message{Role: t.Role, Content: content{text: t.Content.text(), present: true}}
	others := len(t.Content) == 0
	for _, b := range t.Content {
		switch b.Type {
		case "tool_result":
			result := message{Role: "tool", ToolCallID: b.ToolUseID, Content: content{present: true}}
			if b.Content != nil {
				result.Content.text = b.Content.text()
			}
			out = append(out, result)
			continue
		case "tool_use":
			rest.ToolCalls = append(rest.ToolCalls, toolCall{b.ID, "function", functionCall{b.Name, string(b.Input)}})
		case "image", "document":
			rest.Content.imageTokens += anthropicImageTokens
		}
		others = true
	}
	if others {
		out = append(out, rest)
	}
	return out
}

// cacheTTL is the longest life that a cache breakpoint asks for; "": there is none.
func (r *messagesRequest) cacheTTL() (ttl string) {
	see := func(c *messagesCache) {
		if c != nil && ttl != "1h" {
			ttl = "5m"
			if c.TTL == "1h" {
				ttl = c.TTL
			}
		}
	}
	see(r.CacheControl)
	for _, t := range r.Tools {
		see(t.CacheControl)
	}
	for _, b := range r.System {
		see(b.CacheControl)
	}
	for _, t := range r.Messages {
		for _, b := range t.Content {
			see(b.CacheControl)
		}
	}
	return ttl
}
