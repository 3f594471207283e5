package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// wording is the API server's message without what the place of the fault says
// already, and without the value where it may be long.
func wording(e *field.Error) string {
	switch e.Type {
	case field.ErrorTypeRequired:
		return "is required"
	case field.ErrorTypeTypeInvalid:
		return typeWording(e)
	case field.ErrorTypeNotSupported:
		return fmt.Sprintf("is %s; %s", jsonText(e.BadValue), e.Detail)
	case field.ErrorTypeDuplicate:
		return "is listed twice: " + jsonText(e.BadValue)
	case field.ErrorTypeTooLong:
		return "is too long: " + e.Detail
	case field.ErrorTypeTooMany:
		return fmt.Sprintf("has too many entries: %s", e.Detail)
	default:
		detail := withoutPath(e.Detail)
		switch e.BadValue.(type) {
		case int64, float64:
			if strings.HasPrefix(detail, "should be ") {
				detail += ", is " + jsonText(e.BadValue)
			}
		}
		return detail
	}
}

// inBody is how the schema's messages begin.
var inBody = regexp.MustCompile(`^\S+ in body `)

func withoutPath(detail string) string { return inBody.ReplaceAllString(detail, "") }

// pattern is how messages about names end, after an example.
var pattern = regexp.MustCompile(`, regex used for validation is '[^']*'`)

func withoutPattern(detail string) string { return pattern.ReplaceAllString(detail, "") }

// ofType is the schema's message for a value of the wrong type.
var ofType = regexp.MustCompile(`^must be of type (\w+): "(\w+)"$`)

func typeWording(e *field.Error) string {
	detail := withoutPath(e.Detail)
	types := ofType.FindStringSubmatch(detail)
	if types == nil {
		return detail
	}
	return mismatch(types[1], types[2])
}

// wrongType says that a value is not of the type that it should be.
func wrongType(want string, value any) string { return mismatch(want, typeName(value)) }

func mismatch(want, got string) string {
	text := fmt.Sprintf("must be %s, is %s", article(want), article(got))
	if want == "string" && (got == "boolean" || got == "integer" || got == "number") {
		text += ": put it in quotes"
	}
	return text
}

func article(typeName string) string {
	switch typeName {
	case "integer", "object", "array":
		return "an " + typeName
	case "null":
		return typeName
	default:
		return "a " + typeName
	}
}

// typeName is a value's type in the words of JSON schema.
func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case float64:
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

func describeType(value any) string { return article(typeName(value)) }

// jsonText is the value as a manifest has it, if that is short.
func jsonText(value any) string {
	const longest = 100
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if text := string(data); len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(string(data[:longest]), "") + "…"
}
