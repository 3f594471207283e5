package pricing

import (
	"slices"
	"strings"
)

// spelling says how a provider's models may be named besides the catalogue's
// name. Every rule is one that the provider documents: two names that a rule
// joins are the same model at the same price.
type spelling struct {
	// owners are the catalogue's names of the provider, the first before the next.
	owners []string
	// prefixes may stand before a name: a resource path, or the provider as
	// gateways write it. Another provider's prefix is never dropped.
	prefixes []string
	// dated recognises the suffix of a dated snapshot.
	dated func(suffix string) bool
	// latest: "-latest" may be left out or added. Not where the name without it
	// spans generations at different prices (mistral-large-latest).
	latest bool
	// dashed: versions are written 4-6, never 4.6.
	dashed bool
	// aliases are single names the provider documents.
	aliases func(name string) string
}

// spellingOf accepts the provider names of the API; any other is taken for one
// of the catalogue and has no spellings.
func spellingOf(provider string) spelling {
	switch provider {
	case "OpenAI":
		return spelling{owners: []string{"openai"}, prefixes: []string{"openai/"}, dated: isDashedDate, latest: true}
	case "AzureOpenAI":
		return spelling{owners: []string{"azure", "openai"}, prefixes: []string{"azure/", "openai/"}, dated: isDashedDate, latest: true}
	case "Anthropic":
		return spelling{
			owners: []string{"anthropic"}, prefixes: []string{"anthropic/"},
			dated: isPlainDate, latest: true, dashed: true, aliases: anthropicAlias,
		}
	case "Gemini":
		return spelling{
			owners: []string{"google"}, prefixes: []string{"models/", "publishers/google/models/", "google/", "gemini/"},
			dated: isStableVersion, latest: true, aliases: geminiAlias,
		}
	case "DeepSeek":
		return spelling{owners: []string{"deepseek"}, prefixes: []string{"deepseek/"}}
	case "Mistral":
		return spelling{owners: []string{"mistral"}, prefixes: []string{"mistral/", "mistralai/"}}
	case "XAI":
		return spelling{owners: []string{"x-ai"}, prefixes: []string{"x-ai/", "xai/"}, latest: true, aliases: grokAlias}
	default:
		return spelling{owners: []string{provider}}
	}
}

// modelNames are the names under which a list may have the model, by the rules
// of [List.Lookup], the nearest to the one written first.
func modelNames(s *spelling, model string) []string {
	names := []string{strings.ToLower(model)}
	for _, rule := range []func(string) string{s.unprefixed, s.versionDashed, s.undated, s.withoutLatest, s.withLatest, s.alias} {
		for _, name := range names {
			if rewritten := rule(name); rewritten != "" && !slices.Contains(names, rewritten) {
				names = append(names, rewritten)
			}
		}
	}
	return names
}

func (s *spelling) unprefixed(name string) string {
	for _, prefix := range s.prefixes {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return ""
}

// versionDashed replaces a dot between two digits.
func (s *spelling) versionDashed(name string) string {
	if !s.dashed {
		return ""
	}
	dashed := []byte(name)
	for i := 1; i < len(name)-1; i++ {
		if name[i] == '.' && isDigit(name[i-1]) && isDigit(name[i+1]) {
			dashed[i] = '-'
		}
	}
	return string(dashed)
}

// undated drops the suffix of a dated snapshot, but where that snapshot has its
// own price: gpt-4o-2024-05-13 costs up to twice what gpt-4o does.
func (s *spelling) undated(name string) string {
	if s.dated == nil || name == "gpt-4o-2024-05-13" {
		return ""
	}
	for i := range len(name) {
		if name[i] == '-' && s.dated(name[i+1:]) {
			return name[:i]
		}
	}
	return ""
}

// withoutLatest keeps names that no version pins: gemini-pro-latest is not the
// gemini-pro of 2023.
func (s *spelling) withoutLatest(name string) string {
	stem, ok := strings.CutSuffix(name, "-latest")
	if !s.latest || !ok || !strings.ContainsAny(stem, "0123456789") {
		return ""
	}
	return stem
}

func (s *spelling) withLatest(name string) string {
	if !s.latest || strings.HasSuffix(name, "-latest") || !strings.ContainsAny(name, "0123456789") {
		return ""
	}
	return name + "-latest"
}

func (s *spelling) alias(name string) string {
	if s.aliases == nil {
		return ""
	}
	return s.aliases(name)
}

// anthropicAlias: the first Claude 4 models have an alias with a zero
// (https://docs.anthropic.com/en/docs/about-claude/models/overview).
func anthropicAlias(name string) string {
	switch name {
	case "claude-opus-4", "claude-sonnet-4":
		return name + "-0"
	}
	return ""
}

// geminiAlias: the article prices gemini-3.1-pro as the catalogue prices the
// preview, which also has the cache price and the long-context step.
func geminiAlias(name string) string {
	if name == "gemini-3.1-pro" {
		return "gemini-3.1-pro-preview"
	}
	return ""
}

// grokAlias: https://docs.x.ai/docs/models/grok-4-0709.
func grokAlias(name string) string {
	if name == "grok-4" {
		return "grok-4-0709"
	}
	return ""
}

// isDashedDate recognises OpenAI's 2025-08-07.
func isDashedDate(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' && isPlainDate(s[:4]+s[5:7]+s[8:])
}

// isPlainDate recognises Anthropic's 20250929, of this century.
func isPlainDate(s string) bool {
	return len(s) == 8 && isDigits(s) && s[:2] == "20" &&
		"01" <= s[4:6] && s[4:6] <= "12" && "01" <= s[6:] && s[6:] <= "31"
}

// isStableVersion recognises Google's 001.
func isStableVersion(s string) bool {
	return len(s) == 3 && s[:2] == "00" && isDigit(s[2])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
