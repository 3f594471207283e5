package classify

import "regexp"

// textState is a text and what is known of it so far.
type textState struct {
	text    []byte
	matcher *Matcher
	// whole is whether keywords and patterns look at all of the text, not only
	// at its window.
	whole    bool
	hits     []uint64
	asks     []uint64
	searched bool
	features features
	known    bool
}

// bind forgets the text before. Bit sets are kept for the next.
func (t *textState) bind(text []byte, m *Matcher) {
	t.text, t.matcher, t.searched, t.known = text, m, false, false
	words := m.Words()
	if cap(t.hits) < words {
		t.hits, t.asks = make([]uint64, words), make([]uint64, words)
	}
	t.hits, t.asks = t.hits[:words], t.asks[:words]
}

func (t *textState) window() window {
	if t.whole {
		return window{head: t.text}
	}
	return windowOf(t.text)
}

// keywords returns the keyword sets that the text has.
func (t *textState) keywords() bitset {
	if !t.searched {
		t.searched = true
		clear(t.hits)
		clear(t.asks)
		w := t.window()
		t.matcher.match(&scan{text: w.head, hits: t.hits, asks: t.asks})
		t.matcher.match(&scan{text: w.tail, hits: t.hits, asks: t.asks})
	}
	return t.hits
}

func (t *textState) matches(pattern *regexp.Regexp) bool {
	w := t.window()
	return pattern.Match(w.head) || len(w.tail) > 0 && pattern.Match(w.tail)
}

// read returns the features of the text.
func (t *textState) read() *features {
	if !t.known {
		t.known = true
		t.features.extract(t.text)
	}
	return &t.features
}

type bitset []uint64

func (b bitset) has(i int) bool { return b[i/64]>>(i%64)&1 != 0 }
