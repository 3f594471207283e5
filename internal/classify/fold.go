package classify

import (
	"unicode"
	"unicode/utf8"
)

// fold maps all characters that a keyword does not tell apart to one: letters
// to the lowest of their case variants, in lower case if that is ASCII; white
// space to a space; a typographic apostrophe to a plain one.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		return asciiFold[r]
	}
	return foldWide(r)
}

func foldWide(r rune) rune {
	switch {
	case r == '’':
		return '\''
	case unicode.IsSpace(r):
		return ' '
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if least < utf8.RuneSelf {
		return asciiFold[least]
	}
	return least
}

var asciiFold = func() (table [utf8.RuneSelf]rune) {
	for r := range rune(utf8.RuneSelf) {
		table[r] = unicode.ToLower(r)
		if unicode.IsSpace(r) {
			table[r] = ' '
		}
	}
	return table
}()

// isWord holds for the characters that words are made of.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// unspaced are the scripts whose words are not, or not reliably, set apart.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

const (
	firstUnspaced  = 0x0E01 // the first Thai letter
	prolongedSound = 'ー'    // belongs to no single script, but only to Japanese
)

func isUnspaced(r rune) bool {
	return r >= firstUnspaced && (r == prolongedSound || unicode.In(r, unspaced...))
}

// isBoundary reports whether a keyword may begin or end between two characters.
func isBoundary(before, after rune) bool {
	return !isWord(before) || !isWord(after) || isUnspaced(before) || isUnspaced(after)
}
