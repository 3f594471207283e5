package manifest

import (
	"strconv"
	"strings"
	"testing"
)

type faultTest struct {
	name, data, want string
}

func checkFaults(t *testing.T, file string, tests []faultTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, faults, err := Load(files(file, tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(faults); got != strings.TrimSpace(tt.want) {
				t.Errorf("got\n%s\nwant\n%s", got, strings.TrimSpace(tt.want))
			}
		})
	}
}

// with replaces one line of a manifest, which stands for all below it.
func with(manifest, line, replacement string) string {
	if !strings.Contains(manifest, line) {
		panic("there is no " + line)
	}
	return strings.Replace(manifest, line, replacement, 1)
}

// numbers is a list of so many different texts.
func numbers(n int) string {
	var list []string
	for i := range n {
		list = append(list, strconv.Quote(strconv.Itoa(i)))
	}
	return strings.Join(list, ", ")
}

func TestFaultsOfSyntax(t *testing.T) {
	checkFaults(t, "a.yaml", []faultTest{
		{"a mapping in a value", "# about\n\na: b: c\n", `a.yaml:3: cannot be parsed: mapping values are not allowed in this context`},
		{"an indented line", tier + "   x: 1\n", `a.yaml:11: cannot be parsed: did not find expected key`},
		{"a tab", "a:\n\tb: 1\n", "a.yaml:2: cannot be parsed: found character that cannot start any token; indent with spaces, not tabs, and put text that begins with @, % or ` into quotes"},
		{"an open bracket", "a: [1\nb: 2\n", `a.yaml:2: cannot be parsed: did not find expected ',' or ']'`},
		{"an unknown anchor", "a: *b\n", `a.yaml:1: cannot be parsed: unknown anchor 'b' referenced`},
		{"an anchor of another document", "a: &x 1\napiVersion: v1\nkind: ConfigMap\n---\na: *x\n", `a.yaml:5: cannot be parsed: unknown anchor 'x' referenced`},
		{"an anchor that holds itself", "a: &x\n  b: *x\n", `a.yaml:1: cannot be parsed: anchor 'x' value contains itself`},
		{"a list for a key", "? [a]\n: b\n", `a.yaml:1: cannot be parsed: a key must be text`},
		{"no number", "a: .nan\n", `a.yaml:1: cannot be parsed: json: unsupported value: NaN`},
		{"a key twice", tier + "kind: ModelTier\n", `a.yaml:11: kind: is given twice, first on line 2`},
		{"a key twice deep inside", tier + "    - name: a\n      credentialRef: {name: b}\n      name: c\n", `a.yaml:13: spec.models[1].name: is given twice, first on line 11`},
		{"content behind a separator", tier + "--- {a: b}\n", `a.yaml:11: cannot be parsed: a line that begins with --- separates documents and holds nothing else`},
		{"two documents without a line of their own", "apiVersion: v1\nkind: ConfigMap\n...\napiVersion: v1\nkind: ConfigMap\n", `a.yaml:1: is more than one document: each begins on the line after a line that is just ---`},
		{"a fault hides no other document's", "a: [\n---\n" + with(tier, "rank: 10", "rank: ten"), "a.yaml:1: cannot be parsed: did not find expected node content\na.yaml:8: ModelTier default/nano: spec.rank: must be an integer, is a string"},
		{"text", "hello\n", `a.yaml:1: is no Kubernetes object, but a string`},
		{"a list", "\n\n- a\n", `a.yaml:3: is no Kubernetes object, but an array`},
		{"a fraction", "1.5\n", `a.yaml:1: is no Kubernetes object, but a number`},
		{"nothing in a List", "apiVersion: v1\nkind: List\nitems:\n  -\n", `a.yaml:4: is no Kubernetes object, but null`},
		{"a number", "---\n7\n", `a.yaml:2: is no Kubernetes object, but an integer`},
		{"a truth", "---\n---\nyes\n", `a.yaml:3: is no Kubernetes object, but a boolean`},
		{"no kind", "apiVersion: v1\n", `a.yaml:1: kind: is required of every Kubernetes object`},
		{"neither version nor kind", "name: x\n", "a.yaml:1: apiVersion: is required of every Kubernetes object\na.yaml:1: kind: is required of every Kubernetes object"},
		{"a kind that is a number", "apiVersion: v1\nkind: 3\n", `a.yaml:2: kind: must be a string, is an integer: put it in quotes`},
	})
}

func TestFaultsOfJSON(t *testing.T) {
	checkFaults(t, "a.json", []faultTest{
		{"a comma too many", "{\n  \"a\": 1,\n}\n", `a.json:3: cannot be parsed: invalid character '}' looking for beginning of object key string`},
		{"an end too soon", "{\n  \"a\": 1\n", `a.json:3: cannot be parsed: unexpected EOF`},
		{"YAML", "a: b\n", `a.json:1: cannot be parsed: invalid character 'a' looking for beginning of value`},
		{"a fault in the second object", "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\"}\n{\n\t\"apiVersion\": \"tiershift.dev/v1alpha1\",\n\t\"kind\": \"ModelTier\",\n\t\"metadata\": {\"name\": \"\\ud83d\\ude00\"},\n\t\"spec\": {\n\t\t\"rank\": 10,\n\t\t\"models\": []\n\t}\n}\n", `
a.json:5: ModelTier default/😀: metadata.name: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')
a.json:6: ModelTier default/😀: spec: models: with selection Weighted at least one model must have a weight above 0
a.json:8: ModelTier default/😀: spec.models: should have at least 1 items`},
		{"a key twice", "{\n\"a\": 1,\n\"a\": 2}", `a.json:3: a: is given twice, first on line 2`},
		{"a list", "[]", `a.json:1: is no Kubernetes object, but an array`},
	})
}

func TestFaultsOfSchema(t *testing.T) {
	checkFaults(t, "a.yaml", []faultTest{
		{"unknown field", with(tier, "rank:", "rnak:"), `
a.yaml:5: ModelTier default/nano: spec.rank: is required
a.yaml:6: ModelTier default/nano: spec.rnak: is an unknown field; there are description, models, promptCaching, rank, selection`},
		{"unknown field of a list item", with(tier, "      credentialRef", "      wieght: 3\n      credentialRef"), `
a.yaml:9: ModelTier default/nano: spec.models[0].wieght: is an unknown field; there are capabilities, credentialRef, limits, name, pricing, timeouts, weight`},
		{"unknown field at the top", tier + "sepc: {}\n", `
a.yaml:11: ModelTier default/nano: sepc: is an unknown field; there are apiVersion, kind, metadata, spec, status`},
		{"unknown field with a dot in its name", with(tier, "rank: 10", "rank: 10\n  a.b: 1"), `
a.yaml:7: ModelTier default/nano: spec.a.b: is an unknown field`},
		{"text for a number", with(tier, "rank: 10", "rank: ten"), `a.yaml:6: ModelTier default/nano: spec.rank: must be an integer, is a string`},
		{"a number for text", with(tier, "- name: small", "- name: 4"), `a.yaml:8: ModelTier default/nano: spec.models[0].name: must be a string, is an integer: put it in quotes`},
		{"a truth for text", with(policy, "mode: None", "mode: on"), `a.yaml:14: RoutingPolicy default/desk: spec.gateway.auth.mode: must be a string, is a boolean: put it in quotes`},
		{"an object for text", with(policy, "defaultTier: nano", "defaultTier: {name: nano}"), `a.yaml:8: RoutingPolicy default/desk: spec.defaultTier: must be a string, is an object`},
		{"a list for an object", with(policy, "match: {}", "match: []"), `a.yaml:11: RoutingPolicy default/desk: spec.routes[0].match: must be an object, is an array`},
		{"too small", with(tier, "rank: 10", "rank: 0"), `a.yaml:6: ModelTier default/nano: spec.rank: should be greater than or equal to 1, is 0`},
		{"not one of the values", with(credential, "OpenAICompatible", "OpenAi"), `
a.yaml:6: ProviderCredential default/local: spec.provider: is "OpenAi"; supported values: "OpenAI", "Anthropic", "Gemini", "DeepSeek", "Mistral", "XAI", "AzureOpenAI", "OpenAICompatible"`},
		{"in an unquoted on", policy + "  fallback:\n    on:\n      - Boredom\n", `
a.yaml:17: RoutingPolicy default/desk: spec.fallback.on[0]: is "Boredom"; supported values: "Timeout", "RateLimited", "ServerError", "ConnectionError", "ContextExceeded"`},
		{"beside an on", policy + "  fallback: {off: 1}\n", `
a.yaml:15: RoutingPolicy default/desk: spec.fallback.false: is an unknown field; there are backoff, hedgeAfter, maxAttempts, on`},
		{"a long text that is not one of the values", with(tier, "rank: 10", "rank: 10\n  selection: "+strings.Repeat("é", 99)), `
a.yaml:7: ModelTier default/nano: spec.selection: is "` + strings.Repeat("é", 49) + `…; supported values: "Weighted", "LowestCost", "LowestLatency", "Ordered"`},
		{"required", with(tier, "        name: local", "        {}"), `a.yaml:9: ModelTier default/nano: spec.models[0].credentialRef.name: is required`},
		{"required and null", with(tier, "        name: local", "        name:"), `a.yaml:10: ModelTier default/nano: spec.models[0].credentialRef.name: is required`},
		{"no spec", tier[:strings.Index(tier, "spec")], `a.yaml:1: ModelTier default/nano: spec: is required`},
		{"a rule of a field", with(credential, "http:", "ftp:"), `
a.yaml:7: ProviderCredential default/local: spec.endpoint: endpoint must be an http or https URL without user, query or fragment, such as "https://llm.example.com/v1"`},
		{"a rule of the whole", with(policy, "defaultTier: nano", "defaultTier: mid"), `
a.yaml:8: RoutingPolicy default/desk: spec.defaultTier: spec.defaultTier must name a tier listed in spec.tiers`},
		{"a rule of the name", with(tier, "name: nano", "name: a.b"), `
a.yaml:1: ModelTier default/a.b: metadata.name must be a DNS label of at most 63 characters: clients and metrics name the tier by it`},
		{"a rule of a map's value, with dots in its key", with(policy, "match: {}", "match:\n        headers:\n          x.plan: a\n          x.plan.b: \"a\\nb\""), `
a.yaml:14: RoutingPolicy default/desk: spec.routes[0].match.headers[x.plan.b]: header values must be printable ASCII`},
		{"the type of a map's value, with dots in its key", with(policy, "match: {}", "match:\n        headers:\n          x.plan: a\n          x.plan.b: 5"), `
a.yaml:14: RoutingPolicy default/desk: spec.routes[0].match.headers.x.plan.b: must be a string, is an integer: put it in quotes`},
		{"a rule of a map's key", with(policy, "match: {}", "match:\n        headers:\n          \"x y\": a"), `
a.yaml:12: RoutingPolicy default/desk: spec.routes[0].match.headers: match.headers must have valid HTTP header names of at most 128 characters`},
		{"an entry twice in a list of names", with(policy, "    - name: nano", "    - name: nano\n    - name: nano"), `a.yaml:8: RoutingPolicy default/desk: spec.tiers[1]: is listed twice: {"name":"nano"}`},
		{"a value twice in a set", with(policy, "match: {}", "match: {modelNames: [a,\n         a]}"), `a.yaml:12: RoutingPolicy default/desk: spec.routes[0].match.modelNames[1]: is listed twice: "a"`},
		{"too many", with(policy, "match: {}", "match: {modelNames: ["+numbers(40)+"]}"), `
a.yaml:11: RoutingPolicy default/desk: spec.routes[0].match.modelNames: has too many entries: must have at most 32 items`},
		{"too long", with(tier, "rank: 10", "rank: 10\n  description: "+strings.Repeat("x", 1025)), `a.yaml:7: ModelTier default/nano: spec.description: is too long: may not be more than 1024 bytes`},
		{"all faults at once", with(with(tier, "rank: 10", "rank: 0"), "- name: small", "- name: \"a b\""), `
a.yaml:6: ModelTier default/nano: spec.rank: should be greater than or equal to 1, is 0
a.yaml:8: ModelTier default/nano: spec.models[0].name: models[*].name must not contain white space`},
		{"in an anchor that is used elsewhere", with(tier, "    - name: small", "    - &m\n      weight: -1\n      name: small") + "    - *m\n", `
a.yaml:5: ModelTier default/nano: spec: models: with selection Weighted at least one model must have a weight above 0
a.yaml:7: ModelTier default/nano: spec.models: models must be unique by name and credentialRef.name
a.yaml:9: ModelTier default/nano: spec.models[0].weight: should be greater than or equal to 0, is -1
a.yaml:9: ModelTier default/nano: spec.models[1].weight: should be greater than or equal to 0, is -1`},
		{"in a merged mapping", "x: &common {provider: Nobody}\n" + with(credential, "  provider: OpenAICompatible", "  <<: *common"), `
a.yaml:1: ProviderCredential default/local: spec.provider: is "Nobody"; supported values: "OpenAI", "Anthropic", "Gemini", "DeepSeek", "Mistral", "XAI", "AzureOpenAI", "OpenAICompatible"
a.yaml:1: ProviderCredential default/local: x: is an unknown field; there are apiVersion, kind, metadata, spec, status`},
		{"with the line ends of Windows", strings.ReplaceAll(with(tier, "rank: 10", "rank: 0"), "\n", "\r\n"), `a.yaml:6: ModelTier default/nano: spec.rank: should be greater than or equal to 1, is 0`},
		{"with a byte order mark", "\ufeff---\n" + with(tier, "rank: 10", "rank: 0"), `a.yaml:7: ModelTier default/nano: spec.rank: should be greater than or equal to 1, is 0`},
		{"in the second document", "# first\n" + credential + "--- # second\n# about it\n" + with(tier, "rank: 10", "rank: 0"), `a.yaml:16: ModelTier default/nano: spec.rank: should be greater than or equal to 1, is 0`},
		{"in an item of a List", "apiVersion: v1\nkind: List\nitems:\n  - " + strings.ReplaceAll(with(tier, "rank: 10", "rank: 0"), "\n", "\n    "), `a.yaml:9: ModelTier default/nano: spec.rank: should be greater than or equal to 1, is 0`},
		{"an item of a List that is none", "apiVersion: v1\nkind: List\nitems:\n  - a\n", `a.yaml:4: is no Kubernetes object, but a string`},
	})
}

func TestFaultsOfIdentity(t *testing.T) {
	const known = "this version knows ModelTier, ProviderCredential, RoutingPolicy of tiershift.dev/v1alpha1"
	checkFaults(t, "a.yaml", []faultTest{
		{"no metadata", with(tier, "metadata:\n  name: nano\n", ""), `a.yaml:1: ModelTier: metadata.name: is required`},
		{"no name", with(tier, "  name: nano", "  labels: {}"), `a.yaml:3: ModelTier: metadata.name: is required`},
		{"a name that is a number", with(tier, "name: nano", "name: 7"), `a.yaml:4: ModelTier: metadata.name: must be a string, is an integer: put it in quotes`},
		{"metadata that is a list", with(tier, "metadata:\n  name: nano", "metadata: []"), `a.yaml:3: ModelTier: metadata: must be an object, is an array`},
		{"a bad name, and all else too", with(with(tier, "name: nano", "name: Nano"), "rank: 10", "rank: 0"), `
a.yaml:4: ModelTier default/Nano: metadata.name: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')
a.yaml:6: ModelTier default/Nano: spec.rank: should be greater than or equal to 1, is 0`},
		{"a bad namespace", with(tier, "name: nano", "name: nano\n  namespace: a_b"), `
a.yaml:5: ModelTier a_b/nano: metadata.namespace: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc')`},
		{"an unknown field of metadata", with(tier, "  name: nano", "  name: nano\n  lables: {a: b}"), `a.yaml:5: ModelTier default/nano: metadata.lables: is an unknown field of metadata`},
		{"a label that is a number", with(tier, "  name: nano", "  name: nano\n  labels:\n    a.b/c: 1"), `a.yaml:6: ModelTier default/nano: metadata.labels[a.b/c]: must be a string, is an integer: put it in quotes`},
		{"annotations that are text", with(tier, "  name: nano", "  name: nano\n  annotations: a"), `a.yaml:5: ModelTier default/nano: metadata.annotations: must be an object, is a string`},
		{"finalizers that are text", with(tier, "  name: nano", "  name: nano\n  finalizers: a"), `a.yaml:3: ModelTier default/nano: metadata: cannot unmarshal string into Go struct field ObjectMeta.finalizers of type []string`},
		{"defined twice", tier + "---\n" + tier, `a.yaml:12: ModelTier default/nano: is defined twice, first at a.yaml:1`},
		{"an unknown kind", with(tier, "ModelTier", "Tier"), `a.yaml:1: Tier default/nano: apiVersion: there is no kind Tier in tiershift.dev/v1alpha1; ` + known},
		{"an unknown version", with(tier, "v1alpha1", "v2"), `a.yaml:1: ModelTier default/nano: apiVersion: there is no kind ModelTier in tiershift.dev/v2; ` + known},
		{"a group that is misspelt", with(tier, "tiershift.dev", "tiershift.io"), `a.yaml:1: ModelTier default/nano: apiVersion: there is no kind ModelTier in tiershift.io/v1alpha1; ` + known},
		{"no group", with(tier, "tiershift.dev/", ""), `a.yaml:1: ModelTier default/nano: apiVersion: there is no kind ModelTier in v1alpha1; ` + known},
	})
}

func TestFaultsOfSecrets(t *testing.T) {
	const head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\n"
	tests := []faultTest{
		{"unknown field", head + "stringdata: {a: hunter2}\n", `a.yaml:5: Secret default/keys: stringdata: is an unknown field of a Secret; it has apiVersion, kind, metadata, data, stringData, type, immutable`},
		{"a number", head + "stringData:\n  a: ok\n  b.c: 8000002\n", `a.yaml:7: Secret default/keys: stringData[b.c]: must be a string, is an integer: put it in quotes`},
		{"text that is not base64", head + "data:\n  a: hunter2!\n", `a.yaml:6: Secret default/keys: data[a]: must be base64; plain text goes into stringData`},
		{"a key that no Secret can have", head + "stringData:\n  ../a: hunter2\n", `a.yaml:6: Secret default/keys: stringData[../a]: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name')
a.yaml:6: Secret default/keys: stringData[../a]: must not start with '..'`},
		{"a list", head + "stringData: [hunter2]\n", `a.yaml:5: Secret default/keys: stringData: must be an object, is an array`},
		{"the other fields", head + "type: 1\nimmutable: maybe\n", "a.yaml:5: Secret default/keys: type: must be a string, is an integer: put it in quotes\na.yaml:6: Secret default/keys: immutable: must be a boolean, is a string"},
		{"an annotation with the whole Secret in it", head + "  annotations: {\"a b\": hunter2}\n", `a.yaml:5: Secret default/keys: metadata.annotations: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc')`},
		{"a value of another type than its tag says", head + "stringData: {a: !!int hunter2}\n", `a.yaml:1: cannot be parsed: cannot decode !!str the value as a !!int`},
		{"a key of another type than its tag says", head + "stringData: {? [hunter2]: a}\n", `a.yaml:1: cannot be parsed: a key must be text`},
		{"twice", head + "---\n" + head, `a.yaml:6: Secret default/keys: is defined twice, first at a.yaml:1`},
		{"no name", "apiVersion: v1\nkind: Secret\nstringData: {a: hunter2}\n", `a.yaml:1: Secret: metadata.name: is required`},
	}
	checkFaults(t, "a.yaml", tests)
	for _, tt := range tests {
		_, faults, err := Load(files("a.yaml", tt.data))
		if text := lines(faults); err != nil || strings.Contains(text, "hunter2") || strings.Contains(text, "8000002") {
			t.Errorf("%s: the value of a Secret stands in %s, %v", tt.name, text, err)
		}
	}
}

func TestFaultsReadAsLines(t *testing.T) {
	for want, f := range map[string]Fault{
		"a.yaml:3: ModelTier a/b: spec.rank: is required": {File: "a.yaml", Line: 3, Object: "ModelTier a/b", Field: "spec.rank", Message: "is required"},
		"a.yaml: is empty":          {File: "a.yaml", Message: "is empty"},
		"ModelTier a/b: is strange": {Object: "ModelTier a/b", Message: "is strange"},
	} {
		if f.Error() != want {
			t.Errorf("got %q, want %q", f.Error(), want)
		}
	}
}
