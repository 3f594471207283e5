package patch

import (
	"slices"
	"unicode/utf8"

	"github.com/tiershift/tiershift/internal/provider/plain"
)

// said is the text of user messages, unescaped while it is scanned: a second walk
// over a long text would cost as much again.
type said struct {
	// text is that of the pieces, separated by a newline.
	text   []byte
	pieces int
}

// keepSaid is the most memory for text that a Request keeps.
const keepSaid = 256 << 10

func (u *said) reset() {
	if cap(u.text) > keepSaid {
		u.text = nil
	}
	u.text, u.pieces = u.text[:0], 0
}

// copyStep is how many bytes are copied at once, whether or not they belong to the
// string.
const copyStep = 16

// UserText returns the text of all user messages, unescaped and separated by a
// newline. It is valid until the next scan or Reset, and ends with that of the last
// one, of LastUserTextBytes.
func (r *Request) UserText() []byte {
	pieces := 0
	for i := range r.texts {
		if r.messages[r.texts[i].message].role == RoleUser {
			pieces++
		}
	}
	if pieces != r.user.pieces { // a role stood behind the content, or the wire is another
		r.user.text, r.user.pieces = r.AppendUserText(r.user.text[:0], -1), pieces
	}
	return r.user.text
}

// contentText walks over the string at hand, a text of the message at hand.
func (s *scanner) contentText() text {
	if s.r.messages[len(s.r.messages)-1].role != RoleUser {
		return s.text()
	}
	u := &s.r.user
	if len(u.text) > 0 {
		u.text = append(u.text, '\n')
	}
	u.pieces++
	start := s.i + 1
	end, saved := u.copyString(s.b, start)
	s.i = end
	return text{span{start, end - 1}, saved}
}

// copyString is skipString, and appends what the string stands for.
func (u *said) copyString(b []byte, i int) (end, saved int) {
	start, before := i, len(u.text)
	c := copier{b: b, i: i, out: u.text[:cap(u.text)], at: len(u.text)}
	for {
		c.plain()
		if c.i >= len(b) {
			return newFault(unexpectedEnd, len(b)), 0
		}
		if b[c.i] == '"' {
			u.text = c.out[:c.at]
			return c.i + 1, c.i - start - (c.at - before)
		}
		if fault := c.other(); fault < 0 {
			return fault, 0
		}
	}
}

// copier copies from b at i to out at at.
type copier struct {
	b, out []byte
	i, at  int
}

// plain copies up to something else than plain text and short escapes. Near the
// end of b or out, it stops earlier. It may write more.
func (c *copier) plain() {
	next, wrote := plain.Copy(c.out[c.at:], c.b, c.i)
	c.i, c.at = next, c.at+wrote
}

// other copies what plain stopped at, other than the end of the string. It returns
// the fault if that is none, else 0.
func (c *copier) other() (fault int) {
	c.grow()
	switch first := c.b[c.i]; {
	case first == '\\':
		return c.escape()
	case first < ' ':
		return newFault(controlInString, c.i)
	case first < utf8.RuneSelf:
		c.out[c.at] = first
		c.i, c.at = c.i+1, c.at+1
		return 0
	}
	end := skipRunes(c.b, c.i)
	if end < 0 {
		return end
	}
	c.out = append(c.out[:c.at], c.b[c.i:end]...)
	c.i, c.at = end, len(c.out)
	c.out = c.out[:cap(c.out)]
	return 0
}

// grow makes room for a step, or for as much again as there is, if b can hold so
// much.
func (c *copier) grow() {
	const first = 32 << 10
	if len(c.out)-c.at < copyStep {
		c.out = slices.Grow(c.out[:c.at], min(len(c.b)-c.i, max(c.at, first))+copyStep)
		c.out = c.out[:cap(c.out)]
	}
}

// escape copies what the escape at hand stands for, and, of \u escapes, what those that
// follow do.
func (c *copier) escape() (fault int) {
	if c.i+1 < len(c.b) && plain.ShortEscapes[c.b[c.i+1]] != 0 {
		c.out[c.at] = plain.ShortEscapes[c.b[c.i+1]]
		c.i, c.at = c.i+2, c.at+1
		return 0
	}
	for {
		r, next := decodeUnicodeEscape(c.b, c.i)
		if next < 0 {
			fault, _ = skipUnicodeEscape(c.b, c.i)
			return fault
		}
		c.at += utf8.EncodeRune(c.out[c.at:], r)
		c.i = next
		if c.grow(); c.i+1 >= len(c.b) || c.b[c.i] != '\\' || c.b[c.i+1] != 'u' {
			return 0
		}
	}
}
