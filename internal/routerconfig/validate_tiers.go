package routerconfig

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Validate checks what can be told of a provider by itself.
func (p *Provider) Validate() error {
	v := &validator{}
	v.checkProvider("", p)
	return v.err()
}

// Validate checks what can be told of a tier by itself.
func (t *Tier) Validate() error {
	v := &validator{}
	v.checkTier("", t)
	return v.err()
}

// Validate checks what can be told of a model by itself.
func (m *Model) Validate() error {
	v := &validator{}
	v.checkModel("", m)
	return v.err()
}

func (v *validator) checkProviders() {
	for i := range v.config.Providers {
		p := &v.config.Providers[i]
		at := fmt.Sprintf("providers[%d].", i)
		v.require(!v.providers[p.Name], at+"name", "%q is listed twice", p.Name)
		v.providers[p.Name] = true
		v.checkProvider(at, p)
	}
}

// reservedHeaders carry a key, or belong to the connection.
var reservedHeaders = []string{
	"authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie",
	"host", "content-length", "transfer-encoding", "connection",
}

func (v *validator) checkProvider(at string, p *Provider) {
	v.requireName(at+"name", p.Name)
	v.requireName(at+"kind", p.Kind)
	v.require(isWire(p.Wire), at+"wire", "%q is unknown to this router", p.Wire)
	for i, wire := range p.Also {
		v.require(isWire(wire) && wire != p.Wire, at+"also", "%q is unknown to this router, or is the provider's own wire", wire)
		v.require(i == 0 || p.Also[i-1] < wire, at+"also", "must be sorted without repeats at %q", wire)
	}
	v.require(isKeyScheme(p.KeyScheme), at+"keyScheme", "%q is unknown to this router", p.KeyScheme)
	v.require(isVersion(p.APIVersion), at+"apiVersion", "may have letters, digits, dots and hyphens only: %q", p.APIVersion)
	v.checkBaseURL(at+"baseURL", p.BaseURL)
	v.checkFile(at+"keyFile", p.KeyFile)
	v.checkFile(at+"nextKeyFile", p.NextKeyFile)
	v.require(p.KeyFile != "" || p.NextKeyFile == "", at+"nextKeyFile", "needs a keyFile to take over from")
	v.checkKeyValues(at+"headers", p.Headers)
	for _, h := range p.Headers {
		v.require(isHeaderName(h.Name), at+"headers", "has the invalid name %q", h.Name)
		v.require(isHeaderValue(h.Value), at+"headers", "%q has a value with a control character", h.Name)
		v.require(!slices.Contains(reservedHeaders, strings.ToLower(h.Name)), at+"headers", "must not hold a key or control the connection: %q", h.Name)
	}
}

func isWire(w Wire) bool {
	switch w {
	case WireOpenAI, WireResponses, WireAnthropic, WireGemini:
		return true
	}
	return false
}

func isKeyScheme(k KeyScheme) bool {
	switch k {
	case KeyBearer, KeyAPIKeyHeader, KeyXAPIKeyHeader, KeyGoogHeader:
		return true
	}
	return false
}

// isVersion holds for what can stand in a query as it is.
func isVersion(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func (v *validator) checkBaseURL(field, raw string) {
	u, err := url.Parse(raw)
	if err != nil {
		v.fail(field, "is not a URL") // the parse error would repeat what may hold a password
		return
	}
	v.require(u.Scheme == "http" || u.Scheme == "https", field, "must be http or https")
	v.require(u.Hostname() != "", field, "has no host")
	v.require(u.User == nil, field, "must not hold credentials: they belong in a Secret")
	v.require(!strings.ContainsAny(raw, "?#"), field, "must have neither query nor fragment")
	v.require(!strings.HasSuffix(raw, "/"), field, "must not end with a slash")
	v.require(!strings.Contains(raw, " "), field, "must not contain a space")
}

func (v *validator) checkTiers() {
	v.require(len(v.config.Tiers) > 0, "tiers", "is empty: there is nothing to route to")
	for i := range v.config.Tiers {
		t := &v.config.Tiers[i]
		at := fmt.Sprintf("tiers[%d].", i)
		v.require(!v.tiers[t.Name], at+"name", "%q is listed twice", t.Name)
		v.tiers[t.Name] = true
		if i > 0 {
			v.require(v.config.Tiers[i-1].Rank <= t.Rank, at+"rank", "must ascend: %d comes after %d", t.Rank, v.config.Tiers[i-1].Rank)
		}
		v.checkTier(at, t)
		for j := range t.Models {
			provider := t.Models[j].Provider
			v.require(v.providers[provider], fmt.Sprintf("%smodels[%d].provider", at, j), "names no provider of the config: %q", provider)
		}
	}
}

func (v *validator) checkTier(at string, t *Tier) {
	v.requireName(at+"name", t.Name)
	switch t.Selection {
	case SelectionWeighted, SelectionLowestCost, SelectionLowestLatency, SelectionOrdered:
	default:
		v.fail(at+"selection", "%q is unknown to this router", t.Selection)
	}
	v.require(len(t.Models) > 0, at+"models", "is empty")
	v.require(len(t.Models) <= MaxModels, at+"models", "has %d models, %d are possible", len(t.Models), MaxModels)
	seen := map[[2]string]bool{}
	weights := int64(0)
	for i := range t.Models {
		m := &t.Models[i]
		at := fmt.Sprintf("%smodels[%d]", at, i)
		key := [2]string{m.Name, m.Provider}
		v.require(!seen[key], at, "repeats %s of %s", m.Name, m.Provider)
		seen[key] = true
		weights += int64(m.Weight)
		v.checkModel(at+".", m)
	}
	v.require(t.Selection != SelectionWeighted || weights > 0 || len(t.Models) == 0, at+"models", "all have weight 0: none can be selected")
}

func (v *validator) checkModel(at string, m *Model) {
	v.requireName(at+"name", m.Name)
	v.require(m.Weight >= 0, at+"weight", "is negative")
	v.checkPrice(at+"price.", &m.Price)
	v.require(m.ContextTokens >= 0, at+"contextTokens", "is negative")
	v.require(m.MaxOutputTokens >= 0, at+"maxOutputTokens", "is negative")
	v.require(slices.IsSorted(m.Capabilities), at+"capabilities", "must be sorted")
	v.require(m.Timeouts.FirstToken > 0, at+"timeouts.firstToken", "must be positive")
	v.require(m.Timeouts.Idle > 0, at+"timeouts.idle", "must be positive")
	v.require(m.Timeouts.Request > 0, at+"timeouts.request", "must be positive")
}

// price is a decimal, or a decimal followed by long-context steps.
var price = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,18})?(;>[0-9]{1,12}:[0-9]{1,9}(\.[0-9]{1,18})?)*$`)

func (v *validator) checkPrice(at string, p *Price) {
	v.require(price.MatchString(p.Input), at+"input", "is not a price: %q", p.Input)
	v.require(price.MatchString(p.Output), at+"output", "is not a price: %q", p.Output)
	optional := []struct{ field, value string }{
		{"cachedInput", p.CachedInput},
		{"cacheWrite", p.CacheWrite},
		{"cacheWrite1h", p.CacheWrite1h},
		{"reasoningOutput", p.ReasoningOutput},
	}
	for _, o := range optional {
		v.require(o.value == "" || price.MatchString(o.value), at+o.field, "is not a price: %q", o.value)
	}
	v.require(p.BatchDiscountPercent >= 0 && p.BatchDiscountPercent <= 100, at+"batchDiscountPercent", "must be 0 to 100")
}
