package crdcel

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// A rule that no manifest breaks is a rule that nobody knows to work.
func TestEveryRuleHasAManifestThatBreaksIt(t *testing.T) {
	roots := schemas(t)
	total := 0
	for folder, kind := range kinds {
		refusals := refusals(t, folder)
		walkSpec(roots[kind], func(path string, s *apiextensionsv1.JSONSchemaProps) {
			for _, r := range rules(path, s) {
				total++
				if !slices.ContainsFunc(refusals, func(line string) bool {
					field, message, _ := strings.Cut(line, ": ")
					return r.shows(schemaPath(field), message)
				}) {
					t.Errorf("testdata/%s has no manifest that breaks a rule of %s: %s", folder, kind, r)
				}
			}
			for _, validation := range s.XValidations {
				if validation.Message == "" {
					t.Errorf("%s %s: the rule %q has no message", kind, path, validation.Rule)
				}
			}
		})
	}
	t.Logf("%d rules are proven", total)
}

// refusals are the lines "FIELD: MESSAGE" that the cases of a folder expect.
func refusals(t *testing.T, folder string) []string {
	t.Helper()
	var lines []string
	for _, file := range files(t, folder) {
		for _, c := range loadCases(t, folder, file) {
			lines = append(lines, strings.Split(strings.TrimSpace(c.Want), "\n")...)
		}
	}
	return lines
}

var index = regexp.MustCompile(`\[[0-9]+\]`)

// schemaPath is the schema path of an object's field.
func schemaPath(field string) string {
	return index.ReplaceAllString(field, "[]")
}

// One message for two rules would let a manifest that breaks the one pass for a
// proof of the other.
func TestRulesHaveMessagesOfTheirOwn(t *testing.T) {
	for kind, root := range schemas(t) {
		byMessage := map[string]map[string]bool{}
		walkSpec(root, func(_ string, s *apiextensionsv1.JSONSchemaProps) {
			for _, validation := range s.XValidations {
				if byMessage[validation.Message] == nil {
					byMessage[validation.Message] = map[string]bool{}
				}
				byMessage[validation.Message][validation.Rule] = true
			}
		})
		for message, rules := range byMessage {
			if len(rules) > 1 {
				t.Errorf("%s: %q is the message of %q", kind, message, slices.Sorted(maps.Keys(rules)))
			}
		}
	}
}
