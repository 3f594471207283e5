package classify

import "bytes"

// What the preset and the custom rules read of a text: its first headSize and
// last tailSize bytes. What is asked for stands at the beginning or the end;
// between them is what it is asked about. This bounds the cost of a decision.
const (
	headSize = 3 << 9
	tailSize = 1 << 9
)

// window is the part of a text that is read: all of it, or its head and tail.
type window struct {
	head, tail []byte
}

func windowOf(text []byte) window {
	if len(text) <= headSize+tailSize {
		return window{head: text}
	}
	tail := text[len(text)-tailSize:]
	return window{head: text[:headSize-partialWord(text[:headSize])], tail: tail[partialLine(tail):]}
}

// searchCut is how far from where a text is cut a better place is looked for.
const searchCut = 200

// partialWord is the length of what the text ends with that may be half a word.
func partialWord(text []byte) int {
	last := text[len(text)-searchCut:]
	if at := bytes.LastIndexAny(last, " \n"); at >= 0 {
		return len(last) - at
	}
	return 0
}

// partialLine is the length of what the text begins with that may be half a
// line, or at least half a word: its first word must not look like one that a
// sentence begins with.
func partialLine(text []byte) int {
	first := text[:searchCut]
	if at := bytes.IndexByte(first, '\n'); at >= 0 {
		return at + 1
	}
	return bytes.IndexByte(first, ' ') + 1
}

// features are what the preset rules look at, beside keywords. Sizes are of the
// window: of a longer text they are a lower bound.
type features struct {
	// tokens estimates the first tokensRead bytes: no rule tells longer texts
	// apart by their length.
	tokens int64
	// codeBytes is the size of fenced blocks, of lines that look like code and
	// of inline code.
	codeBytes int
	// parts counts what an ask is made of: commas in the first askSize bytes of
	// prose, and list items anywhere.
	parts int
	// prose is the size of the lines that are no code.
	prose int
	// question is whether the text ends with a question mark.
	question bool
	// payload is whether material to work on is given with the request: after a
	// colon, in quotes, as lines of their own.
	payload bool
}

// hasCode reports whether the text holds code of any size.
func (f *features) hasCode() bool { return f.codeBytes > 0 }

const tokensRead = 1 << 10

// extract reads the features of a text.
func (f *features) extract(text []byte) {
	*f = features{tokens: EstimateTokens(text[:min(len(text), tokensRead)]), question: isQuestion(text)}
	w := windowOf(text)
	f.scan(w.head, inProse)
	if len(w.tail) > 0 {
		in := inProse
		if bytes.Count(w.tail, fence)%2 == 1 { // the first one closes a block
			in = inCode
		}
		f.scan(w.tail, in)
		f.payload = true
	}
}

func isQuestion(text []byte) bool {
	text = bytes.TrimSpace(text)
	return bytes.HasSuffix(text, []byte("?")) || bytes.HasSuffix(text, []byte("？"))
}

// scan reads one part of the window line by line; in is what its first line lies
// in.
func (f *features) scan(part []byte, in block) {
	lines, likely, likelyBytes := 0, 0, 0
	for len(part) > 0 {
		line := part
		if end := bytes.IndexByte(part, '\n'); end >= 0 {
			line, part = part[:end], part[end+1:]
		} else {
			part = nil
		}
		line = bytes.TrimSpace(line)
		if at := bytes.Index(line, fence); at >= 0 {
			in = f.readFences(line, at, in)
			continue
		}
		switch {
		case in == inCode:
			f.codeBytes += len(line) + 1
		case in == inProse && len(line) > 0:
			lines++
			if weight := codeLikeness(line); weight > 0 {
				likely += weight
				likelyBytes += len(line) + 1
			} else {
				f.readProse(line)
			}
		}
	}
	// One line that may be code is a coincidence, two are code.
	if likely >= 2 {
		f.codeBytes += likelyBytes
	}
	f.payload = f.payload || lines > 1
}

// readFences reads a line with fences, the first at a position, and returns what
// the next line lies in.
func (f *features) readFences(line []byte, at int, in block) block {
	for ; at >= 0; at = bytes.Index(line, fence) {
		switch in {
		case inCode:
			f.codeBytes += at
		case inProse:
			f.readProse(line[:at])
		}
		line = line[at+len(fence):]
		if in != inProse {
			in = inProse
		} else if in = blockOf(line); in == inData {
			f.payload = true
		}
	}
	if in == inProse {
		f.readProse(line)
	}
	return in
}

// readProse reads a line that is no code.
func (f *features) readProse(line []byte) {
	for _, c := range commas {
		f.parts += bytes.Count(line[:min(len(line), max(0, askSize-f.prose))], c)
	}
	if isListItem(line) {
		f.parts++
	}
	f.prose += len(line)
	if !f.payload {
		quote, colon := bytes.IndexByte(line, '"'), bytes.IndexByte(line, ':')
		f.payload = quote >= 0 && bytes.LastIndexByte(line, '"')-quote > minQuote || colon >= 0 && len(line)-colon > minPayload
	}
	for {
		open := bytes.IndexByte(line, '`')
		if open < 0 {
			return
		}
		line = line[open+1:]
		end := bytes.IndexByte(line, '`')
		if end < 0 {
			return
		}
		if bytes.ContainsAny(line[:end], "(){}[]=<>;$/") {
			f.codeBytes += end
		}
		line = line[end+1:]
	}
}

var commas = [][]byte{[]byte(","), []byte("、"), []byte("，")}

// askSize is about how long an ask is that states requirements in its sentences:
// commas further on are those of material to work on.
const askSize = 600

const longestMarker = 3

var space = []byte(" ")

// isListItem recognises "- item", "* item", "1. item" and "1) item".
func isListItem(line []byte) bool {
	marker, _, found := bytes.Cut(line[:min(len(line), longestMarker+1)], space)
	if !found || len(marker) == 0 {
		return false
	}
	switch last := marker[len(marker)-1]; last {
	case '-', '*':
		return len(marker) == 1
	case '.', ')':
		number := marker[:len(marker)-1]
		return len(number) > 0 && len(bytes.TrimLeft(number, "0123456789")) == 0
	}
	return false
}

// How much has to be quoted, or to follow a colon, to count as payload: less is
// a name or a choice.
const (
	minQuote   = 20
	minPayload = 40
)
