package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// geminiDialect is Google's own wire, models.generateContent of v1beta
// (https://ai.google.dev/api/generate-content).
var geminiDialect = dialect{
	id: geminiID, indent: "  ", err: geminiError,
	wire: &otherWire{route: routeGemini, validate: validateGeminiLengths, document: geminiDocument, frames: geminiFrames},
}

// geminiMethod is how the path names the model and what it is asked.
var geminiMethod = regexp.MustCompile(`/v1(?:beta|alpha)?/models/([^/]+):(generateContent|streamGenerateContent)$`)

var geminiModel = regexp.MustCompile(`/v1(?:beta|alpha)?/models(?:/([^/:]+))?$`)

func routeGemini(p *Provider, w http.ResponseWriter, r *http.Request, body []byte) *apiError {
	method, model := geminiMethod.FindStringSubmatch(r.URL.Path), geminiModel.FindStringSubmatch(r.URL.Path)
	switch {
	case method == nil && model == nil,
		method != nil && r.Method != http.MethodPost, model != nil && r.Method != http.MethodGet:
		return errUnknownURL(r.Method, r.URL.Path)
	}
	if key := r.URL.Query().Get("key"); key != "" {
		r.Header.Set("x-goog-api-key", key)
	}
	if err := p.authenticate(r.Header); err != nil {
		return err
	}
	if model != nil {
		return p.geminiModels(w, model[1])
	}
	return p.generate(w, r, body, method[1], method[2] == "streamGenerateContent")
}

// generate answers a request for content, or returns the error to answer with.
func (p *Provider) generate(w http.ResponseWriter, r *http.Request, body []byte, model string, stream bool) *apiError {
	serial := p.serial.Add(1)
	x := &exchange{Provider: p, w: w, ctx: r.Context(), rand: draws(mix(p.cfg.Seed, hashText(p.cfg.Name)), mix(serial, 1))}
	g, malformed := decodeGemini(body)
	if malformed != nil {
		g = &geminiRequest{}
	}
	x.req = g.neutral(model)
	x.req.array = stream && r.URL.Query().Get("alt") != "sse"
	x.req.Stream = stream && !x.req.array
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
	m, ok := p.models[model]
	if !ok {
		return errUnknownModel(model)
	}
	if err := g.validate(&m.Model); err != nil {
		return err
	}
	if err := x.prepare(serial); err != nil {
		return err
	}
	x.answer()
	return nil
}

// geminiModels answers with the list of models, or one of them.
func (p *Provider) geminiModels(w http.ResponseWriter, name string) *apiError {
	type entry struct {
		Name                       string   `json:"name"`
		Version                    string   `json:"version"`
		DisplayName                string   `json:"displayName"`
		Description                string   `json:"description"`
		InputTokenLimit            int      `json:"inputTokenLimit"`
		OutputTokenLimit           int      `json:"outputTokenLimit"`
		SupportedGenerationMethods []string `json:"supportedGenerationMethods"`
		Thinking                   bool     `json:"thinking,omitempty"`
	}
	var all []entry
	for _, m := range p.cfg.Models {
		all = append(all, entry{
			Name: "models/" + m.Name, Version: "001", DisplayName: m.Name, Description: "Simulated by " + p.cfg.Name,
			InputTokenLimit: max(m.ContextTokens, 1<<20), OutputTokenLimit: max(m.MaxOutputTokens, 1<<16),
			SupportedGenerationMethods: []string{"generateContent", "countTokens"}, Thinking: m.Reasoning,
		})
	}
	var answer any = map[string]any{"models": all}
	if name != "" {
		i := slices.IndexFunc(all, func(e entry) bool { return e.Name == "models/"+name })
		if i < 0 {
			return errUnknownModel(name)
		}
		answer = all[i]
	}
	p.setHeaders(w.Header(), p.serial.Add(1), 0)
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(encode(answer, p.dialect.indent))
	return nil
}

// geminiStatuses are Google's words for HTTP statuses.
var geminiStatuses = map[int]string{
	400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 405: "UNIMPLEMENTED",
	408: "DEADLINE_EXCEEDED", 413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL",
	501: "UNIMPLEMENTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}

// geminiError writes errors as Google does; a wrong key is a 400, none a 403
// (https://ai.google.dev/gemini-api/docs/troubleshooting).
func geminiError(e *apiError) (int, any) {
	status, message := e.status, e.message
	var details []any
	switch {
	case e.code == "invalid_api_key":
		status, message = http.StatusBadRequest, "API key not valid. Please pass a valid API key."
		details = append(details, map[string]any{
			"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com",
			"metadata": map[string]string{"service": "generativelanguage.googleapis.com"},
		})
	case status == http.StatusUnauthorized:
		status = http.StatusForbidden
		message = "Method doesn't allow unregistered callers (callers without established identity). " +
			"Please use API Key or other form of API consumer identity to call this API."
	case e.code == "model_not_found":
		message = fmt.Sprintf("models/%s is not found for API version v1beta, or is not supported for generateContent. "+
			"Call ListModels to see the list of available models and their supported methods.", e.subject)
	case status == http.StatusTooManyRequests:
		message = "You exceeded your current quota, please check your plan and billing details. " +
			"For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
	case status == http.StatusServiceUnavailable:
		message = "The model is overloaded. Please try again later."
	case status >= http.StatusInternalServerError:
		message = "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"
	case e.param != "" && e.param != FaultHeader:
		details = append(details, map[string]any{
			"@type":           "type.googleapis.com/google.rpc.BadRequest",
			"fieldViolations": []any{map[string]string{"field": e.param, "description": message}},
		})
	}
	name, ok := geminiStatuses[status]
	if !ok {
		name = "UNKNOWN"
	}
	body := map[string]any{"code": status, "message": message, "status": name}
	if details != nil {
		body["details"] = details
	}
	return status, map[string]any{"error": body}
}

// validateGeminiLengths checks the lengths of a request, which is otherwise
// valid, against its model.
func validateGeminiLengths(r *request, m *Model, promptTokens int) *apiError {
	limit := r.maxTokens()
	switch {
	case m.ContextTokens > 0 && promptTokens > m.ContextTokens:
		return badRequest("", "", "The input token count (%d) exceeds the maximum number of tokens allowed (%d).",
			promptTokens, m.ContextTokens)
	case m.MaxOutputTokens > 0 && limit > m.MaxOutputTokens:
		return badRequest("", "", "Unable to submit request because it has a maxOutputTokens value of %d but the supported "+
			"range is from 1 (inclusive) to %d (exclusive). Update the value and try again.", limit, m.MaxOutputTokens+1)
	}
	return nil
}

// isEarlyGemini reports whether a model's name says that it is older than Gemini 3.
func isEarlyGemini(name string) bool {
	return strings.HasPrefix(name, "gemini-1") || strings.HasPrefix(name, "gemini-2")
}

func isGemini3(name string) bool { return strings.HasPrefix(name, "gemini-") && !isEarlyGemini(name) }

var errGeminiJSON = badRequest("", "", "Invalid JSON payload received. Unexpected end of string.")

// decodeGemini reads a body as Google does: members that the API does not have
// are errors, and names may be written in either case.
func decodeGemini(body []byte) (*geminiRequest, *apiError) {
	var tree any
	if json.Unmarshal(body, &tree) != nil {
		return nil, errGeminiJSON
	}
	normal, err := protoMessage("GenerateContentRequest", "", tree)
	if err != nil {
		return nil, err
	}
	g := &geminiRequest{}
	text, _ := json.Marshal(normal)
	if json.Unmarshal(text, g) != nil {
		return nil, errGeminiJSON
	}
	return g, nil
}
