package gemini

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

var (
	errNotJSON   = errors.New("the provider's answer is not valid JSON")
	errNotAnswer = errors.New("the provider's answer is no GenerateContentResponse: it has neither candidates, promptFeedback nor usageMetadata")
)

// DecodeResponse implements [chat.Codec].
func (Codec) DecodeResponse(body []byte) (*chat.Response, error) {
	if !json.Valid(body) {
		return nil, errNotJSON
	}
	d := &responseDecoder{r: &chat.Response{}}
	known := false
	for m := range document(body).members {
		known = d.member(m) || known
	}
	if !known || d.failed {
		return nil, errNotAnswer
	}
	for _, c := range d.candidates {
		d.candidate(c)
	}
	if len(d.r.Choices) == 0 {
		d.r.Choices = []chat.Choice{{Finish: d.blocked}}
	}
	return d.r, nil
}

// responseDecoder gathers an answer.
type responseDecoder struct {
	r          *chat.Response
	candidates []value
	blocked    chat.Finish
	failed     bool
	made       int
}

// member reads a member of the answer and reports whether only answers have it.
func (d *responseDecoder) member(m member) bool {
	switch m.field() {
	case "candidates":
		for _, c := range m.elements {
			d.candidates = append(d.candidates, c)
		}
		return m.kind() == '['
	case "usageMetadata":
		d.r.Usage, d.r.HasUsage = readUsage(m.value)
		return true
	case "promptFeedback":
		if m.get("blockReason") != nil {
			d.blocked = chat.FinishContentFilter
		}
		return true
	case "modelVersion":
		d.r.Model = m.text()
	case "responseId":
		d.r.ID = m.text()
	case "error":
		d.failed = true
	}
	return false
}

func (d *responseDecoder) candidate(v value) {
	c := chat.Choice{}
	reason, called := "", false
	for m := range v.members {
		switch m.field() {
		case "index":
			c.Index = m.count()
		case "finishReason":
			reason = m.text()
		case "logprobsResult":
			c.LogProbs = readLogProbs(m.value)
		}
	}
	for _, p := range v.get("content").get("parts").elements {
		part, ok := readPart(p)
		if !ok {
			continue
		}
		if part.Call != nil {
			called = true
			d.name(part.Call)
		}
		c.Parts = append(c.Parts, part)
	}
	cite(c.Parts, citations(v))
	c.Finish = finishOf(reason, called)
	d.r.Choices = append(d.r.Choices, c)
}

func (d *responseDecoder) name(c *chat.ToolCall) {
	if c.ID == "" {
		c.ID = callID(d.r.ID, d.made)
		d.made++
	}
}

// callID names a call that has no id, by the answer and its position, so that
// the calls of a conversation have different names. OpenAI takes 40 characters
// at most, Anthropic letters, digits, _ and -.
func callID(response string, n int) string {
	const longest = 24
	var b strings.Builder
	for i := 0; i < len(response) && b.Len() < longest; i++ {
		if c := response[i]; (c|0x20) >= 'a' && (c|0x20) <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		}
	}
	if b.Len() > 0 {
		b.WriteByte('_')
	}
	return madeID + b.String() + strconv.Itoa(n)
}

// readPart reads a part of an answer; ok is false if it says nothing.
func readPart(v value) (p chat.Part, ok bool) {
	var data member
	thought := false
	for m := range v.members {
		switch string(camel(m.name)) {
		case "text", "functionCall", "inlineData", "fileData", "executableCode", "codeExecutionResult", "toolCall", "toolResponse":
			data = m
		case "thought":
			thought = m.kind() == 't'
		case "thoughtSignature":
			p.Signature = m.text()
		}
	}
	readData(&p, data, v)
	if thought && p.Kind == chat.KindText {
		p.Kind = chat.KindThinking
		p.Signature = markSignature(p.Signature)
	}
	return p, p.Kind != 0 && (p.Kind != chat.KindText || p.Text != "" || p.Signature != "")
}

func readData(p *chat.Part, data member, whole value) {
	switch field := data.field(); field {
	case "text":
		p.Kind, p.Text = chat.KindText, data.text()
	case "functionCall":
		p.Kind, p.Call = chat.KindToolCall, readCall(data.value)
	case "inlineData", "fileData":
		p.Media = readMedia(data.value)
		p.Kind = kindOf(p.Media.MIMEType)
	case "":
		if p.Signature != "" {
			p.Kind = chat.KindText
		}
	default:
		p.Kind, p.Native = chat.KindNative, &chat.Native{Field: field, Value: whole.raw(), Harmless: true, Wire: chat.WireGemini}
	}
}

func readCall(v value) *chat.ToolCall {
	c := &chat.ToolCall{ID: v.get("id").text(), Name: v.get("name").text(), Arguments: "{}"}
	if args := v.get("args"); args.kind() == '{' {
		c.Arguments = string(args)
	}
	return c
}

func readMedia(v value) *chat.Media {
	m := &chat.Media{MIMEType: v.get("mimeType").text(), Name: v.get("displayName").text()}
	switch uri := v.get("fileUri").text(); {
	case uri == "":
		m.Data, _ = standardBase64(v.get("data").text())
	case ownFile(uri):
		m.FileID = uri
	default:
		m.URL = uri
	}
	return m
}

// citations are the sources that a candidate names, as the provider gave them,
// and the whole groundingMetadata as one more element; nil if there are none
// (https://ai.google.dev/api/generate-content#citationmetadata). The reference
// calls the list citationSources, Vertex AI citations.
func citations(candidate value) json.RawMessage {
	w := &writer{}
	w.open("", '[')
	metadata := candidate.get("citationMetadata")
	for _, field := range []string{"citationSources", "citations"} {
		for _, source := range metadata.get(field).elements {
			w.raw("", source.raw())
		}
	}
	if grounding := candidate.get("groundingMetadata"); grounding.kind() == '{' {
		w.open("", '{')
		w.raw("groundingMetadata", grounding.raw())
		w.close('}')
	}
	if len(w.b) == 1 {
		return nil
	}
	w.close(']')
	return w.b
}

// cite gives the citations, which the wire has of an answer as a whole, to its
// last text.
func cite(parts []chat.Part, citations json.RawMessage) {
	for i := len(parts) - 1; i >= 0 && citations != nil; i-- {
		if parts[i].Kind == chat.KindText {
			parts[i].Citations = citations
			return
		}
	}
}

// readLogProbs translates a LogprobsResult
// (https://ai.google.dev/api/generate-content#LogprobsResult) to OpenAI's object
// (https://platform.openai.com/docs/api-reference/chat/object).
func readLogProbs(v value) json.RawMessage {
	if v.kind() != '{' {
		return nil
	}
	var top []value
	for _, t := range v.get("topCandidates").elements {
		top = append(top, t.get("candidates"))
	}
	w := &writer{}
	w.open("", '{')
	w.open("content", '[')
	for i, c := range v.get("chosenCandidates").elements {
		writeLogProb(w, c)
		w.open("top_logprobs", '[')
		if i < len(top) {
			for _, t := range top[i].elements {
				writeLogProb(w, t)
				w.close('}')
			}
		}
		w.close(']')
		w.close('}')
	}
	w.close(']')
	w.raw("refusal", json.RawMessage("null"))
	w.close('}')
	return w.b
}

// writeLogProb begins the object of a token.
func writeLogProb(w *writer, candidate value) {
	token := candidate.get("token").text()
	p, _ := candidate.get("logProbability").number()
	w.open("", '{')
	w.text("token", token)
	w.float("logprob", &p)
	w.open("bytes", '[')
	for i := range len(token) {
		w.int("", int64(token[i]))
	}
	w.close(']')
}
