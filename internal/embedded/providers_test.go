package embedded

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/manifest"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

func loadSet(t *testing.T, manifests ...string) *manifest.Set {
	t.Helper()
	set, faults, err := manifest.Load(fstest.MapFS{"a.yaml": {Data: []byte(strings.Join(manifests, "---\n"))}})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	return set
}

func environmentOf(pairs ...string) func(string) string {
	return func(name string) string {
		if i := slices.Index(pairs, name); i >= 0 {
			return pairs[i+1]
		}
		return ""
	}
}

func TestKeysOfTheEnvironmentWin(t *testing.T) {
	placeholderKey := strings.Replace(secrets, "sk-4c6f72656d-from-the-manifest", "sk-replace-me", 1)
	withoutKeys := "apiVersion: v1\nkind: Secret\nmetadata: {name: other}\n"
	tests := []struct {
		name, secrets string
		environment   []string
		real          bool
		key           string
	}{
		{"a key of the manifests is real", secrets, nil, true, "sk-4c6f72656d-from-the-manifest"},
		{"a key of the environment wins", secrets, []string{"OPENAI_API_KEY", "sk-env"}, true, "sk-env"},
		{"a key of the environment replaces a placeholder", placeholderKey, []string{"OPENAI_API_KEY", "sk-env"}, true, "sk-env"},
		{"a key of the environment replaces a missing Secret", withoutKeys, []string{"OPENAI_API_KEY", "sk-env"}, true, "sk-env"},
		{"white space around a key is none of it", secrets, []string{"OPENAI_API_KEY", " sk-env\n"}, true, "sk-env"},
		{"a placeholder is no key", placeholderKey, nil, false, "sk-replace-me"},
		{"a placeholder in the environment is no key", secrets, []string{"OPENAI_API_KEY", "sk-replace-me"}, false, "sk-replace-me"},
		{"a blank variable is none", secrets, []string{"OPENAI_API_KEY", "  "}, true, "sk-4c6f72656d-from-the-manifest"},
		{"another provider's key is none", placeholderKey, []string{"ANTHROPIC_API_KEY", "sk-ant"}, false, "sk-replace-me"},
		{"a missing Secret is no key", withoutKeys, nil, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := loadSet(t, credential, tt.secrets)
			withKey := UseEnvironment(set, environmentOf(tt.environment...))
			if got := slices.Equal(withKey, []string{"default/openai"}); got != tt.real || len(withKey) > 1 {
				t.Errorf("real are %v, want that: %v", withKey, tt.real)
			}
			if got := secretValue(set, "default", set.Credentials[0].Spec.SecretRef); got != tt.key {
				t.Errorf("the key is %q, want %q", got, tt.key)
			}
		})
	}
}

func TestTheEnvironmentNamesTheEndpoint(t *testing.T) {
	env := environmentOf("OPENAI_API_KEY", "sk-env", "OPENAI_BASE_URL", "https://proxy.example.com/v1")
	set := loadSet(t, credential)
	UseEnvironment(set, env)
	if got := set.Credentials[0].Spec.Endpoint; got != "https://proxy.example.com/v1" {
		t.Errorf("the endpoint is %q", got)
	}
	set = loadSet(t, credential+"  endpoint: https://mine.example.com/v1\n")
	UseEnvironment(set, env)
	if got := set.Credentials[0].Spec.Endpoint; got != "https://mine.example.com/v1" {
		t.Errorf("the manifest's endpoint became %q", got)
	}
	set = loadSet(t, credential, secrets)
	UseEnvironment(set, environmentOf("OPENAI_BASE_URL", "https://proxy.example.com/v1"))
	if got := set.Credentials[0].Spec.Endpoint; got != "" {
		t.Errorf("without its key, the endpoint became %q", got)
	}
}

func TestAKeyGoesToNoOtherAccountThatSharesTheSecret(t *testing.T) {
	shared := strings.NewReplacer("name: openai", "name: other", "provider: OpenAI", "provider: DeepSeek").Replace(credential)
	set := loadSet(t, credential, shared, secrets)
	UseEnvironment(set, environmentOf("OPENAI_API_KEY", "sk-env"))
	UseSimulated(set, []string{"default/other"}, at("http://127.0.0.1:9"))
	if got := secretValue(set, "default", set.Credentials[1].Spec.SecretRef); got != "sk-4c6f72656d-from-the-manifest" {
		t.Errorf("the other account has %q", got)
	}
}

func TestACredentialWithoutSecretTakesTheKeyOfTheEnvironment(t *testing.T) {
	set := loadSet(t, credential)
	set.Credentials[0].Spec.SecretRef = nil
	withKey := UseEnvironment(set, environmentOf("OPENAI_API_KEY", "sk-env"))
	if len(withKey) != 1 || secretValue(set, "default", set.Credentials[0].Spec.SecretRef) != "sk-env" {
		t.Errorf("real are %v, the secret %+v", withKey, set.Credentials[0].Spec.SecretRef)
	}
}

const local = `apiVersion: tiershift.dev/v1alpha1
kind: ProviderCredential
metadata: {name: local}
spec: {provider: OpenAICompatible, endpoint: "http://models.svc/v1"}
`

func TestSimulatedProvidersStandInForThoseWithoutAKey(t *testing.T) {
	next := credential + "  nextSecretRef: {name: gone, key: api-key}\n"
	set := loadSet(t, next, strings.Replace(credential, "name: openai", "name: paid", 1), local)
	simulated := UseSimulated(set, []string{"default/paid"}, at("http://127.0.0.1:9"))
	if !slices.Equal(simulated, []string{"default/openai", "default/local"}) {
		t.Errorf("simulated are %v", simulated)
	}
	for i, want := range []string{"http://127.0.0.1:9", "", "http://127.0.0.1:9"} {
		if got := set.Credentials[i].Spec.Endpoint; got != want {
			t.Errorf("%s is at %q, want %q", set.Credentials[i].Name, got, want)
		}
	}
	if spec := set.Credentials[0].Spec; spec.NextSecretRef != nil || secretValue(set, "default", spec.SecretRef) != "simulated" {
		t.Errorf("the simulated account has %+v", spec)
	}
	if spec := set.Credentials[2].Spec; spec.SecretRef != nil {
		t.Errorf("an account without key got one: %+v", spec)
	}
}

func TestNoKeyGoesToASimulatedProvider(t *testing.T) {
	s := NewSource(directory(), Options{Now: clock, Prepare: func(set *manifest.Set) error {
		UseSimulated(set, nil, at("http://127.0.0.1:9"))
		return nil
	}})
	config := read(t, s)
	if config.Providers[0].BaseURL != "http://127.0.0.1:9" || config.Providers[0].Kind != string(v1alpha1.ProviderOpenAI) {
		t.Errorf("got %+v", config.Providers[0])
	}
	key, err := fs.ReadFile(s.Secrets(), config.Providers[0].KeyFile)
	if err != nil || string(key) != "simulated" {
		t.Errorf("the key is %q, %v", key, err)
	}
}

func TestTheRouterFindsTheKeysThatTheConfigNames(t *testing.T) {
	s := NewSource(directory(), Options{Now: clock, RequireAuth: true})
	config := read(t, s)
	key, err := fs.ReadFile(s.Secrets(), config.Providers[0].KeyFile)
	if err != nil || string(key) != "sk-4c6f72656d-from-the-manifest" {
		t.Errorf("the provider's key is %q, %v", key, err)
	}
	clients, err := fs.ReadDir(s.Secrets(), config.Auth.ClientsDir)
	if err != nil || config.Auth.Mode != routerconfig.AuthAPIKeys || len(clients) != 1 || clients[0].Name() != "web" {
		t.Errorf("the clients are %v, %v", clients, err)
	}
}

// at is where every provider is simulated.
func at(endpoint string) func(v1alpha1.Provider) string {
	return func(v1alpha1.Provider) string { return endpoint }
}
