package embedded

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/manifest"
)

// environment names, per provider, the variables that its own SDK reads: the
// key, and the base URL without the path that this repository appends itself.
var environment = map[v1alpha1.Provider]struct{ key, baseURL string }{
	v1alpha1.ProviderOpenAI:      {"OPENAI_API_KEY", "OPENAI_BASE_URL"},
	v1alpha1.ProviderAnthropic:   {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"},
	v1alpha1.ProviderGemini:      {"GEMINI_API_KEY", "GEMINI_BASE_URL"},
	v1alpha1.ProviderDeepSeek:    {"DEEPSEEK_API_KEY", "DEEPSEEK_BASE_URL"},
	v1alpha1.ProviderMistral:     {"MISTRAL_API_KEY", "MISTRAL_BASE_URL"},
	v1alpha1.ProviderXAI:         {"XAI_API_KEY", "XAI_BASE_URL"},
	v1alpha1.ProviderAzureOpenAI: {"AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"},
}

// placeholder marks keys of sample manifests that stand for real ones.
const placeholder = "replace-me"

// UseEnvironment puts the keys of the environment in place of those in the
// manifests and returns the names ("namespace/name") of the credentials that
// have a real key, from either.
func UseEnvironment(set *manifest.Set, getenv func(string) string) (withKey []string) {
	for i := range set.Credentials {
		c := &set.Credentials[i]
		variables, known := environment[c.Spec.Provider]
		if key := strings.TrimSpace(getenv(variables.key)); known && key != "" {
			giveKey(set, c, c.Name+"-environment", key)
			c.Spec.Endpoint = cmp.Or(c.Spec.Endpoint, getenv(variables.baseURL))
		}
		if c.Spec.SecretRef != nil && isReal(secretValue(set, c.Namespace, c.Spec.SecretRef)) {
			withKey = append(withKey, c.Namespace+"/"+c.Name)
		}
	}
	return withKey
}

func isReal(key string) bool { return key != "" && !strings.Contains(key, placeholder) }

func secretValue(set *manifest.Set, namespace string, ref *v1alpha1.SecretKeyReference) string {
	i := slices.IndexFunc(set.Secrets, func(s corev1.Secret) bool { return s.Namespace == namespace && s.Name == ref.Name })
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(string(set.Secrets[i].Data[ref.Key]))
}

// giveKey gives the account a Secret of its own: another account may share the
// one that it had, and must not get its key.
func giveKey(set *manifest.Set, c *v1alpha1.ProviderCredential, secret, key string) {
	const name = "api-key"
	set.Secrets = append(set.Secrets, corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: secret},
		Data:       map[string][]byte{name: []byte(key)},
	})
	c.Spec.SecretRef = &v1alpha1.SecretKeyReference{Name: secret, Key: name}
	c.Spec.NextSecretRef = nil
}

// UseSimulated sends the credentials that are not listed in withKey to a simulated
// provider: endpoint says where that of a provider is.
func UseSimulated(set *manifest.Set, withKey []string, endpoint func(v1alpha1.Provider) string) (simulated []string) {
	for i := range set.Credentials {
		c := &set.Credentials[i]
		if slices.Contains(withKey, c.Namespace+"/"+c.Name) {
			continue
		}
		c.Spec.Endpoint = endpoint(c.Spec.Provider)
		if c.Spec.SecretRef != nil {
			giveKey(set, c, c.Name+"-simulated", "simulated")
		}
		simulated = append(simulated, c.Namespace+"/"+c.Name)
	}
	return simulated
}
