package gemini

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// EncodeRequest implements [chat.Codec]. The model and the streaming go into the
// path: see [Path].
func (Codec) EncodeRequest(r *chat.Request, up chat.Upstream) (*chat.Encoded, error) {
	e := &requestEncoder{r: r, up: up, model: modelOf(up.Model), writer: writer{b: make([]byte, 0, sizeOf(r))}}
	e.open("", '{')
	for _, write := range []func(){
		e.messages, e.tools, e.toolConfig, e.generationConfig, e.serviceTier, e.natives, e.hints,
	} {
		if write(); e.err != nil {
			return nil, e.err
		}
	}
	e.close('}')
	slices.Sort(e.dropped)
	return &chat.Encoded{Body: e.b, Dropped: slices.Compact(e.dropped)}, nil
}

// sizeOf guesses the length of the body from the long parts of the request.
func sizeOf(r *chat.Request) int {
	n := 1024 + len(r.Format.Schema)
	for _, m := range r.Messages {
		n += 64
		for i := range m.Parts {
			n += 64 + len(m.Parts[i].Text)
			if media := m.Parts[i].Media; media != nil {
				n += len(media.Data)
			}
		}
	}
	for _, t := range r.Tools {
		n += 128 + len(t.Description) + len(t.Parameters)
	}
	return n
}

// requestEncoder writes a request until the first error.
type requestEncoder struct {
	writer
	r       *chat.Request
	up      chat.Upstream
	model   model
	dropped []string
	err     error

	// role is that of the content that is open, empty if none is, and called says
	// that it has a call.
	role   string
	called bool
	// names are the functions called so far, by the ids of the calls.
	names map[string]string
}

// drop notes a member, by its name in Chat Completions, that is not carried.
func (e *requestEncoder) drop(name string) { e.dropped = append(e.dropped, e.r.FieldName(name)) }

func (e *requestEncoder) refuse(field, format string, args ...any) {
	e.fail(&chat.Unsupported{Field: field, Wire: wire, Reason: fmt.Sprintf(format, args...)})
}

func (e *requestEncoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// schema writes a schema that came with the request.
func (e *requestEncoder) schema(name, field string, s json.RawMessage) {
	if !isObject(s) {
		e.fail(&chat.FieldError{Field: field, Problem: "must be a JSON Schema object"})
		return
	}
	e.raw(name, s)
}

// tools writes the functions, and the tools that run at Google.
func (e *requestEncoder) tools() {
	before := len(e.b)
	e.open("tools", '[')
	inside := len(e.b)
	if len(e.r.Tools) > 0 {
		e.open("", '{')
		e.open("functionDeclarations", '[')
		for i := range e.r.Tools {
			e.function(i)
		}
		e.close(']')
		e.close('}')
	}
	for _, n := range e.r.Native {
		if field, ok := ownTool(n); ok {
			e.open("", '{')
			e.native(field, n)
			e.close('}')
		}
	}
	if len(e.b) == inside {
		e.b = e.b[:before]
		return
	}
	e.close(']')
}

func (e *requestEncoder) function(i int) {
	t := &e.r.Tools[i]
	e.open("", '{')
	e.text("name", t.Name)
	e.optional("description", t.Description)
	if len(t.Parameters) > 0 {
		e.schema("parametersJsonSchema", fmt.Sprintf("%s[%d]", e.r.FieldName("tools"), i), t.Parameters)
	}
	e.close('}')
	if t.Cache != nil {
		e.drop("cache_control")
	}
}

// modes are the modes of function calling.
var modes = map[chat.ToolMode]string{
	chat.ToolModeAuto: "AUTO", chat.ToolModeNone: "NONE", chat.ToolModeRequired: "ANY", chat.ToolModeNamed: "ANY",
}

func (e *requestEncoder) toolConfig() {
	choice := e.r.ToolChoice
	mode := modes[choice.Mode]
	if free := choice.Mode == chat.ToolModeDefault || choice.Mode == chat.ToolModeAuto; free && e.strict() {
		mode = "VALIDATED"
	}
	e.parallel()
	e.object("toolConfig", func() {
		if own := e.own("functionCallingConfig"); own != nil {
			e.native("functionCallingConfig", *own)
		} else if mode != "" && (len(e.r.Tools) > 0 || mode == "NONE") {
			e.open("functionCallingConfig", '{')
			e.text("mode", mode)
			if choice.Mode == chat.ToolModeNamed {
				e.texts("allowedFunctionNames", choice.Names)
			}
			e.close('}')
		}
		e.nativesOf("toolConfig", "functionCallingConfig")
	})
}

// parallel refuses to promise a single call.
func (e *requestEncoder) parallel() {
	if p := e.r.ParallelToolCalls; p == nil || *p || len(e.r.Tools) == 0 || e.r.ToolChoice.Mode == chat.ToolModeNone {
		return
	}
	e.refuse(e.r.FieldName("parallel_tool_calls"),
		"Gemini cannot be held to one call a turn; allow several, or route the request to another provider")
}

// strict reports whether a tool asks that calls keep to its schema.
func (e *requestEncoder) strict() bool {
	return slices.ContainsFunc(e.r.Tools, func(t chat.Tool) bool { return t.Strict != nil && *t.Strict })
}

// tiersOut are the service tiers in Gemini's words.
var tiersOut = map[string]string{"default": "standard", "flex": "flex", "priority": "priority"}

func (e *requestEncoder) serviceTier() {
	tier := e.r.ServiceTier
	if tier == "" || tier == "auto" {
		return
	}
	if name, ok := tiersOut[tier]; ok {
		e.text("serviceTier", name)
		return
	}
	e.drop("service_tier")
}

// hints names what the wire has no member for and the answer does not need.
func (e *requestEncoder) hints() {
	for name, given := range map[string]bool{
		"user":             e.r.User != "",
		"metadata":         len(e.r.Metadata) > 0 && e.own("labels") == nil,
		"prompt_cache_key": e.r.PromptCacheKey != "",
	} {
		if given {
			e.drop(name)
		}
	}
}

// ownTool is the member of a tool that runs at Google.
func ownTool(n chat.Native) (field string, ok bool) {
	path, field, _ := strings.Cut(n.Field, ".")
	return field, n.Wire == chat.WireGemini && strings.HasPrefix(path, "tools[") && field != "" && !strings.Contains(field, ".")
}

// own is the native member of this wire whose path ends in that name; nil if
// there is none.
func (e *requestEncoder) own(field string) *chat.Native {
	for i := range e.r.Native {
		n := &e.r.Native[i]
		last := n.Field[strings.LastIndexByte(n.Field, '.')+1:]
		if n.Wire == chat.WireGemini && string(camel([]byte(last))) == field {
			return n
		}
	}
	return nil
}

// nativesOf puts back the native members of an object of the request, but for
// the one that its caller wrote.
func (e *requestEncoder) nativesOf(object, but string) {
	for _, n := range e.r.Native {
		path, field, nested := strings.Cut(n.Field, ".")
		if n.Wire != chat.WireGemini || !nested || string(camel([]byte(path))) != object {
			continue
		}
		field = string(camel([]byte(field)))
		if field == "" || strings.Contains(field, ".") {
			e.dropped = append(e.dropped, n.Field)
		} else if field != but {
			e.native(field, n)
		}
	}
}

func (e *requestEncoder) native(field string, n chat.Native) {
	if !json.Valid(n.Value) {
		e.fail(&chat.FieldError{Field: n.Field, Problem: "must be JSON"})
		return
	}
	e.raw(field, bytes.TrimSpace(n.Value))
}

// natives puts back the native members of the request itself, and settles the
// fate of those of other wires.
func (e *requestEncoder) natives() {
	for _, n := range e.r.Native {
		path, _, nested := strings.Cut(n.Field, ".")
		container := string(camel([]byte(path)))
		switch {
		case n.Wire != chat.WireGemini && n.Harmless:
			e.dropped = append(e.dropped, n.Field)
		case n.Wire != chat.WireGemini:
			e.fail(n.Unsupported(wire))
		case !nested && container != "":
			e.native(container, n)
		case container == "generationConfig" || container == "toolConfig":
		default:
			if _, tool := ownTool(n); !tool {
				e.dropped = append(e.dropped, n.Field)
			}
		}
	}
}
