package openaichat

import (
	"fmt"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

func (e *encoder) messages() {
	e.Name("messages")
	e.B = append(e.B, '[')
	begun := false
	for i, m := range e.req.Messages {
		for _, one := range e.message(i, m) {
			if begun {
				e.B = append(e.B, ',')
			}
			begun = true
			e.B = append(e.B, one...)
		}
	}
	e.B = append(e.B, ']')
}

// message writes a message; a tool message becomes one for each result.
func (e *encoder) message(i int, m chat.Message) [][]byte {
	if m.Role == chat.RoleTool {
		return e.results(i, m.Parts)
	}
	o := openaiwire.NewObject(nil)
	o.String("role", e.role(m.Role))
	o.Text("name", m.Name)
	if m.Role == chat.RoleAssistant {
		e.assistant(o, i, m.Parts)
		return [][]byte{o.End()}
	}
	o.Name("content")
	o.B = e.content(o.B, i, m.Parts)
	return [][]byte{o.End()}
}

// role is the word for a role. Only OpenAI knows developers, who to it are the
// system, so only its own clients' are told.
func (e *encoder) role(r chat.Role) string {
	switch {
	case r == chat.RoleUser:
		return "user"
	case r == chat.RoleAssistant:
		return "assistant"
	case r == chat.RoleDeveloper && e.own:
		return "developer"
	}
	return "system"
}

func (e *encoder) fieldOf(message, part int) string {
	return fmt.Sprintf("%s[%d].content[%d]", e.req.FieldName("messages"), message, part)
}

// content writes a text, or a list of parts where there is more than one text.
func (e *encoder) content(dst []byte, i int, parts []chat.Part) []byte {
	if len(parts) == 1 && parts[0].Kind == chat.KindText {
		e.dropMark(parts[0].Cache)
		return openaiwire.AppendString(dst, parts[0].Text)
	}
	dst = append(dst, '[')
	begun := false
	for k, p := range parts {
		e.dropMark(p.Cache)
		one := e.part(nil, e.fieldOf(i, k), p)
		if len(one) == 0 {
			continue
		}
		if begun {
			dst = append(dst, ',')
		}
		begun = true
		dst = append(dst, one...)
	}
	return append(dst, ']')
}

// part writes a part of a user's message; nothing if it cannot.
func (e *encoder) part(dst []byte, field string, p chat.Part) []byte {
	switch p.Kind {
	case chat.KindText, chat.KindThinking:
		return appendText(dst, p.Text)
	case chat.KindImage:
		return e.image(dst, field, p.Media)
	case chat.KindDocument:
		return e.document(dst, field, p.Media)
	case chat.KindAudio:
		return e.audio(dst, field, p.Media)
	case chat.KindNative:
		e.Native(*p.Native)
		return dst
	}
	e.Invalid(field, "cannot stand in this message")
	return dst
}

func appendText(dst []byte, text string) []byte {
	dst = openaiwire.AppendString(append(dst, `{"type":"text","text":`...), text)
	return append(dst, '}')
}

func (e *encoder) image(dst []byte, field string, m *chat.Media) []byte {
	url := m.URL
	switch {
	case m.Data != "":
		url = openaiwire.DataURL(m, "image/png")
	case m.FileID != "":
		e.refuse(field, "Chat Completions takes images by URL or as data, not by a file id")
	}
	o := openaiwire.NewObject(append(dst, `{"type":"image_url","image_url":`...))
	o.String("url", url)
	o.Text("detail", m.Detail)
	return append(o.End(), '}')
}

func (e *encoder) document(dst []byte, field string, m *chat.Media) []byte {
	if text, ok := openaiwire.PlainText(m); ok {
		return appendText(dst, text)
	}
	o := openaiwire.NewObject(append(dst, `{"type":"file","file":`...))
	switch {
	case m.Data != "":
		o.String("filename", fileName(m.Name))
		o.String("file_data", openaiwire.DataURL(m, "application/pdf"))
	case m.FileID != "" && (e.own || e.req.Wire == chat.WireResponses):
		o.String("file_id", m.FileID)
	case m.FileID != "":
		e.refuse(field, "the file id is another provider's; send the file as data")
	default:
		e.refuse(field, "Chat Completions takes files as data, not by URL")
	}
	return append(o.End(), '}')
}

// fileName is a document's name, which this wire demands beside data.
func fileName(name string) string {
	if name == "" {
		return "document.pdf"
	}
	return name
}

func (e *encoder) audio(dst []byte, field string, m *chat.Media) []byte {
	format := map[string]string{"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}[m.MIMEType]
	if format == "" || m.Data == "" {
		e.refuse(field, "Chat Completions takes sound as data in WAV or MP3")
	}
	o := openaiwire.NewObject(append(dst, `{"type":"input_audio","input_audio":`...))
	o.String("data", m.Data)
	o.String("format", format)
	return append(o.End(), '}')
}

// refuse refuses the request for a part, by the client's path of it.
func (e *encoder) refuse(field, reason string) {
	e.Native(chat.Native{Field: field, Reason: reason})
}

// assistant writes an earlier answer.
func (e *encoder) assistant(o *openaiwire.Object, i int, parts []chat.Part) {
	var said, thoughts, calls []chat.Part
	refusal := ""
	for k, p := range parts {
		e.dropMark(p.Cache)
		switch p.Kind {
		case chat.KindText:
			said = append(said, p)
		case chat.KindThinking, chat.KindRedactedThinking:
			thoughts = append(thoughts, p)
		case chat.KindToolCall:
			calls = append(calls, p)
			e.names[p.Call.ID] = p.Call.Name
		case chat.KindRefusal:
			refusal += p.Text
		case chat.KindNative:
			e.Native(*p.Native)
		default:
			e.refuse(e.fieldOf(i, k), "Chat Completions takes only text from the assistant")
		}
	}
	o.Name("content")
	if len(said) == 0 {
		o.B = append(o.B, "null"...)
	} else {
		o.B = e.said(o.B, said)
	}
	o.Text("refusal", refusal)
	if e.own {
		writeThoughts(o, thoughts)
	} else if len(thoughts) > 0 {
		e.DropPath(fmt.Sprintf("%s[%d] (thinking)", e.req.FieldName("messages"), i))
	}
	writeCalls(o, calls)
}

// said writes the texts of an answer.
func (e *encoder) said(dst []byte, parts []chat.Part) []byte {
	text := ""
	for _, p := range parts {
		text += p.Text
	}
	return openaiwire.AppendString(dst, text)
}

// results writes a message for each result. Other media than text cannot stand
// there: a user message behind the last has them.
func (e *encoder) results(i int, parts []chat.Part) (all [][]byte) {
	var moved []chat.Part
	for k, p := range parts {
		e.dropMark(p.Cache)
		if p.Result == nil {
			e.Invalid(e.fieldOf(i, k), "is no tool result, and cannot stand beside them")
			continue
		}
		text, other := openaiwire.ResultText(p.Result)
		if len(other) > 0 {
			label := "Attached to the result of " + e.callOf(p.Result) + ":"
			moved = append(append(moved, chat.Part{Kind: chat.KindText, Text: label}), other...)
			if text == "" {
				text = "The result follows in the next user message."
			}
		}
		o := openaiwire.NewObject(nil)
		o.String("role", "tool")
		o.String("tool_call_id", p.Result.CallID)
		o.String("content", text)
		all = append(all, o.End())
	}
	if len(moved) == 0 {
		return all
	}
	content := e.content([]byte(`{"role":"user","content":`), i, moved)
	return append(all, append(content, '}'))
}

// callOf names a call to the model.
func (e *encoder) callOf(r *chat.ToolResult) string {
	name := r.Name
	if name == "" {
		name = e.names[r.CallID]
	}
	return name + " (" + r.CallID + ")"
}
