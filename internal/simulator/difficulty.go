package simulator

import "strings"

// difficultyScan bounds how much of a prompt the estimator reads, in bytes.
const difficultyScan = 16 << 10

var hardCues = []string{
	"prove", "derive", "why ", "analyse", "analyze", "compare", "trade-off", "tradeoff",
	"architect", "design", "optimis", "optimiz", "debug", "refactor", "diagnos", "strategy",
	"step by step", "multi-step", "concurren", "deadlock", "theorem", "legal", "contract",
	"root cause", "migrat", "algorithm", "plan ", "negotiat", "threat", "reconcile",
}

var easyCues = []string{
	"classify", "extract", "translate", "format", "list ", "spell", "yes or no", "true or false",
	"capital of", "define ", "convert", "capitalise", "capitalize", "sentiment", "one word",
	"hello", "thanks", "what is ", "when did", "who is", "rename",
}

var codeCues = []string{"```", "func ", "def ", "class ", "select ", "import ", "stack trace", "segfault", "};"}

// Difficulty estimates how hard a prompt is, in [0,1], from its text alone.
//
// It begins at 0.25 and adds up to 0.20 for length (full at 1,500 words), 0.08
// for each word that hints at reasoning (up to 0.40), 0.12 for code, 0.04 for
// each further question or listed demand (up to 0.16); it takes off 0.09 for
// each word that hints at a simple task (up to 0.18). It looks at the words as
// a reader would and shares nothing with the router's classifier.
func Difficulty(text string) float64 {
	words := len(strings.Fields(text))
	if len(text) > difficultyScan {
		text = text[:difficultyScan]
	}
	text = strings.ToLower(text)
	d := 0.25 + min(float64(words)/1500, 1)*0.20
	d += min(0.08*float64(cues(text, hardCues)), 0.40)
	d -= min(0.09*float64(cues(text, easyCues)), 0.18)
	if cues(text, codeCues) > 0 {
		d += 0.12
	}
	d += min(0.04*float64(demands(text)), 0.16)
	return clampShare(d)
}

// cues counts which of the cues occur in a text.
func cues(text string, list []string) int {
	n := 0
	for _, c := range list {
		if strings.Contains(text, c) {
			n++
		}
	}
	return n
}

// demands counts the questions after the first one and the items of lists.
func demands(text string) int {
	n := max(strings.Count(text, "?")-1, 0)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "* ") || numbered(line) {
			n++
		}
	}
	return n
}

// numbered reports whether a line begins as "1." or "2)" do.
func numbered(line string) bool {
	return len(line) > 2 && line[0] >= '0' && line[0] <= '9' && (line[1] == '.' || line[1] == ')')
}

func clampShare(v float64) float64 { return min(max(v, 0), 1) }
