package simulator

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

type wireCompletion struct {
	ID                string          `json:"id"`
	Object            string          `json:"object"`
	Created           int64           `json:"created"`
	Model             string          `json:"model"`
	Choices           []wireChoice    `json:"choices"`
	Usage             json.RawMessage `json:"usage,omitempty"`
	ServiceTier       string          `json:"service_tier,omitempty"`
	SystemFingerprint string          `json:"system_fingerprint,omitempty"`
}

type wireChoice struct {
	Index        int             `json:"index"`
	Message      wireMessage     `json:"message"`
	Logprobs     json.RawMessage `json:"logprobs,omitempty"`
	FinishReason string          `json:"finish_reason"`
}

type wireMessage struct {
	Role        string          `json:"role"`
	Content     *string         `json:"content"`
	ToolCalls   []toolCall      `json:"tool_calls,omitempty"`
	Refusal     json.RawMessage `json:"refusal,omitempty"`
	Annotations json.RawMessage `json:"annotations,omitempty"`
	Reasoning   string          `json:"reasoning_content,omitempty"`
}

var null = json.RawMessage("null")

// encodeJSON writes a completion as one JSON document.
func encodeJSON(c *completion, d dialect, r *request, noUsage bool) []byte {
	w := wireCompletion{ID: c.id, Object: "chat.completion", Created: c.created, Model: c.model}
	if !noUsage {
		w.Usage = encode(d.usage(c.usage), "")
	}
	if d.extras {
		w.ServiceTier = c.tier
	}
	if d.fingerprint {
		w.SystemFingerprint = c.fingerprint
	}
	for i, ch := range c.choices {
		wc := wireChoice{Index: i, Message: wireMessageOf(ch, d), FinishReason: ch.finish}
		wc.Message.Reasoning = thoughtOf(c, d, r)
		if d.logprobs {
			wc.Logprobs = logprobs(ch.content, r)
		}
		w.Choices = append(w.Choices, wc)
	}
	return encode(w, d.indent)
}

func wireMessageOf(ch choice, d dialect) wireMessage {
	text := joined(ch.content)
	m := wireMessage{Role: "assistant", Content: &text}
	if d.extras {
		m.Refusal, m.Annotations = null, json.RawMessage("[]")
	}
	if ch.refused && d.extras {
		m.Content, m.Refusal = nil, appendString(nil, text)
	}
	for _, call := range ch.calls {
		m.Content = nil
		m.ToolCalls = append(m.ToolCalls, toolCall{call.id, "function", functionCall{call.name, joined(call.arguments)}})
	}
	return m
}

func joined(pieces []string) string {
	var b []byte
	for _, p := range pieces {
		b = append(b, p...)
	}
	return string(b)
}

// encode writes a value that can always be encoded, ended by a new line if it
// is indented, as OpenAI ends its documents.
func encode(v any, indent string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	_ = e.Encode(v)
	if indent == "" {
		b.Truncate(b.Len() - 1)
	}
	return b.Bytes()
}

// appendString appends a JSON string. Characters beyond ASCII stay as they are.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// logprobs writes the log probabilities of tokens, or null if not asked for.
func logprobs(tokens []string, r *request) json.RawMessage {
	if !r.Logprobs {
		return null
	}
	b := []byte(`{"content":[`)
	for i, t := range tokens {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendLogprob(b, t, logprobOf(t))
		b = append(b, `,"top_logprobs":[`...)
		for k := range r.TopLogprobs {
			if k > 0 {
				b = append(b, ',')
			}
			b = append(appendLogprob(b, alternative(t, k), logprobOf(t)-float64(k)), '}')
		}
		b = append(b, "]}"...)
	}
	return append(b, `],"refusal":null}`...)
}

// appendLogprob appends a token's log probability and leaves the object open.
func appendLogprob(b []byte, token string, logprob float64) []byte {
	b = appendString(append(b, `{"token":`...), token)
	b = strconv.AppendFloat(append(b, `,"logprob":`...), logprob, 'f', -1, 64)
	b = append(b, `,"bytes":[`...)
	for i := range len(token) {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(token[i]), 10)
	}
	return append(b, ']')
}

// logprobOf is between -1 and 0 and fixed by the token.
func logprobOf(token string) float64 {
	return -math.Round(float64(hashText(token)%1e6)) / 1e6
}

// alternative is the kth most likely token: the first is the one chosen.
func alternative(token string, k int) string {
	if k == 0 {
		return token
	}
	return " " + string(rune('a'+k))
}

// models writes the model list.
func encodeModels(models []Model, owner string, created int64) []byte {
	type entry struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	list := struct {
		Object string  `json:"object"`
		Data   []entry `json:"data"`
	}{"list", []entry{}}
	for _, m := range models {
		list.Data = append(list.Data, entry{m.Name, "model", created, owner})
	}
	return encode(list, "  ")
}
