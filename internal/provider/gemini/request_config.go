package gemini

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// configMembers are the members of a GenerationConfig
// (https://ai.google.dev/api/generate-content#generationconfig). Those of the
// format are read together, by format.
var configMembers = decoders{
	"temperature":      func(d *requestDecoder, p string, v value) { d.r.Temperature = d.number(p, v) },
	"topP":             func(d *requestDecoder, p string, v value) { d.r.TopP = d.number(p, v) },
	"topK":             func(d *requestDecoder, p string, v value) { n := d.int(p, v); d.r.TopK = &n },
	"frequencyPenalty": func(d *requestDecoder, p string, v value) { d.r.FrequencyPenalty = d.number(p, v) },
	"presencePenalty":  func(d *requestDecoder, p string, v value) { d.r.PresencePenalty = d.number(p, v) },
	"seed":             func(d *requestDecoder, p string, v value) { n := d.int(p, v); d.r.Seed = &n },
	"maxOutputTokens":  func(d *requestDecoder, p string, v value) { d.r.MaxOutputTokens = d.positive(p, v) },
	"candidateCount":   func(d *requestDecoder, p string, v value) { d.r.Candidates = d.positive(p, v) },
	"stopSequences":    func(d *requestDecoder, p string, v value) { d.r.Stop = d.texts(p, v) },
	"responseLogprobs": func(d *requestDecoder, p string, v value) { d.r.LogProbs = d.bool(p, v) },
	"logprobs":         func(d *requestDecoder, p string, v value) { d.r.TopLogProbs = d.positive(p, v) },
	"thinkingConfig": func(d *requestDecoder, p string, v value) {
		d.decode(p, v, thinkingMembers)
	},
	"responseModalities": (*requestDecoder).modalities,
	"responseMimeType":   ignored,
	"responseSchema":     ignored,
	"responseJsonSchema": ignored,
	"responseFormat":     ignored,
	"speechConfig":       isNative(false),
	"imageConfig":        isNative(false),
}

// modalities are those of the answer; text alone is what every wire answers.
func (d *requestDecoder) modalities(path string, v value) {
	for _, m := range d.texts(path, v) {
		if m != "TEXT" && m != "MODALITY_UNSPECIFIED" {
			d.native(path, v, false)
			return
		}
	}
}

var thinkingMembers = decoders{
	"thinkingBudget": func(d *requestDecoder, p string, v value) {
		switch n := d.int(p, v); {
		case n == 0:
			d.r.Reasoning.Disabled = true
		case n < -1:
			d.fail(p, "must be -1, 0 or a number of tokens")
		default:
			d.r.Reasoning.BudgetTokens = n
		}
	},
	"thinkingLevel": func(d *requestDecoder, p string, v value) {
		level := strings.ToLower(d.text(p, v))
		switch level {
		case "minimal", "low", "medium", "high":
			d.r.Reasoning.Effort = level
		case "thinking_level_unspecified":
		default:
			d.fail(p, "must be MINIMAL, LOW, MEDIUM or HIGH")
		}
	},
	"includeThoughts": func(d *requestDecoder, p string, v value) { show := d.bool(p, v); d.r.Reasoning.Show = &show },
}

// format reads the members of a GenerationConfig that say what form the answer
// is to have: responseMimeType with responseSchema (OpenAPI) or
// responseJsonSchema, or the newer responseFormat that holds the same.
func (d *requestDecoder) format(path string, config value) {
	mime, schemaPath, schema := "", "", value(nil)
	for m := range config.members {
		at := join(path, string(m.name))
		switch m.field() {
		case "responseMimeType":
			mime = d.text(at, m.value)
		case "responseSchema":
			d.object(at, m.value)
			schemaPath, schema = at, value(fromOpenAPI(m.value))
		case "responseJsonSchema":
			schemaPath, schema = at, m.value
		case "responseFormat":
			if !d.responseFormat(at, m.value) {
				return
			}
			text := textFormat(m.value)
			mime, schemaPath, schema = text.get("mimeType").text(), join(at, "text.schema"), text.get("schema")
		}
	}
	d.setFormat(path, strings.ToLower(mime), schemaPath, schema)
}

// responseFormat reports whether the format is of text; any other is native.
func (d *requestDecoder) responseFormat(path string, v value) bool {
	for _, f := range v.elements {
		for m := range f.members {
			if m.field() != "text" {
				d.native(path, v, false)
				return false
			}
		}
	}
	return true
}

// textFormat is the last format of text.
func textFormat(v value) (text value) {
	for _, f := range v.elements {
		text = f.get("text")
	}
	return text
}

func (d *requestDecoder) setFormat(path, mime, schemaPath string, schema value) {
	switch {
	case mime == "text/x.enum":
		d.native(join(path, "responseMimeType"), value(`"text/x.enum"`), false)
		if schema != nil {
			d.native(join(path, "responseJsonSchema"), schema, false)
		}
	case schema != nil:
		if mime == "text/plain" {
			d.fail(schemaPath, "needs responseMimeType application/json")
		}
		d.r.Format = chat.Format{Kind: chat.FormatSchema, Schema: d.object(schemaPath, schema)}
	case mime == "application/json" || mime == "application_json":
		d.r.Format.Kind = chat.FormatJSON
	case mime != "" && mime != "text/plain":
		d.fail(join(path, "responseMimeType"), "must be text/plain, application/json or text/x.enum")
	}
}

// tools reads the functions; other tools run at Google, and are native.
func (d *requestDecoder) tools(path string, v value) {
	for i, tool := range v.elements {
		at := index(path, i)
		d.object(at, tool)
		for m := range tool.members {
			if m.field() != "functionDeclarations" {
				d.native(join(at, string(m.name)), m.value, false)
				continue
			}
			for j, f := range m.elements {
				d.function(index(join(at, string(m.name)), j), f)
			}
		}
	}
}

func (d *requestDecoder) function(path string, v value) {
	var t chat.Tool
	d.object(path, v)
	for m := range v.members {
		at := join(path, string(m.name))
		switch m.field() {
		case "name":
			t.Name = d.text(at, m.value)
		case "description":
			t.Description = d.text(at, m.value)
		case "parameters":
			d.object(at, m.value)
			t.Parameters = fromOpenAPI(m.value)
		case "parametersJsonSchema":
			t.Parameters = d.object(at, m.value)
		default:
			d.native(at, m.value, true)
		}
	}
	if t.Name == "" {
		d.fail(join(path, "name"), "is required")
	}
	if slices.ContainsFunc(d.r.Tools, func(u chat.Tool) bool { return u.Name == t.Name }) {
		d.fail(join(path, "name"), "is declared twice")
	}
	d.r.Tools = append(d.r.Tools, t)
}

var toolConfigMembers = decoders{
	"functionCallingConfig": (*requestDecoder).calling,
	"retrievalConfig":       isNative(true),
}

// calling reads a FunctionCallingConfig
// (https://ai.google.dev/api/caching#FunctionCallingConfig). The mode VALIDATED
// is AUTO that keeps to the schemas.
func (d *requestDecoder) calling(path string, v value) {
	d.object(path, v)
	mode, names := "", []string(nil)
	for m := range v.members {
		at := join(path, string(m.name))
		switch m.field() {
		case "mode":
			mode = strings.ToUpper(d.text(at, m.value))
		case "allowedFunctionNames":
			names = d.texts(at, m.value)
		default:
			d.native(at, m.value, true)
		}
	}
	modes := map[string]chat.ToolMode{
		"": chat.ToolModeDefault, "MODE_UNSPECIFIED": chat.ToolModeDefault, "AUTO": chat.ToolModeAuto,
		"NONE": chat.ToolModeNone, "ANY": chat.ToolModeRequired, "VALIDATED": chat.ToolModeAuto,
	}
	known := false
	if d.r.ToolChoice.Mode, known = modes[mode]; !known {
		d.fail(join(path, "mode"), "must be AUTO, ANY, NONE or VALIDATED")
	}
	if mode == "VALIDATED" {
		d.native(path, v, len(names) == 0)
		return
	}
	if len(names) > 0 {
		d.allowOnly(join(path, "allowedFunctionNames"), mode, names)
	}
}

func (d *requestDecoder) allowOnly(path, mode string, names []string) {
	if mode != "ANY" {
		d.fail(path, "needs mode ANY or VALIDATED")
	}
	d.r.ToolChoice = chat.ToolChoice{Mode: chat.ToolModeNamed, Names: names}
}
