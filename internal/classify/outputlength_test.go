package classify

import (
	"strings"
	"testing"
)

func TestTheLengthOfTheAnswerIsReadFromTheText(t *testing.T) {
	tests := []struct {
		text string
		want int64
	}{
		{"What is a monad?", MediumOutput},
		{"Write a 2,000-word essay on the tides.", 2700},
		{"Write 2000 words on the tides.", 2700},
		{"Answer in one sentence: what is a tide?", 25},
		{"Give a one-word answer.", wordAnswer},
		{"Describe it in three short paragraphs.", 330},
		{"List 50 countries of the world.", 1000},
		{"Give me the 12 best known.", 240},
		{"Suggest ten names for a bakery.", 200},
		{"Explain tides briefly.", briefAnswer},
		{"Write a detailed report on tides.", longAnswer},
		{"Implement a queue in Go.", codeAnswer},
		{"Schreibe einen Aufsatz mit 500 Wörtern.", 675},
		{"Antworte in zwei Sätzen.", 50},
		{"Résume en 3 phrases.", 75},
		{"Напиши эссе на 300 слов.", 405},
		{"写一篇800字的文章", 640},
		{"用一句话总结。", MediumOutput},
		{"He was born in 1999. Words failed him.", MediumOutput},
		{"A list of 3 things in 1 line", 60},
		{"", MediumOutput},
		{strings.Repeat("material ", 2000) + "Summarise it in 5 sentences.", 125},
		{"Summarise in 5 sentences: " + strings.Repeat("material 12 ", 2000), 125},
		{strings.Repeat("x", 100) + " 9 words", 12},
		{"99999999999999999999 words", MediumOutput},
	}
	for _, tt := range tests {
		if got := ExpectedOutput([]byte(tt.text)); got != tt.want {
			t.Errorf("%.60q: %d tokens, want %d", tt.text, got, tt.want)
		}
	}
}

func TestReadingTheLengthOfTheAnswerDoesNotAllocate(t *testing.T) {
	text := []byte(strings.Repeat("Write a 300-word essay in detail, 写一篇800字的文章. ", 100))
	if n := testing.AllocsPerRun(20, func() { ExpectedOutput(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzExpectedOutput(f *testing.F) {
	f.Add([]byte("Write 2,000 words or 3 paragraphs, 一句话 5字"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got := ExpectedOutput(text); got < 1 || got > maxOutput {
			t.Errorf("%d tokens of %q", got, text)
		}
	})
}

func BenchmarkExpectedOutput(b *testing.B) {
	text := []byte(strings.Repeat("The board asked the team to compare three suppliers by cost and time. ", 30))
	for b.Loop() {
		ExpectedOutput(text)
	}
}
