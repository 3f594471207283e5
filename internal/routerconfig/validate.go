package routerconfig

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// FieldError is a fault of one field.
type FieldError struct {
	// Field is its path below what was validated: "routes[2].match.paths[0]".
	Field string
	// Problem says what is wrong with it.
	Problem string
}

func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// Validate checks everything that the document alone can tell and returns all
// faults joined, each a [*FieldError]. Expressions are only compiled by the
// router, since this package knows no CEL.
func (c *Config) Validate() error {
	v := &validator{config: c, providers: map[string]bool{}, tiers: map[string]bool{}}
	v.require(c.APIVersion == APIVersion, "apiVersion", "is %q, this router reads %q", c.APIVersion, APIVersion)
	v.requireName("policy", c.Policy)
	v.checkProviders()
	v.checkTiers()
	v.requireTier("defaultTier", c.DefaultTier)
	v.checkBaseline()
	v.checkClassification()
	v.checkRoutes()
	v.checkFallback()
	v.checkAuth()
	v.checkRequestIDs()
	return v.err()
}

type validator struct {
	config    *Config
	providers map[string]bool
	tiers     map[string]bool
	errs      []error
}

func (v *validator) err() error { return errors.Join(v.errs...) }

func (v *validator) fail(field, format string, args ...any) {
	v.errs = append(v.errs, &FieldError{field, fmt.Sprintf(format, args...)})
}

func (v *validator) require(ok bool, field, format string, args ...any) {
	if !ok {
		v.fail(field, format, args...)
	}
}

// requireName accepts what can stand in a header, a metric and a line of a log.
func (v *validator) requireName(field, name string) {
	v.require(name != "", field, "is empty")
	v.require(isHeaderValue(name), field, "has a control character: %q", name)
}

func (v *validator) requireTier(field, name string) {
	v.require(v.tiers[name], field, "names no tier of the config: %q", name)
}

func (v *validator) optionalTier(field, name string) {
	if name != "" {
		v.requireTier(field, name)
	}
}

func (v *validator) checkBaseline() {
	b := &v.config.Baseline
	v.requireName("baseline.tier", b.Tier)
	v.requireName("baseline.model", b.Model)
	v.checkPrice("baseline.price.", &b.Price)
}

func (v *validator) checkClassification() {
	c := &v.config.Classification
	v.require(c.Preset == PresetStandard || c.Preset == PresetNone, "classification.preset", "%q is unknown to this router", c.Preset)
	v.optionalTier("classification.lowConfidenceTier", c.LowConfidenceTier)
	v.require(isShare(c.TargetQuality), "classification.targetQuality", "must be 0 to 1")
	if m := c.Model; m != nil {
		v.checkFile("classification.model.file", m.File)
		v.require(isShare(m.MinConfidence), "classification.model.minConfidence", "must be 0 to 1")
	}
	if l := c.LLM; l != nil {
		v.requireTier("classification.llm.tier", l.Tier)
		v.require(l.Timeout > 0, "classification.llm.timeout", "must be positive")
		v.require(l.CacheTTL >= 0, "classification.llm.cacheTTL", "is negative")
	}
	v.checkCustomRules(c)
}

func (v *validator) checkCustomRules(c *Classification) {
	seen := map[string]bool{}
	for i := range c.Custom {
		r := &c.Custom[i]
		at := fmt.Sprintf("classification.custom[%d].", i)
		v.requireName(at+"name", r.Name)
		v.require(!seen[r.Name], at+"name", "%q is listed twice", r.Name)
		seen[r.Name] = true
		v.require(r.Class == ClassSimple || r.Class == ClassModerate || r.Class == ClassComplex, at+"class", "%q is unknown to this router", r.Class)
		v.require(isShare(r.Confidence), at+"confidence", "must be 0 to 1")
		v.checkPromptMatch(at+"match.", &r.Match)
	}
}

func (v *validator) checkPromptMatch(at string, m *PromptMatch) {
	v.require(m.MinTokens >= 0, at+"minTokens", "is negative")
	v.require(m.MaxTokens >= 0, at+"maxTokens", "is negative")
	v.require(m.MaxTokens <= 0 || m.MinTokens <= m.MaxTokens, at+"minTokens", "is %d, more than maxTokens, which is %d", m.MinTokens, m.MaxTokens)
	for i, keyword := range m.Keywords {
		v.require(keyword != "", fmt.Sprintf("%skeywords[%d]", at, i), "is empty")
	}
	if _, err := regexp.Compile(m.Pattern); err != nil {
		v.fail(at+"pattern", "is not a regular expression: %v", err)
	}
}

func (v *validator) checkRoutes() {
	seen := map[string]bool{ImplicitRoute: true, AutoModel: true}
	for i := range v.config.Routes {
		r := &v.config.Routes[i]
		at := fmt.Sprintf("routes[%d].", i)
		v.requireName(at+"name", r.Name)
		v.require(!seen[r.Name], at+"name", "%q is reserved or listed twice", r.Name)
		seen[r.Name] = true
		v.checkMatch(at+"match.", &r.Match)
		v.optionalTier(at+"tier", r.Tier)
		v.optionalTier(at+"minTier", r.MinTier)
		v.optionalTier(at+"maxTier", r.MaxTier)
		v.checkBounds(at, r)
		v.require(r.MaxOutputTokens >= 0, at+"maxOutputTokens", "is negative")
		v.checkSplit(at+"split", r.Split)
		v.checkModelShares(at+"models", r.Models)
		v.checkQuality(at, r)
	}
}

func (v *validator) checkBounds(at string, r *Route) {
	low, high := v.config.TierIndex(r.MinTier), v.config.TierIndex(r.MaxTier)
	if low >= 0 && high >= 0 {
		v.require(low <= high, at+"minTier", "%s stands above maxTier %s", r.MinTier, r.MaxTier)
	}
}

func (v *validator) checkMatch(at string, m *Match) {
	for i, p := range m.Paths {
		clean := strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p
		v.require(clean, fmt.Sprintf("%spaths[%d]", at, i), "must be an absolute path without empty, . and .. segments: %q", p)
	}
	for i, name := range m.ModelNames {
		v.require(name != "", fmt.Sprintf("%smodelNames[%d]", at, i), "is empty")
	}
	v.checkKeyValues(at+"headers", m.Headers)
	for _, h := range m.Headers {
		v.require(isHeaderName(h.Name) && strings.ToLower(h.Name) == h.Name, at+"headers", "must have lower-case header names: %q", h.Name)
	}
	v.checkKeyValues(at+"metadata", m.Metadata)
	v.checkPromptMatch(at+"prompt.", &m.Prompt)
}

func (v *validator) checkKeyValues(field string, list []KeyValue) {
	for i := range list {
		v.require(list[i].Name != "", field, "has an empty name")
		if i > 0 {
			v.require(list[i-1].Name < list[i].Name, field, "must be sorted by name without repeats at %q", list[i].Name)
		}
	}
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

func (v *validator) checkModelShares(at string, shares []ModelShare) {
	sums := map[string]int64{}
	for i, s := range shares {
		v.requireTier(at, s.Tier)
		tier := v.config.TierIndex(s.Tier)
		v.require(tier < 0 || v.config.HasModel(tier, s.Model, s.Provider), at, "tier %s has no model %q at %q", s.Tier, s.Model, s.Provider)
		v.require(s.Percent >= 0, at, "%s of tier %s has a negative share", s.Model, s.Tier)
		if i > 0 {
			b := &shares[i-1]
			order := cmp.Or(cmp.Compare(v.config.TierIndex(b.Tier), tier), cmp.Compare(b.Model, s.Model), cmp.Compare(b.Provider, s.Provider))
			v.require(order < 0, at, "must list each model once, sorted: %q", s.Model)
		}
		sums[s.Tier] += int64(s.Percent)
	}
	for _, tier := range slices.Sorted(maps.Keys(sums)) {
		v.require(sums[tier] == 100, at, "shares of tier %s sum to %d, not 100", tier, sums[tier])
	}
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

// checkFile accepts a clean relative path that stays below the directory that such
// files are in.
func (v *validator) checkFile(field, file string) {
	v.require(file == "" || file != "." && fs.ValidPath(file), field, "must be a clean relative path: %q", file)
}

// isShare is false for NaN too.
func isShare(x float64) bool { return x >= 0 && x <= 1 }

// ProviderKind is the kind of the provider of that name, or "".
func (c *Config) ProviderKind(name string) string {
	for i := range c.Providers {
		if c.Providers[i].Name == name {
			return c.Providers[i].Kind
		}
	}
	return ""
}

// HasModel is whether the tier at that position has a model of that name at a
// provider of that kind.
func (c *Config) HasModel(tier int, name, kind string) bool {
	return slices.ContainsFunc(c.Tiers[tier].Models, func(m Model) bool { return m.Name == name && c.ProviderKind(m.Provider) == kind })
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
