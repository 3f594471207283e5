package anthropic

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// requestDecoder reads a request, member by member.
type requestDecoder struct {
	r        *chat.Request
	messages []chat.Message
	// calls are the names of the tool calls seen, by id.
	calls map[string]string
	// thinking is that the member of that name was given.
	thinking bool
}

// members are the decoders of the members that the neutral model knows.
var members = map[string]func(*requestDecoder, json.RawMessage) error{
	"model":          (*requestDecoder).model,
	"max_tokens":     (*requestDecoder).maxTokens,
	"messages":       (*requestDecoder).turns,
	"system":         (*requestDecoder).system,
	"tools":          (*requestDecoder).tools,
	"tool_choice":    (*requestDecoder).toolChoice,
	"metadata":       (*requestDecoder).metadata,
	"output_config":  (*requestDecoder).outputConfig,
	"output_format":  func(d *requestDecoder, raw json.RawMessage) error { return d.format("output_format", raw) },
	"thinking":       (*requestDecoder).readThinking,
	"service_tier":   (*requestDecoder).serviceTier,
	"stream":         func(d *requestDecoder, raw json.RawMessage) error { return decodeAt("stream", raw, &d.r.Stream) },
	"stop_sequences": func(d *requestDecoder, raw json.RawMessage) error { return decodeAt("stop_sequences", raw, &d.r.Stop) },
	"temperature": func(d *requestDecoder, raw json.RawMessage) error {
		return decodeAt("temperature", raw, &d.r.Temperature)
	},
	"top_p": func(d *requestDecoder, raw json.RawMessage) error { return decodeAt("top_p", raw, &d.r.TopP) },
	"top_k": func(d *requestDecoder, raw json.RawMessage) error { return decodeAt("top_k", raw, &d.r.TopK) },
}

// harmful are the members of this wire without which an answer is not what was
// asked for: a sandbox, the region of the data, tools of other servers.
var harmful = []string{"container", "inference_geo", "mcp_servers"}

// DecodeRequest implements [chat.Codec].
func (Codec) DecodeRequest(body []byte) (*chat.Request, error) {
	if !json.Valid(body) {
		return nil, problem("", "the body is no valid JSON")
	}
	top := splitObject(body)
	if top == nil {
		return nil, problem("", "the body is not a JSON object")
	}
	d := &requestDecoder{r: &chat.Request{Wire: Wire, StreamUsage: true}, calls: map[string]string{}}
	for _, name := range []string{"model", "max_tokens", "messages"} {
		if isNull(top[name]) {
			return nil, problem(name, "is required")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(top)) {
		raw := top[name]
		decode, known := members[name]
		switch {
		case isNull(raw):
		case known:
			if err := decode(d, raw); err != nil {
				return nil, err
			}
		default:
			d.native(name, raw, !slices.Contains(harmful, name))
		}
	}
	d.r.Messages = append(d.r.Messages, d.messages...)
	d.r.Reasoning.EffortOnly = d.r.Reasoning.Effort != "" && !d.thinking
	return d.r, nil
}

func (d *requestDecoder) native(field string, raw json.RawMessage, harmless bool) {
	d.r.Native = append(d.r.Native, chat.Native{Field: field, Value: slices.Clone(raw), Harmless: harmless, Wire: Wire})
}

func (d *requestDecoder) model(raw json.RawMessage) error {
	if err := decodeAt("model", raw, &d.r.Model); err != nil {
		return err
	}
	if d.r.Model == "" {
		return problem("model", "must not be empty")
	}
	return nil
}

// maxTokens reads the cap; 0 asks to warm the cache and for no answer
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
func (d *requestDecoder) maxTokens(raw json.RawMessage) error {
	if err := decodeAt("max_tokens", raw, &d.r.MaxOutputTokens); err != nil {
		return err
	}
	switch {
	case d.r.MaxOutputTokens < 0:
		return problem("max_tokens", "must not be negative")
	case d.r.MaxOutputTokens == 0:
		d.native("max_tokens", raw, false)
	}
	return nil
}

// system reads the system prompt: a string or text blocks.
func (d *requestDecoder) system(raw json.RawMessage) error {
	parts, err := d.content("system", raw)
	if err != nil {
		return err
	}
	for i, p := range parts {
		if p.Kind != chat.KindText {
			return problem(at("system", i)+".type", `must be "text"`)
		}
	}
	if len(parts) > 0 {
		d.r.Messages = []chat.Message{{Role: chat.RoleSystem, Parts: parts}}
	}
	return nil
}

func (d *requestDecoder) metadata(raw json.RawMessage) error {
	var m map[string]json.RawMessage
	if err := decodeAt("metadata", raw, &m); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		switch {
		case isNull(m[name]):
		case name == "user_id":
			if err := decodeAt("metadata.user_id", m[name], &d.r.User); err != nil {
				return err
			}
		default:
			d.native("metadata."+name, m[name], true)
		}
	}
	return nil
}

func (d *requestDecoder) outputConfig(raw json.RawMessage) error {
	var m map[string]json.RawMessage
	if err := decodeAt("output_config", raw, &m); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		var err error
		switch {
		case isNull(m[name]):
		case name == "effort":
			err = decodeAt("output_config.effort", m[name], &d.r.Reasoning.Effort)
		case name == "format":
			err = d.format("output_config.format", m[name])
		default:
			d.native("output_config."+name, m[name], true)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *requestDecoder) format(path string, raw json.RawMessage) error {
	var f struct {
		Type   string          `json:"type"`
		Schema json.RawMessage `json:"schema"`
	}
	if err := decodeAt(path, raw, &f); err != nil {
		return err
	}
	switch {
	case f.Type != "json_schema":
		return problem(path+".type", `must be "json_schema"`)
	case !isObject(f.Schema):
		return problem(path+".schema", "must be a JSON Schema object")
	}
	strict := true
	d.r.Format = chat.Format{Kind: chat.FormatSchema, Schema: slices.Clone(f.Schema), Strict: &strict}
	return nil
}

func (d *requestDecoder) readThinking(raw json.RawMessage) error {
	var t struct {
		Type    string `json:"type"`
		Budget  int64  `json:"budget_tokens"`
		Display string `json:"display"`
	}
	if err := decodeAt("thinking", raw, &t); err != nil {
		return err
	}
	d.thinking = true
	switch t.Type {
	case "adaptive":
		d.r.Reasoning.BudgetTokens = -1
	case "enabled":
		if t.Budget < minBudget {
			return problem("thinking.budget_tokens", "must be at least 1024")
		}
		d.r.Reasoning.BudgetTokens = t.Budget
	case "disabled":
		d.r.Reasoning.Disabled = true
	case "between_tools":
		d.r.Reasoning.Disabled = true
		d.native("thinking", raw, true)
	default:
		return problem("thinking.type", "must be adaptive, enabled, disabled or between_tools")
	}
	if t.Display != "" {
		show := t.Display != "omitted"
		d.r.Reasoning.Show = &show
	}
	return nil
}

// serviceTier reads the tier; auto is what "priority if there is some" is called.
func (d *requestDecoder) serviceTier(raw json.RawMessage) error {
	if err := decodeAt("service_tier", raw, &d.r.ServiceTier); err != nil {
		return err
	}
	if d.r.ServiceTier == "standard_only" {
		d.r.ServiceTier = "default"
	}
	return nil
}

// tools reads the client's own tools; those that the provider runs stay as they
// are.
func (d *requestDecoder) tools(raw json.RawMessage) error {
	list := splitArray(raw)
	if list == nil {
		return problem("tools", "must be an array")
	}
	for i, item := range list {
		path := at("tools", i)
		m := splitObject(item)
		if m == nil {
			return problem(path, "must be an object")
		}
		var kind string
		if !isNull(m["type"]) {
			if err := decodeAt(path+".type", m["type"], &kind); err != nil {
				return err
			}
		}
		if kind != "" && kind != "custom" {
			d.native(path, item, false)
			continue
		}
		if err := d.tool(path, m); err != nil {
			return err
		}
	}
	return nil
}

func (d *requestDecoder) tool(path string, m map[string]json.RawMessage) error {
	var t chat.Tool
	var cache *cacheControl
	known := map[string]any{
		"name": &t.Name, "description": &t.Description, "input_schema": &t.Parameters, "strict": &t.Strict, "cache_control": &cache,
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		var err error
		field, raw := path+"."+name, m[name]
		switch {
		case isNull(raw) || name == "type":
		case known[name] != nil:
			err = decodeAt(field, raw, known[name])
		default:
			d.native(field, raw, true)
		}
		if err != nil {
			return err
		}
	}
	t.Cache = cacheOf(cache)
	switch {
	case t.Name == "":
		return problem(path+".name", "is required")
	case !isObject(t.Parameters):
		return problem(path+".input_schema", "must be a JSON Schema object")
	}
	d.r.Tools = append(d.r.Tools, t)
	return nil
}

func (d *requestDecoder) toolChoice(raw json.RawMessage) error {
	var c struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		OneOnly *bool  `json:"disable_parallel_tool_use"`
	}
	if err := decodeAt("tool_choice", raw, &c); err != nil {
		return err
	}
	switch c.Type {
	case "auto":
		d.r.ToolChoice.Mode = chat.ToolModeAuto
	case "any":
		d.r.ToolChoice.Mode = chat.ToolModeRequired
	case "none":
		d.r.ToolChoice.Mode = chat.ToolModeNone
	case "tool":
		if c.Name == "" {
			return problem("tool_choice.name", "is required")
		}
		d.r.ToolChoice = chat.ToolChoice{Mode: chat.ToolModeNamed, Names: []string{c.Name}}
	default:
		return problem("tool_choice.type", "must be auto, any, tool or none")
	}
	if c.OneOnly != nil {
		parallel := !*c.OneOnly
		d.r.ParallelToolCalls = &parallel
	}
	return nil
}

// roles are the roles of messages, by the JSON that says so.
var roles = map[string]chat.Role{`"user"`: chat.RoleUser, `"assistant"`: chat.RoleAssistant, `"system"`: chat.RoleSystem}

// turns reads the messages. Of a user's message, results of tools become messages
// of their own.
func (d *requestDecoder) turns(raw json.RawMessage) error {
	list := splitArray(raw)
	if len(list) == 0 {
		return problem("messages", "must be an array of at least one message")
	}
	for i, item := range list {
		path := at("messages", i)
		m := splitObject(item)
		role, ok := roles[string(m["role"])]
		switch {
		case m == nil:
			return problem(path, "must be an object")
		case !ok:
			return problem(path+".role", "must be user or assistant")
		case isNull(m["content"]):
			return problem(path+".content", "is required")
		}
		parts, err := d.content(path+".content", m["content"])
		if err != nil {
			return err
		}
		if err := d.turn(path+".content", role, parts); err != nil {
			return err
		}
	}
	return nil
}

// turn appends a message, cut where results of tools begin and end.
func (d *requestDecoder) turn(path string, role chat.Role, parts []chat.Part) error {
	last := chat.Role(0)
	for i, p := range parts {
		r, err := roleOf(at(path, i), role, p.Kind)
		if err != nil {
			return err
		}
		if p.Kind == chat.KindToolCall {
			d.calls[p.Call.ID] = p.Call.Name
		}
		if p.Kind == chat.KindToolResult {
			name, called := d.calls[p.Result.CallID]
			if !called {
				return problem(at(path, i)+".tool_use_id", "answers no tool_use of the messages before")
			}
			p.Result.Name = name
		}
		if r != last {
			d.messages, last = append(d.messages, chat.Message{Role: r}), r
		}
		m := &d.messages[len(d.messages)-1]
		m.Parts = append(m.Parts, p)
	}
	if len(parts) == 0 {
		d.messages = append(d.messages, chat.Message{Role: role})
	}
	return nil
}

// roleOf is the role in which a part of a message stands.
func roleOf(path string, role chat.Role, kind chat.Kind) (chat.Role, error) {
	switch kind {
	case chat.KindToolResult:
		if role != chat.RoleUser {
			return 0, problem(path+".type", "tool_result stands in user messages only")
		}
		return chat.RoleTool, nil
	case chat.KindToolCall, chat.KindThinking, chat.KindRedactedThinking:
		if role != chat.RoleAssistant {
			return 0, problem(path+".type", "stands in assistant messages only")
		}
	case chat.KindImage, chat.KindDocument:
		if role != chat.RoleUser {
			return 0, problem(path+".type", "stands in user messages only")
		}
	}
	return role, nil
}

// hasText reports whether a text is more than white space, which this wire
// refuses in a block.
func hasText(s string) bool { return strings.TrimSpace(s) != "" }
