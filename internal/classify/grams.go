package classify

import (
	"encoding/binary"
	"math/bits"
)

// grams tells where a long text may hold one of a few long keywords, by looking
// at three bytes of every four. A keyword that begins at byte b has, at the one
// multiple of the stride from b to b+stride-1, three bytes that its prefix has at
// that distance: only there the keyword has to be looked for.
type grams struct {
	// stride is 4, or 2 if that is too far for the shortest prefix, which must
	// have at least two bytes more.
	stride int
	// offsets has, by the hash of three bytes, a bit for each distance from the
	// beginning of a prefix, below the stride, at which one has such bytes.
	offsets [1 << gramBits]uint8
}

const (
	gramBits = 12
	gramSize = 3
)

// newGrams returns nil when a prefix is too short.
func newGrams(prefixes []prefix) *grams {
	shortest := 8
	for _, p := range prefixes {
		shortest = min(shortest, int(p.length))
	}
	g := &grams{stride: 4}
	if shortest < g.stride+gramSize-1 {
		g.stride = 2
	}
	if shortest < g.stride+gramSize-1 {
		return nil
	}
	for _, p := range prefixes {
		for k := range g.stride {
			g.offsets[gramHash(uint32(p.bytes>>(8*k)))] |= 1 << k
		}
	}
	return g
}

// gramHash maps the three lowest bytes to an index of offsets. It takes five bits
// of each, so that the case of letters does not matter.
func gramHash(bytes uint32) uint32 {
	const golden = 0x9E3779B1 // 2^32 divided by the golden ratio
	return (bytes & 0x1f1f1f) * golden >> (32 - gramBits)
}

// pair looks at the first three bytes of each half of a word.
func (g *grams) pair(w uint64) uint8 {
	return g.offsets[gramHash(uint32(w))] | g.offsets[gramHash(uint32(w>>32))]
}

// gramBlock is how many bytes are looked at before what was found is acted on,
// gramReach how far that looks.
const (
	gramBlock = 32
	gramReach = gramBlock + 2
)

// any reports whether a block holds anything to be looked at closely.
func (g *grams) any(block *[gramReach]byte) bool {
	found := g.pair(binary.LittleEndian.Uint64(block[0:])) | g.pair(binary.LittleEndian.Uint64(block[8:])) |
		g.pair(binary.LittleEndian.Uint64(block[16:])) | g.pair(binary.LittleEndian.Uint64(block[24:]))
	if g.stride < 4 {
		found |= g.pair(binary.LittleEndian.Uint64(block[2:])) | g.pair(binary.LittleEndian.Uint64(block[10:])) |
			g.pair(binary.LittleEndian.Uint64(block[18:])) | g.pair(binary.LittleEndian.Uint64(block[26:]))
	}
	return found != 0
}

// matchSparse is match by means of m.grams.
func (m *Matcher) matchSparse(s *scan) {
	at := 0
	for ; at+gramReach <= len(s.text); at += gramBlock {
		if m.grams.any((*[gramReach]byte)(s.text[at:])) {
			m.probeAll(s, at, at+gramBlock)
		}
	}
	m.probeAll(s, at, len(s.text))
}

// probeAll looks for keywords at what the filter lets pass from a multiple of the
// stride on.
func (m *Matcher) probeAll(s *scan, at, end int) {
	for ; at < end; at += m.grams.stride {
		offsets := m.grams.offsets[gramHash(uint32(wordAt(s.text, at)))]
		for ; offsets != 0; offsets &= offsets - 1 {
			if start := at - bits.TrailingZeros8(offsets); start >= 0 {
				m.probe(s, start, wordAt(s.text, start))
			}
		}
	}
}

// wordAt returns eight bytes of the text, filled up with zeros.
func wordAt(text []byte, at int) uint64 {
	if at+8 <= len(text) {
		return binary.LittleEndian.Uint64(text[at:])
	}
	var padded [8]byte
	copy(padded[:], text[at:])
	return binary.LittleEndian.Uint64(padded[:])
}
