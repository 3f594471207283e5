package classify

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// matchedSets runs the matcher and returns the numbers of the sets it hit.
func matchedSets(m *Matcher, text string) []int {
	hits := make([]uint64, m.Words())
	m.Match([]byte(text), hits)
	var sets []int
	for i := range 64 * len(hits) {
		if hits[i/64]>>(i%64)&1 != 0 {
			sets = append(sets, i)
		}
	}
	return sets
}

func TestMatcher(t *testing.T) {
	tests := []struct {
		name, keyword, text string
		want                bool
	}{
		{"a word matches", "dosage", "which dosage is safe?", true},
		{"a word at the very start and end matches", "dosage", "dosage", true},
		{"case is not regarded", "dosage", "DoSaGe!", true},
		{"a keyword may be written in capitals", "SQL", "an sql query", true},
		{"a part of a word does not match", "dose", "doses overdose dosed", false},
		{"a plural is another word", "symptom", "symptoms", false},
		{"an underscore joins words", "drop", "drop_table", false},
		{"a digit joins words", "log", "log4j 2log", false},
		{"punctuation separates words", "drop", "(drop)", true},
		{"a hyphen separates words", "trade", "trade-off", true},
		{"a hyphen of the keyword counts", "trade-off", "trade off", false},
		{"a phrase matches", "explain why", "Please explain why it rains", true},
		{"white space of any kind and length equals one space", "explain  why", "explain \n\t\u00a0why", true},
		{"a phrase needs its space", "explain why", "explainwhy", false},
		{"a phrase is bounded too", "explain why", "explain whys", false},
		{"a keyword may begin with punctuation", ".net", "asp.net core", true},
		{"a keyword may end with punctuation", "c++", "in C++11", true},
		{"a one-letter keyword matches a word", "r", "written in R.", true},
		{"a one-letter keyword matches no letter of a word", "r", "writer", false},
		{"a typographic apostrophe equals a plain one", "what's", "What’s up", true},
		{"accented letters fold", "übersetze", "ÜBERSETZE das", true},
		{"an accented letter continues a word", "caf", "café", false},
		{"a combining mark continues a word", "cafe", "cafe\u0301", false},
		{"Cyrillic folds and is bounded", "докажи", "ДОКАЖИ теорему", true},
		{"a Cyrillic part of a word does not match", "докажи", "докажите", false},
		{"the Kelvin sign is a k", "kelvin", "\u212Aelvin", true},
		{"a final sigma is a sigma", "λόγος", "ΛΌΓΟΣ", true},
		{"Chinese matches within its text", "证明", "请证明这个定理", true},
		{"Latin is bounded by Chinese", "python", "用Python写", true},
		{"Japanese matches within its text", "翻訳", "これを翻訳して", true},
		{"the prolonged sound mark is no word of another kind", "サーバ", "サーバー", true},
		{"Korean matches in front of suffixes", "진단", "진단을 받았다", true},
		{"Thai matches within its text", "แปล", "ช่วยแปลภาษา", true},
		{"invalid bytes are no part of a word", "dose", "\xffdose\xfe", true},
		{"a zero byte is no end", "ab\x00", "ab ", false},
		{"a zero byte matches itself", "ab\x00c", "ab\x00c", true},
		{"an empty keyword matches nothing", " \t", "a b", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := NewMatcher([][]string{{tt.keyword}})
			// The text is also tried at every alignment within a block.
			for pad := range blockSize + 9 {
				for _, text := range []string{strings.Repeat(" ", pad) + tt.text, strings.Repeat(" ", pad) + tt.text + strings.Repeat(" ", 80)} {
					if got := len(matchedSets(m, text)) == 1; got != tt.want {
						t.Fatalf("%q in %q (after %d spaces) = %v", tt.keyword, tt.text, pad, got)
					}
				}
			}
		})
	}
}

func TestMatcherReportsEachSetByItsBit(t *testing.T) {
	sets := make([][]string, 130)
	for i := range sets {
		sets[i] = []string{"shared", "only" + string(rune('a'+i%26)) + string(rune('a'+i/26))}
	}
	m := NewMatcher(sets)
	if got := matchedSets(m, "nothing of it"); got != nil {
		t.Errorf("got %v", got)
	}
	if got := matchedSets(m, "onlyaa x onlyyd"); len(got) != 2 || got[0] != 0 || got[1] != 3*26+24 {
		t.Errorf("got %v", got)
	}
	if got := matchedSets(m, "shared"); len(got) != 130 {
		t.Errorf("got %d sets", len(got))
	}
}

func TestMatchKeepsEarlierHits(t *testing.T) {
	m := NewMatcher([][]string{{"a"}, {"b"}})
	hits := make([]uint64, m.Words())
	m.Match([]byte("b"), hits)
	m.Match([]byte("a"), hits)
	if hits[0] != 3 {
		t.Errorf("got %b", hits[0])
	}
}

var apostrophes = strings.NewReplacer("'", "['’]", "’", "['’]")

// naiveMatch looks for a keyword at every position with a regular expression
// and checks the boundaries afterwards.
func naiveMatch(keyword, text string) bool {
	words := strings.Fields(keyword)
	if len(words) == 0 {
		return false
	}
	for i := range words {
		words[i] = apostrophes.Replace(regexp.QuoteMeta(words[i]))
	}
	space := `[\t\n\v\f\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+`
	re := regexp.MustCompile(`^(?i:` + strings.Join(words, space) + `)`)
	for at := range text {
		loc := re.FindStringIndex(text[at:])
		if loc == nil {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		first, _ := utf8.DecodeRuneInString(text[at:])
		last, _ := utf8.DecodeLastRuneInString(text[:at+loc[1]])
		after, _ := utf8.DecodeRuneInString(text[at+loc[1]:])
		if (at == 0 || isBoundary(before, first)) && (at+loc[1] == len(text) || isBoundary(last, after)) {
			return true
		}
	}
	return false
}

func TestMatcherAgreesWithANaiveOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"\x00", "a", "b", "ab", "B", "k", "K", "\u212A", "s", "ſ", "ß", "é", "É", "ж", "Ж", "证", "明", "ー", "1", "_", "-", "+", ".", "'", "’", " ", " ", "  ", "\n", "\u00a0", "\u3000", "\u0301", "\xff", "explain", "why"}
	build := func(n int) string {
		var s strings.Builder
		for range n {
			s.WriteString(pieces[random.IntN(len(pieces))])
		}
		return s.String()
	}
	matches := 0
	for range 5000 {
		sets := make([][]string, 1+random.IntN(5))
		for i := range sets {
			for range 1 + random.IntN(3) {
				sets[i] = append(sets[i], strings.ToValidUTF8(build(1+random.IntN(4)), ""))
			}
		}
		text := build(random.IntN(120))
		m := NewMatcher(sets)
		hits := make([]uint64, m.Words())
		m.Match([]byte(text), hits)
		for i, keywords := range sets {
			want := false
			for _, keyword := range keywords {
				want = want || naiveMatch(keyword, text)
			}
			if got := hits[0]>>i&1 != 0; got != want {
				t.Fatalf("%q in %q = %v, want %v", keywords, text, got, want)
			}
			if want {
				matches++
			}
		}
	}
	if matches < 500 {
		t.Errorf("only %d matches: the test says little", matches)
	}
}

// TestMatcherFindsLongKeywords compares the search by grams, which a set of only
// long keywords allows, with the plain one, at every offset of the keyword to the
// stride and in every spelling.
func TestMatcherFindsLongKeywords(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	keywords := []string{"diagnosis", "dosage", "skin rash", "Überdosis", "kk’ss k", "处方药", "four", "2nd-hand", "tres años"}
	spellings := map[string][]string{
		"s": {"S", "ſ"}, "k": {"K", "\u212A"}, " ": {"\n", "\u3000", " \t "}, "’": {"'"}, "ü": {"Ü"}, "Ü": {"ü"}, "ñ": {"Ñ"}, "d": {"D"}, "o": {"O"},
	}
	respell := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			c := string(r)
			if others := spellings[c]; len(others) > 0 && random.IntN(3) == 0 {
				c = others[random.IntN(len(others))]
			}
			b.WriteString(c)
		}
		return b.String()
	}
	found := map[int]int{}
	for range 10000 {
		n := 1 + random.IntN(3)
		var set []string
		for range n {
			set = append(set, keywords[random.IntN(len(keywords))])
		}
		m := NewMatcher([][]string{set})
		plain := *m
		plain.grams = nil
		text := strings.Repeat("x ", random.IntN(40)) + respell(prose[:random.IntN(40)]) + respell(keywords[random.IntN(len(keywords))]) +
			[]string{"", ".", "s", "处"}[random.IntN(4)] + respell(prose[:random.IntN(80)])
		got, want := matchedSets(m, text), matchedSets(&plain, text)
		if len(got) != len(want) {
			t.Fatalf("%q in %q = %v, want %v", set, text, got, want)
		}
		if m.grams != nil {
			found[m.grams.stride] += len(got)
		}
	}
	if found[2] < 100 || found[4] < 100 {
		t.Errorf("found only %v by stride: the test says little", found)
	}
}

func FuzzMatcher(f *testing.F) {
	f.Add("explain why", "Please EXPLAIN\n why")
	f.Add("证明", "请证明")
	f.Add("c++", "C++ c")
	f.Add("’", "''")
	f.Fuzz(func(t *testing.T, keyword, text string) {
		if len(keyword) > 40 || len(text) > 400 || !utf8.ValidString(keyword) || strings.ContainsRune(keyword, utf8.RuneError) {
			t.Skip()
		}
		m := NewMatcher([][]string{{keyword}})
		if got, want := len(matchedSets(m, text)) == 1, naiveMatch(keyword, text); got != want {
			t.Errorf("%q in %q = %v, want %v", keyword, text, got, want)
		}
	})
}

const prose = `The committee met on Tuesday to consider the report that had been circulated the week before. Most of its members agreed that the figures were sound, although two of them asked for a closer look at how the regional offices had counted returned goods. The chair explained that the method had changed in March, and that older numbers had been converted; a short note on the conversion would be added. Questions about staffing were put off until the next meeting, because the director was travelling. Nobody objected when the secretary proposed to publish the summary first and the tables later. `

var benchmarkKeywords = strings.Fields("analyze analyse compare evaluate design prove derive architect critique assess investigate justify optimize implement refactor debug translate summarize summarise classify extract format convert rewrite paraphrase explain describe brainstorm outline diagnosis dosage symptom prescription lawsuit contract liability invoice refund chargeback password kubernetes terraform theorem lemma induction proof tradeoff trade-offs synthesize recommend forecast simulate model benchmark")

func BenchmarkMatch(b *testing.B) {
	m := NewMatcher([][]string{benchmarkKeywords, {"explain why", "step by step", "pros and cons", "how do you say", "root cause", "what is", "in detail"}})
	hits := make([]uint64, m.Words())
	for name, text := range map[string]string{
		"english": strings.Repeat(prose, 40),
		"go":      strings.Repeat("func (m *Matcher) child(n *trieNode, r rune) int32 {\n\tif len(edges) > 8 {\n\t\treturn -1\n\t}\n", 200),
		"chinese": strings.Repeat("委员会星期二开会讨论上周分发的报告。大多数成员同意数字是可靠的。", 200),
		"russian": strings.Repeat("Комитет собрался во вторник, чтобы рассмотреть отчёт, разосланный неделей раньше. ", 200),
	} {
		data := []byte(text)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				m.Match(data, hits)
			}
		})
	}
}
