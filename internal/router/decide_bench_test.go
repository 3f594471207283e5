//go:build unix

package router

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/router/upstream"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/test/bench/chat"
)

// BenchmarkDecide is the routing decision as a request makes it, without the
// network: scan the body, match the routes, classify, decide. On a machine that
// does other things too, cpu-ns/op is the time that counts.
func BenchmarkDecide(b *testing.B) {
	server, engine := benchServer(b)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/chat/completions", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	for _, kilobytes := range []int{2, 20, 200} {
		bodies := make([][]byte, chat.Variants)
		for i := range bodies {
			bodies[i] = chat.Body(kilobytes<<10, i, false)
		}
		b.Run(fmt.Sprintf("%dKB", kilobytes), func(b *testing.B) {
			b.SetBytes(int64(len(bodies[0])))
			b.ReportAllocs()
			begun := cpuTime(b)
			for i := 0; b.Loop(); i++ {
				decideOnce(b, server, engine, r, bodies[i%len(bodies)])
			}
			b.ReportMetric(float64(cpuTime(b)-begun)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime is what the process has used of it so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func decideOnce(b *testing.B, s *Server, e *Engine, r *http.Request, body []byte) {
	x := exchange{server: s, engine: e, r: r, scratch: acquireScratch(), target: &target{api: chatAPI}}
	defer x.scratch.release()
	x.request, x.analysis = &x.scratch.request, &x.scratch.analysis
	if err := patch.Scan(body, x.request); err != nil {
		b.Fatal(err)
	}
	if _, err := e.decide(x.asked()); err != nil {
		b.Fatal(err)
	}
}

// benchServer serves a policy like the quickstart's: three tiers, the Standard
// preset, routes by path, by keyword and by model name.
func benchServer(b *testing.B) (*Server, *Engine) {
	b.Helper()
	second := routerconfig.Duration(time.Second)
	config := &routerconfig.Config{
		APIVersion: routerconfig.APIVersion, Namespace: "default", Policy: "support", DefaultTier: "mid",
		Providers: []routerconfig.Provider{{
			Name: "one", Kind: "OpenAI", Wire: routerconfig.WireOpenAI, BaseURL: "http://127.0.0.1:1/v1", KeyScheme: routerconfig.KeyBearer,
		}},
		Classification: routerconfig.Classification{
			Preset: routerconfig.PresetStandard, LowConfidenceTier: "mid", Model: &routerconfig.ClassifierModel{MinConfidence: 0.6},
		},
		Routes: []routerconfig.Route{
			{Name: "classify-ticket", Tier: "nano", MaxOutputTokens: 100, Match: routerconfig.Match{Paths: []string{"/api/classify-ticket"}}},
			{Name: "code-review", Tier: "flagship", Match: routerconfig.Match{Paths: []string{"/api/code-review"}}},
			{Name: "medical", MinTier: "flagship", Match: routerconfig.Match{
				Prompt: routerconfig.PromptMatch{Keywords: []string{"diagnosis", "dosage", "symptom", "prescription"}},
			}},
			{Name: "extract", Tier: "nano", Match: routerconfig.Match{ModelNames: []string{"extraction"}}},
			{Name: "chat"},
		},
		Fallback: routerconfig.Fallback{MaxAttempts: 3},
		Auth:     routerconfig.Auth{Mode: routerconfig.AuthNone},
	}
	for i, name := range []string{"nano", "mid", "flagship"} {
		config.Tiers = append(config.Tiers, routerconfig.Tier{
			Name: name, Rank: int32(10 * i), Selection: routerconfig.SelectionOrdered, Models: []routerconfig.Model{{
				Name: name + "-1", Provider: "one", Weight: 100, Price: routerconfig.Price{Input: "1", Output: "2"},
				Timeouts: routerconfig.Timeouts{FirstToken: second, Idle: second, Request: second},
			}},
		})
	}
	config.Baseline = routerconfig.Baseline{Tier: "flagship", Model: "flagship-1", Price: config.Tiers[2].Models[0].Price}
	if err := config.Validate(); err != nil {
		b.Fatal(err)
	}
	engine, err := NewEngine(config, Dependencies{Secrets: fstest.MapFS{}, Upstreams: NewUpstreams(upstream.Options{})})
	if err != nil {
		b.Fatal(err)
	}
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	return NewServer(metrics, Options{}), engine
}
