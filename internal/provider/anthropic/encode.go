package anthropic

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// outRequest is a request as it is written.
type outRequest struct {
	Model         string          `json:"model"`
	MaxTokens     int64           `json:"max_tokens"`
	System        []*block        `json:"system,omitempty"`
	Messages      []turn          `json:"messages"`
	Tools         []any           `json:"tools,omitempty"`
	ToolChoice    *outToolChoice  `json:"tool_choice,omitempty"`
	Thinking      json.RawMessage `json:"thinking,omitempty"`
	OutputConfig  object          `json:"output_config,omitempty"`
	Temperature   *float64        `json:"temperature,omitempty"`
	TopP          *float64        `json:"top_p,omitempty"`
	TopK          *int64          `json:"top_k,omitempty"`
	StopSequences []string        `json:"stop_sequences,omitempty"`
	Metadata      object          `json:"metadata,omitempty"`
	ServiceTier   string          `json:"service_tier,omitempty"`
	Stream        bool            `json:"stream,omitempty"`
}

// object is a JSON object whose members are few; they are written by name.
type object map[string]any

type outToolChoice struct {
	Type    string `json:"type"`
	Name    string `json:"name,omitempty"`
	OneOnly bool   `json:"disable_parallel_tool_use,omitempty"`
}

// requestEncoder writes a request for one model.
type requestEncoder struct {
	r       *chat.Request
	up      chat.Upstream
	t       traits
	out     outRequest
	dropped map[string]bool
	// extras are members of this wire that the neutral model does not know: of the
	// request, and by index of its tools.
	extras      []member
	nativeTools map[int]json.RawMessage
	toolExtras  map[int][]member
	// forced is that a tool has to be called.
	forced bool
}

type member struct {
	name  string
	value json.RawMessage
}

// EncodeRequest implements [chat.Codec].
func (Codec) EncodeRequest(r *chat.Request, up chat.Upstream) (*chat.Encoded, error) {
	e := &requestEncoder{
		r: r, up: up, t: traitsOf(up.Model, up.Reasons), dropped: map[string]bool{},
		nativeTools: map[int]json.RawMessage{}, toolExtras: map[int][]member{},
	}
	e.out = outRequest{Model: up.Model, Stream: r.Stream, MaxTokens: maxTokens(r, up), Metadata: object{}, OutputConfig: object{}}
	for _, step := range []func() error{
		e.refuse, e.natives, e.turns, e.tools, e.toolChoice, e.format, e.reasoning,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	e.sampling()
	e.rest()
	if up.CachePrompt && !e.marked() {
		e.markCache()
	}
	body, err := encode(&e.out)
	if err != nil {
		return nil, problem("", "the request holds a part that is no valid JSON")
	}
	return &chat.Encoded{Body: splice(body, e.extras), Dropped: slices.Sorted(maps.Keys(e.dropped))}, nil
}

// drop notes that a member goes without; name is Chat Completions' name of it.
func (e *requestEncoder) drop(name string) { e.dropped[e.r.FieldName(name)] = true }

// maxTokens is the cap that the wire demands.
func maxTokens(r *chat.Request, up chat.Upstream) int64 {
	n := r.MaxOutputTokens
	if up.MaxOutputTokens > 0 && (n <= 0 || up.MaxOutputTokens < n) {
		n = up.MaxOutputTokens
	}
	most := up.ModelMaxOutputTokens
	switch {
	case n <= 0 && most > 0:
		return most
	case n <= 0:
		return DefaultMaxTokens
	case most > 0:
		return min(n, most)
	}
	return n
}

// refuse names what no answer of this wire can give.
func (e *requestEncoder) refuse() error {
	switch {
	case e.r.Candidates > 1:
		return unsupported(e.r.FieldName("n"), "it gives one answer to a request; send the request several times")
	case e.r.LogProbs || e.r.TopLogProbs > 0:
		return unsupported(e.r.FieldName("logprobs"), "it tells no probabilities; leave it out")
	}
	return nil
}

// natives sorts the members that the neutral model does not know.
func (e *requestEncoder) natives() error {
	for _, n := range e.r.Native {
		switch {
		case n.Wire != Wire && n.Harmless:
			e.drop(n.Field)
		case n.Wire != Wire:
			return n.Unsupported(wireName)
		case !json.Valid(n.Value):
			return problem(n.Field, "is no valid JSON")
		default:
			e.native(n)
		}
	}
	return nil
}

// native puts a member of this wire back to where it was.
func (e *requestEncoder) native(n chat.Native) {
	head, name, nested := strings.Cut(n.Field, ".")
	if nested {
		e.nestedNative(head, name, n)
		return
	}
	index, isTool := toolIndex(head)
	switch {
	case isTool:
		e.nativeTools[index] = n.Value
	case n.Field == "max_tokens":
		e.out.MaxTokens = 0
	case n.Field == "thinking" && e.t.adaptive:
		e.out.Thinking = n.Value
	case n.Field == "thinking":
		e.drop(n.Field) // it is off between tools as well
	default:
		e.extras = append(e.extras, member{n.Field, n.Value})
	}
}

func (e *requestEncoder) nestedNative(head, name string, n chat.Native) {
	index, isTool := toolIndex(head)
	switch {
	case isTool:
		e.toolExtras[index] = append(e.toolExtras[index], member{name, n.Value})
	case strings.HasPrefix(head, "messages["): // the part carries it
	case head == "metadata":
		e.out.Metadata[name] = n.Value
	case head == "output_config":
		e.out.OutputConfig[name] = n.Value
	default:
		e.extras = append(e.extras, member{n.Field, n.Value})
	}
}

// toolIndex reads "tools[3]".
func toolIndex(field string) (int, bool) {
	digits, ok := strings.CutPrefix(field, "tools[")
	digits, closed := strings.CutSuffix(digits, "]")
	if !ok || !closed || digits == "" || len(digits) > 6 {
		return 0, false
	}
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// splice adds members to a JSON object that has some.
func splice(body []byte, extras []member) []byte {
	if len(extras) == 0 {
		return body
	}
	body = body[:len(body)-1]
	for _, m := range extras {
		body = append(body, ',')
		body = appendString(body, m.name)
		body = append(body, ':')
		body = append(body, m.value...)
	}
	return append(body, '}')
}

// rest writes what needs no thought, and names what goes without.
func (e *requestEncoder) rest() {
	r := e.r
	for _, s := range r.Stop {
		if hasText(s) {
			e.out.StopSequences = append(e.out.StopSequences, s)
		} else {
			e.drop("stop") // sequences of white space are refused
		}
	}
	if r.User != "" {
		e.out.Metadata["user_id"] = r.User
	}
	switch r.ServiceTier {
	case "":
	case "auto", "priority":
		e.out.ServiceTier = "auto"
	case "default":
		e.out.ServiceTier = "standard_only"
	default:
		e.drop("service_tier")
	}
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"frequency_penalty", r.FrequencyPenalty != nil && *r.FrequencyPenalty != 0},
		{"presence_penalty", r.PresencePenalty != nil && *r.PresencePenalty != 0},
		{"seed", r.Seed != nil},
		{"metadata", len(r.Metadata) > 0},
		{"prompt_cache_key", r.PromptCacheKey != ""},
	} {
		if f.given {
			e.drop(f.name)
		}
	}
}

// jsonInstruction asks for what the wire has no setting for.
const jsonInstruction = "Answer with one JSON object and nothing else: no prose, no code fence."

// format asks for the form of the answer.
func (e *requestEncoder) format() error {
	f := e.r.Format
	switch {
	case f.Kind == chat.FormatJSON:
		e.out.System = append(e.out.System, textBlock(jsonInstruction))
		return nil
	case f.Kind != chat.FormatSchema:
		return nil
	case !isObject(f.Schema):
		return problem(e.r.FieldName("response_format"), "its schema must be a JSON Schema object")
	case !e.t.structured:
		return e.formatTool(f)
	}
	schema, lost := acceptedSchema(f.Schema)
	if lost {
		e.drop("response_format")
	}
	e.out.OutputConfig["format"] = object{"type": "json_schema", "schema": schema}
	return nil
}

// formatTool makes a model that has no structured outputs call a tool whose
// arguments are the answer.
func (e *requestEncoder) formatTool(f chat.Format) error {
	if e.forced {
		e.drop("response_format") // the answer is to be a call, not a text
		return nil
	}
	choice := &outToolChoice{Type: "any"}
	if len(e.out.Tools) == 0 || e.r.ToolChoice.Mode == chat.ToolModeNone {
		choice = &outToolChoice{Type: "tool", Name: answerTool, OneOnly: true}
	}
	if e.wantsThinking() && e.t.thinks {
		choice = &outToolChoice{Type: "auto"}
	} else {
		e.forced = true
	}
	about := "Gives the answer to the user. Always end by calling it, once."
	if f.Description != "" {
		about += " " + f.Description
	}
	e.out.Tools = append(e.out.Tools, &outTool{Name: answerTool, Description: about, InputSchema: objectSchema(f.Schema)})
	e.out.ToolChoice = choice
	return nil
}
