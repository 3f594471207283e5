package manifest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// conformanceCase is a case of test/crdcel, whose package comment says what it
// means: there, a real API server is asked.
type conformanceCase struct {
	Name      string          `json:"name"`
	Bad, Good json.RawMessage `json:",omitempty"`
	Want      string          `json:"want"`
	WantSpec  map[string]any  `json:"wantSpec"`
}

// What a real API server accepts, refuses and fills in is proven in test/crdcel.
// The same cases come out the same here, to the word.
func TestManifestsAreTakenAsTheAPIServerTakesThem(t *testing.T) {
	const cases = "../../test/crdcel/testdata"
	for folder, kind := range map[string]string{"modeltier": "ModelTier", "providercredential": "ProviderCredential", "routingpolicy": "RoutingPolicy"} {
		paths, err := filepath.Glob(filepath.Join(cases, folder, "*.yaml"))
		if err != nil || len(paths) < 3 {
			t.Fatalf("no cases in %s: %v", folder, err)
		}
		base := readYAMLFile[json.RawMessage](t, filepath.Join(cases, folder, "base.yaml"))
		for _, path := range paths {
			if name := filepath.Base(path); name == "base.yaml" || name == "full.yaml" {
				continue
			}
			for _, c := range readYAMLFile[[]conformanceCase](t, path) {
				t.Run(folder+"/"+c.Name, func(t *testing.T) { c.check(t, remembered.byName[kind], base) })
			}
		}
	}
}

func readYAMLFile[T any](t *testing.T, path string) (out T) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &out); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}

func (c *conformanceCase) check(t *testing.T, s *schema, base []byte) {
	t.Helper()
	patch := c.Good
	if c.Bad != nil {
		patch = c.Bad
	} else {
		c.Want = "" // it is for a later update, which no file makes
	}
	merged, err := jsonpatch.MergePatch(base, patch)
	if err != nil {
		t.Fatal(err)
	}
	var content map[string]any
	if err := utiljson.Unmarshal(merged, &content); err != nil {
		t.Fatal(err)
	}
	if metadata, _ := content["metadata"].(map[string]any); !strings.Contains(string(patch), "metadata") {
		metadata["name"] = c.Name // as the cases are named there
	}
	unknown, errs := s.validate(content)
	got := []string{}
	for _, e := range errs {
		got = append(got, e.Field+": "+e.ErrorBody())
	}
	want := slices.Collect(strings.Lines(c.Want))
	for i := range want {
		want[i] = strings.TrimSpace(want[i])
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(unknown) > 0 {
		t.Errorf("is refused with %q %q, want %q", unknown, got, want)
	}
	if c.WantSpec != nil && !reflect.DeepEqual(normal(t, content["spec"]), normal(t, c.WantSpec)) {
		t.Errorf("becomes %v, want %v", content["spec"], c.WantSpec)
	}
}

// normal is the value with all numbers of one type.
func normal(t *testing.T, value any) (out any) {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
