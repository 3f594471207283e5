package responses

import (
	"strconv"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// head is what a response object says before its output.
type head struct {
	id, model, tier string
	created         int64
}

func newHead(r *chat.Response) *head {
	return &head{id: responseID(r.ID), model: r.Model, tier: r.ServiceTier, created: r.Created}
}

// responseID is the provider's id in the form that this wire gives it. An id is
// made of letters, digits, "-" and "_".
func responseID(id string) string {
	clean := make([]byte, 0, len(id)+5)
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			clean = append(clean, c)
		}
	}
	if len(clean) > 5 && string(clean[:5]) == "resp_" {
		return string(clean)
	}
	return "resp_" + string(clean)
}

// itemID is the id of the nth item, unique in the answer and among answers.
func (h *head) itemID(prefix string, n int) string {
	return prefix + "_" + h.id[len("resp_"):] + "_" + strconv.Itoa(n)
}

// ended is how a response object goes on.
type ended struct {
	status, reason string
	// output are the items, separated by commas.
	output  []byte
	usage   pricing.Usage
	counted bool
	failure *chat.Error
}

// append writes a response object. What it repeats of the request has its
// default: SDKs demand the members, and the answer does not depend on them.
func (h *head) append(dst []byte, e ended) []byte {
	o := openaiwire.NewObject(dst)
	o.String("id", h.id)
	o.String("object", "response")
	o.Int("created_at", h.created)
	o.String("status", e.status)
	o.Literal("background", "false")
	if e.failure != nil {
		o.Name("error")
		failure := openaiwire.NewObject(o.B)
		failure.String("code", failureCode(e.failure))
		failure.String("message", e.failure.Message)
		o.B = failure.End()
	} else {
		o.Literal("error", "null")
	}
	if e.reason != "" {
		o.Name("incomplete_details")
		o.B = append(openaiwire.AppendString(append(o.B, `{"reason":`...), e.reason), '}')
	} else {
		o.Literal("incomplete_details", "null")
	}
	o.Literal("instructions", "null")
	o.Literal("max_output_tokens", "null")
	o.String("model", h.model)
	o.Name("output")
	o.B = append(append(append(o.B, '['), e.output...), ']')
	o.Literal("parallel_tool_calls", "true")
	o.Literal("previous_response_id", "null")
	o.Literal("reasoning", `{"effort":null,"summary":null}`)
	o.Text("service_tier", h.tier)
	o.Literal("store", "false")
	o.Literal("temperature", "null")
	o.Literal("text", `{"format":{"type":"text"}}`)
	o.Literal("tool_choice", `"auto"`)
	o.Literal("tools", "[]")
	o.Literal("top_p", "null")
	o.Literal("truncation", `"disabled"`)
	o.Name("usage")
	if e.counted {
		o.B = appendUsage(o.B, e.usage)
	} else {
		o.B = append(o.B, "null"...)
	}
	o.Literal("user", "null")
	o.Literal("metadata", "{}")
	return o.End()
}

// failureCode is the code of a failed response, of the few that the wire has.
func failureCode(e *chat.Error) string {
	switch e.Class {
	case chat.ErrorRateLimited:
		return "rate_limit_exceeded"
	case chat.ErrorInvalidRequest:
		return "invalid_prompt"
	}
	return "server_error"
}

func appendUsage(dst []byte, u pricing.Usage) []byte {
	u = u.Clamped()
	o := openaiwire.NewObject(dst)
	o.Int("input_tokens", u.InputTokens)
	o.Name("input_tokens_details")
	in := openaiwire.NewObject(o.B)
	in.Int("cached_tokens", u.CachedInputTokens)
	in.Int("cache_write_tokens", u.CacheWriteTokens+u.CacheWrite1hTokens)
	o.B = in.End()
	o.Int("output_tokens", u.OutputTokens)
	o.Name("output_tokens_details")
	out := openaiwire.NewObject(o.B)
	out.Int("reasoning_tokens", u.ReasoningTokens)
	o.B = out.End()
	o.Int("total_tokens", u.InputTokens+u.OutputTokens)
	return o.End()
}

// messageOutput is a message item around its content.
func messageOutput(id string, content []byte, status string) []byte {
	o := openaiwire.NewObject(nil)
	o.String("id", id)
	o.String("type", "message")
	o.String("status", status)
	o.Name("content")
	o.B = append(append(append(o.B, '['), content...), ']')
	o.String("role", "assistant")
	return o.End()
}

// appendContent writes a part of a message; probs are the log probabilities of
// its tokens, separated by commas.
func appendContent(dst []byte, p chat.Part, probs []byte) []byte {
	o := openaiwire.NewObject(dst)
	if p.Kind == chat.KindRefusal {
		o.String("type", "refusal")
		o.String("refusal", p.Text)
		return o.End()
	}
	o.String("type", "output_text")
	o.Name("annotations")
	o.B = appendAnnotations(o.B, openaiwire.ReadCitations(p.Citations))
	o.Name("logprobs")
	o.B = append(append(append(o.B, '['), probs...), ']')
	o.String("text", p.Text)
	return o.End()
}

func callOutput(id string, c *chat.ToolCall, status string) []byte {
	o := openaiwire.NewObject(nil)
	o.String("id", id)
	o.String("type", "function_call")
	o.String("status", status)
	o.String("arguments", c.Arguments)
	o.String("call_id", c.ID)
	o.String("name", c.Name)
	return o.End()
}

func thoughtOutput(id, text, encrypted, status string) []byte {
	o := openaiwire.NewObject(nil)
	o.String("id", id)
	o.String("type", "reasoning")
	o.String("status", status)
	o.Name("summary")
	o.B = appendSummary(o.B, text)
	o.Text("encrypted_content", encrypted)
	return o.End()
}

// tokensOf are the tokens of Chat Completions' logprobs object, which Responses
// puts in a list; nil: none.
func tokensOf(logprobs []byte) []byte {
	v, _ := openaiwire.Parse(logprobs)
	list := v.Get("content")
	if !list.IsArray() {
		return nil
	}
	compact := openaiwire.AppendRaw(nil, []byte(list))
	return compact[1 : len(compact)-1]
}
