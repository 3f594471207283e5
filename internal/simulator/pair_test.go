package simulator

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestAPairIsGradedByItsTruth(t *testing.T) {
	good := reference{fingerprint("p"), 0.95}.String()
	question := "XX BEGIN REQUEST\n[user]\nWhy?\nXX END REQUEST\n\nXX BEGIN AAA\nBecause. " + good + "\nXX END AAA\n\nXX BEGIN BBB\n" + refusalText + "\nXX END BBB\n"
	ask := func(instructions, prompt string) (string, bool) {
		r := &request{Messages: []message{{Role: "system"}}}
		r.Messages[0].Content.text = instructions
		return (&task{req: r, prompt: prompt, capability: 1, rand: rand.New(rand.NewPCG(1, 1))}).grades()
	}
	const form = "Grade each answer with a whole number from 0 (useless) to 10 (best).\nAAA=GRADE\nBBB=GRADE"
	if reply, ok := ask(form, question); !ok || reply != "AAA=10\nBBB=1" {
		t.Errorf("got %q, %t", reply, ok)
	}
	for _, other := range [][2]string{{"Be terse.", question}, {form, "Why?"}, {form, strings.ReplaceAll(question, "END BBB", "")}} {
		if reply, ok := ask(other[0], other[1]); ok {
			t.Errorf("%.20s: graded %q", other[0], reply)
		}
	}
}
