// Command compileconfig compiles a directory of manifests to what a router
// reads, a config file and a directory of keys, with all providers replaced by
// one simulated upstream. It is a command of its own, so that the processes that
// the bench measures link nothing of what compiling needs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/embedded"
	"github.com/tiershift/tiershift/internal/manifest"
)

func main() {
	manifests := flag.String("f", "config/samples/quickstart", "the `DIR` of the manifests")
	upstream := flag.String("upstream", "", "the base `URL` of the simulated upstream")
	out := flag.String("out", "", "the `DIR` that config.json and secrets/ are written to")
	flag.Parse()
	if err := run(*manifests, *upstream, *out); err != nil {
		fmt.Fprintln(os.Stderr, "compileconfig:", err)
		os.Exit(1)
	}
}

func run(manifests, upstream, out string) error {
	if upstream == "" || out == "" {
		return errors.New("-upstream and -out are required")
	}
	var set *manifest.Set
	source := embedded.NewSource(os.DirFS(manifests), embedded.Options{
		RequireAuth: true, Now: time.Now,
		Prepare: func(s *manifest.Set) error {
			set = s
			for i := range s.Credentials { // the upstream speaks one wire
				s.Credentials[i].Spec.Provider = v1alpha1.ProviderOpenAICompatible
			}
			embedded.UseSimulated(s, nil, func(v1alpha1.Provider) string { return upstream })
			return nil
		},
	})
	config, err := source.Read()
	if err != nil {
		return err
	}
	for _, secret := range set.Secrets {
		dir := filepath.Join(out, "secrets", secret.Name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		for key, value := range secret.Data {
			if err := os.WriteFile(filepath.Join(dir, key), value, 0o600); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(out, "config.json"), config, 0o600)
}
