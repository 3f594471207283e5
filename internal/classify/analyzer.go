package classify

import (
	"errors"
	"fmt"

	"github.com/tiershift/tiershift/internal/expression"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Input is what a request asks, as the router has it from the body. Texts are
// JSON-unescaped and are only read while the Analysis is in use.
type Input struct {
	// Text is the last user message: what classification reads.
	Text []byte
	// UserText is all user messages: what routes match. When there is only one
	// it should be the same slice as Text, which is then read once.
	UserText []byte
	// Tokens is the estimate over the whole request: see [EstimateTokens].
	Tokens int64
	// Turns counts user messages.
	Turns int
	// Tools, Images and JSONSchema say whether the request offers tools, has
	// images attached, asks for output after a schema.
	Tools, Images, JSONSchema bool
	// Request is what expressions may read beside the prompt. It may be left
	// empty when [Analyzer.UsesExpressions] is false.
	Request expression.Request
}

// Analyzer holds everything that is prepared per config: the prompt conditions
// and expressions of all routes, the custom rules, the preset, and one matcher
// for the keywords of them all. It is immutable and safe for concurrent use.
type Analyzer struct {
	routes []condition
	custom []customRule
	preset []presetRule
	// matcher has the keyword sets of all; routeMatcher has the same sets under
	// the same numbers, but all empty that are not a route's: long texts that
	// only routes look at are searched much faster with these few.
	matcher, routeMatcher *Matcher
	// expressions is whether any condition has one.
	expressions bool
}

type customRule struct {
	condition
	verdict Verdict
}

// NewAnalyzer prepares the routes and the classification of a config. It
// returns all faults joined, each naming its field.
func NewAnalyzer(routes []routerconfig.Route, cfg routerconfig.Classification) (*Analyzer, error) {
	b := builder{}
	z := &Analyzer{}
	switch cfg.Preset {
	case routerconfig.PresetStandard:
		// First, so that keywordSet is the number of the set.
		b.sets = append(b.sets, presetKeywords[:]...)
		z.preset = standardPreset
	case routerconfig.PresetNone, "":
	default:
		b.fail("classification.preset", fmt.Errorf("%q is unknown to this router", cfg.Preset))
	}
	for i := range cfg.Custom {
		rule := &cfg.Custom[i]
		at := fmt.Sprintf("classification.custom[%d]", i)
		z.custom = append(z.custom, customRule{
			condition: b.condition(at+".match", &rule.Match, source{at + ".expression", rule.Expression}),
			verdict:   Verdict{Class: rule.Class, Confidence: rule.Confidence, Method: MethodRules, Rule: rule.Name, Custom: true},
		})
	}
	rules := len(b.sets)
	for i := range routes {
		match := &routes[i].Match
		at := fmt.Sprintf("routes[%d].match", i)
		z.routes = append(z.routes, b.condition(at+".prompt", &match.Prompt, source{at + ".expression", match.Expression}))
	}
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	z.matcher = NewMatcher(b.sets)
	z.routeMatcher = NewMatcher(append(make([][]string, rules), b.sets[rules:]...))
	z.expressions = b.expressions
	return z, nil
}

// UsesExpressions reports whether any route or rule may read Input.Request.
func (z *Analyzer) UsesExpressions() bool { return z.expressions }

// Analyze binds the analysis to the input. Everything is computed when first
// asked for, and at most once. The input must not change while a is in use.
func (z *Analyzer) Analyze(in *Input, a *Analysis) {
	a.analyzer, a.in = z, in
	a.oneText = sameSlice(in.Text, in.UserText) && len(in.Text) <= headSize+tailSize
	a.user.bind(in.UserText, z.routeMatcher)
	if a.oneText {
		a.user.matcher = z.matcher
	}
	a.user.whole = true
	a.last.bind(in.Text, z.matcher)
	a.bound, a.classified, a.err = false, false, nil
}

func sameSlice(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
