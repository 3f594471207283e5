package patch

// ScanMessages checks that a body is a request of Anthropic's Messages and fills r
// (https://platform.claude.com/docs/en/api/messages). The error is a
// *[RequestError].
func ScanMessages(body []byte, r *Request) error {
	return scanAs(body, r, limitNames{legacyLimit: "max_tokens"}, (*scanner).messagesRequest)
}

func (s *scanner) messagesRequest() {
	s.r.IncludeUsage = true // which this wire always tells
	s.object(messagesMembers, "model", "messages", "max_tokens")
	s.marked()
}

var messagesMembers = []topMember{
	{"model", (*scanner).model},
	{"messages", func(s *scanner) { s.turns("messages", (*scanner).messagesTurn) }},
	{"system", func(s *scanner) { s.inTurn = false; s.blocks(RoleSystem) }},
	{"max_tokens", func(s *scanner) { s.limit(legacyLimit) }},
	{"stream", func(s *scanner) { s.r.Stream = s.boolean("stream") }},
	{"tools", func(s *scanner) { s.tools(fieldTools) }},
	{"metadata", func(s *scanner) { s.nested("metadata", userMembers) }},
	{"thinking", func(s *scanner) { s.nested("thinking", thinkingMembers) }},
	{"output_config", func(s *scanner) { s.nested("output_config", outputConfigMembers) }},
	{"service_tier", func(s *scanner) { s.words(fieldServiceTier) }},
}

var userMembers = []topMember{{"user_id", func(s *scanner) { s.words(fieldUser) }}}

var thinkingMembers = []topMember{{"type", func(s *scanner) {
	if t, ok := s.optionalText(); ok && !t.is(s.b, "disabled") {
		s.r.needs |= NeedReasoning
	}
}}}

var outputConfigMembers = []topMember{{"format", func(s *scanner) {
	start := s.i
	s.nested("output_config.format", formatMembers)
	s.r.toolBytes += int64(max(s.i-start, 0))
}}}

var formatMembers = []topMember{{"type", func(s *scanner) {
	if t, ok := s.optionalText(); ok && t.is(s.b, "json_schema") {
		s.r.needs |= NeedJSONSchema
	}
}}}

// messagesTurn reads one message. Its role may stand behind its content.
func (s *scanner) messagesTurn() {
	var m turn
	s.open()
	for {
		key, ok := s.member()
		if !ok {
			break
		}
		switch string(key) {
		case "role":
			s.messagesRole(&m)
		case "content":
			s.messagesContent(&m)
		default:
			s.skip()
		}
	}
	switch {
	case s.failed():
	case !m.hasRole:
		s.reject(s.turnPlace(".role"), "is required")
	case m.content > 0 && !m.read:
		s.again(m.content, (*scanner).blocks, roleOf(s.b, m.role))
	}
}

func (s *scanner) messagesRole(m *turn) {
	if m.hasRole {
		s.reject(s.turnPlace(".role"), "is given twice")
	}
	if m.hasRole = true; s.peek() != '"' {
		s.reject(s.turnPlace(".role"), "must be a string")
		return
	}
	m.role = s.text()
}

// messagesContent reads what was said if it is known who says it, or else where it
// is.
func (s *scanner) messagesContent(m *turn) {
	if m.content > 0 {
		s.reject(s.turnPlace(".content"), "is given twice")
	}
	if m.content = s.i; !m.hasRole {
		s.skip()
		return
	}
	s.blocks(roleOf(s.b, m.role))
	m.read = true
}

// blocks reads content: a string, or an array of blocks.
func (s *scanner) blocks(role Role) {
	switch s.peek() {
	case '"':
		if t := s.text(); !s.failed() {
			s.say(role, t)
		}
	case '[':
		s.open()
		for s.element() {
			s.block(role)
		}
	case 'n':
		s.skip()
	default:
		s.reject(s.contentPlace(role), "must be a string or an array")
	}
}

func (s *scanner) contentPlace(role Role) string {
	if role == RoleSystem && s.turnName == "" {
		return "system"
	}
	return s.turnPlace(".content")
}

// block is one block of content.
type block struct {
	kind, text text
	hasText    bool
	// start is where it begins, content where the content within it does; 0: nowhere.
	start, content int
}

// block reads one block of content.
func (s *scanner) block(role Role) {
	if s.peek() != '{' {
		s.reject(s.contentPlace(role)+"[*]", "must be an object")
		return
	}
	b := block{start: s.i}
	s.open()
	for {
		key, ok := s.member()
		if !ok {
			break
		}
		switch string(key) {
		case "type":
			b.kind, _ = s.optionalText()
		case "text":
			b.text, b.hasText = s.optionalText()
		case "content":
			b.content = s.i
			s.skip()
		case "signature":
			s.marks(markOpenAI, markGemini)
		default:
			s.skip()
		}
	}
	if !s.failed() {
		s.endBlock(role, &b)
	}
}

// endBlock takes from a block that was read what its type has.
func (s *scanner) endBlock(role Role, b *block) {
	switch string(s.wordOf(b.kind)) {
	case "text":
		if b.hasText {
			s.say(role, b.text)
		}
	case "image":
		s.r.images++
		s.r.needs |= NeedVision
	case "document":
		s.r.needs |= NeedFiles
	case "tool_result":
		if b.content > 0 && role != RoleTool { // a result within a result is none, and must not be read over and over
			s.again(b.content, (*scanner).blocks, RoleTool)
		}
	case "tool_use":
		s.r.textBytes += int64(s.i - b.start)
	}
}
