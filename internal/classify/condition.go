package classify

import (
	"fmt"
	"regexp"

	"github.com/tiershift/tiershift/internal/expression"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// condition is a compiled routerconfig.PromptMatch and the expression beside it.
type condition struct {
	minTokens, maxTokens int64
	// keywords is the number of the keyword set; -1: none.
	keywords int
	pattern  *regexp.Regexp
	// hasCode is what the text must or must not hold; nil: either.
	hasCode    *bool
	source     source
	expression *expression.Program
}

// builder collects what the conditions of a config have in common.
type builder struct {
	sets        [][]string
	expressions bool
	errs        []error
}

func (b *builder) fail(field string, err error) {
	b.errs = append(b.errs, fmt.Errorf("%s: %w", field, err))
}

// source is an expression and the field it stands in.
type source struct {
	field, text string
}

// condition compiles a prompt match, which stands in a field, and the expression
// beside it.
func (b *builder) condition(field string, m *routerconfig.PromptMatch, e source) condition {
	c := condition{minTokens: m.MinTokens, maxTokens: m.MaxTokens, keywords: -1, hasCode: m.HasCode, source: e}
	if len(m.Keywords) > 0 {
		c.keywords = len(b.sets)
		b.sets = append(b.sets, m.Keywords)
	}
	var err error
	if m.Pattern != "" {
		if c.pattern, err = regexp.Compile(m.Pattern); err != nil {
			b.fail(field+".pattern", err)
		}
	}
	if e.text != "" {
		b.expressions = true
		if c.expression, err = expression.Compile(e.text); err != nil {
			b.fail(e.field, err)
		}
	}
	return c
}

// matches reports whether the request meets the condition, as far as it is
// about text, on the given text. What is cheap is tried first.
func (c *condition) matches(a *Analysis, t *textState) bool {
	switch {
	case a.in.Tokens < c.minTokens,
		c.maxTokens > 0 && a.in.Tokens > c.maxTokens,
		c.keywords >= 0 && !t.keywords().has(c.keywords),
		c.hasCode != nil && t.read().hasCode() != *c.hasCode,
		c.pattern != nil && !t.matches(c.pattern):
		return false
	}
	return c.expression == nil || a.holds(c)
}
