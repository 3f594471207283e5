package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/simulator"
)

// each runs a test for every client with every provider of the world.
func (w *world) each(t *testing.T, run func(t *testing.T, c client, u *upstream)) {
	t.Helper()
	for _, c := range w.clients(clientKey) {
		for _, u := range w.upstreams {
			t.Run(c.name()+" of "+u.title, func(t *testing.T) { run(t, c, u) })
		}
	}
}

func (u *upstream) fault(t *testing.T, f simulator.Faults) {
	t.Helper()
	if err := u.simulated.SetFaults(f); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.simulated.SetFaults(simulator.Faults{}) })
}

func asking(u *upstream, stream bool) *ask {
	a := says(story)
	a.model, a.stream = "tier:"+u.tier(false), stream
	return a
}

func wantError(t *testing.T, g *got, status int) {
	t.Helper()
	if g.status != status || g.message == "" || g.code == "" {
		t.Errorf("the SDK's error: %d %q %q (%v), want %d", g.status, g.code, g.message, g.err, status)
	}
}

// What the router itself refuses has the shape of each API.
func TestErrorsOfTheRouterAreTyped(t *testing.T) {
	w := newWorld(t, options{router: router.Options{MaxBodyBytes: 64 << 10}})
	for i, c := range w.clients(clientKey) {
		stranger := w.clients("nobody's key")[i]
		u := w.upstreams[0]
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name(), stream), func(t *testing.T) {
				wantError(t, stranger.ask(t.Context(), asking(u, stream)), http.StatusUnauthorized)
				unknown := asking(u, stream)
				unknown.model = "gpt-1"
				wantError(t, c.ask(t.Context(), unknown), http.StatusNotFound)
				large := asking(u, stream)
				large.turns[0].user = strings.Repeat("x", 80<<10)
				wantError(t, c.ask(t.Context(), large), http.StatusRequestEntityTooLarge)
			})
		}
	}
}

func TestNoConfigIsATypedError(t *testing.T) {
	metrics, err := router.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	server := router.NewServer(metrics, router.Options{})
	for _, path := range []string{"/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1beta/models/m:generateContent"} {
		recorder := &bareWriter{header: http.Header{}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://router"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		server.ServeHTTP(recorder, r)
		if recorder.status != http.StatusServiceUnavailable || recorder.header.Get("Retry-After") == "" || !strings.Contains(recorder.body.String(), `"error"`) {
			t.Errorf("%s: %d %v %s", path, recorder.status, recorder.header, recorder.body.String())
		}
	}
}

type bareWriter struct {
	header http.Header
	status int
	body   strings.Builder
}

func (w *bareWriter) Header() http.Header         { return w.header }
func (w *bareWriter) WriteHeader(status int)      { w.status = status }
func (w *bareWriter) Write(b []byte) (int, error) { return w.body.Write(b) }

func TestErrorsOfProvidersAreTyped(t *testing.T) {
	w := newWorld(t, options{})
	w.each(t, func(t *testing.T, c client, u *upstream) {
		for _, stream := range []bool{false, true} {
			u.fault(t, simulator.Faults{ErrorRates: map[int]float64{429: 1}, RetryAfter: 7 * time.Second})
			g := c.ask(t.Context(), asking(u, stream))
			wantError(t, g, http.StatusTooManyRequests)
			if after := g.header.Get("Retry-After"); after != "7" {
				t.Errorf("Retry-After %q", after)
			}
			u.fault(t, simulator.Faults{ErrorRates: map[int]float64{500: 1}})
			wantError(t, c.ask(t.Context(), asking(u, stream)), http.StatusBadGateway)
			u.fault(t, simulator.Faults{GarbageRate: 1})
			g = c.ask(t.Context(), asking(u, stream))
			if !stream {
				wantError(t, g, http.StatusBadGateway)
			}
			if g.err == nil || g.finish != "" || strings.Contains(g.message, "<") {
				t.Errorf("garbage: finish %q, %v", g.finish, g.err) // some of it begins as a stream
			}
			u.fault(t, simulator.Faults{})
		}
	})
}

// A verdict of the provider on what the client asked comes through in its words.
func TestBadRequestsArePassedOn(t *testing.T) {
	w := newWorld(t, options{})
	w.each(t, func(t *testing.T, c client, u *upstream) {
		a := asking(u, false)
		a.topP = number(-3.0)
		g := c.ask(t.Context(), a)
		wantError(t, g, http.StatusBadRequest)
		if !strings.Contains(g.message, "p") {
			t.Errorf("message %q", g.message)
		}
	})
}

func TestACutStreamIsATypedErrorAndCharged(t *testing.T) {
	w := newWorld(t, options{})
	w.each(t, func(t *testing.T, c client, u *upstream) {
		for name, f := range map[string]simulator.Faults{"cut": {CutRate: 1}, "an error event": {ErrorEventRate: 1}} {
			u.fault(t, f)
			g := c.ask(t.Context(), asking(u, true))
			if g.err == nil {
				t.Errorf("%s: the SDK took the stream for whole: finish %q, %q", name, g.finish, g.text())
			}
			if g.finish != "" {
				t.Errorf("%s: a finish was faked: %q", name, g.finish)
			}
			r, err := w.record(g.header.Get("X-Tiershift-Request-Id"))
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome != metricnames.OutcomeCut || r.Cost == 0 || r.Usage.OutputTokens == 0 || r.Attempts != 1 {
				t.Errorf("%s: record %+v", name, r)
			}
		}
	})
}

func TestACancelledStreamEndsAtTheProviderAndIsCharged(t *testing.T) {
	w := newWorld(t, options{})
	w.each(t, func(t *testing.T, c client, u *upstream) {
		u.simulated.SetLatency(simulator.Latency{TokensPerSecond: 400})
		defer u.simulated.SetLatency(simulator.Latency{})
		before := u.simulated.Stats().Cancelled
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		a, events := asking(u, true), 0
		a.onEvent = func() {
			if events++; events == 8 {
				cancel()
			}
		}
		g := c.ask(ctx, a)
		if g.err == nil {
			t.Fatal("the stream came to its end before it was cancelled")
		}
		r, err := w.record(g.header.Get("X-Tiershift-Request-Id"))
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcome != metricnames.OutcomeCancelled || r.Cost == 0 || r.Usage.OutputTokens == 0 {
			t.Errorf("record %+v", r)
		}
		for begun := time.Now(); u.simulated.Stats().Cancelled == before; time.Sleep(time.Millisecond) {
			if time.Since(begun) > 2*time.Second {
				t.Fatal("the provider generates on")
			}
		}
	})
}

func TestModelsAreListedForEachSDK(t *testing.T) {
	w := newWorld(t, options{})
	for _, c := range w.clients(clientKey) {
		ids, err := c.models(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", c.name(), err)
		}
		all := " " + strings.Join(ids, " ") + " "
		for _, want := range []string{" auto ", " tier:anthropic ", " gpt-4.1 ", " claude-haiku-4-5 ", " openai/gpt-oss-120b "} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %s in%s", c.name(), want, all)
			}
		}
	}
	for _, c := range w.clients("nobody's key") {
		if _, err := c.models(t.Context()); err == nil {
			t.Errorf("%s: models for nobody", c.name())
		}
	}
}

// Streams in all the forms that servers give them: lines that end in CRLF, pieces
// that end within characters, comments, a missing [DONE].
func TestStreamsInAllForms(t *testing.T) {
	w := newWorld(t, options{})
	w.each(t, func(t *testing.T, c client, u *upstream) {
		plain := c.ask(t.Context(), asking(u, true))
		if plain.err != nil {
			t.Fatal(plain.err)
		}
		for name, f := range map[string]simulator.Faults{
			"CRLF": {CRLF: true}, "in pieces": {ChunkSplitting: true}, "comments": {KeepAliveComments: true}, "no [DONE]": {NoDone: true},
			"all": {CRLF: true, ChunkSplitting: true, KeepAliveComments: true, NoDone: true},
		} {
			u.fault(t, f)
			g := c.ask(t.Context(), asking(u, true))
			if g.err != nil || g.text() != plain.text() || g.finish != "stop" {
				t.Errorf("%s: %v %q, want %q", name, g.err, g.text(), plain.text())
			}
		}
	})
}

// A provider that tells no usage is charged by an estimate, which is marked.
func TestUsageIsEstimatedWhereItIsNotTold(t *testing.T) {
	w := newWorld(t, options{})
	w.each(t, func(t *testing.T, c client, u *upstream) {
		u.fault(t, simulator.Faults{NoUsage: true})
		for _, stream := range []bool{false, true} {
			g := c.ask(t.Context(), asking(u, stream))
			if g.err != nil || g.text() == "" {
				t.Fatalf("stream %v: %v", stream, g.err)
			}
			r, err := w.record(g.header.Get("X-Tiershift-Request-Id"))
			if err != nil {
				t.Fatal(err)
			}
			if !r.Usage.Estimated || r.Cost == 0 || r.Usage.OutputTokens < int64(len(g.text())/8) {
				t.Errorf("stream %v: %+v", stream, r.Usage)
			}
		}
	})
}

// A conversation that moves from any provider to any other goes on, whatever thoughts
// it holds.
func TestConversationsMoveBetweenProviders(t *testing.T) {
	w := newWorld(t, options{})
	for _, c := range w.clients(clientKey) {
		for _, from := range w.upstreams {
			for _, to := range w.upstreams {
				a := askWeather("How is the weather in Lisbon today?", "")()
				a.model, a.effort, a.thoughts, a.stream = "tier:"+from.tier(true), "high", c.name() != "Chat Completions", true
				first := c.ask(t.Context(), a)
				if first.err != nil || len(first.calls) != 1 {
					t.Fatalf("%s of %s: %v", c.name(), from.title, first.err)
				}
				next := bring(func(*result) {})(a, first)
				next.model = "tier:" + to.tier(true)
				second := c.ask(t.Context(), next)
				if second.err != nil || second.text() == "" {
					t.Errorf("%s from %s to %s: %d %s %v", c.name(), from.title, to.title, second.status, second.message, second.err)
				}
			}
		}
	}
}

// Gemini's clients may give their key in the query.
func TestAKeyInTheQuery(t *testing.T) {
	w := newWorld(t, options{})
	for key, want := range map[string]int{clientKey: http.StatusOK, "nobody's": http.StatusUnauthorized} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/v1beta/models/tier:openai:generateContent?key="+strings.ReplaceAll(key, "'", "%27"),
			strings.NewReader(`{"contents":[{"parts":[{"text":"Hi"}]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("key %q: %d, want %d", key, response.StatusCode, want)
		}
	}
}
