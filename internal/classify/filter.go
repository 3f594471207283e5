package classify

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	filterBitsLog = 14
	filterBits    = 1 << filterBitsLog
	// caseBits makes ASCII letters lower case. What else it makes equal only
	// lets the filter pass a little more.
	caseBits = 0x2020202020202020
)

// slot maps the first two bytes of a word to an index of Matcher.excess. It
// takes five bits of each, so that the case of letters does not matter.
func slot(word uint64) uint64 { return word&0x1f | word>>3&0x3e0 }

const slots = 1 << 10

// hash maps a prefix to a bit of the filter.
func hash(prefix uint64) uint64 {
	const golden = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	return (prefix | caseBits) * golden >> (64 - filterBitsLog)
}

// admit enters what a text that matches a keyword may begin with.
func (m *Matcher) admit(keywords [][]rune) {
	var prefixes []prefix
	for _, keyword := range keywords {
		prefixes = appendPrefixes(prefixes, prefix{}, keyword)
	}
	m.grams = newGrams(prefixes)
	var shortest [slots]uint8
	for _, p := range prefixes {
		first, last := slot(p.bytes), slot(p.bytes)
		step := uint64(1)
		if p.length == 1 { // whatever comes second
			first, last, step = first&0x1f, slots-1, 0x20
		}
		for at := first; at <= last; at += step {
			if shortest[at] == 0 || p.length < shortest[at] {
				shortest[at] = p.length
			}
		}
	}
	for at, length := range shortest {
		m.excess[at] = 64 - 8*length
	}
	distinct := map[uint64]bool{} // keywords have many spellings, and few beginnings
	for i := range prefixes {
		p := &prefixes[i]
		p.bytes, p.length = m.cut(p.bytes), 8-m.excess[slot(p.bytes)]/8
		distinct[prefixes[i].bytes|caseBits] = true
	}
	size := 1
	for size < 2*len(distinct) {
		size *= 2
	}
	m.heads = make([]head, size)
	for _, p := range prefixes {
		m.enter(p)
	}
}

// cut keeps of the first bytes of a word those that the filter looks at.
func (m *Matcher) cut(w uint64) uint64 {
	excess := m.excess[slot(w)]
	return w << excess >> excess
}

// enter sets the filter's bit for a prefix that was cut, and notes where the trie
// goes on after it.
func (m *Matcher) enter(p prefix) {
	h := hash(p.bytes)
	m.filter[h/64] |= 1 << (h % 64)
	entry := head{prefix: p.bytes | caseBits, used: true}
	if entry.node = m.descend(p); entry.node > 0 {
		entry.skip = p.length
	}
	at := h % uint64(len(m.heads))
	for m.heads[at].used && m.heads[at].prefix != entry.prefix {
		at = (at + 1) % uint64(len(m.heads))
	}
	m.heads[at] = entry
}

// head is a prefix and where the trie stands after it.
type head struct {
	prefix uint64 // or caseBits
	node   int32
	skip   uint8 // bytes of the prefix that lead to node: all or none
	used   bool
}

// head returns what was entered for a prefix that passed the filter, or nil if
// it did so by chance.
func (m *Matcher) head(prefix, h uint64) *head {
	prefix |= caseBits
	for at := h; ; at++ {
		entry := &m.heads[at%uint64(len(m.heads))]
		if !entry.used {
			return nil
		}
		if entry.prefix == prefix {
			return entry
		}
	}
}

// descend follows a prefix in the trie, if it is of ASCII letters only: these
// alone caseBits does not confuse with others. Else it stays at the root, 0.
func (m *Matcher) descend(p prefix) int32 {
	n := int32(0)
	for ; p.length > 0; p.length-- {
		c := rune(p.bytes&0xff) | 0x20
		p.bytes >>= 8
		if c < 'a' || c > 'z' {
			return 0
		}
		if n = m.child(n, c); n == 0 {
			return 0
		}
	}
	return n
}

// prefix is the first 1 to 8 bytes of something, the first one lowest.
type prefix struct {
	bytes  uint64
	length uint8
}

// appendPrefixes appends what, after p, the keyword may begin with, up to its
// first white space: how much of that there is, is not known.
func appendPrefixes(to []prefix, p prefix, keyword []rune) []prefix {
	if len(keyword) == 0 || p.length == 8 {
		return append(to, p)
	}
	rest := keyword[1:]
	if keyword[0] == ' ' {
		rest = nil
	}
	for _, variant := range variants(keyword[0]) {
		longer := p
		for _, b := range variant {
			if longer.length < 8 {
				longer.bytes |= uint64(b) << (8 * longer.length)
				longer.length++
			}
		}
		to = appendPrefixes(to, longer, rest)
	}
	return to
}

// variants returns the encodings of all characters that fold to a folded one,
// of ASCII letters only one case, since the filter does not tell them apart.
func variants(folded rune) [][]byte {
	switch folded {
	case ' ':
		return spaces()
	case '\'':
		return [][]byte{[]byte("'"), []byte("’")}
	}
	all := [][]byte{utf8.AppendRune(nil, folded)}
	for r := unicode.SimpleFold(folded); r != folded; r = unicode.SimpleFold(r) {
		if r >= utf8.RuneSelf {
			all = append(all, utf8.AppendRune(nil, r))
		}
	}
	return all
}

// spaces returns the encodings of all white space.
var spaces = sync.OnceValue(func() (all [][]byte) {
	for r := range rune(0x3001) {
		if unicode.IsSpace(r) {
			all = append(all, utf8.AppendRune(nil, r))
		}
	}
	return all
})
