package openaichat

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
	// own is true when the client speaks this wire, so that what other servers of
	// it know may be sent on.
	own bool
	// names are those of the functions called so far, by the ids of the calls.
	names map[string]string
}

// EncodeRequest writes a Chat Completions request. A stream's usage is always
// asked for: the stream encoder hides what the client did not want.
func (c Codec) EncodeRequest(r *chat.Request, up chat.Upstream) (*chat.Encoded, error) {
	e := &encoder{
		Loss: openaiwire.NewLoss(wire, r), Object: openaiwire.NewObject(make([]byte, 0, 1024)),
		req: r, up: up, own: r.Wire == chat.WireOpenAIChat, names: map[string]string{},
	}
	e.String("model", up.Model)
	e.messages()
	e.tools()
	e.format()
	e.sampling()
	if limit := capOf(r.MaxOutputTokens, up.MaxOutputTokens); limit > 0 {
		name := "max_completion_tokens"
		if c.LegacyMaxTokens {
			name = "max_tokens"
		}
		e.Int(name, limit)
	}
	e.reasoning()
	e.labels()
	e.natives()
	if r.Stream {
		e.Bool("stream", true)
		e.Literal("stream_options", `{"include_usage":true}`)
	}
	return e.Result(e.End())
}

// capOf is the lower of two caps of which 0 is none.
func capOf(a, b int64) int64 {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

func (e *encoder) sampling() {
	r := e.req
	e.Float("temperature", r.Temperature)
	e.Float("top_p", r.TopP)
	e.Float("frequency_penalty", r.FrequencyPenalty)
	e.Float("presence_penalty", r.PresencePenalty)
	e.OptionalInt("seed", r.Seed)
	e.Strings("stop", r.Stop)
	if r.Candidates > 1 {
		e.Int("n", r.Candidates)
	}
	if r.LogProbs {
		e.Bool("logprobs", true)
		e.Count("top_logprobs", r.TopLogProbs)
	}
	if e.own {
		e.OptionalInt("top_k", r.TopK)
	} else {
		e.Drop(r.TopK != nil, "top_k")
	}
}

// reasoning writes the effort to models that are known to take one: others
// refuse the request for it.
func (e *encoder) reasoning() {
	effort := openaiwire.EffortOf(e.req.Reasoning)
	switch {
	case e.up.Reasons || e.own && e.req.Reasoning.Effort != "":
		e.Text("reasoning_effort", effort)
	case effort != "none":
		e.Drop(effort != "" || e.req.Reasoning.BudgetTokens != 0, "reasoning_effort")
	}
}

func (e *encoder) labels() {
	r := e.req
	e.Text("user", r.User)
	e.Text("prompt_cache_key", r.PromptCacheKey)
	e.Text("service_tier", r.ServiceTier)
	if e.own {
		e.Labels("metadata", r.Metadata)
	} else {
		e.Drop(len(r.Metadata) > 0, "metadata")
	}
}

// shared are the members of Responses that mean the same here.
var shared = map[string]string{
	"text.verbosity": "verbosity", "prompt_cache_retention": "prompt_cache_retention", "prompt_cache_options": "prompt_cache_options",
	"moderation": "moderation", "safety_identifier": "safety_identifier",
}

// natives puts back what this wire knows, and accounts for the rest.
func (e *encoder) natives() {
	for _, n := range e.req.Native {
		name := n.Field
		ours := n.Wire == chat.WireOpenAIChat && !strings.ContainsAny(name, ".[")
		if n.Wire == chat.WireResponses {
			name, ours = shared[n.Field], shared[n.Field] != ""
		}
		switch {
		case ours:
			e.Raw(name, n.Value)
		case n.Wire == chat.WireOpenAIChat && strings.HasPrefix(name, "tools["): // tools writes it
		default:
			e.Native(n)
		}
	}
}

func (e *encoder) format() {
	f := &e.req.Format
	switch {
	case f.Kind == chat.FormatText:
	case f.Kind == chat.FormatJSON || len(f.Schema) == 0:
		e.Literal("response_format", `{"type":"json_object"}`)
	default:
		e.Name("response_format")
		o := openaiwire.NewObject(append(e.B, `{"type":"json_schema","json_schema":`...))
		o.String("name", nameOf(f.Name))
		o.Text("description", f.Description)
		o.Raw("schema", f.Schema)
		o.OptionalBool("strict", f.Strict)
		e.B = append(o.End(), '}')
	}
}

// nameOf is a schema's name, which this wire demands.
func nameOf(name string) string {
	if name == "" {
		return "answer"
	}
	return name
}

// tools writes the functions, and the tools that only this wire knows.
func (e *encoder) tools() {
	r := e.req
	offered, mode := r.Tools, r.ToolChoice.Mode
	if mode == chat.ToolModeNamed && len(r.ToolChoice.Names) > 1 {
		// Not every server knows allowed_tools: what is not allowed is not offered.
		offered, mode = openaiwire.Names(r.Tools, r.ToolChoice.Names), chat.ToolModeRequired
	}
	own := e.ownTools()
	if len(offered)+len(own) == 0 {
		return
	}
	e.Name("tools")
	e.B = append(e.B, '[')
	for i, t := range offered {
		if i > 0 {
			e.B = append(e.B, ',')
		}
		e.tool(t)
	}
	for i, raw := range own {
		if i+len(offered) > 0 {
			e.B = append(e.B, ',')
		}
		e.B = openaiwire.AppendRaw(e.B, raw)
	}
	e.B = append(e.B, ']')
	e.toolChoice(mode)
	e.OptionalBool("parallel_tool_calls", r.ParallelToolCalls)
}

func (e *encoder) ownTools() (own []json.RawMessage) {
	for _, n := range e.req.Native {
		if n.Wire == chat.WireOpenAIChat && strings.HasPrefix(n.Field, "tools[") {
			own = append(own, n.Value)
		}
	}
	return own
}

func (e *encoder) tool(t chat.Tool) {
	e.dropMark(t.Cache)
	o := openaiwire.NewObject(append(e.B, `{"type":"function","function":`...))
	o.String("name", t.Name)
	o.Text("description", t.Description)
	o.Raw("parameters", t.Parameters)
	o.OptionalBool("strict", t.Strict)
	e.B = append(o.End(), '}')
}

// dropMark accounts for a cache mark.
func (e *encoder) dropMark(mark *chat.CacheControl) { e.Drop(mark != nil, "cache_control") }

func (e *encoder) toolChoice(mode chat.ToolMode) {
	switch mode {
	case chat.ToolModeAuto:
		e.String("tool_choice", "auto")
	case chat.ToolModeNone:
		e.String("tool_choice", "none")
	case chat.ToolModeRequired:
		e.String("tool_choice", "required")
	case chat.ToolModeNamed:
		e.Name("tool_choice")
		o := openaiwire.NewObject(append(e.B, `{"type":"function","function":`...))
		o.String("name", strings.Join(e.req.ToolChoice.Names, ""))
		e.B = append(o.End(), '}')
	}
}
