package responses

import (
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

type (
	value = openaiwire.Value
	path  = openaiwire.Path
)

// harmful are the members that an answer cannot do without, and why other wires
// cannot carry them.
var harmful = map[string]string{
	"previous_response_id": "it names a conversation that OpenAI keeps, and this request may be answered elsewhere; send the whole conversation as input",
	"conversation":         "it names a conversation that OpenAI keeps, and this request may be answered elsewhere; send the whole conversation as input",
	"prompt":               "it names a prompt that OpenAI keeps; send its text as instructions and input",
	"background":           "an answer in the background is fetched from the provider that works on it; leave it out, or stream the answer",
	"moderation":           "moderation is a service of OpenAI; leave it out",
	"context_management":   "compaction is a service of OpenAI; leave it out",
}

// decoder reads one request.
type decoder struct {
	openaiwire.Reader
	req *chat.Request
	// calls are the names of the functions called so far, by id.
	calls   map[string]string
	allowed []string
	// stateful is true when the provider may know more of the conversation than is
	// told, so that a result may answer a call of then.
	stateful bool
	// instructions stand before all messages, wherever they are in the body.
	instructions []chat.Message
}

// DecodeRequest reads a request for a response.
func (codec) DecodeRequest(body []byte) (*chat.Request, error) {
	v, ok := openaiwire.Parse(body)
	if !ok || !v.IsObject() {
		return nil, &chat.FieldError{Problem: "is no JSON object; expected a request for a response"}
	}
	d := &decoder{req: &chat.Request{Wire: chat.WireResponses, StreamUsage: true}, calls: map[string]string{}}
	d.stateful = v.Get("previous_response_id").Given() || v.Get("conversation").Given() || v.Get("prompt").Given()
	root := &path{}
	for name, member := range v.Members() {
		if member.Given() {
			d.member(root.Member(string(name)), string(name), member)
		}
	}
	d.req.Messages = append(d.instructions, d.req.Messages...)
	if !v.Get("input").Given() && !d.stateful {
		d.Fail(root.Member("input"), "is required: expected a text or a list of items")
	}
	d.restrict()
	if err := d.Err(); err != nil {
		return nil, err
	}
	return d.req, nil
}

// readers read the members that the neutral model has a place for.
var readers = map[string]func(*decoder, *path, value){
	"model":        func(d *decoder, at *path, v value) { d.req.Model = d.Text(at, v) },
	"input":        (*decoder).input,
	"instructions": (*decoder).system,
	"tools":        (*decoder).tools,
	"tool_choice":  (*decoder).toolChoice,
	"text":         (*decoder).text,
	"reasoning":    (*decoder).reasoning,
	"include":      (*decoder).include,
	"stream":       func(d *decoder, at *path, v value) { d.req.Stream = d.Flag(at, v) },
	"temperature":  func(d *decoder, at *path, v value) { d.req.Temperature = d.Float(at, v) },
	"top_p":        func(d *decoder, at *path, v value) { d.req.TopP = d.Float(at, v) },
	"parallel_tool_calls": func(d *decoder, at *path, v value) {
		d.req.ParallelToolCalls = d.Bool(at, v)
	},
	"max_output_tokens": func(d *decoder, at *path, v value) { d.req.MaxOutputTokens = d.Count(at, v) },
	"top_logprobs": func(d *decoder, at *path, v value) {
		if n := d.Int(at, v); n != nil && *n > 0 {
			d.req.TopLogProbs, d.req.LogProbs = *n, true
		}
	},
	"user": func(d *decoder, at *path, v value) { d.req.User = d.Text(at, v) },
	"safety_identifier": func(d *decoder, at *path, v value) {
		if id := d.Text(at, v); d.req.User == "" {
			d.req.User = id
		}
	},
	"metadata":         func(d *decoder, at *path, v value) { d.req.Metadata = d.Labels(at, v) },
	"prompt_cache_key": func(d *decoder, at *path, v value) { d.req.PromptCacheKey = d.Text(at, v) },
	"service_tier":     func(d *decoder, at *path, v value) { d.req.ServiceTier = d.Text(at, v) },
	"stream_options": func(d *decoder, at *path, v value) {
		for name, member := range v.Members() {
			d.native(at.Member(string(name)), member, true, "")
		}
	},
}

func (d *decoder) member(at *path, name string, v value) {
	if read, ok := readers[name]; ok {
		read(d, at, v)
		return
	}
	reason, harm := harmful[name]
	if name == "background" {
		harm = d.Flag(at, v)
	}
	d.native(at, v, !harm, reason)
}

// native keeps a member that only this wire knows.
func (d *decoder) native(at *path, v value, harmless bool, reason string) {
	d.req.Native = append(d.req.Native, chat.Native{
		Field: at.String(), Value: v.Raw(), Harmless: harmless, Reason: reason, Wire: chat.WireResponses,
	})
}

// include asks for more of the answer. Encrypted reasoning is always there.
func (d *decoder) include(at *path, v value) {
	d.Array(at, v)
	for i, item := range v.Elements() {
		switch item.Text() {
		case "reasoning.encrypted_content":
		case "message.output_text.logprobs":
			d.req.LogProbs = true
		default:
			d.native(at.Element(i), item, true, "")
		}
	}
}

func (d *decoder) reasoning(at *path, v value) {
	d.Object(at, v)
	r := &d.req.Reasoning
	for name, member := range v.Members() {
		inner := at.Member(string(name))
		switch string(name) {
		case "effort":
			r.Effort = d.Effort(inner, member)
		case "summary", "generate_summary":
			if summary := d.Text(inner, member); summary != "" {
				show := true
				r.Show = &show
				if summary != "auto" {
					d.native(at.Member("summary"), member, true, "")
				}
			}
		default:
			if member.Given() {
				d.native(inner, member, true, "")
			}
		}
	}
}

func (d *decoder) text(at *path, v value) {
	d.Object(at, v)
	for name, member := range v.Members() {
		switch inner := at.Member(string(name)); {
		case !member.Given():
		case string(name) == "format":
			d.format(inner, member)
		default:
			d.native(inner, member, true, "")
		}
	}
}

func (d *decoder) format(at *path, v value) {
	d.Object(at, v)
	f := &d.req.Format
	switch d.Text(at.Member("type"), v.Get("type")) {
	case "text":
	case "json_object":
		f.Kind = chat.FormatJSON
	case "json_schema":
		f.Kind = chat.FormatSchema
		f.Name = d.Text(at.Member("name"), v.Get("name"))
		f.Description = d.Text(at.Member("description"), v.Get("description"))
		f.Schema = d.Schema(at.Member("schema"), v.Get("schema"))
		f.Strict = d.Bool(at.Member("strict"), v.Get("strict"))
		if f.Schema == nil {
			d.Fail(at.Member("schema"), "is required: expected a JSON Schema object")
		}
	default:
		d.Fail(at.Member("type"), "unknown; expected text, json_object or json_schema")
	}
}
