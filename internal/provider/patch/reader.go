package patch

import (
	"math"
	"strconv"
)

// span is a part of a body.
type span struct{ start, end int }

func (s span) of(b []byte) []byte { return b[s.start:s.end] }
func (s span) len() int           { return s.end - s.start }

// text is the inside of a JSON string.
type text struct {
	span
	// saved is by how many bytes unescaping shortens it; 0: it has no escapes.
	saved int
}

func (t text) escaped() bool { return t.saved != 0 }

// is compares the unescaped text with a short word.
func (t text) is(b []byte, want string) bool {
	if t.len()-t.saved != len(want) {
		return false
	}
	if !t.escaped() {
		return string(t.of(b)) == want
	}
	var buffer [64]byte
	return string(Unescape(buffer[:0], t.of(b))) == want
}

// appendTo appends the unescaped text of b.
func (t text) appendTo(dst, b []byte) []byte { return appendText(dst, t.of(b), t.escaped(), -1) }

// string returns the unescaped text of b.
func (t text) string(b []byte) string {
	if !t.escaped() {
		return string(t.of(b))
	}
	return string(t.appendTo(make([]byte, 0, t.len()), b))
}

// reader walks over the parts of a document that the package understands and
// skips the others. After a fault every method does nothing, so that only the
// outermost caller needs to look at i.
type reader struct {
	b []byte
	// i is the position, or the fault.
	i     int
	depth int
	// first is true before the first element of the innermost container.
	first bool
	// keyAt is the last key with its quotes, and keySaved by how many bytes
	// unescaping shortens it.
	keyAt    span
	keySaved int
	key      [160]byte
}

// failed reports whether there was a fault.
func (d *reader) failed() bool { return d.i < 0 }

// peek returns the first byte of the value at hand; 0: there is none.
func (d *reader) peek() byte {
	if uint(d.i) >= uint(len(d.b)) {
		return 0
	}
	return d.b[d.i]
}

// open enters the container at hand, whose opening bracket the caller has seen.
func (d *reader) open() {
	if d.failed() {
		return
	}
	if d.depth++; d.depth > maxDepth {
		d.i = newFault(tooDeep, d.i)
		return
	}
	d.i = skipSpace(d.b, d.i+1)
	d.first = true
}

// more moves to the next element or behind the closing bracket; then it returns
// false.
func (d *reader) more(closing byte) bool {
	if d.failed() {
		return false
	}
	i := d.i
	if !d.first {
		i = skipSpace(d.b, i)
	}
	switch {
	case i >= len(d.b):
		d.i = newFault(unexpectedEnd, len(d.b))
		return false
	case d.b[i] == closing:
		d.i, d.first = i+1, false
		d.depth--
		return false
	case d.first:
		d.first = false
	case d.b[i] == ',':
		i = skipSpace(d.b, i+1)
	default:
		d.i = newFault(unexpectedByte, i)
		return false
	}
	d.i = i
	return true
}

// element moves to the next element of an array.
func (d *reader) element() bool { return d.more(']') }

// member moves to the value of the next member of an object. A key that has
// escapes is unescaped, for to providers it is the same; if it is longer than
// any that the package knows, it is returned empty.
func (d *reader) member() (key []byte, ok bool) {
	if !d.more('}') {
		return nil, false
	}
	start := d.i
	end, value, saved := skipKey(d.b, start)
	if d.i = value; value < 0 {
		return nil, false
	}
	d.keyAt, d.keySaved = span{start, end}, saved
	key = d.b[start+1 : end-1]
	if saved != 0 {
		key = d.unescapeKey(key)
	}
	return key, true
}

func (d *reader) unescapeKey(raw []byte) []byte {
	if len(raw) > len(d.key) {
		return nil
	}
	return Unescape(d.key[:0], raw)
}

// skip walks over the value at hand.
func (d *reader) skip() {
	if !d.failed() {
		d.i = skipValue(d.b, d.i, d.depth)
	}
}

// span walks over the value at hand and returns where it is.
func (d *reader) span() span {
	start := d.i
	d.skip()
	return span{start, d.i}
}

// text walks over the string at hand, whose opening quote the caller has seen.
func (d *reader) text() text {
	start := d.i + 1
	end, saved := skipString(d.b, start)
	d.i = end
	return text{span{start, end - 1}, saved}
}

// optionalText walks over the value at hand; ok says that it is a string.
func (d *reader) optionalText() (t text, ok bool) {
	if d.peek() != '"' {
		d.skip()
		return text{}, false
	}
	t = d.text()
	return t, !d.failed()
}

// optionalInt walks over the value at hand; ok says that it is a number. A
// fraction is cut off and what int64 cannot hold is moved to its end.
func (d *reader) optionalInt() (n int64, ok bool) {
	c := d.peek()
	if c != '-' && !isDigit(c) {
		d.skip()
		return 0, false
	}
	at := d.span()
	if d.failed() {
		return 0, false
	}
	return parseInt(at.of(d.b)), true
}

func parseInt(raw []byte) int64 {
	const safeDigits = 18
	n, negative := int64(0), raw[0] == '-'
	digits := raw
	if negative {
		digits = raw[1:]
	}
	for _, c := range digits {
		if !isDigit(c) || len(digits) > safeDigits {
			return parseWide(raw)
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		return -n
	}
	return n
}

// parseWide is for fractions, exponents and huge numbers.
func parseWide(raw []byte) int64 {
	f, _ := strconv.ParseFloat(string(raw), 64) // beyond the range it returns ±Inf
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// end checks that nothing but space is left.
func (d *reader) end() {
	if d.failed() {
		return
	}
	if d.i = skipSpace(d.b, d.i); d.i < len(d.b) {
		d.i = newFault(trailingData, d.i)
	}
}
