package manifest

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

func TestTheSamplesAreSound(t *testing.T) {
	for sample, want := range map[string][4]int{"quickstart": {1, 3, 3, 4}, "advanced": {1, 2, 2, 0}} {
		set, faults, err := Load(os.DirFS("../../config/samples/" + sample))
		if err != nil || len(faults) > 0 {
			t.Fatalf("%s: %v\n%s", sample, err, lines(faults))
		}
		if got := [4]int{len(set.Policies), len(set.Tiers), len(set.Credentials), len(set.Secrets)}; got != want {
			t.Errorf("%s: got %v policies, tiers, credentials, secrets, want %v", sample, got, want)
		}
	}
}

func TestFilesThatAreRead(t *testing.T) {
	fsys := files(
		"b/policy.yml", policy, "a.yaml", tier, "c.json", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"keys"}}`,
		".hidden.yaml", "{", "..data/a.yaml", "{", ".git/config.yaml", "{", "README.md", "{", "a.yaml~", "{", "d.yaml.bak", "{", "kustomization.yaml", "resources: [a.yaml]", "b/kustomization.yml", "{", "empty.yaml", "", "comments.yaml", "# nothing\n---\n# here\n",
	)
	set := load(t, fsys)
	if len(set.Policies) != 1 || len(set.Tiers) != 1 || len(set.Secrets) != 1 {
		t.Errorf("got %+v", set)
	}
	var walked []string
	if err := Walk(fsys, func(name string) error { walked = append(walked, name); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(walked, " "); got != "a.yaml b/policy.yml c.json comments.yaml empty.yaml" {
		t.Errorf("walked %s", got)
	}
}

func TestAVolumeOfAConfigMapIsReadOnce(t *testing.T) {
	dir := t.TempDir()
	for _, err := range []error{
		os.Mkdir(dir+"/..2026_01", 0o700), os.WriteFile(dir+"/..2026_01/tier.yaml", []byte(tier), 0o600),
		os.Symlink("..2026_01", dir+"/..data"), os.Symlink("..data/tier.yaml", dir+"/tier.yaml"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	set, faults, err := Load(os.DirFS(dir))
	if err != nil || len(faults) > 0 || len(set.Tiers) != 1 {
		t.Errorf("got %+v, %v, %v", set, faults, err)
	}
}

// unreadable is a file system whose files cannot be read.
type unreadable struct{ fstest.MapFS }

func (unreadable) ReadFile(string) ([]byte, error) { return nil, errors.New("the disk is gone") }

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	tests := []struct {
		name, want string
		files      fs.FS
	}{
		{"no manifests", "there is no .yaml, .yml or .json file in it", files("README.md", "x")},
		{"a file", "the disk is gone", unreadable{files("a.yaml", tier)}},
		{"the directory", "no such file or directory", os.DirFS("/nowhere")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, _, err := Load(tt.files)
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) || set != nil {
				t.Errorf("got %v, %v; want %s", set, err, tt.want)
			}
		})
	}
}

func TestYAMLMeansWhatItMeansToKubectl(t *testing.T) {
	set := load(t, files("a.yaml", `
apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata:
  name: nano
  labels: &labels {quoted: "yes", date: 2026-01-02}
  annotations: *labels
spec:
  rank: 010 # eight, in YAML 1.1
  description: >
    folded
    text
  models:
    - &small
      name: small
      credentialRef: {name: local}
      weight: 0x10
    - <<: *small
      name: smaller
      limits: {contextTokens: 1_000, maxOutputTokens: 1e3}
`, "b.yaml", with(policy, "match: {}", "match: {prompt: {hasCode: off}}")))
	got := set.Tiers[0]
	if got.Labels["date"] != "2026-01-02" || got.Labels["quoted"] != "yes" || got.Annotations["date"] != "2026-01-02" {
		t.Errorf("labels %v, annotations %v", got.Labels, got.Annotations)
	}
	if got.Spec.Rank != 8 || got.Spec.Description != "folded text\n" {
		t.Errorf("rank %d, description %q", got.Spec.Rank, got.Spec.Description)
	}
	second := got.Spec.Models[1]
	if second.Name != "smaller" || second.CredentialRef.Name != "local" || *second.Weight != 16 {
		t.Errorf("second model %+v", second)
	}
	if *second.Limits.ContextTokens != 1000 || *second.Limits.MaxOutputTokens != 1000 {
		t.Errorf("limits %+v", second.Limits)
	}
	if hasCode := set.Policies[0].Spec.Routes[0].Match.Prompt.HasCode; hasCode == nil || *hasCode {
		t.Errorf("hasCode %v, want false", hasCode)
	}
}

func TestDefaultsAreThoseOfTheAPIServer(t *testing.T) {
	set := load(t, files("a.yaml", tier+"---\n"+credential+"  probe: {}\n---\n"+policy+"  fallback: {}\n  classification: {rules: {}, llm: {tier: nano}}\n"))
	if got := set.Tiers[0].Spec; got.Selection != v1alpha1.SelectionWeighted || got.Models[0].Weight != nil {
		t.Errorf("selection %q, want Weighted; weight %v, want none: lists are not defaulted", got.Selection, got.Models[0].Weight)
	}
	if got := set.Credentials[0].Spec.Probe; got.Mode != v1alpha1.ProbeDisabled || got.Interval.Duration != 10*time.Minute {
		t.Errorf("probe %+v", got)
	}
	spec := set.Policies[0].Spec
	if got := spec.Fallback; *got.MaxAttempts != 3 || !slices.Equal(got.Causes(), v1alpha1.DefaultFallbackCauses()) {
		t.Errorf("fallback %+v", got)
	}
	if got := spec.Classification; got.Rules.Preset != v1alpha1.RulesPresetStandard || got.LLM.Timeout.Duration != 800*time.Millisecond {
		t.Errorf("classification %+v", got)
	}
}

func TestNullIsAsGoodAsAbsent(t *testing.T) {
	set := load(t, files("a.yaml", with(tier, "rank: 10", "rank: 10\n  description:\n  selection: null")))
	if got := set.Tiers[0].Spec; got.Selection != v1alpha1.SelectionWeighted || got.Description != "" {
		t.Errorf("got %+v", got)
	}
}

func TestAStatusIsNoneOfTheManifests(t *testing.T) {
	set := load(t, files("a.yaml", with(policy, "  name: desk", "  name: desk\n  generation: 9\n  resourceVersion: \"7\"\n  uid: a-b")+
		"status: {routes: [{name: all, split: [{tier: nano, percent: 100}]}], ofALaterVersion: {}}\n"))
	if got := set.Policies[0]; len(got.Status.Routes) != 0 || got.Generation != 1 {
		t.Errorf("status %+v, generation %d", got.Status, got.Generation)
	}
}

func TestNamespaces(t *testing.T) {
	elsewhere := with(tier, "name: nano", "name: nano\n  namespace: elsewhere")
	set := load(t, files("a.yaml", tier+"---\n"+elsewhere))
	if len(set.Tiers) != 2 || set.Tiers[0].Namespace != "default" || set.Tiers[1].Namespace != "elsewhere" {
		t.Errorf("got %+v", set.Tiers)
	}
}

func TestKindsOfOthersArePassedOver(t *testing.T) {
	set := load(t, files("a.yaml", "apiVersion: v1\nkind: ConfigMap\ndata: {a: 1}\n---\napiVersion: apps/v1\nkind: Secret\n---\napiVersion: karmada.example.com/v1\nkind: RoutingPolicy\n---\n"+
		"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nitems: []\n---\napiVersion: v1\nkind: ConfigMapList\nitems: [{apiVersion: v1, kind: ConfigMap}]\n"))
	if len(set.Policies)+len(set.Secrets) != 0 {
		t.Errorf("got %+v", set)
	}
}

func TestAListIsWhatIsInIt(t *testing.T) {
	indented := strings.ReplaceAll(strings.TrimSpace(tier), "\n", "\n    ")
	set := load(t, files("a.yaml", "apiVersion: v1\nkind: List\nitems:\n  - "+indented+"\n", "b.json",
		`{"apiVersion":"tiershift.dev/v1alpha1","kind":"ModelTierList","items":[{"apiVersion":"tiershift.dev/v1alpha1","kind":"ModelTier","metadata":{"name":"mid"},"spec":{"rank":20,"models":[{"name":"m","credentialRef":{"name":"c"}}]}}]}`))
	if len(set.Tiers) != 2 || set.Tiers[1].Spec.Rank != 20 {
		t.Fatalf("got %+v", set.Tiers)
	}
	if got := set.Locate("ModelTier", "default", "nano", "spec.models[0].name", "m"); got.File != "a.yaml" || got.Line != 11 {
		t.Errorf("located at %v", got)
	}
}

func TestSecretsAreMergedAsTheAPIServerDoes(t *testing.T) {
	set := load(t, files("a.yaml", `apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: shop}
type: Opaque
data: {plain: aHVudGVyMg==, both: b2xk, nothing: , blank: ICA=}
stringData: {both: new, text: "typed\n"}
---
apiVersion: v1
kind: Secret
metadata: {name: empty, namespace: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {other: x}
`))
	data := set.Secrets[0].Data
	for key, want := range map[string]string{"plain": "hunter2", "both": "new", "nothing": "", "text": "typed\n"} {
		if got := string(data[key]); got != want {
			t.Errorf("%s holds %q, want %q", key, got, want)
		}
	}
	want := map[string][]string{"keys": {"both", "plain", "text"}, "empty": {}}
	if got := set.SecretKeys("shop"); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("keys with a value are %v, want %v", got, want)
	}
	if got := set.SecretKeys("nowhere"); len(got) != 0 {
		t.Errorf("another namespace has %v", got)
	}
}

func TestAnUnquotedOnIsTaken(t *testing.T) {
	for _, key := range []string{"on", `"on"`} {
		set := load(t, files("a.yaml", policy+"  fallback:\n    "+key+": [Timeout]\n"))
		if got := set.Policies[0].Spec.Fallback.Causes(); !slices.Equal(got, []v1alpha1.FallbackCause{"Timeout"}) {
			t.Errorf("%s is %v", key, got)
		}
	}
}

func TestLocate(t *testing.T) {
	set := load(t, files("a.yaml", "# about\n---\n"+with(policy, "match: {}", "match:\n        headers: {x.y: a}\n      maxOutputTokens: 5"), "b.yaml", tier))
	tests := []struct {
		name, kind, field string
		file              string
		line              int
	}{
		{"a field", "RoutingPolicy", "spec.defaultTier", "a.yaml", 10},
		{"an item", "RoutingPolicy", "spec.tiers[0]", "a.yaml", 9},
		{"a field of an item", "RoutingPolicy", "spec.routes[0].maxOutputTokens", "a.yaml", 15},
		{"a map's key with a dot", "RoutingPolicy", "spec.routes[0].match.headers[x.y]", "a.yaml", 14},
		{"a missing field stands where it is missing", "RoutingPolicy", "spec.routes[0].minTier", "a.yaml", 12},
		{"an item that is not there", "RoutingPolicy", "spec.routes[7].minTier", "a.yaml", 11},
		{"a path that leads into a text", "RoutingPolicy", "spec.defaultTier.name", "a.yaml", 10},
		{"the object as a whole", "RoutingPolicy", "", "a.yaml", 3},
		{"another file", "ModelTier", "spec.rank", "b.yaml", 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := map[string]string{"RoutingPolicy": "desk", "ModelTier": "nano"}[tt.kind]
			f := set.Locate(tt.kind, "default", name, tt.field, "is strange")
			if f.File != tt.file || f.Line != tt.line || f.Message != "is strange" || f.Field != tt.field {
				t.Errorf("got %s:%d, want %s:%d", f.File, f.Line, tt.file, tt.line)
			}
		})
	}
	if f := set.Locate("ModelTier", "default", "none", "spec", "is strange"); f.Error() != "ModelTier default/none: spec: is strange" {
		t.Errorf("an object of no file reads %q", f.Error())
	}
}

func TestWhatHasFaultsIsLeftOut(t *testing.T) {
	set, faults, err := Load(files("a.yaml", tier+"---\n"+with(credential, "http:", "ftp:")+"---\n"+policy))
	if err != nil || len(faults) != 1 || len(set.Credentials) != 0 || len(set.Tiers) != 1 || len(set.Policies) != 1 {
		t.Errorf("got %+v, %v, %v", set, faults, err)
	}
}
