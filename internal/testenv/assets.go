package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	module        = "github.com/tiershift/tiershift"
	apiServerName = "kube-apiserver"
	etcdName      = "etcd"
)

// findSettings finds everything a control plane is started from, so that what is
// missing is named before any process starts.
func findSettings(crds bool) (settings, error) {
	directory, err := os.Getwd()
	if err != nil {
		return settings{}, err
	}
	root, err := moduleRoot(directory)
	if err != nil {
		return settings{}, err
	}
	binaries, err := binaryDirectory(os.Getenv("KUBEBUILDER_ASSETS"), filepath.Join(root, "bin", "k8s", "current"))
	if err != nil {
		return settings{}, err
	}
	s := settings{
		APIServer: filepath.Join(binaries, apiServerName),
		Etcd:      filepath.Join(binaries, etcdName),
	}
	if crds {
		s.CRDDirectory, err = crdDirectory(root)
	}
	return s, err
}

// moduleRoot walks up from directory, past the go.mod of any nested module. go
// test runs a test in the directory of its package.
func moduleRoot(directory string) (string, error) {
	for current := directory; ; current = filepath.Dir(current) {
		content, err := os.ReadFile(filepath.Join(current, "go.mod"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		if bytes.HasPrefix(content, []byte("module "+module+"\n")) {
			return current, nil
		}
		if current == filepath.Dir(current) {
			return "", fmt.Errorf("%s is not inside the source of %s", directory, module)
		}
	}
}

// binaryDirectory prefers assets, the value of KUBEBUILDER_ASSETS, to built, where
// make k8s leaves what it builds.
func binaryDirectory(assets, built string) (string, error) {
	for _, directory := range []string{assets, built} {
		if directory != "" && isFile(directory, apiServerName) && isFile(directory, etcdName) {
			return directory, nil
		}
	}
	return "", fmt.Errorf("%s and %s are neither in %s nor in KUBEBUILDER_ASSETS (%q): run make k8s",
		apiServerName, etcdName, built, assets)
}

func isFile(directory, name string) bool {
	info, err := os.Stat(filepath.Join(directory, name))
	return err == nil && info.Mode().IsRegular()
}

// crdDirectory reports an empty directory too: a control plane without CRDs would
// fail each test later and say less.
func crdDirectory(root string) (string, error) {
	directory := filepath.Join(root, "config", "crd", "bases")
	manifests, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil {
		return "", err
	}
	if len(manifests) == 0 {
		return "", fmt.Errorf("no CRDs in %s: generate them, or start WithoutCRDs", directory)
	}
	return directory, nil
}
