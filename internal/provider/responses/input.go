package responses

import (
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// system reads instructions: a text.
func (d *decoder) system(at *path, v value) {
	if text := d.Text(at, v); text != "" {
		d.instructions = []chat.Message{{Role: chat.RoleSystem, Parts: []chat.Part{{Kind: chat.KindText, Text: text}}}}
	}
}

func (d *decoder) input(at *path, v value) {
	if v.IsString() {
		d.add(chat.RoleUser, chat.Part{Kind: chat.KindText, Text: v.Text()})
		return
	}
	if !v.IsArray() {
		d.Fail(at, "expected a text or a list of items")
	}
	for i, item := range v.Elements() {
		if d.item(at.Element(i), item); d.Failed() {
			return
		}
	}
}

// add adds parts to the conversation. What the model said, thought and called in
// a row is one turn, and so are the results that follow.
func (d *decoder) add(role chat.Role, parts ...chat.Part) {
	if n := len(d.req.Messages); n > 0 && d.req.Messages[n-1].Role == role && (role == chat.RoleAssistant || role == chat.RoleTool) {
		last := &d.req.Messages[n-1]
		last.Parts = append(last.Parts, parts...)
		return
	}
	d.req.Messages = append(d.req.Messages, chat.Message{Role: role, Parts: parts})
}

func (d *decoder) item(at *path, v value) {
	if !v.IsObject() {
		d.Fail(at, "expected an object")
		return
	}
	kind := d.Text(at.Member("type"), v.Get("type"))
	switch kind {
	case "", "message":
		d.message(at, v)
	case "function_call":
		call := &chat.ToolCall{
			ID: d.Required(at.Member("call_id"), v.Get("call_id")), Name: d.Required(at.Member("name"), v.Get("name")),
			Arguments: d.Text(at.Member("arguments"), v.Get("arguments")),
		}
		d.calls[call.ID] = call.Name
		d.add(chat.RoleAssistant, chat.Part{Kind: chat.KindToolCall, Call: call})
	case "function_call_output":
		d.result(at, v)
	case "reasoning":
		d.thought(v)
	case "item_reference":
		d.native(at, v, false, "it names an item that OpenAI keeps; send the item itself")
	default: // what OpenAI's own tools did
		d.native(at, v, kind == "web_search_call", "only OpenAI can read this item; leave it out")
	}
}

var roles = map[string]chat.Role{
	"system": chat.RoleSystem, "developer": chat.RoleDeveloper, "user": chat.RoleUser, "assistant": chat.RoleAssistant,
}

func (d *decoder) message(at *path, v value) {
	role, ok := roles[d.Required(at.Member("role"), v.Get("role"))]
	if !ok {
		d.Fail(at.Member("role"), "unknown; expected user, assistant, system or developer")
		return
	}
	content := v.Get("content")
	if role == chat.RoleAssistant && content.Is("") {
		return
	}
	d.add(role, d.content(at.Member("content"), content)...)
}

// content reads a text or a list of parts.
func (d *decoder) content(at *path, v value) (parts []chat.Part) {
	if v.IsString() {
		return []chat.Part{{Kind: chat.KindText, Text: v.Text()}}
	}
	if !v.IsArray() {
		d.Fail(at, "is required: expected a text or a list of parts")
	}
	for i, p := range v.Elements() {
		parts = append(parts, d.part(at.Element(i), p))
	}
	return parts
}

func (d *decoder) part(at *path, v value) (p chat.Part) {
	if !v.IsObject() {
		d.Fail(at, "expected an object with type")
		return p
	}
	if v.Get("prompt_cache_breakpoint").IsObject() {
		p.Cache = &chat.CacheControl{}
	}
	text := func(name string) string { return d.Text(at.Member(name), v.Get(name)) }
	switch d.Required(at.Member("type"), v.Get("type")) {
	case "input_text", "output_text", "text":
		p.Kind, p.Text = chat.KindText, text("text")
		if notes := v.Get("annotations"); notes.IsArray() && string(notes) != "[]" {
			p.Citations = notes.Raw()
		}
	case "refusal":
		p.Kind, p.Text = chat.KindRefusal, text("refusal")
	case "input_image":
		p.Kind, p.Media = chat.KindImage, &chat.Media{FileID: text("file_id")}
		if p.Media.FileID == "" {
			p.Media = d.ReadURL(at.Member("image_url"), text("image_url"))
		}
		p.Media.Detail = text("detail")
	case "input_file":
		p.Kind = chat.KindDocument
		p.Media = d.ReadFile(at, text("file_data"), text("file_id"), text("file_url"), text("filename"))
	case "input_audio":
		p.Kind, p.Media = chat.KindAudio, d.audio(at.Member("input_audio"), v.Get("input_audio"))
	default:
		d.Fail(at.Member("type"), "unknown; expected input_text, input_image, input_file, output_text or refusal")
	}
	return p
}

var audioTypes = map[string]string{"wav": "audio/wav", "mp3": "audio/mpeg"}

func (d *decoder) audio(at *path, v value) *chat.Media {
	mime, ok := audioTypes[d.Text(at.Member("format"), v.Get("format"))]
	if !ok {
		d.Fail(at.Member("format"), "unknown; expected wav or mp3")
	}
	return &chat.Media{MIMEType: mime, Data: d.Base64(at.Member("data"), d.Text(at.Member("data"), v.Get("data")))}
}

func (d *decoder) result(at *path, v value) {
	r := &chat.ToolResult{CallID: d.Required(at.Member("call_id"), v.Get("call_id"))}
	name, known := d.calls[r.CallID]
	if !known && !d.stateful {
		d.Fail(at.Member("call_id"), "answers no function_call item before it")
	}
	r.Name = name
	r.Parts = d.content(at.Member("output"), v.Get("output"))
	d.add(chat.RoleTool, chat.Part{Kind: chat.KindToolResult, Result: r})
}

// thought reads a reasoning item. The answer that it was a part of may have been
// given by a provider of any wire.
func (d *decoder) thought(v value) {
	p := readThought(v)
	if p.Kind != 0 {
		d.add(chat.RoleAssistant, p)
		return
	}
	if n := len(d.req.Messages); n > 0 && d.req.Messages[n-1].Role == chat.RoleAssistant {
		signLast(d.req.Messages[n-1].Parts, p.Signature)
	}
}

// readThought reads a reasoning item: one that this package made, or OpenAI's
// own. A part of no kind has the signature of the item before.
func readThought(v value) chat.Part {
	id, encrypted := v.Get("id").Text(), v.Get("encrypted_content").Text()
	switch {
	case strings.HasPrefix(id, idRedacted):
		return chat.Part{Kind: chat.KindRedactedThinking, Data: encrypted}
	case strings.HasPrefix(id, idSignature):
		return chat.Part{Signature: encrypted}
	}
	return chat.Part{Kind: chat.KindThinking, Text: thoughtText(v), Signature: sign(id, encrypted)}
}

func signLast(parts []chat.Part, signature string) {
	if n := len(parts); n > 0 {
		parts[n-1].Signature = signature
	}
}

// thoughtText is what a reasoning item shows: its summary, or else its content.
func thoughtText(v value) string {
	for _, name := range []string{"summary", "content"} {
		var texts []string
		for _, p := range v.Get(name).Elements() {
			texts = append(texts, p.Get("text").Text())
		}
		if len(texts) > 0 {
			return strings.Join(texts, "\n\n")
		}
	}
	return ""
}
