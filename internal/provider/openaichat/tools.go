package openaichat

import (
	"slices"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

const hosted = "tools that the provider runs itself, and custom tools, have no counterpart; offer a function instead"

func (d *decoder) tools(at *path, v value) {
	d.Array(at, v)
	for i, t := range v.Elements() {
		tool := at.Element(i)
		if !t.IsObject() {
			d.Fail(tool, "expected an object")
			continue
		}
		if kind := d.Required(tool.Member("type"), t.Get("type")); kind != "function" {
			d.native(tool, t, false, hosted)
			continue
		}
		f := d.function(tool.Member("function"), t.Get("function"))
		f.Cache = cacheMark(t)
		d.req.Tools = append(d.req.Tools, f)
	}
}

// functions reads the tools of the wire's first form.
func (d *decoder) functions(at *path, v value) {
	d.Array(at, v)
	for i, f := range v.Elements() {
		d.req.Tools = append(d.req.Tools, d.function(at.Element(i), f))
	}
}

func (d *decoder) function(at *path, v value) chat.Tool {
	if !v.IsObject() {
		d.Fail(at, "is required: expected an object with name and parameters")
	}
	return chat.Tool{
		Name:        d.Required(at.Member("name"), v.Get("name")),
		Description: d.Text(at.Member("description"), v.Get("description")),
		Parameters:  d.Schema(at.Member("parameters"), v.Get("parameters")),
		Strict:      d.Bool(at.Member("strict"), v.Get("strict")),
	}
}

var toolModes = map[string]chat.ToolMode{
	"auto": chat.ToolModeAuto, "none": chat.ToolModeNone, "required": chat.ToolModeRequired, "any": chat.ToolModeRequired,
}

func (d *decoder) toolMode(at *path, v value) chat.ToolMode {
	mode, ok := toolModes[d.Text(at, v)]
	if !ok {
		d.Fail(at, "unknown; expected auto, none or required")
	}
	return mode
}

func (d *decoder) toolChoice(at *path, v value) {
	choice := &d.req.ToolChoice
	if v.IsString() {
		choice.Mode = d.toolMode(at, v)
		return
	}
	if !d.Object(at, v) {
		return
	}
	switch d.Text(at.Member("type"), v.Get("type")) {
	case "function":
		d.named(at.Member("function"), v.Get("function"))
	case "allowed_tools":
		at, v = at.Member("allowed_tools"), v.Get("allowed_tools")
		choice.Mode = d.toolMode(at.Member("mode"), v.Get("mode"))
		d.allowed = []string{}
		for i, t := range v.Get("tools").Elements() {
			name := at.Member("tools").Element(i).Member("function").Member("name")
			d.allowed = append(d.allowed, d.Required(name, t.Get("function").Get("name")))
		}
		if choice.Mode == chat.ToolModeRequired {
			choice.Mode, choice.Names = chat.ToolModeNamed, d.allowed
		}
	default:
		d.native(at, v, false, hosted)
	}
}

func (d *decoder) named(at *path, v value) {
	d.req.ToolChoice.Mode = chat.ToolModeNamed
	d.req.ToolChoice.Names = []string{d.Required(at.Member("name"), v.Get("name"))}
}

// functionCall reads the choice of the wire's first form.
func (d *decoder) functionCall(at *path, v value) {
	if v.IsString() {
		d.req.ToolChoice.Mode = d.toolMode(at, v)
		return
	}
	if d.Object(at, v) {
		d.named(at, v)
	}
}

// restrict checks the names of tool_choice, and takes out the tools that it does
// not allow.
func (d *decoder) restrict() {
	at := (&path{}).Member("tool_choice")
	for _, name := range d.req.ToolChoice.Names {
		if !slices.ContainsFunc(d.req.Tools, func(t chat.Tool) bool { return t.Name == name }) {
			d.Fail(at, "names a function that tools does not have")
		}
	}
	if d.allowed != nil && d.req.ToolChoice.Mode != chat.ToolModeNamed {
		d.req.Tools = slices.DeleteFunc(d.req.Tools, func(t chat.Tool) bool { return !slices.Contains(d.allowed, t.Name) })
	}
}

// cacheMark reads the mark of OpenRouter and others, after Anthropic's, and
// OpenAI's own.
func cacheMark(v value) *chat.CacheControl {
	if mark := v.Get("cache_control"); mark.IsObject() {
		return &chat.CacheControl{TTL: mark.Get("ttl").Text()}
	}
	if v.Get("prompt_cache_breakpoint").IsObject() {
		return &chat.CacheControl{}
	}
	return nil
}
