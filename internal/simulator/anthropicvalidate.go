package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// validate checks a request as the API does. The first fault found is returned.
func (x *anthropicExchange) validate() *apiError {
	for _, check := range []func() *apiError{
		x.checkRequired, x.checkTurns, x.checkToolTurns, x.checkTools, x.checkSampling, x.checkThinking, x.checkOutput,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (x *anthropicExchange) checkRequired() *apiError {
	switch in := &x.in; {
	case in.MaxTokens == nil:
		return anthropicBad("max_tokens", "Field required")
	case *in.MaxTokens < 1:
		return anthropicBad("max_tokens", "Input should be greater than or equal to 1")
	case in.Messages == nil:
		return anthropicBad("messages", "Field required")
	case len(in.Messages) == 0:
		return anthropicBad("messages", "at least one message is required")
	case in.Messages[0].Role != "user":
		return anthropicBad("messages", `first message must use the "user" role`)
	}
	for _, s := range x.in.StopSequences {
		if strings.TrimSpace(s) == "" {
			return anthropicBad("stop_sequences", "each stop sequence must contain non-whitespace")
		}
	}
	return x.checkBlocks("system", x.in.System, "text")
}

// blockTypes are the types that may stand in the turns of a role.
var blockTypes = map[string][]string{
	"user":      {"text", "image", "document", "tool_result"},
	"assistant": {"text", "tool_use", "thinking", "redacted_thinking"},
	"system":    {"text"},
}

// lateSystem are the models that take system messages amid a conversation.
var lateSystem = regexp.MustCompile(`^claude-[a-z]+-(4-[89]|[5-9])`)

// maySystem reports whether the system message may stand there: after a user's
// turn, and before one of the model's or at the end.
func (x *anthropicExchange) maySystem(i int) bool {
	turns := x.in.Messages
	return lateSystem.MatchString(x.in.Model) && i > 0 && turns[i-1].Role == "user" &&
		(i+1 == len(turns) || turns[i+1].Role == "assistant")
}

func (x *anthropicExchange) checkTurns() *apiError {
	for i, t := range x.in.Messages {
		types, ok := blockTypes[t.Role]
		switch {
		case t.Role == "system" && x.maySystem(i):
		case t.Role == "system":
			return anthropicBad("messages", "Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, "+
				"not \"system\" as an input message role.")
		case !ok:
			return anthropicBad(fmt.Sprintf("messages.%d.role", i), "Input should be 'user' or 'assistant'")
		case len(t.Content) == 0:
			return anthropicBad(fmt.Sprintf("messages.%d", i), "all messages must have non-empty content except for the optional final assistant message")
		}
		if err := x.checkBlocks(fmt.Sprintf("messages.%d.content", i), t.Content, types...); err != nil {
			return err
		}
	}
	last := x.in.Messages[len(x.in.Messages)-1]
	if text := last.Content[len(last.Content)-1].Text; last.Role == "assistant" && text != nil && strings.TrimRight(*text, " \n\t") != *text {
		return anthropicBad("messages", "final assistant content cannot end with trailing whitespace")
	}
	return nil
}

func (x *anthropicExchange) checkBlocks(path string, c anthropicContent, types ...string) *apiError {
	for i, b := range c {
		at := fmt.Sprintf("%s.%d", path, i)
		if !slices.Contains(types, b.Type) {
			return unexpectedTag(at, b.Type, strings.Join(types, "', '"))
		}
		if err := x.checkBlock(at, &b); err != nil {
			return err
		}
	}
	return nil
}

func (x *anthropicExchange) checkBlock(path string, b *messagesBlock) *apiError {
	switch b.Type {
	case "text":
		if b.Text == nil || strings.TrimSpace(*b.Text) == "" {
			return anthropicBad("messages", "text content blocks must contain non-whitespace text")
		}
	case "image":
		return checkSource(path+".source", b.Source, "image/jpeg", "image/png", "image/gif", "image/webp")
	case "document":
		return checkSource(path+".source", b.Source, "application/pdf", "text/plain")
	case "tool_use":
		return checkCall(path, b)
	case "tool_result":
		if b.Content != nil {
			return x.checkBlocks(path+".tool_result.content", *b.Content, "text", "image", "document")
		}
	case "thinking":
		return x.checkThought(path, b)
	}
	return nil
}

// checkThought knows a thought by its signature; one that was not shown comes
// back empty.
func (x *anthropicExchange) checkThought(path string, b *messagesBlock) *apiError {
	if b.Signature != x.sign(b.Thinking) {
		return anthropicBad(path, "Invalid `signature` in `thinking` block")
	}
	return nil
}

func checkCall(path string, b *messagesBlock) *apiError {
	switch {
	case !json.Valid(b.Input) || b.Input[0] != '{':
		return anthropicBad(path+".tool_use.input", "Input should be a valid dictionary")
	case !idPattern.MatchString(b.ID):
		return anthropicBad(path+".tool_use.id", "String should match pattern '%s'", idPattern)
	}
	return nil
}

var idPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

func checkSource(path string, s *messagesSource, types ...string) *apiError {
	switch {
	case s == nil:
		return anthropicBad(path, "Field required")
	case s.Type == "url" && strings.HasPrefix(s.URL, "http"), s.Type == "file" && s.FileID != "", s.Type == "text" && s.Data != "":
		return nil
	case s.Type != "base64":
		return unexpectedTag(path, s.Type, "base64', 'url', 'file")
	case !slices.Contains(types, s.MediaType):
		return anthropicBad(path+".base64.media_type", "Input should be '%s'", strings.Join(types, "', '"))
	}
	if data, err := base64.StdEncoding.DecodeString(s.Data); err != nil || len(data) == 0 {
		return anthropicBad(path+".base64.data", "Invalid base64 data")
	}
	return nil
}

// unexpectedTag is the error about a type that may not stand there.
func unexpectedTag(path, got, want string) *apiError {
	return anthropicBad(path, "Input tag '%s' found using 'type' does not match any of the expected tags: '%s'", got, want)
}

// checkToolTurns demands that the results of all calls of a turn begin the next,
// and that nothing else is a result.
func (x *anthropicExchange) checkToolTurns() *apiError {
	var open []string
	for i, t := range x.in.Messages {
		path := fmt.Sprintf("messages.%d", i)
		results := true
		for k, b := range t.Content {
			if b.Type != "tool_result" {
				results = false
				continue
			}
			n := slices.Index(open, b.ToolUseID)
			if n < 0 || !results {
				return anthropicBad(fmt.Sprintf("%s.content.%d", path, k), "unexpected `tool_use_id` found in `tool_result` blocks: %s. "+
					"Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", b.ToolUseID)
			}
			open = slices.Delete(open, n, n+1)
		}
		if len(open) > 0 {
			break
		}
		for _, b := range t.Content {
			if b.Type == "tool_use" {
				open = append(open, b.ID)
			}
		}
	}
	if len(open) > 0 {
		return anthropicBad("messages", "`tool_use` ids were found without `tool_result` blocks immediately after: %s. "+
			"Each `tool_use` block must have a corresponding `tool_result` block in the next message.", strings.Join(open, ", "))
	}
	return nil
}

var toolPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

func (x *anthropicExchange) checkTools() *apiError {
	seen := map[string]bool{}
	for i, t := range x.in.Tools {
		path := fmt.Sprintf("tools.%d.custom", i)
		var s struct {
			Type any `json:"type"`
		}
		switch {
		case t.Type != "" && t.Type != "custom":
			return unexpectedTag(fmt.Sprintf("tools.%d", i), t.Type, "custom")
		case !toolPattern.MatchString(t.Name):
			return anthropicBad(path+".name", "String should match pattern '%s'", toolPattern)
		case seen[t.Name]:
			return anthropicBad("tools", "Tool names must be unique.")
		case json.Unmarshal(t.InputSchema, &s) != nil || s.Type != "object":
			return anthropicBad(path+".input_schema.type", "Field required")
		}
		seen[t.Name] = true
		if t.Strict {
			if err := checkSubset(path+".input_schema", t.InputSchema); err != nil {
				return err
			}
		}
	}
	return x.checkChoice(seen)
}

func (x *anthropicExchange) checkChoice(tools map[string]bool) *apiError {
	c := x.in.ToolChoice
	switch {
	case c == nil:
		return nil
	case !slices.Contains([]string{"auto", "any", "tool", "none"}, c.Type):
		return unexpectedTag("tool_choice", c.Type, "auto', 'any', 'tool', 'none")
	case len(tools) == 0:
		return anthropicBad("tool_choice", "`tool_choice` may only be specified while providing `tools`.")
	case c.Type == "tool" && !tools[c.Name]:
		return anthropicBad("", "Tool '%s' not found in provided tools", c.Name)
	case (c.Type == "any" || c.Type == "tool") && x.in.Thinking.on():
		return anthropicBad("", "Thinking may not be enabled when tool_choice forces tool use.")
	}
	return nil
}

// newerClaude are the models that take neither sampling parameters nor a thinking
// budget; bothRefused those that refuse temperature and top_p together.
var (
	newerClaude = regexp.MustCompile(`^claude-[a-z]+-(4-[7-9]|[5-9])`)
	bothRefused = regexp.MustCompile(`^claude-[a-z]+-(4-[1-9](-|$)|[5-9])`)
)

func (x *anthropicExchange) checkSampling() *apiError {
	in := &x.in
	for _, p := range []struct {
		name  string
		value *float64
	}{{"temperature", in.Temperature}, {"top_p", in.TopP}} {
		switch {
		case p.value == nil:
			continue
		case *p.value < 0, *p.value > 1:
			return anthropicBad(p.name, "range: 0..1")
		case *p.value != 1 && newerClaude.MatchString(in.Model):
			return anthropicBad("", "`%s` is deprecated for this model.", p.name)
		}
	}
	if in.TopK != nil && newerClaude.MatchString(in.Model) {
		return anthropicBad("", "`top_k` is deprecated for this model.")
	}
	if in.Temperature != nil && in.TopP != nil && bothRefused.MatchString(in.Model) {
		return anthropicBad("", "`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
	}
	return nil
}

func (x *anthropicExchange) checkThinking() *apiError {
	in, t := &x.in, x.in.Thinking
	switch {
	case t == nil || t.Type == "disabled":
		return nil
	case !t.on():
		return unexpectedTag("thinking", t.Type, "adaptive', 'disabled', 'enabled")
	case in.Temperature != nil && *in.Temperature != 1:
		return anthropicBad("", "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.")
	case in.TopK != nil:
		return anthropicBad("", "`top_k` must be unset when thinking is enabled or in adaptive mode.")
	case t.Type == "enabled":
		return x.checkBudget(t.Budget)
	}
	return nil
}

func (x *anthropicExchange) checkBudget(budget int) *apiError {
	switch {
	case newerClaude.MatchString(x.in.Model):
		return anthropicBad("", `"thinking.type.enabled" is not supported for this model. `+
			`Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.`)
	case budget < 1024:
		return anthropicBad("thinking.enabled.budget_tokens", "Input should be greater than or equal to 1024")
	case budget >= *x.in.MaxTokens:
		return anthropicBad("", "`max_tokens` must be greater than `thinking.budget_tokens`.")
	}
	return nil
}

func (x *anthropicExchange) checkOutput() *apiError {
	o := x.in.OutputConfig
	switch {
	case o == nil:
		return nil
	case o.Effort != "" && !slices.Contains([]string{"low", "medium", "high", "xhigh", "max"}, o.Effort):
		return anthropicBad("output_config.effort", "Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
	case o.Format == nil:
		return nil
	case o.Format.Type != "json_schema":
		return anthropicBad("output_config.format.type", "Input should be 'json_schema'")
	}
	return checkSubset("output_config.format.schema", o.Format.Schema)
}

// subset are the keywords of JSON Schema that structured outputs take.
var subset = []string{
	"$ref", "$defs", "definitions", "type", "anyOf", "allOf", "description", "title", "enum", "const", "properties",
	"additionalProperties", "required", "items", "minItems", "format", "pattern", "default",
}

// checkSubset checks a schema: no keyword beyond the subset, and closed objects.
func checkSubset(path string, raw json.RawMessage) *apiError {
	var s map[string]json.RawMessage
	if json.Unmarshal(raw, &s) != nil {
		return nil // true and false are schemas too
	}
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if !slices.Contains(subset, key) {
			return anthropicBad(path, "For '%s' type, property '%s' is not supported", strings.Trim(string(s["type"]), `"`), key)
		}
	}
	if string(s["type"]) == `"object"` && string(s["additionalProperties"]) != "false" {
		return anthropicBad(path, "For 'object' type, 'additionalProperties' must be explicitly set to false")
	}
	for _, key := range []string{"properties", "$defs", "definitions"} {
		var named map[string]json.RawMessage
		_ = json.Unmarshal(s[key], &named)
		for _, name := range slices.Sorted(maps.Keys(named)) {
			if err := checkSubset(path+"."+name, named[name]); err != nil {
				return err
			}
		}
	}
	for _, v := range variants(s) {
		if err := checkSubset(path, v); err != nil {
			return err
		}
	}
	return nil
}

// variants are the schemas within a schema that have no names.
func variants(s map[string]json.RawMessage) []json.RawMessage {
	out := []json.RawMessage{s["items"]}
	for _, key := range []string{"anyOf", "allOf"} {
		var list []json.RawMessage
		_ = json.Unmarshal(s[key], &list)
		out = append(out, list...)
	}
	return out
}

// checkLengths checks what depends on the model and on the length of the prompt.
func (x *anthropicExchange) checkLengths(m *Model, prompt int) *apiError {
	limit := *x.in.MaxTokens
	switch {
	case m.MaxOutputTokens > 0 && limit > m.MaxOutputTokens:
		return anthropicBad("max_tokens", "%d > %d, which is the maximum allowed number of output tokens for %s", limit, m.MaxOutputTokens, m.Name)
	case m.ContextTokens == 0:
		return nil
	case prompt > m.ContextTokens:
		return anthropicBad("", "prompt is too long: %d tokens > %d maximum", prompt, m.ContextTokens)
	case prompt+limit > m.ContextTokens:
		return anthropicBad("", "input length and `max_tokens` exceed context limit: %d + %d > %d, decrease input length or `max_tokens` and try again",
			prompt, limit, m.ContextTokens)
	}
	return nil
}
