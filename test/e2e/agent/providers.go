package main

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tiershift/tiershift/internal/simulator"
)

// providers are simulated accounts, one for each first segment of a path. The second
// says how it is asked: /openai/v1/chat/completions. What /control/openai is given
// by PUT holds from then on, and GET tells what the account has seen.
type providers struct {
	mu       sync.Mutex
	accounts map[string]*account
}

// account is one customer of a provider, who may be spoken to in either of two
// wires.
type account struct {
	openai, anthropic *simulator.Provider

	mu   sync.Mutex
	keys map[string]int
}

// settings are how an account is to behave.
type settings struct {
	// Keys are accepted; none: any.
	Keys []string `json:"keys"`
	// Status is what every request is answered with; 0: it is served.
	Status int `json:"status"`
}

func newProviders() http.Handler {
	p := &providers{accounts: map[string]*account{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("PUT /control/{account}", p.control)
	mux.HandleFunc("GET /control/{account}", p.tell)
	mux.HandleFunc("/{account}/", p.serve)
	return mux
}

func (p *providers) account(name string) *account {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.accounts[name] == nil {
		p.accounts[name] = newAccount(name)
	}
	return p.accounts[name]
}

// models are those of the quickstart.
var models = []string{"gpt-5-nano", "gpt-5-mini", "deepseek-v3.2", "claude-sonnet-4-6"}

func newAccount(name string) *account {
	config := simulator.Config{
		Name: name, Seed: 1, Latency: simulator.Latency{FirstToken: simulator.Distribution{Median: 5 * time.Millisecond}, TokensPerSecond: 1000},
	}
	for _, model := range models {
		config.Models = append(config.Models, simulator.Model{Name: model, Capability: 0.9})
	}
	a := &account{keys: map[string]int{}}
	a.openai = must(simulator.New(config))
	config.Dialect = simulator.Anthropic
	a.anthropic = must(simulator.New(config))
	return a
}

// must is for what the code above says, which is right or never was.
func must(p *simulator.Provider, err error) *simulator.Provider {
	if err != nil {
		panic(err)
	}
	return p
}

func (p *providers) serve(w http.ResponseWriter, r *http.Request) {
	a := p.account(r.PathValue("account"))
	key := cmp.Or(r.Header.Get("x-api-key"), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	a.mu.Lock()
	a.keys[key]++
	a.mu.Unlock()
	provider := a.openai
	if strings.HasSuffix(r.URL.Path, "/messages") || r.Header.Get("anthropic-version") != "" {
		provider = a.anthropic
	}
	provider.Handler().ServeHTTP(w, r)
}

func (p *providers) control(w http.ResponseWriter, r *http.Request) {
	var s settings
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var faults simulator.Faults
	if s.Status != 0 {
		faults.ErrorRates = map[int]float64{s.Status: 1}
	}
	a := p.account(r.PathValue("account"))
	for _, provider := range []*simulator.Provider{a.openai, a.anthropic} {
		provider.SetAPIKeys(s.Keys...)
		if err := provider.SetFaults(faults); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
}

// tell says how often each key was used since it was last asked.
func (p *providers) tell(w http.ResponseWriter, r *http.Request) {
	a := p.account(r.PathValue("account"))
	a.mu.Lock()
	keys := a.keys
	a.keys = map[string]int{}
	a.mu.Unlock()
	reply(w, map[string]any{"keys": keys})
}

func reply(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document) // the reader may have gone
}
