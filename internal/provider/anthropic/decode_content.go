package anthropic

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// content reads the content of a message, of a tool result or of the system
// prompt: a string or blocks.
func (d *requestDecoder) content(path string, raw json.RawMessage) ([]chat.Part, error) {
	if raw = bytes.TrimLeft(raw, " \t\r\n"); len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := decodeAt(path, raw, &text); err != nil {
			return nil, err
		}
		return []chat.Part{{Kind: chat.KindText, Text: text}}, nil
	}
	list := splitArray(raw)
	if list == nil {
		return nil, problem(path, "must be a string or an array of blocks")
	}
	parts := make([]chat.Part, 0, len(list))
	for i, item := range list {
		p, err := d.part(at(path, i), item)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// incoming is a content block whose content is still to be read.
type incoming struct {
	block
	Content json.RawMessage `json:"content"`
}

// part reads one content block of a request.
func (d *requestDecoder) part(path string, raw json.RawMessage) (chat.Part, error) {
	var b incoming
	if err := decodeBlock(path, raw, &b, &b.block); err != nil {
		return chat.Part{}, err
	}
	p := chat.Part{Cache: cacheOf(b.CacheControl)}
	var err error
	switch b.Type {
	case typeText:
		err = textPart(path, &b, &p)
	case typeImage:
		p.Kind = chat.KindImage
		p.Media, err = mediaOf(path+".source", b.Source, imageTypes)
	case typeDocument:
		err = d.documentPart(path, &b, raw, &p)
	case typeToolUse:
		err = callPart(path, &b, &p)
	case typeToolResult:
		err = d.resultPart(path, &b, &p)
	case typeThinking:
		p.Kind, p.Text, p.Signature = chat.KindThinking, deref(b.Thinking), deref(b.Signature)
	case typeRedactedThinking:
		p.Kind, p.Data = chat.KindRedactedThinking, b.Data
	case "":
		err = problem(path+".type", "is required")
	default:
		p.Kind = chat.KindNative
		p.Native = &chat.Native{Field: path, Value: slices.Clone(raw), Wire: Wire}
	}
	return p, err
}

func textPart(path string, b *incoming, p *chat.Part) error {
	if b.Text == nil {
		return problem(path+".text", "is required")
	}
	p.Kind, p.Text = chat.KindText, *b.Text
	if !isNull(b.Citations) {
		p.Citations = slices.Clone(b.Citations)
	}
	return nil
}

func callPart(path string, b *incoming, p *chat.Part) error {
	switch {
	case b.ID == "":
		return problem(path+".id", "is required")
	case b.Name == "":
		return problem(path+".name", "is required")
	case !isObject(b.Input):
		return problem(path+".input", "must be an object")
	}
	p.Kind, p.Call = chat.KindToolCall, &chat.ToolCall{ID: b.ID, Name: b.Name, Arguments: string(b.Input)}
	return nil
}

func (d *requestDecoder) resultPart(path string, b *incoming, p *chat.Part) error {
	if b.ToolUseID == "" {
		return problem(path+".tool_use_id", "is required")
	}
	p.Kind, p.Result = chat.KindToolResult, &chat.ToolResult{CallID: b.ToolUseID, IsError: b.IsError}
	if isNull(b.Content) {
		return nil
	}
	var err error
	p.Result.Parts, err = d.content(path+".content", b.Content)
	return err
}

// documentPart reads a document. One that is to be cited, or that comes with
// context, is kept whole as well: other wires do without these.
func (d *requestDecoder) documentPart(path string, b *incoming, raw json.RawMessage, p *chat.Part) error {
	p.Kind = chat.KindDocument
	if b.Source != nil && b.Source.Type == "content" {
		p.Kind = chat.KindNative
		p.Native = &chat.Native{Field: path, Value: slices.Clone(raw), Wire: Wire}
		return nil
	}
	var err error
	if p.Media, err = mediaOf(path+".source", b.Source, documentTypes); err != nil {
		return err
	}
	p.Media.Name = b.Title
	for _, extra := range []struct {
		name  string
		given bool
	}{{"context", b.Context != ""}, {"citations", !isNull(b.Citations)}} {
		if extra.given {
			p.Native = &chat.Native{Field: path, Value: slices.Clone(raw), Harmless: true, Wire: Wire}
			d.native(path+"."+extra.name, json.RawMessage("true"), true)
		}
	}
	return nil
}

// The types of what may stand in a request as base64.
var (
	imageTypes    = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	documentTypes = []string{"application/pdf"}
)

func mediaOf(path string, s *source, types []string) (*chat.Media, error) {
	if s == nil {
		return nil, problem(path, "is required")
	}
	switch s.Type {
	case "base64":
		return base64Media(path, s, types)
	case "url":
		if s.URL == "" {
			return nil, problem(path+".url", "is required")
		}
		return &chat.Media{URL: s.URL}, nil
	case "file":
		if s.FileID == "" {
			return nil, problem(path+".file_id", "is required")
		}
		return &chat.Media{FileID: s.FileID}, nil
	case "text":
		if len(types) == 1 && s.Data != "" { // documents
			return &chat.Media{MIMEType: "text/plain", Data: base64.StdEncoding.EncodeToString([]byte(s.Data))}, nil
		}
	}
	return nil, problem(path+".type", "is none of the sources that may stand here, or lacks its data")
}

func base64Media(path string, s *source, types []string) (*chat.Media, error) {
	switch {
	case !slices.Contains(types, s.MediaType):
		return nil, problem(path+".media_type", "is none of the types that may stand here")
	case !validBase64(s.Data):
		return nil, problem(path+".data", "is not base64")
	}
	return &chat.Media{MIMEType: s.MediaType, Data: s.Data}, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
