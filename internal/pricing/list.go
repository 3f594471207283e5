package pricing

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	catalogueName = "catalogue 2026-08-21"
	articleName   = "article 2026-03-09"
)

// NOTICE.md says where the tables come from and what their columns mean.
var (
	//go:embed catalogue.csv
	catalogueCSV string
	//go:embed article-2026-03.csv
	articleCSV string
)

// List is a price list: tables of which the first that knows a model prices it.
// It is a value, and safe to share.
type List struct {
	tables []table
}

// Catalogue is the current price list. The prices of the article stand behind
// it for the few models that it does not have (mistral-small-3.2): it is
// younger, and it knows cache prices and long-context steps, which the article
// leaves out.
func Catalogue() List {
	return List{[]table{{catalogueName, catalogueCSV}, {articleName, articleCSV}}}
}

// ListArticle202603 is the price list of the article "AI Model Routing: How to
// Cut API Costs 70%" (2026-03-09), and nothing else: what its worked examples
// are reproduced with. Some of its prices are no longer those of the catalogue
// (deepseek-v3.2).
func ListArticle202603() List {
	return List{[]table{{articleName, articleCSV}}}
}

// Entry is the price of a model at a moment.
type Entry struct {
	// Provider and Model are the names under which the list has the model.
	Provider, Model string
	// DisplayName may be empty.
	DisplayName string
	// Rates are never zero.
	Rates Rates
	// Source says where the price comes from, for the status of a ModelTier:
	// "catalogue 2026-08-21".
	Source string
	// EffectiveFrom is when the price took force; zero: the list does not say.
	EffectiveFrom time.Time
	// EffectiveUntil is when the next price takes force that the list knows of;
	// zero: none. Look the model up again then.
	EffectiveUntil time.Time
	// ContextTokens is the context window; 0: unknown.
	ContextTokens int64
	// Deprecated says that the provider has announced the model's end.
	Deprecated bool
}

// Lookup errors, to be told apart with errors.Is.
var (
	// ErrUnknownProvider: there is no list for the provider.
	ErrUnknownProvider = errors.New("unknown provider")
	// ErrUnknownModel: the list has no such model of the provider.
	ErrUnknownModel = errors.New("unknown model")
	// ErrNoPrice: the model is known, its input or output price is not.
	ErrNoPrice = errors.New("no price")
)

// LookupError says why a model has no price and what to do about it.
type LookupError struct {
	// Provider and Model are as asked for.
	Provider, Model string
	// Nearest are up to three names of the provider's models that are spelled
	// alike, the nearest first.
	Nearest []string
	// Reason is one of ErrUnknownProvider, ErrUnknownModel, ErrNoPrice.
	Reason error

	message string
}

func (e *LookupError) Error() string { return e.message }

func (e *LookupError) Unwrap() error { return e.Reason }

const stateThePrice = "set spec.models[].pricing"

// Lookup is the price of a provider's model at a moment. The provider is one of
// the API (OpenAI, Anthropic, Gemini, DeepSeek, Mistral, XAI, AzureOpenAI,
// OpenAICompatible) or one of the catalogue by its own name ("groq").
//
// Models are found under the list's name, whatever its case, and under the
// spellings that the provider documents for the same model. The name as written
// comes first, then what each of these rules makes of the names before it:
//
//	a prefix dropped       openai/gpt-5                → gpt-5
//	a version dashed       claude-sonnet-4.6           → claude-sonnet-4-6   (Anthropic)
//	a snapshot undated     gpt-5-nano-2025-08-07       → gpt-5-nano          (OpenAI, AzureOpenAI)
//	                       claude-sonnet-4-5-20250929  → claude-sonnet-4-5   (Anthropic)
//	                       gemini-2.0-flash-001        → gemini-2.0-flash    (Gemini)
//	-latest left out       grok-3-latest               → grok-3              (not Mistral, DeepSeek)
//	-latest added          claude-3-5-haiku            → claude-3-5-haiku-latest
//	an alias               grok-4                      → grok-4-0709
//
// Names compare whole: what the rules leave is part of the name, so that
// gpt-5.4-mini is never gpt-5.4. Names of the catalogue's providers ("groq")
// have no other spellings.
//
// A model that Azure's rows lack has OpenAI's price, as Azure's list prices
// follow OpenAI's, and the source says so. An OpenAICompatible model has none:
// the endpoint may be a laptop or any reseller, and the same name is sold at
// different prices.
//
// A price takes force at 00:00 UTC of its day. Where prices depend on the time
// of day (deepseek-chat, deepseek-reasoner), the peak price applies all day: the
// catalogue tells when the peak begins, not when it ends, and a budget should
// err on the high side.
//
// Two prices follow from documented rules where the list leaves them out: an
// embedding model's output is 0, as it has no output tokens, and Anthropic's
// one-hour cache writes cost twice the input. Any other model without an input
// or output price has none.
//
// The error is a [*LookupError].
func (l List) Lookup(provider, model string, at time.Time) (Entry, error) {
	if provider == "OpenAICompatible" {
		return Entry{}, &LookupError{Provider: provider, Model: model, Reason: ErrNoPrice, message: fmt.Sprintf(
			"%s endpoints set their own prices, so that of %q is unknown: %s", provider, model, stateThePrice)}
	}
	spelling := spellingOf(provider)
	entry, t, priced := l.find(&spelling, model, at)
	switch {
	case t == nil:
		return Entry{}, l.unknown(provider, model, &spelling)
	case !priced:
		return Entry{}, t.noPrice(provider, model)
	}
	return entry, nil
}

// ContextTokens is the length of the model's context; 0: the list does not know.
// It costs less than [List.Lookup] to find out that a model is not in the list.
func (l List) ContextTokens(provider, model string, at time.Time) int64 {
	if provider == "OpenAICompatible" {
		return 0
	}
	spelling := spellingOf(provider)
	entry, _, priced := l.find(&spelling, model, at)
	if !priced {
		return 0
	}
	return entry.ContextTokens
}

// find is what the first table says that has the model, which it may list without
// a price. No table: none has it.
func (l List) find(s *spelling, model string, at time.Time) (entry Entry, in *table, priced bool) {
	names := modelNames(s, model)
	for i := range l.tables {
		t := &l.tables[i]
		for _, owner := range s.owners {
			rows := t.find(owner, names)
			if len(rows) == 0 {
				continue
			}
			entry, priced = t.entry(owner, rows, at)
			if priced && owner != s.owners[0] {
				entry.Source += ", price of " + owner
			}
			return entry, t, priced
		}
	}
	return Entry{}, nil, false
}

func (t table) noPrice(provider, model string) error {
	return &LookupError{Provider: provider, Model: model, Reason: ErrNoPrice, message: fmt.Sprintf(
		"%s has model %q of %s without its input or output price: %s", t.name, model, provider, stateThePrice)}
}

func (l List) unknown(provider, model string, s *spelling) error {
	all := l.modelsOf(s.owners)
	if len(all) == 0 {
		return &LookupError{Provider: provider, Model: model, Reason: ErrUnknownProvider, message: fmt.Sprintf(
			"%s has no provider %q: %s", l.tables[0].name, provider, stateThePrice)}
	}
	name := strings.ToLower(model)
	e := &LookupError{
		Provider: provider, Model: model, Reason: ErrUnknownModel,
		Nearest: nearest(cmp.Or(s.unprefixed(name), name), all),
	}
	hint := ""
	if len(e.Nearest) > 0 {
		hint = fmt.Sprintf(" (did you mean %s?)", strings.Join(e.Nearest, ", "))
	}
	e.message = fmt.Sprintf("%s has no model %q of %s%s: correct the name, or %s", l.tables[0].name, model, provider, hint, stateThePrice)
	return e
}

// modelsOf are the names of all models that have a price.
func (l List) modelsOf(owners []string) []string {
	var names []string
	for _, t := range l.tables {
		for _, owner := range owners {
			for r := range t.rows(owner) {
				if _, ok := r.rates(owner); ok {
					names = append(names, r.model)
				}
			}
		}
	}
	return names
}
