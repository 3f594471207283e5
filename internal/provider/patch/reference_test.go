package patch

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// node is JSON as encoding/json reads it, with the order and the repetition of
// members kept. It is what the package is compared with.
type node struct {
	kind    byte // one of { [ " 0 t n
	text    string
	number  json.Number
	truth   bool
	keys    []string
	values  []node // of an object or an array
	offsets span   // within the document
}

// parse reads a document, or fails where encoding/json does.
func parse(data []byte) (node, bool) {
	if !json.Valid(data) || !utf8.Valid(data) {
		return node{}, false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	n := parseNext(d)
	n.locate(data)
	return n, true
}

func parseNext(d *json.Decoder) node {
	t, err := d.Token()
	if err != nil {
		panic(err) // it is valid
	}
	n := node{}
	switch t := t.(type) {
	case json.Delim:
		n.kind = byte(t)
		for d.More() {
			if n.kind == '{' {
				key, _ := d.Token()
				n.keys = append(n.keys, key.(string))
			}
			start := int(d.InputOffset())
			v := parseNext(d)
			v.offsets = span{start, int(d.InputOffset())}
			n.values = append(n.values, v)
		}
		if _, err := d.Token(); err != nil {
			panic(err)
		}
	case string:
		n.kind, n.text = '"', t
	case json.Number:
		n.kind, n.number = '0', t
	case bool:
		n.kind, n.truth = 't', t
	default:
		n.kind = 'n'
	}
	return n
}

// locate trims what stands between the values from their offsets.
func (n *node) locate(data []byte) {
	for i := range n.values {
		v := &n.values[i]
		for strings.IndexByte(" \t\r\n:,", data[v.offsets.start]) >= 0 {
			v.offsets.start++
		}
		v.locate(data)
	}
}

func (n *node) depth() int {
	most := 0
	for i := range n.values {
		most = max(most, n.values[i].depth())
	}
	if n.kind == '{' || n.kind == '[' {
		most++
	}
	return most
}

// get returns the members of that name.
func (n *node) get(name string) []node {
	var found []node
	for i, k := range n.keys {
		if k == name {
			found = append(found, n.values[i])
		}
	}
	return found
}

// one returns the last member of that name; it is null if there is none.
func (n *node) one(name string) node {
	if all := n.get(name); len(all) > 0 {
		return all[len(all)-1]
	}
	return node{kind: 'n'}
}

// is reports whether the kind is one of them or null.
func (n *node) is(kinds string) bool { return n.kind == 'n' || strings.IndexByte(kinds, n.kind) >= 0 }

// expected is what a scan of a body should find.
type expected struct {
	model                 string
	stream, includeUsage  bool
	texts                 []string
	roles                 []string // of the texts
	user, last            []string
	turns, tools, images  int
	metadata              map[string]string
	maxCompletion, maxTok node
	needs                 Needs
}

// refuses reports whether the documented rules of Scan refuse a document.
func refuses(n *node) bool {
	if n.kind != '{' || n.depth() > maxDepth {
		return true
	}
	for _, name := range []string{
		"model", "messages", "stream", "stream_options", "max_completion_tokens", "max_tokens", "n",
		"tools", "functions", "response_format", "reasoning_effort", "metadata", "user", "prompt_cache_key", "safety_identifier",
		"service_tier", "modalities", "audio",
	} {
		if len(n.get(name)) > 1 {
			return true
		}
		for _, key := range n.keys {
			if key != name && strings.EqualFold(key, name) {
				return true
			}
		}
	}
	for name, kinds := range map[string]string{
		"stream": "t", "stream_options": "{", "max_completion_tokens": "0", "max_tokens": "0",
		"n": "0", "tools": "[", "functions": "[", "response_format": "{", "metadata": "{",
	} {
		if v := n.one(name); !v.is(kinds) {
			return true
		}
	}
	options, format := n.one("stream_options"), n.one("response_format")
	usage := options.one("include_usage")
	if !usage.is("t") || len(options.get("include_usage")) > 1 || len(format.get("type")) > 1 {
		return true
	}
	model, messages := n.one("model"), n.one("messages")
	if model.kind != '"' || model.text == "" || messages.kind != '[' || len(messages.values) == 0 {
		return true
	}
	for i := range messages.values {
		if refusesMessage(&messages.values[i]) {
			return true
		}
	}
	return false
}

func refusesMessage(m *node) bool {
	if m.kind != '{' || len(m.get("role")) > 1 || len(m.get("content")) > 1 {
		return true
	}
	if role := m.get("role"); len(role) == 1 && role[0].kind != '"' {
		return true
	}
	content := m.one("content")
	if !content.is("\"[") {
		return true
	}
	for i := range content.values {
		p := &content.values[i]
		if p.kind == '"' {
			continue
		}
		if p.kind != '{' || len(p.get("type")) > 1 || len(p.get("text")) > 1 {
			return true
		}
		if text := p.get("text"); isText(p) && len(text) == 1 && text[0].kind != '"' {
			return true
		}
	}
	return false
}

func isText(part *node) bool {
	switch t := part.one("type"); t.text {
	case "text", "input_text", "output_text":
		return true
	}
	return false
}

// expect says what a scan of an acceptable document should find.
func expect(n *node) expected {
	format, options, effort := n.one("response_format"), n.one("stream_options"), n.one("reasoning_effort")
	usage, stream, model := options.one("include_usage"), n.one("stream"), n.one("model")
	e := expected{
		model: model.text, stream: stream.truth, includeUsage: usage.truth,
		metadata: map[string]string{}, maxCompletion: n.one("max_completion_tokens"), maxTok: n.one("max_tokens"),
	}
	tools, functions, messages, metadata := n.one("tools"), n.one("functions"), n.one("messages"), n.one("metadata")
	e.tools = len(tools.values) + len(functions.values)
	if e.tools > 0 {
		e.needs |= NeedTools
	}
	if kind := format.one("type"); kind.text == "json_schema" {
		e.needs |= NeedJSONSchema
	}
	if effort.kind == '"' && effort.text != "none" {
		e.needs |= NeedReasoning
	}
	modalities, audio := n.one("modalities"), n.one("audio")
	if modalities.kind == '[' {
		for _, m := range modalities.values {
			if m.text == "audio" {
				e.needs |= NeedAudio
			}
		}
	}
	if audio.kind == '{' {
		e.needs |= NeedAudio
	}
	for i, k := range metadata.keys {
		if metadata.values[i].kind == '"' {
			e.metadata[k] = metadata.values[i].text
		}
	}
	for i := range messages.values {
		e.message(&messages.values[i])
	}
	return e
}

func (e *expected) message(m *node) {
	role, content := m.one("role"), m.one("content")
	var texts []string
	switch content.kind {
	case '"':
		texts = append(texts, content.text)
	case '[':
		for i := range content.values {
			texts = append(texts, e.part(&content.values[i])...)
		}
	}
	e.texts = append(e.texts, texts...)
	for range texts {
		e.roles = append(e.roles, role.text)
	}
	if role.text == "user" {
		e.turns++
		e.last = texts
		e.user = append(e.user, texts...)
	}
}

func (e *expected) part(p *node) []string {
	if p.kind == '"' {
		return []string{p.text}
	}
	kind, text := p.one("type"), p.one("text")
	switch {
	case isText(p) && text.kind == '"':
		return []string{text.text}
	case kind.text == "image_url" || kind.text == "image" || kind.text == "input_image" || kind.text == "video_url":
		e.images++
		e.needs |= NeedVision
	case kind.text == "input_audio" || kind.text == "audio_url":
		e.needs |= NeedAudio
	case kind.text == "file" || kind.text == "input_file" || kind.text == "document_url":
		e.needs |= NeedFiles
	}
	return nil
}
