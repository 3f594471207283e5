package classify

import (
	"math"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/expression"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// ruleCondition is a condition of a custom rule, put to a rule.
type ruleCondition struct {
	name string
	put  func(*routerconfig.Rule)
}

// refundInput meets all conditions that hold, and none that fail.
func refundInput() *Input {
	in := textInput("Why is my REFUND of order 4711 late?\n```go\nx := 1\n```")
	in.Tokens, in.Turns, in.Tools = 100, 3, true
	in.Request = expression.Request{Client: "shop", Headers: map[string][]string{"X-Plan": {"premium"}}, Metadata: func() map[string]string { return map[string]string{"team": "support"} }}
	return in
}

var holding = []ruleCondition{
	{"enough tokens", func(r *routerconfig.Rule) { r.Match.MinTokens = 100 }},
	{"few enough tokens", func(r *routerconfig.Rule) { r.Match.MaxTokens = 100 }},
	{"one of the keywords", func(r *routerconfig.Rule) { r.Match.Keywords = []string{"invoice", "refund"} }},
	{"the pattern", func(r *routerconfig.Rule) { r.Match.Pattern = `order \d{4}` }},
	{"code", func(r *routerconfig.Rule) { r.Match.HasCode = &yes }},
	{"the expression, of the request", func(r *routerconfig.Rule) {
		r.Expression = `request.client == "shop" && request.headers["x-plan"] == "premium" && request.metadata["team"] == "support"`
	}},
}

var failing = []ruleCondition{
	{"too few tokens", func(r *routerconfig.Rule) { r.Match.MinTokens = 101 }},
	{"too many tokens", func(r *routerconfig.Rule) { r.Match.MaxTokens = 99 }},
	{"a keyword only within a word", func(r *routerconfig.Rule) { r.Match.Keywords = []string{"fund", "orders"} }},
	{"another pattern", func(r *routerconfig.Rule) { r.Match.Pattern = `^order` }},
	{"code where none is wanted", func(r *routerconfig.Rule) { r.Match.HasCode = &no }},
	{"an expression that is false", func(r *routerconfig.Rule) { r.Expression = `prompt.turns > 3 || !prompt.hasTools` }},
	{"an expression that reads what is not there", func(r *routerconfig.Rule) { r.Expression = `request.headers["x-other"] != "a"` }},
}

// custom returns what rules of the policy, and no preset, say of the input.
func custom(t *testing.T, in *Input, rules ...routerconfig.Rule) (Verdict, bool) {
	t.Helper()
	z := mustAnalyzer(t, nil, routerconfig.Classification{Preset: routerconfig.PresetNone, Custom: rules})
	var a Analysis
	z.Analyze(in, &a)
	return a.Classify()
}

func sure(name string, class routerconfig.Class) routerconfig.Rule {
	return routerconfig.Rule{Name: name, Class: class, Confidence: 0.9}
}

func TestEachConditionOfARuleDecidesAlone(t *testing.T) {
	for _, c := range holding {
		rule := sure("mine", complex_)
		c.put(&rule)
		if v, decided := custom(t, refundInput(), rule); !decided || v.Rule != "mine" || v.Class != complex_ || v.Confidence != 0.9 || !v.Custom {
			t.Errorf("%s: %+v, %v", c.name, v, decided)
		}
	}
	for _, c := range failing {
		rule := sure("mine", complex_)
		c.put(&rule)
		if v, decided := custom(t, refundInput(), rule); decided || v.Rule != "" {
			t.Errorf("%s: %+v, %v", c.name, v, decided)
		}
	}
}

func TestAllConditionsOfARuleMustHoldTogether(t *testing.T) {
	whole := sure("mine", complex_)
	for _, c := range holding {
		c.put(&whole)
	}
	if _, decided := custom(t, refundInput(), whole); !decided {
		t.Fatal("the rule does not hold though all its conditions do")
	}
	for _, c := range failing {
		rule := whole
		c.put(&rule)
		if v, decided := custom(t, refundInput(), rule); decided {
			t.Errorf("with %s it still holds: %+v", c.name, v)
		}
	}
	for i := range holding { // and any two
		for k := range failing {
			rule := sure("mine", complex_)
			holding[i].put(&rule)
			failing[k].put(&rule)
			same := strings.HasPrefix(failing[k].name, "an expression") && strings.HasPrefix(holding[i].name, "the expression")
			if _, decided := custom(t, refundInput(), rule); decided && !same {
				t.Errorf("%s and %s hold together", holding[i].name, failing[k].name)
			}
		}
	}
}

func TestRulesAreTriedInTheirOrderAndTheFirstSureOneDecides(t *testing.T) {
	rule := func(name string, class routerconfig.Class, confidence float64, keyword string) routerconfig.Rule {
		return routerconfig.Rule{Name: name, Class: class, Confidence: confidence, Match: routerconfig.PromptMatch{Keywords: []string{keyword}}}
	}
	a, b := rule("a", simple, 0.9, "refund"), rule("b", complex_, 1, "refund")
	below, at := rule("below", moderate, math.Nextafter(MinConfidence, 0), "refund"), rule("at", moderate, MinConfidence, "refund")
	other := rule("other", simple, 1, "invoice")
	for name, tt := range map[string]struct {
		rules   []routerconfig.Rule
		want    string
		decided bool
	}{
		"the first of two":                              {[]routerconfig.Rule{a, b}, "a", true},
		"not the one with the higher confidence":        {[]routerconfig.Rule{b, a}, "b", true},
		"one that does not hold is passed over":         {[]routerconfig.Rule{other, b}, "b", true},
		"one just below the threshold is passed over":   {[]routerconfig.Rule{below, a}, "a", true},
		"one at the threshold decides":                  {[]routerconfig.Rule{at, a}, "at", true},
		"of unsure ones the first is the guess":         {[]routerconfig.Rule{other, below, rule("later", simple, 0.6, "refund")}, "below", false},
		"none that holds, none that is guessed to hold": {[]routerconfig.Rule{other}, "", false},
	} {
		if v, decided := custom(t, refundInput(), tt.rules...); v.Rule != tt.want || decided != tt.decided {
			t.Errorf("%s: %+v, %v", name, v, decided)
		}
	}
}

func TestCustomRulesGoBeforeThePreset(t *testing.T) {
	in := textInput("Prove that there are infinitely many primes.")
	mine := sure("mine", simple)
	mine.Match.Keywords = []string{"primes"}
	unsure := mine
	unsure.Confidence = 0.5
	for _, tt := range []struct {
		name string
		rule routerconfig.Rule
		want string
	}{
		{"a sure one decides though the preset says otherwise", mine, "mine"},
		{"an unsure one leaves it to the preset", unsure, "keyword-prove"},
	} {
		z := mustAnalyzer(t, nil, routerconfig.Classification{Preset: routerconfig.PresetStandard, Custom: []routerconfig.Rule{tt.rule}})
		var a Analysis
		z.Analyze(in, &a)
		if v, decided := a.Classify(); v.Rule != tt.want || !decided || v.Custom != (tt.want == "mine") {
			t.Errorf("%s: %+v, %v", tt.name, v, decided)
		}
	}
}

func TestAnExpressionOfARuleThatFailsIsReportedByItsField(t *testing.T) {
	bad, good := sure("bad", complex_), sure("good", simple)
	bad.Expression = "10 / (prompt.turns - 3) > 1"
	z := mustAnalyzer(t, nil, routerconfig.Classification{Custom: []routerconfig.Rule{bad, good}})
	var a Analysis
	z.Analyze(refundInput(), &a)
	if v, decided := a.Classify(); v.Rule != "good" || !decided {
		t.Errorf("%+v, %v", v, decided)
	}
	if err := a.Err(); err == nil || !strings.HasPrefix(err.Error(), "classification.custom[0].expression: ") {
		t.Errorf("%v", err)
	}
}

func TestARuleThatIsWrongIsRefusedByItsField(t *testing.T) {
	for want, put := range map[string]func(*routerconfig.Rule){
		"classification.custom[1].match.pattern: error parsing regexp":                                func(r *routerconfig.Rule) { r.Match.Pattern = "(" },
		"classification.custom[1].expression: 1:1: undeclared reference to 'promt'":                   func(r *routerconfig.Rule) { r.Expression = "promt.tokens > 1" },
		"classification.custom[1].expression: 1:1: prompt has no such field; it has text, tokens":     func(r *routerconfig.Rule) { r.Expression = "prompt.tokns > 1" },
		"classification.custom[1].expression: 1:1: the expression must be a bool, but is of type int": func(r *routerconfig.Rule) { r.Expression = "1" },
	} {
		rule := sure("mine", simple)
		put(&rule)
		_, err := NewAnalyzer(nil, routerconfig.Classification{Custom: []routerconfig.Rule{sure("fine", simple), rule}})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}
