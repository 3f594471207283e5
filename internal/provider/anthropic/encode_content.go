package anthropic

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// turn is a message as it is written. Content holds *block and, of what only this
// wire knows, json.RawMessage.
type turn struct {
	Role    string `json:"role"`
	Content []any  `json:"content"`
	// results counts the tool results that the content begins with.
	results int
}

// opener is what a user says in a conversation that does not begin with one:
// this wire takes none without.
const opener = "Please go on."

func textBlock(text string) *block { return &block{Type: typeText, Text: &text} }

// turns writes the system prompt and the messages.
func (e *requestEncoder) turns() error {
	calls := map[string]bool{}
	for i, m := range e.r.Messages {
		path := at(e.r.FieldName("messages"), i)
		if m.Name != "" {
			e.drop(path + ".name")
		}
		if m.Role == chat.RoleSystem || m.Role == chat.RoleDeveloper {
			if err := e.instruct(i, m); err != nil {
				return err
			}
			continue
		}
		role := "user"
		if m.Role == chat.RoleAssistant {
			role = "assistant"
		}
		for k, p := range m.Parts {
			if err := e.part(at(path+".content", k), role, p, calls); err != nil {
				return err
			}
		}
	}
	return e.shape()
}

// instruct writes a system message: at the top, or in its place where the model
// takes one there, which is after a user's turn and before the model's
// (https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages).
func (e *requestEncoder) instruct(i int, m chat.Message) error {
	late := e.takesLate(i)
	for k, p := range m.Parts {
		path := at(at(e.r.FieldName("messages"), i)+".content", k)
		if p.Kind == chat.KindNative && late {
			if err := e.nativePart(path, "system", p); err != nil {
				return err
			}
			continue
		}
		if p.Kind != chat.KindText {
			return unsupported(path, "instructions are text only")
		}
		if !hasText(p.Text) {
			continue
		}
		b := textBlock(p.Text)
		b.CacheControl = wireCache(p.Cache)
		if late {
			e.add("system", b)
		} else {
			e.out.System = append(e.out.System, b)
		}
	}
	return nil
}

// takesLate reports whether message i may stay in its place as an instruction.
func (e *requestEncoder) takesLate(i int) bool {
	n := len(e.out.Messages)
	return e.t.lateSystem && n > 0 && e.out.Messages[n-1].Role != "assistant" &&
		(i+1 == len(e.r.Messages) || e.r.Messages[i+1].Role == chat.RoleAssistant)
}

// add appends a block to the turn of a role, tool results before the rest.
func (e *requestEncoder) add(role string, b any) {
	n := len(e.out.Messages)
	if n == 0 || e.out.Messages[n-1].Role != role {
		e.out.Messages = append(e.out.Messages, turn{Role: role})
		n++
	}
	t := &e.out.Messages[n-1]
	if result, ok := b.(*block); ok && result.Type == typeToolResult {
		t.Content = slices.Insert(t.Content, t.results, b)
		t.results++
		return
	}
	t.Content = append(t.Content, b)
}

// part writes a part of a user's or of the model's turn.
func (e *requestEncoder) part(path, role string, p chat.Part, calls map[string]bool) error {
	switch p.Kind {
	case chat.KindText, chat.KindRefusal:
		return e.textPart(role, p)
	case chat.KindToolCall:
		return e.callPart(path, p, calls)
	case chat.KindToolResult:
		return e.resultPart(path, p, calls)
	case chat.KindThinking:
		return e.thinkingPart(path, role, p)
	case chat.KindRedactedThinking:
		return e.put(role, &block{Type: typeRedactedThinking, Data: p.Data}, nil)
	case chat.KindNative:
		return e.nativePart(path, role, p)
	}
	return e.mediaPart(path, role, p)
}

func (e *requestEncoder) textPart(role string, p chat.Part) error {
	if !hasText(p.Text) {
		return nil
	}
	b := textBlock(p.Text)
	b.Citations = ownCitations(p.Citations)
	return e.put(role, b, p.Cache)
}

func (e *requestEncoder) thinkingPart(path, role string, p chat.Part) error {
	if p.Signature == "" || isForeign(p.Signature) {
		e.drop(path + ".thinking") // only a thought of Claude's own, and signed, is taken for one
		return nil
	}
	return e.put(role, &block{Type: typeThinking, Thinking: &p.Text, Signature: &p.Signature}, nil)
}

func (e *requestEncoder) mediaPart(path, role string, p chat.Part) error {
	if role == "assistant" {
		return unsupported(path, "the model's own turns hold no media")
	}
	b, err := mediaBlock(path, p)
	if err != nil {
		return err
	}
	e.add(role, b)
	return nil
}

// isForeign reports whether a signature is another provider's, by the mark that its
// codec leaves on it (packages responses and gemini). Anthropic refuses those.
func isForeign(signature string) bool {
	return strings.HasPrefix(signature, "openai:") || strings.HasPrefix(signature, "tsgemini")
}

func (e *requestEncoder) put(role string, b *block, cache *chat.CacheControl) error {
	b.CacheControl = wireCache(cache)
	e.add(role, b)
	return nil
}

func (e *requestEncoder) nativePart(path, role string, p chat.Part) error {
	n := p.Native
	if n == nil {
		return unsupported(path, "it holds nothing that is known")
	}
	switch {
	case n.Wire == Wire && json.Valid(n.Value):
		e.add(role, n.Value)
	case n.Harmless:
		e.drop(path)
	default:
		return chat.Native{Field: path, Reason: n.Reason}.Unsupported(wireName)
	}
	return nil
}

func (e *requestEncoder) callPart(path string, p chat.Part, calls map[string]bool) error {
	c := p.Call
	arguments := json.RawMessage(strings.TrimSpace(c.Arguments))
	if len(arguments) == 0 {
		arguments = json.RawMessage("{}")
	}
	switch {
	case c.ID == "":
		return problem(path+".id", "is required: a call needs an id that its result answers")
	case !validName(c.Name):
		return unsupported(path+".name", "names hold letters, digits, _ and - only, at most 128")
	case !isObject(arguments):
		return problem(path+".arguments", "must be a JSON object")
	}
	id := callID(c.ID)
	calls[id] = true
	return e.put("assistant", &block{Type: typeToolUse, ID: id, Name: c.Name, Input: arguments}, p.Cache)
}

func (e *requestEncoder) resultPart(path string, p chat.Part, calls map[string]bool) error {
	id := callID(p.Result.CallID)
	if !calls[id] {
		return problem(path+".tool_call_id", "answers no tool call of the messages before")
	}
	b := &block{Type: typeToolResult, ToolUseID: id, IsError: p.Result.IsError}
	var content []any
	for i, part := range p.Result.Parts {
		if part.Kind == chat.KindText {
			if hasText(part.Text) {
				text := textBlock(part.Text)
				text.CacheControl = wireCache(part.Cache)
				content = append(content, text)
			}
			continue
		}
		media, err := mediaBlock(at(path+".content", i), part) // also what only this wire knows
		if err != nil {
			return err
		}
		content = append(content, media)
	}
	if len(content) > 0 {
		b.Content = content
	}
	return e.put("user", b, p.Cache)
}

// mediaBlock writes an image or a document.
func mediaBlock(path string, p chat.Part) (any, error) {
	if p.Native != nil && p.Native.Wire == Wire && json.Valid(p.Native.Value) {
		return p.Native.Value, nil
	}
	types, kind := imageTypes, typeImage
	switch {
	case p.Media == nil || p.Kind == chat.KindAudio:
		return nil, unsupported(path, "it takes text, images and documents only")
	case p.Kind == chat.KindDocument:
		types, kind = documentTypes, typeDocument
	case p.Kind != chat.KindImage:
		return nil, unsupported(path, "it takes text, images and documents only")
	}
	s, err := sourceOf(path, p.Media, types)
	if err != nil {
		return nil, err
	}
	b := &block{Type: kind, Source: s, CacheControl: wireCache(p.Cache)}
	if kind == typeDocument {
		b.Title = p.Media.Name
	}
	return b, nil
}

func sourceOf(path string, m *chat.Media, types []string) (*source, error) {
	mime, _, _ := strings.Cut(strings.ToLower(m.MIMEType), ";")
	switch {
	case m.URL != "":
		return &source{Type: "url", URL: m.URL}, nil
	case strings.HasPrefix(m.FileID, "file_"):
		return &source{Type: "file", FileID: m.FileID}, nil
	case m.FileID != "":
		return nil, unsupported(path, "the file was uploaded to another provider; send its content")
	case !validBase64(m.Data):
		return nil, problem(path, "holds no valid base64")
	case slices.Contains(types, mime):
		return &source{Type: "base64", MediaType: mime, Data: m.Data}, nil
	case len(types) == 1 && (strings.HasPrefix(mime, "text/") || mime == "application/json"):
		return textSource(path, m.Data)
	}
	return nil, unsupported(path, "it takes "+strings.Join(types, ", ")+" only")
}

// textSource writes a document that is plain text.
func textSource(path, data string) (*source, error) {
	text, err := base64.StdEncoding.DecodeString(data)
	if err != nil || !utf8.Valid(text) {
		return nil, problem(path, "holds no text in UTF-8")
	}
	return &source{Type: "text", MediaType: "text/plain", Data: string(text)}, nil
}

// shape keeps what the wire demands of a conversation: it begins with a user, and
// a turn of the model that is to be gone on with does not end in white space.
func (e *requestEncoder) shape() error {
	turns := e.out.Messages
	if len(turns) == 0 && len(e.out.System) == 0 {
		return problem(e.r.FieldName("messages"), "hold nothing to answer")
	}
	if n := len(turns); n > 0 && turns[n-1].Role == "assistant" {
		last := &turns[n-1]
		if b, ok := last.Content[len(last.Content)-1].(*block); ok && b.Type == typeText {
			b.Text = ptr(strings.TrimRight(*b.Text, " \t\r\n"))
		}
	}
	if len(turns) == 0 || turns[0].Role != "user" {
		turns = slices.Insert(turns, 0, turn{Role: "user", Content: []any{textBlock(opener)}})
	}
	e.out.Messages = turns
	return nil
}

func ptr[T any](v T) *T { return &v }

// ownCitations are citations as this wire writes them; nil: they are another's.
func ownCitations(raw json.RawMessage) json.RawMessage {
	var list []struct {
		Type string `json:"type"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil
	}
	for _, c := range list {
		if !strings.HasSuffix(c.Type, "_location") {
			return nil
		}
	}
	return raw
}

// cacheFrom is the length of a prefix, in bytes, from which it is worth a cache
// breakpoint: providers cache prefixes from 1,024 tokens on, at some 4 bytes each.
const cacheFrom = 4096

// marked reports whether the client placed cache breakpoints of its own.
func (e *requestEncoder) marked() bool {
	has := func(b any) bool {
		switch b := b.(type) {
		case *block:
			return b.CacheControl != nil
		case *outTool:
			return b.CacheControl != nil
		case json.RawMessage:
			return strings.Contains(string(b), `"cache_control"`)
		}
		return false
	}
	for _, t := range e.out.Messages {
		if slices.ContainsFunc(t.Content, has) {
			return true
		}
	}
	return slices.ContainsFunc(e.out.System, func(b *block) bool { return has(b) }) ||
		slices.ContainsFunc(e.out.Tools, has) ||
		slices.ContainsFunc(e.extras, func(m member) bool { return m.name == "cache_control" })
}

// markCache marks the ends of long tools and of a long system prompt. The prefix
// is in the order tools, system, messages
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
func (e *requestEncoder) markCache() {
	size := 0
	for _, t := range e.out.Tools {
		if own, ok := t.(*outTool); ok {
			size += len(own.Name) + len(own.Description) + len(own.InputSchema)
		}
	}
	if n := len(e.out.Tools); n > 0 && size >= cacheFrom {
		if last, ok := e.out.Tools[n-1].(*outTool); ok {
			last.CacheControl = &cacheControl{Type: "ephemeral"}
		}
	}
	for _, b := range e.out.System {
		size += len(*b.Text)
	}
	if n := len(e.out.System); n > 0 && size >= cacheFrom {
		e.out.System[n-1].CacheControl = &cacheControl{Type: "ephemeral"}
	}
}
