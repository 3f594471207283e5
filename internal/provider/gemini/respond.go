package gemini

import (
	"encoding/json"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// EncodeResponse implements [chat.Codec].
func (Codec) EncodeResponse(r *chat.Response) []byte {
	w := &writer{}
	w.open("", '{')
	w.open("candidates", '[')
	for i := range r.Choices {
		writeChoice(w, &r.Choices[i])
	}
	w.close(']')
	if r.HasUsage {
		writeUsage(w, r.Usage)
	}
	w.optional("modelVersion", r.Model)
	w.optional("responseId", r.ID)
	w.close('}')
	return w.b
}

func writeChoice(w *writer, c *chat.Choice) {
	finish := c.Finish
	var sources []json.RawMessage
	w.open("", '{')
	w.open("content", '{')
	w.open("parts", '[')
	for i := range c.Parts {
		p := &c.Parts[i]
		if !writePart(w, p) {
			finish = chat.FinishMalformedCall
		}
		sources = append(sources, p.Citations)
	}
	w.close(']')
	w.text("role", roleModel)
	w.close('}')
	w.text("finishReason", reasonOf(finish))
	w.int("index", c.Index)
	writeCitations(w, sources)
	if c.LogProbs != nil {
		writeLogProbs(w, c.LogProbs)
	}
	w.close('}')
}

// writePart writes a part of an answer. It reports false for a call that is no
// call: the wire has an ending for that, and no way to tell the call.
func writePart(w *writer, p *chat.Part) bool {
	switch p.Kind {
	case chat.KindText, chat.KindRefusal:
		writeText(w, p.Text, false, p.Signature)
	case chat.KindThinking:
		writeText(w, p.Text, true, clientSignature(p.Signature))
	case chat.KindToolCall:
		return writeAnswerCall(w, p.Call, p.Call.Arguments, p.Signature)
	case chat.KindImage, chat.KindDocument, chat.KindAudio:
		writeMedia(w, p.Media)
	case chat.KindNative:
		if n := p.Native; n != nil && n.Wire == chat.WireGemini && isObject(n.Value) {
			w.raw("", n.Value)
		}
	}
	return true
}

func writeAnswerCall(w *writer, c *chat.ToolCall, arguments, signature string) bool {
	args, ok := objectOf(arguments)
	if !ok {
		return false
	}
	w.open("", '{')
	writeCall(w, c.ID, c.Name, args)
	w.text("thoughtSignature", clientCallSignature(signature))
	w.close('}')
	return true
}

func writeMedia(w *writer, m *chat.Media) {
	if m == nil {
		return
	}
	w.open("", '{')
	name, member, content := "inlineData", "data", m.Data
	if m.Data == "" {
		name, member, content = "fileData", "fileUri", m.URL+m.FileID
	}
	w.open(name, '{')
	w.optional("mimeType", m.MIMEType)
	w.text(member, content)
	w.close('}')
	w.close('}')
}

// writeCitations writes what of the citations this wire has words for: a source's
// address, title and extent, whatever the wire they come from calls them, and
// Google's own grounding.
func writeCitations(w *writer, all []json.RawMessage) {
	var grounding value
	w.object("citationMetadata", func() {
		before := len(w.b)
		w.open("citationSources", '[')
		inside := len(w.b)
		for _, list := range all {
			if !json.Valid(list) {
				continue
			}
			for _, c := range document(list).elements {
				if g := c.get("groundingMetadata"); g != nil {
					grounding = g
					continue
				}
				writeSource(w, c)
			}
		}
		if len(w.b) == inside {
			w.b = w.b[:before]
			return
		}
		w.close(']')
	})
	if grounding != nil {
		w.raw("groundingMetadata", json.RawMessage(grounding))
	}
}

// sourceMembers are the names that wires have for what a source says, in
// lowerCamelCase, and Google's.
var sourceMembers = map[string]string{
	"uri": "uri", "url": "uri", "title": "title", "license": "license", "startIndex": "startIndex", "endIndex": "endIndex",
}

// writeSource writes one source that has an address. OpenAI nests it in
// url_citation.
func writeSource(w *writer, v value) {
	if nested := v.get("urlCitation"); nested != nil {
		v = nested
	}
	if v.get("uri") == nil && v.get("url") == nil {
		return
	}
	w.open("", '{')
	for m := range v.members {
		if name := sourceMembers[m.field()]; name != "" {
			w.raw(name, json.RawMessage(m.value))
		}
	}
	w.close('}')
}

// writeLogProbs translates OpenAI's object of log probabilities.
func writeLogProbs(w *writer, object json.RawMessage) {
	if !isObject(object) {
		return
	}
	content := document(object).get("content")
	w.open("logprobsResult", '{')
	w.open("topCandidates", '[')
	for _, t := range content.elements {
		w.open("", '{')
		w.open("candidates", '[')
		for _, alternative := range t.get("topLogprobs").elements {
			writeCandidate(w, alternative)
		}
		w.close(']')
		w.close('}')
	}
	w.close(']')
	w.open("chosenCandidates", '[')
	for _, t := range content.elements {
		writeCandidate(w, t)
	}
	w.close(']')
	w.close('}')
}

func writeCandidate(w *writer, v value) {
	p, _ := v.get("logprob").number()
	w.open("", '{')
	w.text("token", v.get("token").text())
	w.float("logProbability", &p)
	w.close('}')
}
