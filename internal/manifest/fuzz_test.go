package manifest

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func FuzzLoad(f *testing.F) {
	for _, sample := range []string{"quickstart/quickstart.yaml", "advanced/advanced.yaml"} {
		data, err := os.ReadFile("../../config/samples/" + sample)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, false)
	}
	for _, seed := range []string{
		tier, policy, credential, with(policy, "match: {}", "match: {headers: {a.b: c}}"), "a: &x {<<: *x}\n", "a: &x\n  ? *x\n", "\"\": &a\n  \"\": *a\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {b: hunter2}\n", "--- x\n---\n...\n%YAML 1.1\n", "? - a\n: |\n  b\n", "a: !!binary aGk=\nb: !!set {x}\n",
		"apiVersion: v1\nkind: List\nitems: [{apiVersion: tiershift.dev/v1alpha1, kind: ModelTier, metadata: {name: x}, spec: {rank: 1}}]\n",
	} {
		f.Add([]byte(seed), false)
	}
	f.Add([]byte(`{"apiVersion":"tiershift.dev/v1alpha1","kind":"ModelTier","metadata":{"name":"\ud83d"},"spec":{"rank":1e99}} {}`), true)
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		name := "a.yaml"
		if isJSON {
			name = "a.json"
		}
		set, faults, err := Load(files(name, string(data)))
		if err != nil {
			t.Fatal(err)
		}
		last := 1 + bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + strings.Count(string(data), "\u0085") +
			strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029")
		for _, fault := range faults {
			if fault.Message == "" || fault.File != name || fault.Line < 1 || fault.Line > last {
				t.Errorf("%+v, of a file with %d lines", fault, last)
			}
		}
		for i := range set.Policies {
			p := &set.Policies[i]
			if p.Name == "" || p.Namespace == "" || len(p.Spec.Tiers) == 0 {
				t.Errorf("an unsound policy was taken: %+v", p)
			}
			if at := set.Locate("RoutingPolicy", p.Namespace, p.Name, string(data), ""); at.File != name {
				t.Errorf("a field of it is located at %v", at)
			}
		}
	})
}
