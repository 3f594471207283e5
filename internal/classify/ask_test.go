package classify

import (
	"strings"
	"testing"
)

func TestIsAsk(t *testing.T) {
	tests := []struct {
		name string
		// text has the word in question in angle brackets.
		text string
		want bool
	}{
		{"at the beginning", "<design> a cache", true},
		{"after white space", "  \n\t<design> a cache", true},
		{"after a sentence", "We need help. <Design> a cache", true},
		{"on a line of its own", "Task\n<design> a cache", true},
		{"as a list item", "- <design> a cache", true},
		{"as a numbered item", "1. <design> a cache\n2) eat", true},
		{"after please", "Please <design> a cache", true},
		{"after can you", "can you <design> a cache", true},
		{"after let's", "Let's <design> it", true},
		{"after want to", "I want to <design> a cache", true},
		{"after used to", "We used to <design> caches", false},
		{"after to at the very beginning", "to <design> a cache", false},
		{"after a comma, with an article", "Given a budget, <design> the cache", true},
		{"after a comma, in an enumeration", "cost, <design>, speed", false},
		{"after and, with an article", "Explain it and <design> a better one", true},
		{"after and, as a noun", "art and <design> matter", false},
		{"after a Spanish question mark", "¿<Qué> es eso?", true},
		{"as a noun", "a poor <design> is costly", false},
		{"after a long word", "architectural <design> is costly", false},
		{"as an answer option", "A. <design> a cache", false},
		{"as an option in brackets", "see (b) <design> a cache", false},
		{"in Chinese", "请帮我<设计>系统", true},
		{"at the end after and", "x and <design>", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, rest, _ := strings.Cut(tt.text, "<")
			word, after, _ := strings.Cut(rest, ">")
			text := []byte(before + word + after)
			if got := isAsk(text, len(before), len(before)+len(word)); got != tt.want {
				t.Errorf("%s = %v", tt.text, got)
			}
		})
	}
}
