package gemini

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

const (
	roleUser  = "user"
	roleModel = "model"
)

// messages writes systemInstruction and contents.
func (e *requestEncoder) messages() {
	all := e.r.Messages
	lead := 0
	for lead < len(all) && isInstruction(all[lead].Role) {
		lead++
	}
	if lead == len(all) { // contents must not be empty
		lead = 0
	}
	e.instruction(all[:lead])
	e.names = map[string]string{}
	before := len(e.b)
	e.open("contents", '[')
	inside := len(e.b)
	for i := lead; i < len(all) && e.err == nil; i++ {
		e.message(i)
	}
	if e.enter(""); len(e.b) == inside {
		e.b = e.b[:before]
		e.fail(&chat.FieldError{Field: e.r.FieldName("messages"), Problem: "at least one message with content is required"})
	}
	e.close(']')
}

func isInstruction(r chat.Role) bool { return r == chat.RoleSystem || r == chat.RoleDeveloper }

func (e *requestEncoder) instruction(messages []chat.Message) {
	e.object("systemInstruction", func() {
		before := len(e.b)
		e.open("parts", '[')
		inside := len(e.b)
		for i := range messages {
			for j := range messages[i].Parts {
				e.instructionPart(e.at(i, j), &messages[i].Parts[j])
			}
		}
		if len(e.b) == inside {
			e.b = e.b[:before]
			return
		}
		e.close(']')
	})
}

func (e *requestEncoder) instructionPart(at string, p *chat.Part) {
	if p.Cache != nil {
		e.drop("cache_control")
	}
	switch {
	case p.Kind != chat.KindText:
		e.refuse(at, "instructions are text only; put media into a user's message")
	case p.Text != "":
		e.open("", '{')
		e.text("text", p.Text)
		e.close('}')
	}
}

// at is the path of a part.
func (e *requestEncoder) at(message, part int) string {
	inner := "content"
	if e.r.Wire == chat.WireGemini {
		inner = "parts"
	}
	return fmt.Sprintf("%s[%d].%s[%d]", e.r.FieldName("messages"), message, inner, part)
}

// enter opens a content of the role, unless one is open; no role: none is open
// afterwards.
func (e *requestEncoder) enter(role string) {
	if e.role == role {
		return
	}
	if e.role != "" {
		e.close(']')
		e.close('}')
	}
	e.role, e.called = role, false
	if role != "" {
		e.open("", '{')
		e.text("role", role)
		e.open("parts", '[')
	}
}

func (e *requestEncoder) message(i int) {
	m := &e.r.Messages[i]
	role := roleUser
	if m.Role == chat.RoleAssistant {
		role = roleModel
	}
	if m.Name != "" {
		e.dropped = append(e.dropped, e.r.FieldName("messages")+".name")
	}
	for j := range m.Parts {
		if m.Parts[j].Cache != nil {
			e.drop("cache_control")
		}
		if e.part(func() string { return e.at(i, j) }, role, &m.Parts[j]); e.err != nil {
			return
		}
	}
}

// part writes one part. Texts without a letter are left out: the API refuses
// them.
func (e *requestEncoder) part(at func() string, role string, p *chat.Part) {
	switch p.Kind {
	case chat.KindText, chat.KindRefusal:
		e.words(role, p.Text, false, p.Signature)
	case chat.KindThinking:
		e.words(role, p.Text, true, ownSignature(p.Signature))
	case chat.KindRedactedThinking:
		e.dropped = append(e.dropped, "redacted_thinking")
	case chat.KindImage, chat.KindDocument, chat.KindAudio:
		e.enter(role)
		e.media(at, p.Media)
	case chat.KindToolCall:
		e.enter(role)
		e.call(at, p)
	case chat.KindToolResult:
		e.enter(role)
		e.result(at, p.Result)
	case chat.KindNative:
		e.nativePart(role, p.Native)
	default:
		e.refuse(at(), "this wire has no such part")
	}
}

func (e *requestEncoder) words(role, text string, thought bool, signature string) {
	if text != "" || signature != "" {
		e.enter(role)
		writeText(&e.writer, text, thought, signature)
	}
}

func (e *requestEncoder) nativePart(role string, n *chat.Native) {
	switch {
	case n == nil:
	case n.Wire == chat.WireGemini:
		e.enter(role)
		e.native("", *n)
	case n.Harmless:
		e.dropped = append(e.dropped, n.Field)
	default:
		e.fail(n.Unsupported(wire))
	}
}

// writeText writes a part of text; only signatures that are base64 are passed on.
func writeText(w *writer, text string, thought bool, signature string) {
	w.open("", '{')
	w.text("text", text)
	if thought {
		w.bool("thought", true)
	}
	if isBase64(signature) {
		w.text("thoughtSignature", signature)
	}
	w.close('}')
}

// media writes a part of its own with the media.
func (e *requestEncoder) media(at func() string, m *chat.Media) {
	e.open("", '{')
	e.mediaMember(at, m)
	e.close('}')
}

func (e *requestEncoder) mediaMember(at func() string, m *chat.Media) {
	if m == nil {
		e.fail(&chat.FieldError{Field: at(), Problem: "has no media"})
		return
	}
	if m.Detail != "" && m.Detail != "auto" {
		e.dropped = append(e.dropped, "image_url.detail")
	}
	if m.Name != "" {
		e.dropped = append(e.dropped, "filename")
	}
	switch {
	case m.Data != "" && m.MIMEType == "":
		e.fail(&chat.FieldError{Field: at(), Problem: "needs a media type, such as image/png"})
	case m.Data != "":
		e.open("inlineData", '{')
		e.text("mimeType", m.MIMEType)
		e.text("data", m.Data)
		e.close('}')
	case m.URL != "":
		e.file(m.URL, m.MIMEType)
	case ownFile(m.FileID):
		e.file(m.FileID, m.MIMEType)
	default:
		e.refuse(at(), "a file of another provider cannot be read here; send its content or a URL")
	}
}

// file writes a FileData. Gemini fetches public URLs itself
// (https://ai.google.dev/gemini-api/docs/file-input-methods).
func (e *requestEncoder) file(uri, mime string) {
	if mime == "" {
		mime = typeOfURL(uri)
	}
	e.open("fileData", '{')
	e.optional("mimeType", mime)
	e.text("fileUri", uri)
	e.close('}')
}

// foreignCall is the signature that Google has for calls that no Gemini model
// made, in conversations taken over from another one
// (https://ai.google.dev/gemini-api/docs/thought-signatures#faqs).
const foreignCall = "skip_thought_signature_validator"

func (e *requestEncoder) call(at func() string, p *chat.Part) {
	if p.Call == nil {
		e.fail(&chat.FieldError{Field: at(), Problem: "has no call"})
		return
	}
	args, ok := objectOf(p.Call.Arguments)
	if !ok {
		e.fail(&chat.FieldError{Field: at(), Problem: "the arguments of the call must be a JSON object"})
		return
	}
	e.names[p.Call.ID] = p.Call.Name
	e.open("", '{')
	id := p.Call.ID
	if isMadeID(id) {
		id = ""
	}
	writeCall(&e.writer, id, p.Call.Name, args)
	switch {
	case isBase64(p.Signature):
		e.text("thoughtSignature", p.Signature)
	case p.Signature == foreignCall, !e.called && e.model.checksSignatures():
		e.text("thoughtSignature", foreignCall)
	}
	e.called = true
	e.close('}')
}

// objectOf is a call's arguments as an object; none at all are an empty one.
func objectOf(arguments string) (json.RawMessage, bool) {
	if strings.TrimSpace(arguments) == "" {
		return json.RawMessage("{}"), true
	}
	return json.RawMessage(arguments), isObject([]byte(arguments))
}

func writeCall(w *writer, id, name string, args json.RawMessage) {
	w.open("functionCall", '{')
	w.optional("id", id)
	w.text("name", name)
	w.raw("args", args)
	w.close('}')
}

func (e *requestEncoder) result(at func() string, r *chat.ToolResult) {
	if r == nil {
		e.fail(&chat.FieldError{Field: at(), Problem: "has no result"})
		return
	}
	name, called := e.names[r.CallID]
	if !called {
		e.fail(&chat.FieldError{Field: at(), Problem: "answers no tool call before it"})
		return
	}
	text, media := split(r.Parts)
	e.open("", '{')
	e.open("functionResponse", '{')
	if !isMadeID(r.CallID) {
		e.text("id", r.CallID)
	}
	e.text("name", name)
	e.response(text, r.IsError)
	if len(media) > 0 && !e.model.early() {
		e.open("parts", '[')
		for _, m := range media {
			e.media(at, m)
		}
		e.close(']')
		media = nil
	}
	e.close('}')
	e.close('}')
	for _, m := range media {
		e.media(at, m)
	}
}

// split takes the texts, joined, and the media of a result apart.
func split(parts []chat.Part) (text string, media []*chat.Media) {
	var texts []string
	for i := range parts {
		switch p := &parts[i]; {
		case p.Media != nil:
			media = append(media, p.Media)
		case p.Kind == chat.KindText || p.Kind == chat.KindRefusal:
			texts = append(texts, p.Text)
		}
	}
	return strings.Join(texts, "\n"), media
}

// response writes what a call brought as the object that the wire wants. It is
// what [output] reads again.
func (e *requestEncoder) response(text string, failed bool) {
	v := document([]byte(text))
	structured := (v.kind() == '{' || v.kind() == '[') && json.Valid([]byte(text))
	if structured && !failed && v.kind() == '{' && v.get("output") == nil && v.get("error") == nil {
		e.raw("response", json.RawMessage(v))
		return
	}
	name := "output"
	if failed {
		name = "error"
	}
	e.open("response", '{')
	if structured {
		e.raw(name, json.RawMessage(v))
	} else {
		e.text(name, text)
	}
	e.close('}')
}
