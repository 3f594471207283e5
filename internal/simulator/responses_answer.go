package simulator

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// members of a JSON object, in the order of their names.
type members = map[string]any

// encrypted is the encrypted content of a reasoning item.
func encrypted(id string) string {
	text := strconv.FormatUint(hashText("encrypted", id), 16)
	return "gAAAAAB" + base64.RawURLEncoding.EncodeToString([]byte(text+text))
}

// responseID is the answer's id, and itemID that of its nth item.
func (x *exchange) responseID() string { return "resp_" + strings.TrimPrefix(x.c.id, "chatcmpl-") }

func (x *exchange) itemID(kind string, n int) string {
	return kind + "_" + strings.TrimPrefix(x.c.id, "chatcmpl-") + strconv.Itoa(n)
}

// response is the response object; in progress unless it has items.
func (x *exchange) response(status string, items []any) members {
	r := x.responses
	m := members{
		"id": x.responseID(), "object": "response", "created_at": x.c.created, "model": x.c.model, "error": nil,
		"incomplete_details": nil, "instructions": orNull(r.Instructions), "max_output_tokens": r.MaxOutputTokens,
		"metadata": orEmpty(r.Metadata), "parallel_tool_calls": r.ParallelToolCalls == nil || *r.ParallelToolCalls,
		"previous_response_id": nil, "reasoning": members{"effort": orNull(x.req.ReasoningEffort), "summary": nil},
		"service_tier": x.c.tier, "store": r.Store == nil || *r.Store, "temperature": r.Temperature, "top_p": r.TopP,
		"text": members{"format": members{"type": "text"}}, "tool_choice": "auto", "tools": []any{}, "truncation": "disabled",
		"usage": nil, "user": orNull(r.User), "background": false, "output": []any{}, "status": "in_progress",
	}
	if status == "in_progress" {
		return m
	}
	m["status"], m["output"] = "completed", items
	if items == nil {
		m["output"] = x.responseItems()
	}
	if x.c.choices[0].finish == finishLength {
		m["status"], m["incomplete_details"] = "incomplete", members{"reason": "max_output_tokens"}
	}
	if !x.fault.shape.NoUsage {
		m["usage"] = responsesUsage(x.c.usage)
	}
	return m
}

func orEmpty(m map[string]json.RawMessage) map[string]json.RawMessage {
	if m == nil {
		return map[string]json.RawMessage{}
	}
	return m
}

func responsesUsage(u usage) members {
	details := members{"cached_tokens": u.cached}
	if u.reportWrites {
		details["cache_write_tokens"] = u.cacheWritten
	}
	return members{
		"input_tokens": u.prompt, "input_tokens_details": details,
		"output_tokens": u.completion, "output_tokens_details": members{"reasoning_tokens": u.reasoning},
		"total_tokens": u.prompt + u.completion,
	}
}

// summary is what the model shows of its thoughts, if asked to.
func (x *exchange) summary() string {
	if r := x.responses.Reasoning; r == nil || r.Summary == "" {
		return ""
	}
	return "**Weighing the question**\n\nI look at " + strings.Join(topics(x.req.prompt()), ", ") + " — and then answer."
}

func (x *exchange) thoughtItem(n int, status, summary string) members {
	id := x.itemID("rs", n)
	m := members{"id": id, "type": "reasoning", "summary": []any{}}
	if summary != "" {
		m["summary"] = []any{summaryPart(summary)}
	}
	if status == "completed" && slices.Contains(x.responses.Include, "reasoning.encrypted_content") {
		m["encrypted_content"] = encrypted(id)
	}
	return m
}

func summaryPart(text string) members { return members{"type": "summary_text", "text": text} }

func (x *exchange) messageItem(n int, status string, content ...any) members {
	if content == nil {
		content = []any{}
	}
	return members{"id": x.itemID("msg", n), "type": "message", "role": "assistant", "status": status, "content": content}
}

// said is the part of a message that says the text.
func (x *exchange) said(text string, tokens []string) members {
	if x.c.choices[0].refused {
		return members{"type": "refusal", "refusal": text}
	}
	return members{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": x.responseLogprobs(tokens)}
}

func (x *exchange) callItem(n int, c generatedCall, status, arguments string) members {
	return members{
		"id": x.itemID("fc", n), "type": "function_call", "status": status, "call_id": c.id, "name": c.name, "arguments": arguments,
	}
}

// responseLogprobs are the log probabilities of tokens, none if not asked for.
func (x *exchange) responseLogprobs(tokens []string) json.RawMessage {
	if !x.req.Logprobs || tokens == nil {
		return json.RawMessage("[]")
	}
	list := string(logprobs(tokens, x.req))
	list = strings.TrimSuffix(strings.TrimPrefix(list, `{"content":`), `,"refusal":null}`)
	return json.RawMessage(list)
}

// endStatus is how the last item ended.
func (x *exchange) endStatus() string {
	if x.c.choices[0].finish == finishLength {
		return "incomplete"
	}
	return "completed"
}

func (x *exchange) responseItems() []any {
	items, ch := []any{}, x.c.choices[0]
	if x.c.usage.reasoning > 0 {
		items = append(items, x.thoughtItem(0, "completed", x.summary()))
	}
	for _, call := range ch.calls {
		items = append(items, x.callItem(len(items), call, x.endStatus(), joined(call.arguments)))
	}
	if len(ch.calls) == 0 {
		items = append(items, x.messageItem(len(items), x.endStatus(), x.said(joined(ch.content), ch.content)))
	}
	return items
}

// responseEvent is an event of a stream.
func responseEvent(name string, m members, tokens int) frame {
	m["type"] = name
	return frame{encode(m, ""), tokens}
}

// eventList gathers and numbers the events of a stream.
type eventList struct {
	all  []frame
	item int
}

func (l *eventList) add(name string, tokens int, m members) {
	m["sequence_number"] = len(l.all)
	l.all = append(l.all, responseEvent(name, m, tokens))
}

// in adds an event about a part of the item at hand.
func (l *eventList) in(name, id string, tokens int, m members) {
	m["item_id"], m["output_index"] = id, l.item
	l.add(name, tokens, m)
}

// around adds the events of an item, within those that begin and end it.
func (l *eventList) around(begun, done members, inside func()) {
	l.add("response.output_item.added", 0, members{"output_index": l.item, "item": begun})
	inside()
	l.add("response.output_item.done", 0, members{"output_index": l.item, "item": done})
	l.item++
}

// responseEvents are the events of the stream.
func (x *exchange) responseEvents() []frame {
	l, ch := &eventList{}, x.c.choices[0]
	for _, name := range []string{"response.created", "response.in_progress"} {
		l.add(name, 0, members{"response": x.response("in_progress", nil)})
	}
	if x.c.usage.reasoning > 0 {
		x.thoughtEvents(l)
	}
	for _, call := range ch.calls {
		x.callEvents(l, call)
	}
	if len(ch.calls) == 0 {
		x.messageEvents(l, ch)
	}
	l.add("response."+x.endStatus(), 0, members{"response": x.response("", nil)})
	return l.all
}

func (x *exchange) thoughtEvents(l *eventList) {
	text := x.summary()
	begun, done := x.thoughtItem(l.item, "in_progress", ""), x.thoughtItem(l.item, "completed", text)
	id := x.itemID("rs", l.item)
	l.around(begun, done, func() {
		if text == "" {
			return
		}
		l.in("response.reasoning_summary_part.added", id, 0, members{"summary_index": 0, "part": summaryPart("")})
		for _, p := range pieces(text) {
			l.in("response.reasoning_summary_text.delta", id, 0, members{"summary_index": 0, "delta": p})
		}
		l.in("response.reasoning_summary_text.done", id, 0, members{"summary_index": 0, "text": text})
		l.in("response.reasoning_summary_part.done", id, 0, members{"summary_index": 0, "part": summaryPart(text)})
	})
}

func (x *exchange) callEvents(l *eventList, c generatedCall) {
	id, arguments := x.itemID("fc", l.item), joined(c.arguments)
	l.around(x.callItem(l.item, c, "in_progress", ""), x.callItem(l.item, c, x.endStatus(), arguments), func() {
		for i, p := range c.arguments {
			tokens := 1
			if i == 0 {
				tokens += callOverhead + Tokens(c.name)
			}
			l.in("response.function_call_arguments.delta", id, tokens, members{"delta": p})
		}
		l.in("response.function_call_arguments.done", id, 0, members{"arguments": arguments, "name": c.name})
	})
}

func (x *exchange) messageEvents(l *eventList, ch choice) {
	id, text := x.itemID("msg", l.item), joined(ch.content)
	kind, member := "response.output_text", "text"
	if ch.refused {
		kind, member = "response.refusal", "refusal"
	}
	begun, done := x.messageItem(l.item, "in_progress"), x.messageItem(l.item, x.endStatus(), x.said(text, ch.content))
	l.around(begun, done, func() {
		l.in("response.content_part.added", id, 0, members{"content_index": 0, "part": x.said("", nil)})
		for _, p := range ch.content {
			l.in(kind+".delta", id, 1, members{"content_index": 0, "delta": p, "logprobs": x.responseLogprobs([]string{p})})
		}
		l.in(kind+".done", id, 0, members{"content_index": 0, member: text, "logprobs": x.responseLogprobs(ch.content)})
		l.in("response.content_part.done", id, 0, members{"content_index": 0, "part": x.said(text, ch.content)})
	})
}
