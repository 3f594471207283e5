package classify

import (
	"fmt"

	"github.com/tiershift/tiershift/internal/expression"
)

// Analysis answers questions about one input. The zero value is ready for
// [Analyzer.Analyze]; it may be pooled and bound again, but must not be used by
// two goroutines at once.
type Analysis struct {
	analyzer *Analyzer
	in       *Input
	// user is all user messages, last only the last one. When oneText, they are
	// the same and only user is used.
	user, last textState
	oneText    bool

	vars    expression.Vars
	bound   bool        // whether vars are those of the input
	hasCode func() bool // of user; kept, since making it allocates
	err     error

	evidence   evidence // here, since it would otherwise be allocated
	verdict    Verdict
	decided    bool
	classified bool
}

// RouteMatches reports whether the input meets the prompt conditions and the
// expression of route i. The route's other conditions are the router's. Routes
// see all user messages in full, so that no floor is missed for a long prompt.
func (a *Analysis) RouteMatches(i int) bool {
	return a.analyzer.routes[i].matches(a, &a.user)
}

// lastText is the text that classification reads.
func (a *Analysis) lastText() *textState {
	if a.oneText {
		return &a.user
	}
	return &a.last
}

// Classify returns the verdict of the first rule that matches with at least
// [MinConfidence]: custom rules in their order, then the preset. It is false
// when there is none; the verdict then is that of the first rule that matched,
// a best guess, or empty.
func (a *Analysis) Classify() (Verdict, bool) {
	if !a.classified {
		a.classified = true
		a.verdict, a.decided = Verdict{}, false
		a.eachMatch(func(v Verdict) bool {
			a.decided = v.Confidence >= MinConfidence
			if a.decided || a.verdict.Rule == "" {
				a.verdict = v
			}
			return !a.decided
		})
	}
	return a.verdict, a.decided
}

// Explain returns what Classify returns and the verdicts of all rules that
// matched.
func (a *Analysis) Explain() Explanation {
	var e Explanation
	e.Verdict, e.Decided = a.Classify()
	a.eachMatch(func(v Verdict) bool {
		e.Matched = append(e.Matched, v)
		return true
	})
	return e
}

// eachMatch yields the verdicts of the rules that match until told to stop.
func (a *Analysis) eachMatch(yield func(Verdict) bool) {
	t := a.lastText()
	for i := range a.analyzer.custom {
		rule := &a.analyzer.custom[i]
		if rule.matches(a, t) && !yield(rule.verdict) {
			return
		}
	}
	if len(a.analyzer.preset) == 0 {
		return
	}
	e := &a.evidence
	*e = evidence{in: a.in, features: t.read(), hits: t.keywords()[0], asks: t.asks[0]}
	for i := range a.analyzer.preset {
		rule := &a.analyzer.preset[i]
		if rule.fires(e) && !yield(Verdict{Class: rule.class, Confidence: rule.confidence, Method: MethodRules, Rule: rule.name}) {
			return
		}
	}
}

// holds evaluates a condition's expression.
func (a *Analysis) holds(c *condition) bool {
	if a.hasCode == nil {
		a.hasCode = func() bool { return a.user.read().hasCode() }
	}
	if !a.bound {
		a.bound = true
		a.vars = expression.Vars{
			Request: a.in.Request,
			Prompt: expression.Prompt{
				Text: a.in.UserText, Tokens: a.in.Tokens, Turns: a.in.Turns,
				HasTools: a.in.Tools, HasImages: a.in.Images,
				HasCode: a.hasCode,
			},
		}
	}
	ok, err := c.expression.Eval(&a.vars)
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("%s: %w", c.source.field, err)
	}
	return ok
}

// Err returns the first error that evaluating an expression met since Analyze,
// naming its field, or nil. Such an expression counts as not holding.
func (a *Analysis) Err() error { return a.err }

// Release drops the references to the input, so that a pooled analysis keeps
// no prompt alive.
func (a *Analysis) Release() {
	a.in, a.user.text, a.last.text, a.evidence = nil, nil, nil, evidence{}
	a.vars, a.bound, a.err = expression.Vars{}, false, nil
}
