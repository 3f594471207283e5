package anthropic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// block is a content block, in requests and in answers.
type block struct {
	Type         string          `json:"type"`
	ID           string          `json:"id,omitempty"`
	Name         string          `json:"name,omitempty"`
	Input        json.RawMessage `json:"input,omitempty"`
	ToolUseID    string          `json:"tool_use_id,omitempty"`
	IsError      bool            `json:"is_error,omitempty"`
	Content      any             `json:"content,omitempty"`
	Source       *source         `json:"source,omitempty"`
	Title        string          `json:"title,omitempty"`
	Context      string          `json:"context,omitempty"`
	Text         *string         `json:"text,omitempty"`
	Citations    json.RawMessage `json:"citations,omitempty"`
	Thinking     *string         `json:"thinking,omitempty"`
	Signature    *string         `json:"signature,omitempty"`
	Data         string          `json:"data,omitempty"`
	CacheControl *cacheControl   `json:"cache_control,omitempty"`
}

// The types of content blocks that the neutral model knows.
const (
	typeText             = "text"
	typeImage            = "image"
	typeDocument         = "document"
	typeToolUse          = "tool_use"
	typeToolResult       = "tool_result"
	typeThinking         = "thinking"
	typeRedactedThinking = "redacted_thinking"
)

// knownTypes are the types of content blocks above; of others it is not known
// what their members mean.
var knownTypes = []string{
	typeText, typeImage, typeDocument, typeToolUse, typeToolResult, typeThinking, typeRedactedThinking,
}

// decodeBlock decodes a content block, of an unknown type the type only.
func decodeBlock(path string, raw json.RawMessage, b any, of *block) error {
	err := decodeAt(path, raw, b)
	if err == nil {
		return nil
	}
	var kind struct {
		Type string `json:"type"`
	}
	if decodeAt(path, raw, &kind) != nil || kind.Type == "" || slices.Contains(knownTypes, kind.Type) {
		return err
	}
	*of = block{Type: kind.Type}
	return nil
}

// source is where an image or a document comes from.
type source struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type,omitempty"`
	Data      string `json:"data,omitempty"`
	URL       string `json:"url,omitempty"`
	FileID    string `json:"file_id,omitempty"`
}

type cacheControl struct {
	Type string `json:"type"`
	TTL  string `json:"ttl,omitempty"`
}

func cacheOf(c *cacheControl) *chat.CacheControl {
	if c == nil {
		return nil
	}
	return &chat.CacheControl{TTL: c.TTL}
}

func wireCache(c *chat.CacheControl) *cacheControl {
	if c == nil {
		return nil
	}
	return &cacheControl{Type: "ephemeral", TTL: c.TTL}
}

// isNull reports whether a member is absent or null.
func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// isObject reports whether the text is one JSON object.
func isObject(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && text[0] == '{' && json.Valid(text)
}

// decodeAt decodes the value at a path. The error is a *chat.FieldError that
// quotes nothing.
func decodeAt(path string, raw json.RawMessage, to any) error {
	err := json.Unmarshal(raw, to)
	var mistyped *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mistyped):
		if mistyped.Field != "" {
			path = join(path, strings.TrimPrefix(mistyped.Field, "block.")) // which is embedded
		}
		got, _, _ := strings.Cut(mistyped.Value, " ")
		return problem(path, fmt.Sprintf("is of the wrong type: a JSON %s, want %s", got, jsonType(mistyped)))
	default:
		return problem(path, "is no valid JSON")
	}
}

// jsonType names the JSON type that a Go type stands for.
func jsonType(e *json.UnmarshalTypeError) string {
	switch kind := e.Type.Kind().String(); {
	case strings.HasPrefix(kind, "int"):
		return "an integer"
	case strings.HasPrefix(kind, "float"):
		return "a number"
	case kind == "bool":
		return "true or false"
	case kind == "slice":
		return "an array"
	case kind == "string":
		return "a string"
	default:
		return "an object"
	}
}

func join(path, member string) string {
	if path == "" {
		return member
	}
	return path + "." + member
}

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// encode writes a value as JSON, without escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// validBase64 reports whether s is base64 in the standard alphabet with padding,
// without decoding what may be megabytes.
func validBase64(s string) bool {
	if s == "" || len(s)%4 != 0 {
		return false
	}
	body := strings.TrimRight(s, "=")
	if len(s)-len(body) > 2 {
		return false
	}
	for i := range len(body) {
		if !base64Bytes[body[i]] {
			return false
		}
	}
	return true
}

// base64Bytes are the bytes of the standard alphabet.
var base64Bytes = func() (set [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		set[c] = true
	}
	return set
}()
