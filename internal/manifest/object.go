package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// object is a resource as the API server decodes it, and where it stands.
type object struct {
	content map[string]any
	// apiVersion, kind, namespace and name are those of the content.
	apiVersion, kind, namespace, name string
	document                          *document
}

func (o *object) String() string {
	if o.name == "" {
		return o.kind
	}
	return objectName(o.kind, o.namespace, o.name)
}

func (o *object) fault(field, format string, args ...any) Fault {
	return Fault{
		File: o.document.file, Line: o.document.lineOf(field), Object: o.String(), Field: field,
		Message: fmt.Sprintf(format, args...),
	}
}

// addDocument adds the object of a document, or those of a List.
func (l *loader) addDocument(d *document) error {
	var content any
	if err := utiljson.Unmarshal(d.data, &content); err != nil { // whole numbers as int64, as the API server has them
		l.faults = append(l.faults, d.broken(err).faults...)
		return nil
	}
	if content == nil {
		return nil
	}
	return l.addContent(d, content)
}

func (l *loader) addContent(d *document, content any) error {
	o, faults := newObject(d, content)
	if len(faults) > 0 {
		l.faults = append(l.faults, faults...)
		return nil
	}
	items, isList := o.content["items"].([]any)
	if !isList || !strings.HasSuffix(o.kind, "List") || !o.isOurs() && o.apiVersion != "v1" {
		return l.addObject(o)
	}
	for i, item := range items {
		if err := l.addContent(d.item(i), item); err != nil {
			return err
		}
	}
	return nil
}

// item is a document for one item of a List.
func (d *document) item(i int) *document {
	at := fmt.Sprintf("items[%d]", i)
	out := &document{file: d.file, line: d.lineOf(at)}
	for out.node = d.node; out.node != nil && at != ""; {
		_, out.node, at = descend(out.node, at)
	}
	return out
}

// newObject reads what tells of which kind and name an object is.
func newObject(d *document, content any) (*object, []Fault) {
	fields, isObject := content.(map[string]any)
	if !isObject {
		return nil, []Fault{{File: d.file, Line: d.line, Message: "is no Kubernetes object, but " + describeType(content)}}
	}
	o := &object{content: fields, document: d}
	var faults []Fault
	for field, value := range map[string]*string{"apiVersion": &o.apiVersion, "kind": &o.kind} {
		text, isText := fields[field].(string)
		*value = text
		switch {
		case fields[field] != nil && !isText:
			faults = append(faults, Fault{File: d.file, Line: d.lineOf(field), Field: field, Message: wrongType("string", fields[field])})
		case text == "":
			faults = append(faults, Fault{File: d.file, Line: d.line, Field: field, Message: "is required of every Kubernetes object"})
		}
	}
	return o, sortFaults(faults)
}

func (o *object) isOurs() bool {
	group, _, _ := strings.Cut(o.apiVersion, "/")
	return group == v1alpha1.GroupName
}

// isMeantForUs recognises a kind of ours under an apiVersion that is none of
// anybody's.
func (o *object) isMeantForUs() bool {
	ours := slices.Contains([]string{v1alpha1.KindRoutingPolicy, v1alpha1.KindModelTier, v1alpha1.KindProviderCredential}, o.kind)
	return ours && (strings.HasPrefix(o.apiVersion, "tiershift") || !strings.Contains(o.apiVersion, "/"))
}

// addObject checks the object and adds it to the set.
func (l *loader) addObject(o *object) error {
	if o.apiVersion == "v1" && o.kind == "ConfigMap" {
		l.addConfigMap(o)
		return nil
	}
	isSecret := o.apiVersion == "v1" && o.kind == "Secret"
	if !isSecret && !o.isOurs() && !o.isMeantForUs() {
		return nil
	}
	faults := o.admitMetadata()
	if o.name != "" {
		if first, twice := l.set.documents[o.String()]; twice {
			faults = append(faults, Fault{
				File: o.document.file, Line: o.document.line, Object: o.String(),
				Message: fmt.Sprintf("is defined twice, first at %s:%d", first.file, first.line),
			})
			l.faults = append(l.faults, sortFaults(faults)...)
			return nil
		}
		l.set.documents[o.String()] = o.document
	}
	var err error
	if isSecret {
		faults = append(faults, l.addSecret(o, len(faults) == 0)...)
	} else {
		var more []Fault
		more, err = l.addResource(o, len(faults) == 0)
		faults = append(faults, more...)
	}
	l.faults = append(l.faults, sortFaults(faults)...)
	return err
}

// addResource checks an object of ours, and adds it if it is sound. The error is
// one of the embedded schemas.
func (l *loader) addResource(o *object, sound bool) ([]Fault, error) {
	if l.kinds == nil {
		var err error
		if l.kinds, err = compiledKinds(); err != nil {
			return nil, fmt.Errorf("the embedded schemas are broken: %w", err)
		}
	}
	schema := l.kinds.byName[o.kind]
	if schema == nil || o.apiVersion != v1alpha1.GroupVersion.String() {
		known := strings.Join(slices.Sorted(maps.Keys(l.kinds.byName)), ", ")
		return []Fault{o.fault("apiVersion", "there is no kind %s in %s; this version knows %s of %s", o.kind, o.apiVersion, known, v1alpha1.GroupVersion)}, nil
	}
	metadata, _ := o.content["metadata"].(map[string]any)
	if metadata == nil || o.name == "" {
		return nil, nil // the rules take for granted that it has a name
	}
	metadata["generation"] = int64(1)
	delete(o.content, "status") // which a manifest cannot set
	if faults := schema.admit(o); len(faults) > 0 || !sound {
		return faults, nil
	}
	return nil, l.set.add(o)
}

func (s *Set) add(o *object) error {
	convert := runtime.DefaultUnstructuredConverter.FromUnstructured
	switch o.kind {
	case v1alpha1.KindRoutingPolicy:
		return appendTo(&s.Policies, o, convert)
	case v1alpha1.KindModelTier:
		return appendTo(&s.Tiers, o, convert)
	default:
		return appendTo(&s.Credentials, o, convert)
	}
}

func appendTo[T any](list *[]T, o *object, convert func(map[string]any, any) error) error {
	var typed T
	if err := convert(o.content, &typed); err != nil {
		return fmt.Errorf("%s passes its schema and does not fit its type: %w", o, err)
	}
	*list = append(*list, typed)
	return nil
}

// sortFaults puts the faults of an object in the order of the file.
func sortFaults(faults []Fault) []Fault {
	slices.SortFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(faults)
}
