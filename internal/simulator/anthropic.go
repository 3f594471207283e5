package simulator

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Anthropic is a provider of Anthropic's Messages API
// (https://platform.claude.com/docs/en/api/messages): requests are checked as
// strictly as there, the key comes in x-api-key, and what a model thinks is told,
// signed, if asked for. A request may state its difficulty in a header named
// [DifficultyHeader], for its metadata has no room for it.
const Anthropic Dialect = "Anthropic"

var anthropicDialect = dialect{
	id: messageID, err: anthropicError,
	wire: &otherWire{route: serveAnthropic, document: func(x *exchange) []byte { return x.whole }},
}

func messageID(r *rand.Rand) string { return "msg_01" + token(r, base62, 22) }

// anthropicTypes are the types of errors, by status
// (https://platform.claude.com/docs/en/api/errors).
var anthropicTypes = map[int]string{
	http.StatusBadRequest:            "invalid_request_error",
	http.StatusUnauthorized:          "authentication_error",
	http.StatusPaymentRequired:       "billing_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusGatewayTimeout:        "timeout_error",
	529:                              "overloaded_error",
}

// anthropicMessages replace the texts of errors that are made for OpenAI's wire.
var anthropicMessages = map[int]string{
	http.StatusTooManyRequests: "This request would exceed your account's rate limit. Please try again later.",
	529:                        "Overloaded",
}

type anthropicErrorBody struct {
	Type  string `json:"type"`
	Error struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
}

func anthropicError(e *apiError) (int, any) {
	var body anthropicErrorBody
	body.Type, body.Error.Type, body.Error.Message = "error", anthropicTypes[e.status], e.message
	switch {
	case body.Error.Type == "" && e.status >= http.StatusInternalServerError:
		body.Error.Type, body.Error.Message = "api_error", "Internal server error"
	case body.Error.Type == "":
		body.Error.Type = "invalid_request_error"
	case e.status == http.StatusUnauthorized:
		body.Error.Message = "invalid x-api-key"
	case e.subject != "":
		body.Error.Message = "model: " + e.subject
	}
	if text, ok := anthropicMessages[e.status]; ok {
		body.Error.Message = text
	}
	return e.status, body
}

var (
	errNoVersion = newError(http.StatusBadRequest, "", "", "anthropic-version: header is required")
	errNoAPIKey  = newError(http.StatusUnauthorized, "", "", "x-api-key header is required")
)

// serveAnthropic answers a request, or returns the error to answer with.
func serveAnthropic(p *Provider, w http.ResponseWriter, r *http.Request, body []byte) *apiError {
	messages := strings.HasSuffix(r.URL.Path, "/messages")
	_, model, one := strings.Cut(r.URL.Path, "/models/")
	list := strings.HasSuffix(r.URL.Path, "/models")
	switch {
	case !messages && !list && !one:
		return newError(http.StatusNotFound, "", "", "Not Found")
	case messages && r.Method != http.MethodPost:
		return errMethod(http.MethodPost)
	case !messages && r.Method != http.MethodGet:
		return errMethod(http.MethodGet)
	}
	if err := p.authenticateAnthropic(r.Header); err != nil {
		return err
	}
	if r.Header.Get("anthropic-version") == "" {
		return errNoVersion
	}
	if messages {
		return p.answerMessages(w, r, body)
	}
	return p.anthropicModels(w, model)
}

func (p *Provider) authenticateAnthropic(h http.Header) *apiError {
	if len(*p.keys.Load()) > 0 && apiKey(h) == "" {
		return errNoAPIKey
	}
	return p.authenticate(h)
}

type anthropicModel struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
	CreatedAt   string `json:"created_at"`
	MaxTokens   int    `json:"max_tokens"`
}

// anthropicModels lists the models, or tells of the one that is named.
func (p *Provider) anthropicModels(w http.ResponseWriter, name string) *apiError {
	created := time.Unix(modelsCreated, 0).UTC().Format(time.RFC3339)
	list := struct {
		Data    []anthropicModel `json:"data"`
		HasMore bool             `json:"has_more"`
		FirstID string           `json:"first_id"`
		LastID  string           `json:"last_id"`
	}{FirstID: p.cfg.Models[0].Name, LastID: p.cfg.Models[len(p.cfg.Models)-1].Name}
	for _, m := range p.cfg.Models {
		list.Data = append(list.Data, anthropicModel{"model", m.Name, m.Name, created, m.MaxOutputTokens})
	}
	var body any = list
	if name != "" {
		m, ok := p.models[name]
		if !ok {
			return errUnknownModel(name)
		}
		body = anthropicModel{"model", m.Name, m.Name, created, m.MaxOutputTokens}
	}
	p.setHeaders(w.Header(), p.serial.Add(1), 0)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(body, ""))
	return nil
}

// answerMessages answers a request for a message.
func (p *Provider) answerMessages(w http.ResponseWriter, r *http.Request, body []byte) *apiError {
	serial := p.serial.Add(1)
	x := &exchange{Provider: p, w: w, ctx: r.Context(), rand: draws(mix(p.cfg.Seed, hashText(p.cfg.Name)), mix(serial, 1)), req: &request{}}
	m := &anthropicExchange{exchange: x}
	malformed := m.read(body)
	if hint := r.Header.Get(DifficultyHeader); hint != "" {
		x.req.Metadata = map[string]json.RawMessage{"difficulty": json.RawMessage(hint)}
	}
	if err := x.chooseFault(r.Header.Get(FaultHeader)); err != nil {
		return err
	}
	p.setHeaders(w.Header(), serial, 0)
	if x.disrupt() {
		return nil
	}
	if malformed != nil {
		return malformed
	}
	if err := m.prepare(serial); err != nil {
		return err
	}
	m.answer()
	return nil
}

// setAnthropicHeaders sets the headers that every answer has.
func setAnthropicHeaders(h http.Header, id string) {
	h.Set("request-id", "req_"+id)
	h.Set("x-request-id", "req_"+id)
	h.Set("anthropic-organization-id", "00000000-0000-4000-8000-000000000000")
}
