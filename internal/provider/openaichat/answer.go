package openaichat

import (
	"errors"
	"strings"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// errNoAnswer is a body that is neither an answer nor an error.
var errNoAnswer = errors.New("the provider's answer is no chat completion")

// DecodeResponse reads a chat completion. An error body is returned as a
// *chat.Error, whatever its status was.
func (Codec) DecodeResponse(body []byte) (*chat.Response, error) {
	v, ok := openaiwire.Parse(body)
	if !ok {
		return nil, errNoAnswer
	}
	if v.Get("error").Given() || v.IsArray() || v.Get("object").Is("error") {
		return nil, openaiwire.DecodeError(0, body)
	}
	r := &chat.Response{}
	for name, member := range v.Members() {
		readHead(r, name, member)
		switch string(name) {
		case "choices":
			for i, c := range member.Elements() {
				r.Choices = append(r.Choices, readChoice(int64(i), c))
			}
		case "usage":
			r.Usage, r.HasUsage = openaiwire.ReadUsage(member)
		}
	}
	if len(r.Choices) == 0 {
		return nil, errNoAnswer
	}
	nameCalls(r)
	return r, nil
}

// nameCalls gives ids to the calls that have none.
func nameCalls(r *chat.Response) {
	for _, c := range r.Choices {
		for i, p := range c.Parts {
			if p.Call != nil && p.Call.ID == "" {
				p.Call.ID = openaiwire.CallID(r.ID, int64(i))
			}
		}
	}
}

// readHead reads what an answer and a chunk say of the whole.
func readHead(r *chat.Response, name []byte, v value) {
	switch string(name) {
	case "id":
		r.ID = v.Text()
	case "model":
		r.Model = v.Text()
	case "created":
		created, _ := v.Float()
		r.Created = int64(min(max(created, 0), 1<<53))
	case "service_tier":
		r.ServiceTier = v.Text()
	case "system_fingerprint":
		r.SystemFingerprint = v.Text()
	}
}

// finishes are the reasons of this wire and of those who imitate it.
var finishes = map[string]chat.Finish{
	"stop": chat.FinishStop, "eos": chat.FinishStop, "eos_token": chat.FinishStop, "end_turn": chat.FinishStop,
	"stop_sequence": chat.FinishStopSequence,
	"length":        chat.FinishLength, "max_tokens": chat.FinishLength,
	"model_length": chat.FinishContextWindow, // Mistral
	"tool_calls":   chat.FinishToolCalls, "function_call": chat.FinishToolCalls,
	"content_filter": chat.FinishContentFilter, "sensitive": chat.FinishContentFilter,
}

// finishOf is the reason. A call that the client demanded ends in "stop", which
// other wires do not take for a call.
func finishOf(v value, called bool) chat.Finish {
	f := finishes[v.Text()]
	if f == chat.FinishStop && called {
		return chat.FinishToolCalls
	}
	return f
}

func readChoice(index int64, v value) chat.Choice {
	c := chat.Choice{Index: index}
	if n, ok := v.Get("index").Int(); ok && n >= 0 {
		c.Index = n
	}
	m := v.Get("message")
	c.Parts = readAnswer(m)
	c.Finish = finishOf(v.Get("finish_reason"), hasCall(c.Parts))
	c.LogProbs = v.Get("logprobs").Raw()
	return c
}

func hasCall(parts []chat.Part) bool {
	return len(parts) > 0 && parts[len(parts)-1].Kind == chat.KindToolCall
}

// readAnswer reads a message of the assistant, leniently: it is there.
func readAnswer(m value) []chat.Part {
	d := &decoder{req: &chat.Request{}, calls: map[string]string{}, legacy: map[string]string{}}
	parts := d.thoughts(m)
	said := len(parts)
	switch content := m.Get("content"); {
	case content.IsString() && !content.Is(""):
		parts = append(parts, chat.Part{Kind: chat.KindText, Text: content.Text(), Signature: thoughtSignature(m)})
	case content.IsArray():
		parts = append(parts, answerParts(content)...)
	}
	if notes := m.Get("annotations"); notes.IsArray() && string(notes) != "[]" && len(parts) > said {
		parts[len(parts)-1].Citations = notes.Raw()
	}
	if refusal := m.Get("refusal").Text(); refusal != "" {
		parts = append(parts, chat.Part{Kind: chat.KindRefusal, Text: refusal})
	}
	for _, c := range m.Get("tool_calls").Elements() {
		parts = append(parts, answerCall(c, c.Get("function")))
	}
	if f := m.Get("function_call"); f.IsObject() {
		parts = append(parts, answerCall(f, f))
	}
	return parts
}

// answerParts reads Mistral's list of texts and thoughts.
func answerParts(list value) (parts []chat.Part) {
	for _, p := range list.Elements() {
		switch p.Get("type").Text() {
		case "text", "output_text":
			parts = append(parts, chat.Part{Kind: chat.KindText, Text: p.Get("text").Text()})
		case "thinking":
			parts = append(parts, chat.Part{Kind: chat.KindThinking, Text: listText(p.Get("thinking"))})
		case "refusal":
			parts = append(parts, chat.Part{Kind: chat.KindRefusal, Text: p.Get("refusal").Text()})
		}
	}
	return parts
}

func answerCall(v, function value) chat.Part {
	call := &chat.ToolCall{ID: v.Get("id").Text(), Name: function.Get("name").Text(), Arguments: arguments(function.Get("arguments"))}
	return chat.Part{Kind: chat.KindToolCall, Call: call, Signature: thoughtSignature(v)}
}

// finishWords are the words for the reasons. "length" tells the client of a
// paused turn that there is more to come.
var finishWords = map[chat.Finish]string{
	chat.FinishUnknown: "stop", chat.FinishStop: "stop", chat.FinishStopSequence: "stop", chat.FinishLength: "length",
	chat.FinishToolCalls: "tool_calls", chat.FinishContentFilter: "content_filter", chat.FinishRefusal: "content_filter",
	chat.FinishPause: "length", chat.FinishContextWindow: "length", chat.FinishMalformedCall: "stop",
}

// EncodeResponse writes a chat completion.
func (Codec) EncodeResponse(r *chat.Response) []byte {
	o := openaiwire.NewObject(make([]byte, 0, 512))
	o.String("id", r.ID)
	o.String("object", "chat.completion")
	o.Int("created", r.Created)
	o.String("model", r.Model)
	o.Name("choices")
	o.B = append(o.B, '[')
	for i, c := range r.Choices {
		if i > 0 {
			o.B = append(o.B, ',')
		}
		o.B = appendChoice(o.B, c)
	}
	o.B = append(o.B, ']')
	if r.HasUsage {
		o.Name("usage")
		o.B = appendUsage(o.B, r.Usage)
	}
	o.Text("service_tier", r.ServiceTier)
	o.Text("system_fingerprint", r.SystemFingerprint)
	return o.End()
}

func appendChoice(dst []byte, c chat.Choice) []byte {
	o := openaiwire.NewObject(dst)
	o.Int("index", c.Index)
	o.Name("message")
	m := openaiwire.NewObject(o.B)
	m.String("role", "assistant")
	writeAnswer(m, c.Parts)
	o.B = m.End()
	if len(c.LogProbs) > 0 {
		o.Raw("logprobs", c.LogProbs)
	} else {
		o.Literal("logprobs", "null")
	}
	o.String("finish_reason", finishWords[c.Finish])
	return o.End()
}

func writeAnswer(m *openaiwire.Object, parts []chat.Part) {
	var text, refusal strings.Builder
	var thoughts, calls []chat.Part
	var cited []openaiwire.Citation
	spoke, signature := false, ""
	for _, p := range parts {
		switch p.Kind {
		case chat.KindText:
			text.WriteString(p.Text)
			spoke, signature = true, p.Signature
			cited = append(cited, openaiwire.ReadCitations(p.Citations)...)
		case chat.KindRefusal:
			refusal.WriteString(p.Text)
		case chat.KindThinking, chat.KindRedactedThinking:
			thoughts = append(thoughts, p)
		case chat.KindToolCall:
			calls = append(calls, p)
		}
	}
	if spoke {
		m.String("content", text.String())
	} else {
		m.Literal("content", "null")
	}
	if refusal.Len() > 0 {
		m.String("refusal", refusal.String())
	} else {
		m.Literal("refusal", "null")
	}
	m.Name("annotations")
	m.B = appendAnnotations(m.B, cited)
	writeThoughts(m, thoughts)
	writeCalls(m, calls)
	writeSignature(m, signature)
}

func appendAnnotations(dst []byte, cited []openaiwire.Citation) []byte {
	dst = append(dst, '[')
	for i, c := range cited {
		if i > 0 {
			dst = append(dst, ',')
		}
		o := openaiwire.NewObject(append(dst, `{"type":"url_citation","url_citation":`...))
		c.Append(o)
		dst = append(o.End(), '}')
	}
	return append(dst, ']')
}

// writeThoughts writes what the answer thought: as a text, and as details where
// the provider wants them back.
func writeThoughts(o *openaiwire.Object, thoughts []chat.Part) {
	var text []string
	signed := false
	for _, p := range thoughts {
		if p.Text != "" {
			text = append(text, p.Text)
		}
		signed = signed || p.Signature != "" || p.Data != ""
	}
	o.Text("reasoning_content", strings.Join(text, "\n\n"))
	if !signed {
		return
	}
	o.Name("reasoning_details")
	o.B = append(o.B, '[')
	for i, p := range thoughts {
		if i > 0 {
			o.B = append(o.B, ',')
		}
		o.B = appendThought(o.B, i, p)
	}
	o.B = append(o.B, ']')
}

func appendThought(dst []byte, i int, p chat.Part) []byte {
	o := openaiwire.NewObject(dst)
	if p.Kind == chat.KindRedactedThinking {
		o.String("type", "reasoning.encrypted")
		o.String("data", p.Data)
	} else {
		o.String("type", "reasoning.text")
		o.String("text", p.Text)
		o.Text("signature", p.Signature)
	}
	o.Int("index", int64(i))
	return o.End()
}

// writeCalls writes tool calls.
func writeCalls(o *openaiwire.Object, calls []chat.Part) {
	if len(calls) == 0 {
		return
	}
	o.Name("tool_calls")
	o.B = append(o.B, '[')
	for i, p := range calls {
		if i > 0 {
			o.B = append(o.B, ',')
		}
		c := openaiwire.NewObject(o.B)
		c.String("id", p.Call.ID)
		c.String("type", "function")
		c.Name("function")
		f := openaiwire.NewObject(c.B)
		f.String("name", p.Call.Name)
		f.String("arguments", argumentsOf(p.Call))
		c.B = f.End()
		writeSignature(c, p.Signature)
		o.B = c.End()
	}
	o.B = append(o.B, ']')
}

// argumentsOf are the arguments, which even a call without any has.
func argumentsOf(c *chat.ToolCall) string {
	if c.Arguments == "" {
		return "{}"
	}
	return c.Arguments
}

func writeSignature(o *openaiwire.Object, signature string) {
	if signature == "" {
		return
	}
	o.Name("extra_content")
	google := openaiwire.NewObject(append(o.B, `{"google":`...))
	google.String("thought_signature", signature)
	o.B = append(google.End(), '}')
}

func appendUsage(dst []byte, u pricing.Usage) []byte {
	u = u.Clamped()
	o := openaiwire.NewObject(dst)
	o.Int("prompt_tokens", u.InputTokens)
	o.Int("completion_tokens", u.OutputTokens)
	o.Int("total_tokens", u.InputTokens+u.OutputTokens)
	o.Name("prompt_tokens_details")
	in := openaiwire.NewObject(o.B)
	in.Int("cached_tokens", u.CachedInputTokens)
	in.Int("audio_tokens", 0)
	in.Count("cache_write_tokens", u.CacheWriteTokens+u.CacheWrite1hTokens)
	o.B = in.End()
	o.Name("completion_tokens_details")
	out := openaiwire.NewObject(o.B)
	out.Int("reasoning_tokens", u.ReasoningTokens)
	out.Int("audio_tokens", 0)
	out.Int("accepted_prediction_tokens", 0)
	out.Int("rejected_prediction_tokens", 0)
	o.B = out.End()
	return o.End()
}
