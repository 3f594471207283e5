package router

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/classify/chain"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/requestid"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/validation"
)

// Engine serves one config. It is immutable but for its keys and its health
// records, so that a request that began on it ends on it whatever is loaded
// meanwhile.
type Engine struct {
	config   *routerconfig.Config
	analyzer *classify.Analyzer
	keys     *keyring
	tiers    []*tier
	routes   []*route // in match order, the implicit route last
	byName   map[string]*route
	fallback map[routerconfig.Cause]bool
	// chain classifies, with trained, if the policy has a trained classifier.
	chain   *chain.Chain
	trained *trained
	// estimatesOutput is whether a tier's selection goes by the expected length of
	// the answer.
	estimatesOutput bool
	// baseline prices what an answer would have cost on the baseline model.
	baseline pricing.Rates
	// resolve finds what the ids of requests name.
	resolve names
	// modelCount is the number of models over all tiers.
	modelCount int
}

type tier struct {
	*routerconfig.Tier
	index  int
	hash   uint32 // in ids of requests
	models []*model
	header []string
}

// model is one model of a tier at one provider account.
type model struct {
	*routerconfig.Model
	// index is unique among the engine's models.
	index    int
	tier     *tier
	provider *provider
	rates    pricing.Rates
	// can is what the model is stated to be capable of.
	can patch.Needs
	// reasons is that it is known to think before it answers.
	reasons bool
	health  *health
	header  []string
	// hash, in ids of requests, tells the model from the others of its tier, which
	// may have the same at another account.
	hash uint32
}

type route struct {
	*routerconfig.Route
	index     int
	low, high int // tier bounds, inclusive
	pin       int // tier index, or -1
	split     []share
	// weights are by tier index and position in the tier, for tiers that the route
	// spreads by shares of its own; nil: none.
	weights map[int][]int32
	matcher matcher
	header  []string
	hash    uint32 // in ids of requests
	// checker says whether an answer is valid; nil: answers are not checked.
	checker *validation.Checker
	// judging is how a sample of the answers is judged; nil: none is.
	judging *judging
	// series are by model index: first for what the split did not place, then for
	// what it placed at each of its tiers.
	series []atomic.Pointer[series]
}

type share struct {
	tier int
	upTo uint32 // cumulative percent
}

// Dependencies are what an engine shares with the engines before and after it.
type Dependencies struct {
	// Secrets is the directory that key files are read from.
	Secrets fs.FS
	// Classifiers is the directory that trained classifiers are read from; nil:
	// there is none.
	Classifiers fs.FS
	// Upstreams holds the connections to providers.
	Upstreams *Upstreams
}

// NewEngine builds what serving the config needs, or says everything that
// hinders it. The config must have been validated.
func NewEngine(config *routerconfig.Config, deps Dependencies) (*Engine, error) {
	analyzer, err := classify.NewAnalyzer(config.Routes, config.Classification)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		config:   config,
		analyzer: analyzer,
		keys:     newKeyring(config, deps.Secrets),
		byName:   map[string]*route{},
		fallback: map[routerconfig.Cause]bool{},
	}
	for _, cause := range config.Fallback.On {
		e.fallback[cause] = true
	}
	if e.baseline, err = newRates(&config.Baseline.Price); err != nil {
		return nil, fmt.Errorf("baseline.price: %w", err)
	}
	providers, err := newProviders(config, deps.Upstreams)
	if err != nil {
		return nil, err
	}
	if err := e.addTiers(providers); err != nil {
		return nil, err
	}
	if err := e.addRoutes(); err != nil {
		return nil, err
	}
	e.resolve = newNames(e)
	e.addChain(deps.Classifiers)
	e.keys.load()
	return e, nil
}

func (e *Engine) addTiers(providers map[string]*provider) error {
	var errs []error
	next := 0
	for i := range e.config.Tiers {
		spec := &e.config.Tiers[i]
		t := &tier{Tier: spec, index: i, hash: requestid.Hash(spec.Name), header: []string{spec.Name}}
		e.estimatesOutput = e.estimatesOutput || spec.Selection == routerconfig.SelectionLowestCost
		for j := range spec.Models {
			m := &spec.Models[j]
			rates, err := newRates(&m.Price)
			if err != nil {
				errs = append(errs, fmt.Errorf("tiers[%d].models[%d].price: %w", i, j, err))
				continue
			}
			added := &model{
				Model: m, index: next, tier: t, provider: providers[m.Provider], rates: rates,
				can: capabilities(m), reasons: reasons(m), health: &health{}, header: []string{m.Name},
				hash: requestid.Hash(m.Name + "\n" + m.Provider),
			}
			next++
			t.models = append(t.models, added)
		}
		e.tiers = append(e.tiers, t)
	}
	e.modelCount = next
	return errors.Join(errs...)
}

func newRates(p *routerconfig.Price) (pricing.Rates, error) {
	return pricing.NewRates(pricing.RateStrings{
		Input: p.Input, CachedInput: p.CachedInput, CacheWrite: p.CacheWrite, CacheWrite1h: p.CacheWrite1h,
		Output: p.Output, ReasoningOutput: p.ReasoningOutput, BatchDiscountPercent: int(p.BatchDiscountPercent),
	})
}

func (e *Engine) addRoutes() error {
	implicit := routerconfig.Route{Name: routerconfig.ImplicitRoute}
	var errs []error
	for i := range e.config.Routes {
		e.addRoute(&e.config.Routes[i])
		if err := e.addQuality(e.routes[i]); err != nil {
			errs = append(errs, fmt.Errorf("routes[%d].%w", i, err))
		}
	}
	e.addRoute(&implicit)
	return errors.Join(errs...)
}

// addQuality adds what is done with the route's answers.
func (e *Engine) addQuality(r *route) (err error) {
	if r.checker, err = newChecker(r.Validate); err != nil {
		return fmt.Errorf("validate.%w", err)
	}
	if r.judging, err = e.newJudging(r.Judge); err != nil {
		return fmt.Errorf("judge.maxCostUSDPerDay: %w", err)
	}
	return nil
}

func (e *Engine) addRoute(spec *routerconfig.Route) {
	r := &route{
		Route: spec, index: len(e.routes), pin: e.tierIndex(spec.Tier), low: 0, high: len(e.tiers) - 1,
		matcher: newMatcher(&spec.Match), header: []string{spec.Name}, hash: requestid.Hash(spec.Name),
	}
	r.weights = e.weights(spec)
	accounts := 1
	if len(spec.Split) > 0 {
		accounts += len(e.tiers)
	}
	r.series = make([]atomic.Pointer[series], accounts*e.modelCount)
	if i := e.tierIndex(spec.MinTier); i >= 0 {
		r.low = i
	}
	if i := e.tierIndex(spec.MaxTier); i >= 0 {
		r.high = i
	}
	total := uint32(0)
	for _, s := range spec.Split {
		total += uint32(s.Percent)
		r.split = append(r.split, share{tier: e.tierIndex(s.Tier), upTo: total})
	}
	e.routes = append(e.routes, r)
	e.byName[spec.Name] = r
}

// weights are the models' shares by tier. Models that are alike in name and kind
// have theirs by weight; of so many shares that no model's is rounded away.
func (e *Engine) weights(spec *routerconfig.Route) map[int][]int32 {
	if len(spec.Models) == 0 {
		return nil
	}
	out := map[int][]int32{}
	for _, s := range spec.Models {
		at := e.tierIndex(s.Tier)
		t := e.tiers[at]
		if out[at] == nil {
			out[at] = make([]int32, len(t.models))
		}
		alike, total := []int{}, int32(0)
		for i, m := range t.models {
			if m.Name == s.Model && m.provider.Kind == s.Provider {
				alike = append(alike, i)
				total += m.Weight
			}
		}
		for _, i := range alike {
			part := float64(t.models[i].Weight) / float64(max(total, 1))
			if total == 0 {
				part = 1 / float64(len(alike))
			}
			out[at][i] = int32(math.Round(float64(s.Percent) * part * sharePrecision))
		}
	}
	return out
}

// sharePrecision is how many parts a percent is divided into between models that
// are alike.
const sharePrecision = 1000

func (e *Engine) tierIndex(name string) int {
	return slices.IndexFunc(e.tiers, func(t *tier) bool { return t.Name == name })
}

// modelNamed returns the model of that name in the lowest tier that has it.
func (e *Engine) modelNamed(name string) *model {
	for _, t := range e.tiers {
		for _, m := range t.models {
			if m.Name == name {
				return m
			}
		}
	}
	return nil
}

// Digest identifies the config that the engine serves.
func (e *Engine) Digest() string { return e.config.Digest }

// Config is the config that the engine serves. It holds no secret.
func (e *Engine) Config() *routerconfig.Config { return e.config }

// RefreshKeys reads the key files again and reports whether any changed.
// Requests in flight finish with the key they began with.
func (e *Engine) RefreshKeys() bool { return e.keys.load() }

// needNames are the capabilities of the ModelTier API. What else a request may
// need, such as audio, no tier can state, so it rules nothing out.
var needNames = []struct {
	need patch.Needs
	name string
}{
	{patch.NeedTools, "Tools"},
	{patch.NeedVision, "Vision"},
	{patch.NeedJSONSchema, "JSONSchema"},
	{patch.NeedReasoning, "Reasoning"},
	{patch.NeedEmbeddings, capabilityEmbeddings},
}

const capabilityEmbeddings = "Embeddings"

// capabilities is what a model can do. One that states nothing is not held to
// anything, but that a model which embeds texts does not talk, nor the other way
// round: without a word, those whose name says so embed.
func capabilities(m *routerconfig.Model) patch.Needs {
	stated := m.Capabilities
	if slices.Contains(stated, capabilityEmbeddings) || len(stated) == 0 && strings.Contains(m.Name, "embed") {
		return patch.NeedEmbeddings
	}
	all := ^patch.NeedEmbeddings
	if len(stated) == 0 {
		return all
	}
	for _, n := range needNames {
		if !slices.Contains(stated, n.name) {
			all &^= n.need
		}
	}
	return all
}

func describeNeeds(needs patch.Needs) string {
	var names []string
	if needs&patch.NeedChat != 0 {
		names = append(names, "an answer in text")
	}
	for _, n := range needNames {
		if needs&n.need != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ", ")
}

// pathUnder reports whether path lies at or below prefix on a segment boundary.
func pathUnder(path, prefix string) bool {
	return len(path) >= len(prefix) && path[:len(prefix)] == prefix &&
		(len(path) == len(prefix) || path[len(prefix)] == '/')
}
