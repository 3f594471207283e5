package validation

import (
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// printer words the library's messages.
var printer = message.NewPrinter(language.English)

// schemaURL is where the schema pretends to be from: references without a
// fragment resolve against it and are refused like any other.
const schemaURL = "tiershift:///schema.json"

type schema struct{ compiled *jsonschema.Schema }

// noLoader refuses every reference out of the schema: a router that fetched
// would let a policy reach wherever the router can.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("nothing is loaded from elsewhere (%s): put what is referred to under $defs", url)
}

func compileSchema(text string) (*schema, error) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("is no JSON: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(schemaURL, document); err != nil {
		return nil, plain(err)
	}
	compiled, err := compiler.Compile(schemaURL)
	if err != nil {
		return nil, plain(err)
	}
	return &schema{compiled}, nil
}

// plain says on one line what is wrong with a schema, and where in it.
func plain(err error) error {
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		var why *jsonschema.ValidationError
		if errors.As(invalid.Err, &why) {
			leaf := deepest(why)
			return fmt.Errorf("is no valid schema at %s: %s", pointer(leaf.InstanceLocation), leaf.ErrorKind.LocalizedString(printer))
		}
	}
	message := strings.ReplaceAll(err.Error(), schemaURL, "")
	return errors.New(strings.Join(strings.Fields(message), " "))
}

// fault says what is wrong with the text; empty: it keeps to the schema.
func (s *schema) fault(text string) string {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(unfenced(text)))
	if err != nil {
		return "the answer is no JSON document"
	}
	err = s.compiled.Validate(document)
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &invalid):
		// The place in the schema was written by the policy's author; that in the
		// answer, and what stands there, by the model.
		return "the answer breaks the schema at " + place(deepest(invalid))
	default:
		return "the answer cannot be checked against the schema"
	}
}

// unfenced takes off a code fence around the whole text: most models put one
// around JSON, and those who read it look through it. JSON between other text
// stays what it is: no JSON document.
func unfenced(text string) string {
	const fence = "```"
	inner, ok := strings.CutPrefix(text, fence)
	if !ok {
		return text
	}
	inner, ok = strings.CutSuffix(inner, fence)
	if !ok || strings.Contains(inner, "\n"+fence) {
		return text
	}
	info, rest, ok := strings.Cut(inner, "\n")
	if language := strings.ToLower(strings.TrimSpace(info)); !ok || language != "" && language != "json" {
		return text
	}
	return strings.TrimSpace(rest)
}

// deepest is the first cause that has no further cause.
func deepest(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	return e
}

// place is the keyword of the schema that does not hold.
func place(e *jsonschema.ValidationError) string {
	at := strings.TrimPrefix(e.SchemaURL, schemaURL)
	at = strings.TrimPrefix(at, "#")
	if keyword := pointer(e.ErrorKind.KeywordPath()); keyword != "/" {
		at += keyword
	}
	if at == "" {
		return "/"
	}
	return at
}

func pointer(tokens []string) string { return "/" + strings.Join(tokens, "/") }
