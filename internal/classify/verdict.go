package classify

import "github.com/tiershift/tiershift/internal/routerconfig"

// MethodRules is the Method of verdicts that rules gave.
const MethodRules = "rules"

// Verdict is a judgement of how demanding a request is.
type Verdict struct {
	Class routerconfig.Class
	// Confidence is in [0,1]: the share of such requests for which the verdict
	// is expected to be right.
	Confidence float64
	// Method is how the verdict was found: [MethodRules].
	Method string
	// Rule names the rule that gave it; Custom is whether it is one of the
	// policy's own rather than of the preset.
	Rule   string
	Custom bool
}

// Explanation is a verdict and how it came about.
type Explanation struct {
	Verdict Verdict
	// Decided is false when the verdict was not sure enough to be followed.
	Decided bool
	// Matched are the verdicts of all rules that matched, in the order in which
	// they were tried: the first with at least [MinConfidence] decides.
	Matched []Verdict
}

// TierFor maps a class to the index of one of n tiers sorted by ascending rank:
// SIMPLE to the lowest, COMPLEX to the highest, MODERATE to the middle one, and
// of an even number to the lower of the two in the middle, since a request goes
// to the cheapest tier that may do and is escalated if it does not.
//
//	tiers     1  2  3  4  5
//	SIMPLE    0  0  0  0  0
//	MODERATE  0  0  1  1  2
//	COMPLEX   0  1  2  3  4
//
// An unknown class counts as MODERATE.
func TierFor(class routerconfig.Class, tiers int) int {
	switch class {
	case routerconfig.ClassSimple:
		return 0
	case routerconfig.ClassComplex:
		return tiers - 1
	default:
		return (tiers - 1) / 2
	}
}
