package simulator

import (
	"unicode"
	"unicode/utf8"
)

// Tokens counts the tokens of a text as the simulator does.
//
// It is no real tokenizer, but a fixed rule that comes close to one for English
// prose and code: a word, up to three digits or up to three punctuation marks,
// each with the space before it, a run of white space, or a single other
// character is a token. Words are cut after twelve ASCII letters; another letter
// weighs as four of these, an ideograph or a syllable of Chinese, Japanese and
// Korean is a token of its own.
func Tokens(text string) int {
	n := 0
	for text != "" {
		text = text[pieceLen(text):]
		n++
	}
	return n
}

// pieces cuts a text into its tokens; joined they are the text again.
func pieces(text string) []string {
	var out []string
	for text != "" {
		n := pieceLen(text)
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

// pieceLen returns the length in bytes of the first token of a text that is not
// empty.
func pieceLen(s string) int {
	space := 0
	if s[0] == ' ' {
		space = 1
		if len(s) == 1 || isSpace(s[1]) {
			return spaceLen(s)
		}
	} else if isSpace(s[0]) {
		return spaceLen(s)
	}
	return space + wordLen(s[space:])
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// spaceLen returns the length of the white space that s begins with, without
// the last space if a word follows, for that belongs to the word.
func spaceLen(s string) int {
	n := 0
	for n < len(s) && n < 16 && isSpace(s[n]) {
		n++
	}
	if n > 1 && n < len(s) && s[n-1] == ' ' && !isSpace(s[n]) {
		n--
	}
	return n
}

// wordWeight is how much a token holds, in ASCII letters.
const wordWeight = 12

func wordLen(s string) int {
	first, size := utf8.DecodeRuneInString(s)
	switch {
	case isDigit(first):
		return runLen(s, isDigit)
	case isMark(first):
		return runLen(s, isMark)
	case !unicode.IsLetter(first):
		return size
	}
	n, weight := 0, 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if r == '\'' && n > 0 && contraction(s[n+1:]) {
			n++
			continue
		}
		if !unicode.IsLetter(r) {
			break
		}
		weight += letterWeight(r)
		if weight > wordWeight && n > 0 {
			break
		}
		n += size
	}
	return n
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// isMark reports whether r is an ASCII punctuation mark or symbol.
func isMark(r rune) bool {
	return r > ' ' && r < 0x7f && !isDigit(r) && !unicode.IsLetter(r)
}

// runLen returns the length of up to three bytes that s begins with.
func runLen(s string, in func(rune) bool) int {
	n := 1
	for n < len(s) && n < 3 && in(rune(s[n])) {
		n++
	}
	return n
}

func letterWeight(r rune) int {
	switch {
	case r < utf8.RuneSelf:
		return 1
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul):
		return wordWeight
	default:
		return 4
	}
}

// contraction reports whether what follows an apostrophe is one or two letters,
// as in "it's" and "you're".
func contraction(s string) bool {
	n := 0
	for n < len(s) && (s[n]|0x20) >= 'a' && (s[n]|0x20) <= 'z' {
		n++
	}
	return n == 1 || n == 2
}
