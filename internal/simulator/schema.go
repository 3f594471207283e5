package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// schema is the part of JSON Schema that the simulator fills in.
type schema struct {
	Type          typeNames          `json:"type"`
	Enum          []json.RawMessage  `json:"enum"`
	Const         json.RawMessage    `json:"const"`
	Properties    properties         `json:"properties"`
	Required      []string           `json:"required"`
	Items         *schema            `json:"items"`
	AnyOf         []*schema          `json:"anyOf"`
	OneOf         []*schema          `json:"oneOf"`
	AllOf         []*schema          `json:"allOf"`
	Ref           string             `json:"$ref"`
	Defs          map[string]*schema `json:"$defs"`
	Definitions   map[string]*schema `json:"definitions"`
	Format        string             `json:"format"`
	Pattern       string             `json:"pattern"`
	Minimum       *float64           `json:"minimum"`
	Maximum       *float64           `json:"maximum"`
	ExclusiveMin  *float64           `json:"exclusiveMinimum"`
	ExclusiveMax  *float64           `json:"exclusiveMaximum"`
	MinLength     int                `json:"minLength"`
	MaxLength     *int               `json:"maxLength"`
	MinItems      int                `json:"minItems"`
	MaxItems      *int               `json:"maxItems"`
	anythingAtAll bool
}

// UnmarshalJSON implements [json.Unmarshaler]; the schemas true and false are
// taken as "anything".
func (s *schema) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		s.anythingAtAll = true
		return nil
	}
	type plain schema
	return json.Unmarshal(data, (*plain)(s))
}

// parseSchema reads a schema; one that cannot be read is an object with nothing
// required.
func parseSchema(raw json.RawMessage) *schema {
	s := &schema{}
	if err := json.Unmarshal(raw, s); err != nil || s.anythingAtAll {
		return &schema{Type: typeNames{"object"}}
	}
	return s
}

// typeNames is the type keyword: a name or a list.
type typeNames []string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *typeNames) UnmarshalJSON(data []byte) error {
	if data[0] != '"' {
		return json.Unmarshal(data, (*[]string)(t))
	}
	*t = make([]string, 1)
	return json.Unmarshal(data, &(*t)[0])
}

// property is one member of properties.
type property struct {
	name   string
	schema *schema
}

// properties keeps the order in which a schema states them, for that is the
// order in which models answer.
type properties []property

// UnmarshalJSON implements [json.Unmarshaler].
func (p *properties) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("properties: expected an object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		s := &schema{}
		if err := d.Decode(s); err != nil {
			return err
		}
		*p = append(*p, property{name.(string), s})
	}
	return nil
}

// kind is the type to fill in, the first that is not null.
func (s *schema) kind() string {
	for _, t := range s.Type {
		if t = strings.ToLower(t); t != "null" { // Gemini's are in upper case
			return t
		}
	}
	switch {
	case len(s.Type) > 0:
		return "null"
	case len(s.Properties) > 0 || len(s.Required) > 0:
		return "object"
	case s.Items != nil:
		return "array"
	default:
		return "string"
	}
}

// alternatives are the schemas of which a value must fit one.
func (s *schema) alternatives() []*schema {
	return slices.Concat(s.AnyOf, s.OneOf)
}

// wanted are the properties to fill in: the required ones, or all if none is.
// Required names that are not described hold strings.
func (s *schema) wanted() []property {
	if len(s.Required) == 0 {
		return s.Properties
	}
	var out []property
	for _, p := range s.Properties {
		if slices.Contains(s.Required, p.name) {
			out = append(out, p)
		}
	}
	for _, name := range s.Required {
		if !slices.ContainsFunc(s.Properties, func(p property) bool { return p.name == name }) {
			out = append(out, property{name, &schema{Type: typeNames{"string"}}})
		}
	}
	return out
}

// impliedSchema is the schema of an object with these members, each of the type
// that its name suggests.
func impliedSchema(names []string) *schema {
	s := &schema{Type: typeNames{"object"}, Required: names}
	for _, name := range names {
		t := "string"
		if isGradeName(name) {
			t = "number"
		}
		s.Properties = append(s.Properties, property{name, &schema{Type: typeNames{t}}})
	}
	return s
}
