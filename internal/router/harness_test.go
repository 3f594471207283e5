package router_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/router/process"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/simulator"
)

// gateway is a router at work between a client and simulated providers.
type gateway struct {
	t          testing.TB
	url, admin string
	config     *routerconfig.Config
	process    *process.Process
	source     *memorySource
	secrets    *memorySecrets
	// providers by name: cheap (tier nano), first and second (tier mid), strong
	// (tier flagship).
	providers map[string]*simulator.Provider
	stop      func() error

	mu      sync.Mutex
	records []router.Record
}

// memorySource is a config that tests change.
type memorySource struct {
	mu      sync.Mutex
	data    []byte
	version int
}

func (s *memorySource) Version() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.version), nil
}

func (s *memorySource) Read() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data, nil
}

func (s *memorySource) set(t testing.TB, c *routerconfig.Config) {
	t.Helper()
	data, err := routerconfig.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	s.setBytes(data)
}

func (s *memorySource) setBytes(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = data
	s.version++
}

// memorySecrets is a secrets directory that tests change while it is read.
type memorySecrets struct {
	mu    sync.Mutex
	files fstest.MapFS
}

func (s *memorySecrets) Open(name string) (fs.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files.Open(name)
}

func (s *memorySecrets) ReadFile(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files.ReadFile(name)
}

func (s *memorySecrets) ReadDir(name string) ([]fs.DirEntry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files.ReadDir(name)
}

func (s *memorySecrets) set(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = &fstest.MapFile{Data: []byte(value)}
}

func (s *memorySecrets) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, name)
}

var modelsOf = map[string]string{"cheap": "small-1", "first": "medium-1", "second": "medium-2", "strong": "large-1"}

// newGateway starts four simulated providers and a router over them. change, if
// not nil, may edit the config first.
func newGateway(t testing.TB, change func(*routerconfig.Config)) *gateway {
	t.Helper()
	g := &gateway{t: t, providers: map[string]*simulator.Provider{}, source: &memorySource{}, secrets: &memorySecrets{files: fstest.MapFS{}}}
	config := baseConfig()
	for i := range config.Providers {
		p := &config.Providers[i]
		simulated, err := simulator.New(simulator.Config{
			Name: p.Name, APIKeys: []string{"key-of-" + p.Name}, Record: 16, Seed: 7,
			Models: []simulator.Model{{Name: modelsOf[p.Name], Capability: 0.9}},
		})
		if err != nil {
			t.Fatal(err)
		}
		baseURL, stop, err := simulated.Listen(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		p.BaseURL = baseURL
		g.providers[p.Name] = simulated
		g.secrets.set(p.Name+"/key", "key-of-"+p.Name+"\n")
	}
	if change != nil {
		change(config)
	}
	g.start(config)
	return g
}

func (g *gateway) start(config *routerconfig.Config) {
	g.t.Helper()
	g.config = config
	g.source.set(g.t, config)
	ready := make(chan struct{})
	p, err := process.New(process.Options{
		Source: g.source, Secrets: g.secrets, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0",
		ReloadInterval: 10 * time.Millisecond, DrainTimeout: 10 * time.Second, Log: slog.New(slog.NewTextHandler(g.t.Output(), nil)),
		Router: router.Options{MaxBodyBytes: 1 << 20, Observe: g.observe},
		Ready: func(listen, admin net.Addr) {
			g.url, g.admin = "http://"+listen.String(), "http://"+admin.String()
			close(ready)
		},
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.process = p
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	<-ready
	g.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	g.t.Cleanup(func() {
		if err := g.stop(); err != nil {
			g.t.Errorf("the router did not end cleanly: %v", err)
		}
	})
}

func baseConfig() *routerconfig.Config {
	timeouts := routerconfig.Timeouts{
		FirstToken: routerconfig.Duration(5 * time.Second), Idle: routerconfig.Duration(5 * time.Second), Request: routerconfig.Duration(20 * time.Second),
	}
	model := func(provider, in, out string) routerconfig.Model {
		return routerconfig.Model{
			Name: modelsOf[provider], Provider: provider, Weight: 100, Timeouts: timeouts,
			Price: routerconfig.Price{Input: in, Output: out},
		}
	}
	c := &routerconfig.Config{
		APIVersion: routerconfig.APIVersion, Namespace: "shop", Policy: "support", Generation: 3,
		Tiers: []routerconfig.Tier{
			{Name: "nano", Rank: 10, Selection: routerconfig.SelectionWeighted, Models: []routerconfig.Model{model("cheap", "0.05", "0.4")}},
			{Name: "mid", Rank: 20, Selection: routerconfig.SelectionOrdered, Models: []routerconfig.Model{model("first", "0.25", "2"), model("second", "0.3", "2.5")}},
			{Name: "flagship", Rank: 30, Selection: routerconfig.SelectionOrdered, Models: []routerconfig.Model{model("strong", "3", "15")}},
		},
		DefaultTier:    "mid",
		Baseline:       routerconfig.Baseline{Tier: "flagship", Model: "large-1", Price: routerconfig.Price{Input: "3", Output: "15"}},
		Classification: routerconfig.Classification{Preset: routerconfig.PresetNone},
		Fallback: routerconfig.Fallback{MaxAttempts: 3, On: []routerconfig.Cause{
			routerconfig.CauseConnectionError, routerconfig.CauseContextExceeded, routerconfig.CauseRateLimited,
			routerconfig.CauseServerError, routerconfig.CauseTimeout,
		}},
		Auth: routerconfig.Auth{Mode: routerconfig.AuthNone},
	}
	for _, name := range []string{"cheap", "first", "second", "strong"} {
		c.Providers = append(c.Providers, routerconfig.Provider{
			Name: name, Kind: "OpenAI", Wire: routerconfig.WireOpenAI, KeyScheme: routerconfig.KeyBearer, KeyFile: name + "/key",
		})
	}
	return c
}

func (g *gateway) observe(r *router.Record) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.records = append(g.records, *r)
}

// record waits for the n-th record: books are closed after the answer has gone.
func (g *gateway) record(n int) router.Record {
	g.t.Helper()
	var out router.Record
	g.eventually(fmt.Sprintf("record %d", n), func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.records) > n {
			out = g.records[n]
			return true
		}
		return false
	})
	return out
}

// eventually polls until the condition holds; a condition that never does fails
// the test after ten seconds.
func (g *gateway) eventually(what string, condition func() bool) {
	g.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return
		}
	}
	g.t.Fatalf("waited in vain for %s", what)
}

func (g *gateway) faults(provider string, f simulator.Faults) {
	g.t.Helper()
	if err := g.providers[provider].SetFaults(f); err != nil {
		g.t.Fatal(err)
	}
}

// answer is a response read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a *answer) errorObject(t *testing.T) (message, kind, param, code string) {
	t.Helper()
	var out struct {
		Error struct{ Message, Type, Param, Code string }
	}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatalf("no error object: %v in %q", err, a.body)
	}
	return out.Error.Message, out.Error.Type, out.Error.Param, out.Error.Code
}

const askHello = `{"model":"auto","messages":[{"role":"user","content":"hello there"}]}`

func (g *gateway) post(path, body string, header ...string) *answer {
	g.t.Helper()
	return g.do(http.MethodPost, g.url+path, body, header...)
}

func (g *gateway) ask(body string, header ...string) *answer {
	g.t.Helper()
	return g.post("/v1/chat/completions", body, header...)
}

func (g *gateway) get(url string) *answer {
	g.t.Helper()
	return g.do(http.MethodGet, url, "")
}

func (g *gateway) do(method, url, body string, header ...string) *answer {
	g.t.Helper()
	request, err := http.NewRequestWithContext(g.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		g.t.Fatalf("%s %s: %v after %q", method, url, err, data)
	}
	return &answer{status: response.StatusCode, header: response.Header, body: string(data)}
}

func wantStatus(t *testing.T, a *answer, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
}

func wantHeader(t *testing.T, a *answer, name, want string) {
	t.Helper()
	if got := a.header.Get(name); got != want {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}
