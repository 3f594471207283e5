package workload_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/workload"
)

// withRule adds a rule of the keywords to the config.
func withRule(g *golden, keywords ...string) {
	g.Config.Classification.Custom = []routerconfig.Rule{{
		Name: "long", Class: routerconfig.ClassSimple, Confidence: 1, Match: routerconfig.PromptMatch{Keywords: keywords},
	}}
}

func TestALongConfigIsCompressed(t *testing.T) {
	g := read(t, "testdata/placed.in.yaml")
	short := render(t, &g).ConfigMap
	if short.BinaryData != nil || short.Data[workload.ConfigKey] == "" {
		t.Fatalf("a short config is not text: %v", short)
	}
	withRule(&g, strings.Repeat("k", workload.MaxConfigBytes))
	long := render(t, &g).ConfigMap
	data := long.BinaryData[workload.ConfigKey]
	if long.Data != nil || len(data) == 0 {
		t.Fatalf("a long config is text: %d bytes", len(long.Data[workload.ConfigKey]))
	}
	if !bytes.Equal(data, render(t, &g).ConfigMap.BinaryData[workload.ConfigKey]) {
		t.Error("the same config compressed to other bytes")
	}
	config, err := routerconfig.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if config.Digest != long.Annotations[workload.ConfigDigestAnnotation] {
		t.Errorf("the annotation says %s of %s", long.Annotations[workload.ConfigDigestAnnotation], config.Digest)
	}
	if long.Name != short.Name {
		t.Errorf("the name changed from %s to %s, and with it the pod template", short.Name, long.Name)
	}
}

func TestConfigTooLarge(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	var noise []string
	for range 160_000 { // letters of chance do not get shorter by compression
		noise = append(noise, fmt.Sprintf("%016x", random.Uint64()))
	}
	for name, keywords := range map[string][]string{
		"compressed, for a ConfigMap": noise,
		"plain, for a router":         {strings.Repeat("k", routerconfig.MaxDocumentBytes)},
	} {
		t.Run(name, func(t *testing.T) {
			g := read(t, "testdata/placed.in.yaml")
			withRule(&g, keywords...)
			_, err := workload.Render(input(&g))
			var tooLarge *workload.ConfigTooLargeError
			if !errors.As(err, &tooLarge) {
				t.Fatalf("got %v, want a ConfigTooLargeError", err)
			}
			for _, said := range []string{fmt.Sprint(tooLarge.Bytes), fmt.Sprint(tooLarge.Compressed), "1048576", "split the policy"} {
				if !strings.Contains(err.Error(), said) {
					t.Errorf("%q does not say %s", err, said)
				}
			}
		})
	}
}

// Pods of the template before must keep a config that they can serve.
func TestAConfigIsForThePodsThatCanServeIt(t *testing.T) {
	g := read(t, "testdata/placed.in.yaml")
	g.Credentials = nil
	before := render(t, &g)
	if got := workload.ConfigMounted(&before.Deployment.Spec.Template.Spec); got != before.ConfigMap.Name {
		t.Errorf("pods mount %q, not %q", got, before.ConfigMap.Name)
	}
	for name, change := range map[string]func(*workload.Input){
		"a Secret more": func(in *workload.Input) {
			in.Config.Providers = append(in.Config.Providers, routerconfig.Provider{Name: "new", KeyFile: "new/key"})
		},
		"a key more": func(in *workload.Input) {
			in.Config.Providers[0].NextKeyFile = in.Config.Providers[0].KeyFile + "-next"
		},
		"a key that does not exist yet": func(in *workload.Input) {
			in.Credentials = []v1alpha1.ProviderCredential{{Spec: v1alpha1.ProviderCredentialSpec{SecretRef: &v1alpha1.SecretKeyReference{Name: "new", Key: "key"}}}}
		},
		"another router": func(in *workload.Input) { in.Router.Image += "-rc.1" },
	} {
		t.Run(name, func(t *testing.T) {
			g := read(t, "testdata/placed.in.yaml")
			g.Credentials = nil
			in := input(&g)
			change(&in)
			after, err := workload.Render(in)
			if err != nil {
				t.Fatal(err)
			}
			if after.ConfigMap.Name == before.ConfigMap.Name {
				t.Errorf("%s is also mounted by pods that cannot serve it", after.ConfigMap.Name)
			}
		})
	}
}

func render(t *testing.T, g *golden) workload.Objects {
	t.Helper()
	objects, err := workload.Render(input(g))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}
