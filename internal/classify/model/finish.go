package model

// finish turns the counts into features.
func (s *scanner) finish(size int, in Signals) {
	d := &s.features.Dense
	d[denseBytes] = log2(size)
	d[denseWords] = log2(s.words)
	d[denseSentences] = log2(s.sentences)
	d[denseWordLength] = ratio(s.letters, s.words)
	d[denseLongWords] = ratio(s.longWords, s.words)
	d[denseNames] = ratio(s.names, s.words)
	d[denseAcronyms] = ratio(s.acronyms, s.words)
	d[denseNumbers] = log2(s.numbers)
	d[denseNumberShare] = ratio(s.numbers, s.words)
	d[denseDecimals] = log2(s.decimals)
	d[denseLargeNumbers] = log2(s.largeNumbers)
	d[denseLines] = log2(s.lines)
	d[denseListItems] = log2(s.listItems)
	d[denseBlanks] = log2(s.blanks)
	d[denseLengthNumber] = log2(s.lengthNumber)
	s.finishPunct(size)
	s.finishOptions()
	s.finishScripts()
	s.finishSignals(size, in)
	s.finishConcepts()
}

// count sums how often signs were there.
func (s *scanner) count(signs string) int {
	n := 0
	for i := range len(signs) {
		n += int(s.punct[signs[i]])
	}
	return n
}

func (s *scanner) finishPunct(size int) {
	d := &s.features.Dense
	d[denseOperators] = log2(s.count("+=<>^*/%"))
	d[denseMoney] = log2(s.count("$%"))
	d[denseBackslashes] = log2(s.count(`\`))
	d[denseCodeShare] = ratio(s.count("{}();=[]_<>"), min(size, headSize+tailSize))
	d[denseBackticks] = log2(s.count("`"))
	d[denseQuestions] = log2(s.count("?"))
	d[denseCommas] = log2(s.count(","))
	d[denseColons] = log2(s.count(":;"))
	d[denseQuotes] = log2(s.count(`"'`))
	d[denseParens] = log2(s.count("("))
	d[denseEndsAsking] = indicator(s.asking)
}

func (s *scanner) finishOptions() {
	d := &s.features.Dense
	if !s.inOptions {
		s.stem = s.words
	}
	d[denseOptions] = log2(s.options)
	d[denseOptionWords] = 0
	if s.optWords > s.options {
		d[denseOptionWords] = log2(s.optWords) - log2(s.options)
	}
	d[denseOptionNumbers] = ratio(s.optionNumbers, s.options)
	d[denseStemWords] = log2(s.stem)
}

func (s *scanner) finishScripts() {
	d := &s.features.Dense
	d[denseNonASCII] = ratio(s.byScript[scriptLatin], s.letters)
	d[denseCyrillic] = ratio(s.byScript[scriptCyrillic], s.letters)
	d[denseHan] = ratio(s.byScript[scriptHan], s.letters)
	d[denseOtherScript] = ratio(s.byScript[scriptOther], s.letters)
}

// bytesPerToken is a rough mean, for telling whether a request has more to it
// than its last message.
const bytesPerToken = 4

func (s *scanner) finishSignals(size int, in Signals) {
	d := &s.features.Dense
	d[denseTurns] = log2(max(in.Turns, 1))
	d[denseTools] = indicator(in.Tools)
	d[denseImages] = indicator(in.Images)
	d[denseJSONSchema] = indicator(in.JSONSchema)
	d[denseContext] = log2(int(max(0, in.Tokens-int64(size/bytesPerToken)-contextSlack)))
}

// contextSlack is by how many tokens the two estimates may differ for a request
// that is nothing but its text.
const contextSlack = 500

func (s *scanner) finishConcepts() {
	d := &s.features.Dense
	for i := range min(s.words, firstWords) {
		if c := s.recent[(s.words-1-i)%recentSize]; c > 0 {
			s.first[c-1] = true
		}
	}
	for i := range numConcepts {
		d[denseConcepts+2*i] = log2(s.concept[i])
		d[denseConcepts+2*i+1] = indicator(s.first[i])
	}
}

func indicator(b bool) float32 {
	if b {
		return 1
	}
	return 0
}
