package crdcel

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/config/crd"
)

// foreign are the fields whose schema is Kubernetes' own; its rules are not ours
// to prove.
var foreign = []string{
	"spec.gateway.resources",
	"spec.gateway.tolerations[]",
	"spec.gateway.affinity",
	"spec.gateway.topologySpreadConstraints[]",
	"spec.gateway.imagePullSecrets[]",
}

// free are strings and maps without a bound of their own: what they may hold is
// checked where they end up, in pods and Services.
var free = []string{
	"spec.gateway.podLabels{}",
	"spec.gateway.podAnnotations{}",
	"spec.gateway.nodeSelector{}",
	"spec.gateway.service.annotations{}",
}

// schemas are the generated schemas by kind.
func schemas(t *testing.T) map[string]*apiextensionsv1.JSONSchemaProps {
	t.Helper()
	paths, err := fs.Glob(crd.FS, "bases/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string]*apiextensionsv1.JSONSchemaProps{}
	for _, path := range paths {
		data, err := crd.FS.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(data, &definition); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		byKind[definition.Spec.Names.Kind] = definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	}
	for folder, kind := range kinds {
		if byKind[kind] == nil {
			t.Fatalf("testdata/%s is about %s, which has no CRD", folder, kind)
		}
	}
	if len(byKind) != len(kinds) {
		t.Fatalf("there are %d CRDs, and testdata for %d kinds", len(byKind), len(kinds))
	}
	return byKind
}

// walkSpec visits the root of a kind's schema as "" and everything of ours below
// spec, by paths such as spec.models[].weight and spec.headers{}.
func walkSpec(root *apiextensionsv1.JSONSchemaProps, visit func(path string, s *apiextensionsv1.JSONSchemaProps)) {
	visit("", root)
	spec := root.Properties["spec"]
	walk("spec", &spec, visit)
}

func walk(path string, s *apiextensionsv1.JSONSchemaProps, visit func(path string, s *apiextensionsv1.JSONSchemaProps)) {
	if slices.Contains(foreign, path) {
		return
	}
	visit(path, s)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		property := s.Properties[name]
		walk(path+"."+name, &property, visit)
	}
	if s.Items != nil {
		walk(path+"[]", s.Items.Schema, visit)
	}
	if s.AdditionalProperties != nil {
		walk(path+"{}", s.AdditionalProperties.Schema, visit)
	}
}

// A rule over a list costs what its longest list would, so that the API server
// accepts rules only where every list, map and string has a bound.
func TestEveryListMapAndStringIsBounded(t *testing.T) {
	for kind, root := range schemas(t) {
		walkSpec(root, func(path string, s *apiextensionsv1.JSONSchemaProps) {
			bounded := true
			switch {
			case slices.Contains(free, path):
			case s.Type == "string":
				bounded = s.MaxLength != nil || s.Enum != nil
			case s.Type == "array":
				bounded = s.MaxItems != nil
			case s.AdditionalProperties != nil:
				bounded = s.MaxProperties != nil
			}
			if !bounded {
				t.Errorf("%s %s has no bound", kind, path)
			}
		})
	}
}

// GitOps tools compare lists as a whole: a default that the API server writes into
// a list item is drift for ever.
func TestNoDefaultIsWrittenBelowAListItem(t *testing.T) {
	for kind, root := range schemas(t) {
		walkSpec(root, func(path string, s *apiextensionsv1.JSONSchemaProps) {
			if s.Default != nil && strings.Contains(path, "[]") {
				t.Errorf("%s %s has the default %s", kind, path, s.Default.Raw)
			}
		})
	}
}

// An object that the API server makes up would pass for one that the user wrote.
func TestNoObjectIsMadeUp(t *testing.T) {
	for kind, root := range schemas(t) {
		walkSpec(root, func(path string, s *apiextensionsv1.JSONSchemaProps) {
			if s.Default != nil && s.Type == "object" {
				t.Errorf("%s %s has the default %s", kind, path, s.Default.Raw)
			}
		})
	}
}

func TestEveryFieldSaysWhatItMeans(t *testing.T) {
	for kind, root := range schemas(t) {
		walkSpec(root, func(path string, s *apiextensionsv1.JSONSchemaProps) {
			for name, property := range s.Properties {
				if property.Description == "" && name != "metadata" {
					t.Errorf("%s %s.%s has no description", kind, path, name)
				}
			}
		})
	}
}

// schemaDefaults are the defaults that the API server writes, and the constants that
// stand in where it does not, by path.
var schemaDefaults = map[string]map[string]any{
	v1alpha1.KindModelTier: {
		"spec.selection": v1alpha1.SelectionWeighted,
	},
	v1alpha1.KindProviderCredential: {
		"spec.probe.mode":     v1alpha1.ProbeDisabled,
		"spec.probe.interval": v1alpha1.DefaultProbeInterval,
	},
	v1alpha1.KindRoutingPolicy: {
		"spec.budget.onStoreFailure":                v1alpha1.StoreFailureLease,
		"spec.classification.llm.cacheTTL":          v1alpha1.DefaultLLMCacheTTL,
		"spec.classification.llm.timeout":           v1alpha1.DefaultLLMTimeout,
		"spec.classification.model.minConfidence":   v1alpha1.DefaultMinConfidence,
		"spec.classification.rules.preset":          v1alpha1.RulesPresetStandard,
		"spec.fallback.maxAttempts":                 v1alpha1.DefaultMaxAttempts,
		"spec.gateway.autoscaling.minReplicas":      v1alpha1.DefaultGatewayMinReplicas,
		"spec.gateway.autoscaling.targetCPUPercent": v1alpha1.DefaultGatewayTargetCPUPercent,
		"spec.gateway.service.port":                 v1alpha1.DefaultGatewayPort,
		"spec.gateway.service.type":                 v1alpha1.ServiceClusterIP,
	},
}

func TestSchemaAndCodeHaveTheSameDefaults(t *testing.T) {
	for kind, root := range schemas(t) {
		seen := 0
		walkSpec(root, func(path string, s *apiextensionsv1.JSONSchemaProps) {
			if s.Default == nil {
				return
			}
			seen++
			var written any
			if err := yaml.Unmarshal(s.Default.Raw, &written); err != nil {
				t.Fatal(err)
			}
			want := schemaDefaults[kind][path]
			if duration, ok := want.(time.Duration); ok {
				parsed, err := time.ParseDuration(fmt.Sprint(written))
				if err != nil {
					t.Fatal(err)
				}
				written, want = parsed, duration
			}
			if fmt.Sprint(written) != fmt.Sprint(want) {
				t.Errorf("%s %s has the default %v, and in code %v", kind, path, written, want)
			}
		})
		if seen != len(schemaDefaults[kind]) {
			t.Errorf("%s has %d defaults, and in code %d", kind, seen, len(schemaDefaults[kind]))
		}
	}
}

// kubectl apply writes what it applied into an annotation of at most 256 KiB.
func TestDefinitionsCanBeAppliedFromTheClientSide(t *testing.T) {
	const limit = 256 << 10
	paths, err := fs.Glob(crd.FS, "bases/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := crd.FS.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		document, err := yaml.YAMLToJSON(data)
		if err != nil {
			t.Fatal(err)
		}
		if len(document) >= limit {
			t.Errorf("%s is %d bytes as JSON, want less than %d", path, len(document), limit)
		}
	}
}

// rule is one constraint of a schema and how a refusal shows that it was broken.
type rule struct {
	path, what string
	// shows tells whether a line "FIELD: MESSAGE" is about this rule. field is
	// FIELD as a schema path.
	shows func(field, message string) bool
}

func (r rule) String() string { return fmt.Sprintf("%s %s", r.path, r.what) }

// rules are the constraints of one schema that testdata must prove. Bounds of size
// are proven by TestSizesAreEnforced.
func rules(path string, s *apiextensionsv1.JSONSchemaProps) []rule {
	var list []rule
	add := func(path, what, sign string) {
		list = append(list, rule{path, what, func(field, message string) bool {
			return field == path && strings.Contains(message, sign)
		}})
	}
	for _, name := range s.Required {
		add(strings.TrimPrefix(path+"."+name, "."), "is required", "Required value")
	}
	if s.Enum != nil {
		add(path, "has an enumeration", "Unsupported value")
	}
	if s.Minimum != nil {
		add(path, "has a minimum", "should be greater than or equal to")
	}
	if s.Maximum != nil {
		add(path, "has a maximum", "should be less than or equal to")
	}
	if s.MinItems != nil {
		add(path, "has a least number of items", "should have at least")
	}
	if kind := s.XListType; kind != nil && *kind != "atomic" {
		add(path+"[]", "must be unique", "Duplicate value")
	}
	for _, validation := range s.XValidations {
		list = append(list, rule{path, fmt.Sprintf("has the rule %q", validation.Message), func(_, message string) bool {
			return strings.Contains(message, validation.Message)
		}})
	}
	return list
}
