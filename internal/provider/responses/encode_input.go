package responses

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// input writes the conversation. What only this wire knows of it goes back to
// its place among the client's items, if their number is as it was.
func (e *encoder) input() {
	messages := e.req.Messages
	first := 0
	if len(messages) > 0 && messages[0].Role == chat.RoleSystem {
		if text, ok := plain(messages[0].Parts); ok {
			e.dropMarks(messages[0].Parts)
			e.String("instructions", text)
			first = 1
		}
	}
	var items [][]byte
	for i := first; i < len(messages); i++ {
		items = append(items, e.message(i, messages[i])...)
	}
	for _, n := range e.ownItems("input[") {
		at, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(n.Field, "input["), "]"))
		if err != nil || at > len(items) {
			at = len(items)
		}
		items = append(items[:at], append([][]byte{openaiwire.AppendRaw(nil, n.Value)}, items[at:]...)...)
	}
	e.Name("input")
	e.B = append(e.B, '[')
	for i, item := range items {
		if i > 0 {
			e.B = append(e.B, ',')
		}
		e.B = append(e.B, item...)
	}
	e.B = append(e.B, ']')
}

// plain is the text of parts that are all text.
func plain(parts []chat.Part) (string, bool) {
	var texts []string
	for _, p := range parts {
		if p.Kind != chat.KindText {
			return "", false
		}
		texts = append(texts, p.Text)
	}
	return strings.Join(texts, "\n\n"), len(texts) > 0
}

func (e *encoder) dropMarks(parts []chat.Part) {
	for _, p := range parts {
		e.Drop(p.Cache != nil, "cache_control")
	}
}

// message writes the items of a message.
func (e *encoder) message(i int, m chat.Message) (items [][]byte) {
	e.dropMarks(m.Parts)
	switch m.Role {
	case chat.RoleAssistant:
		return e.assistant(i, m.Parts)
	case chat.RoleTool:
		return e.results(i, m.Parts)
	}
	role := map[chat.Role]string{chat.RoleSystem: "system", chat.RoleDeveloper: "developer", chat.RoleUser: "user"}[m.Role]
	o := openaiwire.NewObject(nil)
	o.String("role", role)
	o.Name("content")
	if len(m.Parts) == 1 && m.Parts[0].Kind == chat.KindText {
		o.B = openaiwire.AppendString(o.B, m.Parts[0].Text)
	} else {
		o.B = e.content(o.B, i, m.Parts)
	}
	return [][]byte{o.End()}
}

func (e *encoder) fieldOf(message, part int) string {
	return fmt.Sprintf("%s[%d].content[%d]", e.req.FieldName("messages"), message, part)
}

// content writes a list of input parts.
func (e *encoder) content(dst []byte, i int, parts []chat.Part) []byte {
	dst = append(dst, '[')
	begun := false
	for k, p := range parts {
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

func (e *encoder) part(dst []byte, field string, p chat.Part) []byte {
	o := openaiwire.NewObject(dst)
	switch p.Kind {
	case chat.KindText:
		o.String("type", "input_text")
		o.String("text", p.Text)
	case chat.KindImage:
		e.image(o, field, p.Media)
	case chat.KindDocument:
		e.document(o, field, p.Media)
	case chat.KindAudio:
		e.refuse(field, "Responses takes no sound; send its transcript, or route the request to a Chat Completions provider")
	case chat.KindNative:
		e.Native(*p.Native)
		return dst
	default:
		e.Invalid(field, "cannot stand in this message")
		return dst
	}
	return o.End()
}

// refuse refuses the request for a part, by the client's path of it.
func (e *encoder) refuse(field, reason string) {
	e.Native(chat.Native{Field: field, Reason: reason})
}

// knowsFile reports whether a file id is OpenAI's.
func (e *encoder) knowsFile(field string) {
	if !e.own && e.req.Wire != chat.WireOpenAIChat {
		e.refuse(field, "the file id is another provider's; send the file as data")
	}
}

func (e *encoder) image(o *openaiwire.Object, field string, m *chat.Media) {
	o.String("type", "input_image")
	switch {
	case m.Data != "":
		o.String("image_url", openaiwire.DataURL(m, "image/png"))
	case m.FileID != "":
		e.knowsFile(field)
		o.String("file_id", m.FileID)
	default:
		o.String("image_url", m.URL)
	}
	if m.Detail == "" {
		o.String("detail", "auto")
	} else {
		o.String("detail", m.Detail)
	}
}

func (e *encoder) document(o *openaiwire.Object, field string, m *chat.Media) {
	if text, ok := openaiwire.PlainText(m); ok {
		o.String("type", "input_text")
		o.String("text", text)
		return
	}
	o.String("type", "input_file")
	switch {
	case m.Data != "":
		name := m.Name
		if name == "" {
			name = "document.pdf"
		}
		o.String("filename", name)
		o.String("file_data", openaiwire.DataURL(m, "application/pdf"))
	case m.FileID != "":
		e.knowsFile(field)
		o.String("file_id", m.FileID)
	default:
		o.String("file_url", m.URL)
	}
}

// assistant writes an earlier answer: thoughts, what was said, calls, each an
// item, in their order.
func (e *encoder) assistant(i int, parts []chat.Part) (items [][]byte) {
	var said []chat.Part
	flush := func() {
		if len(said) > 0 {
			items = append(items, saidItem(said))
			said = nil
		}
	}
	for k, p := range parts {
		switch p.Kind {
		case chat.KindText, chat.KindRefusal:
			said = append(said, p)
			continue
		case chat.KindToolCall:
			flush()
			e.names[p.Call.ID] = p.Call.Name
			items = append(items, callItem(p.Call))
		case chat.KindThinking, chat.KindRedactedThinking:
			flush()
			if item := thoughtItem(p); item != nil {
				items = append(items, item)
			} else {
				e.DropPath(fmt.Sprintf("%s[%d] (thinking)", e.req.FieldName("messages"), i))
			}
		case chat.KindNative:
			e.Native(*p.Native)
		default:
			e.refuse(e.fieldOf(i, k), "Responses takes only text from the assistant")
		}
	}
	flush()
	return items
}

func saidItem(parts []chat.Part) []byte {
	o := openaiwire.NewObject(nil)
	o.String("type", "message")
	o.String("role", "assistant")
	o.Name("content")
	o.B = append(o.B, '[')
	for i, p := range parts {
		if i > 0 {
			o.B = append(o.B, ',')
		}
		o.B = appendSaid(o.B, p)
	}
	o.B = append(o.B, ']')
	return o.End()
}

// appendSaid writes an output_text or a refusal.
func appendSaid(dst []byte, p chat.Part) []byte {
	o := openaiwire.NewObject(dst)
	if p.Kind == chat.KindRefusal {
		o.String("type", "refusal")
		o.String("refusal", p.Text)
		return o.End()
	}
	o.String("type", "output_text")
	o.String("text", p.Text)
	o.Name("annotations")
	o.B = appendAnnotations(o.B, openaiwire.ReadCitations(p.Citations))
	return o.End()
}

func appendAnnotations(dst []byte, cited []openaiwire.Citation) []byte {
	dst = append(dst, '[')
	for i, c := range cited {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendAnnotation(dst, c)
	}
	return append(dst, ']')
}

func appendAnnotation(dst []byte, c openaiwire.Citation) []byte {
	o := openaiwire.NewObject(dst)
	o.String("type", "url_citation")
	c.Append(o)
	return o.End()
}

func callItem(c *chat.ToolCall) []byte {
	o := openaiwire.NewObject(nil)
	o.String("type", "function_call")
	o.String("call_id", c.ID)
	o.String("name", c.Name)
	o.String("arguments", argumentsOf(c.Arguments))
	return o.End()
}

// argumentsOf are the arguments, which even a call without any has.
func argumentsOf(arguments string) string {
	if arguments == "" {
		return "{}"
	}
	return arguments
}

// thoughtItem is OpenAI's own reasoning item; nil: the thought is not OpenAI's.
func thoughtItem(p chat.Part) []byte {
	id, encrypted, ok := signed(p.Signature)
	if !ok {
		return nil
	}
	o := openaiwire.NewObject(nil)
	o.String("type", "reasoning")
	o.Text("id", id)
	o.Name("summary")
	o.B = appendSummary(o.B, p.Text)
	o.Text("encrypted_content", encrypted)
	return o.End()
}

// appendSummary writes a summary of at most one text.
func appendSummary(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, "[]"...)
	}
	dst = openaiwire.AppendString(append(dst, `[{"type":"summary_text","text":`...), text)
	return append(dst, "}]"...)
}

// results writes an item for each result.
func (e *encoder) results(i int, parts []chat.Part) (items [][]byte) {
	for k, p := range parts {
		if p.Result == nil {
			e.Invalid(e.fieldOf(i, k), "is no tool result, and cannot stand beside them")
			continue
		}
		text, other := openaiwire.ResultText(p.Result)
		o := openaiwire.NewObject(nil)
		o.String("type", "function_call_output")
		o.String("call_id", p.Result.CallID)
		o.Name("output")
		if len(other) == 0 {
			o.B = openaiwire.AppendString(o.B, text)
		} else {
			if text != "" {
				other = append([]chat.Part{{Kind: chat.KindText, Text: text}}, other...)
			}
			o.B = e.content(o.B, i, other)
		}
		items = append(items, o.End())
	}
	return items
}
