package embedded

import (
	"slices"
	"strings"
	"testing"
)

func TestSecretsThatAreNotAmongTheManifestsAreTakenForGranted(t *testing.T) {
	second := strings.NewReplacer("name: openai}", "name: openai-next}", "key: api-key}", "key: another}").Replace(credential)
	set := loadSet(t, credential, second)
	assumed := AssumeSecrets(set)
	if len(assumed) != 2 || len(set.Secrets) != 1 {
		t.Fatalf("%d Secrets are assumed for %v", len(set.Secrets), assumed)
	}
	if keys := set.SecretKeys("default")[set.Secrets[0].Name]; !slices.Equal(keys, []string{"another", "api-key"}) {
		t.Errorf("the Secret is taken to have %v", keys)
	}
	if text := assumed[0].Error(); !strings.HasPrefix(text, "a.yaml:") || !strings.Contains(text, "is not among the manifests") || !strings.Contains(text, `"api-key"`) {
		t.Errorf("said as %s", text)
	}
}

// A Secret that is there and lacks the key is a mistake, and no assumption.
func TestASecretThatIsThereIsTakenAsItIs(t *testing.T) {
	set := loadSet(t, credential, strings.Replace(secrets, "api-key", "apikey", 1))
	if assumed := AssumeSecrets(set); len(assumed) != 0 {
		t.Errorf("assumed %v", assumed)
	}
}

func TestAPolicyIsJudgedWithoutItsSecrets(t *testing.T) {
	set := loadSet(t, credential, tier, policy)
	AssumeSecrets(set)
	config, errs, warnings := CompilePolicy(set, &set.Policies[0], today)
	if config == nil || len(errs) > 0 || len(warnings) > 0 {
		t.Errorf("errors %v, warnings %v", errs, warnings)
	}
}
