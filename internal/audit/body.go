package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/anthropic"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
	"github.com/tiershift/tiershift/internal/provider/openaichat"
	"github.com/tiershift/tiershift/internal/provider/responses"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

var errNoPrompt = errors.New("there is no prompt")

// chatBody makes a Chat Completions request of what a log has of one: a text, a
// list of messages, or the body of any wire. The model is the one that the log
// asked for; the body asks for "auto", unless keep says otherwise. Anything but
// errNoPrompt means that the request is faulty.
func chatBody(v json.RawMessage, endpoint string, keep func(string) bool) (body []byte, model string, err error) {
	v = unwrapped(v)
	switch {
	case v == nil:
		return nil, "", errNoPrompt
	case v[0] == '"':
		return fromText(v), "", nil
	case v[0] == '[':
		return fromList(v)
	case v[0] != '{':
		return nil, "", errors.New("must be a text, messages or a request body")
	}
	var in members
	if err := json.Unmarshal(v, &in); err != nil {
		return nil, "", notJSON(err)
	}
	model, _ = text(in["model"])
	switch {
	case unwrapped(in["messages"]) != nil:
		if isAnthropic(in, endpoint) {
			body, err = translate(anthropic.New(), v)
			break
		}
		body = withModel(in, model, keep)
	case unwrapped(in["contents"]) != nil:
		body, err = translate(gemini.New(), v)
	case unwrapped(in["input"]) != nil:
		body, err = translate(responses.New(), v)
	case unwrapped(in["prompt"]) != nil: // the legacy Completions
		body, _, err = chatBody(in["prompt"], "", keep)
	default:
		return nil, model, errNoPrompt
	}
	return body, model, err
}

// isAnthropic tells Anthropic Messages from Chat Completions, which look alike
// until one uses what the other lacks.
func isAnthropic(in members, endpoint string) bool {
	return in["system"] != nil || in["anthropic_version"] != nil ||
		strings.Contains(endpoint, "anthropic") || strings.HasSuffix(endpoint, "/v1/messages") ||
		bytes.Contains(in["tools"], []byte(`"input_schema"`)) ||
		bytes.Contains(in["messages"], []byte(`"tool_use"`)) || bytes.Contains(in["messages"], []byte(`"tool_result"`))
}

// fromText makes a request of one message. The text is a JSON string.
func fromText(text json.RawMessage) []byte {
	const head, tail = `{"model":"` + routerconfig.AutoModel + `","messages":[{"role":"user","content":`, `}]}`
	return append(append([]byte(head), text...), tail...)
}

// fromList makes a request of messages, or of a list of texts.
func fromList(v json.RawMessage) (body []byte, model string, err error) {
	var texts []string
	if json.Unmarshal(v, &texts) == nil {
		joined, err := json.Marshal(strings.Join(texts, "\n"))
		return fromText(joined), "", err
	}
	return append(append([]byte(`{"model":"`+routerconfig.AutoModel+`","messages":`), v...), '}'), "", nil
}

// withModel writes the members back with the model to ask for.
func withModel(in members, model string, keep func(string) bool) []byte {
	if !keep(model) {
		model = routerconfig.AutoModel
	}
	name, _ := json.Marshal(model) // a string always encodes
	out := append([]byte(`{"model":`), name...)
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if key == "model" {
			continue
		}
		quoted, _ := json.Marshal(key)
		out = append(append(append(append(out, ','), quoted...), ':'), in[key]...)
	}
	return append(out, '}')
}

// translate reads a body of another wire as the router does.
func translate(from chat.Codec, body []byte) ([]byte, error) {
	request, err := from.DecodeRequest(body)
	if err != nil {
		return nil, err
	}
	encoded, err := openaichat.New().EncodeRequest(request, chat.Upstream{Model: routerconfig.AutoModel})
	if err != nil {
		return nil, err
	}
	return encoded.Body, nil
}
