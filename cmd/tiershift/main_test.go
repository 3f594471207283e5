package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/router/reload"
)

const quickstart = "../../config/samples/quickstart"

// tiershift runs the command and returns what it printed.
func tiershift(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// policies writes the quickstart with one text replaced.
func policies(t *testing.T, old, replacement string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(quickstart, "quickstart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("the quickstart has no %q", old)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(strings.Replace(string(data), old, replacement, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestValidateAcceptsTheQuickstart(t *testing.T) {
	out, err := tiershift(t, "validate", "-f", quickstart)
	if err != nil || !strings.Contains(out, "1 policy, 3 tiers, 3 credentials: 0 errors") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestValidateNamesFileAndLine(t *testing.T) {
	for name, test := range map[string]struct{ old, replacement, want string }{
		"an unknown field":        {"  rank: 10", "  rank: 10\n  shiny: true", `policy\.yaml:\d+: ModelTier default/nano: spec\.shiny: .*unknown field`},
		"a value of a wrong type": {"  rank: 10", "  rank: ten", `policy\.yaml:\d+: ModelTier default/nano: spec\.rank: `},
		"an unlisted tier":        {"      tier: flagship", "      tier: gold", `policy\.yaml:\d+: RoutingPolicy default/support: .*must name a tier listed in spec\.tiers`},
		"no YAML":                 {"  rank: 10", "\trank: 10", `policy\.yaml:\d+: `},
	} {
		t.Run(name, func(t *testing.T) {
			dir := policies(t, test.old, test.replacement)
			out, err := tiershift(t, "validate", "-f", dir)
			if !errors.Is(err, errSilent) {
				t.Errorf("error %v", err)
			}
			if !regexp.MustCompile(`error: ` + regexp.QuoteMeta(dir) + `/` + test.want).MatchString(out) {
				t.Errorf("no match of %s in\n%s", test.want, out)
			}
		})
	}
}

func TestValidateAsJSON(t *testing.T) {
	out, err := tiershift(t, "validate", "-o", "json", "-f", policies(t, "rank: 10", "rank: -1"))
	if !errors.Is(err, errSilent) {
		t.Fatal(err)
	}
	var report validation
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Errors) != 1 || report.Errors[0].Line == 0 {
		t.Errorf("%v in %s", err, out)
	}
}

// Where policies lie, keys do not: judging a policy takes none.
func TestPoliciesAreJudgedWithoutSecrets(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(quickstart, "quickstart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for document := range strings.SplitSeq(string(data), "\n---\n") {
		if !strings.Contains(document, "kind: Secret\n") {
			kept = append(kept, document)
		}
	}
	file := filepath.Join(t.TempDir(), "policies.yaml")
	if err := os.WriteFile(file, []byte(strings.Join(kept, "\n---\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := tiershift(t, "validate", "-f", file)
	if err != nil || !strings.Contains(out, `Secret "openai-key" is not among the manifests`) || !strings.Contains(out, ": 0 errors, 5 warnings") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{"explain", "-f", file, "hi"}, {"simulate", "shift", "-f", file}} {
		if out, err := tiershift(t, args...); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if _, err := tiershift(t, "run", "-f", file); err == nil || !strings.Contains(err.Error(), `Secret "openai-key" does not exist`) {
		t.Errorf("run: %v", err)
	}
}

func TestExplain(t *testing.T) {
	out, err := tiershift(t, "explain", "-f", quickstart, "-o", "json", "--path", "/api/classify-ticket", "Billing or delivery?")
	if err != nil {
		t.Fatal(err)
	}
	var explanation struct{ Route, Tier, Model, Reason string }
	if err := json.Unmarshal([]byte(out), &explanation); err != nil {
		t.Fatal(err)
	}
	if explanation.Route != "classify-ticket" || explanation.Tier != "nano" || explanation.Model != "gpt-5-nano" || explanation.Reason != "route-pin" {
		t.Errorf("%+v", explanation)
	}
	out, err = tiershift(t, "explain", "-f", filepath.Join(quickstart, "quickstart.yaml"), "The dosage for a child?")
	if err != nil || !regexp.MustCompile(`Route +medical\nTier +flagship\n`).MatchString(out) {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := tiershift(t, "explain", "-f", quickstart, "--model", "gpt-1", "hi"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("an unknown model: %v", err)
	}
}

func TestMistakesInTheCommandLineAreNamed(t *testing.T) {
	for want, args := range map[string][]string{
		`required flag(s) "filename"`:        {"validate"},
		"no such file":                       {"validate", "-f", "nowhere"},
		"no .yaml, .yml or .json file":       {"validate", "-f", t.TempDir()},
		"--output must be table or json":     {"validate", "-f", quickstart, "-o", "xml"},
		"give one prompt, in quotes":         {"explain", "-f", quickstart},
		"not 2 arguments":                    {"explain", "-f", quickstart, "two", "words"},
		"it was given before":                {"validate", "-f", quickstart, "-f", quickstart},
		`validate -f policies"`:              {"validate", "policies"},
		`see "tiershift run --help"`:         {"run", "--port", "80"},
		"reachable from other machines":      {"run", "-f", quickstart, "--listen", "0.0.0.0:0"},
		"--listen must be HOST:PORT":         {"run", "-f", quickstart, "--listen", "8080"},
		"--admin-listen must be HOST:PORT":   {"run", "-f", quickstart, "--admin-listen", "8081"},
		"--replay must be 0 or more":         {"run", "-f", quickstart, "--replay", "-1"},
		`there is no RoutingPolicy "nobody"`: {"explain", "-f", quickstart, "--policy", "nobody", "hi"},
		`unknown command "rum"`:              {"rum"},
	} {
		if out, err := tiershift(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q\n%s", args, err, want, out)
		}
	}
}

func TestRunSaysWhichProvidersLackAKey(t *testing.T) {
	out := &output{}
	end, ended := start(t, out, io.Discard, "-f", quickstart)
	out.waitFor(t, `Real providers: +none\nWithout a real key: +default/anthropic, default/deepseek, default/openai `)
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRunSaysWhatOfTheReplayWasRefused(t *testing.T) {
	out := &output{}
	end, ended := start(t, out, io.Discard, "-f", quickstart, "--simulate", "--require-auth", "--replay", "5")
	out.waitFor(t, `0 of 5 requests\n5 more were refused, the first: 401 Unauthorized: .*key`)
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestVersionAsJSON(t *testing.T) {
	out, err := tiershift(t, "version", "-o", "json")
	var got map[string]string
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || got["version"] == "" || got["platform"] == "" {
		t.Errorf("%v\n%s", err, out)
	}
}

// A client that went away is no failure of the tier's.
func TestTheTableCountsFailures(t *testing.T) {
	b := newBoard(&providers{}, nil)
	for _, r := range []router.Record{
		{Tier: "mid", Status: 200, Outcome: metricnames.OutcomeSuccess},
		{Tier: "mid", Status: 502, Outcome: metricnames.OutcomeUpstreamError},
		{Tier: "mid", Status: 499, Outcome: metricnames.OutcomeCancelled},
	} {
		b.observe(&r)
	}
	if mid := b.tally("mid"); mid.requests != 3 || mid.failed != 1 {
		t.Errorf("%d requests, %d failed", mid.requests, mid.failed)
	}
}

func TestCompletionIsOffered(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out, err := tiershift(t, "completion", shell); err != nil || !strings.Contains(out, "tiershift") {
			t.Errorf("%s: %v", shell, err)
		}
	}
}

// output is a buffer that may be read while it is written.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) waitFor(t *testing.T, pattern string) []string {
	t.Helper()
	expression := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if match := expression.FindStringSubmatch(o.String()); match != nil {
			return match
		}
	}
	t.Fatalf("waited in vain for %s in\n%s", pattern, o)
	return nil
}

// noKeys hides the keys of whoever runs the tests.
func noKeys(t *testing.T) {
	t.Helper()
	for _, name := range []string{"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "DEEPSEEK_API_KEY"} {
		t.Setenv(name, "")
	}
}

// start begins "tiershift run" on free ports and returns what ends it and what it
// returned.
func start(t *testing.T, out, errOut io.Writer, args ...string) (end context.CancelFunc, ended <-chan error) {
	t.Helper()
	noKeys(t)
	root := newRoot()
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetArgs(append([]string{"run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, args...))
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	result := make(chan error, 1)
	go func() { result <- root.ExecuteContext(ctx) }()
	return cancel, result
}

// What is saved serves at once, what is faulty is named and does not, and the
// table knows tiers that came with an edit.
func TestRunFollowsEdits(t *testing.T) {
	dir := policies(t, "maxOutputTokens: 100", "maxOutputTokens: 100")
	file := filepath.Join(dir, "policy.yaml")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	save := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, errOut := &output{}, &output{}
	end, ended := start(t, out, errOut, "-f", dir, "--simulate")
	out.waitFor(t, "until interrupted")

	saved := time.Now()
	save(strings.ReplaceAll(string(whole), "name: mid}", "name: middle}"))
	errOut.waitFor(t, `error: the last good config serves on: `+regexp.QuoteMeta(dir)+` is faulty:\n`+regexp.QuoteMeta(file)+`:\d+: RoutingPolicy`)
	save(strings.ReplaceAll(strings.ReplaceAll(string(whole), "name: mid}", "name: middle}"), ": mid\n", ": middle\n"))
	out.waitFor(t, "a new config is in service")
	if waited := time.Since(saved); waited >= reload.KeyPatience {
		t.Errorf("two edits took %s to be taken into service", waited)
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	out.waitFor(t, `(?s)Served until interrupted:.* middle +0`)
}

// The newcomer's command: it replays, shows what was saved, serves, and ends
// with a summary.
func TestRunReplaysServesAndEnds(t *testing.T) {
	out := &output{}
	end, ended := start(t, out, io.Discard, "-f", quickstart, "--simulate", "--replay", "60")
	baseURL := out.waitFor(t, `Serving on (http://127\.0\.0\.1:\d+) until`)[1]
	if !strings.Contains(out.String(), "60 of 60 requests") {
		t.Errorf("the replay was not completed:\n%s", out)
	}
	saved := out.waitFor(t, `saved (\d+\.\d) %`)[1]
	if saved == "0.0" {
		t.Errorf("nothing was saved:\n%s", out)
	}
	response, err := http.Post(baseURL+"/v1/chat/completions", "application/json",
		strings.NewReader(`{"model":"auto","messages":[{"role":"user","content":"What is the capital of France?"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || response.Header.Get("X-Tiershift-Cost-Usd") == "" {
		t.Errorf("%s: %s", response.Status, body)
	}
	end()
	if err := <-ended; err != nil {
		t.Errorf("did not end cleanly: %v", err)
	}
	if !regexp.MustCompile(`(?s)Served until interrupted:.*total +61 `).MatchString(out.String()) {
		t.Errorf("no summary of 61 requests:\n%s", out)
	}
}
