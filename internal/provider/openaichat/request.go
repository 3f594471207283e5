package openaichat

import (
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// harmful are the members that an answer cannot do without; all others that the
// neutral model has no place for are hints.
var harmful = map[string]string{
	"logit_bias":         "it forbids or forces tokens; leave it out, or route the request to a provider of this wire",
	"audio":              "answers in sound have no counterpart; ask for text",
	"web_search_options": "searching is a service of OpenAI; leave it out, or offer a function that searches",
	"moderation":         "moderation is a service of OpenAI; leave it out",
	"guided_json":        "use response_format",
	"guided_regex":       "use response_format",
	"guided_choice":      "use response_format",
	"guided_grammar":     "use response_format",
	"structured_outputs": "use response_format",
	"grammar":            "use response_format",
	"plugins":            "plugins are a service of OpenRouter; leave them out",
}

type (
	value = openaiwire.Value
	path  = openaiwire.Path
)

// decoder reads one request.
type decoder struct {
	openaiwire.Reader
	req *chat.Request
	// calls are the names of the functions called so far, by id.
	calls map[string]string
	// legacy are the ids given to calls of the wire's first form.
	legacy map[string]string
	// capped is true once max_completion_tokens was read, which beats max_tokens.
	capped bool
	// allowed restricts the tools; nil: all.
	allowed []string
}

// DecodeRequest reads a Chat Completions request.
func (Codec) DecodeRequest(body []byte) (*chat.Request, error) {
	v, ok := openaiwire.Parse(body)
	if !ok {
		return nil, &chat.FieldError{Problem: "is no valid JSON; expected a chat completion request"}
	}
	d := &decoder{req: &chat.Request{Wire: chat.WireOpenAIChat}, calls: map[string]string{}, legacy: map[string]string{}}
	root := &path{}
	if !v.IsObject() {
		return nil, &chat.FieldError{Problem: "expected a JSON object: a chat completion request"}
	}
	for name, member := range v.Members() {
		if member.Given() {
			d.member(root.Member(string(name)), string(name), member)
		}
	}
	if len(d.req.Messages) == 0 {
		d.Fail(root.Member("messages"), "is required: expected at least one message")
	}
	d.restrict()
	if err := d.Err(); err != nil {
		return nil, err
	}
	return d.req, nil
}

// readers read the members that the neutral model has a place for.
var readers = map[string]func(*decoder, *path, value){
	"model":             func(d *decoder, at *path, v value) { d.req.Model = d.Text(at, v) },
	"messages":          (*decoder).messages,
	"tools":             (*decoder).tools,
	"functions":         (*decoder).functions,
	"tool_choice":       (*decoder).toolChoice,
	"function_call":     (*decoder).functionCall,
	"response_format":   (*decoder).format,
	"stop":              (*decoder).stop,
	"reasoning":         (*decoder).reasoning,
	"thinking":          (*decoder).thinking,
	"stream":            func(d *decoder, at *path, v value) { d.req.Stream = d.Flag(at, v) },
	"stream_options":    (*decoder).streamOptions,
	"temperature":       func(d *decoder, at *path, v value) { d.req.Temperature = d.Float(at, v) },
	"top_p":             func(d *decoder, at *path, v value) { d.req.TopP = d.Float(at, v) },
	"top_k":             func(d *decoder, at *path, v value) { d.req.TopK = d.Int(at, v) },
	"frequency_penalty": func(d *decoder, at *path, v value) { d.req.FrequencyPenalty = d.Float(at, v) },
	"presence_penalty":  func(d *decoder, at *path, v value) { d.req.PresencePenalty = d.Float(at, v) },
	"seed":              func(d *decoder, at *path, v value) { d.req.Seed = d.Int(at, v) },
	"n":                 func(d *decoder, at *path, v value) { d.req.Candidates = d.Count(at, v) },
	"logprobs":          func(d *decoder, at *path, v value) { d.req.LogProbs = d.Flag(at, v) },
	"top_logprobs": func(d *decoder, at *path, v value) {
		if n := d.Int(at, v); n != nil {
			d.req.TopLogProbs = *n
		}
	},
	"reasoning_effort": func(d *decoder, at *path, v value) { d.req.Reasoning.Effort = d.Effort(at, v) },
	"parallel_tool_calls": func(d *decoder, at *path, v value) {
		d.req.ParallelToolCalls = d.Bool(at, v)
	},
	"max_completion_tokens": func(d *decoder, at *path, v value) {
		d.req.MaxOutputTokens, d.capped = d.Count(at, v), true
	},
	"max_tokens": func(d *decoder, at *path, v value) {
		if n := d.Count(at, v); !d.capped {
			d.req.MaxOutputTokens = n
		}
	},
	"user": func(d *decoder, at *path, v value) { d.req.User = d.Text(at, v) },
	"safety_identifier": func(d *decoder, at *path, v value) {
		if id := d.Text(at, v); d.req.User == "" {
			d.req.User = id
		}
	},
	"metadata":          func(d *decoder, at *path, v value) { d.req.Metadata = d.Labels(at, v) },
	"prompt_cache_key":  func(d *decoder, at *path, v value) { d.req.PromptCacheKey = d.Text(at, v) },
	"service_tier":      func(d *decoder, at *path, v value) { d.req.ServiceTier = d.Text(at, v) },
	"include_reasoning": func(d *decoder, at *path, v value) { d.req.Reasoning.Show = d.Bool(at, v) },
}

func (d *decoder) member(at *path, name string, v value) {
	if read, ok := readers[name]; ok {
		read(d, at, v)
		return
	}
	reason, harm := harmful[name]
	if name == "modalities" {
		for _, m := range v.Elements() {
			harm = harm || !m.Is("text")
		}
		reason = "only text can be answered; ask for text alone"
	}
	d.native(at, v, !harm, reason)
}

// native keeps a member that only this wire knows.
func (d *decoder) native(at *path, v value, harmless bool, reason string) {
	d.req.Native = append(d.req.Native, chat.Native{
		Field: at.String(), Value: v.Raw(), Harmless: harmless, Reason: reason, Wire: chat.WireOpenAIChat,
	})
}

func (d *decoder) streamOptions(at *path, v value) {
	d.Object(at, v)
	for name, member := range v.Members() {
		switch inner := at.Member(string(name)); {
		case !member.Given():
		case string(name) == "include_usage":
			d.req.StreamUsage = d.Flag(inner, member)
		default:
			d.native(inner, member, true, "")
		}
	}
}

func (d *decoder) stop(at *path, v value) {
	if v.IsString() {
		d.req.Stop = []string{v.Text()}
		return
	}
	d.Array(at, v)
	for i, s := range v.Elements() {
		d.req.Stop = append(d.req.Stop, d.Text(at.Element(i), s))
	}
}

// reasoning reads OpenRouter's object
// (https://openrouter.ai/docs/use-cases/reasoning-tokens).
func (d *decoder) reasoning(at *path, v value) {
	d.Object(at, v)
	r := &d.req.Reasoning
	for name, member := range v.Members() {
		inner := at.Member(string(name))
		switch string(name) {
		case "effort":
			r.Effort = d.Effort(inner, member)
		case "max_tokens":
			r.BudgetTokens = d.Count(inner, member)
		case "enabled":
			r.Disabled = member.Given() && !d.Flag(inner, member)
		case "exclude":
			show := !d.Flag(inner, member)
			r.Show = &show
		default:
			d.native(inner, member, true, "")
		}
	}
}

// thinking reads the switch of DeepSeek and others: {"type":"enabled"}, after
// Anthropic's.
func (d *decoder) thinking(at *path, v value) {
	if !d.Object(at, v) {
		return
	}
	r := &d.req.Reasoning
	r.BudgetTokens = d.Count(at.Member("budget_tokens"), v.Get("budget_tokens"))
	switch d.Text(at.Member("type"), v.Get("type")) {
	case "disabled":
		r.Disabled, r.BudgetTokens = true, 0
	case "enabled", "adaptive", "auto":
		if r.BudgetTokens == 0 {
			r.BudgetTokens = -1
		}
	default:
		d.Fail(at.Member("type"), "unknown; expected enabled or disabled")
	}
}

func (d *decoder) format(at *path, v value) {
	if !d.Object(at, v) {
		return
	}
	f := &d.req.Format
	switch d.Text(at.Member("type"), v.Get("type")) {
	case "text":
	case "json_object":
		f.Kind = chat.FormatJSON
	case "json_schema":
		at, v = at.Member("json_schema"), v.Get("json_schema")
		if !v.IsObject() {
			d.Fail(at, "is required: expected an object with name and schema")
		}
		f.Kind = chat.FormatSchema
		f.Name = d.Text(at.Member("name"), v.Get("name"))
		f.Description = d.Text(at.Member("description"), v.Get("description"))
		f.Schema = d.Schema(at.Member("schema"), v.Get("schema"))
		f.Strict = d.Bool(at.Member("strict"), v.Get("strict"))
	default:
		d.Fail(at.Member("type"), "unknown; expected text, json_object or json_schema")
	}
}
