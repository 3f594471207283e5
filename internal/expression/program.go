package expression

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// Program is a compiled expression. It is safe for concurrent use.
type Program struct {
	program cel.Program
}

// Compile checks an expression and prepares it for evaluation. The error names
// every fault with its line and column ("1:17: undeclared reference to 'reqest'").
func Compile(src string) (*Program, error) {
	if strings.TrimSpace(src) == "" {
		return nil, errors.New("the expression is empty")
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("prepare CEL: %w", err)
	}
	ast, issues := env.Compile(src)
	if issues.Err() != nil {
		return nil, describe(issues)
	}
	if got := ast.OutputType(); !got.IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("1:1: the expression must be a bool, but is of type %s", got)
	}
	cost, err := env.EstimateCost(ast, sizes{})
	if err != nil {
		return nil, fmt.Errorf("estimate the cost of the expression: %w", err)
	}
	if cost.Max > maxCost {
		return nil, fmt.Errorf("the expression may cost %.1f times what is allowed on a long prompt: simplify it, above all what it does per element of a list or with a long pattern", float64(cost.Max)/maxCost)
	}
	program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("prepare the expression: %w", err)
	}
	return &Program{program: program}, nil
}

// describe renders CEL's findings, one clause each, without its source excerpts.
func describe(issues *cel.Issues) error {
	var faults []string
	for _, e := range issues.Errors() {
		message := strings.TrimSuffix(e.Message, " (in container '')")
		for _, root := range []string{"request", "prompt"} {
			if message == "undeclared reference to '"+root+"'" {
				message = root + " has no such field; it has " + fieldsOf(root)
			}
		}
		faults = append(faults, fmt.Sprintf("%d:%d: %s", e.Location.Line(), e.Location.Column()+1, message))
	}
	return errors.New(strings.Join(faults, "; "))
}

func fieldsOf(root string) string {
	var fields []string
	for _, v := range variables {
		if field, ok := strings.CutPrefix(v.name, root+"."); ok {
			fields = append(fields, field)
		}
	}
	return strings.Join(fields, ", ")
}

// Eval reports whether the expression holds. An undefined value (see the
// package documentation) makes it not hold; any other failure, such as a
// division by zero, is an error, and the expression then does not hold either.
func (p *Program) Eval(v *Vars) (bool, error) {
	out, _, err := p.program.Eval((*activation)(v))
	if err != nil {
		if undefined(err) {
			return false, nil
		}
		return false, err
	}
	return out == types.True, nil
}

// undefined recognises lookups of what is not there. CEL has no exported error
// for them, only these messages.
func undefined(err error) bool {
	message := err.Error()
	return strings.HasPrefix(message, "no such key") || strings.HasPrefix(message, "index out of bounds")
}
