package expression

import (
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/ext"
)

// Limits of an expression. The cost is CEL's static estimate of the worst case
// for input of the sizes below. A cost unit is about 25 ns, and for patterns,
// of which CEL sees only the length, up to ten times that: what is accepted
// takes at most a tenth of a second on a prompt of a megabyte, or a second with
// a long pattern, and in proportion less on a shorter one. Refusing an expression
// when it is written is preferred to metering or interrupting it when it runs: a
// condition must not fail on just those prompts that are large, and a meter
// makes every evaluation five times as slow.
const (
	maxSource  = 4096 // code points
	maxNesting = 50
	maxCost    = 5_000_000
)

// What the cost estimate takes for the largest input, in characters or entries.
const (
	maxText        = 1 << 20
	maxHeaders     = 100
	maxHeaderName  = 64
	maxHeaderValue = 8 << 10
	maxMetadata    = 16 // as OpenAI limits it, the key and the value included
	maxMetaKey     = 64
	maxMetaValue   = 512
	maxField       = 1 << 10
)

// variables are declared under their full names, so that a misspelt field is
// found when the expression is compiled, and each is only read when used.
var variables = []struct {
	name string
	kind *cel.Type
}{
	{"request.path", cel.StringType},
	{"request.method", cel.StringType},
	{"request.model", cel.StringType},
	{"request.headers", cel.MapType(cel.StringType, cel.StringType)},
	{"request.metadata", cel.MapType(cel.StringType, cel.StringType)},
	{"request.stream", cel.BoolType},
	{"request.user", cel.StringType},
	{"request.client", cel.StringType},
	{"prompt.text", cel.StringType},
	{"prompt.tokens", cel.IntType},
	{"prompt.hasCode", cel.BoolType},
	{"prompt.turns", cel.IntType},
	{"prompt.hasTools", cel.BoolType},
	{"prompt.hasImages", cel.BoolType},
}

// environment is built when the first expression is compiled.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		ext.Strings(),
		cel.ASTValidators(cel.ValidateRegexLiterals()),
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(maxNesting),
	}
	for _, v := range variables {
		options = append(options, cel.Variable(v.name, v.kind))
	}
	return cel.NewEnv(options...)
})

// sizes tells CEL's cost estimate how large the variables can get.
type sizes struct{}

// EstimateSize implements checker.CostEstimator.
func (sizes) EstimateSize(node checker.AstNode) *checker.SizeEstimate {
	path := node.Path()
	if len(path) == 0 {
		return nil
	}
	limit := uint64(maxField)
	part := path[len(path)-1]
	switch path[0] {
	case "prompt.text":
		limit = maxText
	case "request.headers":
		limit = mapSize(part, maxHeaders, maxHeaderName, maxHeaderValue)
	case "request.metadata":
		limit = mapSize(part, maxMetadata, maxMetaKey, maxMetaValue)
	}
	return &checker.SizeEstimate{Max: limit}
}

func mapSize(part string, entries, key, value uint64) uint64 {
	switch part {
	case "@keys":
		return key
	case "@values":
		return value
	default:
		return entries
	}
}

// EstimateCallCost implements checker.CostEstimator. CEL's own estimates stand,
// but for contains: CEL takes it for a product of both lengths, which Go's
// search is not.
func (sizes) EstimateCallCost(_, overload string, target *checker.AstNode, _ []checker.AstNode) *checker.CallEstimate {
	if overload != overloads.ContainsString || target == nil {
		return nil
	}
	size := (*target).ComputedSize()
	if size == nil {
		size = sizes{}.EstimateSize(*target)
	}
	if size == nil {
		return nil
	}
	return &checker.CallEstimate{CostEstimate: size.MultiplyByCostFactor(common.StringTraversalCostFactor)}
}
