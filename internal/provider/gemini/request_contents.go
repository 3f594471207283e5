package gemini

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// pastCall is a call of the conversation that a result may answer.
type pastCall struct {
	id, name string
	answered bool
}

func (d *requestDecoder) contents(path string, v value) {
	for i, c := range v.elements {
		at := path
		if v.kind() == '[' {
			at = index(path, i)
		}
		content := d.content(at, c, chat.RoleUser)
		if d.err != nil {
			return
		}
		if len(content.results) > 0 {
			d.r.Messages = append(d.r.Messages, chat.Message{Role: chat.RoleTool, Parts: content.results})
		}
		if len(content.parts) > 0 {
			d.r.Messages = append(d.r.Messages, chat.Message{Role: content.role, Parts: content.parts})
		}
	}
}

// content is one turn, tool results apart.
type content struct {
	role           chat.Role
	parts, results []chat.Part
}

// content reads a Content whose role, if it states none, is the one given.
// Google's own answers may have no parts, so a model's turn without is let pass.
func (d *requestDecoder) content(path string, v value, role chat.Role) content {
	c := content{role: role}
	if d.object(path, v); d.err != nil {
		return c
	}
	if r := v.get("role"); r != nil && role != chat.RoleSystem {
		c.role = d.role(join(path, "role"), r)
	}
	for m := range v.members {
		switch at := join(path, string(m.name)); m.field() {
		case "role":
		case "parts":
			d.parts(at, m.value, &c)
		default:
			d.native(at, m.value, true)
		}
	}
	if len(c.parts)+len(c.results) == 0 && c.role != chat.RoleAssistant {
		d.fail(join(path, "parts"), "at least one part is required")
	}
	return c
}

func (d *requestDecoder) role(path string, v value) chat.Role {
	switch d.text(path, v) {
	case "user", "function", "":
		return chat.RoleUser
	case "model":
		return chat.RoleAssistant
	}
	d.fail(path, "must be user or model")
	return 0
}

func (d *requestDecoder) parts(path string, v value, c *content) {
	for i, p := range v.elements {
		if d.err != nil {
			return
		}
		at := path
		if v.kind() == '[' {
			at = index(path, i)
		}
		part := d.part(at, p, c.role)
		if part.Kind == chat.KindToolResult {
			c.results = append(c.results, part)
		} else {
			c.add(part)
		}
	}
}

// add appends a part. A thought that was streamed comes back in pieces, of which
// the last one signs the whole.
func (c *content) add(part chat.Part) {
	if n := len(c.parts); n > 0 && part.Kind == chat.KindThinking {
		if last := &c.parts[n-1]; last.Kind == chat.KindThinking && last.Signature == "" {
			last.Text, last.Signature = last.Text+part.Text, part.Signature
			return
		}
	}
	c.parts = append(c.parts, part)
}

// part reads a Part (https://ai.google.dev/api/caching#Part): one member with
// data, and members that say something of it.
func (d *requestDecoder) part(path string, v value, role chat.Role) chat.Part {
	if d.object(path, v); d.err != nil {
		return chat.Part{}
	}
	var data member
	var p chat.Part
	thought, native := false, false
	for m := range v.members {
		switch at := join(path, string(m.name)); m.field() {
		case "thought":
			thought = d.bool(at, m.value)
		case "thoughtSignature":
			p.Signature = d.signature(at, m.value)
		case "videoMetadata":
			native = true
		case "mediaResolution", "partMetadata", "mediaProcessing", "audioTranscription", "speechMetadata":
			d.native(at, m.value, true)
		default:
			d.only(path, data)
			data = m
		}
	}
	if native || serverPart(data.field()) {
		return chat.Part{Kind: chat.KindNative, Native: &chat.Native{Field: path, Value: v.raw(), Wire: chat.WireGemini}}
	}
	d.data(&p, path, data, role)
	if thought && p.Kind == chat.KindText {
		p.Kind, p.Signature = chat.KindThinking, broughtSignature(p.Signature)
	}
	return p
}

// only fails if a part has data already.
func (d *requestDecoder) only(path string, data member) {
	if data.name != nil {
		d.fail(path, "must have only one of text, inlineData, fileData, functionCall, functionResponse, …")
	}
}

// signature is one of base64 in any alphabet, or Google's placeholder.
func (d *requestDecoder) signature(path string, v value) string {
	s := d.text(path, v)
	if s == foreignCall {
		return s
	}
	standard, ok := standardBase64(s)
	if !ok {
		d.fail(path, "must be base64")
	}
	return standard
}

// serverPart reports whether a part tells of a tool that Google ran.
func serverPart(field string) bool {
	switch field {
	case "executableCode", "codeExecutionResult", "toolCall", "toolResponse":
		return true
	}
	return false
}

func (d *requestDecoder) data(p *chat.Part, path string, data member, role chat.Role) {
	at := join(path, string(data.name))
	switch field := data.field(); {
	case field == "text":
		p.Kind, p.Text = chat.KindText, d.text(at, data.value)
	case field == "" && p.Signature != "":
		p.Kind = chat.KindText
	case field == "inlineData":
		p.Media = d.blob(at, data.value)
		p.Kind = kindOf(p.Media.MIMEType)
	case field == "fileData":
		p.Media = d.file(at, data.value)
		p.Kind = kindOf(p.Media.MIMEType)
	case field == "functionCall":
		p.Kind, p.Call = chat.KindToolCall, d.call(at, data.value, role)
		p.Signature = broughtCallSignature(p.Signature)
	case field == "functionResponse":
		p.Kind, p.Result = chat.KindToolResult, d.result(at, data.value, role)
	case field == "":
		d.fail(path, "must have text, inlineData, fileData, functionCall or functionResponse")
	default:
		d.fail(at, "is unknown")
	}
}

// kindOf is what a medium is: of what is neither seen nor heard, and of videos,
// which the neutral model has no kind for, a document.
func kindOf(mime string) chat.Kind {
	switch family, _, _ := strings.Cut(mime, "/"); family {
	case "image":
		return chat.KindImage
	case "audio":
		return chat.KindAudio
	}
	return chat.KindDocument
}

func (d *requestDecoder) blob(path string, v value) *chat.Media {
	m := &chat.Media{MIMEType: strings.ToLower(v.get("mimeType").text()), Name: v.get("displayName").text()}
	if m.MIMEType == "" {
		d.fail(join(path, "mimeType"), "is required")
	}
	data, ok := standardBase64(v.get("data").text())
	if !ok || data == "" {
		d.fail(join(path, "data"), "must be base64")
	}
	m.Data = data
	return m
}

// standardBase64 turns any of the alphabets and paddings that the JSON mapping
// takes into the standard one with padding.
func standardBase64(s string) (string, bool) {
	s = strings.TrimRight(s, "=")
	if strings.ContainsAny(s, "-_") {
		s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	}
	if !validBase64(s) {
		return "", false
	}
	if n := len(s) % 4; n > 0 {
		s += "=="[:4-n]
	}
	return s, true
}

// validBase64 checks a text without padding, without decoding it.
func validBase64(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20) >= 'a' && (c|0x20) <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' {
			continue
		}
		return false
	}
	return len(s)%4 != 1
}

// file reads a FileData. Names of files at Google mean nothing to others.
func (d *requestDecoder) file(path string, v value) *chat.Media {
	uri := v.get("fileUri").text()
	m := &chat.Media{MIMEType: strings.ToLower(v.get("mimeType").text()), Name: v.get("displayName").text()}
	switch {
	case uri == "":
		d.fail(join(path, "fileUri"), "is required")
	case ownFile(uri):
		m.FileID = uri
	case strings.HasPrefix(uri, "https://") || strings.HasPrefix(uri, "http://"):
		m.URL = uri
	default:
		d.fail(join(path, "fileUri"), "must be a file of the Files API, gs:// or a URL")
	}
	if m.MIMEType == "" {
		m.MIMEType = typeOfURL(uri)
	}
	return m
}

// ownFile reports whether a URI names a file that only Google can read.
func ownFile(uri string) bool {
	return strings.HasPrefix(uri, "https://generativelanguage.googleapis.com/") ||
		strings.HasPrefix(uri, "gs://") || strings.HasPrefix(uri, "files/")
}

func (d *requestDecoder) call(path string, v value, role chat.Role) *chat.ToolCall {
	if role != chat.RoleAssistant {
		d.fail(path, "must stand in a content of role model")
	}
	c := readCall(v)
	if c.Name == "" {
		d.fail(join(path, "name"), "is required")
	}
	if args := v.get("args"); args != nil {
		c.Arguments = string(d.object(join(path, "args"), args))
	}
	if c.ID == "" {
		c.ID = madeID + strconv.Itoa(d.made)
		d.made++
	}
	d.calls = append(d.calls, pastCall{id: c.ID, name: c.Name})
	return c
}

// madeID begins the ids that decoders make for calls without.
const madeID = "call_"

// isMadeID reports whether a request's decoder made the id.
func isMadeID(id string) bool {
	digits, ok := strings.CutPrefix(id, madeID)
	_, err := strconv.ParseUint(digits, 10, 31)
	return ok && err == nil
}

func (d *requestDecoder) result(path string, v value, role chat.Role) *chat.ToolResult {
	if role != chat.RoleUser {
		d.fail(path, "must stand in a content of role user")
	}
	r := &chat.ToolResult{Name: v.get("name").text()}
	call := d.answered(v.get("id").text(), r.Name)
	if call == nil {
		d.fail(path, "answers no functionCall before it: neither its id nor its name is that of an unanswered call")
		return r
	}
	call.answered = true
	r.CallID, r.Name = call.id, call.name
	for m := range v.members {
		switch at := join(path, string(m.name)); m.field() {
		case "id", "name":
		case "response":
			d.object(at, m.value)
			text := chat.Part{Kind: chat.KindText}
			text.Text, r.IsError = output(m.value)
			r.Parts = append([]chat.Part{text}, r.Parts...)
		case "parts":
			for i, p := range m.elements {
				part := d.part(index(at, i), p, chat.RoleUser)
				if part.Media == nil {
					d.fail(index(at, i), "must have inlineData or fileData")
				}
				r.Parts = append(r.Parts, part)
			}
		default:
			d.native(at, m.value, true)
		}
	}
	return r
}

// answered is the call that a result answers: that of its id, or else the first
// of its name that has no answer yet; nil if there is none.
func (d *requestDecoder) answered(id, name string) *pastCall {
	for i := len(d.calls) - 1; i >= 0 && id != ""; i-- {
		if c := &d.calls[i]; c.id == id && !c.answered {
			return c
		}
	}
	for i := range d.calls {
		if c := &d.calls[i]; c.name == name && !c.answered {
			return c
		}
	}
	return nil
}

// output is the text of a response, and whether it tells of an error: what stands
// alone under "output" or "error", or else the whole object
// (https://ai.google.dev/api/caching#FunctionResponse).
func output(response value) (text string, failed bool) {
	var only member
	n := 0
	for m := range response.members {
		only = m
		n++
	}
	name := string(only.name)
	if n != 1 || name != "output" && name != "error" {
		return string(response), false
	}
	if only.kind() == '"' {
		return only.text(), name == "error"
	}
	return string(only.value), name == "error"
}

// typeOfURL guesses a media type from the name of a file.
func typeOfURL(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	dot := strings.LastIndexByte(uri, '.')
	if dot < 0 {
		return ""
	}
	return mediaTypes[strings.ToLower(uri[dot+1:])]
}

// mediaTypes are those that Gemini reads, by the extension of a file's name
// (https://ai.google.dev/gemini-api/docs/file-input-methods).
var mediaTypes = map[string]string{
	"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "heic": "image/heic",
	"heif": "image/heif", "gif": "image/gif", "bmp": "image/bmp", "pdf": "application/pdf", "txt": "text/plain",
	"md": "text/markdown", "html": "text/html", "css": "text/css", "csv": "text/csv", "xml": "text/xml",
	"json": "application/json", "mp3": "audio/mp3", "wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg",
	"aac": "audio/aac", "aiff": "audio/aiff", "mp4": "video/mp4", "mpeg": "video/mpeg", "mov": "video/mov",
	"webm": "video/webm",
}

// isBase64 reports whether s is standard base64 with padding, as signatures are.
func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(s)
	return s != "" && err == nil
}
