package compile

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says what a problem costs.
type Severity string

const (
	// SeverityError: the policy cannot be accepted; the config before stays.
	SeverityError Severity = "Error"
	// SeverityDegraded: the part that the problem names is left out, the rest works.
	SeverityDegraded Severity = "Degraded"
	// SeverityWarning: everything works, but not all of what is written has an effect.
	SeverityWarning Severity = "Warning"
)

// Kinds of objects that problems are keyed by.
const (
	KindRoutingPolicy      = "RoutingPolicy"
	KindModelTier          = "ModelTier"
	KindProviderCredential = "ProviderCredential"
)

// Object names the resource that a problem can be mended in.
type Object struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String is "kind namespace/name".
func (o Object) String() string { return fmt.Sprintf("%s %s/%s", o.Kind, o.Namespace, o.Name) }

// Problem is a fault in a resource, in words that say what to do about it.
type Problem struct {
	Object   Object   `json:"object"`
	Severity Severity `json:"severity"`
	// Field is the path of the field, such as "spec.routes[2].minTier".
	Field string `json:"field"`
	// Reason is one of the reason constants of the API.
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// String is a line for people.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %s: %s: %s", p.Severity, p.Object, p.Field, p.Message)
}

func sortProblems(problems []Problem) []Problem {
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Object.Kind, b.Object.Kind), cmp.Compare(a.Object.Namespace, b.Object.Namespace),
			cmp.Compare(a.Object.Name, b.Object.Name), cmp.Compare(a.Field, b.Field),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(problems)
}
