package classify

import (
	"encoding/binary"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

const (
	filterBits = 1 << 16
	// caseBits makes ASCII letters lower case. What else it makes equal only
	// lets the filter pass a little more.
	caseBits = 0x2020202020202020
)

// hash maps a prefix to a bit of the filter.
func hash(prefix uint64) uint64 {
	const golden = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	return (prefix | caseBits) * golden >> 48
}

// admitAll enters what a text that matches a keyword may begin with.
func (m *Matcher) admitAll(keywords [][]rune) {
	var prefixes [][]byte
	shortest := [256]int{}
	for _, keyword := range keywords {
		for _, p := range prefixesOf(keyword) {
			prefixes = append(prefixes, p)
			first := p[0] | caseBits&0xff
			if shortest[first] == 0 || len(p) < shortest[first] {
				shortest[first] = len(p)
			}
		}
	}
	for b := range m.prefix {
		if n := shortest[b|caseBits&0xff]; n > 0 {
			m.prefix[b] = math.MaxUint64 >> (64 - 8*n)
		}
	}
	for _, p := range prefixes {
		w := binary.LittleEndian.Uint64(append(p, make([]byte, 8)...))
		h := hash(w & m.prefix[p[0]])
		m.filter[h/64] |= 1 << (h % 64)
	}
}

// prefixesOf returns the encodings, cut to 8 bytes, of what the keyword matches
// up to its first white space: how much of that there is, is not known.
func prefixesOf(keyword []rune) [][]byte {
	prefixes := [][]byte{nil}
	for _, r := range keyword {
		var longer [][]byte
		for _, prefix := range prefixes {
			if len(prefix) == 8 {
				longer = append(longer, prefix)
				continue
			}
			for _, variant := range variants(r) {
				p := slices.Concat(prefix, variant)
				longer = append(longer, p[:min(8, len(p))])
			}
		}
		prefixes = longer
		if r == ' ' {
			break
		}
	}
	return prefixes
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

func spaces() (all [][]byte) {
	for r := range rune(0x3001) {
		if unicode.IsSpace(r) {
			all = append(all, utf8.AppendRune(nil, r))
		}
	}
	return all
}
