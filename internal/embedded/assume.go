package embedded

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/compile"
	"github.com/tiershift/tiershift/internal/manifest"
)

// AssumeSecrets adds the Secrets that the manifests name and do not hold, so that
// policies can be judged without anybody's keys, which rarely lie beside them. It
// returns what it took for granted. A Secret that is there is taken as it is.
func AssumeSecrets(set *manifest.Set) (assumed []manifest.Fault) {
	known := map[types.NamespacedName]bool{}
	for i := range set.Secrets {
		known[types.NamespacedName{Namespace: set.Secrets[i].Namespace, Name: set.Secrets[i].Name}] = true
	}
	added := map[types.NamespacedName]map[string][]byte{}
	assume := func(kind string, of metav1.Object, field, secret, key, what string) {
		name := types.NamespacedName{Namespace: of.GetNamespace(), Name: secret}
		if known[name] {
			return
		}
		if added[name] == nil {
			added[name] = map[string][]byte{}
			set.Secrets = append(set.Secrets, corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}, Data: added[name]})
		}
		added[name][key] = []byte(placeholder)
		assumed = append(assumed, set.Locate(kind, of.GetNamespace(), of.GetName(), field, fmt.Sprintf(
			"Secret %q is not among the manifests: it is taken for granted that namespace %s has it, with %s", secret, name.Namespace, what)))
	}
	for i := range set.Credentials {
		c := &set.Credentials[i]
		key := func(field string, ref *v1alpha1.SecretKeyReference) {
			if ref != nil {
				assume(compile.KindProviderCredential, c, field, ref.Name, ref.Key, fmt.Sprintf("the provider's key under %q", ref.Key))
			}
		}
		key("spec.secretRef.name", c.Spec.SecretRef)
		key("spec.nextSecretRef.name", c.Spec.NextSecretRef)
	}
	for i := range set.Policies {
		if ref := set.Policies[i].Spec.Gateway.Auth.SecretRef; ref != nil {
			assume(compile.KindRoutingPolicy, &set.Policies[i], "spec.gateway.auth.secretRef.name", ref.Name, "client", "a key for each client")
		}
	}
	return assumed
}
