package workload_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/workload"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden is an *.in.yaml: a policy and the config that it was compiled to.
type golden struct {
	Policy v1alpha1.RoutingPolicy `json:"policy"`
	Config routerconfig.Config    `json:"config"`
	// Credentials are those that the policy's tiers name.
	Credentials []v1alpha1.ProviderCredential `json:"credentials,omitempty"`
}

func read(t *testing.T, path string) golden {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := yaml.UnmarshalStrict(data, &g); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return g
}

func input(g *golden) workload.Input {
	return workload.Input{Policy: &g.Policy, Config: &g.Config, Credentials: g.Credentials, Router: workload.Router{
		Image: "ghcr.io/tiershift/router:v1.2.3", PullPolicy: corev1.PullIfNotPresent,
		DrainDelay: 5 * time.Second, DrainTimeout: 10 * time.Minute,
	}}
}

// documents are the objects that are not nil, as kubectl would take them.
func documents(t *testing.T, o workload.Objects) []byte {
	t.Helper()
	var list [][]byte
	add := func(object any, exists bool) {
		if !exists {
			return
		}
		document, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, document)
	}
	add(o.ConfigMap, o.ConfigMap != nil)
	add(o.ServiceAccount, o.ServiceAccount != nil)
	add(o.Deployment, o.Deployment != nil)
	add(o.Service, o.Service != nil)
	add(o.HorizontalPodAutoscaler, o.HorizontalPodAutoscaler != nil)
	add(o.PodDisruptionBudget, o.PodDisruptionBudget != nil)
	add(o.NetworkPolicy, o.NetworkPolicy != nil)
	return bytes.Join(list, []byte("---\n"))
}

func TestRender(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no golden inputs: %v", err)
	}
	for _, in := range inputs {
		out := strings.TrimSuffix(in, ".in.yaml") + ".out.yaml"
		t.Run(strings.TrimSuffix(filepath.Base(in), ".in.yaml"), func(t *testing.T) {
			g := read(t, in)
			objects, err := workload.Render(input(&g))
			if err != nil {
				t.Fatal(err)
			}
			got := documents(t, objects)
			if *update {
				if err := os.WriteFile(out, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the objects differ from %s; look at git diff after go test -update", out)
			}
		})
	}
}

func TestSameInputSameBytes(t *testing.T) {
	g := read(t, "testdata/placed.in.yaml")
	first, err := workload.Render(input(&g))
	if err != nil {
		t.Fatal(err)
	}
	want := documents(t, first)
	for range 20 {
		again := read(t, "testdata/placed.in.yaml")
		objects, err := workload.Render(input(&again))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(documents(t, objects), want) {
			t.Fatal("the same input gave other bytes")
		}
	}
}

// A change of the config must not restart routers: they read the new one.
func TestPodTemplateIsFreeOfTheConfig(t *testing.T) {
	g := read(t, "testdata/placed.in.yaml")
	before, err := workload.Render(input(&g))
	if err != nil {
		t.Fatal(err)
	}
	g.Config.Generation++
	g.Config.Routes = append(g.Config.Routes, routerconfig.Route{Name: "new", Tier: "nano"})
	after, err := workload.Render(input(&g))
	if err != nil {
		t.Fatal(err)
	}
	if before.ConfigMap.Annotations[workload.ConfigDigestAnnotation] == after.ConfigMap.Annotations[workload.ConfigDigestAnnotation] {
		t.Error("the digest did not change with the config")
	}
	if a, b := before.Deployment.Spec.Template.String(), after.Deployment.Spec.Template.String(); a != b {
		t.Errorf("the pod template changed with the config:\n%s\n%s", a, b)
	}
}

func TestOperatorLabelsWinOverThoseOfTheUser(t *testing.T) {
	g := read(t, "testdata/placed.in.yaml")
	g.Policy.Spec.Gateway.PodLabels = map[string]string{"app.kubernetes.io/instance": "stolen", "team": "search"}
	objects, err := workload.Render(input(&g))
	if err != nil {
		t.Fatal(err)
	}
	labels := objects.Deployment.Spec.Template.Labels
	if policy, ok := workload.PolicyOf(labels); !ok || policy != g.Policy.Name || labels["team"] != "search" {
		t.Errorf("pod labels are %v", labels)
	}
	if _, ok := g.Policy.Spec.Gateway.PodLabels["app.kubernetes.io/name"]; ok {
		t.Error("rendering changed the policy")
	}
}

func TestURL(t *testing.T) {
	g := read(t, "testdata/defaults.in.yaml")
	if got, want := workload.URL(&g.Policy), "http://support-gateway.default.svc:8080"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	g = read(t, "testdata/placed.in.yaml")
	if got, want := workload.URL(&g.Policy), "http://assistant-gateway.search.svc:80"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMinReplicasNeverExceedsTheMaximum(t *testing.T) {
	if got := workload.MinReplicas(&v1alpha1.GatewayAutoscaling{MaxReplicas: 1}); got != 1 {
		t.Errorf("got %d, want 1", got)
	}
}
