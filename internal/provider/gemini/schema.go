package gemini

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// fromOpenAPI translates a Schema of the wire, a subset of OpenAPI 3.0's
// (https://ai.google.dev/api/caching#Schema), to JSON Schema: types in lower
// case, nullable as the type null, properties in propertyOrdering's order, numbers
// that the JSON mapping writes as strings as numbers. Formats that only say how
// OpenAPI stores a value are left out. What is no object is the empty schema.
func fromOpenAPI(v value) json.RawMessage {
	w := &writer{}
	schemaOf(w, "", v)
	return w.b
}

func schemaOf(w *writer, name string, v value) {
	w.open(name, '{')
	nullable := v.get("nullable").kind() == 't'
	for m := range v.members {
		switch field := m.field(); field {
		case "nullable", "propertyOrdering":
		case "type":
			writeType(w, m.text(), nullable)
		case "enum":
			writeEnum(w, m.value, nullable)
		case "anyOf":
			writeAnyOf(w, m.value, nullable)
		case "items":
			schemaOf(w, "items", m.value)
		case "properties":
			writeProperties(w, v, m.value)
		default:
			writeKeyword(w, field, m)
		}
	}
	w.close('}')
}

// writeKeyword writes what JSON Schema says in the same or nearly the same way.
func writeKeyword(w *writer, field string, m member) {
	n, whole := m.integer()
	switch {
	case field == "format" && storageFormat(m.text()):
	case field == "example":
		w.open("examples", '[')
		w.raw("", json.RawMessage(m.value))
		w.close(']')
	case isCount(field) && whole:
		w.int(field, n)
	default:
		w.comma()
		w.b = append(append(quoted(w.b, m.name), ':'), m.value...)
	}
}

// storageFormat reports whether a format only says how a value is stored.
func storageFormat(f string) bool {
	switch f {
	case "enum", "int32", "int64", "float", "double", "":
		return true
	}
	return false
}

// isCount reports whether a member is a 64-bit number, which may be quoted.
func isCount(field string) bool {
	switch field {
	case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
		return true
	}
	return false
}

func writeType(w *writer, name string, nullable bool) {
	name = strings.ToLower(name)
	switch {
	case name == "type_unspecified":
	case nullable && name != "null":
		w.texts("type", []string{name, "null"})
	default:
		w.text("type", name)
	}
}

func writeEnum(w *writer, v value, nullable bool) {
	w.open("enum", '[')
	for _, e := range v.elements {
		w.raw("", e.raw())
	}
	if nullable {
		w.raw("", json.RawMessage("null"))
	}
	w.close(']')
}

func writeAnyOf(w *writer, v value, nullable bool) {
	w.open("anyOf", '[')
	for _, s := range v.elements {
		schemaOf(w, "", s)
	}
	if nullable {
		w.raw("", json.RawMessage(`{"type":"null"}`))
	}
	w.close(']')
}

// writeProperties writes the properties in the order that the schema gives, and
// those that it does not name after them.
func writeProperties(w *writer, schema, v value) {
	var all []member
	for m := range v.members {
		all = append(all, m)
	}
	var order []string
	for _, name := range schema.get("propertyOrdering").elements {
		order = append(order, name.text())
	}
	rank := func(m member) int {
		if i := slices.Index(order, string(m.name)); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(all, func(a, b member) int { return rank(a) - rank(b) })
	w.open("properties", '{')
	for _, m := range all {
		w.comma()
		w.b = append(quoted(w.b, m.name), ':')
		schemaOf(w, "", m.value)
	}
	w.close('}')
}

// quoted appends a name with the quotes that it stood in.
func quoted(dst, name []byte) []byte {
	return append(append(append(dst, '"'), name...), '"')
}

// isObject reports whether v is valid JSON and an object.
func isObject(v []byte) bool {
	v = bytes.TrimSpace(v)
	return len(v) > 0 && v[0] == '{' && json.Valid(v)
}
