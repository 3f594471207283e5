// Package chat makes chat request bodies as applications send them: a system
// prompt, tools, turns of a conversation with documents and code in them, and a
// last question. They are as long as asked for, and the same every time.
//
// It must never be random, and never know how a router classifies a prompt.
package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// Variants is how many different bodies there are of every size.
const Variants = len(questions)

// Body returns a variant of a request body of about size bytes: exactly so many,
// unless that is too few for a conversation or an escape stands in the way. Every
// fourth variant has characters beyond ASCII escaped, as the SDKs of a few
// languages do.
func Body(size, variant int, stream bool) []byte {
	variant %= Variants
	var body []byte
	filler := size
	for range 8 {
		body = encode(compose(max(filler, 0), variant, stream))
		if variant%4 == 3 {
			body = escapeWide(body)
		}
		if len(body) == size {
			break
		}
		filler += size - len(body)
	}
	return body
}

type request struct {
	Model       string    `json:"model"`
	Messages    []message `json:"messages"`
	Temperature float64   `json:"temperature"`
	MaxTokens   int       `json:"max_completion_tokens"`
	Tools       []tool    `json:"tools"`
	ToolChoice  string    `json:"tool_choice"`
	User        string    `json:"user"`
	Stream      bool      `json:"stream,omitempty"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type tool struct {
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
}

const system = "You are the assistant of an online shop. Answer in the customer's language, in at most five sentences.\n" +
	"Say \"I do not know\" rather than guess. Quote order numbers as they are."

var tools = []tool{{"function", function{
	"get_order", "Look up an order by its number.",
	json.RawMessage(`{"type":"object","properties":{"order_id":{"type":"string","description":"such as \"A-1042\""},` +
		`"with_items":{"type":"boolean"}},"required":["order_id"],"additionalProperties":false}`),
}}}

// compose spreads the filler: half into the turns before, at most turnBytes
// each, half into the document that the last question is about.
func compose(filler, variant int, stream bool) request {
	const turnBytes = 4000
	draw := rand.New(rand.NewPCG(1, uint64(variant)))
	messages := []message{{"system", system}}
	history := filler / 2
	turns := max(1, (history+turnBytes-1)/turnBytes)
	for i := range turns {
		part := history * (i + 1) / turns
		part -= history * i / turns
		messages = append(messages,
			message{"user", prose(draw, part/3)},
			message{"assistant", prose(draw, part-part/3)})
	}
	messages = append(messages, message{"user", questions[variant] + "\n\n" + prose(draw, filler-history)})
	return request{
		Model: "auto", Messages: messages, Temperature: 0.2, MaxTokens: 512, Tools: tools, ToolChoice: "auto",
		User: fmt.Sprintf("customer-%d", 1000+variant), Stream: stream,
	}
}

// prose returns so many bytes of sentences, the last one cut.
func prose(draw *rand.Rand, size int) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(sentences[draw.IntN(len(sentences))])
		if draw.IntN(5) == 0 {
			b.WriteString("\n\n")
		} else {
			b.WriteByte(' ')
		}
	}
	text := b.String()
	for size > 0 && size < len(text) && !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size]
}

func encode(r request) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(r) // strings and numbers always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// escapeWide writes characters beyond ASCII as \uXXXX.
func escapeWide(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for _, r := range string(body) {
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
