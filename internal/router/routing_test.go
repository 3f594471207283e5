package router_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

// routes is a policy with a route of every sort.
func routes(c *routerconfig.Config) {
	c.Classification = routerconfig.Classification{Preset: routerconfig.PresetStandard, LowConfidenceTier: "mid"}
	c.Routes = []routerconfig.Route{
		{Name: "tickets", Tier: "nano", MaxOutputTokens: 100, Match: routerconfig.Match{Paths: []string{"/api/tickets"}}},
		{Name: "review", Tier: "flagship", Match: routerconfig.Match{Paths: []string{"/api/review", "/api/audit"}}},
		{Name: "premium", MinTier: "flagship", Match: routerconfig.Match{Expression: `request.headers["x-plan"] == "premium"`}},
		{Name: "medical", MinTier: "flagship", Match: routerconfig.Match{Prompt: routerconfig.PromptMatch{Keywords: []string{"dosage", "blood pressure"}}}},
		{Name: "extract", Tier: "nano", Match: routerconfig.Match{ModelNames: []string{"extraction"}}},
		{Name: "tenant", Tier: "mid", Match: routerconfig.Match{Metadata: []routerconfig.KeyValue{{Name: "tenant", Value: "acme"}}}},
		{Name: "beta", Tier: "flagship", Match: routerconfig.Match{Headers: []routerconfig.KeyValue{{Name: "x-stage", Value: "beta"}}}},
		{Name: "long", Tier: "flagship", Match: routerconfig.Match{Prompt: routerconfig.PromptMatch{MinTokens: 1500}}},
		{Name: "capped", MaxTier: "mid", Match: routerconfig.Match{Paths: []string{"/capped"}}},
	}
}

func says(model, text string) string {
	body, err := json.Marshal(map[string]any{"model": model, "messages": []map[string]string{{"role": "user", "content": text}}})
	if err != nil {
		panic(err)
	}
	return string(body)
}

const analysis = "Analyze the trade-offs of both designs step by step and explain why one of them scales better"

func TestRouting(t *testing.T) {
	g := newGateway(t, routes)
	for _, test := range []struct {
		name, path, body string
		header           []string
		route, tier      string
		reason           string // a part of it
	}{
		{name: "a path pins the tier", path: "/api/tickets", body: says("auto", analysis), route: "tickets", tier: "nano", reason: "route-pin"},
		{name: "below the path counts too", path: "/api/tickets/eu", body: says("auto", "hi"), route: "tickets", tier: "nano"},
		{name: "a path matches whole segments only", path: "/api/ticketsale", body: says("auto", "hi"), route: "default"},
		{name: "any of several paths", path: "/api/audit", body: says("auto", "hi"), route: "review", tier: "flagship"},
		{name: "an expression reads headers", body: says("auto", "hi"), header: []string{"X-Plan", "premium"}, route: "premium", tier: "flagship"},
		{name: "a keyword raises to the floor", body: says("auto", "Which Dosage?"), route: "medical", tier: "flagship", reason: "raised-to-min-tier"},
		{name: "a keyword of two words across a line break", body: says("auto", "my blood\npressure"), route: "medical", tier: "flagship"},
		{name: "a keyword inside a word is none", body: says("auto", "overdosages"), route: "default"},
		{name: "the client cannot go below the floor", body: says("auto", "dosage"), header: []string{"X-Tiershift-Max-Tier", "nano"}, route: "medical", tier: "flagship"},
		{name: "nor by naming a tier", body: says("tier:nano", "dosage"), route: "medical", tier: "flagship", reason: "tier-pin raised-to-min-tier"},
		{name: "nor by naming a model", body: says("small-1", "dosage"), route: "medical", tier: "flagship", reason: "model-pin raised-to-min-tier"},
		{name: "a model name of a route", body: says("extraction", "hi"), route: "extract", tier: "nano"},
		{name: "metadata", body: `{"model":"auto","metadata":{"tenant":"acme"},"messages":[{"role":"user","content":"hi"}]}`, route: "tenant", tier: "mid"},
		{name: "a header of a route", body: says("auto", "hi"), header: []string{"x-stage", "beta"}, route: "beta", tier: "flagship"},
		{name: "token count", body: says("auto", strings.Repeat("many words make a long prompt ", 400)), route: "long", tier: "flagship"},
		{name: "a route by model name", body: says("review", "hi"), route: "review", tier: "flagship"},
		{name: "a route by header", body: says("auto", "hi"), header: []string{"x-tiershift-route", "tickets"}, route: "tickets", tier: "nano"},
		{name: "a tier by name", body: says("tier:nano", analysis), route: "default", tier: "nano", reason: "tier-pin"},
		{name: "a concrete model", body: says("medium-2", "hi"), route: "default", tier: "mid", reason: "model-pin"},
		{name: "complex by rule", body: says("auto", analysis), route: "default", tier: "flagship", reason: "rule:"},
		{name: "simple by rule", body: says("auto", "Translate to French: good morning"), route: "default", tier: "nano", reason: "class=SIMPLE"},
		{name: "the ceiling holds", path: "/capped", body: says("auto", analysis), route: "capped", tier: "mid", reason: "lowered-to-max-tier"},
		{name: "the client asks for more", body: says("auto", "Translate to French: good morning"), header: []string{"x-tiershift-min-tier", "mid"}, route: "default", tier: "mid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := g.post(test.path+"/v1/chat/completions", test.body, test.header...)
			wantStatus(t, a, 200)
			wantHeader(t, a, "x-tiershift-route", test.route)
			if test.tier != "" {
				wantHeader(t, a, "x-tiershift-tier", test.tier)
			}
			if reason := a.header.Get("x-tiershift-reason"); !strings.Contains(reason, test.reason) {
				t.Errorf("reason %q lacks %q", reason, test.reason)
			}
			explained := g.post(test.path+"/v1/explain", test.body, test.header...)
			wantStatus(t, explained, 200)
			var out struct{ Route, Tier string }
			if err := json.Unmarshal([]byte(explained.body), &out); err != nil {
				t.Fatal(err)
			}
			if out.Route != a.header.Get("x-tiershift-route") || out.Tier != a.header.Get("x-tiershift-tier") {
				t.Errorf("explain says %+v, the request went to %s and %s", out, a.header.Get("x-tiershift-route"), a.header.Get("x-tiershift-tier"))
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) {
		routes(c)
		c.Routes = append(c.Routes, routerconfig.Route{
			Name: "closed", Unavailable: "tier gold cannot be used", Match: routerconfig.Match{Paths: []string{"/closed"}},
		})
	})
	for _, test := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code, message            string
	}{
		{name: "an unknown model", body: says("gpt-1", "hi"), status: 404, code: "model_not_found", message: `"gpt-1"`},
		{name: "an unknown tier", body: says("tier:gold", "hi"), status: 404, code: "model_not_found", message: "tier:nano"},
		{name: "an unknown route", body: says("auto", "hi"), header: []string{"x-tiershift-route", "nope"}, status: 404, code: "route_not_found", message: "tickets"},
		{name: "an unknown tier as bound", body: says("auto", "hi"), header: []string{"x-tiershift-min-tier", "gold"}, status: 400, code: "tier_not_found", message: `"gold"`},
		{name: "a closed route", path: "/closed/v1/chat/completions", body: says("auto", "hi"), status: 503, code: "route_unavailable", message: "tier gold"},
		{name: "no JSON", body: "hello", status: 400, code: "invalid_request", message: "JSON"},
		{name: "cut JSON", body: `{"model":"auto","messages":[{"role":"user"`, status: 400, code: "invalid_request", message: "byte"},
		{name: "compressed JSON", body: "\x1f\x8b\x08", header: []string{"Content-Encoding", "gzip"}, status: 400, code: "invalid_request", message: "gzip: send it uncompressed"},
		{name: "no body", body: "", status: 400, code: "invalid_request"},
		{name: "no model", body: `{"messages":[{"role":"user","content":"hi"}]}`, status: 400, code: "invalid_request", message: "model"},
		{name: "messages of the wrong type", body: `{"model":"auto","messages":"hi"}`, status: 400, code: "invalid_request", message: "messages"},
		{name: "a body over the limit", body: says("auto", strings.Repeat("x", 1<<20)), status: 413, code: "request_too_large", message: "1048576"},
		{name: "another path", path: "/v1/completions", body: "{}", status: 404, code: "not_found", message: "/v1/chat/completions"},
		{name: "another method", method: "GET", body: "", status: 405, code: "method_not_allowed", message: "POST"},
		{name: "an action of a model that is not served", path: "/v1/models/small-1:countTokens", body: "{}", status: 404, code: "not_found", message: ":generateContent"},
		{name: "an unknown model by id", method: "GET", path: "/v1/models/gpt-1", status: 404, code: "model_not_found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, method := test.path, test.method
			if path == "" {
				path = "/v1/chat/completions"
			}
			if method == "" {
				method = "POST"
			}
			a := g.do(method, g.url+path, test.body, test.header...)
			wantStatus(t, a, test.status)
			message, _, _, code := a.errorObject(t)
			if code != test.code || !strings.Contains(message, test.message) {
				t.Errorf("code %q, message %q; want %q with %q", code, message, test.code, test.message)
			}
		})
	}
	for name, p := range g.providers {
		if n := p.Stats().Requests; n != 0 {
			t.Errorf("provider %s saw %d of the refused requests", name, n)
		}
	}
}

// What the provider gets is what the client sent, byte for byte, but for what
// must change.
func TestBodyIsForwardedByteForByte(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) {
		c.Routes = []routerconfig.Route{{Name: "capped", Tier: "mid", MaxOutputTokens: 50, Match: routerconfig.Match{Paths: []string{"/capped"}}}}
	})
	for _, test := range []struct{ name, path, body, want string }{
		{
			"only the model changes", "",
			`{ "x_unknown": {"deep":[1, 2.50, "\u00e9"]},"model" : "auto", "messages":[{"role":"user","content":"h\u00e9llo","z":null}] , "temperature":1e0}`,
			`{ "x_unknown": {"deep":[1, 2.50, "\u00e9"]},"model" : "medium-1", "messages":[{"role":"user","content":"h\u00e9llo","z":null}] , "temperature":1e0}`,
		},
		{
			"a cap is lowered to the route's, under the name that OpenAI knows", "/capped",
			`{"model":"auto","max_tokens":4000,"messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"medium-1","max_completion_tokens":50,"messages":[{"role":"user","content":"hi"}]}`,
		},
		{
			"a lower cap stays", "/capped",
			`{"model":"auto","max_completion_tokens":7,"messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"medium-1","max_completion_tokens":7,"messages":[{"role":"user","content":"hi"}]}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantStatus(t, g.post(test.path+"/v1/chat/completions", test.body), 200)
			seen := g.providers["first"].Requests()
			if got := string(seen[len(seen)-1].Body); got != test.want {
				t.Errorf("the provider got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
	t.Run("usage is asked for in streams", func(t *testing.T) {
		wantStatus(t, g.ask(`{"model":"auto","stream":true,"messages":[{"role":"user","content":"hi"}]}`), 200)
		seen := g.providers["first"].Requests()
		if got := string(seen[len(seen)-1].Body); !strings.Contains(got, `"include_usage":true`) {
			t.Errorf("the provider got %s", got)
		}
	})
	t.Run("the client's key and cookies stay here", func(t *testing.T) {
		wantStatus(t, g.ask(askHello, "Authorization", "Bearer client-secret", "Cookie", "session=1", "X-Forwarded-For", "10.0.0.1"), 200)
		seen := g.providers["first"].Requests()
		header := seen[len(seen)-1].Header
		if got := header.Get("Authorization"); got != "Bearer key-of-first" {
			t.Errorf("the provider got %q", got)
		}
		if text := fmt.Sprint(header); strings.Contains(text, "client-secret") || strings.Contains(text, "session=1") {
			t.Errorf("the provider got the client's: %s", text)
		}
	})
}

// Mistral refuses fields that it does not know, and knows max_tokens only.
func TestBodyIsMadeFitForTheProvider(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) { c.Providers[1].Kind = "Mistral" })
	body := `{"model":"auto","max_completion_tokens":9,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}`
	wantStatus(t, g.ask(body), 200)
	seen := g.providers["first"].Requests()
	want := `{"model":"medium-1","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}`
	if got := string(seen[len(seen)-1].Body); got != want {
		t.Errorf("the provider got\n%s\nwant\n%s", got, want)
	}
}

// Clients that write JSON in ASCII ask for the same number of tokens.
func TestEscapesDoNotCountAsTokens(t *testing.T) {
	g := newGateway(t, nil)
	tokens := func(body string) (n int64) {
		a := g.post("/v1/explain", body)
		wantStatus(t, a, 200)
		var out struct {
			Tokens int64 `json:"prompt_tokens_estimate"`
		}
		if err := json.Unmarshal([]byte(a.body), &out); err != nil {
			t.Fatal(err)
		}
		return out.Tokens
	}
	plain := `{"model":"auto","messages":[{"role":"user","content":"` + strings.Repeat("中文", 200) + `"}]}`
	escaped := `{"model":"auto","messages":[{"role":"user","content":"` + strings.Repeat(`\u4e2d\u6587`, 200) + `"}]}`
	if a, b := tokens(plain), tokens(escaped); a != b || a < 200 {
		t.Errorf("%d tokens plain, %d escaped", a, b)
	}
}

func TestSplitPlacesConversationsAndKeepsThem(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) {
		c.Routes = []routerconfig.Route{{Name: "chat", Split: []routerconfig.Share{{Tier: "nano", Percent: 30}, {Tier: "flagship", Percent: 70}}}}
	})
	tierOf := func(conversation string) string {
		a := g.post("/v1/explain", askHello, "x-tiershift-conversation", conversation)
		wantStatus(t, a, 200)
		var out struct{ Tier, Reason string }
		if err := json.Unmarshal([]byte(a.body), &out); err != nil {
			t.Fatal(err)
		}
		if out.Reason != "split" {
			t.Fatalf("reason %q", out.Reason)
		}
		return out.Tier
	}
	counts := map[string]int{}
	const n = 400
	for i := range n {
		counts[tierOf(fmt.Sprintf("conversation-%d", i))]++
	}
	// The draw is fixed, so this holds always or never: 30 % ± 4 standard deviations.
	if got := counts["nano"]; got < 84 || got > 156 || counts["mid"] != 0 {
		t.Errorf("of %d conversations: %v", n, counts)
	}
	first := tierOf("conversation-1")
	for range 5 {
		if again := tierOf("conversation-1"); again != first {
			t.Errorf("a conversation moved from %s to %s", first, again)
		}
	}
}
