package responses

import (
	"errors"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// errNoAnswer is a body that is neither an answer nor an error.
var errNoAnswer = errors.New("the provider's answer is no response object")

// errUnfinished is an answer that is still being worked on.
var errUnfinished = errors.New("the provider's answer is not finished: it is queued or in progress")

// DecodeResponse reads a response object. A failed one, and an error body
// whatever its status was, is returned as a *chat.Error.
func (codec) DecodeResponse(body []byte) (*chat.Response, error) {
	v, ok := openaiwire.Parse(body)
	if !ok {
		return nil, errNoAnswer
	}
	if v.Get("error").Given() || v.IsArray() || v.Get("object").Is("error") {
		return nil, openaiwire.DecodeError(0, body)
	}
	if !v.Get("output").IsArray() {
		return nil, errNoAnswer
	}
	switch v.Get("status").Text() {
	case "failed", "cancelled":
		return nil, &chat.Error{Class: chat.ErrorInternal, Message: "the provider's answer failed, and it gave no reason"}
	case "queued", "in_progress":
		return nil, errUnfinished
	}
	return readResponse(v), nil
}

// readResponse reads an ended response object.
func readResponse(v value) *chat.Response {
	r := &chat.Response{}
	readHead(r, v)
	c := chat.Choice{}
	var probs []string
	for i, item := range v.Get("output").Elements() {
		parts := readItem(item)
		if len(parts) == 1 && parts[0].Call != nil && parts[0].Call.ID == "" {
			parts[0].Call.ID = openaiwire.CallID(r.ID, int64(i))
		}
		if len(parts) == 1 && parts[0].Kind == 0 {
			signLast(c.Parts, parts[0].Signature)
			continue
		}
		c.Parts = append(c.Parts, parts...)
		for _, p := range item.Get("content").Elements() {
			if list := p.Get("logprobs"); list.IsArray() && string(list) != "[]" {
				probs = append(probs, string(list[1:len(list)-1]))
			}
		}
	}
	if len(probs) > 0 {
		c.LogProbs = []byte(`{"content":[` + strings.Join(probs, ",") + `],"refusal":null}`)
	}
	c.Finish = finishOf(v, c.Parts)
	r.Choices = []chat.Choice{c}
	r.Usage, r.HasUsage = openaiwire.ReadUsage(v.Get("usage"))
	return r
}

// readHead reads what a response object says of the whole.
func readHead(r *chat.Response, v value) {
	for name, member := range v.Members() {
		switch string(name) {
		case "id":
			r.ID = member.Text()
		case "model":
			r.Model = member.Text()
		case "created_at":
			created, _ := member.Float()
			r.Created = int64(min(max(created, 0), 1<<53))
		case "service_tier":
			r.ServiceTier = member.Text()
		}
	}
}

// finishOf is the reason for which a response ended.
func finishOf(v value, parts []chat.Part) chat.Finish {
	if v.Get("status").Is("incomplete") {
		switch v.Get("incomplete_details").Get("reason").Text() {
		case "max_output_tokens", "max_tokens":
			return chat.FinishLength
		case "content_filter":
			return chat.FinishContentFilter
		}
		return chat.FinishPause
	}
	finish := chat.FinishStop
	for _, p := range parts {
		if p.Kind == chat.KindToolCall {
			finish = chat.FinishToolCalls
		}
	}
	return finish
}

// readItem reads an item of the output. What OpenAI's own tools did is left out:
// the answer tells what came of it.
func readItem(v value) (parts []chat.Part) {
	switch v.Get("type").Text() {
	case "message":
		for _, p := range v.Get("content").Elements() {
			if part, ok := readSaid(p); ok {
				parts = append(parts, part)
			}
		}
	case "function_call":
		call := &chat.ToolCall{ID: v.Get("call_id").Text(), Name: v.Get("name").Text(), Arguments: v.Get("arguments").Text()}
		parts = []chat.Part{{Kind: chat.KindToolCall, Call: call}}
	case "reasoning":
		parts = []chat.Part{readThought(v)}
	}
	return parts
}

// readSaid reads a part of a message; false: it is of an unknown kind.
func readSaid(v value) (p chat.Part, ok bool) {
	switch v.Get("type").Text() {
	case "output_text":
		p = chat.Part{Kind: chat.KindText, Text: v.Get("text").Text()}
		if notes := v.Get("annotations"); notes.IsArray() && string(notes) != "[]" {
			p.Citations = notes.Raw()
		}
	case "refusal":
		p = chat.Part{Kind: chat.KindRefusal, Text: v.Get("refusal").Text()}
	default:
		return p, false
	}
	return p, true
}

// EncodeResponse writes a response object of the first answer.
func (codec) EncodeResponse(r *chat.Response) []byte {
	head := newHead(r)
	c := chat.Choice{}
	if len(r.Choices) > 0 {
		c = r.Choices[0]
	}
	b := outputs{head: head, logprobs: tokensOf(c.LogProbs)}
	for _, p := range c.Parts {
		b.part(p)
	}
	status, reason := statusOf(c.Finish, c.Parts)
	b.closeMessage(status)
	return head.append(nil, ended{
		status: status, reason: reason, output: b.items, usage: r.Usage, counted: r.HasUsage,
	})
}

// statusOf is how an answer ended, and why if it is incomplete.
func statusOf(f chat.Finish, parts []chat.Part) (status, reason string) {
	switch f {
	case chat.FinishLength, chat.FinishContextWindow, chat.FinishPause:
		return "incomplete", "max_output_tokens"
	case chat.FinishContentFilter:
		return "incomplete", "content_filter"
	case chat.FinishRefusal:
		for _, p := range parts {
			if p.Kind == chat.KindRefusal || p.Kind == chat.KindText {
				return "completed", ""
			}
		}
		return "incomplete", "content_filter"
	}
	return "completed", ""
}

// outputs writes the items of a whole answer.
type outputs struct {
	head  *head
	items []byte
	n     int
	// said are the parts of the message that is not closed yet.
	said []chat.Part
	// logprobs are those of the tokens of all texts; they stand with the first.
	logprobs []byte
}

func (b *outputs) part(p chat.Part) {
	switch p.Kind {
	case chat.KindText, chat.KindRefusal:
		b.said = append(b.said, p)
		if p.Signature != "" {
			b.closeMessage("completed")
			b.add(thoughtOutput(b.head.itemID(idSignature, b.n), "", p.Signature, "completed"))
		}
	case chat.KindThinking, chat.KindRedactedThinking:
		b.closeMessage("completed")
		b.add(b.thought(p))
	case chat.KindToolCall:
		b.closeMessage("completed")
		b.add(callOutput(b.head.itemID("fc", b.n), p.Call, "completed"))
		if p.Signature != "" {
			b.add(thoughtOutput(b.head.itemID(idSignature, b.n), "", p.Signature, "completed"))
		}
	}
}

func (b *outputs) thought(p chat.Part) []byte {
	if p.Kind == chat.KindRedactedThinking {
		return thoughtOutput(b.head.itemID(idRedacted, b.n), "", p.Data, "completed")
	}
	return thoughtOutput(b.head.itemID(idThought, b.n), p.Text, p.Signature, "completed")
}

func (b *outputs) add(item []byte) {
	if b.n > 0 {
		b.items = append(b.items, ',')
	}
	b.n++
	b.items = append(b.items, item...)
}

// closeMessage writes what was said as one item.
func (b *outputs) closeMessage(status string) {
	if len(b.said) == 0 {
		return
	}
	var content []byte
	for i, p := range b.said {
		if i > 0 {
			content = append(content, ',')
		}
		content = appendContent(content, p, b.logprobs)
		if p.Kind == chat.KindText {
			b.logprobs = nil
		}
	}
	b.said = nil
	b.add(messageOutput(b.head.itemID("msg", b.n), content, status))
}
