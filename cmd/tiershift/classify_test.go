package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/classify/chain"
	"github.com/tiershift/tiershift/internal/provider/patch"
)

// write puts a text into a file of a temporary directory.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func outcomes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"prompt":"What is town%d?","outcomes":{"small":1,"large":1}}`+"\n", i)
		fmt.Fprintf(&b, `{"prompt":"Prove lemma%d of the long chapter.","outcomes":{"small":0,"large":%d}}`+"\n", i, i%2)
	}
	return b.String()
}

func TestTrainEvalClassify(t *testing.T) {
	data, dir := write(t, "outcomes.jsonl", outcomes(60)), t.TempDir()
	file := filepath.Join(dir, "model.json")
	out, err := tiershift(t, "train", "--data", data, "--out", file, "--report", filepath.Join(dir, "report"), "--date", "2026-01-02", "--folds", "3")
	if err != nil || !strings.Contains(out, "always large") || !strings.Contains(out, "wrote "+file) {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"report.txt", "report.json", "cost-quality.svg", "calibration.svg"} {
		if _, err := os.Stat(filepath.Join(dir, "report", name)); err != nil {
			t.Error(err)
		}
	}
	out, err = tiershift(t, "eval", "--data", data, "--model", file, "-o", "json")
	var report struct {
		MacroAPGR float64
		Card      struct{ Date string }
	}
	if err != nil || json.Unmarshal([]byte(out), &report) != nil || report.MacroAPGR < 0.6 || report.Card.Date != "2026-01-02" {
		t.Errorf("%v: %+v\n%s", err, report, out)
	}
	prompts := write(t, "prompts.jsonl", `{"id":"easy","prompt":"What is town7?"}`+"\n"+`{"id":2,"prompt":"Prove lemma9 of the long chapter."}`+"\n")
	out, err = tiershift(t, "classify", "--in", prompts, "--model", file, "--target-quality", "0.8")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], `{"id":"easy","class":"SIMPLE","tier":"small"`) ||
		!strings.HasPrefix(lines[1], `{"id":2,"class":"COMPLEX","tier":"large"`) {
		t.Errorf("%s", out)
	}
}

// manyPrompts are lines of which the last three are bad, bad and good.
func manyPrompts() string {
	var b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&b, `{"id":%d,"prompt":"%s"}`+"\n", i, strings.Repeat("why ", i%50+1))
	}
	b.WriteString("{}\nprompt\n" + `{"id":500,"prompt":"why"}` + "\n")
	return b.String()
}

func TestClassifyKeepsTheOrderAndNamesBadLines(t *testing.T) {
	in := write(t, "in.jsonl", manyPrompts())
	root := newRoot()
	var out, problems strings.Builder
	root.SetOut(&out)
	root.SetErr(&problems)
	root.SetArgs([]string{"classify", "-f", quickstart, "--in", in})
	if err := root.ExecuteContext(t.Context()); err == nil || err.Error() != "2 of 503 lines could not be classified" {
		t.Errorf("error %v", err)
	}
	named := strings.Split(strings.TrimSpace(problems.String()), "\n")
	if len(named) != 2 || named[0] != in+":501: prompt: is missing" || !strings.HasPrefix(named[1], in+":502: is not a JSON object") {
		t.Errorf("named %q", named)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 501 {
		t.Fatalf("%d lines, want all 501 good ones", len(lines))
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, fmt.Sprintf(`{"id":%d,`, i)) {
			t.Fatalf("line %d is %s", i, line)
		}
	}
}

func TestStrictClassifyStopsAtTheFirstBadLine(t *testing.T) {
	in := write(t, "in.jsonl", manyPrompts())
	out, err := tiershift(t, "classify", "--strict", "-f", quickstart, "--in", in)
	if err == nil || err.Error() != in+":501: prompt: is missing" {
		t.Errorf("error %v", err)
	}
	if lines := strings.Count(out, "\n"); lines != 500 {
		t.Errorf("%d lines, want the 500 before the bad one", lines)
	}
}

func TestInterruptedTrainingLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	root := newRoot()
	root.SetArgs([]string{"train", "--data", write(t, "o.jsonl", outcomes(100)), "--out", filepath.Join(dir, "model.json")})
	root.SetErr(&strings.Builder{})
	if err := root.ExecuteContext(ctx); err == nil {
		t.Error("no error")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestClassifierCommandsRefuse(t *testing.T) {
	data := write(t, "o.jsonl", outcomes(20))
	bad := write(t, "bad.jsonl", `{"prompt":"x","label":"SIMPLE"}`+"\nnope\n")
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a bad line of learning data", []string{"eval", "--data", bad}, bad + ": line 2: is not a JSON object"},
		{"another format", []string{"eval", "--data", data, "--format", "csv"}, "--format must be one of"},
		{"tiers the model does not know", []string{"eval", "--data", data}, `tier "`},
		{"costs for other tiers", []string{"eval", "--data", data, "--costs", "1,2"}, "--costs has 2 costs for 3 tiers"},
		{"a cost of nothing", []string{"eval", "--data", data, "--costs", "0,2"}, "--costs must be above 0"},
		{"another output", []string{"eval", "--data", data, "-o", "xml"}, "--output must be table or json"},
		{"another date", []string{"train", "--data", data, "--out", "x", "--date", "today"}, "--date must be"},
		{"a model that is none", []string{"classify", "--model", data}, "model: "},
		{"a target above 1", []string{"classify", "--target-quality", "2"}, "--target-quality must be"},
		{"a negative price", []string{"classify", "--price", "-1"}, "--price must not be negative"},
		{"a penalty of nothing", []string{"train", "--data", data, "--out", "x", "--penalty", "0"}, "--penalty must be"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := tiershift(t, test.args...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// classifiedLines are the lines that classify prints for the prompts.
func classifiedLines(t *testing.T, prompts []string, args ...string) []classified {
	t.Helper()
	var in strings.Builder
	for i, p := range prompts {
		line, err := json.Marshal(map[string]any{"id": i, "prompt": p})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	out, err := tiershift(t, append([]string{"classify", "--in", write(t, "in.jsonl", in.String())}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	var lines []classified
	for line := range strings.Lines(out) {
		var c classified
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains("SIMPLE MODERATE COMPLEX", c.Class) || c.Class == "" || c.Tier == "" || c.Confidence <= 0 || c.Score < 0 || c.Score > 1 {
			t.Errorf("%s", line)
		}
		lines = append(lines, c)
	}
	if len(lines) != len(prompts) {
		t.Fatalf("%d lines, want %d", len(lines), len(prompts))
	}
	return lines
}

// diversePrompts are decided by rules, by the classifier, by a route's match, or by
// nothing.
var diversePrompts = []string{
	"What is the capital of France?", "Prove the four colour theorem, step by step.", "Compare tea and coffee.", "Which dosage of ibuprofen is right?",
	"zzz qqq something that no rule knows of at all, somehow", "", "Ποια είναι η πρωτεύουσα;", strings.Repeat("and then ", 6000),
}

// classifyingPolicy is a policy whose rules, classifier and LLM classify: the LLM's
// tier is at a provider that nobody can reach.
const classifyingPolicy = `
apiVersion: tiershift.dev/v1alpha1
kind: ProviderCredential
metadata: {name: nowhere}
spec: {provider: OpenAICompatible, endpoint: "http://127.0.0.1:9/v1"}
---
apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata: {name: low}
spec: {rank: 10, models: [{name: a, credentialRef: {name: nowhere}, pricing: {inputPerMillion: "0.1", outputPerMillion: "0.4"}}]}
---
apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata: {name: high}
spec: {rank: 20, models: [{name: b, credentialRef: {name: nowhere}, pricing: {inputPerMillion: "3", outputPerMillion: "15"}}]}
---
apiVersion: tiershift.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: p}
spec:
  gateway: {auth: {mode: None}}
  tiers: [{name: low}, {name: high}]
  defaultTier: low
  classification:
    rules:
      preset: Standard
      custom: [{name: parcels, class: COMPLEX, confidence: "0.9", match: {keywords: [parcel]}}]
    model: {minConfidence: "0.9"}
    llm: {tier: low}
    lowConfidenceTier: high
`

func TestClassifyByAPolicyDecidesAsExplainDoes(t *testing.T) {
	for name, dir := range map[string]string{"rules": quickstart, "rules, classifier and LLM": write(t, "policy.yaml", classifyingPolicy)} {
		t.Run(name, func(t *testing.T) {
			prompts := append([]string{"Where is my parcel?"}, diversePrompts...)
			for i, c := range classifiedLines(t, prompts, "-f", dir) {
				out, err := tiershift(t, "explain", "-f", dir, "-o", "json", prompts[i])
				if err != nil {
					t.Fatal(err)
				}
				var e struct{ Tier, Class string }
				if err := json.Unmarshal([]byte(out), &e); err != nil {
					t.Fatal(err)
				}
				if c.Tier != e.Tier || c.Class != e.Class && e.Class != "" && e.Class != "UNDECIDED" {
					t.Errorf("%.40q: %s %s, but the router's %s %s", prompts[i], c.Tier, c.Class, e.Tier, e.Class)
				}
			}
		})
	}
}

func TestClassifyWithoutAPolicyLetsTheClassifierOverruleARule(t *testing.T) {
	classifiedLines(t, diversePrompts)
	classifiedLines(t, diversePrompts, "--rules=false")
	// To both a rule says MODERATE and the classifier SIMPLE: of the first it is sure
	// enough.
	prompts := []string{"Plan lunch", "Recommend a book"}
	lines, alone := classifiedLines(t, prompts), classifiedLines(t, prompts, "--rules=false")
	if lines[0].Class != "SIMPLE" || lines[0].Confidence != alone[0].Confidence || alone[0].Confidence < chain.Overrule {
		t.Errorf("%+v, the classifier alone %+v", lines[0], alone[0])
	}
	if lines[1].Class != "MODERATE" || alone[1].Class != "SIMPLE" || alone[1].Confidence >= chain.Overrule {
		t.Errorf("%+v, the classifier alone %+v", lines[1], alone[1])
	}
}

func TestClassifyByAPolicyTakesNoOtherSayInIt(t *testing.T) {
	for _, flag := range []string{"--model=m.json", "--target-quality=0.9", "--price=1", "--rules=false"} {
		_, err := tiershift(t, "classify", "-f", quickstart, "--in", write(t, "in.jsonl", ""), flag)
		name, _, _ := strings.Cut(flag, "=")
		if err == nil || !strings.HasPrefix(err.Error(), name+": with -f the policy says how prompts are classified") {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func TestClassifyTellsTheRouterWhatTheLineSays(t *testing.T) {
	in := asked{Prompt: new(string), Turns: 3, Tools: true, Images: true, JSONSchema: true}
	*in.Prompt = "Which \"bird\" is this?"
	body, err := in.body()
	if err != nil {
		t.Fatal(err)
	}
	var r patch.Request
	if err := patch.Scan(body, &r); err != nil {
		t.Fatal(err)
	}
	if r.Turns() != 3 || !r.HasTools() || !r.HasImages() || !r.WantsJSONSchema() || string(r.AppendLastUserText(nil, -1)) != *in.Prompt {
		t.Errorf("the router reads %s as %d turns, %q", body, r.Turns(), r.AppendLastUserText(nil, -1))
	}
}
