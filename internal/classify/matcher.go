package classify

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Matcher finds the keywords of any number of sets in one pass over a text.
//
// A keyword matches without regard to case (Unicode simple folding, as (?i) of
// a regular expression), with any run of white space where it has some, and a
// typographic apostrophe for a plain one. It matches only between word
// boundaries: neither end may cut a run of letters, digits, marks and
// underscores. Scripts that write words without spaces between them (Chinese,
// Japanese, Thai and the like, and Korean for its suffixes) have no such
// boundaries: there a keyword matches anywhere. There is no stemming: "symptom"
// does not match "symptoms".
//
// It is immutable and safe for concurrent use.
type Matcher struct {
	// excess has, by the first two bytes of a word (see slot), how many of the
	// bits of its first eight bytes the filter does not look at: it looks at as
	// many bytes as all keywords of that slot have. 64: no keyword begins so.
	// Small, as the filter is: with the text they have to stay in a core's
	// nearest cache.
	excess [slots]uint8
	// filter has a bit set for the hash of every prefix. It rejects nearly
	// every word that is not the beginning of a keyword.
	filter [filterBits / 64]uint64
	// heads is a hash table of the prefixes, by which what passes the filter
	// enters the trie below the root.
	heads []head
	// nodes are a trie of folded keywords, the root first, the children of each
	// node side by side and sorted.
	nodes []trieNode
	// sets are the set numbers that trieNode slices into.
	sets []int32
	// separators is all ones if a keyword begins with what also ends a word
	// before it, such as punctuation, else 0.
	separators uint64
	// grams searches long texts faster; nil: a keyword is too short for it.
	grams *grams
	// words is the length of the bit set that Match fills.
	words int
}

type trieNode struct {
	r                    rune
	firstChild, children int32
	firstSet, sets       int32 // of the keywords that end here
}

// NewMatcher builds a matcher for sets of keywords. Keywords without any
// visible character match nothing.
func NewMatcher(sets [][]string) *Matcher {
	root := &buildNode{}
	m := &Matcher{words: (len(sets) + 63) / 64}
	var keywords [][]rune
	for set, list := range sets {
		for _, keyword := range list {
			runes := normalise(keyword)
			if len(runes) > 0 {
				keywords = append(keywords, runes)
				if !isWord(runes[0]) {
					m.separators = math.MaxUint64
				}
				root.add(runes, int32(set))
			}
		}
	}
	m.flatten(root)
	m.admit(keywords)
	return m
}

// Words is the length that the hits of [Matcher.Match] must at least have.
func (m *Matcher) Words() int { return m.words }

// Match sets the bit of every set that has a keyword in the text: set i is bit
// i%64 of hits[i/64]. It clears none, so hits of several texts can be gathered.
func (m *Matcher) Match(text []byte, hits []uint64) {
	m.match(&scan{text: text, hits: hits})
}

// scan is one pass over a text.
type scan struct {
	text []byte
	// hits are the sets found, asks those found where a sentence asks for
	// something (see isAsk); asks may be nil.
	hits, asks []uint64
}

func (m *Matcher) match(s *scan) {
	if len(m.nodes) <= 1 {
		return
	}
	if m.grams != nil {
		m.matchSparse(s)
		return
	}
	begins, at := uint64(1), 0
	for ; at+blockReach <= len(s.text); at += blockSize {
		begins = m.matchBlock((*[blockReach]byte)(s.text[at:]), begins, s, at)
	}
	for ; at < len(s.text); at += blockSize {
		var padded [blockReach]byte
		copy(padded[:], s.text[at:])
		begins = m.matchBlock(&padded, begins, s, at)
	}
}

// A block is scanned at once; the filter looks at up to 8 bytes from its last.
const (
	blockSize  = 64
	blockReach = blockSize + 8
)

// matchBlock walks the keywords that begin in a block, which lies at a position
// of the text. begins is 1 if a word may begin with the block's first byte, else
// 0; returned is the same for the next block.
func (m *Matcher) matchBlock(block *[blockReach]byte, begins uint64, s *scan, at int) uint64 {
	separators, wide, inner := classifyBytes(block)
	// What follows a separator, be it in the same row or the first of the next,
	// a wide character, and a separator itself if a keyword begins with one.
	starts := separators<<8 | separators>>56<<1&0xff | begins
	starts = (starts | wide | separators&m.separators) &^ inner
	for ; starts != 0; starts &= starts - 1 {
		bit := bits.TrailingZeros64(starts)
		k := (bit%8*8 + bit/8) % blockSize
		if w := binary.LittleEndian.Uint64(block[k:]); m.excess[slot(w)] < 64 { // else no keyword begins with these two bytes
			m.probe(s, at+k, w)
		}
	}
	return separators >> 63
}

// probe looks for keywords at a byte of the text, where the eight bytes of w are.
func (m *Matcher) probe(s *scan, start int, w uint64) {
	w = m.cut(w)
	if h := hash(w); m.filter[h/64]>>(h%64)&1 != 0 {
		if head := m.head(w, h); head != nil {
			m.walk(s, start, head)
		}
	}
}

// classifyBytes returns bits for the bytes of a block: whether one separates
// words, being no ASCII letter (all else is for the walk to look at closely);
// whether it is of a character beyond ASCII; and whether it is an inner byte of
// one, with which no keyword begins. It takes the block as 8 rows of 8 bytes:
// byte j of row k has bit 8*j+k.
func classifyBytes(block *[blockReach]byte) (separators, wide, inner uint64) {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	letters := uint64(0)
	for k := 0; k < blockSize; k += 8 {
		w := binary.LittleEndian.Uint64(block[k:])
		lower := (w | caseBits) &^ highs
		fromA := lower + (0x80-'a')*ones // the high bit of a byte: it is at least 'a'
		pastZ := lower + (0x7f-'z')*ones // it is above 'z'
		// Each row moves those before it by a bit.
		letters = letters>>1 | fromA&^(pastZ|w)&highs
		wide = wide>>1 | w&highs
		inner = inner>>1 | w&^(w<<1)&highs
	}
	return ^letters, wide, inner
}

// walk follows the trie along the text from a position where a match may begin.
func (m *Matcher) walk(s *scan, start int, from *head) {
	text, at := s.text, start+int(from.skip)
	if start >= len(text) || !startsWord(text, start) {
		return
	}
	n, last := from.node, rune(0)
	if from.skip > 0 {
		last = rune(text[at-1])
	}
	for {
		if node := &m.nodes[n]; node.sets > 0 && endsWord(text, at, last) {
			s.record(m.sets[node.firstSet:node.firstSet+node.sets], start, at)
		}
		if at >= len(text) {
			return
		}
		size := 1
		if last = rune(text[at]); last >= utf8.RuneSelf {
			last, size = utf8.DecodeRune(text[at:])
		}
		folded := fold(last)
		if folded == ' ' {
			size = spaceRun(text[at:])
		}
		if n = m.child(n, folded); n == 0 {
			return
		}
		at += size
	}
}

func (s *scan) record(sets []int32, start, end int) {
	for _, set := range sets {
		bit := uint64(1) << (set % 64)
		s.hits[set/64] |= bit
		if len(s.asks) > 0 && s.asks[set/64]&bit == 0 && isAsk(s.text, start, end) {
			s.asks[set/64] |= bit
		}
	}
}

func startsWord(text []byte, at int) bool {
	if at == 0 {
		return true
	}
	before, _ := utf8.DecodeLastRune(text[:at])
	first, _ := utf8.DecodeRune(text[at:])
	return isBoundary(before, first)
}

func endsWord(text []byte, at int, last rune) bool {
	if at >= len(text) {
		return true
	}
	next, _ := utf8.DecodeRune(text[at:])
	return isBoundary(last, next)
}

// spaceRun is the length of the white space that the text begins with.
func spaceRun(text []byte) int {
	n := 0
	for n < len(text) {
		r, size := utf8.DecodeRune(text[n:])
		if !unicode.IsSpace(r) {
			break
		}
		n += size
	}
	return n
}

// child returns the node that a character leads to from node n; 0: none.
func (m *Matcher) child(n int32, r rune) int32 {
	low := m.nodes[n].firstChild
	high := low + m.nodes[n].children
	for high-low > 4 {
		if middle := (low + high) / 2; m.nodes[middle].r <= r {
			low = middle
		} else {
			high = middle
		}
	}
	for ; low < high; low++ {
		if m.nodes[low].r == r {
			return low
		}
	}
	return 0
}

// normalise folds a keyword and reduces its white space to single spaces.
func normalise(keyword string) []rune {
	var runes []rune
	for _, r := range strings.Join(strings.Fields(keyword), " ") {
		runes = append(runes, fold(r))
	}
	return runes
}
