package simulator

import (
	"bytes"
	"iter"
	"net/http"
	"slices"
	"strings"
)

// responsesWire is OpenAI's newer wire, which its providers serve beside chat
// completions.
var responsesWire = &otherWire{
	validate: validateResponses,
	document: func(x *exchange) []byte { return encode(x.response("", nil), x.dialect.indent) },
	frames: func(x *exchange) (int, iter.Seq[frame]) {
		events := x.responseEvents()
		return len(events), slices.Values(events)
	},
	name: responseEventName,
	failure: func(e *apiError) frame {
		return responseEvent("error", map[string]any{"code": orNull(e.kind), "message": e.message, "param": orNull(e.param), "sequence_number": 0}, 0)
	},
}

// asksForResponse reports whether a request is for a response.
func asksForResponse(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/responses") }

// respond answers a request for a response, or returns the error to answer with.
func (p *Provider) respond(w http.ResponseWriter, r *http.Request, body []byte) *apiError {
	if r.Method != http.MethodPost {
		return errMethod(http.MethodPost)
	}
	if err := p.authenticate(r.Header); err != nil {
		return err
	}
	serial := p.serial.Add(1)
	x := &exchange{
		Provider: p, w: w, ctx: r.Context(), rand: draws(mix(p.cfg.Seed, hashText(p.cfg.Name)), mix(serial, 1)),
		wire: responsesWire, req: &request{},
	}
	malformed := x.readResponses(r.Header.Get("Content-Type"), body)
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
	if err := x.checkResponses(); err != nil {
		return err
	}
	if err := x.prepare(serial); err != nil {
		return err
	}
	x.answer()
	return nil
}

// readResponses reads the body.
func (x *exchange) readResponses(contentType string, body []byte) *apiError {
	asked, err := decodeResponses(contentType, body)
	if err != nil {
		return err
	}
	x.responses, x.req = asked, &request{Model: asked.Model, Stream: asked.Stream}
	req, err := asked.chat()
	switch {
	case err == nil:
		x.req = req
	case asked.Model == "":
		return errNoModel
	case x.models[asked.Model] == nil:
		return errUnknownModel(asked.Model)
	}
	return err
}

// minOutputTokens is the least cap that Responses takes.
const minOutputTokens = 16

// checkResponses checks what only Responses knows.
func (x *exchange) checkResponses() *apiError {
	r := x.responses
	model := x.models[r.Model]
	switch {
	case r.PreviousResponseID != "": // nothing is kept here
		return badRequest("previous_response_id", "previous_response_not_found", "Previous response with id '%s' not found.", r.PreviousResponseID)
	case r.Background:
		return badRequest("background", "unsupported_parameter", "Unsupported parameter: 'background' is not supported with this model.")
	case model != nil && !model.Reasoning && r.Reasoning != nil && r.Reasoning.Effort != "":
		return badRequest("reasoning.effort", "unsupported_parameter", "Unsupported parameter: 'reasoning.effort' is not supported with this model.")
	case model != nil && !model.Reasoning && slices.Contains(r.Include, "reasoning.encrypted_content"):
		return badRequest("include", "", "Encrypted content is not supported with this model.")
	}
	return checkRange("max_output_tokens", "integer", r.MaxOutputTokens, minOutputTokens, 0)
}

// validateResponses checks what both of OpenAI's wires know.
func validateResponses(r *request, m *Model, promptTokens int) *apiError {
	if err := checkRange("top_logprobs", "integer", &r.TopLogprobs, 0, 20); err != nil {
		return err
	}
	if err := checkRange("temperature", "decimal", r.Temperature, 0, 2); err != nil {
		return err
	}
	if err := checkRange("top_p", "decimal", r.TopP, 0, 1); err != nil {
		return err
	}
	if len(r.Tools) > 0 {
		if err := r.checkTools(); err != nil {
			return err
		}
	}
	err := r.checkLengths(m, promptTokens)
	if err == nil {
		return nil
	}
	names := map[string]string{"messages": "input", "max_completion_tokens": "max_output_tokens"}
	renamed := *err
	if name, ok := names[err.param]; ok {
		renamed.param = name
	}
	return &renamed
}

// responseEventName is the type of an event, which its data has as its last
// member.
func responseEventName(f frame) string {
	const member = `"type":"`
	_, name, _ := bytes.Cut(f.data[bytes.LastIndex(f.data, []byte(member)):], []byte(member))
	name, _, _ = bytes.Cut(name, []byte(`"`))
	return string(name)
}
