package openai

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
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
	start, before, text := i, len(u.text), u.text
	for {
		n := copyPlain(text[len(text):cap(text)], b[i:])
		i, text = i+n, text[:len(text)+n]
		if i >= len(b) {
			return newFault(unexpectedEnd, len(b)), 0
		}
		switch c := b[i]; {
		case c == '"':
			u.text = text
			return i + 1, i - start - (len(text) - before)
		case c == '\\':
			text, i = copyEscapes(text, b, i)
		case c < ' ':
			return newFault(controlInString, i), 0
		case c < utf8.RuneSelf: // near the end of the body, or of the room
			text = append(growText(text, len(b)-i), c)
			i++
		default:
			next := skipRunes(b, i)
			if next > 0 {
				text = append(text, b[i:next]...)
			}
			i = next
		}
		if i < 0 {
			return i, 0
		}
	}
}

// growText makes room for a step, or for as much again as there is, if left bytes
// of the body can hold so much.
func growText(text []byte, left int) []byte {
	const first = 32 << 10
	if cap(text)-len(text) >= copyStep {
		return text
	}
	return slices.Grow(text, min(left, max(len(text), first))+copyStep)
}

// copyEscapes walks over the escapes at b[i], of which there is one at least, and
// appends what they stand for.
func copyEscapes(text, b []byte, i int) (_ []byte, next int) {
	for i < len(b) && b[i] == '\\' {
		if i+1 < len(b) && shortEscapes[b[i+1]] != 0 {
			text = append(text, shortEscapes[b[i+1]])
			i += 2
			continue
		}
		r, next := decodeUnicodeEscape(b, i)
		if next < 0 {
			next, _ = skipUnicodeEscape(b, i)
			return text, next // the fault
		}
		text, i = utf8.AppendRune(text, r), next
	}
	return text, i
}

// copyPlain copies b up to the first byte that special marks, and returns how much
// that was. Where b or out has less than a step left, it stops earlier. It may
// write more.
func copyPlain(out, b []byte) int {
	n := 0
	for ; n+copyStep <= len(b) && n+copyStep <= len(out); n += copyStep {
		from, to := b[n:n+copyStep], out[n:n+copyStep]
		low, high := binary.LittleEndian.Uint64(from), binary.LittleEndian.Uint64(from[8:])
		binary.LittleEndian.PutUint64(to, low)
		binary.LittleEndian.PutUint64(to[8:], high)
		if low, high = special(low), special(high); low|high != 0 {
			return n + firstMark(low, high)
		}
	}
	return n
}

// firstMark is the index of the lowest byte that is marked in two words, of which
// one is. It does not branch: which of them cannot be predicted.
func firstMark(low, high uint64) int {
	k := bits.TrailingZeros64(low) >> 3 // 8: none
	return k + bits.TrailingZeros64(high)>>3&-(k>>3)
}
