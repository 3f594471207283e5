package anthropic

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// outTool is a tool as it is written.
type outTool struct {
	Name         string          `json:"name"`
	Description  string          `json:"description,omitempty"`
	InputSchema  json.RawMessage `json:"input_schema"`
	Strict       *bool           `json:"strict,omitempty"`
	CacheControl *cacheControl   `json:"cache_control,omitempty"`
	extras       []member
}

// MarshalJSON writes the tool with the members that only this wire knows.
func (t *outTool) MarshalJSON() ([]byte, error) {
	type plain outTool
	body, err := encode((*plain)(t))
	if err != nil {
		return nil, err
	}
	return splice(body, t.extras), nil
}

// tools writes the tools, those of the provider where they stood.
func (e *requestEncoder) tools() error {
	own := e.r.Tools
	for i := 0; len(own) > 0 || len(e.nativeTools) > 0; i++ {
		if raw, ok := e.nativeTools[i]; ok {
			e.out.Tools = append(e.out.Tools, raw)
			delete(e.nativeTools, i)
			continue
		}
		if len(own) == 0 {
			continue
		}
		t, err := e.tool(i, own[0])
		if err != nil {
			return err
		}
		own = own[1:]
		if e.offered(t.Name) {
			e.out.Tools = append(e.out.Tools, t)
		}
	}
	return nil
}

// offered reports whether a tool may be called: where the choice is among some of
// the tools, the wire has no other way than to offer no more.
func (e *requestEncoder) offered(name string) bool {
	c := e.r.ToolChoice
	return c.Mode != chat.ToolModeNamed || len(c.Names) < 2 || slices.Contains(c.Names, name)
}

func (e *requestEncoder) tool(i int, t chat.Tool) (*outTool, error) {
	path := at("tools", i)
	if !validName(t.Name) {
		return nil, unsupported(path+".name", "names hold letters, digits, _ and - only, at most 128")
	}
	out := &outTool{
		Name: t.Name, Description: t.Description, InputSchema: objectSchema(t.Parameters),
		CacheControl: wireCache(t.Cache), extras: e.toolExtras[i],
	}
	if len(t.Parameters) > 0 && !isObject(t.Parameters) {
		return nil, problem(path+".parameters", "must be a JSON Schema object")
	}
	if t.Strict == nil || !*t.Strict {
		return out, nil
	}
	schema, lost := acceptedSchema(out.InputSchema)
	if lost || !e.t.structured {
		e.drop(path + ".strict")
		return out, nil
	}
	out.InputSchema, out.Strict = schema, t.Strict
	return out, nil
}

// validName reports whether a name is one that the wire takes for tools, and,
// without the limit, for the ids of calls.
func validName(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if !nameByte(s[i]) {
			return false
		}
	}
	return true
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// callID is an id as the wire takes it.
func callID(id string) string {
	b := []byte(id)
	for i, c := range b {
		if !nameByte(c) {
			b[i] = '_'
		}
	}
	return string(b)
}

// toolChoice writes whether and which tools are to be called.
func (e *requestEncoder) toolChoice() error {
	c := e.r.ToolChoice
	e.forced = c.Mode == chat.ToolModeRequired || c.Mode == chat.ToolModeNamed
	if len(e.out.Tools) == 0 {
		return e.choiceOfNone()
	}
	out := &outToolChoice{OneOnly: e.r.ParallelToolCalls != nil && !*e.r.ParallelToolCalls}
	switch c.Mode {
	case chat.ToolModeDefault, chat.ToolModeAuto:
		out.Type = "auto"
	case chat.ToolModeNone:
		out = &outToolChoice{Type: "none"}
	case chat.ToolModeRequired:
		out.Type = "any"
	case chat.ToolModeNamed:
		if err := e.named(out, c.Names); err != nil {
			return err
		}
	}
	if c.Mode != chat.ToolModeDefault || out.OneOnly {
		e.out.ToolChoice = out
	}
	return nil
}

// choiceOfNone is what a choice among no tools comes to.
func (e *requestEncoder) choiceOfNone() error {
	if e.forced {
		return problem(e.r.FieldName("tool_choice"), "demands a call, but none of its tools are given")
	}
	return nil
}

// named makes the choice one of the tools named: of several, any that is offered.
func (e *requestEncoder) named(out *outToolChoice, names []string) error {
	if len(names) == 0 {
		return problem(e.r.FieldName("tool_choice"), "names no tool")
	}
	for i, name := range names {
		known := slices.ContainsFunc(e.r.Tools, func(t chat.Tool) bool { return t.Name == name })
		if !known && !e.nativeName(name) {
			return problem(e.r.FieldName("tool_choice"), fmt.Sprintf("name %d is that of no tool", i))
		}
	}
	out.Type = "any"
	if len(names) == 1 {
		out.Type, out.Name = "tool", names[0]
	}
	return nil
}

// nativeName reports whether one of the provider's tools has the name.
func (e *requestEncoder) nativeName(name string) bool {
	return slices.ContainsFunc(e.out.Tools, func(t any) bool {
		raw, ok := t.(json.RawMessage)
		var named struct {
			Name string `json:"name"`
		}
		return ok && json.Unmarshal(raw, &named) == nil && named.Name == name
	})
}
