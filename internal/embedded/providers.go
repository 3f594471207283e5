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
			if c.Spec.SecretRef == nil {
				c.Spec.SecretRef = &v1alpha1.SecretKeyReference{Name: c.Name + "-environment", Key: "api-key"}
			}
			setSecret(set, c.Namespace, c.Spec.SecretRef, key)
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
	if s := findSecret(set, namespace, ref.Name); s != nil {
		return strings.TrimSpace(string(s.Data[ref.Key]))
	}
	return ""
}

func findSecret(set *manifest.Set, namespace, name string) *corev1.Secret {
	i := slices.IndexFunc(set.Secrets, func(s corev1.Secret) bool { return s.Namespace == namespace && s.Name == name })
	if i < 0 {
		return nil
	}
	return &set.Secrets[i]
}

func setSecret(set *manifest.Set, namespace string, ref *v1alpha1.SecretKeyReference, value string) {
	s := findSecret(set, namespace, ref.Name)
	if s == nil {
		set.Secrets = append(set.Secrets, corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: ref.Name}})
		s = &set.Secrets[len(set.Secrets)-1]
	}
	if s.Data == nil {
		s.Data = map[string][]byte{}
	}
	s.Data[ref.Key] = []byte(value)
}

// UseSimulated sends the credentials that are not listed in real to a simulated
// provider at the base URL.
func UseSimulated(set *manifest.Set, real []string, baseURL string) (simulated []string) {
	for i := range set.Credentials {
		c := &set.Credentials[i]
		if slices.Contains(real, c.Namespace+"/"+c.Name) {
			continue
		}
		c.Spec.Endpoint = baseURL
		if c.Spec.SecretRef != nil {
			setSecret(set, c.Namespace, c.Spec.SecretRef, "simulated")
		}
		c.Spec.NextSecretRef = nil
		simulated = append(simulated, c.Namespace+"/"+c.Name)
	}
	return simulated
}
