package patch

import "bytes"

// configMember is the member of Gemini's requests that holds the settings, and
// configLimit what it calls the bound on output tokens.
const (
	configMember = "generationConfig"
	configLimit  = "maxOutputTokens"
)

// ScanGenerate checks that a body is a request of Gemini's generateContent and
// fills r (https://ai.google.dev/api/generate-content). Like all of Google's JSON
// it may write names in camel or in snake case. The model and whether the answer
// is to be streamed stand in the path: see [Request.SetModel]. The error is a
// *[RequestError].
func ScanGenerate(body []byte, r *Request) error {
	return scanAs(body, r, limitNames{completionLimit: configLimit}, (*scanner).generateRequest)
}

func (s *scanner) generateRequest() {
	s.r.IncludeUsage = true // which this wire always tells
	s.object(generateMembers, "contents")
}

var generateMembers = []topMember{
	{"contents", func(s *scanner) {
		if s.peek() == '{' { // a lone content counts as a list of one
			s.turnName, s.inTurn = "contents", false
			s.generateTurn()
			return
		}
		s.turns("contents", (*scanner).generateTurn)
	}},
	{"systemInstruction", (*scanner).instruction},
	{"system_instruction", (*scanner).instruction},
	{configMember, (*scanner).generationConfig},
	{"generation_config", (*scanner).generationConfig},
	{"tools", func(s *scanner) { s.tools(fieldTools) }},
	{"labels", (*scanner).metadata},
}

func (s *scanner) instruction() {
	s.inTurn = false
	if s.peek() != '{' {
		s.skip()
		return
	}
	s.open()
	for {
		key, ok := s.member()
		if !ok {
			return
		}
		if string(key) == "parts" {
			s.parts(RoleSystem)
			continue
		}
		s.skip()
	}
}

var generationMembers = []topMember{
	{configLimit, func(s *scanner) { s.limit(completionLimit) }},
	{"max_output_tokens", func(s *scanner) { s.limit(completionLimit) }},
	{"responseSchema", (*scanner).schema},
	{"response_schema", (*scanner).schema},
	{"responseJsonSchema", (*scanner).schema},
	{"response_json_schema", (*scanner).schema},
	{"thinkingConfig", (*scanner).thinkingConfig},
	{"thinking_config", (*scanner).thinkingConfig},
}

func (s *scanner) generationConfig() {
	c := &s.r.config
	if c.at.end > 0 {
		s.reject(configMember, "is given twice")
		return
	}
	c.at.start = s.i
	c.object = s.peek() == '{'
	s.nested(configMember, generationMembers)
	if c.at.end = s.i; c.object && !s.failed() {
		c.empty = len(bytes.TrimSpace(s.b[c.at.start+1:c.at.end-1])) == 0
	}
}

func (s *scanner) schema() {
	if s.peek() != 'n' {
		s.r.needs |= NeedJSONSchema
	}
	s.r.toolBytes += int64(max(s.span().len(), 0))
}

var thinkingConfigMembers = []topMember{
	{"thinkingBudget", (*scanner).thinkingBudget},
	{"thinking_budget", (*scanner).thinkingBudget},
	{"thinkingLevel", (*scanner).thinkingLevel},
	{"thinking_level", (*scanner).thinkingLevel},
}

func (s *scanner) thinkingConfig() { s.nested(configMember+".thinkingConfig", thinkingConfigMembers) }

func (s *scanner) thinkingBudget() {
	if n, ok := s.optionalInt(); ok && n != 0 {
		s.r.needs |= NeedReasoning
	}
}

func (s *scanner) thinkingLevel() {
	if _, ok := s.optionalText(); ok {
		s.r.needs |= NeedReasoning
	}
}

// generateTurn reads one content. Its role may stand behind its parts.
func (s *scanner) generateTurn() {
	var m turn
	s.open()
	for {
		key, ok := s.member()
		if !ok {
			break
		}
		switch string(key) {
		case "role":
			m.role, _ = s.optionalText()
		case "parts":
			m.content = s.i
			s.skip()
		default:
			s.skip()
		}
	}
	if !s.failed() && m.content > 0 {
		s.again(m.content, (*scanner).parts, generateRole(s.wordOf(m.role)))
	}
}

// generateRole reads a role: without one, it is the user who speaks.
func generateRole(word []byte) Role {
	switch string(word) {
	case "model":
		return RoleAssistant
	case "function":
		return RoleTool
	case "system":
		return RoleSystem
	}
	return RoleUser
}

// parts reads an array of parts, or a lone one.
func (s *scanner) parts(role Role) {
	switch s.peek() {
	case '[':
		s.open()
		for s.element() {
			s.generatePart(role)
		}
	case '{':
		s.generatePart(role)
	default:
		s.skip()
	}
}

func (s *scanner) generatePart(role Role) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	var p saying
	s.open()
	for {
		key, ok := s.member()
		if !ok {
			break
		}
		s.partMember(key, &p)
	}
	if p.hasText && !p.thought && !s.failed() {
		s.say(role, p.text)
	}
}

// saying is the text of a part, which is said aloud or only thought.
type saying struct {
	text             text
	hasText, thought bool
}

func (s *scanner) partMember(key []byte, p *saying) {
	switch string(key) {
	case "text":
		p.text, p.hasText = s.optionalText()
	case "thought":
		p.thought = s.peek() == 't'
		s.skip()
	case "thoughtSignature", "thought_signature":
		s.marks(markOtherGemini)
	case "inlineData", "inline_data", "fileData", "file_data":
		s.media()
	case "functionCall", "function_call", "functionResponse", "function_response":
		s.r.textBytes += int64(max(s.span().len(), 0))
	default:
		s.skip()
	}
}

// media reads what kind of data is attached.
func (s *scanner) media() {
	if s.peek() != '{' {
		s.skip()
		return
	}
	s.open()
	for {
		key, ok := s.member()
		if !ok {
			return
		}
		if k := string(key); k != "mimeType" && k != "mime_type" {
			s.skip()
			continue
		}
		t, _ := s.optionalText()
		switch kind, _, _ := bytes.Cut(s.wordOf(t), []byte("/")); string(kind) {
		case "image", "video":
			s.r.images++
			s.r.needs |= NeedVision
		case "audio":
			s.r.needs |= NeedAudio
		default:
			s.r.needs |= NeedFiles
		}
	}
}
