package audit

import (
	"strings"
	"sync"
	"time"

	"github.com/tiershift/tiershift/internal/pricing"
)

// Prices knows what the models of a log cost: first by the prices given, then by
// the catalogue. It is safe for concurrent use.
type Prices struct {
	given map[string]pricing.Rates
	at    time.Time
	known sync.Map // pricedModel → *pricing.Rates; nil: no price
	size  int64
	mu    sync.Mutex
}

type pricedModel struct {
	provider, model string
	batch           bool
}

// NewPrices returns the catalogue's prices of a day, with those given by model
// name before them.
func NewPrices(at time.Time, given map[string]pricing.Rates) *Prices {
	return &Prices{given: given, at: at}
}

// keepPrices bounds the memory of looked up prices: a log may hold any number of
// names.
const keepPrices = 10_000

// of is the price of a model as the log names it and its provider, with the
// discount of the Batch API or without; false: there is none.
func (p *Prices) of(provider, model string, batch bool) (pricing.Rates, bool) {
	key := pricedModel{strings.ToLower(provider), model, batch}
	if v, ok := p.known.Load(key); ok {
		rates := v.(*pricing.Rates)
		if rates == nil {
			return pricing.Rates{}, false
		}
		return *rates, true
	}
	rates := p.lookUp(key)
	if batch {
		rates = discounted(rates)
	}
	p.mu.Lock()
	if p.size++; p.size <= keepPrices {
		p.known.Store(key, rates)
	}
	p.mu.Unlock()
	if rates == nil {
		return pricing.Rates{}, false
	}
	return *rates, true
}

// vendors are the providers whose prices the catalogue has, in the order in which
// a bare name is looked for: their model names do not overlap.
var vendors = []string{"OpenAI", "Anthropic", "Gemini", "DeepSeek", "Mistral", "XAI"}

// providerNames are how gateways call the providers.
var providerNames = map[string]string{
	"openai": "OpenAI", "text-completion-openai": "OpenAI", "azure": "AzureOpenAI", "azure_ai": "AzureOpenAI", "azureopenai": "AzureOpenAI",
	"anthropic": "Anthropic", "gemini": "Gemini", "google": "Gemini", "google-ai-studio": "Gemini", "vertex": "Gemini", "vertex_ai": "Gemini",
	"deepseek": "DeepSeek", "mistral": "Mistral", "xai": "XAI", "x": "XAI",
}

func (p *Prices) lookUp(key pricedModel) *pricing.Rates {
	if rates, ok := p.given[key.model]; ok {
		return &rates
	}
	candidates := vendors
	if name, ok := providerNames[key.provider]; ok {
		candidates = append([]string{name}, vendors...)
	}
	names := []string{key.model}
	if _, bare, ok := strings.Cut(key.model, "/"); ok { // "openai/gpt-4o", "azure/eu/gpt-4o"
		names = append(names, bare, key.model[strings.LastIndexByte(key.model, '/')+1:])
	}
	for _, name := range names {
		for _, provider := range candidates {
			if entry, err := pricing.Catalogue().Lookup(provider, name, p.at); err == nil {
				return &entry.Rates
			}
		}
	}
	return nil
}

// batchDiscountPercent is what OpenAI takes off for batches
// (https://platform.openai.com/docs/guides/batch). The catalogue leaves it out.
const batchDiscountPercent = 50

func discounted(rates *pricing.Rates) *pricing.Rates {
	if rates == nil {
		return nil
	}
	written := rates.Strings()
	if written.BatchDiscountPercent == 0 {
		written.BatchDiscountPercent = batchDiscountPercent
	}
	lower, err := pricing.NewRates(written)
	if err != nil { // what was written by Strings can be read
		return rates
	}
	return &lower
}
