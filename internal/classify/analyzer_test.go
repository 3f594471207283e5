package classify

import (
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/expression"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

var yes, no = true, false

func route(prompt routerconfig.PromptMatch, source string) []routerconfig.Route {
	return []routerconfig.Route{{Name: "r", Match: routerconfig.Match{Prompt: prompt, Expression: source}}}
}

func TestRouteMatches(t *testing.T) {
	const filler = "Nothing to see here. "
	conversation := &Input{
		Text:     []byte("And what is the usual dose?"),
		UserText: []byte("My doctor made a Diagnosis.\n```go\nx := 1\n```\nAnd what is the usual dose?"),
		Tokens:   100, Turns: 2, Tools: true, JSONSchema: true,
		Request: expression.Request{Headers: map[string][]string{"X-Plan": {"premium"}}},
	}
	long := textInput(strings.Repeat(filler, 2000) + "the diagnosis " + strings.Repeat(filler, 2000))
	tests := []struct {
		name   string
		in     *Input
		prompt routerconfig.PromptMatch
		source string
		want   bool
	}{
		{"an empty match holds", conversation, routerconfig.PromptMatch{}, "", true},
		{"a keyword of an earlier message is found", conversation, routerconfig.PromptMatch{Keywords: []string{"dosage", "diagnosis"}}, "", true},
		{"a keyword that is nowhere is not", conversation, routerconfig.PromptMatch{Keywords: []string{"dosage"}}, "", false},
		{"a keyword in the middle of a long text is found", long, routerconfig.PromptMatch{Keywords: []string{"diagnosis"}}, "", true},
		{"a pattern in the middle of a long text is found", long, routerconfig.PromptMatch{Pattern: "diagn[aeiou]sis"}, "", true},
		{"a pattern that is nowhere is not", long, routerconfig.PromptMatch{Pattern: "^diagnosis"}, "", false},
		{"code of an earlier message is found", conversation, routerconfig.PromptMatch{HasCode: &yes}, "", true},
		{"code is unwanted", conversation, routerconfig.PromptMatch{HasCode: &no}, "", false},
		{"the absence of code is wanted", long, routerconfig.PromptMatch{HasCode: &no}, "", true},
		{"bounds are inclusive", conversation, routerconfig.PromptMatch{MinTokens: 100, MaxTokens: 100}, "", true},
		{"too few tokens", conversation, routerconfig.PromptMatch{MinTokens: 101}, "", false},
		{"too many tokens", conversation, routerconfig.PromptMatch{MaxTokens: 99}, "", false},
		{"all conditions must hold", conversation, routerconfig.PromptMatch{MinTokens: 1, Keywords: []string{"diagnosis"}, Pattern: "x"}, "prompt.turns == 3", false},
		{"an expression sees the request and the prompt", conversation, routerconfig.PromptMatch{}, `request.headers["x-plan"] == "premium" && prompt.tokens == 100 && prompt.turns == 2 && prompt.hasCode && prompt.hasTools && !prompt.hasImages && prompt.text.contains("doctor")`, true},
		{"a missing header is no match", conversation, routerconfig.PromptMatch{}, `request.headers["x-other"] != "a"`, false},
	}
	var a Analysis
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			z := mustAnalyzer(t, route(tt.prompt, tt.source), routerconfig.Classification{Preset: routerconfig.PresetStandard})
			if z.UsesExpressions() != (tt.source != "") {
				t.Errorf("UsesExpressions() = %v", z.UsesExpressions())
			}
			z.Analyze(tt.in, &a)
			for range 2 { // the second answer comes from what is known
				if got := a.RouteMatches(0); got != tt.want || a.Err() != nil {
					t.Errorf("got %v, %v", got, a.Err())
				}
			}
		})
	}
}

func TestAnExpressionThatFailsDoesNotHoldAndIsReported(t *testing.T) {
	z := mustAnalyzer(t, route(routerconfig.PromptMatch{}, "10 / (prompt.turns - 1) > 1"), routerconfig.Classification{})
	var a Analysis
	z.Analyze(textInput("hello"), &a)
	if a.RouteMatches(0) {
		t.Error("it holds")
	}
	if err := a.Err(); err == nil || !strings.HasPrefix(err.Error(), "routes[0].match.expression: ") {
		t.Errorf("got %v", err)
	}
	z.Analyze(textInput("hello"), &a)
	if a.Err() != nil {
		t.Error("the error outlived its request")
	}
}

func TestCustomRules(t *testing.T) {
	rules := []routerconfig.Rule{
		{Name: "unsure", Class: moderate, Confidence: 0.5, Match: routerconfig.PromptMatch{Keywords: []string{"refund"}}},
		{Name: "refund", Class: complex_, Confidence: 0.9, Match: routerconfig.PromptMatch{Keywords: []string{"refund"}}, Expression: `request.client == "shop"`},
		{Name: "faq", Class: simple, Confidence: 1, Match: routerconfig.PromptMatch{Pattern: "(?i)opening hours"}},
	}
	shop := func(text string) *Input {
		in := textInput(text)
		in.Request.Client = "shop"
		return in
	}
	filler := strings.Repeat(prose, 40)
	earlier := textInput("opening hours?")
	earlier.Text = []byte("Prove that.")
	tests := []struct {
		name    string
		in      *Input
		preset  routerconfig.RulesPreset
		rule    string
		decided bool
	}{
		{"the first sure rule decides", shop("I want a refund"), routerconfig.PresetNone, "refund", true},
		{"an unsure rule is a guess", textInput("I want a refund"), routerconfig.PresetNone, "unsure", false},
		{"the preset may decide after an unsure rule", textInput("Write to the shop: I want a refund"), routerconfig.PresetStandard, "keyword-work", true},
		{"a custom rule goes before the preset", textInput("Prove your opening hours"), routerconfig.PresetStandard, "faq", true},
		{"no rule, no guess", textInput("Prove it"), routerconfig.PresetNone, "", false},
		{"rules read the last message only", earlier, routerconfig.PresetStandard, "keyword-prove", true},
		{"rules read the beginning of a long message", textInput("opening hours " + filler), routerconfig.PresetNone, "faq", true},
		{"rules read the end of a long message", textInput(filler + "opening hours"), routerconfig.PresetNone, "faq", true},
		{"rules do not read the middle of a long message", textInput(filler + "opening hours" + filler), routerconfig.PresetNone, "", false},
	}
	var a Analysis
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			z := mustAnalyzer(t, nil, routerconfig.Classification{Preset: tt.preset, Custom: rules})
			z.Analyze(tt.in, &a)
			v, decided := a.Classify()
			if v.Rule != tt.rule || decided != tt.decided {
				t.Errorf("got %+v, %v", v, decided)
			}
			if v.Rule != "" && v.Method != MethodRules {
				t.Errorf("the method is %q", v.Method)
			}
		})
	}
}

func TestExplainListsAllRulesThatMatch(t *testing.T) {
	z := mustAnalyzer(t, nil, routerconfig.Classification{
		Preset: routerconfig.PresetStandard,
		Custom: []routerconfig.Rule{{Name: "mine", Class: simple, Confidence: 0.1, Match: routerconfig.PromptMatch{Keywords: []string{"prove"}}}},
	})
	var a Analysis
	z.Analyze(textInput("Prove that P is in NP. Explain why."), &a)
	e := a.Explain()
	var rules []string
	for _, v := range e.Matched {
		rules = append(rules, v.Rule)
	}
	if got := strings.Join(rules, " "); got != "mine keyword-prove keyword-explain" || !e.Decided || e.Verdict.Rule != "keyword-prove" {
		t.Errorf("got %q, %+v", got, e)
	}
}

func TestAShortMessageIsOnlySimpleByItself(t *testing.T) {
	z := mustAnalyzer(t, nil, routerconfig.Classification{Preset: routerconfig.PresetStandard})
	tests := []struct {
		name   string
		change func(in *Input)
		rule   string
	}{
		{"alone", func(*Input) {}, "short-question"},
		{"in a long conversation", func(in *Input) { in.Turns = 5 }, "long-conversation"},
		{"after much text", func(in *Input) { in.Tokens = 2000 }, ""},
		{"after very much text", func(in *Input) { in.Tokens = 4000 }, "long-prompt"},
		{"with tools", func(in *Input) { in.Tools = true }, ""},
		{"with an image", func(in *Input) { in.Images = true }, ""},
	}
	var a Analysis
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := textInput("What is that?")
			tt.change(in)
			z.Analyze(in, &a)
			if v, _ := a.Classify(); v.Rule != tt.rule {
				t.Errorf("got %q, want %q", v.Rule, tt.rule)
			}
		})
	}
}

func TestAJSONSchemaMakesAnExtraction(t *testing.T) {
	z := mustAnalyzer(t, nil, routerconfig.Classification{Preset: routerconfig.PresetStandard})
	var a Analysis
	in := textInput("Extract the names from the attachment")
	in.JSONSchema = true
	z.Analyze(in, &a)
	if v, _ := a.Classify(); v.Rule != "extraction" {
		t.Errorf("got %q", v.Rule)
	}
}

func TestNewAnalyzerNamesEveryFault(t *testing.T) {
	_, err := NewAnalyzer(
		[]routerconfig.Route{{Name: "ok"}, {Match: routerconfig.Match{Prompt: routerconfig.PromptMatch{Pattern: "("}, Expression: "prompt.tokns > 1"}}},
		routerconfig.Classification{Preset: "Fancy", Custom: []routerconfig.Rule{{Expression: "1"}}},
	)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"classification.preset: \"Fancy\"", "classification.custom[0].expression: 1:1: ", "routes[1].match.prompt.pattern: ", "routes[1].match.expression: 1:1: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}

func TestAnAnalysisCanBeUsedForAnotherConfig(t *testing.T) {
	var a Analysis
	for _, sets := range []int{1, 200, 3} {
		var routes []routerconfig.Route
		for range sets {
			routes = append(routes, route(routerconfig.PromptMatch{Keywords: []string{"refund"}}, "")...)
		}
		z := mustAnalyzer(t, routes, routerconfig.Classification{Preset: routerconfig.PresetStandard})
		z.Analyze(textInput("no such word"), &a)
		if a.RouteMatches(sets - 1) {
			t.Error("a hit of an earlier request was kept")
		}
		z.Analyze(textInput("a refund"), &a)
		if !a.RouteMatches(sets - 1) {
			t.Error("no hit")
		}
		a.Release()
	}
}

func TestTierFor(t *testing.T) {
	for _, tt := range []struct{ tiers, simple, moderate, complex int }{
		{1, 0, 0, 0}, {2, 0, 0, 1}, {3, 0, 1, 2}, {4, 0, 1, 3}, {5, 0, 2, 4},
	} {
		if s, m, c := TierFor(simple, tt.tiers), TierFor(moderate, tt.tiers), TierFor(complex_, tt.tiers); s != tt.simple || m != tt.moderate || c != tt.complex {
			t.Errorf("%d tiers: got %d, %d, %d", tt.tiers, s, m, c)
		}
	}
}

func TestADecisionDoesNotAllocate(t *testing.T) {
	z := mustAnalyzer(t, benchmarkRoutes, routerconfig.Classification{Preset: routerconfig.PresetStandard})
	in := textInput("Please design a clock. " + strings.Repeat(prose, 3))
	earlier := textInput("My diagnosis. Please explain it. " + strings.Repeat(prose, 30))
	earlier.Text = []byte("Explain it")
	var a Analysis
	for _, in := range []*Input{in, earlier} {
		decide := func() {
			z.Analyze(in, &a)
			a.RouteMatches(0)
			a.Classify()
			a.Release()
		}
		decide()
		if n := testing.AllocsPerRun(100, decide); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

func FuzzAnalyze(f *testing.F) {
	for _, g := range golden {
		f.Add([]byte(g.prompt), uint8(0), int64(10), 1)
	}
	f.Add([]byte("```\n```` ```json\n- ,"), uint8(9), int64(-1), 0)
	z := mustAnalyzer(f, []routerconfig.Route{
		route(routerconfig.PromptMatch{Keywords: []string{"a", "c++", "证", "-"}, HasCode: &yes}, "")[0],
		route(routerconfig.PromptMatch{Pattern: "a+b"}, `prompt.text.contains("x") || prompt.hasCode`)[0],
	}, routerconfig.Classification{Preset: routerconfig.PresetStandard})
	var a Analysis
	f.Fuzz(func(t *testing.T, text []byte, split uint8, tokens int64, times int) {
		if times < 1 || len(text)*times > 100_000 {
			t.Skip()
		}
		text = []byte(strings.Repeat(string(text), times))
		in := &Input{Text: text[min(int(split), len(text)):], UserText: text, Tokens: tokens, Turns: int(split)}
		z.Analyze(in, &a)
		a.RouteMatches(0)
		a.RouteMatches(1)
		v, decided := a.Classify()
		if decided && (v.Class == "" || v.Confidence < MinConfidence) {
			t.Errorf("decided on %+v", v)
		}
		if e := a.Explain(); e.Verdict != v || decided && len(e.Matched) == 0 {
			t.Errorf("explained as %+v, but decided as %+v", e, v)
		}
	})
}
