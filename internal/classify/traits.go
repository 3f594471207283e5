package classify

import (
	"fmt"
	"strconv"
)

// Trait is something about a request that weighs in its classification.
type Trait struct {
	Name  string
	Value string
}

// Traits are what the rules saw of the input, for explanations. What is not there
// is left out.
func (a *Analysis) Traits() []Trait {
	in := a.in
	f := a.lastText().read()
	traits := []Trait{
		{"tokens", strconv.FormatInt(in.Tokens, 10)},
		{"message_tokens", strconv.FormatInt(EstimateTokens(in.Text), 10)},
		{"turns", strconv.Itoa(in.Turns)},
	}
	for _, t := range []struct {
		name  string
		holds bool
	}{{"question", f.question}, {"material", f.payload}, {"tools", in.Tools}, {"images", in.Images}, {"json_schema", in.JSONSchema}} {
		if t.holds {
			traits = append(traits, Trait{t.name, "yes"})
		}
	}
	for _, t := range []struct {
		name string
		n    int
	}{{"code_bytes", f.codeBytes}, {"parts", f.parts}} {
		if t.n > 0 {
			traits = append(traits, Trait{t.name, fmt.Sprint(t.n)})
		}
	}
	if output := ExpectedOutput(in.Text); output != MediumOutput {
		traits = append(traits, Trait{"expected_output_tokens", strconv.FormatInt(output, 10)})
	}
	return traits
}
