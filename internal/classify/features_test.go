package classify

import (
	"strings"
	"testing"
)

func featuresOf(text string) features {
	var f features
	f.extract([]byte(text))
	return f
}

func TestHasCode(t *testing.T) {
	tests := []struct {
		name, text string
		want       bool
	}{
		{"a fenced block", "Why?\n```go\nx := 1\n```", true},
		{"a block that never ends", "Why?\n```\nx := 1", true},
		{"a block within a line", "Why does ```x = y[3]``` fail?", true},
		{"a block that begins at the end of a line", "Why does this fail? ```python\nx = 1\n```", true},
		{"JSON is no code", "Sum up\n```json\n{\"a\": 1}\n```\nplease", false},
		{"code after JSON is", "```json\n{}\n```\n```js\nlet a = 1\n```", true},
		{"inline code", "What does `len(x)` return?", true},
		{"an inline name is no code", "What is `grep`?", false},
		{"an unclosed backtick is no code", "What is ` and (?", false},
		{"two lines of C", "int main(void) {\n  return puts(\"a\");\n}", true},
		{"two lines of Python", "def f(x):\n    return f(x - 1)", true},
		{"two lines of Java", "public class A {\n  private int b = 3;\n}", true},
		{"a query", "SELECT * FROM users WHERE id = 3", true},
		{"a shell session", "$ git push\nrejected", true},
		{"markup", "<div class=\"a\">\n</div>", true},
		{"prose", prose, false},
		{"prose with semicolons", "First we rest;\nthen we eat, drink and be merry;\nthen we go home.", false},
		{"one line that may be code", "import duties are rising", false},
		{"mathematics in TeX", "Simplify\n\\frac{a}{b} = (c)}\n\\sqrt{x} = {y}\n", false},
		{"answers that are sets", "A. {1, 2}\nB. {3}\nC. {4}", false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := featuresOf(tt.text)
			if got := f.hasCode(); got != tt.want {
				t.Errorf("hasCode of %q = %v (%+v)", tt.text, got, f)
			}
		})
	}
}

func TestParts(t *testing.T) {
	tests := []struct {
		name, text string
		want       int
	}{
		{"commas", "with a, b, and c", 2},
		{"Chinese commas", "包括甲、乙，以及丙", 2},
		{"list items", "Do\n- this\n* that\n1. more\n12) still", 4},
		{"what only looks like a list", "-x\n2024. was good\n3.5 is a number\n1.", 0},
		{"commas of code do not count", "```\nf(a, b, c)\n```", 0},
		{"commas of long material do not count", strings.Repeat("Quite a long sentence with no such mark. ", 20) + "a, b, c", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := featuresOf(tt.text).parts; got != tt.want {
				t.Errorf("parts of %q = %d, want %d", tt.text, got, tt.want)
			}
		})
	}
}

func TestPayload(t *testing.T) {
	tests := []struct {
		name, text string
		want       bool
	}{
		{"a bare ask", "Extract all names", false},
		{"a choice after a colon", "Sort these: small, large", false},
		{"much after a colon", "Sort these: aardvark, zebra, lion, tiger, bear, wolf, fox", true},
		{"a quoted name", `Define "irony"`, false},
		{"a quotation", `Label "I have been waiting for three weeks now"`, true},
		{"further lines", "Extract all names\nAnna met Tom", true},
		{"data in a block", "Extract ```json\n{}\n```", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := featuresOf(tt.text).payload; got != tt.want {
				t.Errorf("payload of %q = %v", tt.text, got)
			}
		})
	}
}

func TestALongTextIsReadAtItsEndsOnly(t *testing.T) {
	filler := strings.Repeat(prose, 40)
	hasCode := func(text string) bool {
		f := featuresOf(text)
		return f.hasCode()
	}
	if hasCode(filler + "```\nx\n```" + filler) {
		t.Error("code in the middle was read")
	}
	if !hasCode("```\nx = 1\n```" + filler) {
		t.Error("code at the beginning was not read")
	}
	if !hasCode(filler + "```\nx = 1\n```") {
		t.Error("code at the end was not read")
	}
	f := featuresOf("```\n" + strings.Repeat("x = 1\n", 4000) + "```\nWhat is this?")
	if f.codeBytes < tailSize/2 || !f.question {
		t.Errorf("a block that begins in the part left out was not seen: %+v", f)
	}
}

func TestTheWindowCutsBetweenWords(t *testing.T) {
	w := windowOf([]byte(strings.Repeat("abcdefghi ", 4000)))
	if got := string(w.head[len(w.head)-4:]); got != "fghi" {
		t.Errorf("the head ends with %q", got)
	}
	if got := string(w.tail[:4]); got != "abcd" {
		t.Errorf("the tail begins with %q", got)
	}
	w = windowOf([]byte(strings.Repeat("x", 40000)))
	if len(w.head) != headSize || len(w.tail) != tailSize {
		t.Errorf("without a place to cut, the sizes are %d and %d", len(w.head), len(w.tail))
	}
}
