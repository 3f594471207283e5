package conformance

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/router/process"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/simulator"
)

// upstream is a simulated provider, as the compiler sets it up
// (internal/compile/providers.go).
type upstream struct {
	title, name string
	dialect     simulator.Dialect
	kind        string
	wire        routerconfig.Wire
	also        []routerconfig.Wire
	key         routerconfig.KeyScheme
	path        string
	apiVersion  string
	// plain and thinker are its models.
	plain, thinker string

	simulated *simulator.Provider
}

var alsoResponses = []routerconfig.Wire{routerconfig.WireResponses}

func upstreams() []*upstream {
	return []*upstream{
		{
			title: "OpenAI", name: "openai", dialect: simulator.OpenAI, kind: "OpenAI", wire: routerconfig.WireOpenAI, also: alsoResponses,
			key: routerconfig.KeyBearer, path: "/v1", plain: "gpt-4.1", thinker: "gpt-5",
		},
		{
			title: "Responses", name: "responses", dialect: simulator.OpenAI, kind: "OpenAI", wire: routerconfig.WireResponses,
			key: routerconfig.KeyBearer, path: "/v1", plain: "gpt-4.1", thinker: "gpt-5",
		},
		{
			title: "Azure", name: "azure", dialect: simulator.AzureOpenAI, kind: "AzureOpenAI", wire: routerconfig.WireOpenAI, also: alsoResponses,
			key: routerconfig.KeyAPIKeyHeader, path: "/openai/v1", plain: "gpt-4.1", thinker: "gpt-5",
		},
		{
			title: "Azure deployments", name: "deployments", dialect: simulator.AzureOpenAI, kind: "AzureOpenAI", wire: routerconfig.WireOpenAI,
			key: routerconfig.KeyAPIKeyHeader, path: "/openai/deployments", apiVersion: "2024-10-21", plain: "gpt-4.1", thinker: "gpt-5",
		},
		{
			title: "DeepSeek", name: "deepseek", dialect: simulator.DeepSeek, kind: "DeepSeek", wire: routerconfig.WireOpenAI,
			key: routerconfig.KeyBearer, path: "/v1", plain: "deepseek-chat", thinker: "deepseek-reasoner",
		},
		{
			title: "Mistral", name: "mistral", dialect: simulator.Mistral, kind: "Mistral", wire: routerconfig.WireOpenAI,
			key: routerconfig.KeyBearer, path: "/v1", plain: "mistral-large", thinker: "magistral-medium",
		},
		{
			title: "xAI", name: "xai", dialect: simulator.XAI, kind: "XAI", wire: routerconfig.WireOpenAI, also: alsoResponses,
			key: routerconfig.KeyBearer, path: "/v1", plain: "grok-3", thinker: "grok-4",
		},
		{
			title: "Compatible", name: "compatible", dialect: simulator.OpenAI, kind: "OpenAICompatible", wire: routerconfig.WireOpenAI,
			key: routerconfig.KeyBearer, path: "/v1", plain: "llama-3.3-70b", thinker: "openai/gpt-oss-120b",
		},
		{
			title: "Anthropic", name: "anthropic", dialect: simulator.Anthropic, kind: "Anthropic", wire: routerconfig.WireAnthropic,
			key: routerconfig.KeyXAPIKeyHeader, path: "/v1", plain: "claude-haiku-4-5", thinker: "claude-opus-4-6",
		},
		{
			title: "Gemini", name: "gemini", dialect: simulator.Gemini, kind: "Gemini", wire: routerconfig.WireGemini,
			key: routerconfig.KeyGoogHeader, path: "/v1beta", plain: "gemini-2.5-flash", thinker: "gemini-3-pro",
		},
	}
}

// Prices of all models, of which no two are alike, so that each kind of token
// shows in the cost.
var price = routerconfig.Price{
	Input: "1.01", CachedInput: "0.13", CacheWrite: "1.27", CacheWrite1h: "2.03", Output: "7.07", ReasoningOutput: "7.07",
}

// world is a router over all providers.
type world struct {
	t         *testing.T
	url       string
	upstreams []*upstream
	process   *process.Process

	mu      sync.Mutex
	records map[string]router.Record
}

const clientKey = "client-key"

// options change the world before it begins.
type options struct {
	config func(*routerconfig.Config)
	router router.Options
}

func newWorld(t *testing.T, o options) *world {
	t.Helper()
	w := &world{t: t, upstreams: upstreams(), records: map[string]router.Record{}}
	files := fstest.MapFS{"clients/app": {Data: []byte(clientKey)}}
	config := baseConfig()
	for _, u := range w.upstreams {
		u.start(t)
		files[u.name+"/key"] = &fstest.MapFile{Data: []byte("key-of-" + u.name)}
		w.add(t, config, u)
	}
	if o.config != nil {
		o.config(config)
	}
	w.start(config, files, o)
	return w
}

func baseConfig() *routerconfig.Config {
	return &routerconfig.Config{
		APIVersion: routerconfig.APIVersion, Namespace: "test", Policy: "conformance", Generation: 1, DefaultTier: "openai",
		Baseline:       routerconfig.Baseline{Tier: "openai", Model: "gpt-4.1", Price: price},
		Classification: routerconfig.Classification{Preset: routerconfig.PresetNone},
		Fallback:       routerconfig.Fallback{MaxAttempts: 1, On: []routerconfig.Cause{routerconfig.CauseServerError}},
		Auth:           routerconfig.Auth{Mode: routerconfig.AuthAPIKeys, ClientsDir: "clients"},
	}
}

func (u *upstream) start(t *testing.T) {
	t.Helper()
	model := func(name string) simulator.Model {
		return simulator.Model{Name: name, Capability: 1, CacheWrites: u.dialect == simulator.Anthropic}
	}
	thinker := model(u.thinker)
	thinker.Reasoning = true
	models := []simulator.Model{model(u.plain), thinker}
	if u.dialect == simulator.Anthropic || u.dialect == simulator.Gemini {
		models[0].Reasoning = true // where requests, not models, say whether to think
	}
	var err error
	u.simulated, err = simulator.New(simulator.Config{
		Name: u.name, Dialect: u.dialect, APIKeys: []string{"key-of-" + u.name}, Record: 4, Seed: 11, Models: models,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// add gives each of the provider's models a tier of its own.
func (w *world) add(t *testing.T, config *routerconfig.Config, u *upstream) {
	t.Helper()
	baseURL, stop, err := u.simulated.Listen(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	config.Providers = append(config.Providers, routerconfig.Provider{
		Name: u.name, Kind: u.kind, Wire: u.wire, Also: u.also, KeyScheme: u.key, KeyFile: u.name + "/key", APIVersion: u.apiVersion,
		BaseURL: strings.TrimSuffix(baseURL, "/v1") + u.path,
	})
	for i, name := range []string{u.plain, u.thinker} {
		config.Tiers = append(config.Tiers, routerconfig.Tier{
			Name: u.tier(i == 1), Rank: int32(len(config.Tiers) + 1), Selection: routerconfig.SelectionOrdered,
			Models: []routerconfig.Model{{
				Name: name, Provider: u.name, Weight: 100, Price: price,
				Timeouts: routerconfig.Timeouts{
					FirstToken: routerconfig.Duration(5 * time.Second), Idle: routerconfig.Duration(5 * time.Second),
					Request: routerconfig.Duration(20 * time.Second),
				},
			}},
		})
	}
}

func (u *upstream) tier(thinks bool) string {
	if thinks {
		return u.name + "-thinker"
	}
	return u.name
}

// fixed is a config that does not change.
type fixed []byte

func (f fixed) Version() (string, error) { return "1", nil }
func (f fixed) Read() ([]byte, error)    { return f, nil }

func (w *world) start(config *routerconfig.Config, files fs.FS, o options) {
	w.t.Helper()
	data, err := routerconfig.Encode(config)
	if err != nil {
		w.t.Fatal(err)
	}
	o.router.Observe = w.observe
	ready := make(chan struct{})
	w.process, err = process.New(process.Options{
		Source: fixed(data), Secrets: files, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", ReloadInterval: time.Hour,
		DrainTimeout: 5 * time.Second, Log: slog.New(slog.DiscardHandler), Router: o.router,
		Ready: func(listen, _ net.Addr) {
			w.url = "http://" + listen.String()
			close(ready)
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.process.Run(ctx) }()
	select {
	case <-ready:
	case err := <-done:
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
}

func (w *world) observe(r *router.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records[r.RequestID] = *r
}

// record waits for what the router booked of a request.
func (w *world) record(id string) (router.Record, error) {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		w.mu.Lock()
		r, ok := w.records[id]
		w.mu.Unlock()
		if ok {
			return r, nil
		}
	}
	return router.Record{}, fmt.Errorf("the router has booked nothing of request %q", id)
}

// clients are the SDKs, each pointed at the router.
func (w *world) clients(key string) []client {
	g, err := newGeminiClient(context.Background(), w.url, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return []client{newChatClient(w.url, key), newResponsesClient(w.url, key), newMessagesClient(w.url, key), g}
}

// spent is what the provider has charged for a model since before.
func (u *upstream) spent(model string, before simulator.Stats) pricing.Usage {
	a, b := before.Models[model], u.simulated.Stats().Models[model]
	return pricing.Usage{
		InputTokens: b.PromptTokens - a.PromptTokens, CachedInputTokens: b.CachedTokens - a.CachedTokens,
		CacheWriteTokens: b.CacheWriteTokens - a.CacheWriteTokens,
		OutputTokens:     b.CompletionTokens - a.CompletionTokens, ReasoningTokens: b.ReasoningTokens - a.ReasoningTokens,
	}
}
