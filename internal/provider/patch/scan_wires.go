package patch

import (
	"bytes"
	"strconv"
)

// The other wires are read for the same few things as Chat Completions: the texts,
// what a model must be capable of, what bounds the answer, and where to edit. The
// rules of [Scan] hold for them too.

// scanAs fills r by a wire's own way to read a body.
func scanAs(body []byte, r *Request, limits limitNames, read func(*scanner)) error {
	r.Reset()
	r.Body, r.limitNames = body, limits
	s := scanner{reader: reader{b: body}, r: r}
	read(&s)
	if s.failed() {
		return s.fault()
	}
	return nil
}

// topMember is a member of a request that is read.
type topMember struct {
	name string
	read func(*scanner)
}

// object reads the request's members by a table, each at most once. It ends with
// the body.
func (s *scanner) object(table []topMember, required ...string) {
	s.i = skipSpace(s.b, 0)
	switch {
	case s.i == len(s.b):
		s.reject("", "the request body is empty")
		return
	case s.peek() != '{':
		s.notObject()
		return
	}
	s.open()
	s.table(table, "")
	s.end()
	for _, name := range required {
		if !s.found(table, name) {
			s.reject(name, "is required")
		}
	}
}

// table reads the members of the object that is open. Those of the request as a
// whole, which have no place, are remembered in seen.
func (s *scanner) table(table []topMember, place string) {
	seen := uint32(0)
	for {
		key, ok := s.member()
		if !ok {
			break
		}
		i := indexOf(table, key)
		if i < 0 {
			s.skip()
			continue
		}
		if seen&(1<<i) != 0 {
			s.reject(place+table[i].name, "is given twice")
			return
		}
		seen |= 1 << i
		table[i].read(s)
	}
	if place == "" {
		s.seen = seen
	}
}

func indexOf(table []topMember, key []byte) int {
	for i := range table {
		if string(key) == table[i].name {
			return i
		}
	}
	return -1
}

func (s *scanner) found(table []topMember, name string) bool {
	i := indexOf(table, []byte(name))
	return i >= 0 && s.seen&(1<<i) != 0
}

// nested reads the members of the object at hand, if it is one.
func (s *scanner) nested(place string, table []topMember) {
	if s.container('{', place, "an object") {
		s.table(table, place+".")
	}
}

// speaker begins a message of the role, unless the message at hand has it and
// stands in the same turn: what a tool brought stands in turns of the user, and is
// not the user's word.
func (s *scanner) speaker(role Role) {
	last := len(s.r.messages) - 1
	if last >= 0 && s.r.messages[last].role == role && s.inTurn {
		return
	}
	s.inTurn = true
	s.r.messages = append(s.r.messages, message{role: role, first: len(s.r.texts)})
	if role == RoleUser {
		s.r.turns++
	}
}

// say keeps a text as said by the role.
func (s *scanner) say(role Role, t text) {
	s.speaker(role)
	s.keep(t)
}

// again reads the value at a position once more, inside of one more container
// than the reader stands in, and returns to where it was.
func (s *scanner) again(at int, read func(*scanner, Role), role Role) {
	if s.failed() {
		return
	}
	end := s.i
	s.i = at
	s.depth++
	read(s, role)
	s.depth--
	if !s.failed() {
		s.i = end
	}
}

// turn is one element of a conversation as the other wires have it.
type turn struct {
	role    text
	kind    text
	hasRole bool
	// content is where the value begins that holds what was said; 0: nowhere.
	content int
	// read is that it was read already.
	read bool
}

// turns reads the array of a conversation.
func (s *scanner) turns(name string, read func(*scanner)) {
	if s.peek() != '[' {
		s.reject(name, "must be an array")
		return
	}
	at, count := s.i, 0
	s.open()
	for s.element() {
		s.turnName, s.turnIndex, s.inTurn = name, count, false
		if s.peek() != '{' {
			s.reject(s.turnPlace(""), "must be an object")
			return
		}
		read(s)
		count++
	}
	if !s.failed() && count == 0 {
		s.i = at
		s.reject(name, "must not be empty")
	}
}

// turnPlace names a member of the turn at hand.
func (s *scanner) turnPlace(member string) string {
	return s.turnName + "[" + strconv.Itoa(s.turnIndex) + "]" + member
}

// wordOf is the text as it was meant, to be compared with what it may be.
func (s *scanner) wordOf(t text) []byte {
	if s.failed() {
		return nil
	}
	if t.escaped() {
		return Unescape(nil, t.of(s.b))
	}
	return t.of(s.b)
}

// The marks by which the codecs tell whose a thought is while a client has it:
// OpenAI's and Gemini's signatures in a thinking block of Messages, any other's with
// a client of Gemini's API, and the ids of thoughts that are not OpenAI's in
// Responses.
const (
	markOpenAI      = "openai:"
	markGemini      = "tsgemini"
	markOtherGemini = "tssigned"
	markOtherOpenAI = "rs_ts"
)

// marks walks over a value and takes note if it is a string that begins with one of
// the marks of another provider, or says nothing: a thought that nobody signed.
func (s *scanner) marks(of ...string) {
	t, ok := s.optionalText()
	if !ok {
		return
	}
	word := s.wordOf(t)
	s.r.foreign = s.r.foreign || len(word) == 0 && !s.failed()
	for _, mark := range of {
		s.r.foreign = s.r.foreign || bytes.HasPrefix(word, []byte(mark))
	}
}

// marked takes note of a member by which a client says what to cache.
func (s *scanner) marked() { s.r.cached = s.r.cached || bytes.Contains(s.b, []byte(`"cache_control"`)) }
