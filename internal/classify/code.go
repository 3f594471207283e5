package classify

import (
	"bytes"
	"slices"
)

// block is what a line lies in.
type block int

const (
	inProse block = iota
	inCode
	inData // a fenced block of what is no code, such as JSON
)

var fence = []byte("```")

// blockOf tells from what follows a fence what block it opens.
func blockOf(info []byte) block {
	isData := func(name string) bool { return string(info) == name }
	if slices.ContainsFunc(dataLanguages, isData) {
		return inData
	}
	return inCode
}

var dataLanguages = []string{"json", "csv", "text", "txt", "log", "xml"}

// codeLikeness weighs how much a trimmed line, not of a fenced block, looks like
// code: 0 not at all, 1 possibly, 2 certainly.
func codeLikeness(line []byte) int {
	for _, s := range codeStarts[line[0]] {
		if bytes.HasPrefix(line, s.start) && (s.needs == "" || bytes.ContainsAny(line, s.needs)) {
			return s.weight
		}
	}
	return codeEnding(line)
}

// codeEnding weighs a line by what it ends with.
func codeEnding(line []byte) int {
	last := line[len(line)-1]
	if last != ';' && last != '{' && last != '}' || bytes.IndexByte(line, '\\') >= 0 { // a backslash: mathematics in TeX
		return 0
	}
	switch {
	case len(line) <= 3, last == ';' && bytes.IndexByte(line, ' ') < 0:
		return 1
	case bytes.ContainsAny(line, "(=") && (last != '}' || bytes.ContainsAny(line, ";{")):
		return 2
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
