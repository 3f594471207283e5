package gemini

import (
	"encoding/json"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// DecodeRequest implements [chat.Codec]. Model is that of the body, if it names
// one; the caller sets Model and Stream from the path.
func (Codec) DecodeRequest(body []byte) (*chat.Request, error) {
	if !json.Valid(body) {
		return nil, &chat.FieldError{Problem: "the body is not valid JSON"}
	}
	d := &requestDecoder{r: &chat.Request{Wire: chat.WireGemini, StreamUsage: true}}
	d.decode("", document(body), requestMembers)
	if d.err == nil && len(d.r.Messages) == 0 {
		d.fail("contents", "at least one content is required")
	}
	if d.err != nil {
		return nil, d.err
	}
	if d.instruction != nil {
		d.r.Messages = append([]chat.Message{*d.instruction}, d.r.Messages...)
	}
	return d.r, nil
}

// requestDecoder gathers a request until the first error.
type requestDecoder struct {
	r   *chat.Request
	err *chat.FieldError
	// instruction is the systemInstruction.
	instruction *chat.Message
	// calls are those of the conversation so far; made counts those without ids.
	calls []pastCall
	made  int
}

// decoders are what to do with the members of an object, by name.
type decoders map[string]func(d *requestDecoder, path string, v value)

// decode reads an object. Members that are not known are native, and harmless.
func (d *requestDecoder) decode(path string, v value, known decoders) {
	if v.kind() != '{' {
		d.fail(path, "must be an object")
		return
	}
	for m := range v.members {
		if d.err != nil {
			return
		}
		at := join(path, string(m.name))
		if read := known[m.field()]; read != nil {
			read(d, at, m.value)
			continue
		}
		d.native(at, m.value, true)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fail keeps the first error.
func (d *requestDecoder) fail(path, problem string) {
	if d.err == nil {
		d.err = &chat.FieldError{Field: path, Problem: problem}
	}
}

func (d *requestDecoder) native(path string, v value, harmless bool) {
	d.r.Native = append(d.r.Native, chat.Native{Field: path, Value: v.raw(), Harmless: harmless, Wire: chat.WireGemini})
}

// isNative reads members that are known, but only to this wire.
func isNative(harmless bool) func(*requestDecoder, string, value) {
	return func(d *requestDecoder, path string, v value) { d.native(path, v, harmless) }
}

func ignored(*requestDecoder, string, value) {}

func (d *requestDecoder) text(path string, v value) string {
	if v.kind() != '"' {
		d.fail(path, "must be a string")
	}
	return v.text()
}

func (d *requestDecoder) bool(path string, v value) bool {
	if v.kind() != 't' && v.kind() != 'f' {
		d.fail(path, "must be true or false")
	}
	return v.kind() == 't'
}

func (d *requestDecoder) int(path string, v value) int64 {
	n, ok := v.integer()
	if !ok {
		d.fail(path, "must be an integer")
	}
	return n
}

// positive reads a count of which 0 means that none is given.
func (d *requestDecoder) positive(path string, v value) int64 {
	n := d.int(path, v)
	if n < 0 {
		d.fail(path, "must not be negative")
	}
	return n
}

func (d *requestDecoder) number(path string, v value) *float64 {
	f, ok := v.number()
	if !ok {
		d.fail(path, "must be a number")
	}
	return &f
}

func (d *requestDecoder) texts(path string, v value) []string {
	var out []string
	for i, e := range v.elements {
		out = append(out, d.text(index(path, i), e))
	}
	return out
}

// object reads JSON of a schema or the like.
func (d *requestDecoder) object(path string, v value) json.RawMessage {
	if v.kind() != '{' {
		d.fail(path, "must be an object")
	}
	return v.raw()
}

// requestMembers are the members of a GenerateContentRequest.
var requestMembers = decoders{
	"model": func(d *requestDecoder, path string, v value) {
		d.r.Model = strings.TrimPrefix(d.text(path, v), "models/")
	},
	"contents":          (*requestDecoder).contents,
	"systemInstruction": (*requestDecoder).systemInstruction,
	"tools":             (*requestDecoder).tools,
	"toolConfig": func(d *requestDecoder, path string, v value) {
		d.decode(path, v, toolConfigMembers)
	},
	"generationConfig": func(d *requestDecoder, path string, v value) {
		d.decode(path, v, configMembers)
		d.format(path, v)
	},
	"serviceTier":       (*requestDecoder).serviceTier,
	"labels":            (*requestDecoder).labels,
	"safetySettings":    isNative(true),
	"store":             isNative(true),
	"cachedContent":     isNative(false),
	"continuationToken": isNative(false),
}

// tiers are the service tiers, in OpenAI's words
// (https://ai.google.dev/gemini-api/docs/optimization).
var tiers = map[string]string{
	"unspecified": "auto", "standard": "default", "flex": "flex", "priority": "priority",
}

func (d *requestDecoder) serviceTier(path string, v value) {
	name := strings.ToLower(strings.TrimPrefix(d.text(path, v), "SERVICE_TIER_"))
	tier, ok := tiers[name]
	if !ok {
		d.fail(path, "must be unspecified, standard, flex or priority")
	}
	d.r.ServiceTier = tier
}

// labels are the client's own, so that routes may match them, and what Google
// bills by, so they are put back.
func (d *requestDecoder) labels(path string, v value) {
	d.object(path, v)
	d.r.Metadata = map[string]string{}
	for m := range v.members {
		name := value(quoted(nil, m.name)).text()
		d.r.Metadata[name] = d.text(join(path, name), m.value)
	}
	d.native("labels", v, true)
}

func (d *requestDecoder) systemInstruction(path string, v value) {
	c := d.content(path, v, chat.RoleSystem)
	if d.err == nil && len(c.parts) > 0 {
		d.instruction = &chat.Message{Role: chat.RoleSystem, Parts: c.parts}
	}
}
