package responses

import (
	"slices"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

const hosted = "tools that OpenAI runs itself, and custom tools, have no counterpart; offer a function instead"

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
		d.req.Tools = append(d.req.Tools, chat.Tool{
			Name:        d.Required(tool.Member("name"), t.Get("name")),
			Description: d.Text(tool.Member("description"), t.Get("description")),
			Parameters:  d.Schema(tool.Member("parameters"), t.Get("parameters")),
			Strict:      d.Bool(tool.Member("strict"), t.Get("strict")),
		})
	}
}

var toolModes = map[string]chat.ToolMode{
	"auto": chat.ToolModeAuto, "none": chat.ToolModeNone, "required": chat.ToolModeRequired,
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
		choice.Mode = chat.ToolModeNamed
		choice.Names = []string{d.Required(at.Member("name"), v.Get("name"))}
	case "allowed_tools":
		choice.Mode = d.toolMode(at.Member("mode"), v.Get("mode"))
		d.allowed = []string{}
		for i, t := range v.Get("tools").Elements() {
			d.allowed = append(d.allowed, d.Required(at.Member("tools").Element(i).Member("name"), t.Get("name")))
		}
		if choice.Mode == chat.ToolModeRequired {
			choice.Mode, choice.Names = chat.ToolModeNamed, d.allowed
		}
	default:
		d.native(at, v, false, hosted)
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
