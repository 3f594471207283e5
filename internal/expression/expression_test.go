package expression

import (
	"net/http"
	"strings"
	"testing"
)

func sampleVars() *Vars {
	header := http.Header{}
	header.Set("x-plan", "premium")
	header.Set("X-Groups", "search,ads")
	header.Add("X-Groups", "not seen")
	header["X-Empty"] = nil
	return &Vars{
		Request: Request{
			Path: "/api/code-review", Method: "POST", Model: "auto", User: "u-1", Client: "web-app", Stream: true,
			Headers:  header,
			Metadata: func() map[string]string { return map[string]string{"team": "search"} },
		},
		Prompt: Prompt{
			Text: []byte("Why does this fail?\nfmt.Println(x)"), Tokens: 3000, Turns: 2, HasTools: true, HasImages: true,
			HasCode: func() bool { return true },
		},
	}
}

func TestEval(t *testing.T) {
	tests := []struct {
		name, src string
		want      bool
	}{
		{"the sample of the documentation holds", `request.headers["x-plan"] == "premium" && prompt.tokens > 2000`, true},
		{"a header name is found without regard to case", `request.headers["X-PLAN"] == "premium"`, true},
		{"the first value of a header counts", `request.headers["x-groups"] == "search,ads"`, true},
		{"a header without values is absent", `"x-empty" in request.headers`, false},
		{"presence can be asked for", `"x-plan" in request.headers && !("x-other" in request.headers)`, true},
		{"presence can be asked for by has", `has(request.headers.missing)`, false},
		{"header names iterate in lower case", `request.headers.exists(k, k == "x-plan")`, true},
		{"header values are reachable while iterating", `request.headers.all(k, request.headers[k] != "")`, true},
		{"headers have a size and compare as maps", `size(request.headers) == 2 && request.headers == {"x-plan": "premium", "x-groups": "search,ads"}`, true},
		{"headers have the type of a map", `type(request.headers) == map`, true},
		{"a missing header makes a comparison not hold", `request.headers["x-other"] == "a"`, false},
		{"a missing header makes an inequality not hold either", `request.headers["x-other"] != "a"`, false},
		{"a negated comparison with a missing header does not hold", `!(request.headers["x-other"] == "a")`, false},
		{"the documented negation holds without the header", `!("x-other" in request.headers && request.headers["x-other"] == "free")`, true},
		{"an alternative can hold in spite of a missing header", `request.headers["x-other"] == "a" || prompt.tokens > 2000`, true},
		{"an index out of a list's bounds does not hold", `prompt.text.split("|")[7] == "x"`, false},
		{"metadata is a map", `request.metadata["team"] == "search" && !has(request.metadata.cost)`, true},
		{"missing metadata does not hold", `request.metadata["cost"] == "1"`, false},
		{"all fields of the request can be read", `request.path.startsWith("/api/") && request.method == "POST" && request.model == "auto" && request.user == "u-1" && request.client == "web-app" && request.stream`, true},
		{"all fields of the prompt can be read", `prompt.hasCode && prompt.turns == 2 && prompt.hasTools && prompt.hasImages && prompt.tokens == 3000`, true},
		{"the text can be searched", `prompt.text.contains("fail") && prompt.text.matches("(?i)WHY.*\\?") && prompt.text.lowerAscii().startsWith("why")`, true},
		{"a value may be tested against a list", `request.client in ["web-app", "batch"]`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Compile(tt.src)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Eval(sampleVars())
			if err != nil || got != tt.want {
				t.Errorf("%s = %v, %v; want %v", tt.src, got, err, tt.want)
			}
		})
	}
}

func TestEvalOfTheZeroVarsIsNoError(t *testing.T) {
	p, err := Compile(`request.headers["a"] == "" || request.metadata["a"] == "" || prompt.hasCode || prompt.text != ""`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Eval(&Vars{}); got || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEvalReportsFailuresOfTheExpressionItself(t *testing.T) {
	for _, src := range []string{`1 / (prompt.tokens - 3000) == 1`, `int(request.headers["x-plan"]) > 5`} {
		p, err := Compile(src)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Eval(sampleVars()); got || err == nil {
			t.Errorf("%s = %v, %v; want an error", src, got, err)
		}
	}
}

func TestEvalReadsOnlyWhatTheExpressionUses(t *testing.T) {
	p, err := Compile(`prompt.tokens > 5000 && prompt.hasCode && request.metadata["team"] == "x"`)
	if err != nil {
		t.Fatal(err)
	}
	v := sampleVars()
	v.Prompt.HasCode = func() bool { t.Error("hasCode was computed"); return false }
	v.Request.Metadata = func() map[string]string { t.Error("metadata was read"); return nil }
	if got, err := p.Eval(v); got || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCompileSaysWhatIsWrongAndWhere(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"empty", " ", "the expression is empty"},
		{"unknown variable", `reqest.path == "/a"`, "1:1: undeclared reference to 'reqest'"},
		{"unknown field", `prompt.tokns > 3`, "1:1: prompt has no such field; it has text, tokens, hasCode"},
		{"unknown field on the second line", "prompt.turns > 3 &&\n  request.header == \"\"", "2:3: request has no such field; it has path, method, model, headers"},
		{"not a bool", `prompt.tokens + 1`, "1:1: the expression must be a bool, but is of type int"},
		{"of unknown type", `dyn(true)`, "1:1: the expression must be a bool, but is of type dyn"},
		{"wrong types", `prompt.tokens == "many"`, "1:15: found no matching overload for '_==_' applied to '(int, string)'"},
		{"syntax", `prompt.tokens >`, "1:16: Syntax error: mismatched input '<EOF>'"},
		{"two faults", `a == 1 && b == 2`, "1:1: undeclared reference to 'a'; 1:11: undeclared reference to 'b'"},
		{"bad pattern", `prompt.text.matches("(")`, "1:21: invalid matches argument"},
		{"too long", `prompt.turns > ` + strings.Repeat("1 + ", 2000) + "1", "expression code point size exceeds limit"},
		{"too deep", strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100), "recursion limit exceeded"},
		{"quadratic in the prompt", `prompt.text.replace("", prompt.text) == ""`, "times what is allowed on a long prompt"},
		{"a loop in a loop over the prompt", `prompt.text.split(" ").exists(a, prompt.text.split(" ").exists(b, a == b))`, "times what is allowed on a long prompt"},
		{"a loop over the prompt that searches the prompt", `prompt.text.split("\n").all(line, prompt.text.contains(line))`, "times what is allowed on a long prompt"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(tt.src)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestCompileAcceptsWhatConditionsNeed(t *testing.T) {
	for _, src := range []string{
		`prompt.text.matches("(?i)\\b(diagnos(is|es|ed)|dosage|prescription|symptoms?)\\b")`,
		`["a", "b", "c"].exists(k, prompt.text.contains(k))`,
		`request.headers.exists(k, k.startsWith("x-team-") && request.headers[k] == "on")`,
		`request.headers["x-groups"].split(",").exists(g, g in ["search", "ads"])`,
		`prompt.text.lowerAscii().contains("urgent")`,
		`prompt.text.split("\n").size() > 200`,
	} {
		if _, err := Compile(src); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, src := range []string{
		`request.headers["x-plan"] == "premium" && prompt.tokens > 2000`, `prompt.text.split(" ").exists(w, w.size() > 9)`,
		`has(request.metadata.a)`, `"%s %d".format([prompt.text, 1]) == ""`, "((((", "a.b.c", "`x`", "1 ? 2 : 3", "\x00", `"\xff`,
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, err := Compile(src)
		if err != nil {
			return
		}
		if got, err := p.Eval(sampleVars()); got && err != nil {
			t.Errorf("%q holds and fails: %v", src, err)
		}
		_, _ = p.Eval(&Vars{})
	})
}

func benchmarkEval(b *testing.B, src string, v *Vars) {
	p, err := Compile(src)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Eval(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvalHeaderAndTokens(b *testing.B) {
	benchmarkEval(b, `request.headers["x-plan"] == "premium" && prompt.tokens > 2000`, sampleVars())
}

func BenchmarkEvalMissingHeader(b *testing.B) {
	benchmarkEval(b, `request.headers["x-other"] == "premium" && prompt.tokens > 2000`, sampleVars())
}

func BenchmarkEvalField(b *testing.B) {
	benchmarkEval(b, `prompt.tokens > 2000`, sampleVars())
}

// The worst that the cost limit lets pass, on a prompt of a megabyte.
func BenchmarkEvalWorst(b *testing.B) {
	v := sampleVars()
	v.Prompt.Text = []byte(strings.Repeat("lorem ipsum dolor sit amet, ", maxText/28))
	for name, src := range map[string]string{
		"pattern":  `prompt.text.matches("(?i)([a-z]+ [a-z]+ [a-z]+,? )+[a-z ,]*(xylophone|zebra|(yak|gnu)+s)$")`,
		"split":    `prompt.text.split("").size() == 3`,
		"contains": `prompt.text.contains("amet, dolor")`,
		"lower":    `prompt.text.lowerAscii() == "x"`,
	} {
		b.Run(name, func(b *testing.B) { benchmarkEval(b, src, v) })
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := Compile(`request.headers["x-plan"] == "premium" && prompt.tokens > 2000`); err != nil {
			b.Fatal(err)
		}
	}
}
