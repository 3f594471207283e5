package model

import "unicode/utf8"

// scanner reads a text once, from its beginning to its end.
type scanner struct {
	features *Features
	// word is the hash of the word before: pairs are made with it. At the
	// beginning of a sentence it is hashSeed, so that a pair then says which word
	// the sentence begins with.
	word uint32
	// lineStart and sentenceStart are whether nothing but space came since.
	lineStart, sentenceStart bool
	inOptions                bool
	afterOption              bool // nothing of the option was read yet
	lastNumber               int  // the number just before, 0: none
	lengthNumber             int
	asking                   bool // the last sign was a question mark
	unspaced                 uint32

	words, letters, longWords, names, acronyms, sentences    int
	numbers, decimals, largeNumbers                          int
	lines, listItems, options, optionNumbers, stem, optWords int
	punct                                                    [128]uint16
	blanks                                                   int
	byScript                                                 [scripts]int
	concept                                                  [numConcepts]int
	first                                                    [numConcepts]bool
	recent                                                   [recentSize]uint8 // concepts of the last words, +1
}

const (
	// firstWords is how many words at the beginning, and at the end, count as
	// where the ask stands.
	firstWords = 6
	recentSize = 8 // a power of two of at least firstWords
	// stemLength is how many characters of longer words are also hashed alone.
	stemLength = 5
	longWord   = 9
)

func (s *scanner) add(h uint32) { s.features.Hashes = append(s.features.Hashes, mix(h)) }

func (s *scanner) scan(text []byte) {
	for i := 0; i < len(text); {
		c := text[i]
		switch byteClass[c] {
		case classLetter:
			i = s.readWord(text, i)
		case classDigit:
			i = s.readNumber(text, i)
		case classSpace:
			i++
		case classNewline:
			s.newline()
			i++
		case classPunct:
			s.readPunct(text, i)
			i++
		default:
			i = s.readWide(text, i)
		}
	}
}

func (s *scanner) newline() {
	s.lines++
	s.lineStart, s.sentenceStart = true, true
	s.word, s.unspaced = hashSeed, 0
}

// word is what reading one word found.
type word struct {
	hash, stem       uint32
	letters, capital int
	concept          uint8 // +1
}

// take enters the next character of the word.
func (w *word) take(r rune) {
	w.hash = step(w.hash, r)
	w.letters++
	if w.letters == stemLength {
		w.stem = w.hash
	}
	if c, ok := words.begins(w.hash); ok {
		w.concept = c + 1
	}
}

// takeLetters enters the ASCII letters from a position on, of which nearly all
// words are made, and returns where they end.
func (w *word) takeLetters(text []byte, i int) int {
	hash, letters, capital := w.hash, w.letters, w.capital
	for ; i < len(text); i++ {
		c := text[i]
		lower := c | 0x20
		if lower-'a' > 'z'-'a' {
			break
		}
		capital += int(lower-c) >> 5
		hash = step(hash, rune(lower))
		if letters++; letters == stemLength {
			w.stem = hash
		}
		if at := slotOf(hash); words.taken[at/64]>>(at%64)&1 == 0 {
			continue
		}
		if c, ok := words.begins(hash); ok {
			w.concept = c + 1
		}
	}
	w.hash, w.letters, w.capital = hash, letters, capital
	return i
}

// readWord reads letters, with the digits, hyphens and apostrophes within.
func (s *scanner) readWord(text []byte, start int) int {
	w := word{hash: hashSeed}
	i := start
	for {
		if i = w.takeLetters(text, i); i == len(text) {
			break
		}
		r, size := rune(text[i]), 1
		switch byteClass[text[i]] {
		case classDigit:
		case classWide:
			r, size = s.wideLetter(text, i, &w)
		default:
			if (r != '\'' && r != '-') || !isInner(text, i+1) {
				size = 0
			}
		}
		if size == 0 {
			break
		}
		w.take(r)
		i += size
	}
	if w.letters == 1 && s.isOption(text, start, i) {
		s.startOption()
		return i + 1
	}
	s.endWord(&w)
	return i
}

// wideLetter reads a character beyond ASCII within a word. Its size is 0 if the
// word ends before it.
func (s *scanner) wideLetter(text []byte, i int, w *word) (r rune, size int) {
	r, size = utf8.DecodeRune(text[i:])
	script := scriptOf(r)
	switch {
	case r == '’' && isInner(text, i+size):
		return '\'', size
	case script == scriptNone || script == scriptHan:
		return r, 0
	}
	s.byScript[script]++
	lower := fold(r)
	if lower != r {
		w.capital++
	}
	return lower, size
}

// isOption reports whether the letter from start to end is that of an answer
// option: at the beginning of a line, as in "B. " or "C) ".
func (s *scanner) isOption(text []byte, start, end int) bool {
	return s.lineStart && text[start] >= 'A' && text[start] <= 'P' && end+1 < len(text) &&
		(text[end] == '.' || text[end] == ')') && text[end+1] == ' '
}

func (s *scanner) endWord(w *word) {
	if c, ok := words.find(w.hash, true); ok {
		w.concept = c + 1
	}
	s.letters += w.letters
	if w.letters >= longWord {
		s.longWords++
	}
	switch {
	case w.capital > 1 && w.capital == w.letters:
		s.acronyms++
	case w.capital > 0 && !s.sentenceStart:
		s.names++
	}
	if w.letters > stemLength {
		s.add(w.stem ^ 0x5bd1e995) // so that it is not the word of five letters
	}
	if w.letters >= 3 { // of what there are to be so many
		s.lengthNumber = max(s.lengthNumber, s.lastNumber)
	}
	s.emit(w.hash, w.concept)
	s.lastNumber = 0
}

// isInner reports whether a word goes on at a position.
func isInner(text []byte, at int) bool {
	return at < len(text) && (byteClass[text[at]] == classLetter || byteClass[text[at]] == classWide)
}

// emit enters a word: by itself, with the one before, and with its concept.
func (s *scanner) emit(h uint32, concept uint8) {
	s.features.Words = append(s.features.Words, mix(h))
	s.add(s.word*31 ^ h)
	s.word = h
	if concept > 0 {
		s.concept[concept-1]++
		if s.words < firstWords {
			s.first[concept-1] = true
		}
	}
	s.recent[s.words%recentSize] = concept
	s.words++
	if s.inOptions {
		s.optWords++
	}
	s.lineStart, s.sentenceStart, s.afterOption, s.asking = false, false, false, false
	s.unspaced = 0
}

func (s *scanner) startOption() {
	if !s.inOptions {
		s.inOptions = true
		s.stem = s.words
	}
	s.options++
	s.afterOption, s.lineStart = true, false
	s.word = hashSeed + 1
}

// readNumber reads digits with the points and commas within. Numbers enter by
// their size only: which one it is says nothing about others.
func (s *scanner) readNumber(text []byte, start int) int { //nolint:gocyclo // hot: one walk over the digits, without calls
	i, digits, value, decimal := start, 0, 0, false
	for ; i < len(text); i++ {
		c := text[i]
		if byteClass[c] == classDigit {
			digits++
			if !decimal && value < 1e6 {
				value = value*10 + int(c-'0')
			}
			continue
		}
		if (c != '.' && c != ',') || i+1 >= len(text) || byteClass[text[i+1]] != classDigit {
			break
		}
		decimal = decimal || c == '.'
	}
	if s.lineStart && i < len(text) && (text[i] == '.' || text[i] == ')') {
		s.listItems++
	}
	s.numbers++
	if digits >= 4 {
		s.largeNumbers++
	}
	if s.afterOption {
		s.optionNumbers++
	}
	h := step(step(hashSeed, '0'), rune(min(digits, 6)))
	if decimal {
		s.decimals++
		h = step(h, '.')
	}
	s.emit(h, 0)
	if !decimal {
		s.lastNumber = value
	}
	return i
}

func (s *scanner) readPunct(text []byte, i int) { //nolint:gocyclo // hot, and mostly a table
	c := text[i]
	s.punct[c]++
	s.unspaced = 0
	switch c {
	case '.', '!', '?', ':', ';':
		s.sentenceStart = true
		s.word = hashSeed
		if c != ':' && c != ';' {
			s.sentences++
		}
	case '_':
		if i > 0 && text[i-1] == '_' {
			s.blanks++
		}
	case '-', '*':
		if s.lineStart && i+1 < len(text) && text[i+1] == ' ' {
			s.listItems++
		}
	case '+', '=', '<', '>', '^', '/', '%', '$', '\\', '{', '}', '[', ']', '|', '&', '~', '#', '@':
		s.add(step(step(hashSeed, 'p'), rune(c)))
	}
	if c != '-' {
		s.lastNumber = 0
	}
	if c != '"' && c != '\'' && c != ')' {
		s.asking = c == '?'
	}
	if s.afterOption && c != '-' && c != '$' && c != '(' {
		s.afterOption = false
	}
	s.lineStart = false
}

// readWide reads what begins with a character beyond ASCII.
func (s *scanner) readWide(text []byte, i int) int {
	r, size := utf8.DecodeRune(text[i:])
	switch scriptOf(r) {
	case scriptNone:
		s.readSymbol(r)
		return i + size
	case scriptHan:
		s.readIdeograph(r)
		return i + size
	}
	return s.readWord(text, i)
}

func (s *scanner) readSymbol(r rune) {
	s.unspaced = 0
	switch r {
	case '。', '！', '？':
		s.sentences++
		s.sentenceStart, s.asking = true, r == '？'
		s.word = hashSeed
		if s.asking {
			s.punct['?']++
		}
	case '，', '、':
		s.punct[',']++
	case '：', '；':
		s.punct[':']++
	case '“', '”', '「', '」', '«', '»':
		s.punct['"']++
	case '€', '£', '¥':
		s.punct['$']++
	case '×', '÷', '≤', '≥', '≠', '∑', '∫', '√', '∞', '∈', '∀', '∃', '→', '±', '·':
		s.punct['=']++
	}
}

// readIdeograph reads one of the characters that stand without spaces: by
// itself and with the one before, which often is a word.
func (s *scanner) readIdeograph(r rune) {
	s.byScript[scriptHan]++
	h := step(hashSeed, r)
	concept, ok := words.find(h, true)
	pair := uint32(0)
	if s.unspaced != 0 {
		pair = step(s.unspaced, r)
		if c, found := words.find(pair, true); found {
			concept, ok = c, true
		}
	}
	if ok {
		concept++
	} else {
		concept = 0
	}
	s.letters++
	s.emit(h, concept)
	s.unspaced = h
}
