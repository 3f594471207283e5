package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"

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
	documents   map[string]*document // by kind/namespace/name
}

type document struct {
	file string
	node *yaml.Node
}

// Fault is something wrong with a manifest.
type Fault struct {
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
	text := f.File
	if f.Line > 0 {
		text += fmt.Sprintf(":%d", f.Line)
	}
	for _, part := range []string{f.Object, f.Field, f.Message} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

// Load reads all .yaml, .yml and .json files below the root of the file system,
// in the order of their names. Kinds that are not Tiershift's are passed over,
// but for Secrets. What has faults is left out of the set.
func Load(files fs.FS) (*Set, []Fault, error) {
	set := &Set{documents: map[string]*document{}}
	var faults []Fault
	found := false
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != "." && strings.HasPrefix(entry.Name(), ".") { // editors' files, and the links of mounted volumes
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) {
			return nil
		}
		found = true
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		faults = append(faults, set.add(name, data)...)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, errors.New("no .yaml, .yml or .json file in it")
	}
	return set, faults, nil
}

// add reads the documents of one file.
func (s *Set) add(file string, data []byte) []Fault {
	var faults []Fault
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return faults
		}
		if err != nil {
			return append(faults, syntaxFault(file, err))
		}
		faults = append(faults, s.addDocument(file, node.Content[0])...)
	}
}

// syntaxFault takes the line out of the parser's message ("yaml: line 3: …").
func syntaxFault(file string, err error) Fault {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	fault := Fault{File: file, Message: message}
	if _, scanErr := fmt.Sscanf(message, "line %d:", &fault.Line); scanErr == nil {
		_, fault.Message, _ = strings.Cut(message, ": ")
	}
	return fault
}

// header is what every manifest has.
type header struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
}

func (s *Set) addDocument(file string, node *yaml.Node) []Fault {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil // an empty document between two separators
	}
	at := func(line int, object, fieldPath, format string, args ...any) []Fault {
		return []Fault{{File: file, Line: line, Object: object, Field: fieldPath, Message: fmt.Sprintf(format, args...)}}
	}
	var object map[string]any
	if err := node.Decode(&object); err != nil {
		fault := syntaxFault(file, err)
		fault.Line = cmp.Or(fault.Line, node.Line)
		return []Fault{fault}
	}
	data, err := json.Marshal(object)
	if err != nil {
		return at(node.Line, "", "", "cannot be represented as JSON: %v", err)
	}
	var head header
	if err := json.Unmarshal(data, &head); err != nil {
		return at(node.Line, "", "", "is no Kubernetes object: %v", err)
	}
	if head.APIVersion == "" || head.Kind == "" {
		return at(node.Line, "", "", "is no Kubernetes object: apiVersion and kind are required")
	}
	if !s.takes(head) {
		return nil
	}
	head.Metadata.Namespace = cmp.Or(head.Metadata.Namespace, DefaultNamespace)
	name := fmt.Sprintf("%s %s/%s", head.Kind, head.Metadata.Namespace, head.Metadata.Name)
	if head.Metadata.Name == "" {
		return at(lineOf(node, "metadata"), head.Kind, "metadata.name", "is required")
	}
	if other, twice := s.documents[name]; twice {
		return at(node.Line, name, "", "is defined twice, first at %s:%d", other.file, other.node.Line)
	}
	s.documents[name] = &document{file: file, node: node}
	return s.decode(file, node, head, name, data)
}

func (s *Set) takes(head header) bool {
	group, _, _ := strings.Cut(head.APIVersion, "/")
	return head.APIVersion == "v1" && head.Kind == "Secret" || group == v1alpha1.GroupVersion.Group
}

// decode checks the object and adds it to the set.
func (s *Set) decode(file string, node *yaml.Node, head header, name string, data []byte) []Fault {
	if head.Kind == "Secret" {
		return s.addSecret(file, node, head, name, data)
	}
	byKind, err := schemas()
	if err != nil {
		return []Fault{{File: file, Line: node.Line, Object: name, Message: "the embedded schemas are broken: " + err.Error()}}
	}
	schema, known := byKind[head.Kind]
	if !known || head.APIVersion != v1alpha1.GroupVersion.String() {
		return []Fault{{
			File: file, Line: node.Line, Object: name,
			Message: fmt.Sprintf("there is no kind %s in %s; this version knows %s of %s", head.Kind, head.APIVersion, knownKinds(byKind), v1alpha1.GroupVersion),
		}}
	}
	var object map[string]any
	if err := utiljson.Unmarshal(data, &object); err != nil { // whole numbers as int64, as the API server has them
		return []Fault{{File: file, Line: node.Line, Object: name, Message: err.Error()}}
	}
	metadata, _ := object["metadata"].(map[string]any)
	metadata["namespace"] = head.Metadata.Namespace
	var faults []Fault
	for _, e := range schema.admit(object) {
		faults = append(faults, Fault{
			File: file, Line: lineOf(node, e.Field), Object: name, Field: e.Field,
			Message: strings.TrimPrefix(e.ErrorBody(), `Invalid value: "": `),
		})
	}
	if len(faults) > 0 {
		return faults
	}
	if err := s.addTyped(head.Kind, object); err != nil {
		return []Fault{{File: file, Line: node.Line, Object: name, Message: err.Error()}}
	}
	return nil
}

func knownKinds(byKind map[string]*schema) string {
	kinds := make([]string, 0, len(byKind))
	for kind := range byKind {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return strings.Join(kinds, ", ")
}

func (s *Set) addTyped(kind string, object map[string]any) error {
	convert := runtime.DefaultUnstructuredConverter.FromUnstructured
	switch kind {
	case "RoutingPolicy":
		var p v1alpha1.RoutingPolicy
		err := convert(object, &p)
		s.Policies = append(s.Policies, p)
		return err
	case "ModelTier":
		var t v1alpha1.ModelTier
		err := convert(object, &t)
		s.Tiers = append(s.Tiers, t)
		return err
	default:
		var c v1alpha1.ProviderCredential
		err := convert(object, &c)
		s.Credentials = append(s.Credentials, c)
		return err
	}
}

// addSecret takes a Secret, with stringData merged into data as the API server
// does. Faults never quote a value.
func (s *Set) addSecret(file string, node *yaml.Node, head header, name string, data []byte) []Fault {
	var secret corev1.Secret
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&secret); err != nil {
		message := "has a field that is unknown or of the wrong type"
		if text := err.Error(); strings.HasPrefix(text, "json: unknown field ") {
			message = strings.TrimPrefix(text, "json: ")
		}
		return []Fault{{File: file, Line: node.Line, Object: name, Message: message}}
	}
	secret.Namespace = head.Metadata.Namespace
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for key, value := range secret.StringData {
		secret.Data[key] = []byte(value)
	}
	secret.StringData = nil
	s.Secrets = append(s.Secrets, secret)
	return nil
}

// Locate turns the field of an object into a fault at its place.
func (s *Set) Locate(kind, namespace, name, fieldPath, message string) Fault {
	object := fmt.Sprintf("%s %s/%s", kind, namespace, name)
	fault := Fault{Object: object, Field: fieldPath, Message: message}
	if d, ok := s.documents[object]; ok {
		fault.File, fault.Line = d.file, lineOf(d.node, fieldPath)
	}
	return fault
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
