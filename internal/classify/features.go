package classify

import "bytes"

// What the preset and the custom rules read of a text: its first headSize and
// last tailSize bytes. What is asked for stands at the beginning or the end;
// between them is what it is asked about. This bounds the cost of a decision.
const (
	headSize = 8 << 10
	tailSize = 4 << 10
)

// window is the part of a text that is read: all of it, or its head and tail.
type window struct {
	head, tail []byte
}

func windowOf(text []byte) window {
	if len(text) <= headSize+tailSize {
		return window{head: text}
	}
	return window{head: text[:headSize], tail: text[len(text)-tailSize:]}
}

// features are what the preset rules look at, beside keywords. Sizes are of the
// window: of a longer text they are a lower bound.
type features struct {
	// tokens estimates the whole text, not only the window.
	tokens int64
	// blocks counts fenced code blocks.
	blocks int
	// codeBytes is the size of fenced blocks, of lines that look like code and
	// of inline code.
	codeBytes int
	// commas counts commas outside code: the parts of what is asked for.
	commas int
	// payload is whether material to work on is given with the request: after a
	// colon, in quotes, as lines of their own.
	payload bool
}

// hasCode reports whether the text holds code of any size.
func (f *features) hasCode() bool { return f.codeBytes > 0 }

// extract reads the features of a text.
func (f *features) extract(text []byte) {
	*f = features{tokens: EstimateTokens(text)}
	w := windowOf(text)
	f.scan(w.head, false)
	if len(w.tail) > 0 {
		// An odd number of fences means that the first one closes a block.
		f.scan(w.tail, bytes.Count(w.tail, fence)%2 == 1)
		f.payload = true
	}
}

var fence = []byte("```")

// scan reads one part of the window line by line.
func (f *features) scan(part []byte, fenced bool) {
	lines, likely := 0, 0
	likelyBytes := 0
	for len(part) > 0 {
		line := part
		if end := bytes.IndexByte(part, '\n'); end >= 0 {
			line, part = part[:end], part[end+1:]
		} else {
			part = nil
		}
		trimmed := bytes.TrimSpace(line)
		switch {
		case bytes.HasPrefix(trimmed, fence):
			fenced = f.toggle(trimmed, fenced)
		case fenced:
			f.codeBytes += len(line) + 1
		case len(trimmed) == 0:
		default:
			lines++
			if weight := codeLikeness(trimmed); weight > 0 {
				likely += weight
				likelyBytes += len(line) + 1
				continue
			}
			f.prose(trimmed)
		}
	}
	// One line that may be code is a coincidence, two are code.
	if likely >= 2 {
		f.codeBytes += likelyBytes
	}
	f.payload = f.payload || lines > 1
}

// toggle opens or closes a fenced block; one that closes on its own line is
// inline code.
func (f *features) toggle(line []byte, fenced bool) bool {
	if fenced {
		return false
	}
	f.blocks++
	if rest := line[len(fence):]; bytes.Contains(rest, fence) {
		f.codeBytes += len(rest)
		return false
	}
	return true
}

// prose reads a line that is no code.
func (f *features) prose(line []byte) {
	f.commas += bytes.Count(line, comma)
	if !f.payload {
		colon := bytes.IndexByte(line, ':')
		f.payload = colon >= 0 && colon < len(line)-1 || bytes.IndexByte(line, '"') >= 0
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

var comma = []byte(",")

// codeLikeness weighs how much a trimmed line, not of a fenced block, looks like
// code: 0 not at all, 1 possibly, 2 certainly.
func codeLikeness(line []byte) int {
	last := line[len(line)-1]
	for _, s := range codeStarts[line[0]] {
		if bytes.HasPrefix(line, s.start) && (s.needs == "" || bytes.ContainsAny(line, s.needs)) {
			return s.weight
		}
	}
	switch last {
	case ';', '{', '}':
		if bytes.ContainsAny(line, "(=<") {
			return 2
		}
		return 1
	case ')', ':', '>':
		if bytes.ContainsAny(line, "=<") && bytes.IndexByte(line, '(') > 0 {
			return 1
		}
	}
	return 0
}

// codeStart is how lines of code begin that lines of prose seldom begin with.
type codeStart struct {
	start  []byte
	needs  string // one of these characters must also be in the line
	weight int
}

// codeStarts are sorted by first byte.
var codeStarts = func() (starts [256][]codeStart) {
	add := func(weight int, needs string, list ...string) {
		for _, s := range list {
			starts[s[0]] = append(starts[s[0]], codeStart{[]byte(s), needs, weight})
		}
	}
	add(2, "", "#include", "#!/", "@Override", "@app.", "func (", "</", "<div", "<html", "<script", "<?php",
		"public static", "public class", "private static", "async function", "export default",
		"SELECT * FROM", "INSERT INTO", "CREATE TABLE", "$ curl", "$ git", "$ npm", "kubectl ", "docker run")
	add(2, "(:", "def ", "async def ")
	add(2, "({", "func ", "fn ", "function ")
	add(1, "(={", "class ", "struct ", "public ", "private ", "protected ", "static ", "for (", "for(", "if (", "if(",
		"while (", "while(", "switch (", "} else", "}", "return ", "await ", "console.", "print(", "System.", "std::")
	add(1, "=", "const ", "let ", "var ", "int ", "float ", "String ", "val ", "auto ", "self.", "this.")
	add(1, "", "import ", "from ", "package ", "using ", "require(", "//", "/*", "elif ", "else:", "try:", "except ")
	add(1, ",*", "SELECT ", "select ")
	return starts
}()
