package simulator

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// Bounds on the values for schemas that have none, or none within reason: how
// deep to go before choosing the way out, and before giving up with a null; how
// long lists and strings may have to be, and the whole, in bytes.
const (
	maxDepth  = 8
	lastDepth = 2 * maxDepth
	maxItems  = 100
	maxString = 4 << 10
	maxSample = 256 << 10
)

// sampler fills in a schema with values taken from a prompt.
type sampler struct {
	rand   *rand.Rand
	root   *schema
	topics []string // for free strings, in turn
	names  []string // proper names of the prompt, preferred in tool arguments
	email  string   // an e-mail address of the prompt
	// reference, if any, is appended to the first free string.
	reference string
	// grade, if not negative, fills in numbers that grade something.
	grade float64
	// label, if any, is preferred where a list of values offers it.
	label string
	// drop leaves out the last property of the outermost object, if it has more.
	drop bool
}

// value appends a value that fits the schema; name is the property it is for.
func (s *sampler) value(b []byte, sc *schema, name string, depth int) []byte {
	sc = s.resolve(sc, depth)
	switch {
	case depth > lastDepth || len(b) > maxSample:
		return append(b, "null"...)
	case len(sc.Const) > 0:
		return append(b, sc.Const...)
	case len(sc.Enum) > 0:
		return append(b, s.enum(sc.Enum)...)
	}
	switch sc.kind() {
	case "object":
		return s.object(b, sc, depth)
	case "array":
		return s.array(b, sc, name, depth)
	case "integer":
		return strconv.AppendInt(b, int64(s.number(sc, name, true)), 10)
	case "number":
		return strconv.AppendFloat(b, s.number(sc, name, false), 'f', -1, 64)
	case "boolean":
		return strconv.AppendBool(b, s.rand.IntN(2) == 0)
	case "null":
		return append(b, "null"...)
	default:
		return appendString(b, s.text(sc, name))
	}
}

// resolve follows references and alternatives to the schema to fill in. Too
// deep, it prefers an alternative that is null.
func (s *sampler) resolve(sc *schema, depth int) *schema {
	for range maxDepth {
		alternatives := sc.alternatives()
		switch {
		case sc.Ref != "":
			sc = s.lookup(sc.Ref)
		case len(alternatives) > 0:
			sc = alternatives[0]
			for _, a := range alternatives {
				if depth >= maxDepth && a.kind() == "null" {
					sc = a
				}
			}
		case len(sc.AllOf) > 0:
			sc = merge(sc.AllOf)
		default:
			return sc
		}
	}
	return &schema{Type: typeNames{"null"}}
}

func (s *sampler) lookup(ref string) *schema {
	name := ref[strings.LastIndex(ref, "/")+1:]
	for _, defs := range []map[string]*schema{s.root.Defs, s.root.Definitions} {
		if found := defs[name]; found != nil {
			return found
		}
	}
	if ref == "#" {
		return s.root
	}
	return &schema{anythingAtAll: true}
}

// merge joins the properties of schemas that must all fit.
func merge(all []*schema) *schema {
	out := &schema{Type: typeNames{"object"}}
	for _, sc := range all {
		out.Properties = append(out.Properties, sc.Properties...)
		out.Required = append(out.Required, sc.Required...)
	}
	return out
}

func (s *sampler) object(b []byte, sc *schema, depth int) []byte {
	wanted := sc.wanted()
	if s.drop && depth == 0 && len(wanted) > 1 {
		wanted = wanted[:len(wanted)-1]
	}
	if depth >= maxDepth && len(sc.Required) == 0 {
		wanted = nil
	}
	b = append(b, '{')
	for i, p := range wanted {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, p.name), ':')
		b = s.value(b, p.schema, p.name, depth+1)
	}
	return append(b, '}')
}

func (s *sampler) array(b []byte, sc *schema, name string, depth int) []byte {
	n := max(sc.MinItems, 1)
	if sc.MaxItems != nil {
		n = min(n, *sc.MaxItems)
	}
	if depth >= maxDepth {
		n = sc.MinItems
	}
	items := sc.Items
	if items == nil {
		items = &schema{Type: typeNames{"string"}}
	}
	b = append(b, '[')
	for i := range min(n, maxItems) {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.value(b, items, name, depth+1)
	}
	return append(b, ']')
}

func (s *sampler) enum(values []json.RawMessage) json.RawMessage {
	for _, v := range values {
		if s.label != "" && strings.Trim(string(v), `"`) == s.label {
			return v
		}
	}
	return values[s.rand.IntN(len(values))]
}

func (s *sampler) number(sc *schema, name string, whole bool) float64 {
	low, high := 0.0, 100.0
	grading := s.grade >= 0 && isGradeName(name)
	if grading && !whole {
		high = 1
	}
	for _, bound := range []*float64{sc.Minimum, sc.ExclusiveMin} {
		if bound != nil {
			low = *bound
			high = max(high, low+1)
		}
	}
	for _, bound := range []*float64{sc.Maximum, sc.ExclusiveMax} {
		if bound != nil {
			high = *bound
			low = min(low, high)
		}
	}
	share := 0.25 + s.rand.Float64()/2
	if grading {
		share = s.grade
	}
	v := low + share*(high-low)
	if whole {
		return min(max(math.Round(v), math.Ceil(low)), math.Floor(high))
	}
	return hundredths(v)
}

// formats are values of the string formats.
var formats = map[string]string{
	"date-time": "2026-01-15T09:30:00Z", "date": "2026-01-15", "time": "09:30:00Z", "duration": "PT45M",
	"email": "user@example.com", "hostname": "host.example.com", "uri": "https://example.com/item",
	"ipv4": "192.0.2.7", "ipv6": "2001:db8::7", "uuid": "3b241101-e2bb-4255-8caf-4136c566a962",
}

func (s *sampler) text(sc *schema, name string) string {
	if sc.Pattern != "" {
		if re, err := syntax.Parse(sc.Pattern, syntax.Perl); err == nil {
			return matching(re.Simplify())
		}
	}
	format := sc.Format
	if formats[format] == "" && strings.Contains(strings.ToLower(name), "email") {
		format = "email"
	}
	switch {
	case format == "email" && s.email != "":
		return s.email
	case formats[format] != "":
		return formats[format]
	default:
		return s.free(sc)
	}
}

// free writes a string that only its length restricts. The first that has room
// for the reference takes it.
func (s *sampler) free(sc *schema) string {
	longest := math.MaxInt
	if sc.MaxLength != nil {
		longest = *sc.MaxLength
	}
	v := s.freeText()
	if s.reference != "" && len(v)+len(s.reference) < longest {
		v += " " + s.reference
		s.reference = ""
	}
	for len(v) < min(sc.MinLength, maxString) {
		v += " and so on"
	}
	if len(v) > longest {
		v = strings.ToValidUTF8(v[:longest], "")
	}
	return v
}

// freeText is the next proper name of the prompt, or else the next topic.
func (s *sampler) freeText() string {
	for _, list := range []*[]string{&s.names, &s.topics} {
		if all := *list; len(all) > 0 {
			*list = slices.Concat(all[1:], all[:1])
			return all[0]
		}
	}
	return "value"
}

// matching returns a text that a simplified regular expression matches.
func matching(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return ""
		}
		return string(readable(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCapture, syntax.OpPlus, syntax.OpAlternate:
		return matching(re.Sub[0])
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(matching(sub))
		}
		return b.String()
	default:
		return ""
	}
}

// readable picks a character of a class, a letter or a digit if there is one.
func readable(ranges []rune) rune {
	for i := 0; i < len(ranges); i += 2 {
		for _, r := range []rune{'a', 'A', '7', '0'} {
			if ranges[i] <= r && r <= ranges[i+1] {
				return r
			}
		}
	}
	return ranges[0]
}
