package compile

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

var update = flag.Bool("update", false, "write the golden files from what is compiled")

// at is when the catalogue's price of gpt-5-nano and its like is in force.
var at = time.Date(2026, time.August, 21, 12, 0, 0, 0, time.UTC)

// outcome is what a golden file holds for each policy of its input.
type outcome struct {
	Policy string `json:"policy"`
	// Refused is true when there is no config.
	Refused     bool                 `json:"refused,omitempty"`
	Problems    []string             `json:"problems,omitempty"`
	Prices      []string             `json:"prices,omitempty"`
	PricesUntil string               `json:"pricesUntil,omitempty"`
	Config      *routerconfig.Config `json:"config,omitempty"`
}

func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	for _, input := range inputs {
		name := strings.TrimSuffix(filepath.Base(input), ".in.yaml")
		t.Run(name, func(t *testing.T) {
			var outcomes [][]byte
			for _, in := range readInputs(t, input) {
				got, err := yaml.Marshal(describe(in, Compile(in)))
				if err != nil {
					t.Fatal(err)
				}
				outcomes = append(outcomes, got)
			}
			compareGolden(t, strings.TrimSuffix(input, ".in.yaml")+".out.yaml", bytes.Join(outcomes, []byte("---\n")))
		})
	}
}

func compareGolden(t *testing.T, golden string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant what is in %s: go test ./internal/compile -update writes it anew", got, golden)
	}
}

func describe(in Input, r Result) outcome {
	o := outcome{Policy: in.Policy.Namespace + "/" + in.Policy.Name, Refused: r.Config == nil, Config: r.Config}
	for _, p := range r.Problems {
		o.Problems = append(o.Problems, fmt.Sprintf("%s (%s)", p, p.Reason))
	}
	for _, m := range r.Models {
		price := fmt.Sprintf("%s/%s of %s: %s", m.Tier, m.Model, m.Credential, m.Source)
		if m.Price.Input != "" {
			price += fmt.Sprintf(" (%s), %s in, %s out", m.Origin, m.Price.Input, m.Price.Output)
		}
		o.Prices = append(o.Prices, price)
	}
	if !r.PricesUntil.IsZero() {
		o.PricesUntil = r.PricesUntil.Format(time.DateOnly)
	}
	return o
}

// readInputs reads the documents of a file: an input for each policy in it, with
// everything else.
func readInputs(t testing.TB, file string) []Input {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parseInputs(t, data)
}

func parseInputs(t testing.TB, data []byte) []Input {
	t.Helper()
	var policies []*v1alpha1.RoutingPolicy
	shared := Input{SecretKeys: map[string][]string{}, Classifiers: map[string]map[string]Classifier{}, At: at, Catalogue: pricing.Catalogue()}
	for _, document := range bytes.Split(data, []byte("\n---\n")) {
		var head metav1.PartialObjectMetadata
		if err := yaml.Unmarshal(document, &head); err != nil {
			t.Fatal(err)
		}
		switch head.Kind {
		case KindRoutingPolicy:
			policies = append(policies, parse[v1alpha1.RoutingPolicy](t, document))
		case KindModelTier:
			shared.Tiers = append(shared.Tiers, *parse[v1alpha1.ModelTier](t, document))
		case KindProviderCredential:
			shared.Credentials = append(shared.Credentials, *parse[v1alpha1.ProviderCredential](t, document))
		case "Secret":
			secret := parse[corev1.Secret](t, document)
			keys := []string{}
			for key, value := range secret.StringData {
				if value != "" {
					keys = append(keys, key)
				}
			}
			slices.Sort(keys)
			shared.SecretKeys[secret.Name] = keys
		case "ConfigMap":
			classifiers := parse[corev1.ConfigMap](t, document)
			keys := map[string]Classifier{}
			for key, tiers := range classifiers.Data { // which stand in for the file
				fault, broken := strings.CutPrefix(tiers, "broken: ")
				if !broken {
					fault = ""
				}
				keys[key] = Classifier{Fault: fault, Tiers: strings.Fields(tiers)}
			}
			shared.Classifiers[classifiers.Name] = keys
		default:
			t.Fatalf("kind %q in\n%s", head.Kind, document)
		}
	}
	inputs := make([]Input, len(policies))
	for i := range policies {
		inputs[i] = shared
		inputs[i].Policy = policies[i]
	}
	return inputs
}

func parse[T any](t testing.TB, document []byte) *T {
	t.Helper()
	var object T
	if err := yaml.UnmarshalStrict(document, &object); err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	return &object
}
