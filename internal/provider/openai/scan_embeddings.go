package openai

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
