package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// DefaultNamespace is that of manifests that name none, as kubectl has it.
const DefaultNamespace = "default"

// Set is what was read from a directory.
type Set struct {
	Policies    []v1alpha1.RoutingPolicy
	Tiers       []v1alpha1.ModelTier
	Credentials []v1alpha1.ProviderCredential
	Secrets     []corev1.Secret
	// ConfigMaps are those of anybody, since a policy may name them.
	ConfigMaps []corev1.ConfigMap
	documents  map[string]*document // by kind namespace/name
}

// Fault is something wrong with a manifest.
type Fault struct {
	// File is empty when the object does not come from a file.
	File string `json:"file"`
	// Line is 1-based; 0: the file as a whole.
	Line int `json:"line"`
	// Object is "Kind namespace/name"; empty: the document is none.
	Object  string `json:"object,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// Error is "file:line: object: field: message".
func (f Fault) Error() string {
	place := f.File
	if f.File != "" && f.Line > 0 {
		place += fmt.Sprintf(":%d", f.Line)
	}
	parts := slices.DeleteFunc([]string{place, f.Object, f.Field, f.Message}, func(part string) bool { return part == "" })
	return strings.Join(parts, ": ")
}

// Walk calls visit with the name of each file below the root that is taken for
// manifests: all .yaml, .yml and .json, in the order of their names. Names that
// begin with a dot are editors' files, and the bookkeeping of mounted volumes;
// kustomization.yaml lists manifests and need not be an object itself.
func Walk(files fs.FS, visit func(name string) error) error {
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		hidden := name != "." && strings.HasPrefix(path.Base(name), ".")
		switch {
		case err != nil:
			return err
		case hidden && entry.IsDir():
			return fs.SkipDir
		case hidden || entry.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)),
			slices.Contains([]string{"kustomization.yaml", "kustomization.yml"}, path.Base(name)):
			return nil
		default:
			return visit(name)
		}
	})
}

// Load reads the manifests below the root of the file system. Kinds that are not
// Tiershift's are passed over, but for Secrets and sound ConfigMaps. What has faults is left out of
// the set. The error says that files could not be read.
func Load(files fs.FS) (*Set, []Fault, error) {
	l := &loader{set: &Set{documents: map[string]*document{}}}
	found := false
	err := Walk(files, func(name string) error {
		found = true
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return l.addFile(name, data)
	})
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, errors.New("there is no .yaml, .yml or .json file in it")
	}
	return l.set, l.faults, nil
}

// loader reads files into a set.
type loader struct {
	set    *Set
	faults []Fault
	// kinds are the schemas, once an object has asked for them.
	kinds *kinds
}

func (l *loader) addFile(name string, data []byte) error {
	split := splitYAML
	if path.Ext(name) == ".json" {
		split = splitJSON
	}
	for _, d := range split(name, data) {
		if len(d.faults) > 0 {
			l.faults = append(l.faults, d.faults...)
			continue
		}
		if err := l.addDocument(d); err != nil {
			return err
		}
	}
	return nil
}

// Locate turns the field of an object into a fault at its place.
func (s *Set) Locate(kind, namespace, name, fieldPath, message string) Fault {
	fault := Fault{Object: objectName(kind, namespace, name), Field: fieldPath, Message: message}
	if d, ok := s.documents[fault.Object]; ok {
		fault.File, fault.Line = d.file, d.lineOf(fieldPath)
	}
	return fault
}

func objectName(kind, namespace, name string) string {
	return fmt.Sprintf("%s %s/%s", kind, namespace, name)
}

// SecretKeys maps each Secret of the namespace to its keys with a value.
func (s *Set) SecretKeys(namespace string) map[string][]string {
	out := map[string][]string{}
	for i := range s.Secrets {
		if s.Secrets[i].Namespace != namespace {
			continue
		}
		keys := []string{}
		for key, value := range s.Secrets[i].Data {
			if len(bytes.TrimSpace(value)) > 0 {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		out[s.Secrets[i].Name] = keys
	}
	return out
}
