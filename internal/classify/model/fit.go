package model

import (
	"fmt"
	"slices"
	"strings"
)

// Generic are the tiers of a model that was trained on pairs of a weak and a
// strong model rather than on the tiers of a policy: see [Spread].
var Generic = [...]string{"weak", "mid", "strong"}

// Fit says how a model's tiers stand for those of a policy. The zero value is of
// a model without tiers: nothing is known of their quality.
type Fit struct {
	tiers  int
	spread bool
	// heads are, where tiers go by their names, the model's by those of the policy.
	heads []int
}

// FitTiers finds how the tiers that a model predicts for stand for those of a
// policy, both from the cheapest to the strongest. A model goes by names if it
// knows every tier of the policy; a generic one fits any policy; one of classes
// only says nothing of tiers.
func FitTiers(model, policy []string) (Fit, error) {
	if len(model) == 0 {
		return Fit{}, nil
	}
	fit := Fit{tiers: len(policy)}
	var missing []string
	for _, name := range policy {
		at := slices.Index(model, name)
		if at < 0 {
			missing = append(missing, name)
		}
		fit.heads = append(fit.heads, at)
	}
	switch {
	case len(missing) == 0:
		return fit, nil
	case isGeneric(model):
		return Fit{tiers: len(policy), spread: true}, nil
	}
	return Fit{}, fmt.Errorf("it predicts for the tiers %s and knows nothing of %s: train it on outcomes named after the policy's tiers (%s), or after %s",
		strings.Join(model, ", "), strings.Join(missing, ", "), strings.Join(policy, ", "), strings.Join(Generic[:], ", "))
}

// isGeneric holds for tiers of Generic only, at least two.
func isGeneric(tiers []string) bool {
	known := func(name string) bool { return slices.Contains(Generic[:], name) }
	return len(tiers) >= 2 && !slices.ContainsFunc(tiers, func(name string) bool { return !known(name) })
}

// KnowsTiers is whether anything is predicted of tiers.
func (f *Fit) KnowsTiers() bool { return f.tiers > 0 }

// Qualities fills, for the tiers of the policy, how likely each answers well, from
// a prediction of the model.
func (f *Fit) Qualities(dst, quality []float32) []float32 {
	if f.spread {
		return Spread(dst, quality, f.tiers)
	}
	dst = dst[:0]
	for _, head := range f.heads {
		dst = append(dst, quality[head])
	}
	return dst
}
