package model

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCountedFeaturesOfPrompts(t *testing.T) {
	at := map[string]int{}
	for i, name := range DenseNames() {
		at[name] = i
	}
	l := func(n float64) float64 { return math.Log2(1 + n) }
	tests := []struct {
		name, text string
		want       map[string]float64
	}{
		{"nothing has no features", "", map[string]float64{"bytes": 0, "words": 0, "questions": 0, "ends-asking": 0}},
		{"answer options are counted and left out of the stem", "Which is prime?\nA. 4\nB. 7\nC. nine or so", map[string]float64{
			"options": l(3), "option-numbers": 2.0 / 3, "stem-words": l(3), "questions": l(1),
		}},
		{"a question ends asking, also within quotes", `What does "why?"`, map[string]float64{"ends-asking": 1, "fact-first": 1}},
		{"a statement does not", "Why? Because.", map[string]float64{"ends-asking": 0, "sentences": l(2)}},
		{"numbers by their size", "Add 12, 3.5 and 20,000", map[string]float64{"numbers": l(3), "decimals": l(1), "large-numbers": l(1)}},
		{"the number of a length is found", "Write a 2,000-word essay", map[string]float64{"length-number": l(2000)}},
		{"and that of things to list", "list 50 cities", map[string]float64{"length-number": l(50)}},
		{"list items", "Needs:\n- speed\n* price\n2. safety", map[string]float64{"list-items": l(3), "lines": l(3)}},
		{"code", "```go\nx[i] = f(y);\n```", map[string]float64{"backticks": l(6), "parens": l(1)}},
		{"the same concept in other languages", "Beweise, dass es stimmt", map[string]float64{"prove": l(1), "prove-first": 1}},
		{"in Chinese", "请证明这个结论", map[string]float64{"prove": l(1), "han": 1}},
		{"in Russian", "Докажи теорему", map[string]float64{"prove": l(2), "cyrillic": 1}},
		{"in Korean", "이것을 증명하세요", map[string]float64{"prove": l(1), "other-script": 1}},
		{"an ask at the end counts as first", strings.Repeat("word ", 50) + "and now summarise it", map[string]float64{"summarise-first": 1}},
		{"one in the middle does not", strings.Repeat("word ", 50) + "summarise" + strings.Repeat(" word", 50), map[string]float64{
			"summarise": l(1), "summarise-first": 0,
		}},
		{"names and acronyms", "the town Paris and NATO", map[string]float64{"names": 0.2, "acronyms": 0.2}},
		{"a gap to fill", "It is ____ cold", map[string]float64{"blanks": l(3)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var f Features
			f.Extract([]byte(test.text), Signals{})
			for name, want := range test.want {
				i, ok := at[name]
				if !ok {
					t.Fatalf("no feature %q", name)
				}
				if got := float64(f.Dense[i]); math.Abs(got-want) > 1e-4 {
					t.Errorf("%s = %v, want %v", name, got, want)
				}
			}
		})
	}
}

func TestSignalsAreFeatures(t *testing.T) {
	var f Features
	f.Extract([]byte("hi"), Signals{Tokens: 5000, Turns: 3, Tools: true, Images: true, JSONSchema: true})
	if f.Dense[denseTurns] != 2 || f.Dense[denseTools] != 1 || f.Dense[denseImages] != 1 || f.Dense[denseJSONSchema] != 1 || f.Dense[denseContext] < 12 {
		t.Errorf("the signals are %v", f.Dense[denseTurns:denseConcepts])
	}
}

func TestLongTextIsReadAtItsEnds(t *testing.T) {
	var f, g Features
	text := "Prove this. " + strings.Repeat("filler ", 30_000) + " Finally, translate it."
	f.Extract([]byte(text), Signals{})
	if len(f.Words) > 1000 {
		t.Errorf("%d words were read", len(f.Words))
	}
	g.Extract([]byte("Prove this. "+strings.Repeat("other ", 30_000)+" Finally, translate it."), Signals{})
	for _, f := range []*Features{&f, &g} {
		if f.Dense[denseConcepts] == 0 {
			t.Error("what the text begins with was not read")
		}
	}
}

func TestEveryConceptWordIsFound(t *testing.T) {
	for i := range concepts {
		for _, w := range strings.Fields(concepts[i].words) {
			stem, _ := strings.CutSuffix(w, "*")
			h := uint32(hashSeed)
			for _, r := range stem {
				h = step(h, fold(r))
			}
			if c, ok := words.find(h, true); !ok || int(c) > i {
				t.Errorf("%s: %q is not found, or as concept %d", concepts[i].name, w, c)
			}
		}
	}
}

func TestConceptsNeedFullWordsUnlessTheyAreStems(t *testing.T) {
	tests := []struct {
		text string
		want float32
	}{{"proving", 1}, {"proofreading", 0}, {"demonstration", 1}, {"improve", 0}, {"PROVE", 1}}
	for _, test := range tests {
		var f Features
		f.Extract([]byte(test.text), Signals{})
		got := f.Dense[denseConcepts]
		if test.text == "proofreading" { // "proofread" belongs to another concept
			if got != 0 && got != 1 {
				t.Errorf("%q: %v", test.text, got)
			}
			continue
		}
		if got != test.want {
			t.Errorf("%q: prove = %v, want %v", test.text, got, test.want)
		}
	}
}

func TestCaseIsFoldedInEveryAlphabet(t *testing.T) {
	for _, pair := range [][2]string{
		{"ÄÖÜ", "äöü"}, {"ДОКАЖИ Ё", "докажи ё"}, {"ΑΠΟΔΕΙΞΗ", "αποδειξη"}, {"ŻÓŁĆ", "żółć"}, {"ĐẦY", "đầy"},
	} {
		var f, g Features
		f.Extract([]byte(pair[0]), Signals{})
		g.Extract([]byte(pair[1]), Signals{})
		if len(f.Words) != len(g.Words) || f.Words[0] != g.Words[0] {
			t.Errorf("%q and %q are different words", pair[0], pair[1])
		}
	}
}

func TestEncodingOfASecondPromptForgetsTheFirst(t *testing.T) {
	var f Features
	var used, fresh Encoding
	f.Extract([]byte(strings.Repeat(prose, 3)), Signals{})
	used.Encode(&f)
	f.Extract([]byte("Is it 7 or 8?"), Signals{})
	used.Encode(&f)
	fresh.Encode(&f)
	if len(used.Buckets) != len(fresh.Buckets) || len(used.Terms) != len(fresh.Terms) || used.Value != fresh.Value {
		t.Errorf("used: %d buckets, %d terms; fresh: %d, %d", len(used.Buckets), len(used.Terms), len(fresh.Buckets), len(fresh.Terms))
	}
}

func TestInterpolationIsContinuousAndBounded(t *testing.T) {
	for j := range NumDense {
		knots := basis.knots[j]
		for _, v := range []float32{1e-4, 0.5, 1, 1.5, 2, 2.5, 7.25, 11, 12, 40} {
			var e Encoding
			e.interpolate(j, v, kindOther)
			sum := float32(0)
			for _, term := range e.Terms {
				if term.Column < 0 || int(term.Column) >= Columns() {
					t.Fatalf("column %d", term.Column)
				}
				sum += term.Value
			}
			want := min(v/knots[0], 1) * 2 * denseScale
			if math.Abs(float64(sum-want)) > 1e-5 {
				t.Errorf("feature %d at %v: the terms sum to %v, want %v", j, v, sum, want)
			}
		}
	}
}

func FuzzPredict(f *testing.F) {
	for _, s := range []string{"", "A. ", "1.", "’", "a’", "\xff\xfe", "请证明", "A) x\nB) y", "3.14.15,9", "a-b'c-", "____?"} {
		f.Add([]byte(s))
	}
	m := random(f, 3, true)
	var p Prediction
	f.Fuzz(func(t *testing.T, text []byte) {
		m.Predict(text, Signals{}, &p)
		for _, q := range append(p.Quality, p.Confidence, p.Score) {
			if !(q >= 0 && q <= 1) {
				t.Fatalf("%v of %q", q, text)
			}
		}
		if utf8.Valid(text) && len(p.features.Words) > len(text) {
			t.Fatalf("%d words of %d bytes", len(p.features.Words), len(text))
		}
	})
}
