package manifest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// remembered keeps the compiled schemas, so that tests compile them once.
var remembered *kinds

func TestMain(m *testing.M) {
	var err error
	if remembered, err = compiledKinds(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// files is a file system of names and contents, in turn.
func files(namesAndContents ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i < len(namesAndContents); i += 2 {
		out[namesAndContents[i]] = &fstest.MapFile{Data: []byte(namesAndContents[i+1])}
	}
	return out
}

func load(t *testing.T, fsys fstest.MapFS) *Set {
	t.Helper()
	set, faults, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) > 0 {
		t.Fatalf("has faults:\n%s", lines(faults))
	}
	return set
}

func lines(faults []Fault) string {
	var text []string
	for _, f := range faults {
		text = append(text, f.Error())
	}
	return strings.Join(text, "\n")
}

// tier is a sound ModelTier.
const tier = `apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata:
  name: nano
spec:
  rank: 10
  models:
    - name: small
      credentialRef:
        name: local
`

// policy is a sound RoutingPolicy.
const policy = `apiVersion: tiershift.dev/v1alpha1
kind: RoutingPolicy
metadata:
  name: desk
spec:
  tiers:
    - name: nano
  defaultTier: nano
  routes:
    - name: all
      match: {}
  gateway:
    auth:
      mode: None
`

// credential is a sound ProviderCredential.
const credential = `apiVersion: tiershift.dev/v1alpha1
kind: ProviderCredential
metadata:
  name: local
spec:
  provider: OpenAICompatible
  endpoint: http://127.0.0.1:8000/v1
`
