package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/audit"
)

const auditLogs = "../../internal/audit/testdata/"

func TestAudit(t *testing.T) {
	page := filepath.Join(t.TempDir(), "report.html")
	out, err := tiershift(t, "audit", "--log", auditLogs+"litellm.jsonl", "-f", quickstart, "--html", page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"litellm.jsonl under policy default/support: 3 requests in 7 lines",
		"nano/gpt-5-nano", "In the log: 0.00338 USD. Under the policy: 0.000141 USD, which saves 0.00324 USD (95.8 %).",
		"All on claude-sonnet-4-6: 0.00488 USD", "2 from the log, 1 from its tokens", "Left out: 1 lines, failed",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "What litellm.jsonl would have cost under default/support") {
		t.Errorf("%v", err)
	}
}

func TestAuditDecidesAsTheRouterDoes(t *testing.T) {
	for prompt, path := range map[string]string{
		"What is the capital of France?": "", "Prove the four colour theorem, step by step.": "", "Compare tea and coffee.": "",
		"Which dosage is right?": "", "zzz qqq something that no rule knows of at all, somehow": "",
	} {
		encoded, _ := json.Marshal(prompt)
		log := write(t, "log.jsonl", `{"model":"gpt-4o","messages":[{"role":"user","content":`+string(encoded)+`}]}`)
		out, err := tiershift(t, "audit", "--log", log, "-f", quickstart, "-o", "json")
		if err != nil {
			t.Fatal(err)
		}
		var report audit.Report
		if err := json.Unmarshal([]byte(out), &report); err != nil || report.Requests != 1 || !strings.Contains("SIMPLE MODERATE COMPLEX", report.Classes[0].Name) {
			t.Fatalf("%v %s", err, out)
		}
		out, err = tiershift(t, "explain", "-f", quickstart, "-o", "json", "--path", path, prompt)
		if err != nil {
			t.Fatal(err)
		}
		var explained struct {
			Route, Tier, Model string
			CostUSD            string `json:"cost_usd_estimate"`
		}
		if err := json.Unmarshal([]byte(out), &explained); err != nil {
			t.Fatal(err)
		}
		if report.Routes[0].Name != explained.Route || report.Served[0].Name != explained.Tier+"/"+explained.Model || report.Cost.PolicyUSD != explained.CostUSD {
			t.Errorf("%q: audit says %+v, explain %+v", prompt, report, explained)
		}
	}
}

func TestAuditPrices(t *testing.T) {
	log := write(t, "log.jsonl", `{"model":"our-llama","messages":[{"role":"user","content":"Hello"}],"usage":{"prompt_tokens":1000000,"completion_tokens":1000000}}`)
	out, err := tiershift(t, "audit", "--log", log, "-f", quickstart, "--price", "our-llama=0.20/0.60", "-o", "json")
	var report audit.Report
	if err != nil || json.Unmarshal([]byte(out), &report) != nil || report.Cost.LoggedUSD != "0.8" {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = tiershift(t, "audit", "--log", log, "-f", quickstart)
	if err != nil || !strings.Contains(out, "Left out of all costs: 1 requests") || !strings.Contains(out, "not known") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAuditRefuses(t *testing.T) {
	log := write(t, "log.jsonl", "[\n{\"a\": 1},\n{\"a\": 2}\n]\n")
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"another format", []string{"--format", "csv"}, "--format must be one of"},
		{"an unknown field", []string{"--map", "colour=x"}, `--map: there is no field "colour"`},
		{"a price without output", []string{"--price", "m=1"}, "--price m: must be MODEL=INPUT/OUTPUT"},
		{"a price that is none", []string{"--price", "m=cheap/1"}, "--price m: "},
		{"an array", nil, "jq -c '.[]'"},
		{"no room for a line", []string{"--max-line", "0"}, "--max-line must be above 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := tiershift(t, append([]string{"audit", "--log", log, "-f", quickstart}, test.args...)...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	if _, err := tiershift(t, "audit", "--log", t.TempDir(), "-f", quickstart); err == nil || !strings.Contains(err.Error(), "must be a file") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := tiershift(t, "audit", "--log", log, "-f", quickstart, "--policy", "none"); err == nil {
		t.Error("an unknown policy is taken")
	}
}

func TestProgressLine(t *testing.T) {
	for _, test := range []struct {
		read, size int64
		elapsed    time.Duration
		want       string
	}{
		{5 << 20, 0, time.Second, "5 MB read, 5 MB/s"},
		{50 << 20, 100 << 20, 10 * time.Second, "[" + strings.Repeat("█", 15) + strings.Repeat("·", 15) + "]  50 %  50 of 100 MB, 5 MB/s, 10s left"},
		{200 << 20, 100 << 20, time.Second, "[" + strings.Repeat("█", 30) + "] 100 %  200 of 100 MB, 200 MB/s, 0s left"},
	} {
		if got := progressLine(test.read, test.size, test.elapsed); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
