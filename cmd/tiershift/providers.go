package main

import (
	"cmp"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/embedded"
	"github.com/tiershift/tiershift/internal/manifest"
	"github.com/tiershift/tiershift/internal/simulator"
)

// providers puts real keys and simulated providers in place, each time the
// manifests are read.
type providers struct {
	seed     uint64
	simulate bool

	// real, simulated and keyless name the credentials, as namespace/name. The last
	// need a key and have none, or the samples' placeholder.
	real, simulated, keyless []string
	models                   []simulator.Model
	server                   *http.Server
	baseURL                  string
	handler                  atomic.Pointer[http.ServeMux]
}

// prepare is the Prepare of embedded.Options.
func (p *providers) prepare(set *manifest.Set) error {
	p.real = embedded.UseEnvironment(set, os.Getenv)
	if !p.simulate {
		p.keyless = nil
		for i := range set.Credentials {
			c := &set.Credentials[i]
			name := c.Namespace + "/" + c.Name
			switch {
			case slices.Contains(p.real, name):
			case c.Spec.SecretRef == nil:
				p.real = append(p.real, name)
			default:
				p.keyless = append(p.keyless, name)
			}
		}
		return nil
	}
	if err := p.serve(simulatedModels(set.Tiers)); err != nil {
		return err
	}
	p.simulated = embedded.UseSimulated(set, p.real, func(kind v1alpha1.Provider) string { return p.baseURL + simulatedPath(kind) })
	return nil
}

// simulatedDialects are the providers that are simulated, each with its own wire.
var simulatedDialects = map[v1alpha1.Provider]simulator.Dialect{
	v1alpha1.ProviderOpenAI:           simulator.OpenAI,
	v1alpha1.ProviderAnthropic:        simulator.Anthropic,
	v1alpha1.ProviderGemini:           simulator.Gemini,
	v1alpha1.ProviderDeepSeek:         simulator.DeepSeek,
	v1alpha1.ProviderMistral:          simulator.Mistral,
	v1alpha1.ProviderXAI:              simulator.XAI,
	v1alpha1.ProviderAzureOpenAI:      simulator.AzureOpenAI,
	v1alpha1.ProviderOpenAICompatible: simulator.OpenAI,
}

// simulatedPath is below what a provider is simulated.
func simulatedPath(kind v1alpha1.Provider) string { return "/" + string(kind) }

// simulators returns all simulated providers, each of which has all models.
func (p *providers) simulators(models []simulator.Model) (*http.ServeMux, error) {
	mux := http.NewServeMux()
	for kind, dialect := range simulatedDialects {
		provider, err := simulator.New(simulator.Config{Name: string(kind), Dialect: dialect, Seed: p.seed, Models: models})
		if err != nil {
			return nil, err
		}
		mux.Handle(simulatedPath(kind)+"/", provider.Handler())
	}
	return mux, nil
}

// serve has the models answered by simulators on loopback.
func (p *providers) serve(models []simulator.Model) error {
	if slices.EqualFunc(models, p.models, func(a, b simulator.Model) bool { return a.Name == b.Name && a.Capability == b.Capability }) {
		return nil
	}
	mux, err := p.simulators(models)
	if err != nil {
		return err
	}
	p.models = models
	p.handler.Store(mux)
	if p.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.baseURL = "http://" + listener.Addr().String()
	p.server = &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.handler.Load().ServeHTTP(w, r) }),
	}
	go func() { _ = p.server.Serve(listener) }() // ends with close
	return nil
}

func (p *providers) close() {
	if p.server != nil {
		_ = p.server.Close() // nothing is left that could be lost
	}
}

// Capabilities of simulated models: the lowest tier answers simple prompts, the
// highest nearly all. The simulator's package comment has the formula.
const lowestCapability, highestCapability = 0.55, 0.95

// simulatedModels makes the models of higher tiers more capable and slower.
// Times are about a tenth of what real providers take, so that a demonstration
// does not bore.
func simulatedModels(tiers []v1alpha1.ModelTier) []simulator.Model {
	tiers = slices.Clone(tiers)
	slices.SortFunc(tiers, func(a, b v1alpha1.ModelTier) int {
		return cmp.Or(cmp.Compare(a.Spec.Rank, b.Spec.Rank), cmp.Compare(a.Name, b.Name))
	})
	var models []simulator.Model
	for i := range tiers {
		position := 1.0
		if len(tiers) > 1 {
			position = float64(i) / float64(len(tiers)-1)
		}
		for j := range tiers[i].Spec.Models {
			m := &tiers[i].Spec.Models[j]
			name := m.Name
			if slices.ContainsFunc(models, func(m simulator.Model) bool { return m.Name == name }) {
				continue
			}
			median := time.Duration(20+60*position) * time.Millisecond
			models = append(models, simulator.Model{
				Name: name, EmbeddingDimensions: dimensions(m), Capability: lowestCapability + (highestCapability-lowestCapability)*position,
				Latency: &simulator.Latency{
					FirstToken:      simulator.Distribution{Median: median, P95: 3 * median},
					TokensPerSecond: 2000 - 1200*position,
				},
			})
		}
	}
	return models
}

// simulatedDimensions is the length of the vectors of simulated models that embed.
const simulatedDimensions = 1536

// dimensions is 0 of models that talk. Those that embed are told as the router
// tells them.
func dimensions(m *v1alpha1.TierModel) int {
	embeds := slices.Contains(m.Capabilities, v1alpha1.CapabilityEmbeddings)
	if embeds || len(m.Capabilities) == 0 && strings.Contains(m.Name, "embed") {
		return simulatedDimensions
	}
	return 0
}
