package router_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/simulator"
)

func always(status int) simulator.Faults {
	return simulator.Faults{ErrorRates: map[int]float64{status: 1}}
}

func shortTimeouts(c *routerconfig.Config) {
	for i := range c.Tiers {
		for j := range c.Tiers[i].Models {
			c.Tiers[i].Models[j].Timeouts.FirstToken = routerconfig.Duration(150 * time.Millisecond)
			c.Tiers[i].Models[j].Timeouts.Idle = routerconfig.Duration(150 * time.Millisecond)
			c.Tiers[i].Models[j].Timeouts.Request = routerconfig.Duration(400 * time.Millisecond)
		}
	}
}

func TestFallbackGoesToTheNextModelThenOneTierUp(t *testing.T) {
	for name, fault := range map[string]struct {
		faults simulator.Faults
		cause  string
	}{
		"server error":      {always(500), "ServerError"},
		"overloaded":        {always(503), "ServerError"},
		"rate limited":      {always(429), "RateLimited"},
		"connection reset":  {simulator.Faults{ConnectionResetRate: 1}, "ConnectionError"},
		"no answer":         {simulator.Faults{TimeoutRate: 1}, "Timeout"},
		"garbage":           {simulator.Faults{GarbageRate: 1}, "ServerError"},
		"a key not wanted":  {always(401), "ProviderRejected"},
		"a model not known": {always(404), "ProviderRejected"},
	} {
		for _, body := range []string{askHello, streamHello} {
			if name == "garbage" && body == streamHello {
				continue // the simulator's comes amid a stream: see TestGarbageInsteadOfAStream
			}
			t.Run(name, func(t *testing.T) {
				g := newGateway(t, shortTimeouts)
				g.faults("first", fault.faults)
				a := g.ask(body)
				wantStatus(t, a, 200)
				wantHeader(t, a, "x-tiershift-model", "medium-2")
				wantHeader(t, a, "x-tiershift-tier", "mid")
				wantHeader(t, a, "x-tiershift-attempts", "2")
				g.faults("second", fault.faults)
				a = g.ask(body)
				wantStatus(t, a, 200)
				wantHeader(t, a, "x-tiershift-model", "large-1")
				wantHeader(t, a, "x-tiershift-attempts", "3")
				if reason := a.header.Get("x-tiershift-reason"); strings.Count(reason, "fallback:"+fault.cause) != 2 {
					t.Errorf("reason %q does not name %s twice", reason, fault.cause)
				}
			})
		}
	}
}

const streamHello = `{"model":"auto","stream":true,"messages":[{"role":"user","content":"hello there"}]}`

func TestGarbageInsteadOfAStream(t *testing.T) {
	for name, garbage := range map[string]struct{ contentType, body string }{
		"HTML":                {"text/html", "<html><body>Welcome to the captive portal</body></html>"},
		"a JSON error":        {"application/json", `{"error":{"message":"no capacity"}}`},
		"a JSON completion":   {"application/json", `{"choices":[{"message":{"content":"hi"}}]}`},
		"HTML that says SSE":  {"text/event-stream", "<html>\n\n<body>\n\n"},
		"events of no JSON":   {"text/event-stream", "data: hello\n\ndata: there\n\n"},
		"an error event":      {"text/event-stream", "data: {\"error\":{\"message\":\"overloaded\"}}\n\n"},
		"nothing":             {"text/event-stream", ""},
		"just the end":        {"text/event-stream", "data: [DONE]\n\n"},
		"half an event":       {"text/event-stream", "data: {\"id\":"},
		"a comment and a cut": {"text/event-stream", ": wait\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", garbage.contentType)
				_, _ = w.Write([]byte(garbage.body))
			}))
			defer provider.Close()
			g := newGateway(t, func(c *routerconfig.Config) { c.Providers[1].BaseURL = provider.URL })
			a := g.ask(streamHello)
			wantStatus(t, a, 200)
			wantHeader(t, a, "x-tiershift-model", "medium-2")
			if strings.Contains(a.body, "captive") || strings.Count(a.body, "[DONE]") != 1 {
				t.Errorf("the client got %q", a.body)
			}
		})
	}
}

func TestADeadProviderListensNowhere(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) { c.Providers[1].BaseURL = "http://127.0.0.1:1" })
	a := g.ask(askHello)
	wantStatus(t, a, 200)
	wantHeader(t, a, "x-tiershift-model", "medium-2")
}

func TestAllAttemptsFailedListsEach(t *testing.T) {
	g := newGateway(t, nil)
	g.faults("first", always(500))
	g.faults("second", always(429))
	g.faults("strong", simulator.Faults{ConnectionResetRate: 1})
	a := g.ask(askHello)
	wantStatus(t, a, 502)
	message, kind, _, code := a.errorObject(t)
	for _, part := range []string{"medium-1", "500", "medium-2", "429", "large-1", "ConnectionError"} {
		if !strings.Contains(message, part) {
			t.Errorf("the message lacks %q: %s", part, message)
		}
	}
	if code != "all_attempts_failed" || kind != "upstream_error" || strings.Contains(message, "key-of") {
		t.Errorf("%s %s %s", kind, code, message)
	}
	if r := g.record(0); r.Outcome != metricnames.OutcomeUpstreamError || r.Attempts != 3 {
		t.Errorf("record: %+v", r)
	}
}

func TestNeverMoreCallsThanMaxAttempts(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) { c.Fallback.MaxAttempts = 2 })
	for name := range g.providers {
		g.faults(name, always(500))
	}
	wantStatus(t, g.ask(askHello), 502)
	total := int64(0)
	for _, p := range g.providers {
		total += p.Stats().Requests
	}
	if total != 2 {
		t.Errorf("%d upstream calls", total)
	}
}

func TestACauseThatIsNotListedEndsTheRequest(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) { c.Fallback.On = []routerconfig.Cause{routerconfig.CauseTimeout} })
	g.faults("first", always(500))
	a := g.ask(askHello)
	wantStatus(t, a, 502)
	if n := g.providers["second"].Stats().Requests; n != 0 {
		t.Errorf("the second model was called %d times", n)
	}
}

func TestTheProvidersVerdictOnTheRequestIsPassedOn(t *testing.T) {
	g := newGateway(t, nil)
	a := g.ask(`{"model":"auto","temperature":99,"messages":[{"role":"user","content":"hi"}]}`)
	wantStatus(t, a, 400)
	if message, kind, param, _ := a.errorObject(t); param != "temperature" || kind != "invalid_request_error" || message == "" {
		t.Errorf("%s", a.body)
	}
	wantHeader(t, a, "x-tiershift-attempts", "1")
	if r := g.record(0); r.Outcome != metricnames.OutcomeClientError {
		t.Errorf("record: %+v", r)
	}
}

func TestAModelThatKeepsFailingIsLeftAloneForAWhile(t *testing.T) {
	g := newGateway(t, nil)
	g.faults("first", always(500))
	for range 6 {
		wantStatus(t, g.ask(askHello), 200)
	}
	if n := g.providers["first"].Stats().Requests; n != 3 {
		t.Errorf("the failing model was called %d times, want 3", n)
	}
}

func TestTheCostIsExactAndSumsAllAttempts(t *testing.T) {
	g := newGateway(t, shortTimeouts)
	a := g.ask(askHello)
	wantStatus(t, a, 200)
	r := g.record(0)
	rates, err := pricing.NewRates(pricing.RateStrings{Input: "0.25", Output: "2"})
	if err != nil {
		t.Fatal(err)
	}
	want := rates.Cost(pricing.Usage{InputTokens: r.Usage.InputTokens, OutputTokens: r.Usage.OutputTokens})
	if r.Cost != want || r.Usage.InputTokens == 0 || r.Usage.OutputTokens == 0 {
		t.Errorf("cost %s for %+v, want %s", r.Cost, r.Usage, want)
	}
	wantHeader(t, a, "x-tiershift-cost-usd", want.String())

	g.faults("first", simulator.Faults{TimeoutRate: 1})
	a = g.ask(askHello)
	wantStatus(t, a, 200)
	second := g.record(1)
	own, err := pricing.NewRates(pricing.RateStrings{Input: "0.3", Output: "2.5"})
	if err != nil {
		t.Fatal(err)
	}
	if answered := own.Cost(second.Usage); second.Cost <= answered {
		t.Errorf("cost %s: the attempt that timed out was not charged beside %s", second.Cost, answered)
	}
	wantHeader(t, a, "x-tiershift-cost-usd", second.Cost.String())
}

func TestAStreamCarriesItsCostInTheLastComment(t *testing.T) {
	g := newGateway(t, nil)
	a := g.ask(`{"model":"auto","stream":true,"messages":[{"role":"user","content":"hi"}]}`)
	wantStatus(t, a, 200)
	lines := strings.Split(strings.TrimSpace(a.body), "\n")
	want := ": tiershift cost-usd=" + g.record(0).Cost.String() + " tier=mid model=medium-1"
	if got := lines[len(lines)-1]; got != want {
		t.Errorf("last line %q, want %q", got, want)
	}
	if strings.Count(a.body, "data: [DONE]") != 1 {
		t.Errorf("[DONE] in %q", a.body)
	}
}

func TestStreamsInEveryShape(t *testing.T) {
	for name, faults := range map[string]simulator.Faults{
		"no usage":             {NoUsage: true},
		"usage beside choices": {UsageInLastChunkWithChoices: true},
		"no [DONE]":            {NoDone: true},
		"CRLF":                 {CRLF: true},
		"split anywhere":       {ChunkSplitting: true},
		"comments":             {KeepAliveComments: true},
		"all at once":          {UsageInLastChunkWithChoices: true, NoDone: true, CRLF: true, ChunkSplitting: true, KeepAliveComments: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, nil)
			g.faults("first", faults)
			client := g.sdk()
			stream := client.Chat.Completions.NewStreaming(t.Context(), userSays("Erzähl mir von Zügen 🚆 in Österreich"))
			text := ""
			for stream.Next() {
				for _, c := range stream.Current().Choices {
					text += c.Delta.Content
				}
				if stream.Current().JSON.Usage.Valid() {
					t.Error("usage that was not asked for")
				}
			}
			if stream.Err() != nil || text == "" {
				t.Fatalf("%q, %v", text, stream.Err())
			}
			r := g.record(0)
			if r.Outcome != metricnames.OutcomeSuccess || r.Cost == 0 || r.Usage.Estimated != faults.NoUsage {
				t.Errorf("record: %+v", r)
			}
		})
	}
}

func TestKeysRotateWithoutARestart(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) {
		c.Tiers[1].Models = c.Tiers[1].Models[:1]
		c.Providers[1].NextKeyFile = "next/key"
	})
	wantStatus(t, g.ask(askHello), 200)

	// The next key stands ready; the provider revokes the old one.
	g.secrets.set("next/key", "fresh")
	g.process.Server().Engine().RefreshKeys()
	g.providers["first"].SetAPIKeys("fresh")
	a := g.ask(askHello)
	wantStatus(t, a, 200)
	wantHeader(t, a, "x-tiershift-model", "medium-1")
	before := g.providers["first"].Stats().Requests
	wantStatus(t, g.ask(askHello), 200)
	if n := g.providers["first"].Stats().Requests - before; n != 1 {
		t.Errorf("%d calls: the refused key is still tried first", n)
	}

	// The key file itself changes.
	g.secrets.set("first/key", "newest")
	g.process.Server().Engine().RefreshKeys()
	g.providers["first"].SetAPIKeys("newest")
	wantStatus(t, g.ask(askHello), 200)
}

func TestAMissingKeyIsNamedAndPassedOver(t *testing.T) {
	g := newGateway(t, nil)
	g.secrets.remove("first/key")
	g.process.Server().Engine().RefreshKeys()
	a := g.ask(askHello)
	wantStatus(t, a, 200)
	wantHeader(t, a, "x-tiershift-model", "medium-2")
	for _, name := range []string{"second/key", "strong/key"} {
		g.secrets.remove(name)
	}
	g.process.Server().Engine().RefreshKeys()
	a = g.ask(askHello)
	wantStatus(t, a, http.StatusBadGateway)
	if message, _, _, _ := a.errorObject(t); !strings.Contains(message, "first/key is missing or empty") {
		t.Errorf("message: %s", message)
	}
}
