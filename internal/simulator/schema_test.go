package simulator

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// filled fills in a schema for a prompt and decodes the outcome.
func filled(t *testing.T, raw string, change func(*sampler)) (map[string]any, string) {
	t.Helper()
	s := &sampler{rand: draws(1, 2), topics: []string{"rope", "mast"}, grade: -1, root: parseSchema(json.RawMessage(raw))}
	if change != nil {
		change(s)
	}
	out := string(s.value(nil, s.root, "", 0))
	var v map[string]any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return v, out
}

func TestSchemasAreFilledIn(t *testing.T) {
	v, out := filled(t, `{
		"type": "object",
		"required": ["zeta","alpha","kind","fixed","count","ratio","flag","none","when","mail","code","list","few","nested","either","both","named","maybe","undescribed","long","short","exclusive"],
		"$defs": {"place": {"type":"object","required":["port"],"properties":{"port":{"type":"string"},"extra":{"type":"string"}}}},
		"properties": {
			"zeta": {"type":"string"}, "alpha": {"type":"string"},
			"kind": {"enum":["sloop","ketch"]}, "fixed": {"const":{"a":1}},
			"count": {"type":"integer","minimum":3,"maximum":5}, "ratio": {"type":"number","minimum":0.5,"maximum":0.75},
			"flag": {"type":"boolean"}, "none": {"type":"null"},
			"when": {"type":"string","format":"date"}, "mail": {"type":"string","format":"email"},
			"code": {"type":"string","pattern":"^[A-Z]{2}-\\d{3,5}(x|y)?$"},
			"list": {"type":"array","minItems":2,"items":{"type":"integer"}}, "few": {"type":"array","maxItems":0},
			"nested": {"type":"object","properties":{"deep":{"type":["null","string"]}}},
			"either": {"anyOf":[{"type":"integer"},{"type":"string"}]},
			"both": {"allOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"integer"}},"required":["b"]}]},
			"named": {"$ref":"#/$defs/place"}, "maybe": {"type":["string","null"]},
			"long": {"type":"string","minLength":40}, "short": {"type":"string","maxLength":3},
			"exclusive": {"type":"number","exclusiveMinimum":10,"exclusiveMaximum":11},
			"optional": {"type":"string"}
		}}`, func(s *sampler) { s.email = "tar@example.com" })
	number := func(name string) float64 { n, _ := v[name].(float64); return n }
	str := func(name string) string { s, _ := v[name].(string); return s }
	for name, ok := range map[string]bool{
		"order":       strings.HasPrefix(out, `{"zeta":"rope","alpha":"mast","kind":`),
		"kind":        slices.Contains([]string{"sloop", "ketch"}, str("kind")),
		"fixed":       strings.Contains(out, `"fixed":{"a":1}`),
		"count":       number("count") >= 3 && number("count") <= 5 && number("count") == float64(int(number("count"))),
		"ratio":       number("ratio") >= 0.5 && number("ratio") <= 0.75,
		"none":        strings.Contains(out, `"none":null`),
		"when":        str("when") == "2026-01-15",
		"mail":        str("mail") == "tar@example.com",
		"code":        regexp.MustCompile(`^[A-Z]{2}-\d{3,5}(x|y)?$`).MatchString(str("code")),
		"list":        len(v["list"].([]any)) == 2,
		"few":         len(v["few"].([]any)) == 0,
		"nested":      v["nested"].(map[string]any)["deep"] != nil,
		"either":      number("either") != 0,
		"both":        len(v["both"].(map[string]any)) == 2,
		"named":       len(v["named"].(map[string]any)) == 1,
		"maybe":       str("maybe") != "",
		"undescribed": str("undescribed") != "",
		"long":        len(str("long")) >= 40,
		"short":       len(str("short")) == 3,
		"exclusive":   number("exclusive") > 10 && number("exclusive") < 11,
		"optional":    v["optional"] == nil,
	} {
		if !ok {
			t.Errorf("%s: %v in %s", name, v[name], out)
		}
	}
}

func TestOddSchemasAreFilledInToo(t *testing.T) {
	for name, raw := range map[string]string{
		"true":                        `true`,
		"not a schema":                `7`,
		"unreadable":                  `{"properties": 5}`,
		"unreadable member":           `{"properties": {"a": {"type": 5}}}`,
		"recursive":                   `{"type":"object","required":["next"],"properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}}`,
		"recursive list":              `{"type":"object","properties":{"children":{"type":"array","items":{"$ref":"#"}}}}`,
		"recursive without a way out": `{"type":"object","required":["next"],"properties":{"next":{"$ref":"#"}}}`,
		"wide and recursive":          `{"type":"object","required":["a","b","c"],"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"type":"array","minItems":9,"items":{"$ref":"#"}}}}`,
		"huge":                        `{"type":"object","properties":{"a":{"type":"array","minItems":1000000000},"b":{"type":"string","minLength":1000000000}}}`,
		"endless reference":           `{"type":"object","properties":{"a":{"$ref":"#/definitions/a"}},"definitions":{"a":{"$ref":"#/definitions/a"}}}`,
		"unknown reference":           `{"type":"object","properties":{"a":{"$ref":"#/definitions/b"}}}`,
		"a free value":                `{"type":"object","properties":{"a":true}}`,
		"odd patterns":                `{"type":"object","properties":{"a":{"pattern":"("},"b":{"pattern":"[^\\x00-\\x{10FFFF}]|.+"},"c":{"pattern":"^(.|é)[é]$"}}}`,
		"items without a type":        `{"type":"object","properties":{"a":{"items":{"enum":[1]}},"b":{"type":"array"}}}`,
		"maximum below the usual":     `{"type":"object","properties":{"a":{"type":"integer","maximum":-5}}}`,
	} {
		t.Run(name, func(t *testing.T) { filled(t, raw, nil) })
	}
}

func TestProseTellsWhatJSONItWants(t *testing.T) {
	for prompt, want := range map[string]string{
		`Return a JSON object with "port" and "berth".`:       "port berth",
		"Extract name and email as JSON from the card.":       "name email",
		"Reply as JSON with the keys: hull, sail, and rudder": "hull sail rudder",
		"Answer in JSON.": "answer",
	} {
		if got := strings.Join(keysIn(prompt), " "); got != want || !asksForJSON(prompt) {
			t.Errorf("%s: %s", prompt, got)
		}
	}
	if asksForJSON("What is a JSON parser?") {
		t.Error("a question about JSON is taken for a wish")
	}
}

func TestAWrongAnswerLacksAMember(t *testing.T) {
	prompt := "Extract name and email as JSON: Grace Hopper, grace@example.org"
	for verdict, want := range map[Verdict]string{
		Well:     `^\{"name":"[^"]+ \(ref [0-9a-f]{10}\)","email":"grace@example.org"\}$`,
		Wrong:    `^\{"name":"[^"]+ \(ref [0-9a-f]{10}\)"\}$`,
		OffTopic: `^[A-Z][^{]+\(ref [0-9a-f]{10}\)$`,
		Refusal:  `^I'm sorry, but I can't help with that\.$`,
	} {
		tk := &task{
			req:    &request{Messages: []message{{Role: "user", Content: content{text: prompt}}}},
			prompt: prompt, model: &Model{}, rand: draws(1, 1), result: Result{verdict, qualityOf(verdict)},
		}
		if verdict == Well {
			tk.result.Quality = 0.9
		}
		c := tk.answer(-1)
		got := joined(c.content)
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: %s", verdict, got)
		}
		if r := Judge(prompt, got); r != tk.result {
			t.Errorf("%s: judged %+v", got, r)
		}
	}
}

func TestARefusedSchemaIsARefusalOfItsOwn(t *testing.T) {
	req := &request{ResponseFormat: &responseFormat{Type: "json_schema"}, Messages: []message{{Role: "user"}}}
	req.ResponseFormat.JSONSchema.Schema = json.RawMessage(`{"type":"object"}`)
	tk := &task{req: req, model: &Model{}, rand: draws(1, 1), result: Result{Refusal, 0.05}}
	c := &completion{choices: []choice{tk.answer(-1)}}
	if got := string(encodeJSON(c, openAIDialect, req, false)); !strings.Contains(got, `"content": null,`) || !strings.Contains(got, `"refusal": "I'm sorry`) {
		t.Errorf("document: %s", got)
	}
	var stream strings.Builder
	for f := range newChunker(c, openAIDialect, req, &Faults{}).frames() {
		stream.Write(f.data)
	}
	if !strings.Contains(stream.String(), `"delta":{"refusal":" sorry"}`) {
		t.Errorf("stream: %s", stream.String())
	}
}

func TestToolCallsAreCutAtTheLimit(t *testing.T) {
	c := choice{finish: finishToolCalls, quality: 1, calls: []generatedCall{
		{name: "ring", arguments: []string{"{", "}"}}, {name: "ring", arguments: []string{"{", "}"}},
	}}
	if c.tokens() != 20 {
		t.Errorf("%d tokens", c.tokens())
	}
	cut := c.limit(9)
	if cut.finish != finishLength || len(cut.calls[0].arguments) != 1 || len(cut.calls[1].arguments) != 0 || cut.quality != 0.4 {
		t.Errorf("%+v", cut)
	}
}

func TestStringsAreEscaped(t *testing.T) {
	for _, s := range []string{"plain", "quote \" and \\", "line\nbreak\ttab\r\x00", "naïve — 灯台 🙂 <b>&"} {
		var back string
		got := appendString(nil, s)
		if err := json.Unmarshal(got, &back); err != nil || back != s {
			t.Errorf("%q became %s (%v)", s, got, err)
		}
	}
}
