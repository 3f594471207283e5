package classify

import "github.com/tiershift/tiershift/internal/routerconfig"

// MinConfidence is what a rule's confidence must reach for its verdict to be
// followed. Below it a verdict is only a best guess.
const MinConfidence = 0.7

// evidence is what preset rules judge by.
type evidence struct {
	in *Input
	*features
	// hits are the keyword sets found in the text, asks those found where the
	// text asks for something.
	hits, asks uint64
}

func (e *evidence) has(s keywordSet) bool     { return e.hits>>s&1 != 0 }
func (e *evidence) asksFor(s keywordSet) bool { return e.asks>>s&1 != 0 }

// presetRule is one rule of the Standard preset.
type presetRule struct {
	name       string
	class      routerconfig.Class
	confidence float64
	fires      func(e *evidence) bool
}

var standardPreset = []presetRule{
	{"translation", routerconfig.ClassSimple, 0.85, func(e *evidence) bool { return e.asksFor(setTranslate) }},
	{"keyword-prove", routerconfig.ClassComplex, 0.97, func(e *evidence) bool { return e.asksFor(setProve) }},
	{"code-block-long", routerconfig.ClassComplex, 0.7, func(e *evidence) bool { return e.codeBytes > 1500 }},
	{"keyword-design", routerconfig.ClassComplex, 0.9, func(e *evidence) bool { return e.asksFor(setDesign) }},
	{"many-requirements", routerconfig.ClassComplex, 0.9, func(e *evidence) bool { return e.asksFor(setBuild) && e.commas >= 2 }},
	{"build-system", routerconfig.ClassComplex, 0.9, func(e *evidence) bool { return e.asksFor(setBuild) && e.has(setScale) }},
	{"keyword-reason", routerconfig.ClassComplex, 0.7, func(e *evidence) bool { return e.has(setReason) }},
	{"keyword-analyze", routerconfig.ClassComplex, 0.7, func(e *evidence) bool { return e.asksFor(setAnalyze) }},
	{"code-block", routerconfig.ClassModerate, 0.7, func(e *evidence) bool { return e.codeBytes > 0 }},
	{"extraction", routerconfig.ClassSimple, 0.7, func(e *evidence) bool { return e.asksFor(setExtract) && (e.payload || e.in.JSONSchema) }},
	{"formatting", routerconfig.ClassSimple, 0.7, func(e *evidence) bool { return e.asksFor(setFormat) && e.payload }},
	{"keyword-compare", routerconfig.ClassModerate, 0.9, func(e *evidence) bool { return e.has(setCompare) }},
	{"keyword-write", routerconfig.ClassModerate, 0.9, func(e *evidence) bool { return e.asksFor(setWrite) || e.asksFor(setExtract) || e.asksFor(setFormat) }},
	{"keyword-explain", routerconfig.ClassModerate, 0.9, func(e *evidence) bool { return e.asksFor(setExplain) }},
	{"keyword-code", routerconfig.ClassModerate, 0.9, func(e *evidence) bool { return e.asksFor(setCode) }},
	{"greeting", routerconfig.ClassSimple, 0.9, func(e *evidence) bool { return e.asksFor(setGreeting) && e.tokens <= 8 }},
	{"short-question", routerconfig.ClassSimple, 0.9, func(e *evidence) bool { return e.asksFor(setFact) && e.tokens <= 20 }},
	{"short-input", routerconfig.ClassSimple, 0.7, func(e *evidence) bool { return e.tokens <= 12 }},
}

// RuleNames lists the rules of the Standard preset in the order in which they
// are tried.
func RuleNames() []string {
	names := make([]string, len(standardPreset))
	for i := range standardPreset {
		names[i] = standardPreset[i].name
	}
	return names
}
