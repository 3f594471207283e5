package routerconfig

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Validate checks everything that the document alone can tell and returns all
// faults joined, each naming its field. Expressions are only compiled by the
// router, since this package knows no CEL.
func (c *Config) Validate() error {
	v := &validator{config: c, providers: map[string]bool{}, tiers: map[string]*Tier{}}
	v.require(c.APIVersion == APIVersion, "apiVersion", "is %q, this router reads %q", c.APIVersion, APIVersion)
	v.require(c.Policy != "", "policy", "is empty")
	v.checkProviders()
	v.checkTiers()
	v.requireTier("defaultTier", c.DefaultTier)
	v.checkBaseline()
	v.checkClassification()
	v.checkRoutes()
	v.checkFallback()
	v.checkAuth()
	return errors.Join(v.errs...)
}

type validator struct {
	config    *Config
	providers map[string]bool
	tiers     map[string]*Tier
	errs      []error
}

func (v *validator) fail(field, format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf("%s %s", field, fmt.Sprintf(format, args...)))
}

func (v *validator) require(ok bool, field, format string, args ...any) {
	if !ok {
		v.fail(field, format, args...)
	}
}

func (v *validator) requireTier(field, name string) {
	_, known := v.tiers[name]
	v.require(known, field, "names no tier of the config: %q", name)
}

func (v *validator) optionalTier(field, name string) {
	if name != "" {
		v.requireTier(field, name)
	}
}

func (v *validator) checkProviders() {
	for i := range v.config.Providers {
		p := &v.config.Providers[i]
		at := fmt.Sprintf("providers[%d]", i)
		v.require(p.Name != "", at+".name", "is empty")
		v.require(!v.providers[p.Name], at+".name", "%q is listed twice", p.Name)
		v.providers[p.Name] = true
		v.require(p.Kind != "", at+".kind", "is empty")
		v.require(p.Wire == WireOpenAI, at+".wire", "%q is unknown to this router", p.Wire)
		v.require(p.KeyScheme == KeyBearer || p.KeyScheme == KeyAPIKeyHeader, at+".keyScheme", "%q is unknown to this router", p.KeyScheme)
		v.checkBaseURL(at+".baseURL", p.BaseURL)
		v.checkFile(at+".keyFile", p.KeyFile)
		v.checkFile(at+".nextKeyFile", p.NextKeyFile)
		v.checkKeyValues(at+".headers", p.Headers)
		for _, h := range p.Headers {
			v.require(isHeaderName(h.Name), at+".headers", "has the invalid name %q", h.Name)
			v.require(isHeaderValue(h.Value), at+".headers", "%q has a value with a control character", h.Name)
		}
	}
}

func (v *validator) checkBaseURL(field, raw string) {
	u, err := url.Parse(raw)
	if err != nil {
		v.fail(field, "is not a URL") // the parse error would repeat what may hold a password
		return
	}
	v.require(u.Scheme == "http" || u.Scheme == "https", field, "must be http or https")
	v.require(u.Host != "", field, "has no host")
	v.require(u.User == nil, field, "must not hold credentials: they belong in a Secret")
	v.require(u.RawQuery == "" && u.Fragment == "", field, "must have neither query nor fragment")
	v.require(!strings.HasSuffix(raw, "/"), field, "must not end with a slash")
}

// checkFile accepts a clean relative path that stays below the secrets directory.
func (v *validator) checkFile(field, file string) {
	if file == "" {
		return
	}
	clean := path.Clean(file) == file && !path.IsAbs(file) && file != ".." && !strings.HasPrefix(file, "../") && file != "."
	v.require(clean, field, "must be a clean path below the secrets directory: %q", file)
}

func (v *validator) checkKeyValues(field string, list []KeyValue) {
	for i := range list {
		v.require(list[i].Name != "", field, "has an empty name")
		if i > 0 {
			v.require(list[i-1].Name < list[i].Name, field, "must be sorted by name without repeats at %q", list[i].Name)
		}
	}
}

func (v *validator) checkTiers() {
	v.require(len(v.config.Tiers) > 0, "tiers", "is empty: there is nothing to route to")
	for i := range v.config.Tiers {
		t := &v.config.Tiers[i]
		at := fmt.Sprintf("tiers[%d]", i)
		v.require(t.Name != "", at+".name", "is empty")
		_, twice := v.tiers[t.Name]
		v.require(!twice, at+".name", "%q is listed twice", t.Name)
		v.tiers[t.Name] = t
		if i > 0 {
			v.require(v.config.Tiers[i-1].Rank <= t.Rank, at+".rank", "must ascend: %d comes after %d", t.Rank, v.config.Tiers[i-1].Rank)
		}
		switch t.Selection {
		case SelectionWeighted, SelectionLowestCost, SelectionLowestLatency, SelectionOrdered:
		default:
			v.fail(at+".selection", "%q is unknown to this router", t.Selection)
		}
		v.checkModels(at, t)
	}
}

func (v *validator) checkModels(at string, t *Tier) {
	v.require(len(t.Models) > 0, at+".models", "is empty")
	seen := map[[2]string]bool{}
	weights := int64(0)
	for i := range t.Models {
		m := &t.Models[i]
		at := fmt.Sprintf("%s.models[%d]", at, i)
		v.require(m.Name != "", at+".name", "is empty")
		v.require(v.providers[m.Provider], at+".provider", "names no provider of the config: %q", m.Provider)
		key := [2]string{m.Name, m.Provider}
		v.require(!seen[key], at, "repeats %s of %s", m.Name, m.Provider)
		seen[key] = true
		v.require(m.Weight >= 0, at+".weight", "is negative")
		weights += int64(m.Weight)
		v.checkPrice(at+".price", &m.Price)
		v.require(m.ContextTokens >= 0, at+".contextTokens", "is negative")
		v.require(m.MaxOutputTokens >= 0, at+".maxOutputTokens", "is negative")
		v.checkTimeouts(at+".timeouts", m.Timeouts)
		v.require(slices.IsSorted(m.Capabilities), at+".capabilities", "must be sorted")
	}
	v.require(t.Selection != SelectionWeighted || weights > 0, at+".models", "all have weight 0: none can be selected")
}

// price is a decimal, or a decimal followed by long-context steps.
var price = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,18})?(;>[0-9]{1,12}:[0-9]{1,9}(\.[0-9]{1,18})?)*$`)

func (v *validator) checkPrice(at string, p *Price) {
	v.require(price.MatchString(p.Input), at+".input", "is not a price: %q", p.Input)
	v.require(price.MatchString(p.Output), at+".output", "is not a price: %q", p.Output)
	optional := []struct{ field, value string }{
		{"cachedInput", p.CachedInput},
		{"cacheWrite", p.CacheWrite},
		{"cacheWrite1h", p.CacheWrite1h},
		{"reasoningOutput", p.ReasoningOutput},
	}
	for _, o := range optional {
		v.require(o.value == "" || price.MatchString(o.value), at+"."+o.field, "is not a price: %q", o.value)
	}
	v.require(p.BatchDiscountPercent >= 0 && p.BatchDiscountPercent <= 100, at+".batchDiscountPercent", "must be 0 to 100")
}

func (v *validator) checkTimeouts(at string, t Timeouts) {
	v.require(t.FirstToken > 0, at+".firstToken", "must be positive")
	v.require(t.Idle > 0, at+".idle", "must be positive")
	v.require(t.Request > 0, at+".request", "must be positive")
}

func (v *validator) checkBaseline() {
	b := &v.config.Baseline
	v.require(b.Tier != "", "baseline.tier", "is empty")
	v.require(b.Model != "", "baseline.model", "is empty")
	v.checkPrice("baseline.price", &b.Price)
}

func (v *validator) checkClassification() {
	c := &v.config.Classification
	v.require(c.Preset == PresetStandard || c.Preset == PresetNone, "classification.preset", "%q is unknown to this router", c.Preset)
	v.optionalTier("classification.lowConfidenceTier", c.LowConfidenceTier)
	seen := map[string]bool{}
	for i := range c.Custom {
		r := &c.Custom[i]
		at := fmt.Sprintf("classification.custom[%d]", i)
		v.require(r.Name != "" && !seen[r.Name], at+".name", "must be given and unique: %q", r.Name)
		seen[r.Name] = true
		v.require(r.Class == ClassSimple || r.Class == ClassModerate || r.Class == ClassComplex, at+".class", "%q is unknown to this router", r.Class)
		v.require(r.Confidence >= 0 && r.Confidence <= 1, at+".confidence", "must be 0 to 1")
		v.checkPromptMatch(at+".match", &r.Match)
	}
}

func (v *validator) checkPromptMatch(at string, m *PromptMatch) {
	v.require(m.MinTokens >= 0, at+".minTokens", "is negative")
	v.require(m.MaxTokens >= 0, at+".maxTokens", "is negative")
	v.require(m.MaxTokens == 0 || m.MinTokens <= m.MaxTokens, at, "minTokens %d exceeds maxTokens %d", m.MinTokens, m.MaxTokens)
	v.require(!slices.Contains(m.Keywords, ""), at+".keywords", "has an empty keyword")
	if _, err := regexp.Compile(m.Pattern); err != nil {
		v.fail(at+".pattern", "is not a regular expression: %v", err)
	}
}

func (v *validator) checkRoutes() {
	seen := map[string]bool{ImplicitRoute: true, AutoModel: true}
	for i := range v.config.Routes {
		r := &v.config.Routes[i]
		at := fmt.Sprintf("routes[%d]", i)
		v.require(r.Name != "", at+".name", "is empty")
		v.require(!seen[r.Name], at+".name", "%q is reserved or listed twice", r.Name)
		seen[r.Name] = true
		v.checkMatch(at+".match", &r.Match)
		v.optionalTier(at+".tier", r.Tier)
		v.optionalTier(at+".minTier", r.MinTier)
		v.optionalTier(at+".maxTier", r.MaxTier)
		v.checkBounds(at, r)
		v.require(r.MaxOutputTokens >= 0, at+".maxOutputTokens", "is negative")
		v.checkSplit(at+".split", r.Split)
	}
}

func (v *validator) checkBounds(at string, r *Route) {
	low, high := v.config.TierIndex(r.MinTier), v.config.TierIndex(r.MaxTier)
	if low >= 0 && high >= 0 {
		v.require(low <= high, at, "minTier %s stands above maxTier %s", r.MinTier, r.MaxTier)
	}
}

func (v *validator) checkMatch(at string, m *Match) {
	for _, p := range m.Paths {
		v.require(strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p, at+".paths", "must be a clean absolute path: %q", p)
	}
	v.require(!slices.Contains(m.ModelNames, ""), at+".modelNames", "has an empty name")
	v.checkKeyValues(at+".headers", m.Headers)
	for _, h := range m.Headers {
		v.require(isHeaderName(h.Name) && strings.ToLower(h.Name) == h.Name, at+".headers", "must have lower-case header names: %q", h.Name)
	}
	v.checkKeyValues(at+".metadata", m.Metadata)
	v.checkPromptMatch(at+".prompt", &m.Prompt)
}

func (v *validator) checkSplit(at string, split []Share) {
	if len(split) == 0 {
		return
	}
	sum, last := int64(0), -1
	for _, s := range split {
		v.requireTier(at, s.Tier)
		index := v.config.TierIndex(s.Tier)
		v.require(index > last, at, "must list each tier once, by ascending rank: %q", s.Tier)
		last = index
		v.require(s.Percent >= 0, at, "%s has a negative share", s.Tier)
		sum += int64(s.Percent)
	}
	v.require(sum == 100, at, "shares sum to %d, not 100", sum)
}

func (v *validator) checkFallback() {
	f := &v.config.Fallback
	v.require(f.MaxAttempts >= 1, "fallback.maxAttempts", "must be at least 1")
	v.require(f.Backoff >= 0, "fallback.backoff", "is negative")
	for i, cause := range f.On {
		switch cause {
		case CauseTimeout, CauseRateLimited, CauseServerError, CauseConnectionError, CauseContextExceeded:
		default:
			v.fail("fallback.on", "%q is unknown to this router", cause)
		}
		v.require(i == 0 || f.On[i-1] < cause, "fallback.on", "must be sorted without repeats at %q", cause)
	}
}

func (v *validator) checkAuth() {
	a := &v.config.Auth
	switch a.Mode {
	case AuthNone:
	case AuthAPIKeys:
		v.require(a.ClientsDir != "", "auth.clientsDir", "is empty: no client could be let in")
		v.checkFile("auth.clientsDir", a.ClientsDir)
	case AuthClosed:
		v.require(a.Reason != "", "auth.reason", "is empty: a closed gateway must say why")
	default:
		v.fail("auth.mode", "%q is unknown to this router", a.Mode)
	}
}

// TierIndex returns the position of a tier by rank, or -1.
func (c *Config) TierIndex(name string) int {
	return slices.IndexFunc(c.Tiers, func(t Tier) bool { return t.Name == name })
}

// isHeaderName holds for an RFC 9110 token.
func isHeaderName(s string) bool {
	const special = "!#$%&'*+-.^_`|~"
	for _, r := range []byte(s) {
		alnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !alnum && strings.IndexByte(special, r) < 0 {
			return false
		}
	}
	return s != ""
}

// isHeaderValue holds when the value cannot break out of its header line.
func isHeaderValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
