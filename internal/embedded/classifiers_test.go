package embedded_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/embedded"
)

const classifierManifests = `apiVersion: tiershift.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: desk}
spec:
  tiers: [{name: low}, {name: top}]
  defaultTier: low
  classification: {model: {configMapRef: {name: own, key: model.json}}}
  gateway: {auth: {mode: None}}
---
apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata: {name: low}
spec: {rank: 1, models: [{name: a, credentialRef: {name: local}, pricing: {inputPerMillion: "1", outputPerMillion: "1"}}]}
---
apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata: {name: top}
spec: {rank: 2, models: [{name: b, credentialRef: {name: local}, pricing: {inputPerMillion: "9", outputPerMillion: "9"}}]}
---
apiVersion: tiershift.dev/v1alpha1
kind: ProviderCredential
metadata: {name: local}
spec: {provider: OpenAICompatible, endpoint: "http://127.0.0.1:9/v1"}
`

// classifierFile is the file of a model for the tiers.
func classifierFile(t *testing.T, tiers ...string) []byte {
	t.Helper()
	var heads []model.Head
	for _, name := range tiers {
		heads = append(heads, model.Head{Name: name, Slope: 1, Weights: make([]int8, model.Buckets), Dense: make([]float32, model.Columns())})
	}
	m, err := model.New(model.Card{}, nil, heads, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAClassifierComesFromAConfigMapAmongTheManifests(t *testing.T) {
	configMap := func(file []byte) string {
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\nbinaryData: {model.json: %s}\n", base64.StdEncoding.EncodeToString(file))
	}
	tests := []struct{ name, manifest, warning string }{
		{"one that fits", configMap(classifierFile(t, "low", "top")), ""},
		{"none", "", `ConfigMap "own" does not exist in namespace default: create it from the file that tiershift train wrote; until then the classifier that ships with Tiershift is asked`},
		{"one of other tiers", configMap(classifierFile(t, "low", "high")), "knows nothing of top"},
		{"one that is none", configMap([]byte("{}")), "cannot be used"},
		{"one of another key", strings.Replace(configMap([]byte("{}")), "model.json", "other.json", 1), `has no key "model.json"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := fstest.MapFS{"a.yaml": {Data: []byte(classifierManifests)}}
			if tt.manifest != "" {
				files["b.yaml"] = &fstest.MapFile{Data: []byte(tt.manifest)}
			}
			source := embedded.NewSource(files, embedded.Options{Now: time.Now})
			compiled, err := source.Compile()
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(compiled.Warnings); !strings.Contains(got, tt.warning) || tt.warning == "" && len(compiled.Warnings) > 0 {
				t.Errorf("warnings %s, want %q", got, tt.warning)
			}
			_, err = fs.ReadFile(source.Classifiers(), compiled.Config.Classification.Model.File)
			if there := err == nil; there != strings.Contains(tt.manifest, "model.json") {
				t.Errorf("the router finds the file: %v, %v", there, err)
			}
		})
	}
}
