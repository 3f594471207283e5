package patch

import "strconv"

func roleOf(b []byte, t text) Role {
	if t.escaped() {
		b = Unescape(nil, t.of(b))
	} else {
		b = t.of(b)
	}
	switch string(b) {
	case "user":
		return RoleUser
	case "assistant":
		return RoleAssistant
	case "system":
		return RoleSystem
	case "developer":
		return RoleDeveloper
	case "tool":
		return RoleTool
	case "function":
		return RoleFunction
	}
	return RoleOther
}

// place names a member of the message at hand.
func (s *scanner) place(member string) string {
	if s.turnName != "" {
		return s.turnPlace(member)
	}
	return "messages[" + strconv.Itoa(len(s.r.messages)-1) + "]" + member
}

func (s *scanner) messages() {
	if s.peek() != '[' {
		s.reject("messages", "must be an array")
		return
	}
	at := s.i
	s.open()
	for s.element() {
		s.r.messages = append(s.r.messages, message{first: len(s.r.texts)})
		s.message()
	}
	if !s.failed() && len(s.r.messages) == 0 {
		s.i = at
		s.reject("messages", "must not be empty")
	}
}

func (s *scanner) message() {
	if s.peek() != '{' {
		s.reject(s.place(""), "must be an object")
		return
	}
	s.open()
	var hasRole, hasContent bool
	for {
		key, ok := s.member()
		if !ok {
			break
		}
		switch string(key) {
		case "role":
			s.once(&hasRole, ".role")
			s.role()
		case "content":
			s.once(&hasContent, ".content")
			s.content()
		case "tool_calls", "function_call":
			s.r.textBytes += int64(s.span().len())
		default:
			s.skip()
		}
	}
}

func (s *scanner) once(seen *bool, member string) {
	if *seen {
		s.reject(s.place(member), "is given twice")
	}
	*seen = true
}

func (s *scanner) role() {
	if s.peek() != '"' {
		s.reject(s.place(".role"), "must be a string")
		return
	}
	t := s.text()
	if s.failed() {
		return
	}
	role := roleOf(s.b, t)
	s.r.messages[len(s.r.messages)-1].role = role
	if role == RoleUser {
		s.r.turns++
	}
}

func (s *scanner) content() {
	switch s.peek() {
	case '"':
		s.keep(s.contentText())
	case '[':
		s.open()
		for n := 0; s.element(); n++ {
			s.part(n)
		}
	case 'n':
		s.skip()
	default:
		s.reject(s.place(".content"), "must be a string or an array")
	}
}

// keep records a text of the message at hand.
func (s *scanner) keep(t text) {
	if s.failed() {
		return
	}
	s.r.texts = append(s.r.texts, piece{t, len(s.r.messages) - 1})
	s.r.textBytes += int64(t.len() - t.saved)
}

// part is one part of a content array. What its text means depends on its type,
// which may stand behind it.
type part struct {
	kind, text       text
	textAt           int
	hasKind, hasText bool
	textIsString     bool
	// before is what the user had said before it.
	before said
}

func (s *scanner) part(n int) {
	switch s.peek() {
	case '{':
	case '"': // vLLM takes bare strings
		s.keep(s.contentText())
		return
	default:
		s.reject(s.partPlace(n, ""), "must be an object")
		return
	}
	var p part
	s.open()
	for {
		key, ok := s.member()
		if !ok {
			break
		}
		switch string(key) {
		case "type":
			if p.hasKind {
				s.reject(s.partPlace(n, ".type"), "is given twice")
			}
			p.hasKind = true
			p.kind, _ = s.optionalText()
		case "text":
			if p.hasText {
				s.reject(s.partPlace(n, ".text"), "is given twice")
			}
			p.hasText, p.textAt, p.before = true, s.i, s.r.user
			s.partText(&p)
		default:
			s.skip()
		}
	}
	s.endPart(n, &p)
}

func (s *scanner) partText(p *part) {
	if p.textIsString = s.peek() == '"'; p.textIsString {
		p.text = s.contentText()
	} else {
		s.skip()
	}
}

func (s *scanner) partPlace(n int, member string) string {
	return s.place(".content[" + strconv.Itoa(n) + "]" + member)
}

// endPart takes account of a part that is read.
func (s *scanner) endPart(n int, p *part) {
	if s.failed() {
		return
	}
	kind := p.kind.of(s.b)
	if p.kind.escaped() {
		kind = Unescape(nil, kind)
	}
	switch string(kind) {
	case "text", "input_text", "output_text":
		if p.textIsString {
			s.keep(p.text)
		} else if p.hasText {
			s.i = p.textAt
			s.reject(s.partPlace(n, ".text"), "must be a string")
		}
		return
	case "image_url", "image", "input_image", "video_url":
		s.r.images++
		s.r.needs |= NeedVision
	case "input_audio", "audio_url":
		s.r.needs |= NeedAudio
	case "file", "input_file", "document_url":
		s.r.needs |= NeedFiles
	}
	if p.hasText { // and is none that counts
		s.r.user.text, s.r.user.pieces = s.r.user.text[:len(p.before.text)], p.before.pieces
	}
}
