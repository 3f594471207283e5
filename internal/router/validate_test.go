package router_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// said is what a scripted model answers.
type said struct {
	text, refusal, finish string
	call                  bool
	status                int
	// cut ends a stream before its finish reason.
	cut bool
}

// scripted is a provider that answers as it is told and counts its calls.
type scripted struct {
	mu      sync.Mutex
	answer  func(r *scriptedRequest) said
	calls   []scriptedRequest
	baseURL string
}

type scriptedRequest struct {
	Model    string `json:"model"`
	Stream   bool   `json:"stream"`
	Messages []struct {
		Role    string `json:"role"`
		Content any    `json:"content"`
	} `json:"messages"`
	MaxTokens           int64 `json:"max_tokens"`
	MaxCompletionTokens int64 `json:"max_completion_tokens"`
}

// text is that of the messages of a role.
func (r *scriptedRequest) text(role string) string {
	var all []string
	for _, m := range r.Messages {
		if m.Role == role {
			all = append(all, fmt.Sprint(m.Content))
		}
	}
	return strings.Join(all, "\n")
}

func newScripted(t *testing.T, answer func(*scriptedRequest) said) *scripted {
	t.Helper()
	s := &scripted{answer: answer}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.baseURL = server.URL
	return s
}

func saying(a said) func(*scriptedRequest) said { return func(*scriptedRequest) said { return a } }

func (s *scripted) requests() []scriptedRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]scriptedRequest(nil), s.calls...)
}

// scriptedUsage is what every answer reports: 100 tokens in, 10 out.
const scriptedUsage = `{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}`

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var request scriptedRequest
	if err := json.Unmarshal(body, &request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, request)
	a := s.answer(&request)
	s.mu.Unlock()
	switch {
	case a.status != 0:
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, `{"error":{"message":"no","type":"x"}}`)
	case request.Stream:
		a.stream(w, request.Model)
	default:
		message := map[string]any{"role": "assistant", "content": a.text}
		if a.refusal != "" {
			message["content"], message["refusal"] = nil, a.refusal
		}
		if a.call {
			message["content"] = nil
			message["tool_calls"] = []any{map[string]any{"id": "c", "type": "function", "function": map[string]any{"name": "f", "arguments": "{}"}}}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"id": "c", "object": "chat.completion", "model": request.Model, "created": 1,
			"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": a.reason()}},
			"usage":   json.RawMessage(scriptedUsage),
		})
	}
}

func (a *said) reason() string {
	switch {
	case a.finish != "":
		return a.finish
	case a.call:
		return "tool_calls"
	}
	return "stop"
}

func (a *said) stream(w http.ResponseWriter, model string) {
	w.Header().Set("Content-Type", "text/event-stream")
	event := func(choices, usage string) {
		fmt.Fprintf(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":%q,\"choices\":%s,\"usage\":%s}\n\n", model, choices, usage)
	}
	event(`[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]`, "null")
	for len(a.text) > 0 {
		n := min(5, len(a.text))
		piece, _ := json.Marshal(a.text[:n])
		event(`[{"index":0,"delta":{"content":`+string(piece)+`},"finish_reason":null}]`, "null")
		a.text = a.text[n:]
	}
	if a.refusal != "" {
		piece, _ := json.Marshal(a.refusal)
		event(`[{"index":0,"delta":{"refusal":`+string(piece)+`},"finish_reason":null}]`, "null")
	}
	if a.call {
		event(`[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":null}]`, "null")
	}
	if a.cut {
		return
	}
	event(`[{"index":0,"delta":{},"finish_reason":"`+a.reason()+`"}]`, "null")
	event(`[]`, scriptedUsage)
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

// plays replaces the provider by a scripted one.
func plays(c *routerconfig.Config, provider string, s *scripted) {
	for i := range c.Providers {
		if c.Providers[i].Name == provider {
			c.Providers[i].BaseURL = s.baseURL
		}
	}
}

// checkedRoute takes everything, begins at nano, and checks answers.
func checkedRoute(v routerconfig.Validation) func(*routerconfig.Config) {
	return func(c *routerconfig.Config) {
		c.DefaultTier = "nano"
		c.Routes = []routerconfig.Route{{Name: "checked", Validate: &v}}
	}
}

const (
	askTicket    = `{"model":"auto","messages":[{"role":"user","content":"Classify this ticket"}]}`
	streamTicket = `{"model":"auto","stream":true,"messages":[{"role":"user","content":"Classify this ticket"}]}`
	goodTicket   = `{"category":"bug"}`
)

var ticketRules = routerconfig.Validation{
	JSONSchema: `{"type":"object","required":["category"],"properties":{"category":{"enum":["bug","billing"]}}}`,
	MinLength:  5, RejectRefusals: true, RejectTruncated: true, Streaming: routerconfig.StreamingBuffer,
}

// costs of one call with the usage of scripted answers, per tier of baseConfig.
const (
	nanoCost     = pricing.Picodollars(100*50_000 + 10*400_000)
	midCost      = pricing.Picodollars(100*250_000 + 10*2_000_000)
	flagshipCost = pricing.Picodollars(100*3_000_000 + 10*15_000_000)
)

// Each kind of bad answer leads one tier up, JSON and stream, and every attempt is
// charged to the picodollar.
func TestAFailedAnswerIsAskedForOneTierUp(t *testing.T) {
	for name, bad := range map[string]struct {
		answer said
		rule   string
	}{
		"off-schema":           {said{text: `{"category":"poem"}`}, "jsonSchema"},
		"malformed":            {said{text: `{"category":`}, "jsonSchema"},
		"truncated":            {said{text: `{"categ`, finish: "length"}, "rejectTruncated"},
		"refused in words":     {said{text: "I'm sorry, but I can't help with that."}, "rejectRefusals"},
		"refused on the wire":  {said{refusal: "No."}, "rejectRefusals"},
		"withheld":             {said{text: "", finish: "content_filter"}, "rejectRefusals"},
		"too short":            {said{text: `{}`}, "minLength"},
		"an answer of nothing": {said{}, "minLength"},
	} {
		for _, body := range []string{askTicket, streamTicket} {
			t.Run(name, func(t *testing.T) {
				cheap := newScripted(t, saying(bad.answer))
				first := newScripted(t, saying(said{text: goodTicket}))
				g := newGateway(t, func(c *routerconfig.Config) {
					checkedRoute(ticketRules)(c)
					plays(c, "cheap", cheap)
					plays(c, "first", first)
				})
				a := g.ask(body)
				wantStatus(t, a, 200)
				wantHeader(t, a, "x-tiershift-tier", "mid")
				wantHeader(t, a, "x-tiershift-attempts", "2")
				wantHeader(t, a, "x-tiershift-validation", "")
				if !strings.Contains(a.header.Get("x-tiershift-reason"), "fallback:validation") {
					t.Errorf("the reason is %q", a.header.Get("x-tiershift-reason"))
				}
				if got := content(t, a); got != goodTicket {
					t.Errorf("the answer is %q", got)
				}
				r := g.record(0)
				if r.Cost != nanoCost+midCost || r.Attempts != 2 || r.Outcome != metricnames.OutcomeSuccess || r.Tier != "mid" {
					t.Errorf("booked %+v, want a cost of %d", r, nanoCost+midCost)
				}
				g.wantMetrics(
					`tiershift_escalations_total{cause="validation",namespace="shop",policy="support",route="checked"} 1`,
					`tiershift_quality_score_count{model="small-1",namespace="shop",placed="",policy="support",provider="OpenAI",route="checked",source="validation",tier="nano"} 1`,
					`tiershift_quality_score_sum{model="small-1",namespace="shop",placed="",policy="support",provider="OpenAI",route="checked",source="validation",tier="nano"} 0`,
					`tiershift_quality_score_sum{model="medium-1",namespace="shop",placed="",policy="support",provider="OpenAI",route="checked",source="validation",tier="mid"} 1`,
				)
			})
		}
	}
}

func TestAGoodAnswerIsAskedForOnce(t *testing.T) {
	for name, good := range map[string]said{
		"plain": {text: goodTicket}, "fenced": {text: "```json\n" + goodTicket + "\n```"}, "a tool call": {call: true},
	} {
		for _, body := range []string{askTicket, streamTicket} {
			t.Run(name, func(t *testing.T) {
				cheap := newScripted(t, saying(good))
				g := newGateway(t, func(c *routerconfig.Config) {
					checkedRoute(ticketRules)(c)
					plays(c, "cheap", cheap)
				})
				a := g.ask(body)
				wantStatus(t, a, 200)
				wantHeader(t, a, "x-tiershift-tier", "nano")
				wantHeader(t, a, "x-tiershift-attempts", "1")
				if r := g.record(0); r.Cost != nanoCost {
					t.Errorf("booked %d, want %d", r.Cost, nanoCost)
				}
				g.wantMetrics(`tiershift_quality_score_sum{model="small-1",namespace="shop",placed="",policy="support",provider="OpenAI",route="checked",source="validation",tier="nano"} 1`)
			})
		}
	}
}

// When nothing better comes the client gets the last whole answer, and is told.
func TestTheLastAnswerIsDeliveredWhenNoneIsValid(t *testing.T) {
	bad := said{text: `{"category":"poem"}`}
	tests := map[string]struct {
		change      func(*routerconfig.Config)
		first       said
		strong      said
		tier        string
		calls, cost int64
	}{
		"all fail":          {nil, bad, bad, "flagship", 3, int64(nanoCost + midCost + flagshipCost)},
		"attempts are few":  {func(c *routerconfig.Config) { c.Fallback.MaxAttempts = 2 }, bad, bad, "mid", 2, int64(nanoCost + midCost)},
		"a ceiling":         {func(c *routerconfig.Config) { c.Routes[0].MaxTier = "nano" }, bad, bad, "nano", 1, int64(nanoCost)},
		"the rest is down":  {nil, said{status: 500}, said{status: 500}, "nano", 3, int64(nanoCost)},
		"the rest refuses":  {nil, said{status: 400}, said{status: 400}, "nano", 2, int64(nanoCost)},
		"no fallback is on": {func(c *routerconfig.Config) { c.Fallback.On = nil }, said{status: 500}, bad, "nano", 2, int64(nanoCost)},
	}
	for name, test := range tests {
		for _, body := range []string{askTicket, streamTicket} {
			t.Run(name, func(t *testing.T) {
				cheap, first, strong := newScripted(t, saying(bad)), newScripted(t, saying(test.first)), newScripted(t, saying(test.strong))
				g := newGateway(t, func(c *routerconfig.Config) {
					checkedRoute(ticketRules)(c)
					plays(c, "cheap", cheap)
					plays(c, "first", first)
					plays(c, "second", first)
					plays(c, "strong", strong)
					if test.change != nil {
						test.change(c)
					}
				})
				a := g.ask(body)
				wantStatus(t, a, 200)
				wantHeader(t, a, "x-tiershift-tier", test.tier)
				wantHeader(t, a, "x-tiershift-validation", "failed: jsonSchema")
				wantHeader(t, a, "x-tiershift-attempts", fmt.Sprint(test.calls))
				if got := content(t, a); got != bad.text {
					t.Errorf("the answer is %q", got)
				}
				if r := g.record(0); int64(r.Cost) != test.cost || r.Tier != test.tier {
					t.Errorf("booked %d on %s, want %d on %s", r.Cost, r.Tier, test.cost, test.tier)
				}
			})
		}
	}
}

// The tiers between are skipped over model by model, never retried: a failed
// answer goes up, not sideways.
func TestAFailedAnswerGoesUpNotSideways(t *testing.T) {
	first := newScripted(t, saying(said{text: "no JSON"}))
	second := newScripted(t, saying(said{text: goodTicket}))
	strong := newScripted(t, saying(said{text: goodTicket}))
	g := newGateway(t, func(c *routerconfig.Config) {
		checkedRoute(ticketRules)(c)
		c.DefaultTier = "mid"
		plays(c, "first", first)
		plays(c, "second", second)
		plays(c, "strong", strong)
	})
	a := g.ask(askTicket)
	wantHeader(t, a, "x-tiershift-tier", "flagship")
	if n := len(second.requests()); n != 0 {
		t.Errorf("the other model of the tier was asked %d times", n)
	}
}

func TestPassThroughOnlyCounts(t *testing.T) {
	rules := ticketRules
	rules.Streaming = routerconfig.StreamingPassThrough
	cheap := newScripted(t, saying(said{text: `{"category":"poem"}`}))
	g := newGateway(t, func(c *routerconfig.Config) {
		checkedRoute(rules)(c)
		plays(c, "cheap", cheap)
	})
	a := g.ask(streamTicket)
	wantStatus(t, a, 200)
	wantHeader(t, a, "x-tiershift-attempts", "1")
	if !strings.Contains(a.body, " tier=nano model=small-1 validation=failed:jsonSchema\n") {
		t.Errorf("the last line does not tell: %s", a.body)
	}
	g.record(0)
	g.wantMetrics(`tiershift_quality_score_sum{model="small-1",namespace="shop",placed="",policy="support",provider="OpenAI",route="checked",source="validation",tier="nano"} 0`)
}

func TestABufferedStreamThatIsCutIsAskedForAgain(t *testing.T) {
	cheap := newScripted(t, saying(said{text: `{"category":"bug"}`, cut: true}))
	first := newScripted(t, saying(said{text: goodTicket}))
	g := newGateway(t, func(c *routerconfig.Config) {
		checkedRoute(ticketRules)(c)
		plays(c, "cheap", cheap)
		plays(c, "first", first)
	})
	a := g.ask(streamTicket)
	wantStatus(t, a, 200)
	wantHeader(t, a, "x-tiershift-tier", "mid")
	if got := content(t, a); got != goodTicket {
		t.Errorf("the answer is %q", got)
	}
}

// A stream that grows too long to be held leaves unchecked, whole and in order.
func TestAStreamTooLongToHoldLeavesUnchecked(t *testing.T) {
	long := strings.Repeat("0123456789", 60_000) // 120,000 events of some 150 bytes
	cheap := newScripted(t, saying(said{text: long}))
	g := newGateway(t, func(c *routerconfig.Config) {
		checkedRoute(ticketRules)(c)
		plays(c, "cheap", cheap)
	})
	a := g.ask(streamTicket)
	wantStatus(t, a, 200)
	wantHeader(t, a, "x-tiershift-attempts", "1")
	if !strings.HasPrefix(a.header.Get("x-tiershift-validation"), "unchecked") {
		t.Errorf("x-tiershift-validation is %q", a.header.Get("x-tiershift-validation"))
	}
	if got := content(t, a); got != long {
		t.Errorf("%d of %d bytes arrived", len(got), len(long))
	}
}

func TestSDKTakesBufferedStreams(t *testing.T) {
	cheap := newScripted(t, saying(said{text: "no JSON"}))
	first := newScripted(t, saying(said{text: goodTicket}))
	g := newGateway(t, func(c *routerconfig.Config) {
		checkedRoute(ticketRules)(c)
		plays(c, "cheap", cheap)
		plays(c, "first", first)
	})
	client := g.sdk()
	var response *http.Response
	stream := client.Chat.Completions.NewStreaming(t.Context(), userSays("Classify this ticket"), option.WithResponseInto(&response))
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		all.AddChunk(stream.Current())
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if got := all.Choices[0].Message.Content; got != goodTicket || response.Header.Get("X-Tiershift-Tier") != "mid" {
		t.Errorf("got %q of %s", got, response.Header.Get("X-Tiershift-Tier"))
	}
}

// content is what the answer says, JSON or stream.
func content(t *testing.T, a *answer) string {
	t.Helper()
	var out strings.Builder
	take := func(data string) {
		var c struct {
			Choices []struct {
				Message, Delta struct{ Content string }
			}
		}
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			t.Fatalf("%v in %q", err, data)
		}
		for _, choice := range c.Choices {
			out.WriteString(choice.Message.Content + choice.Delta.Content)
		}
	}
	if a.header.Get("Content-Type") == "application/json" {
		take(a.body)
		return out.String()
	}
	done := 0
	for line := range strings.Lines(a.body) {
		if data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok && data == "[DONE]" {
			done++
		} else if ok {
			take(data)
		}
	}
	if done != 1 {
		t.Errorf("%d ends in %q", done, a.body)
	}
	return out.String()
}

// wantMetrics waits until each line is among the metrics.
func (g *gateway) wantMetrics(lines ...string) {
	g.t.Helper()
	for _, line := range lines {
		g.eventually(line, func() bool { return strings.Contains(g.get(g.admin+"/metrics").body, line+"\n") })
	}
}
