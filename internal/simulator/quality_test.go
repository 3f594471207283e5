package simulator_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/simulator"
)

// meanQuality is the mean over many prompts.
func meanQuality(capability, difficulty float64) (quality, well float64) {
	const n = 4000
	for i := range uint64(n) {
		r := simulator.Outcome(11, capability, difficulty, i*0x9e3779b97f4a7c15)
		quality += r.Quality
		if r.Verdict == simulator.Well {
			well++
		}
	}
	return quality / n, well / n
}

func TestAStrongerModelAnswersBetterInExpectation(t *testing.T) {
	for _, difficulty := range []float64{0, 0.2, 0.4, 0.6, 0.8, 1} {
		last := -1.0
		for _, capability := range []float64{0, 0.25, 0.45, 0.7, 0.95} {
			quality, well := meanQuality(capability, difficulty)
			if quality < last {
				t.Errorf("capability %v, difficulty %v: quality %.3f, a weaker model has %.3f", capability, difficulty, quality, last)
			}
			if want := simulator.SuccessProbability(capability, difficulty); math.Abs(well-want) > 0.03 {
				t.Errorf("capability %v, difficulty %v: %.3f answered well, want %.3f", capability, difficulty, well, want)
			}
			last = quality
		}
	}
}

func TestTheChanceOfAGoodAnswerIsLogistic(t *testing.T) {
	for _, tc := range []struct{ capability, difficulty, want float64 }{
		{0.5, 0.5, 0.5}, {0.75, 0.5, 0.953}, {0.25, 0.5, 0.047}, {0.95, 0.4, 0.999}, {0.45, 0.2, 0.953}, {0.45, 0.6, 0.142},
	} {
		if got := simulator.SuccessProbability(tc.capability, tc.difficulty); math.Abs(got-tc.want) > 0.0005 {
			t.Errorf("capability %v, difficulty %v: %.4f", tc.capability, tc.difficulty, got)
		}
	}
}

func TestLosingCapabilityOnlyEverHurts(t *testing.T) {
	for prompt := range uint64(500) {
		last := 2.0
		for _, capability := range []float64{0.9, 0.7, 0.5, 0.3, 0.1} {
			r := simulator.Outcome(3, capability, 0.5, prompt)
			if r.Verdict == simulator.Well && r.Quality > last || last < simulator.GoodQuality && r.Verdict == simulator.Well {
				t.Fatalf("prompt %d, capability %v: %+v after %v", prompt, capability, r, last)
			}
			if (r.Verdict == simulator.Well) != (r.Quality >= simulator.GoodQuality) {
				t.Fatalf("prompt %d: %+v", prompt, r)
			}
			last = r.Quality
		}
	}
}

func TestDifficultyFollowsThePrompt(t *testing.T) {
	ascending := []string{
		"What is the capital of Peru? One word.",
		"Translate to French: the tide is out.",
		"Write a friendly note to a neighbour about a parcel.",
		"Explain why this query is slow and compare two ways to fix it.\n```sql\nselect * from berths;\n```",
		"Design the architecture of a booking system. Compare two strategies, analyse the trade-offs step by step, " +
			"and prove that no deadlock can occur:\n1. two ports\n2. three fleets\n- audits\n- migrations\nWhy? How? When?\n```go\nfunc main() {}\n```",
	}
	last := -1.0
	for _, prompt := range ascending {
		d := simulator.Difficulty(prompt)
		if d <= last || d < 0 || d > 1 {
			t.Errorf("difficulty %.3f after %.3f: %.40s", d, last, prompt)
		}
		last = d
	}
	if short, long := simulator.Difficulty("Notes."), simulator.Difficulty(strings.Repeat("Notes. ", 8000)); long-short < 0.19 {
		t.Errorf("a long prompt: %.3f, a short one %.3f", long, short)
	}
}

// answered is what a test needs of an answer.
type answered struct {
	Choices []struct {
		Message struct {
			Content string
			Refusal *string
		}
		FinishReason string `json:"finish_reason"`
	}
	quality, difficulty float64
}

func answerTo(t *testing.T, url, body string) answered {
	t.Helper()
	res := send(t, url+"/chat/completions", body)
	if res.StatusCode != 200 {
		t.Fatalf("%d %s", res.StatusCode, text(t, res))
	}
	var a answered
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	a.quality, _ = strconv.ParseFloat(res.Header.Get(simulator.QualityHeader), 64)
	a.difficulty, _ = strconv.ParseFloat(res.Header.Get(simulator.DifficultyHeader), 64)
	return a
}

func TestTheAnswerTellsTheTruthAboutItself(t *testing.T) {
	_, url := start(t, simulator.Config{Seed: 5})
	seen := map[simulator.Verdict]int{}
	for i := range 150 {
		prompt := fmt.Sprintf("Describe harbour number %d and its lighthouses.", i)
		a := answerTo(t, url, fmt.Sprintf(`{"model":"small","messages":[{"role":"user","content":%q}],"metadata":{"difficulty":"0.5"}}`, prompt))
		r := simulator.Judge(prompt, a.Choices[0].Message.Content)
		if r.Quality != a.quality || a.difficulty != 0.5 {
			t.Errorf("judged %+v, stated %v (difficulty %v): %s", r, a.quality, a.difficulty, a.Choices[0].Message.Content)
		}
		if (r.Verdict == simulator.Truncated) != (a.Choices[0].FinishReason == "length") {
			t.Errorf("%s, finish reason %s", r.Verdict, a.Choices[0].FinishReason)
		}
		if blind := simulator.Judge("", a.Choices[0].Message.Content); blind != r {
			t.Errorf("judged %+v, without the prompt %+v", r, blind)
		}
		seen[r.Verdict]++
	}
	for _, v := range []simulator.Verdict{simulator.Well, simulator.Wrong, simulator.Truncated, simulator.OffTopic, simulator.Refusal} {
		if seen[v] < 3 {
			t.Errorf("verdicts: %v", seen)
		}
	}
}

func TestJudgeIsNotFooled(t *testing.T) {
	_, url := start(t, simulator.Config{})
	prompt := "Describe a lighthouse."
	good := answerTo(t, url, `{"model":"large","messages":[{"role":"user","content":"Describe a  lighthouse.\n"}],"metadata":{"difficulty":"0"}}`).Choices[0].Message.Content
	if r := simulator.Judge(prompt, good); r.Verdict != simulator.Well {
		t.Errorf("white space: %+v", r)
	}
	for name, tc := range map[string]struct {
		prompt, answer string
		want           simulator.Verdict
	}{
		"an answer to another prompt": {"Describe a bakery.", good, simulator.OffTopic},
		"a forged reference":          {prompt, "Fine. (ref 0123456789)", simulator.Truncated},
		"no end":                      {prompt, good[:len(good)/2], simulator.Truncated},
		"a refusal":                   {prompt, "I'm sorry, but I can't help with that.", simulator.Refusal},
		"a bare label":                {"Is it a bird or a fish? Reply with one word.", "bird", simulator.Unknown},
		"a number":                    {prompt, "0.8", simulator.Unknown},
		"JSON without room":           {prompt, `{"lit":true}`, simulator.Unknown},
	} {
		if r := simulator.Judge(tc.prompt, tc.answer); r.Verdict != tc.want {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestTheSameQuestionGetsTheSameAnswer(t *testing.T) {
	body := `{"model":"small","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Describe a rope bridge."}]}`
	_, a := start(t, simulator.Config{Seed: 1})
	_, b := start(t, simulator.Config{Seed: 1, Name: "another account"})
	_, c := start(t, simulator.Config{Seed: 2})
	first := answerTo(t, a, body)
	for _, url := range []string{a, b} {
		if got := answerTo(t, url, body); got.Choices[0] != first.Choices[0] || got.quality != first.quality {
			t.Errorf("got %+v, first %+v", got, first)
		}
	}
	if got := answerTo(t, c, body); got.Choices[0].Message.Content == first.Choices[0].Message.Content {
		t.Error("another seed gave the same answer")
	}
}

func TestCapabilityCanBeLostWhileServing(t *testing.T) {
	p, url := start(t, simulator.Config{})
	good := func() (n int) {
		for i := range 60 {
			body := fmt.Sprintf(`{"model":"large","messages":[{"role":"user","content":"Sketch plan %d."}],"metadata":{"difficulty":0.6}}`, i)
			if answerTo(t, url, body).quality >= simulator.GoodQuality {
				n++
			}
		}
		return n
	}
	before := good()
	if err := p.SetCapability("large", 0.5); err != nil {
		t.Fatal(err)
	}
	if after := good(); before < 55 || after > 30 {
		t.Errorf("%d good answers before, %d after", before, after)
	}
}

func TestASimulatedJudgeGradesWhatItReads(t *testing.T) {
	_, url := start(t, simulator.Config{Models: []simulator.Model{{Name: "judge", Capability: 1}, {Name: "large", Capability: 0.95}}})
	good := answerTo(t, url, `{"model":"large","messages":[{"role":"user","content":"Describe a quay."}],"metadata":{"difficulty":"0"}}`)
	want := good.quality
	content := good.Choices[0].Message.Content
	grade := func(instructions, answer, format string) string {
		body, err := json.Marshal(map[string]any{"model": "judge", "messages": []map[string]string{
			{"role": "system", "content": instructions}, {"role": "user", "content": "Question: Describe a quay.\nAnswer: " + answer},
		}, "response_format": json.RawMessage(format), "metadata": map[string]string{"difficulty": "0"}})
		if err != nil {
			t.Fatal(err)
		}
		return answerTo(t, url, string(body)).Choices[0].Message.Content
	}
	const plain = `{"type":"text"}`
	for _, tc := range []struct {
		instructions, answer string
		want                 float64
	}{
		{"Rate the answer. Reply with the number only.", content, want},
		{"Score the answer from 1 to 5.", content, 1 + 4*want},
		{"Score the answer from 0 to 10.", "I'm sorry, but I can't help with that.", 0.5},
		{"Grade the answer.", "It begins well but", 0.4},
	} {
		if got, err := strconv.ParseFloat(grade(tc.instructions, tc.answer, plain), 64); err != nil || math.Abs(got-tc.want) > 0.011 {
			t.Errorf("%s: %v (%v), want %v", tc.instructions, got, err, tc.want)
		}
	}
	schema := `{"type":"json_schema","json_schema":{"name":"grade","strict":true,"schema":{"type":"object","required":["score","reason"],
		"properties":{"score":{"type":"number","minimum":0,"maximum":1},"reason":{"type":"string"}}}}}`
	for name, format := range map[string]string{"schema": schema, "prose": plain} {
		var verdict struct {
			Score  *float64
			Reason string
		}
		out := grade(`Evaluate the answer. Return JSON: {"score": 0.0, "reason": "..."}`, content, format)
		if err := json.Unmarshal([]byte(out), &verdict); err != nil || verdict.Score == nil || math.Abs(*verdict.Score-want) > 0.011 || verdict.Reason == "" {
			t.Errorf("%s: %s", name, out)
		}
	}
}

func TestLabelsAreChosenFromThoseOffered(t *testing.T) {
	_, url := start(t, simulator.Config{})
	ask := func(prompt, difficulty string) string {
		body := fmt.Sprintf(`{"model":"large","messages":[{"role":"system","content":"Classify the task as one of: simple, moderate, complex. Reply with one word."},`+
			`{"role":"user","content":%q}],"metadata":{"difficulty":%q}}`, prompt, difficulty)
		return answerTo(t, url, body).Choices[0].Message.Content
	}
	for difficulty, want := range map[string]string{"0.1": "simple", "0.5": "moderate"} {
		if got := ask("Sort the nets.", difficulty); got != want {
			t.Errorf("difficulty %s: %s", difficulty, got)
		}
	}
	a := answerTo(t, url, `{"model":"large","messages":[{"role":"user","content":"Label this as billing, outage or feature. Choose one of: billing, outage or feature\nI was charged twice."}],"metadata":{"difficulty":"0"}}`)
	label, _, _ := strings.Cut(a.Choices[0].Message.Content, " (ref")
	if label != "billing" && label != "outage" && label != "feature" {
		t.Errorf("label: %s", a.Choices[0].Message.Content)
	}
	format := `"response_format":{"type":"json_schema","json_schema":{"name":"c","strict":true,"schema":{"type":"object","required":["class"],"properties":{"class":{"enum":["easy","hard"]}}}}}`
	b := answerTo(t, url, `{"model":"large","messages":[{"role":"user","content":"Sort the nets."}],"metadata":{"difficulty":"0"},`+format+`}`)
	if got := b.Choices[0].Message.Content; got != `{"class":"easy"}` {
		t.Errorf("class: %s", got)
	}
}

func TestTheLengthFollowsThePrompt(t *testing.T) {
	_, url := start(t, simulator.Config{Models: []simulator.Model{{Name: "terse", Capability: 1, Verbosity: 0.3}, {Name: "plain", Capability: 1}, {Name: "capped", Capability: 1, MaxOutputTokens: 30}}})
	tokens := func(model, prompt string) int {
		body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%q}],"metadata":{"difficulty":"0"}}`, model, prompt)
		return simulator.Tokens(answerTo(t, url, body).Choices[0].Message.Content)
	}
	for _, tc := range []struct {
		model, prompt string
		low, high     int
	}{
		{"plain", "Classify: the mast broke.", 8, 30},
		{"plain", "Say something about masts.", 55, 170},
		{"plain", "Write a detailed report about masts.", 160, 420},
		{"plain", "Write 300 words about masts.", 390, 430},
		{"plain", "Write three sentences about masts.", 40, 75},
		{"plain", "Write 12 sentences about masts.", 180, 230},
		{"terse", "Write a detailed report about masts.", 40, 130},
		{"capped", "Write a detailed report about masts.", 30, 30},
	} {
		if got := tokens(tc.model, tc.prompt); got < tc.low || got > tc.high {
			t.Errorf("%s, %s: %d tokens", tc.model, tc.prompt, got)
		}
	}
}
