package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tiershift/tiershift/internal/audit"
	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/router/upstream"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// auditPolicy is a policy with the router's decision and its prices.
type auditPolicy struct {
	config   *routerconfig.Config
	engine   *router.Engine
	metrics  *router.Metrics
	rates    map[servedModel]pricing.Rates
	baseline pricing.Rates
	names    map[string]bool // that the policy knows as more than models
}

// servedModel is a model of a tier at one kind of provider.
type servedModel struct{ tier, model, provider string }

func newAuditPolicy(flags *manifestFlags) (*auditPolicy, error) {
	files, err := flags.files()
	if err != nil {
		return nil, err
	}
	source := flags.offline(files)
	compiled, err := source.Compile()
	if err != nil {
		return nil, flags.explainFaults(err)
	}
	p := &auditPolicy{config: compiled.Config, rates: map[servedModel]pricing.Rates{}, names: map[string]bool{}}
	if p.metrics, err = router.NewMetrics(prometheus.NewRegistry()); err != nil {
		return nil, err
	}
	p.engine, err = router.NewEngine(p.config, router.Dependencies{
		Secrets: source.Secrets(), Classifiers: source.Classifiers(), Upstreams: router.NewUpstreams(upstream.Options{}),
	})
	if err != nil {
		return nil, err
	}
	p.readNames()
	if err := p.readRates(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *auditPolicy) readNames() {
	p.names[routerconfig.AutoModel] = true
	for i := range p.config.Routes {
		p.names[p.config.Routes[i].Name] = true
		for _, name := range p.config.Routes[i].Match.ModelNames {
			p.names[name] = true
		}
	}
}

func (p *auditPolicy) readRates() (err error) {
	if p.baseline, err = ratesOf(&p.config.Baseline.Price); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	kinds := map[string]string{}
	for i := range p.config.Providers {
		kinds[p.config.Providers[i].Name] = p.config.Providers[i].Kind
	}
	for i := range p.config.Tiers {
		t := &p.config.Tiers[i]
		for j := range t.Models {
			m := &t.Models[j]
			rates, err := ratesOf(&m.Price)
			if err != nil {
				return fmt.Errorf("tier %s: model %s: %w", t.Name, m.Name, err)
			}
			p.rates[servedModel{t.Name, m.Name, kinds[m.Provider]}] = rates
		}
	}
	return nil
}

func ratesOf(p *routerconfig.Price) (pricing.Rates, error) {
	return pricing.NewRates(pricing.RateStrings{
		Input: p.Input, CachedInput: p.CachedInput, CacheWrite: p.CacheWrite, CacheWrite1h: p.CacheWrite1h,
		Output: p.Output, ReasoningOutput: p.ReasoningOutput, BatchDiscountPercent: int(p.BatchDiscountPercent),
	})
}

// modelPrices are the prices of the policy's models by name, the lowest tier's
// first.
func (p *auditPolicy) modelPrices() map[string]pricing.Rates {
	prices := map[string]pricing.Rates{}
	for i := range p.config.Tiers {
		for j := range p.config.Tiers[i].Models {
			m := &p.config.Tiers[i].Models[j]
			if rates, err := ratesOf(&m.Price); err == nil { // readRates has refused any other
				if _, known := prices[m.Name]; !known {
					prices[m.Name] = rates
				}
			}
		}
	}
	return prices
}

func (p *auditPolicy) name() string { return p.config.Namespace + "/" + p.config.Policy }

func (p *auditPolicy) tiers() []string {
	var names []string
	for i := range p.config.Tiers {
		names = append(names, p.config.Tiers[i].Name)
	}
	return names
}

func (p *auditPolicy) keepsModel(name string) bool {
	tier, pinned := strings.CutPrefix(name, routerconfig.TierModelPrefix)
	return p.names[name] || pinned && slices.Contains(p.tiers(), tier)
}

// newExplain returns a router of one goroutine that serves nobody: what it draws
// at random follows from the seed of each request.
func (p *auditPolicy) newExplain() func(seed uint64, body []byte) (*router.Explanation, error) {
	random := rand.NewPCG(0, 0)
	server := router.NewServer(p.metrics, router.Options{Random: rand.New(random).Float64})
	server.Swap(p.engine)
	return func(seed uint64, body []byte) (*router.Explanation, error) {
		random.Seed(seed, seed)
		request, err := http.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return server.Explain(request)
	}
}

// newDecide returns the decision of one goroutine.
func (p *auditPolicy) newDecide() audit.Decide {
	explain := p.newExplain()
	second := secondOpinion{model: model.Default()}
	return func(seed uint64, body []byte) (*audit.Decision, error) {
		e, err := explain(seed, body)
		if err != nil {
			return nil, err
		}
		d := &audit.Decision{
			Route: e.Route, Tier: e.Tier, Model: e.Model, Provider: e.Provider, Class: e.Class,
			InputTokens: e.PromptTokens, OutputTokens: e.OutputTokens,
			Rates: p.rates[servedModel{e.Tier, e.Model, e.Provider}], Baseline: p.baseline,
		}
		if !slices.Contains(model.Classes[:], d.Class) {
			d.Class, d.Judged = second.class(body, e.PromptTokens), true
		}
		return d, nil
	}
}

// secondOpinion classifies what the policy does not: pinned requests, and those
// that no step of it was sure of.
type secondOpinion struct {
	model      *model.Model
	request    patch.Request
	prediction model.Prediction
	text       []byte
}

func (s *secondOpinion) class(body []byte, tokens int64) string {
	if patch.Scan(body, &s.request) != nil {
		return "" // the router has read it: cannot be
	}
	s.text = s.request.AppendLastUserText(s.text[:0], -1)
	s.model.Predict(s.text, model.Signals{
		Tokens: tokens, Turns: s.request.Turns(), Tools: s.request.HasTools(),
		Images: s.request.HasImages(), JSONSchema: s.request.WantsJSONSchema(),
	}, &s.prediction)
	return s.prediction.Class
}
