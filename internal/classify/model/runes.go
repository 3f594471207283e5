package model

// Classes of ASCII bytes.
const (
	classPunct = iota
	classLetter
	classDigit
	classSpace
	classNewline
	classWide // the first byte of a longer character
)

var byteClass = func() (table [256]uint8) {
	for i := range table {
		switch c := byte(i); {
		case c >= 0x80:
			table[i] = classWide
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			table[i] = classLetter
		case '0' <= c && c <= '9':
			table[i] = classDigit
		case c == '\n':
			table[i] = classNewline
		case c <= ' ':
			table[i] = classSpace
		}
	}
	return table
}()

// Scripts, as far as the features tell them apart.
const (
	scriptNone = iota // punctuation, symbols, spaces
	scriptLatin
	scriptCyrillic // and Greek
	scriptHan      // and kana: characters that no spaces set apart
	scriptOther    // Arabic, Hebrew, Indic, Hangul, …
	scripts
)

// scriptOf tells which script a character beyond ASCII belongs to, by the blocks
// of the Unicode standard (https://www.unicode.org/Public/UNIDATA/Blocks.txt).
func scriptOf(r rune) int { //nolint:gocyclo // a table, which a switch searches fastest
	switch {
	case r < 0xC0, r == 0xD7, r == 0xF7:
		return scriptNone
	case r < 0x370, r >= 0x1E00 && r < 0x1F00:
		return scriptLatin
	case r < 0x590, r >= 0x1F00 && r < 0x2000:
		return scriptCyrillic
	case r < 0x2000:
		return scriptOther
	case r < 0x3040:
		return scriptNone
	case r < 0x3130, r >= 0x3400 && r < 0xA000, r >= 0xF900 && r < 0xFB00, r >= 0x20000 && r < 0x32000:
		return scriptHan
	case r >= 0x3130 && r < 0x3190, r >= 0xA000 && r < 0xD800, r >= 0xFB00 && r < 0xFE00, r >= 0xFE70 && r < 0xFF00:
		return scriptOther
	}
	return scriptNone
}

// fold returns the lower case of a character beyond ASCII, for the alphabets
// that have one: Latin, Greek and Cyrillic.
func fold(r rune) rune { //nolint:gocyclo // a table
	switch {
	case r >= 0xC0 && r <= 0xDE, r >= 0x391 && r <= 0x3A9, r >= 0x410 && r <= 0x42F:
		return r + 0x20
	case r >= 0x400 && r <= 0x40F:
		return r + 0x50
	case r >= 0x100 && r <= 0x137, r >= 0x14A && r <= 0x177, r >= 0x1EA0 && r <= 0x1EFF:
		return r | 1
	case r >= 0x139 && r <= 0x148, r >= 0x179 && r <= 0x17E:
		return r + r&1
	}
	return r
}

// The hash of a word is built one character at a time, so that the hashes of its
// beginnings come for free: FNV-1a over characters, mixed once at the end.
const (
	hashSeed  = 2166136261
	hashPrime = 16777619
)

func step(h uint32, r rune) uint32 { return (h ^ uint32(r)) * hashPrime }

// mix spreads a hash over all bits: the finaliser of MurmurHash3
// (https://github.com/aappleby/smhasher/wiki/MurmurHash3).
func mix(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}
