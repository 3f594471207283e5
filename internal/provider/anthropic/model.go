package anthropic

import (
	"slices"
	"strings"
)

// traits are what a model takes of what differs between models. They come from
// the migration guide
// (https://platform.claude.com/docs/en/about-claude/models/migration-guide), the
// pages on thinking, effort and structured outputs beside it, and the API's own
// errors, such as "`temperature` is deprecated for this model."
type traits struct {
	// thinks is that the model can think at all.
	thinks bool
	// adaptive and budgets are the forms of thinking that it takes.
	adaptive, budgets bool
	// byDefault is that it thinks unless told not to, canDisable that it heeds that.
	byDefault, canDisable bool
	// forced is that it can be made to call a tool.
	forced bool
	// efforts that it knows, the least first; none: it knows none.
	efforts []string
	// sampling is that it takes temperature, top_p and top_k, and bothSampling
	// that it takes temperature and top_p together.
	sampling, bothSampling bool
	// structured is that it takes output_config.format and strict tools.
	structured bool
	// lateSystem is that it takes system messages amid a conversation.
	lateSystem bool
}

var allEfforts = []string{"low", "medium", "high", "xhigh", "max"}

// families are the words by which Claude's models are named.
var families = []string{"opus", "sonnet", "haiku", "fable", "mythos"}

// traitsOf tells what a model takes by its name. A name that is not Claude's is
// of a server that copies the wire: it gets the form that is the longest in use,
// and thinking only if the caller knows that it reasons.
func traitsOf(name string, reasons bool) traits {
	family, version := parseModel(name)
	if family == "" {
		return traits{
			thinks: reasons, budgets: true, canDisable: true, forced: true,
			sampling: true, bothSampling: true, structured: true,
		}
	}
	always := family == "fable" || family == "mythos" || family == "opus" && version >= 505
	return traits{
		thinks:       version >= 307,
		adaptive:     version >= 406,
		budgets:      version < 407,
		byDefault:    version >= 500 || always,
		canDisable:   !always,
		forced:       family != "opus" || version < 505,
		efforts:      effortsOf(family, version),
		sampling:     version < 407,
		bothSampling: version < 401,
		structured:   version >= 405 || version == 401,
		lateSystem:   version >= 408,
	}
}

func effortsOf(family string, version int) []string {
	switch {
	case version >= 407:
		return allEfforts
	case version == 406:
		return []string{"low", "medium", "high", "max"}
	case version == 405 && family == "opus":
		return allEfforts[:3]
	default:
		return nil
	}
}

// parseModel reads the family and the version, as 100 times the major plus the
// minor, from a name as Anthropic and the clouds write it: claude-opus-4-7,
// claude-3-5-sonnet-20241022, us.anthropic.claude-haiku-4-5-20251001-v1:0,
// claude-sonnet-4@20250514. A family without a version is the newest there is.
func parseModel(name string) (family string, version int) {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r == '-' || r == '.' || r == '@' || r == ':' || r == '/' || r == '_'
	})
	claude := slices.Index(words, "claude")
	if claude < 0 {
		return "", 0
	}
	words = words[claude+1:]
	i := slices.IndexFunc(words, func(w string) bool { return slices.Contains(families, w) })
	if i < 0 {
		return "", 0
	}
	numbers := versionNumbers(words[i+1:])
	if len(numbers) == 0 {
		numbers = versionNumbers(words[:i])
	}
	switch len(numbers) {
	case 0:
		return words[i], 900
	case 1:
		return words[i], numbers[0] * 100
	default:
		return words[i], numbers[0]*100 + numbers[1]
	}
}

// versionNumbers are the one or two short numbers that words begin with; dates
// are longer.
func versionNumbers(words []string) (out []int) {
	for _, w := range words {
		n := 0
		for _, c := range w {
			if c < '0' || c > '9' {
				return out
			}
			n = n*10 + int(c-'0')
		}
		if len(w) > 2 || len(out) == 2 {
			return out
		}
		out = append(out, n)
	}
	return out
}
