package patch

// ScanResponses checks that a body is a request of OpenAI's Responses and fills r
// (https://platform.openai.com/docs/api-reference/responses/create). The error is
// a *[RequestError].
func ScanResponses(body []byte, r *Request) error {
	return scanAs(body, r, limitNames{completionLimit: "max_output_tokens"}, (*scanner).responsesRequest)
}

func (s *scanner) responsesRequest() {
	s.r.IncludeUsage = true // which this wire always tells
	s.object(responsesMembers, "model")
}

var responsesMembers = []topMember{
	{"model", (*scanner).model},
	{"input", (*scanner).input},
	{"instructions", func(s *scanner) {
		s.inTurn = false
		if t, ok := s.optionalText(); ok {
			s.say(RoleSystem, t)
		}
	}},
	{"max_output_tokens", func(s *scanner) { s.limit(completionLimit) }},
	{"stream", func(s *scanner) { s.r.Stream = s.boolean("stream") }},
	{"tools", func(s *scanner) { s.tools(fieldTools) }},
	{"metadata", (*scanner).metadata},
	{"reasoning", func(s *scanner) { s.nested("reasoning", reasoningMembers) }},
	{"text", func(s *scanner) { s.nested("text", textMembers) }},
	{"user", func(s *scanner) { s.words(fieldUser) }},
	{"prompt_cache_key", func(s *scanner) { s.words(fieldPromptCacheKey) }},
	{"safety_identifier", func(s *scanner) { s.words(fieldSafetyIdentifier) }},
	{"service_tier", func(s *scanner) { s.words(fieldServiceTier) }},
}

var reasoningMembers = []topMember{{"effort", func(s *scanner) { s.words(fieldReasoningEffort) }}}

var textMembers = []topMember{{"format", func(s *scanner) {
	start := s.i
	s.nested("text.format", formatMembers)
	s.r.toolBytes += int64(max(s.i-start, 0))
}}}

// input reads what was said so far: a string, or an array of items.
func (s *scanner) input() {
	s.inTurn = false
	switch s.peek() {
	case '"':
		if t := s.text(); !s.failed() {
			s.say(RoleUser, t)
		}
	case '[':
		s.turns("input", (*scanner).inputItem)
	case 'n':
		s.skip()
	default:
		s.reject("input", "must be a string or an array")
	}
}

func (s *scanner) inputItem() {
	var m turn
	start := s.i
	s.open()
	for {
		key, ok := s.member()
		if !ok {
			break
		}
		switch string(key) {
		case "role":
			m.role, _ = s.optionalText()
		case "type":
			m.kind, _ = s.optionalText()
		case "id":
			s.marks(markOtherOpenAI)
		case "content", "output":
			m.content = s.i
			s.skip()
		default:
			s.skip()
		}
	}
	if !s.failed() {
		s.endItem(&m, start)
	}
}

// endItem takes from an item that was read, and that begins at start, what its type
// has.
func (s *scanner) endItem(m *turn, start int) {
	switch string(s.wordOf(m.kind)) {
	case "message", "":
		if m.content > 0 {
			s.again(m.content, (*scanner).itemContent, roleOf(s.b, m.role))
		}
	case "function_call_output", "custom_tool_call_output":
		if m.content > 0 {
			s.again(m.content, (*scanner).itemContent, RoleTool)
		}
	case "function_call":
		s.r.textBytes += int64(s.i - start)
	}
}

// itemContent reads a string, or an array of parts as Chat Completions has them.
func (s *scanner) itemContent(role Role) {
	switch s.peek() {
	case '"':
		if t := s.text(); !s.failed() {
			s.say(role, t)
		}
	case '[':
		s.open()
		for n := 0; s.element(); n++ {
			s.speaker(role)
			s.part(n)
		}
	default:
		s.skip()
	}
}
