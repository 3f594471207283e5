package responses

import (
	"encoding/json"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// encoder writes one request.
type encoder struct {
	*openaiwire.Loss
	*openaiwire.Object
	req *chat.Request
	up  chat.Upstream
	// own is true when the client speaks this wire.
	own bool
	// names are those of the functions called so far, by the ids of the calls.
	names map[string]string
}

// minOutputTokens is the least cap that Responses takes
// (https://platform.openai.com/docs/api-reference/responses/create).
const minOutputTokens = 16

// EncodeRequest writes a request for a response.
func (codec) EncodeRequest(r *chat.Request, up chat.Upstream) (*chat.Encoded, error) {
	e := &encoder{
		Loss: openaiwire.NewLoss(wire, r), Object: openaiwire.NewObject(make([]byte, 0, 1024)),
		req: r, up: up, own: r.Wire == chat.WireResponses, names: map[string]string{},
	}
	e.String("model", up.Model)
	e.input()
	e.tools()
	e.text()
	e.reasoning()
	e.include()
	e.settings()
	e.natives()
	if r.Stream {
		e.Bool("stream", true)
	}
	return e.Result(e.End())
}

func (e *encoder) settings() {
	r := e.req
	limit := r.MaxOutputTokens
	if limit == 0 || e.up.MaxOutputTokens > 0 && e.up.MaxOutputTokens < limit {
		limit = e.up.MaxOutputTokens
	}
	if limit > 0 {
		e.Int("max_output_tokens", max(limit, minOutputTokens))
	}
	e.Float("temperature", r.Temperature)
	e.Float("top_p", r.TopP)
	if r.LogProbs {
		e.Count("top_logprobs", r.TopLogProbs)
	}
	e.Refuse(r.Candidates > 1, "n", "Responses gives one answer; ask once for each")
	e.Refuse(len(r.Stop) > 0, "stop", "Responses has no stop sequences; leave it out, or route the request to a Chat Completions provider")
	e.Drop(r.TopK != nil, "top_k")
	e.Drop(r.Seed != nil, "seed")
	e.Drop(r.FrequencyPenalty != nil, "frequency_penalty")
	e.Drop(r.PresencePenalty != nil, "presence_penalty")
	e.Text("user", r.User)
	e.Labels("metadata", r.Metadata)
	e.Text("prompt_cache_key", r.PromptCacheKey)
	e.Text("service_tier", r.ServiceTier)
	if !e.own {
		e.Bool("store", false)
	}
}

// include asks for what the answer does not have of itself: the form of thoughts
// that the next turn can bring back, and log probabilities.
func (e *encoder) include() {
	var items []string
	if e.up.Reasons {
		items = append(items, "reasoning.encrypted_content")
	}
	if e.req.LogProbs {
		items = append(items, "message.output_text.logprobs")
	}
	for _, n := range e.req.Native {
		if n.Wire == chat.WireResponses && strings.HasPrefix(n.Field, "include[") {
			v, _ := openaiwire.Parse(n.Value)
			items = append(items, v.Text())
		}
	}
	e.Strings("include", items)
}

// reasoning writes the effort to models that are known to take one.
func (e *encoder) reasoning() {
	r := e.req.Reasoning
	effort := openaiwire.EffortOf(r)
	own := e.members("reasoning.")
	if !e.up.Reasons && !e.own {
		e.Drop(effort != "none" && (effort != "" || r.BudgetTokens != 0), "reasoning_effort")
		return
	}
	if effort == "" && r.Show == nil && len(own) == 0 {
		return
	}
	e.Name("reasoning")
	o := openaiwire.NewObject(e.B)
	o.Text("effort", effort)
	if _, told := own["summary"]; !told && r.Show != nil && *r.Show {
		o.String("summary", "auto")
	}
	e.writeMembers(o, "reasoning.")
	e.B = o.End()
}

// members are those inside an object that only this wire knows, by name.
func (e *encoder) members(prefix string) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, n := range e.req.Native {
		if name, ok := strings.CutPrefix(n.Field, prefix); ok && n.Wire == chat.WireResponses {
			all[name] = n.Value
		}
	}
	return all
}

// writeMembers puts them back.
func (e *encoder) writeMembers(o *openaiwire.Object, prefix string) {
	for _, n := range e.req.Native {
		if name, ok := strings.CutPrefix(n.Field, prefix); ok && n.Wire == chat.WireResponses {
			o.Raw(name, n.Value)
		}
	}
}

// text writes the format of the answer.
func (e *encoder) text() {
	f := &e.req.Format
	verbosity := e.fromChat("verbosity")
	if f.Kind == chat.FormatText && len(e.members("text.")) == 0 && verbosity == nil {
		return
	}
	e.Name("text")
	o := openaiwire.NewObject(e.B)
	switch {
	case f.Kind == chat.FormatText:
	case f.Kind == chat.FormatJSON || len(f.Schema) == 0:
		o.Literal("format", `{"type":"json_object"}`)
	default:
		o.Name("format")
		format := openaiwire.NewObject(o.B)
		format.String("type", "json_schema")
		format.String("name", nameOf(f.Name))
		format.Text("description", f.Description)
		format.Raw("schema", f.Schema)
		format.OptionalBool("strict", f.Strict)
		o.B = format.End()
	}
	o.Raw("verbosity", verbosity)
	e.writeMembers(o, "text.")
	e.B = o.End()
}

// nameOf is a schema's name, which this wire demands.
func nameOf(name string) string {
	if name == "" {
		return "answer"
	}
	return name
}

// fromChat is a member of Chat Completions; nil: not given.
func (e *encoder) fromChat(field string) json.RawMessage {
	for _, n := range e.req.Native {
		if n.Wire == chat.WireOpenAIChat && n.Field == field {
			return n.Value
		}
	}
	return nil
}

// shared are the members of Chat Completions that mean the same here.
var shared = map[string]bool{
	"prompt_cache_retention": true, "prompt_cache_options": true, "moderation": true, "safety_identifier": true,
}

// natives puts back what this wire knows and nothing else has written, and
// accounts for the rest.
func (e *encoder) natives() {
	streamOptions := e.members("stream_options.")
	for _, n := range e.req.Native {
		switch {
		case n.Wire == chat.WireOpenAIChat && shared[n.Field]:
			e.Raw(n.Field, n.Value)
		case n.Wire == chat.WireOpenAIChat && n.Field == "verbosity": // text wrote it
		case n.Wire != chat.WireResponses:
			e.Native(n)
		case !strings.ContainsAny(n.Field, ".["):
			e.Raw(n.Field, n.Value)
		}
	}
	if len(streamOptions) > 0 && e.req.Stream {
		e.Name("stream_options")
		o := openaiwire.NewObject(e.B)
		e.writeMembers(o, "stream_options.")
		e.B = o.End()
	}
}

// tools writes the functions, and the tools that only this wire knows.
func (e *encoder) tools() {
	r := e.req
	own := e.ownItems("tools[")
	if len(r.Tools)+len(own) == 0 {
		return
	}
	e.Name("tools")
	e.B = append(e.B, '[')
	for i, t := range r.Tools {
		if i > 0 {
			e.B = append(e.B, ',')
		}
		e.tool(t)
	}
	for i, n := range own {
		if i+len(r.Tools) > 0 {
			e.B = append(e.B, ',')
		}
		e.B = openaiwire.AppendRaw(e.B, n.Value)
	}
	e.B = append(e.B, ']')
	e.toolChoice()
	e.OptionalBool("parallel_tool_calls", r.ParallelToolCalls)
}

// ownItems are the elements of a list that only this wire knows.
func (e *encoder) ownItems(prefix string) (own []chat.Native) {
	for _, n := range e.req.Native {
		if n.Wire == chat.WireResponses && strings.HasPrefix(n.Field, prefix) && strings.HasSuffix(n.Field, "]") {
			own = append(own, n)
		}
	}
	return own
}

func (e *encoder) tool(t chat.Tool) {
	e.Drop(t.Cache != nil, "cache_control")
	o := openaiwire.NewObject(e.B)
	o.String("type", "function")
	o.String("name", t.Name)
	o.Text("description", t.Description)
	if len(t.Parameters) > 0 {
		o.Raw("parameters", t.Parameters)
	} else {
		o.Literal("parameters", `{"type":"object","properties":{}}`)
	}
	// Left out, strict is true here, and false on every other wire.
	o.Bool("strict", t.Strict != nil && *t.Strict || t.Strict == nil && e.own)
	e.B = o.End()
}

func (e *encoder) toolChoice() {
	names := e.req.ToolChoice.Names
	switch e.req.ToolChoice.Mode {
	case chat.ToolModeAuto:
		e.String("tool_choice", "auto")
	case chat.ToolModeNone:
		e.String("tool_choice", "none")
	case chat.ToolModeRequired:
		e.String("tool_choice", "required")
	case chat.ToolModeNamed:
		e.Name("tool_choice")
		if len(names) == 1 {
			e.B = appendFunction(e.B, names[0])
			return
		}
		e.B = append(e.B, `{"type":"allowed_tools","mode":"required","tools":[`...)
		for i, name := range names {
			if i > 0 {
				e.B = append(e.B, ',')
			}
			e.B = appendFunction(e.B, name)
		}
		e.B = append(e.B, "]}"...)
	}
}

func appendFunction(dst []byte, name string) []byte {
	o := openaiwire.NewObject(dst)
	o.String("type", "function")
	o.String("name", name)
	return o.End()
}
