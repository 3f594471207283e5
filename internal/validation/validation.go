package validation

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Rule names a check by the field of the RoutingPolicy that asks for it.
type Rule string

// The rules, in the order in which they are checked: an answer that was cut
// short fails for that, not for the JSON that lacks its end.
const (
	RuleTruncated  Rule = "rejectTruncated"
	RuleRefusal    Rule = "rejectRefusals"
	RuleMinLength  Rule = "minLength"
	RulePattern    Rule = "pattern"
	RuleJSONSchema Rule = "jsonSchema"
)

// Spec says what an answer must be. The zero Spec asks for nothing.
type Spec struct {
	// JSONSchema is a schema as JSON text, of draft 2020-12 unless it names
	// another in $schema. Empty: not checked.
	JSONSchema string
	// Pattern is an RE2 expression that must be found. Empty: not checked.
	Pattern string
	// MinLength is the least number of Unicode code points, white space at the
	// ends not counted. 0: not checked.
	MinLength int
	// RejectRefusals and RejectTruncated fail such answers.
	RejectRefusals, RejectTruncated bool
}

// Answer is one answer, of whichever wire.
type Answer struct {
	// Text is what the model said, without its reasoning.
	Text string
	// ToolCalls says that it calls tools. What it says beside that is no answer
	// yet, so length, pattern and schema do not apply.
	ToolCalls bool
	// Truncated says that a token limit ended it.
	Truncated bool
	// Refused says that the wire itself calls it a refusal, or that the provider
	// withheld it.
	Refused bool
}

// Outcome is the verdict on an answer.
type Outcome struct {
	// Failed is the first rule that the answer breaks; empty: it is valid.
	Failed Rule
	// Detail says what is wrong. It holds nothing of the answer.
	Detail string
}

// Valid reports whether the answer keeps all rules.
func (o Outcome) Valid() bool { return o.Failed == "" }

// FieldError is a rule that cannot be checked.
type FieldError struct {
	// Field is the rule's field.
	Field Rule
	Err   error
}

func (e *FieldError) Error() string { return string(e.Field) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// Checker checks answers against a Spec. It is safe for concurrent use.
type Checker struct {
	spec    Spec
	pattern *regexp.Regexp
	schema  *schema
}

// New compiles the spec. Each fault is a *FieldError, all are joined.
func New(spec Spec) (*Checker, error) {
	c := &Checker{spec: spec}
	var errs []error
	if spec.Pattern != "" {
		var err error
		if c.pattern, err = regexp.Compile(spec.Pattern); err != nil {
			errs = append(errs, &FieldError{RulePattern, err})
		}
	}
	if spec.JSONSchema != "" {
		var err error
		if c.schema, err = compileSchema(spec.JSONSchema); err != nil {
			errs = append(errs, &FieldError{RuleJSONSchema, err})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// Check judges the answer.
func (c *Checker) Check(a *Answer) Outcome {
	switch {
	case c.spec.RejectTruncated && a.Truncated:
		return Outcome{RuleTruncated, "the answer ended at the token limit"}
	case c.spec.RejectRefusals && a.Refused:
		return Outcome{RuleRefusal, "the provider says that the answer was refused or withheld"}
	case c.spec.RejectRefusals && !a.ToolCalls && refuses(a.Text):
		return Outcome{RuleRefusal, "the answer declines to answer"}
	case a.ToolCalls:
		return Outcome{}
	}
	return c.checkText(strings.TrimSpace(a.Text))
}

func (c *Checker) checkText(text string) Outcome {
	if n := utf8.RuneCountInString(text); n < c.spec.MinLength {
		return Outcome{RuleMinLength, fmt.Sprintf("the answer has %d characters, fewer than %d", n, c.spec.MinLength)}
	}
	if c.pattern != nil && !c.pattern.MatchString(text) {
		return Outcome{RulePattern, "the pattern is not found in the answer"}
	}
	if c.schema != nil {
		if fault := c.schema.fault(text); fault != "" {
			return Outcome{RuleJSONSchema, fault}
		}
	}
	return Outcome{}
}

// CheckAll judges several answers to one request: the first that fails decides.
func (c *Checker) CheckAll(answers []Answer) Outcome {
	for i := range answers {
		if o := c.Check(&answers[i]); !o.Valid() {
			return o
		}
	}
	return Outcome{}
}
