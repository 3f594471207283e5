package openaichat

import (
	"strconv"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

var roles = map[string]chat.Role{
	"system": chat.RoleSystem, "developer": chat.RoleDeveloper, "user": chat.RoleUser, "assistant": chat.RoleAssistant,
	"tool": chat.RoleTool, "function": chat.RoleTool,
}

func (d *decoder) messages(at *path, v value) {
	d.Array(at, v)
	for i, m := range v.Elements() {
		d.message(at.Element(i), m)
		if d.Failed() {
			return
		}
	}
}

func (d *decoder) message(at *path, v value) {
	if !v.IsObject() {
		d.Fail(at, "expected an object with role and content")
		return
	}
	role := d.Required(at.Member("role"), v.Get("role"))
	m := chat.Message{Role: roles[role], Name: d.Text(at.Member("name"), v.Get("name"))}
	switch m.Role {
	case 0:
		d.Fail(at.Member("role"), "unknown; expected system, developer, user, assistant or tool")
		return
	case chat.RoleTool:
		d.result(at, v, role == "function")
		return
	case chat.RoleAssistant:
		m.Parts = d.assistant(at, v)
	default:
		m.Parts = d.content(at.Member("content"), v.Get("content"))
		if len(m.Parts) == 0 {
			d.Fail(at.Member("content"), "is required: expected a text or a list of parts")
		}
	}
	d.req.Messages = append(d.req.Messages, m)
}

// assistant reads an earlier answer: thoughts, what it said, and its calls.
func (d *decoder) assistant(at *path, v value) (parts []chat.Part) {
	parts = d.thoughts(v)
	if content := v.Get("content"); !content.Is("") {
		parts = append(parts, d.content(at.Member("content"), content)...)
	}
	if notes := v.Get("annotations"); notes.IsArray() && string(notes) != "[]" && len(parts) > 0 {
		parts[len(parts)-1].Citations = notes.Raw()
	}
	if refusal := d.Text(at.Member("refusal"), v.Get("refusal")); refusal != "" {
		parts = append(parts, chat.Part{Kind: chat.KindRefusal, Text: refusal})
	}
	if v.Get("audio").Given() {
		d.native(at.Member("audio"), v.Get("audio"), false, "answers in sound cannot be referred to; send their transcript as content")
	}
	if calls := v.Get("tool_calls"); d.Array(at.Member("tool_calls"), calls) {
		for i, c := range calls.Elements() {
			parts = d.call(parts, at.Member("tool_calls").Element(i), c)
		}
	}
	if f := v.Get("function_call"); d.Object(at.Member("function_call"), f) {
		call := d.calledFunction(at.Member("function_call"), f)
		call.ID = "call_" + strconv.Itoa(len(d.calls))
		d.calls[call.ID], d.legacy[call.Name] = call.Name, call.ID
		parts = append(parts, chat.Part{Kind: chat.KindToolCall, Call: call})
	}
	return parts
}

// thoughts reads what an answer thought: reasoning_details has more than
// reasoning_content.
func (d *decoder) thoughts(v value) []chat.Part {
	text := v.Get("reasoning_content").Text()
	if text == "" {
		text = v.Get("reasoning").Text()
	}
	parts := thoughtDetails(v.Get("reasoning_details"))
	switch {
	case len(parts) == 0 && text == "":
		return nil
	case len(parts) == 0:
		return []chat.Part{{Kind: chat.KindThinking, Text: text}}
	case len(parts) == 1 && parts[0].Kind == chat.KindThinking && parts[0].Text == "":
		parts[0].Text = text // a stream tells what was thought apart from what signs it
	}
	return parts
}

// thoughtDetails reads OpenRouter's list. Of a thought that was streamed, clients
// bring back the pieces as they came, of which the last one signs the whole.
func thoughtDetails(list value) (parts []chat.Part) {
	for _, item := range list.Elements() {
		switch item.Get("type").Text() {
		case "reasoning.encrypted":
			parts = append(parts, chat.Part{Kind: chat.KindRedactedThinking, Data: item.Get("data").Text()})
		case "reasoning.text":
			p := chat.Part{Kind: chat.KindThinking, Text: item.Get("text").Text(), Signature: item.Get("signature").Text()}
			if n := len(parts); n > 0 && parts[n-1].Kind == chat.KindThinking && parts[n-1].Signature == "" {
				parts[n-1].Text, parts[n-1].Signature = parts[n-1].Text+p.Text, p.Signature
				continue
			}
			parts = append(parts, p)
		case "reasoning.summary":
			parts = append(parts, chat.Part{Kind: chat.KindThinking, Text: item.Get("summary").Text()})
		}
	}
	return parts
}

func (d *decoder) call(parts []chat.Part, at *path, v value) []chat.Part {
	if kind := v.Get("type").Text(); kind != "" && kind != "function" {
		d.native(at, v, false, hosted)
		return parts
	}
	call := d.calledFunction(at.Member("function"), v.Get("function"))
	call.ID = d.Required(at.Member("id"), v.Get("id"))
	d.calls[call.ID] = call.Name
	return append(parts, chat.Part{Kind: chat.KindToolCall, Call: call, Signature: thoughtSignature(v)})
}

// thoughtSignature reads what Gemini's OpenAI endpoint adds.
func thoughtSignature(v value) string {
	return v.Get("extra_content").Get("google").Get("thought_signature").Text()
}

func (d *decoder) calledFunction(at *path, v value) *chat.ToolCall {
	if !v.IsObject() {
		d.Fail(at, "is required: expected an object with name and arguments")
	}
	return &chat.ToolCall{Name: d.Required(at.Member("name"), v.Get("name")), Arguments: arguments(v.Get("arguments"))}
}

// arguments are text that holds JSON; some servers write the JSON itself.
func arguments(v value) string {
	if v.IsObject() {
		return string(v)
	}
	return v.Text()
}

// result reads a tool's message. Those that follow each other become one.
func (d *decoder) result(at *path, v value, legacy bool) {
	r := &chat.ToolResult{}
	if legacy {
		r.CallID = d.legacy[d.Required(at.Member("name"), v.Get("name"))]
	} else {
		r.CallID = d.Required(at.Member("tool_call_id"), v.Get("tool_call_id"))
	}
	name, known := d.calls[r.CallID]
	if !known && legacy {
		d.Fail(at.Member("name"), "answers no function_call of an assistant message before it")
	} else if !known {
		d.Fail(at.Member("tool_call_id"), "answers no tool call of an assistant message before it")
	}
	r.Name = name
	r.Parts = d.content(at.Member("content"), v.Get("content"))
	part := chat.Part{Kind: chat.KindToolResult, Result: r}
	if n := len(d.req.Messages); n > 0 && d.req.Messages[n-1].Role == chat.RoleTool {
		last := &d.req.Messages[n-1]
		last.Parts = append(last.Parts, part)
		return
	}
	d.req.Messages = append(d.req.Messages, chat.Message{Role: chat.RoleTool, Parts: []chat.Part{part}})
}
