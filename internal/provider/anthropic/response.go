package anthropic

import (
	"encoding/json"
	"slices"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
)

// message is a whole answer
// (https://platform.claude.com/docs/en/api/messages/create#returns).
type message struct {
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	Role         string            `json:"role"`
	Model        string            `json:"model"`
	Content      []json.RawMessage `json:"content"`
	StopReason   *string           `json:"stop_reason"`
	StopSequence *string           `json:"stop_sequence"`
	StopDetails  *stopDetails      `json:"stop_details,omitempty"`
	Usage        *usage            `json:"usage"`
}

// stopDetails says why the model refused.
type stopDetails struct {
	Type        string  `json:"type"`
	Category    *string `json:"category"`
	Explanation *string `json:"explanation"`
}

// usage is what an answer used. Absent counts are 0, but in message_delta, where
// they are those of message_start.
type usage struct {
	Input         int64          `json:"input_tokens"`
	CacheCreation int64          `json:"cache_creation_input_tokens"`
	CacheRead     int64          `json:"cache_read_input_tokens"`
	Creation      *cacheCreation `json:"cache_creation,omitempty"`
	Output        int64          `json:"output_tokens"`
	Details       *outputDetails `json:"output_tokens_details,omitempty"`
	ServiceTier   string         `json:"service_tier,omitempty"`
}

type cacheCreation struct {
	For5m int64 `json:"ephemeral_5m_input_tokens"`
	For1h int64 `json:"ephemeral_1h_input_tokens"`
}

type outputDetails struct {
	Thinking int64 `json:"thinking_tokens"`
}

// maxCount is above any count that a provider can mean, and low enough for sums
// of counts to fit.
const maxCount = 1 << 40

func count(n int64) int64 { return min(max(n, 0), maxCount) }

// record translates into the meaning that pricing gives the counts: here
// input_tokens leaves out what was read from and written to the cache.
func (u *usage) record() pricing.Usage {
	out := pricing.Usage{
		CachedInputTokens: count(u.CacheRead),
		CacheWriteTokens:  count(u.CacheCreation),
		OutputTokens:      count(u.Output),
		Batch:             u.ServiceTier == "batch",
	}
	if c := u.Creation; c != nil {
		out.CacheWrite1hTokens = count(c.For1h)
		out.CacheWriteTokens = max(out.CacheWriteTokens-out.CacheWrite1hTokens, count(c.For5m))
	}
	if u.Details != nil {
		out.ReasoningTokens = min(count(u.Details.Thinking), out.OutputTokens)
	}
	out.InputTokens = count(u.Input) + out.CachedInputTokens + out.CacheWriteTokens + out.CacheWrite1hTokens
	return out
}

// merge takes over the counts of message_delta: they are cumulative, and some
// servers leave out, or set to 0, what message_start has said.
func (u *usage) merge(n *usage) {
	u.Input = max(u.Input, n.Input)
	u.CacheCreation = max(u.CacheCreation, n.CacheCreation)
	u.CacheRead = max(u.CacheRead, n.CacheRead)
	u.Output = max(u.Output, n.Output)
	if n.Creation != nil {
		u.Creation = n.Creation
	}
	if n.Details != nil {
		u.Details = n.Details
	}
	if n.ServiceTier != "" {
		u.ServiceTier = n.ServiceTier
	}
}

// usageOf is the inverse of record.
func usageOf(p pricing.Usage) *usage {
	p = p.Clamped()
	u := &usage{
		Input:         p.InputTokens - p.CachedInputTokens - p.CacheWriteTokens - p.CacheWrite1hTokens,
		CacheCreation: p.CacheWriteTokens + p.CacheWrite1hTokens,
		CacheRead:     p.CachedInputTokens,
		Creation:      &cacheCreation{For5m: p.CacheWriteTokens, For1h: p.CacheWrite1hTokens},
		Output:        p.OutputTokens,
	}
	if p.ReasoningTokens > 0 {
		u.Details = &outputDetails{Thinking: p.ReasoningTokens}
	}
	return u
}

// servedTier is a tier in OpenAI's words, and wireTier in Anthropic's.
func servedTier(tier string) string {
	if tier == "standard" || tier == "batch" {
		return "default"
	}
	return tier
}

func wireTier(tier string, batch bool) string {
	switch {
	case batch:
		return "batch"
	case tier == "priority":
		return tier
	case tier == "":
		return ""
	}
	return "standard"
}

// finishes are the reasons why answers end, by Anthropic's word.
var finishes = map[string]chat.Finish{
	"end_turn":                      chat.FinishStop,
	"stop_sequence":                 chat.FinishStopSequence,
	"max_tokens":                    chat.FinishLength,
	"tool_use":                      chat.FinishToolCalls,
	"refusal":                       chat.FinishRefusal,
	"pause_turn":                    chat.FinishPause,
	"model_context_window_exceeded": chat.FinishContextWindow,
}

// stopReason is Anthropic's word for a reason. Some APIs call it an ordinary stop
// when a call was forced; here it is not.
func stopReason(f chat.Finish, calls bool) string {
	switch f {
	case chat.FinishContentFilter:
		return "refusal"
	case chat.FinishStop, chat.FinishUnknown, chat.FinishMalformedCall:
		if calls {
			return "tool_use"
		}
		return "end_turn"
	}
	for word, finish := range finishes {
		if finish == f {
			return word
		}
	}
	return "end_turn"
}

// DecodeResponse implements [chat.Codec].
func (Codec) DecodeResponse(body []byte) (*chat.Response, error) {
	var m message
	if err := decodeAt("", body, &m); err != nil {
		return nil, err
	}
	switch {
	case m.Type == "error":
		return nil, problem("", "the answer is an error object")
	case m.Type != "message" || m.Content == nil:
		return nil, problem("type", `the answer is no message: it lacks "type":"message" or its content`)
	}
	r := &chat.Response{ID: m.ID, Model: m.Model}
	if m.Usage != nil {
		r.Usage, r.HasUsage = m.Usage.record(), true
		r.ServiceTier = servedTier(m.Usage.ServiceTier)
	}
	c := chat.Choice{Finish: finishes[deref(m.StopReason)], StopSequence: deref(m.StopSequence)}
	if err := decodeAnswer(&c, m.Content); err != nil {
		return nil, err
	}
	if len(c.Parts) == 0 && m.StopDetails != nil && deref(m.StopDetails.Explanation) != "" {
		c.Parts = []chat.Part{{Kind: chat.KindRefusal, Text: *m.StopDetails.Explanation}}
	}
	r.Choices = []chat.Choice{c}
	return r, nil
}

// decodeAnswer reads the blocks of an answer.
func decodeAnswer(c *chat.Choice, content []json.RawMessage) error {
	calls, answered := false, false
	for i, raw := range content {
		path := at("content", i)
		var b block
		if err := decodeBlock(path, raw, &b, &b); err != nil {
			return err
		}
		p := answerPart(path, &b)
		if p.Kind == chat.KindNative {
			p.Native.Value = slices.Clone(raw)
		}
		calls = calls || p.Kind == chat.KindToolCall
		answered = answered || p.Kind == chat.KindText && b.Type == typeToolUse
		c.Parts = append(c.Parts, p)
	}
	c.Finish = answeredFinish(c.Finish, calls, answered)
	return nil
}

// answeredFinish is the reason why an answer ended, where a call may have been
// that of the tool that stands for the answer.
func answeredFinish(f chat.Finish, calls, answered bool) chat.Finish {
	if f == chat.FinishToolCalls && answered && !calls {
		return chat.FinishStop
	}
	return f
}

// answerPart reads a block of an answer, or the start of one.
func answerPart(path string, b *block) chat.Part {
	switch b.Type {
	case typeText:
		p := chat.Part{Kind: chat.KindText, Text: deref(b.Text)}
		if !isNull(b.Citations) && string(b.Citations) != "[]" {
			p.Citations = b.Citations
		}
		return p
	case typeThinking:
		return chat.Part{Kind: chat.KindThinking, Text: deref(b.Thinking), Signature: deref(b.Signature)}
	case typeRedactedThinking:
		return chat.Part{Kind: chat.KindRedactedThinking, Data: b.Data}
	case typeToolUse:
		if b.Name == answerTool {
			return chat.Part{Kind: chat.KindText, Text: string(b.Input)}
		}
		return chat.Part{Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: b.ID, Name: b.Name, Arguments: string(b.Input)}}
	default:
		return chat.Part{Kind: chat.KindNative, Native: &chat.Native{Field: path, Wire: Wire}}
	}
}

// EncodeResponse implements [chat.Codec]. Of several choices the first is told.
func (Codec) EncodeResponse(r *chat.Response) []byte {
	m := message{ID: r.ID, Type: "message", Role: "assistant", Model: r.Model, Content: []json.RawMessage{}, Usage: usageOf(r.Usage)}
	m.Usage.ServiceTier = wireTier(r.ServiceTier, r.Usage.Batch)
	var c chat.Choice
	if len(r.Choices) > 0 {
		c = r.Choices[0]
	}
	calls := false
	for _, p := range c.Parts {
		calls = calls || p.Kind == chat.KindToolCall
		if raw := answerBlock(p); raw != nil {
			m.Content = append(m.Content, raw)
		}
	}
	m.StopReason = ptr(stopReason(c.Finish, calls))
	if c.StopSequence != "" {
		m.StopSequence = &c.StopSequence
	}
	body, _ := encode(&m) // its raw members are checked
	return body
}

// answerBlock writes a part of an answer; nil: this wire has none for it.
func answerBlock(p chat.Part) json.RawMessage {
	b := &block{}
	switch p.Kind {
	case chat.KindText, chat.KindRefusal:
		b.Type, b.Text, b.Citations = typeText, &p.Text, ownCitations(p.Citations)
	case chat.KindThinking:
		b.Type, b.Thinking, b.Signature = typeThinking, &p.Text, &p.Signature
	case chat.KindRedactedThinking:
		b.Type, b.Data = typeRedactedThinking, p.Data
	case chat.KindToolCall:
		b.Type, b.ID, b.Name, b.Input = typeToolUse, p.Call.ID, p.Call.Name, callInput(p.Call.Arguments)
	case chat.KindNative:
		if p.Native != nil && p.Native.Wire == Wire && json.Valid(p.Native.Value) {
			raw, _ := encode(p.Native.Value) // on one line
			return raw
		}
		return nil
	default:
		return nil
	}
	raw, err := encode(b)
	if err != nil {
		return nil
	}
	return raw
}

// callInput is the input of a call. What a model wrote need not be an object;
// then it is told under a name that nobody takes for an argument.
func callInput(arguments string) json.RawMessage {
	switch raw := json.RawMessage(arguments); {
	case isObject(raw):
		return raw
	case !hasText(arguments):
		return json.RawMessage("{}")
	}
	raw, _ := encode(map[string]string{"_malformed_arguments": arguments})
	return raw
}
