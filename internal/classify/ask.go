package classify

import (
	"bytes"
	"unicode/utf8"
)

// isAsk reports whether a word at a position stands where a sentence asks for
// something: at its beginning, at that of a clause or list item, or after words
// such as "please" and "can you". "Design a cache" asks for a design, "a poor
// design" does not. Where words are not set apart by spaces, everything counts.
func isAsk(text []byte, start int) bool {
	if first, _ := utf8.DecodeRune(text[start:]); isUnspaced(first) {
		return true
	}
	before := bytes.TrimRight(text[:start], " \t")
	if len(before) == 0 {
		return true
	}
	switch before[len(before)-1] {
	case '\n', '\r', '.', '!', '?', ':', ';', ',', '-', '*', ')', '#', '>':
		return true
	}
	return leadsToAsk(lastWord(before))
}

// lastWord returns the word that the text ends with, or nil if it is longer
// than any that leads to an ask.
func lastWord(text []byte) []byte {
	const longest = 10
	start := len(text)
	for start > 0 && text[start-1] > ' ' && text[start-1] != '(' && text[start-1] != '"' {
		start--
		if len(text)-start > longest {
			return nil
		}
	}
	return text[start:]
}

func leadsToAsk(word []byte) bool {
	var lower [10]byte
	for i, c := range word {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	switch string(lower[:len(word)]) {
	case "please", "pls", "kindly", "you", "to", "and", "then", "also", "now", "just", "me", "us", "let's", "lets",
		"bitte", "plaît", "plait", "favor":
		return true
	}
	return false
}
