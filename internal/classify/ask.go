package classify

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// isAsk reports whether the words from start to end stand where a sentence asks
// for something: at its beginning, at that of a list item, after words such as
// "please" and "can you", or within it in front of an article. "Design a cache"
// and "given a budget, design a cache" ask for a design, "a poor design" and
// "cost, design, speed" do not. Where words are not set apart by spaces,
// everything counts.
func isAsk(text []byte, start, end int) bool {
	if first, _ := utf8.DecodeRune(text[start:]); isUnspaced(first) {
		return true
	}
	before := bytes.TrimRight(text[:start], " \t")
	if len(before) == 0 || bytes.HasSuffix(before, inverted) {
		return true
	}
	switch before[len(before)-1] {
	case '.', ')':
		return !isOption(before[:len(before)-1])
	case '\n', '\r', '!', '?', ':', ';', '-', '*', '#', '>':
		return true
	case ',':
		return hasArticle(text[end:])
	}
	last := lastWord(before)
	switch string(last) {
	case "to":
		return isIn(leadsTo, lastWord(bytes.TrimRight(before[:len(before)-2], " \t")))
	case "and", "then":
		return hasArticle(text[end:])
	}
	return isIn(leads, last)
}

var inverted = []byte("¿")

// hasArticle reports whether the text goes on with an article or the like.
func hasArticle(after []byte) bool {
	after = bytes.TrimLeft(after, " \t\n")
	word := after[:min(len(after), longestLead+1)]
	end := bytes.IndexByte(word, ' ')
	return end > 0 && isIn(articles, word[:end])
}

// isOption reports whether the text ends with the letter of an answer option,
// as in "B." or "c)": what follows is an answer, not an ask.
func isOption(text []byte) bool {
	n := len(text)
	return n > 0 && isWord(rune(text[n-1])) && (text[n-1] < '0' || text[n-1] > '9') && (n == 1 || text[n-2] <= ' ' || text[n-2] == '(')
}

// leads are the words that an ask follows, leadsTo those that one follows with a
// "to" between, articles those that follow it.
var (
	leads    = wordSet("please pls kindly you also now just me us let's lets bitte plaît plait favor")
	leadsTo  = wordSet("want need like love have trying try going help how you me us able asked job task goal")
	articles = wordSet("a an the this these that all every each any its their my our your it them how why whether")
)

func isIn(set map[string]bool, word []byte) bool {
	var lower [longestLead]byte
	for i, c := range word {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	return set[string(lower[:len(word)])]
}

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// longestLead is the length of the longest word of these.
const longestLead = 7

// lastWord returns the word that the text ends with, or nil if it is longer
// than any that leads to an ask.
func lastWord(text []byte) []byte {
	start := len(text)
	for start > 0 && text[start-1] > ' ' && text[start-1] != '(' && text[start-1] != '"' {
		start--
		if len(text)-start > longestLead {
			return nil
		}
	}
	return text[start:]
}
