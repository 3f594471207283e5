package testenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModuleRootIsFoundPastANestedModule(t *testing.T) {
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "go.mod"), "module "+module+"\n")
	nested := filepath.Join(root, "hack", "k8s")
	writeFile(t, filepath.Join(nested, "go.mod"), "module "+module+"/hack/k8s\n")

	got, err := moduleRoot(nested)
	if err != nil || got != root {
		t.Errorf("moduleRoot(%s) = %q, %v; want %q", nested, got, err, root)
	}
}

func TestModuleRootOutsideTheSourceIsAnError(t *testing.T) {
	directory := t.TempDir()
	if got, err := moduleRoot(directory); err == nil {
		t.Errorf("moduleRoot(%s) = %q, want an error", directory, got)
	}
}

func TestBinaryDirectory(t *testing.T) {
	complete := binaries(t, apiServerName, etcdName)
	alsoComplete := binaries(t, apiServerName, etcdName)
	incomplete := binaries(t, apiServerName)

	for name, test := range map[string]struct {
		assets, built, want string
	}{
		"KUBEBUILDER_ASSETS wins":                          {complete, alsoComplete, complete},
		"without KUBEBUILDER_ASSETS it is the build":       {"", complete, complete},
		"KUBEBUILDER_ASSETS without etcd is not used":      {incomplete, complete, complete},
		"an incomplete build is not used":                  {"", incomplete, ""},
		"a directory that is not there is not used either": {"", filepath.Join(complete, "gone"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := binaryDirectory(test.assets, test.built)
			if got != test.want {
				t.Errorf("binaryDirectory = %q, want %q", got, test.want)
			}
			if test.want == "" && (err == nil || !strings.Contains(err.Error(), "run make k8s")) {
				t.Errorf("error %v does not say what to run", err)
			}
		})
	}
}

func TestCRDDirectoryMustHoldCRDs(t *testing.T) {
	root := t.TempDir()
	if _, err := crdDirectory(root); err == nil {
		t.Error("crdDirectory accepts a source without CRDs")
	}

	bases := filepath.Join(root, "config", "crd", "bases")
	writeFile(t, filepath.Join(bases, "tiershift.dev_modeltiers.yaml"), "kind: CustomResourceDefinition\n")
	if got, err := crdDirectory(root); err != nil || got != bases {
		t.Errorf("crdDirectory = %q, %v; want %q", got, err, bases)
	}
}

// binaries returns a directory with an empty file of each name.
func binaries(t *testing.T, names ...string) string {
	t.Helper()
	directory := t.TempDir()
	for _, name := range names {
		writeFile(t, filepath.Join(directory, name), "")
	}
	return directory
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
