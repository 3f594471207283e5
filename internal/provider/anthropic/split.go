package anthropic

import (
	"bytes"
	"encoding/json"
)

// Requests are large and nested, and encoding/json reads what is nested once
// more at every level. So a request is checked once as a whole, and then cut in
// its values, without looking at what is in them. The functions here are for
// JSON that is known to be valid.

// splitObject are the members of an object, the last of a name; nil: it is none.
func splitObject(raw json.RawMessage) map[string]json.RawMessage {
	s := splitter{b: raw}
	if s.next() != '{' {
		return nil
	}
	out := map[string]json.RawMessage{}
	s.i++
	for s.more('}') {
		name := string(s.value())
		if bytes.IndexByte([]byte(name), '\\') >= 0 {
			_ = json.Unmarshal([]byte(name), &name)
		} else {
			name = name[1 : len(name)-1]
		}
		s.next()
		s.i++ // the colon
		out[name] = s.value()
	}
	return out
}

// splitArray are the elements of an array; nil: it is none.
func splitArray(raw json.RawMessage) []json.RawMessage {
	s := splitter{b: raw}
	if s.next() != '[' {
		return nil
	}
	out := []json.RawMessage{}
	s.i++
	for s.more(']') {
		out = append(out, s.value())
	}
	return out
}

// splitter walks over JSON.
type splitter struct {
	b []byte
	i int
}

// next skips white space and returns the byte that follows; 0: none does.
func (s *splitter) next() byte {
	for ; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
		default:
			return s.b[s.i]
		}
	}
	return 0
}

// more skips a comma, and reports whether a value follows before the end.
func (s *splitter) more(end byte) bool {
	c := s.next()
	if c == ',' {
		s.i++
		c = s.next()
	}
	return c != end && c != 0
}

// value skips a value and returns it.
func (s *splitter) value() json.RawMessage {
	first := s.next()
	start := s.i
	switch first {
	case '"':
		s.text()
	case '{', '[':
		s.nested()
	default:
		for s.i < len(s.b) && !bytes.ContainsRune([]byte(",]} \t\r\n"), rune(s.b[s.i])) {
			s.i++
		}
	}
	return json.RawMessage(s.b[start:s.i])
}

// nested skips an object or an array.
func (s *splitter) nested() {
	for depth := 0; s.i < len(s.b); {
		switch s.b[s.i] {
		case '"':
			s.text()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return
		}
	}
}

// text skips a string.
func (s *splitter) text() {
	for s.i++; s.i < len(s.b); {
		n := bytes.IndexByte(s.b[s.i:], '"')
		if n < 0 {
			s.i = len(s.b)
			return
		}
		escapes := 0
		for k := s.i + n - 1; k >= s.i && s.b[k] == '\\'; k-- {
			escapes++
		}
		s.i += n + 1
		if escapes%2 == 0 {
			return
		}
	}
}
