package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Format names the shape of a log's lines.
type Format string

// The formats. Auto tells them apart line by line.
const (
	Auto Format = "auto"
	// OpenAI: a request body (Chat Completions, Responses, Anthropic Messages or
	// Gemini), or a request beside its response.
	OpenAI Format = "openai"
	// OpenAIBatch: a line of a Batch API input file, perhaps joined with its
	// output (https://platform.openai.com/docs/api-reference/batch/request-input).
	OpenAIBatch Format = "openai-batch"
	// LiteLLM: a row of LiteLLM_SpendLogs, or a standard logging payload
	// (https://docs.litellm.ai/docs/proxy/logging_spec).
	LiteLLM Format = "litellm"
	// Helicone: what @helicone/export writes with --include-body, or rows of
	// POST /v1/request/query-clickhouse.
	Helicone Format = "helicone"
)

// Formats lists the formats.
var Formats = []Format{Auto, OpenAI, OpenAIBatch, LiteLLM, Helicone}

// field is what a line can say of a request.
type field int

const (
	fieldPrompt field = iota
	fieldResponse
	fieldModel
	fieldProvider
	fieldUsage
	fieldInput
	fieldCached
	fieldCacheWrite
	fieldOutput
	fieldReasoning
	fieldCost
	fieldStatus
	fieldCacheHit
	fieldEndpoint
	fieldCount
)

// fieldNames are the names under which --map knows the fields.
var fieldNames = [fieldCount]string{
	fieldPrompt: "prompt", fieldResponse: "response", fieldModel: "model", fieldProvider: "provider", fieldUsage: "usage",
	fieldInput: "input_tokens", fieldCached: "cached_tokens", fieldCacheWrite: "cache_write_tokens",
	fieldOutput: "output_tokens", fieldReasoning: "reasoning_tokens", fieldCost: "cost",
	fieldStatus: "status", fieldCacheHit: "cache_hit", fieldEndpoint: "endpoint",
}

// fields are, per field, the paths that may have it, the first that has a value
// wins. A path is the names of members with dots between; "." is the line itself.
type fields [fieldCount][]string

// Map says where a log has what: for each field the paths of the format, or the
// one that the user gave. The zero Map is Auto.
type Map struct {
	format Format
	given  map[field]string
}

// NewMap checks a format and "name=path" pairs that override it.
func NewMap(format Format, pairs map[string]string) (Map, error) {
	if !slices.Contains(Formats, format) {
		return Map{}, fmt.Errorf("format must be one of %v, not %q", Formats, format)
	}
	m := Map{format: format, given: map[field]string{}}
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		i := slices.Index(fieldNames[:], name)
		switch {
		case i < 0:
			return Map{}, fmt.Errorf("map: there is no field %q; there are: %s", name, strings.Join(fieldNames[:], ", "))
		case pairs[name] == "":
			return Map{}, fmt.Errorf("map: %s: the path is empty", name)
		}
		m.given[field(i)] = pairs[name]
	}
	return m, nil
}

// presets are the formats' paths.
var presets = map[Format]*fields{
	OpenAI: {
		fieldPrompt:   {"request.body", "request", "request_body", "."},
		fieldResponse: {"response.body", "response", "response_body"},
		fieldModel:    {"response.body.model", "response.model", "model"},
		fieldProvider: {"provider"},
		fieldUsage:    {"usage"},
		fieldCost:     {"cost_usd", "cost", "usage.cost", "response.usage.cost"}, // usage.cost is OpenRouter's
		fieldStatus:   {"status_code", "response.status_code", "status"},
		fieldEndpoint: {"request.url", "url", "endpoint", "path"},
	},
	OpenAIBatch: {
		fieldPrompt:   {"body", "request.body", "request"},
		fieldResponse: {"response.body", "response"},
		fieldModel:    {"response.body.model", "body.model"},
		fieldStatus:   {"response.status_code"},
		fieldEndpoint: {"url"},
	},
	LiteLLM: {
		fieldPrompt:   {"proxy_server_request.body", "proxy_server_request", "messages"},
		fieldResponse: {"response"},
		fieldModel:    {"model"},
		fieldProvider: {"custom_llm_provider"},
		fieldUsage:    {"metadata.usage_object", "metadata.additional_usage_values"},
		fieldInput:    {"prompt_tokens"},
		fieldOutput:   {"completion_tokens"},
		fieldCost:     {"spend", "response_cost"},
		fieldStatus:   {"status"},
		fieldCacheHit: {"cache_hit"},
		fieldEndpoint: {"call_type"},
	},
	Helicone: {
		fieldPrompt:     {"request_body"},
		fieldResponse:   {"response_body"},
		fieldModel:      {"response_model", "model", "request_model"},
		fieldProvider:   {"provider"},
		fieldInput:      {"prompt_tokens"},
		fieldCached:     {"prompt_cache_read_tokens"},
		fieldCacheWrite: {"prompt_cache_write_tokens"},
		fieldOutput:     {"completion_tokens"},
		fieldCost:       {"costUSD", "cost"},
		fieldStatus:     {"response_status"},
		fieldEndpoint:   {"request_path"},
	},
}

// of is the format of a line.
func (m *Map) of(line *document) Format {
	if m.format != Auto && m.format != "" {
		return m.format
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, ok := line.members[name]; return ok })
	}
	switch {
	case has("custom_id"):
		return OpenAIBatch
	case has("proxy_server_request", "call_type", "spend"):
		return LiteLLM
	case has("request_body", "request_created_at"):
		return Helicone
	}
	return OpenAI
}

// value is the first of the field's paths that the line has a value at; nil: none.
func (m *Map) value(line *document, format Format, f field) json.RawMessage {
	if path, ok := m.given[f]; ok {
		return line.at(path)
	}
	for _, path := range presets[format][f] {
		if v := line.at(path); v != nil {
			return v
		}
	}
	return nil
}
