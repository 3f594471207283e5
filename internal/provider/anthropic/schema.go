package anthropic

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// schemaKeys are the keywords that structured outputs and strict tools take
// (https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations).
var schemaKeys = []string{
	"$ref", "$defs", "definitions", "type", "anyOf", "oneOf", "allOf", "description", "title", "enum", "const",
	"properties", "additionalProperties", "required", "items", "minItems", "format", "pattern", "default",
}

// silentKeys constrain nothing, and go without a word.
var silentKeys = []string{"$schema", "$id", "$comment", "examples", "deprecated", "readOnly", "writeOnly"}

var schemaFormats = []string{
	"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
}

// acceptedSchema brings a schema into the subset that is accepted, its members in
// their order, since that is the order in which the model writes. Objects are
// closed; constraints beyond the subset become words in the description, which
// the model heeds but the provider does not enforce: lost tells of these. A
// schema that is in the subset already is returned as it is.
func acceptedSchema(raw json.RawMessage) (out json.RawMessage, lost bool) {
	s := &schemaEditor{}
	out = s.schema(raw, 0)
	if !s.changed {
		return raw, false
	}
	return out, s.lost
}

type schemaEditor struct{ changed, lost bool }

// maxDepth bounds how deep schemas are followed; deeper ones stay as they are.
const maxDepth = 64

func (s *schemaEditor) schema(raw json.RawMessage, depth int) json.RawMessage {
	members, ok := objectMembers(raw)
	if !ok || depth > maxDepth {
		return raw
	}
	var out []member
	var notes []string
	for _, m := range members {
		kept, note := s.member(m, depth)
		if note != "" {
			notes = append(notes, note)
			s.lost = true
		}
		if kept.name != "" {
			out = append(out, kept)
		}
	}
	out = s.close(out)
	return s.write(out, notes)
}

// member edits one keyword; one that is not accepted comes back as a note.
func (s *schemaEditor) member(m member, depth int) (kept member, note string) {
	switch m.name {
	case "properties", "$defs", "definitions":
		return member{m.name, s.schemas(m.value, depth)}, ""
	case "items", "additionalProperties":
		return member{m.name, s.schema(m.value, depth+1)}, ""
	case "anyOf", "allOf", "oneOf":
		name := m.name
		if name == "oneOf" {
			name, s.changed = "anyOf", true
		}
		return member{name, s.list(m.value, depth)}, ""
	}
	switch {
	case slices.Contains(schemaKeys, m.name) && acceptedValue(m):
		return m, ""
	case slices.Contains(silentKeys, m.name):
		s.changed = true
		return member{}, ""
	}
	return s.note(m)
}

// acceptedValue reports whether a keyword has one of the values that are taken.
func acceptedValue(m member) bool {
	value := string(m.value)
	switch m.name {
	case "format":
		return slices.Contains(schemaFormats, strings.Trim(value, `"`))
	case "minItems":
		return value == "0" || value == "1"
	}
	return true
}

func (s *schemaEditor) note(m member) (member, string) {
	s.changed = true
	return member{}, m.name + ": " + string(m.value)
}

// close forbids members that the schema does not name, as the subset demands.
func (s *schemaEditor) close(members []member) []member {
	named, at := false, -1
	isObject := false
	for i, m := range members {
		switch m.name {
		case "properties":
			named, isObject = true, true
		case "type":
			isObject = isObject || string(m.value) == `"object"`
		case "additionalProperties":
			at = i
		}
	}
	switch {
	case !isObject || at >= 0 && (!named || string(members[at].value) == "false"):
	case at >= 0:
		members[at].value, s.changed = json.RawMessage("false"), true
	default:
		members, s.changed = append(members, member{"additionalProperties", json.RawMessage("false")}), true
	}
	return members
}

// write puts a schema together again, its notes in the description.
func (s *schemaEditor) write(members []member, notes []string) json.RawMessage {
	if len(notes) > 0 {
		text := "{" + strings.Join(notes, ", ") + "}"
		i := slices.IndexFunc(members, func(m member) bool { return m.name == "description" })
		var before string
		if i >= 0 && json.Unmarshal(members[i].value, &before) == nil && before != "" {
			text = before + "\n\n" + text
		}
		note := member{"description", appendString(nil, text)}
		if i >= 0 {
			members[i] = note
		} else {
			members = append(members, note)
		}
	}
	return joinObject(members)
}

// schemas edits an object of schemas, list an array of them.
func (s *schemaEditor) schemas(raw json.RawMessage, depth int) json.RawMessage {
	members, ok := objectMembers(raw)
	if !ok {
		return raw
	}
	for i := range members {
		members[i].value = s.schema(members[i].value, depth+1)
	}
	return joinObject(members)
}

func (s *schemaEditor) list(raw json.RawMessage, depth int) json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return raw
	}
	out := []byte{'['}
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, s.schema(item, depth+1)...)
	}
	return append(out, ']')
}

// objectMembers are the members of a JSON object in their order.
func objectMembers(raw json.RawMessage) ([]member, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var out []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, false
		}
		out = append(out, member{name.(string), value})
	}
	return out, true
}

func joinObject(members []member) json.RawMessage {
	out := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, m.name), ':')
		out = append(out, m.value...)
	}
	return append(out, '}')
}

// objectSchema is a schema as input_schema takes it: its type is "object".
func objectSchema(raw json.RawMessage) json.RawMessage {
	members, ok := objectMembers(raw)
	if !ok {
		return json.RawMessage(`{"type":"object","properties":{}}`)
	}
	if slices.ContainsFunc(members, func(m member) bool { return m.name == "type" && string(m.value) == `"object"` }) {
		return raw
	}
	members = slices.DeleteFunc(members, func(m member) bool { return m.name == "type" })
	return joinObject(slices.Insert(members, 0, member{"type", json.RawMessage(`"object"`)}))
}
