package routingpolicy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/compile"
	"github.com/tiershift/tiershift/internal/controller/conditions"
)

// ofSpec are the reasons of problems that the policy itself has, whatever it
// refers to.
var ofSpec = []string{
	v1alpha1.ReasonInvalid, v1alpha1.ReasonInvalidExpression, v1alpha1.ReasonConflictingTiers, v1alpha1.ReasonNotSupported,
}

func isOfSpec(p *compile.Problem) bool {
	return p.Object.Kind == compile.KindRoutingPolicy && slices.Contains(ofSpec, p.Reason)
}

// accepted sets Accepted, and reports whether only a change of the policy helps.
func accepted(set *conditions.Set, problems []compile.Problem) (stalled bool) {
	var faults, remarks []string
	reason := ""
	for i := range problems {
		p := &problems[i]
		switch {
		case p.Severity == compile.SeverityWarning:
			remarks = append(remarks, where(p)+" "+p.Message)
		case isOfSpec(p):
			if reason == "" {
				reason = p.Reason
			}
			faults = append(faults, where(p)+": "+p.Message)
		}
	}
	switch {
	case reason != "":
		set.False(v1alpha1.ConditionAccepted, reason, strings.Join(faults, "; "))
		return true
	case len(remarks) > 0:
		set.True(v1alpha1.ConditionAccepted, v1alpha1.ReasonAccepted, "accepted, but: "+strings.Join(remarks, "; "))
	default:
		set.True(v1alpha1.ConditionAccepted, v1alpha1.ReasonAccepted, "the spec makes sense as it stands")
	}
	return false
}

// resolvedRefs sets ResolvedRefs. Problems of credentials and tiers come first:
// they are the cause of most of the policy's own.
func resolvedRefs(set *conditions.Set, f *facts, problems []compile.Problem) {
	var faults []string
	reason := ""
	add := func(why, message string) {
		if reason == "" {
			reason = why
		}
		faults = append(faults, message)
	}
	for i := range problems {
		if p := &problems[i]; p.Severity != compile.SeverityWarning && !isOfSpec(p) {
			add(p.Reason, where(p)+": "+p.Message)
		}
	}
	for i := range f.credentials {
		c := &f.credentials[i]
		if conditions.IsFalse(c.Status.Conditions, v1alpha1.ConditionAuthenticated) {
			add(v1alpha1.ReasonCredentialNotReady, fmt.Sprintf("ProviderCredential %s: the provider rejects its key", c.Name))
		}
	}
	if reason != "" {
		set.False(v1alpha1.ConditionResolvedRefs, reason, strings.Join(faults, "; "))
		return
	}
	set.True(v1alpha1.ConditionResolvedRefs, v1alpha1.ReasonResolved, "everything that the spec names exists and can be used")
}

// where names the field, and the object if it is not the policy itself.
func where(p *compile.Problem) string {
	if p.Object.Kind == compile.KindRoutingPolicy {
		return p.Field
	}
	return p.Object.Kind + " " + p.Object.Name + " " + p.Field
}
