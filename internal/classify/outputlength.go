package classify

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// How long an answer is assumed to be, in tokens.
const (
	// MediumOutput is what is assumed where nothing tells more.
	MediumOutput = 400
	maxOutput    = 16 << 10
	wordAnswer   = 5
	briefAnswer  = 60
	longAnswer   = 1200
	codeAnswer   = 600
)

// Of a text longer than lengthHead and lengthTail together only these two parts
// are read for cues to the length of the answer.
const (
	lengthHead = 2 << 10
	lengthTail = 1 << 10
)

// unit is what the length of an answer is stated in.
type unit struct {
	// tokens is what one takes, in thousandths.
	tokens int64
	// most is the largest number that is believed.
	most int64
}

// The tokens of a word are those of English (see EstimateTokens); those of the
// larger units, and the other lengths here, are what models write by default.
var (
	unitWord      = unit{1350, 20_000}
	unitCharacter = unit{250, 100_000}
	unitHan       = unit{800, 20_000}
	unitSentence  = unit{25_000, 200}
	unitParagraph = unit{110_000, 50}
	unitPage      = unit{650_000, 20}
	unitLine      = unit{12_000, 1000}
	unitItem      = unit{20_000, 500}
)

// cue is what a word says of the length of the answer.
type cue struct {
	unit unit
	// number is the one that the word stands for.
	number int64
	// lister is true of verbs after which a number is one of items, whatever they
	// are.
	lister, brief, long, code bool
}

// cues are words in lower case.
var cues = func() map[string]*cue {
	all := map[string]*cue{}
	enter := func(words string, set func(*cue)) {
		for _, word := range strings.Fields(words) {
			if all[word] == nil {
				all[word] = &cue{}
			}
			set(all[word])
		}
	}
	for unit, words := range map[unit]string{
		unitWord:      `word words wörter wörtern worten mots palabras palavras parole слов слова woorden słów 단어`,
		unitCharacter: `character characters zeichen caractères caracteres`,
		unitHan:       `字 文字`,
		unitSentence:  `sentence sentences satz sätze sätzen phrases frases oraciones предложения предложений 句 句话`,
		unitParagraph: `paragraph paragraphs absätze absätzen paragraphes párrafos parágrafos абзаца абзацев 段`,
		unitPage:      `page pages seiten páginas pagine страниц 页`,
		unitLine:      `line lines zeilen lignes líneas`,
		unitItem: `bullet bullets points items ideas examples options steps tips names titles reasons questions ways ideen beispiele idées
			exemples ejemplos exemplos примеров 个`,
	} {
		enter(words, func(c *cue) { c.unit = unit })
	}
	for number, words := range map[int64]string{
		1: `one ein einem un une una`, 2: `two zwei deux dos`, 3: `three drei trois tres`, 4: `four`, 5: `five fünf cinq cinco`, 6: `six`, 7: `seven`,
		8: `eight`, 9: `nine`, 10: `ten zehn dix diez`, 12: `twelve`, 20: `twenty`, 50: `fifty`,
	} {
		enter(words, func(c *cue) { c.number = number })
	}
	enter(`list name give suggest generate provide brainstorm enumerate nenne liste cite enumera перечисли назови`, func(c *cue) { c.lister = true })
	enter(`brief briefly short concise concisely tldr kurz knapp brièvement breve brevemente кратко коротко 简短 简要`, func(c *cue) { c.brief = true })
	enter(`essay detailed detail comprehensive thorough depth report article story tutorial guide exhaustive aufsatz ausführlich detailliert
		bericht détaillé rapport ensayo detallado подробно эссе 详细 全面`, func(c *cue) { c.long = true })
	enter(`implement code script program class function refactor implementiere implémente implementa реализуй 实现 代码`, func(c *cue) { c.code = true })
	return all
}()

// lengthScan is what a text says of how long the answer is to be.
type lengthScan struct {
	stated            int64 // tokens; 0: nothing is stated
	number            int64 // read, and waiting for its unit
	since             int   // words since the number
	afterLister       int   // words since one of listers, counted down
	brief, long, code bool
}

// ExpectedOutput estimates how many tokens the answer to a text will have. What
// is stated ("2,000-word", "in one sentence", "list 50") counts most, then words
// such as "briefly" and "detailed", then whether code is asked for. The lengths
// are rules of thumb, good for telling long from short.
func ExpectedOutput(text []byte) int64 {
	var s lengthScan
	if len(text) <= lengthHead+lengthTail {
		s.read(text)
	} else {
		s.read(text[:lengthHead])
		s.number = 0
		s.read(text[len(text)-lengthTail:])
	}
	switch {
	case s.stated > 0:
		return min(s.stated, maxOutput)
	case s.brief:
		return briefAnswer
	case s.long:
		return longAnswer
	case s.code:
		return codeAnswer
	}
	return MediumOutput
}

// longestCue bounds the words that are looked up, in bytes; longer ones are none.
const longestCue = 24

// read goes through the words of a text once, without allocating.
func (s *lengthScan) read(text []byte) {
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case '0' <= c && c <= '9':
			i += s.readNumber(text[i:])
		case c >= utf8.RuneSelf || isWord(rune(c)):
			i += s.readWord(text[i:])
		default:
			if c == '.' || c == '\n' || c == '?' || c == '!' { // a unit is of the same sentence
				s.number, s.afterLister = 0, 0
			}
			i++
		}
	}
}

// readWord reads a word, or one character of a script without spaces, and returns
// how many bytes it takes.
func (s *lengthScan) readWord(text []byte) int {
	var buffer [longestCue]byte
	i, n := 0, 0
	for ; i < len(text) && text[i] < utf8.RuneSelf && isWord(rune(text[i])); i++ {
		buffer[min(i, longestCue-1)] = byte(asciiFold[text[i]])
	}
	if n = i; i < len(text) && text[i] >= utf8.RuneSelf {
		i, n = s.readWide(text, i, &buffer)
	}
	if 0 < n && n < longestCue {
		s.endWord(buffer[:n])
	}
	return i
}

// readWide goes on with a word at a character beyond ASCII. It returns where the
// word ends, and its length in the buffer.
func (s *lengthScan) readWide(text []byte, i int, buffer *[longestCue]byte) (end, n int) {
	word := buffer[:min(i, longestCue)]
	for i < len(text) {
		r, size := utf8.DecodeRune(text[i:])
		if isUnspaced(r) && len(word) == 0 {
			s.unspaced(text[i:])
			return i + size, 0
		}
		if isUnspaced(r) || !isWord(r) {
			if i == 0 { // neither
				return size, 0
			}
			break
		}
		if len(word)+size < longestCue {
			word = utf8.AppendRune(word, unicode.ToLower(r))
		}
		i += size
	}
	return i, len(word)
}

// readNumber reads digits, with commas between thousands, and returns how many
// bytes they take.
func (s *lengthScan) readNumber(text []byte) int {
	n, i := int64(0), 0
	for ; i < len(text); i++ {
		c := text[i]
		if c == ',' && i > 0 && i+3 < len(text) && isDigits(text[i+1:i+4]) {
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		n = min(n*10+int64(c-'0'), 1<<30)
	}
	s.setNumber(n)
	return i
}

func isDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (s *lengthScan) setNumber(n int64) {
	s.number, s.since = n, 0
	if s.afterLister > 0 && n > 1 {
		s.state(n, unitItem)
	}
}

// state enters a stated length; the longest that is stated counts.
func (s *lengthScan) state(n int64, u unit) {
	if n > 0 && n <= u.most {
		s.stated = max(s.stated, max(n*u.tokens/1000, wordAnswer))
	}
}

const (
	// unitWithin is how many words may stand between a number and its unit, as in
	// "three short paragraphs".
	unitWithin = 2
	// listerWithin is how many may stand before a number of items, as in "give me
	// the 50 best known".
	listerWithin = 3
)

func (s *lengthScan) endWord(word []byte) {
	c := cues[string(word)]
	if s.number > 0 {
		if c != nil && c.unit.tokens > 0 {
			s.state(s.number, c.unit)
			s.number = 0
		} else if s.since++; s.since >= unitWithin {
			s.number = 0
		}
	}
	s.afterLister--
	if c == nil {
		return
	}
	if c.number > 0 {
		s.setNumber(c.number)
	}
	if c.lister {
		s.afterLister = listerWithin
	}
	s.note(c)
}

func (s *lengthScan) note(c *cue) {
	s.brief, s.long, s.code = s.brief || c.brief, s.long || c.long, s.code || c.code
}

// unspaced reads the cues that begin here in a script without spaces: they have
// one, two or three characters.
func (s *lengthScan) unspaced(text []byte) {
	end := 0
	for range 3 {
		_, size := utf8.DecodeRune(text[end:])
		if end += size; end > len(text) || size == 0 {
			return
		}
		c := cues[string(text[:end])]
		if c == nil {
			continue
		}
		if s.number > 0 && s.since == 0 {
			s.state(s.number, c.unit)
		}
		s.note(c)
	}
}
