package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Provider is one simulated provider account. Its methods may be called at any
// time, also while it serves.
type Provider struct {
	cfg     Config
	dialect dialect
	models  map[string]*modelState
	keys    atomic.Pointer[[]string]
	faults  atomic.Pointer[Faults]
	latency atomic.Pointer[Latency]
	cache   *promptCache
	serial  atomic.Uint64
	count   *counters
	canned  *cannedAnswer
}

// modelState is a model and what may change of it.
type modelState struct {
	Model
	capability atomic.Uint64 // bits of a float64
}

func (m *modelState) currentCapability() float64 {
	return math.Float64frombits(m.capability.Load())
}

// New returns a provider, or all that is wrong with its config.
func New(cfg Config) (*Provider, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("simulator %s: %w", cfg.Name, err)
	}
	if cfg.CacheEntries <= 0 {
		cfg.CacheEntries = 4096
	}
	cfg.Clock = cfg.Clock.orReal()
	cfg.Models = slices.Clone(cfg.Models)
	p := &Provider{
		cfg: cfg, dialect: dialects[cfg.Dialect], models: map[string]*modelState{},
		cache: newPromptCache(cfg.CacheEntries), count: newCounters(cfg.Record),
	}
	for _, m := range cfg.Models {
		state := &modelState{Model: m}
		state.capability.Store(math.Float64bits(m.Capability))
		p.models[m.Name] = state
	}
	p.SetAPIKeys(cfg.APIKeys...)
	p.SetLatency(cfg.Latency)
	p.faults.Store(cfg.Faults.clone())
	if cfg.Canned != nil {
		p.canned = newCannedAnswer(*cfg.Canned, cfg.Models[0], p.dialect, cfg.Seed, cfg.Clock)
	}
	return p, nil
}

// SetAPIKeys replaces the keys that are accepted; none: any key, or no key.
func (p *Provider) SetAPIKeys(keys ...string) {
	keys = slices.Clone(keys)
	p.keys.Store(&keys)
}

// SetFaults replaces the faults.
func (p *Provider) SetFaults(f Faults) error {
	if err := f.validate(); err != nil {
		return err
	}
	p.faults.Store(f.clone())
	return nil
}

// SetLatency replaces the latency of the models that have none of their own.
func (p *Provider) SetLatency(l Latency) { p.latency.Store(&l) }

// SetCapability makes a model answer better or worse from now on.
func (p *Provider) SetCapability(model string, capability float64) error {
	m, ok := p.models[model]
	if !ok {
		return fmt.Errorf("model %q is unknown", model)
	}
	if err := validShare("capability", capability); err != nil {
		return err
	}
	m.capability.Store(math.Float64bits(capability))
	return nil
}

// Stats returns what the provider has seen so far.
func (p *Provider) Stats() Stats { return p.count.snapshot() }

// Requests returns the last requests, the oldest first, if they are recorded.
func (p *Provider) Requests() []RecordedRequest { return p.count.requests() }

// Handler serves chat completions, embeddings and the model list below any path
// prefix.
func (p *Provider) Handler() http.Handler { return http.HandlerFunc(p.serve) }

// maxBody bounds request bodies, in bytes.
const maxBody = 32 << 20

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	body := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(body)
	body.Reset()
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	p.count.arrived(r, body.Bytes())
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		p.writeError(w, errBodyTooLarge)
		return
	case err != nil:
		p.cancelled()
		return
	}
	if apiErr := p.route(w, r, body.Bytes()); apiErr != nil {
		p.writeError(w, apiErr)
	}
}

// route answers a request, or returns the error to answer with.
func (p *Provider) route(w http.ResponseWriter, r *http.Request, body []byte) *apiError {
	if p.dialect.wire != nil {
		return p.dialect.wire.route(p, w, r, body)
	}
	if asksForResponse(r) && p.canned == nil {
		return p.respond(w, r, body)
	}
	if p.dialect.embeddings && asksForEmbeddings(r) {
		return p.embed(w, r, body)
	}
	return p.complete(w, r, body)
}

// complete answers a request of Chat Completions, or for the list of models.
func (p *Provider) complete(w http.ResponseWriter, r *http.Request, body []byte) *apiError {
	chat, models := strings.HasSuffix(r.URL.Path, "/chat/completions"), strings.HasSuffix(r.URL.Path, "/models")
	switch {
	case !chat && !models:
		return errUnknownURL(r.Method, r.URL.Path)
	case chat && r.Method != http.MethodPost:
		return errMethod(http.MethodPost)
	case models && r.Method != http.MethodGet:
		return errMethod(http.MethodGet)
	}
	if err := p.authenticate(r.Header); err != nil {
		return err
	}
	switch {
	case models:
		p.listModels(w)
		return nil
	case p.canned != nil:
		p.canned.serve(r.Context(), w, body, p.count)
		return nil
	default:
		return p.chat(w, r, body)
	}
}

func (p *Provider) authenticate(h http.Header) *apiError {
	keys := *p.keys.Load()
	if len(keys) == 0 {
		return nil
	}
	key := apiKey(h)
	switch {
	case key == "":
		return errNoKey
	case !slices.Contains(keys, key):
		return errWrongKey(key)
	default:
		return nil
	}
}

func (p *Provider) listModels(w http.ResponseWriter) {
	owner := p.cfg.Name
	if owner == "" {
		owner = "simulator"
	}
	p.setHeaders(w.Header(), p.serial.Add(1), 0)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encodeModels(p.cfg.Models, owner, modelsCreated))
}

// modelsCreated is when all simulated models were created: 1 January 2026.
const modelsCreated = 1767225600

// cancelled counts a client that went away.
func (p *Provider) cancelled() { p.count.update(func(s *Stats) { s.Cancelled++ }) }
