package crdcel

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/testenv"
)

func TestManifestsAreAcceptedOrRefusedWithTheirMessage(t *testing.T) {
	env := start(t)
	for folder := range kinds {
		for _, file := range files(t, folder) {
			t.Run(folder+"/"+file, func(t *testing.T) {
				namespace := env.Namespace(t)
				for _, c := range loadCases(t, folder, file) {
					t.Run(c.Name, func(t *testing.T) { try(t, env, namespace, folder, c) })
				}
			})
		}
	}
}

func try(t *testing.T, env *testenv.Env, namespace, folder string, c testCase) {
	t.Helper()
	if (c.Bad == nil) == (c.Good == nil) || (c.Want != "") != (c.Bad != nil || c.Update != nil) {
		t.Fatal("a case has either bad and want, or good, or good, update and want")
	}
	if c.Bad != nil {
		u := base(t, folder, c.Name, c.Bad)
		u.SetNamespace(namespace)
		wantCauses(t, env.Client.Create(t.Context(), u, strict), c.Want)
		return
	}
	u := base(t, folder, c.Name, c.Good)
	u.SetNamespace(namespace)
	if err := env.Client.Create(t.Context(), u, strict); err != nil {
		t.Fatal(err)
	}
	if c.WantSpec != nil {
		wantSpec(t, u, c.WantSpec)
	}
	if c.Update != nil {
		merge(t, u, c.Update)
		wantCauses(t, env.Client.Update(t.Context(), u, strict), c.Want)
	}
}

func wantCauses(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("was accepted, want\n%s", want)
	}
	if got := strings.Join(causes(t, err), "\n"); got != strings.TrimSpace(want) {
		t.Errorf("was refused with\n%s\nwant\n%s", got, want)
	}
}

// causes are the lines "FIELD: MESSAGE" of a refusal.
func causes(t *testing.T, err error) []string {
	t.Helper()
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) {
		t.Fatalf("failed with %v, want a refusal of the manifest", err)
	}
	var lines []string
	for _, cause := range status.Status().Details.Causes {
		// Said beside every schema error; CEL rules are only run without any.
		if !strings.Contains(cause.Message, "some validation rules were not checked") {
			lines = append(lines, cause.Field+": "+cause.Message)
		}
	}
	return lines
}

func TestBaseManifestsAreAccepted(t *testing.T) {
	env := start(t)
	namespace := env.Namespace(t)
	for folder := range kinds {
		t.Run(folder, func(t *testing.T) {
			create(t, env.Client, namespace, loadObject(t, folder, "base"))
		})
	}
}

func create(t *testing.T, c client.Client, namespace string, u *unstructured.Unstructured) {
	t.Helper()
	u.SetNamespace(namespace)
	if err := c.Create(t.Context(), u, strict); err != nil {
		t.Fatal(err)
	}
}
