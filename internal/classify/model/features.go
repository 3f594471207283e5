package model

import "math"

// Signals are what is known of a request beside the text of its last message.
type Signals struct {
	// Tokens is the estimated size of the whole request, 0 when it is not known.
	Tokens int64
	// Turns counts user messages; 0 counts as 1.
	Turns int
	// Tools, Images and JSONSchema say whether the request offers tools, has
	// images attached, asks for output after a schema.
	Tools, Images, JSONSchema bool
}

// Features are what a model sees of a prompt. The zero value is ready for
// [Features.Extract]; it may be used again and again, by one goroutine at a time.
type Features struct {
	// Words are the hashes of words, Hashes those of pairs of neighbouring words
	// and of the beginnings of long words; not sorted, with duplicates.
	Words, Hashes []uint32
	// Dense are the counted features, in the order of [DenseNames].
	Dense [NumDense]float32
}

// The counted features. Counts enter as log2(1+n): the difference between 1 and
// 2 matters as much as that between 100 and 200.
const (
	denseBytes      = iota // size of the whole text
	denseWords             // words read
	denseSentences         // ends of sentences
	denseWordLength        // mean letters of a word
	denseLongWords         // share of words of nine letters or more
	denseNames             // share of words capitalised within a sentence
	denseAcronyms          // share of words in capitals
	denseNumbers
	denseNumberShare // numbers per word
	denseDecimals
	denseLargeNumbers // of four digits or more
	denseOperators    // + = < > ^ * / %
	denseMoney        // currency signs and %
	denseBackslashes  // TeX and escapes
	denseCodeShare    // { } ( ) ; = [ ] _ < > per byte
	denseBackticks
	denseLines
	denseListItems
	denseOptions       // answer options, "A. …" at the beginning of a line
	denseOptionWords   // mean words of an option
	denseOptionNumbers // share of options that are numbers
	denseStemWords     // words before the first option
	denseQuestions
	denseEndsAsking // the last sign is a question mark
	denseCommas
	denseColons
	denseQuotes
	denseBlanks // "__": a gap to fill
	denseParens
	denseLengthNumber // the number in "2,000-word", "list 50", "5 paragraphs"
	denseNonASCII     // share of letters that are Latin with a diacritic
	denseCyrillic     // shares of letters
	denseHan
	denseOtherScript
	denseTurns
	denseTools
	denseImages
	denseJSONSchema
	denseContext // tokens of the request beside those of the text
	denseConcepts
	// NumDense is how many counted features there are: those above, and two per
	// concept, how often it is there and whether the first or the last few words
	// have it.
	NumDense = denseConcepts + 2*numConcepts
)

// DenseNames names the counted features, for reports and model cards.
func DenseNames() []string {
	names := append(make([]string, 0, NumDense),
		"bytes", "words", "sentences", "word-length", "long-words", "names", "acronyms", "numbers", "number-share", "decimals",
		"large-numbers", "operators", "money", "backslashes", "code-share", "backticks", "lines", "list-items", "options",
		"option-words", "option-numbers", "stem-words", "questions", "ends-asking", "commas", "colons", "quotes", "blanks",
		"parens", "length-number", "diacritics", "cyrillic", "han", "other-script", "turns", "tools", "images", "json-schema", "context")
	for i := range concepts {
		names = append(names, concepts[i].name, concepts[i].name+"-first")
	}
	return names
}

// How much of a text is read: what is asked for stands at its beginning or its
// end. This bounds the cost of a decision.
const (
	headSize = 3 << 9
	tailSize = 1 << 9
)

// Extract reads the features of a text. Of a text longer than 2 KB it reads the
// first 1.5 KB and the last 0.5 KB. It allocates only to grow what it
// fills.
func (f *Features) Extract(text []byte, in Signals) {
	f.Words, f.Hashes = f.Words[:0], f.Hashes[:0]
	head, tail := text, []byte(nil)
	if len(text) > headSize+tailSize {
		head, tail = text[:headSize], text[len(text)-tailSize:]
	}
	s := scanner{features: f, lineStart: true, word: hashSeed}
	s.scan(head)
	if tail != nil {
		s.newline()
		s.scan(tail)
	}
	s.finish(len(text), in)
}

func log2(n int) float32 {
	if n < len(logs) {
		return logs[n]
	}
	return float32(math.Log2(float64(1 + n)))
}

var logs = func() (table [64]float32) {
	for i := range table {
		table[i] = float32(math.Log2(float64(1 + i)))
	}
	return table
}()

// ratio is n per of, 0 for nothing of nothing.
func ratio(n, of int) float32 {
	if of == 0 {
		return 0
	}
	return float32(n) / float32(of)
}
