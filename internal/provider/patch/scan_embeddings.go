package patch

import "github.com/tiershift/tiershift/internal/pricing"

// ScanEmbeddings checks that a body is a request of OpenAI's Embeddings and fills r
// (https://platform.openai.com/docs/api-reference/embeddings/create). What is to be
// embedded counts as the user's text. The error is a *[RequestError].
func ScanEmbeddings(body []byte, r *Request) error {
	return scanAs(body, r, limitNames{}, func(s *scanner) { s.object(embeddingsMembers, "model", "input") })
}

var embeddingsMembers = []topMember{
	{"model", (*scanner).model},
	{"input", (*scanner).embedded},
	{"user", func(s *scanner) { s.words(fieldUser) }},
}

// embedded reads a string, an array of strings, or tokens.
func (s *scanner) embedded() {
	s.speaker(RoleUser)
	s.r.needs |= NeedEmbeddings
	switch s.peek() {
	case '"':
		s.keep(s.text())
	case '[':
		s.open()
		for s.element() {
			s.embeddedElement()
		}
	default:
		s.reject("input", "must be a string or an array")
	}
}

func (s *scanner) embeddedElement() {
	switch s.peek() {
	case '"':
		s.keep(s.text())
	case '[':
		s.open()
		for s.element() {
			s.token()
		}
	default:
		s.token()
	}
}

// token counts a token that the client made itself.
func (s *scanner) token() {
	s.r.tokens++
	s.skip()
}

// ScanEmbeddingsResponse checks that a body holds embeddings and reads what they
// cost. The error is a *[ResponseError].
func ScanEmbeddingsResponse(body []byte) (pricing.Usage, error) {
	d := reader{b: body}
	var found usage
	vectors := false
	if d.i = skipSpace(body, 0); d.peek() != '{' {
		return pricing.Usage{}, &ResponseError{Fault: FaultNotJSON, reason: "no object"}
	}
	d.open()
	for {
		key, ok := d.member()
		if !ok {
			break
		}
		switch string(key) {
		case "data":
			vectors = d.peek() == '['
			d.skip()
		case "usage":
			d.usage(&found)
		default:
			d.skip()
		}
	}
	switch {
	case d.failed():
		return pricing.Usage{}, syntaxError(d.i)
	case !vectors:
		return pricing.Usage{}, &ResponseError{Fault: FaultError, Reported: ScanError(body)}
	}
	return found.record(), nil
}
