package credential

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/conditions"
)

// decide is the status that the facts make, and the conditions in it that are
// news.
func decide(f facts) (v1alpha1.ProviderCredentialStatus, []metav1.Condition) {
	set := conditions.New(f.credential.Generation, f.credential.Status.Conditions, f.now)
	secretResolved(set, f.keys)
	authenticated(set, &f)
	from := []string{v1alpha1.ConditionSecretResolved}
	if set.Get(v1alpha1.ConditionAuthenticated).Status == metav1.ConditionFalse {
		from = append(from, v1alpha1.ConditionAuthenticated)
	}
	set.Ready(v1alpha1.ReasonReady, "the account can be used", from...)
	set.Progress(false)
	status := v1alpha1.ProviderCredentialStatus{
		ObservedGeneration: f.credential.Generation,
		Conditions:         set.List(),
		Endpoint:           f.endpoint,
	}
	if f.probe != nil {
		status.AvailableModels = f.probe.models
	}
	return status, set.Changed()
}

func (k *keyFact) usable() bool {
	return k.contents.Exists && slices.Contains(k.contents.Keys, k.ref.Key)
}

// fault is why the key cannot be used, with its reason; "" when it can.
func (k *keyFact) fault() (reason, message string) {
	switch {
	case k.usable():
		return "", ""
	case !k.contents.Exists:
		return v1alpha1.ReasonSecretNotFound, fmt.Sprintf(
			"%s: Secret %q does not exist: create it with the provider's key under %q", k.field, k.ref.Name, k.ref.Key)
	case slices.Contains(k.contents.Empty, k.ref.Key):
		return v1alpha1.ReasonSecretKeyEmpty, fmt.Sprintf("%s: key %q of Secret %q is empty: put the provider's key there", k.field, k.ref.Key, k.ref.Name)
	default:
		return v1alpha1.ReasonSecretKeyNotFound, fmt.Sprintf("%s: Secret %q has no key %q: put the provider's key there", k.field, k.ref.Name, k.ref.Key)
	}
}

func secretResolved(set *conditions.Set, keys []keyFact) {
	if len(keys) == 0 {
		set.True(v1alpha1.ConditionSecretResolved, v1alpha1.ReasonNoSecretNeeded, "the spec names no Secret")
		return
	}
	var first string
	var messages []string
	for i := range keys {
		if reason, message := keys[i].fault(); reason != "" {
			if first == "" {
				first = reason
			}
			messages = append(messages, message)
		}
	}
	if first != "" {
		set.False(v1alpha1.ConditionSecretResolved, first, strings.Join(messages, "; "))
		return
	}
	set.True(v1alpha1.ConditionSecretResolved, v1alpha1.ReasonResolved, "every key that the spec names exists")
}

func authenticated(set *conditions.Set, f *facts) {
	switch {
	case !probing(f.credential):
		set.Unknown(v1alpha1.ConditionAuthenticated, v1alpha1.ReasonProbeDisabled, "spec.probe.mode is Disabled: the provider is not asked")
	case f.probe == nil:
		set.Unknown(v1alpha1.ConditionAuthenticated, v1alpha1.ReasonPending, "the provider is asked once the key is there")
	default:
		set.Set(v1alpha1.ConditionAuthenticated, f.probe.status, f.probe.reason, f.probe.message)
	}
}
