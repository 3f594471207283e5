package compile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// endpoint is how a provider is reached: its public root, the path that its own
// SDKs append to the root, the wires that it speaks there, and how it takes the key.
type endpoint struct {
	root, path string
	wire       routerconfig.Wire
	also       []routerconfig.Wire
	key        routerconfig.KeyScheme
}

// endpoints by provider:
//
//	https://platform.openai.com/docs/api-reference
//	https://platform.claude.com/docs/en/api/messages
//	https://ai.google.dev/api/generate-content
//	https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle (v1)
//	https://docs.x.ai/docs/api-reference
var endpoints = map[v1alpha1.Provider]endpoint{
	v1alpha1.ProviderOpenAI: {
		root: "https://api.openai.com/v1", wire: routerconfig.WireOpenAI, also: alsoResponses, key: routerconfig.KeyBearer,
	},
	v1alpha1.ProviderDeepSeek: {root: "https://api.deepseek.com/v1", wire: routerconfig.WireOpenAI, key: routerconfig.KeyBearer},
	v1alpha1.ProviderMistral:  {root: "https://api.mistral.ai/v1", wire: routerconfig.WireOpenAI, key: routerconfig.KeyBearer},
	v1alpha1.ProviderXAI: {
		root: "https://api.x.ai/v1", wire: routerconfig.WireOpenAI, also: alsoResponses, key: routerconfig.KeyBearer,
	},
	v1alpha1.ProviderAnthropic: {
		root: "https://api.anthropic.com", path: "/v1", wire: routerconfig.WireAnthropic, key: routerconfig.KeyXAPIKeyHeader,
	},
	v1alpha1.ProviderGemini: {
		root: "https://generativelanguage.googleapis.com", path: "/v1beta", wire: routerconfig.WireGemini, key: routerconfig.KeyGoogHeader,
	},
	v1alpha1.ProviderAzureOpenAI: {
		path: "/openai/v1", wire: routerconfig.WireOpenAI, also: alsoResponses, key: routerconfig.KeyAPIKeyHeader,
	},
	v1alpha1.ProviderOpenAICompatible: {wire: routerconfig.WireOpenAI, key: routerconfig.KeyBearer},
}

var alsoResponses = []routerconfig.Wire{routerconfig.WireResponses}

// baseURL is what paths such as "/chat/completions" are appended to. An endpoint that names
// the provider's path already, or the beginning of it, is not given it twice.
func baseURL(spec *v1alpha1.ProviderCredentialSpec) string {
	known := endpoints[spec.Provider]
	if spec.APIVersion != "" {
		known.path = "/openai/deployments"
	}
	root := strings.TrimRight(cmp.Or(spec.Endpoint, known.root), "/")
	_, afterScheme, _ := strings.Cut(root, "://")
	_, given, _ := strings.Cut(afterScheme, "/")
	for end := len(known.path); end > 0; end = strings.LastIndexByte(known.path[:end], '/') {
		if strings.HasSuffix("/"+given, known.path[:end]) {
			return root + known.path[end:]
		}
	}
	return root + known.path
}

// provider is the account, or nil when it cannot be used.
func (c *compiler) provider(credential *v1alpha1.ProviderCredential) *routerconfig.Provider {
	p, seen := c.providers[credential.Name]
	if !seen {
		p = c.compileProvider(credential)
		c.providers[credential.Name] = p
	}
	return p
}

// addProvider adds an account that a model needs to the config, once.
func (c *compiler) addProvider(p *routerconfig.Provider) {
	if !slices.ContainsFunc(c.config.Providers, func(o routerconfig.Provider) bool { return o.Name == p.Name }) {
		c.config.Providers = append(c.config.Providers, *p)
	}
}

func (c *compiler) compileProvider(credential *v1alpha1.ProviderCredential) *routerconfig.Provider {
	spec := &credential.Spec
	known, ok := endpoints[spec.Provider]
	p := &routerconfig.Provider{
		Name: credential.Name, Kind: string(spec.Provider), Wire: known.wire, Also: known.also, BaseURL: baseURL(spec),
		KeyScheme: known.key, APIVersion: spec.APIVersion, Headers: sortedPairs(spec.Headers),
	}
	if spec.APIVersion != "" {
		p.Also = nil // Responses came with the v1 API
	}
	owner := c.object(KindProviderCredential, credential.Name)
	if !ok {
		c.problem(owner, SeverityDegraded, "spec.provider", v1alpha1.ReasonInvalid, "%q is no provider that this version speaks to", spec.Provider)
		return nil
	}
	usable := c.compileKeys(credential, p)
	if spec.Endpoint == "" && known.root == "" {
		c.problem(owner, SeverityDegraded, "spec.endpoint", v1alpha1.ReasonInvalid, "is required for %s: set the base URL of the account", spec.Provider)
		return nil
	}
	faults := fieldFaults(p.Validate())
	for _, fault := range faults {
		c.problem(owner, SeverityDegraded, credentialField(fault.Field), v1alpha1.ReasonInvalid, "%s", fault.Problem)
	}
	if !usable || len(faults) > 0 {
		return nil
	}
	return p
}

// credentialField is the field of the credential that a field of a provider
// comes from.
func credentialField(field string) string {
	switch field {
	case "name":
		return "metadata.name"
	case "baseURL":
		return "spec.endpoint"
	case "apiVersion":
		return "spec.apiVersion"
	case "keyFile":
		return "spec.secretRef"
	case "nextKeyFile":
		return "spec.nextSecretRef"
	default:
		return "spec." + field
	}
}

// compileKeys finds the account's key and the one that takes over from it. It
// is false when the account needs a key and has none. When only the next one is
// there, the rotation is over: it is the key.
func (c *compiler) compileKeys(credential *v1alpha1.ProviderCredential, p *routerconfig.Provider) bool {
	spec := &credential.Spec
	if spec.SecretRef == nil {
		if spec.Provider == v1alpha1.ProviderOpenAICompatible {
			return true
		}
		c.problem(c.object(KindProviderCredential, credential.Name), SeverityDegraded, "spec.secretRef", v1alpha1.ReasonSecretNotFound,
			"%s asks for a key: name the Secret that holds it", spec.Provider)
		return false
	}
	hasKey := c.secretKey(credential, "spec.secretRef", spec.SecretRef)
	hasNext := spec.NextSecretRef != nil && c.secretKey(credential, "spec.nextSecretRef", spec.NextSecretRef)
	if hasKey {
		p.KeyFile = keyFile(spec.SecretRef)
	}
	switch {
	case hasNext && hasKey:
		p.NextKeyFile = keyFile(spec.NextSecretRef)
	case hasNext:
		p.KeyFile = keyFile(spec.NextSecretRef)
	}
	return hasKey || hasNext
}

// keyFile is where the router finds the key below its secrets directory.
func keyFile(ref *v1alpha1.SecretKeyReference) string { return ref.Name + "/" + ref.Key }

// secretKey reports whether the key exists and says so when it does not.
func (c *compiler) secretKey(credential *v1alpha1.ProviderCredential, field string, ref *v1alpha1.SecretKeyReference) bool {
	owner := c.object(KindProviderCredential, credential.Name)
	keys, exists := c.in.SecretKeys[ref.Name]
	if !exists {
		c.problem(owner, SeverityDegraded, field+".name", v1alpha1.ReasonSecretNotFound,
			"Secret %q does not exist in namespace %s: create it with the provider's key under %q", ref.Name, c.policy.Namespace, ref.Key)
		return false
	}
	if !slices.Contains(keys, ref.Key) {
		c.problem(owner, SeverityDegraded, field+".key", v1alpha1.ReasonSecretKeyNotFound,
			"Secret %q has no key %q, or it is empty: put the provider's key there", ref.Name, ref.Key)
		return false
	}
	return true
}

func sortedPairs[V ~string](m map[string]V) []routerconfig.KeyValue {
	var pairs []routerconfig.KeyValue
	for name, value := range m {
		pairs = append(pairs, routerconfig.KeyValue{Name: name, Value: string(value)})
	}
	slices.SortFunc(pairs, func(a, b routerconfig.KeyValue) int { return cmp.Compare(a.Name, b.Name) })
	return pairs
}
