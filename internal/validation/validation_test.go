package validation_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/validation"
)

const ticketSchema = `{
  "type": "object", "additionalProperties": false, "required": ["category", "priority"],
  "properties": {"category": {"enum": ["billing", "bug"]}, "priority": {"$ref": "#/$defs/level"}},
  "$defs": {"level": {"type": "integer", "minimum": 1, "maximum": 5}}
}`

// golden holds good, truncated, refused, malformed and off-schema answers.
var golden = []struct {
	name   string
	spec   validation.Spec
	answer validation.Answer
	want   validation.Rule
}{
	{"JSON that keeps to the schema", validation.Spec{JSONSchema: ticketSchema}, text(`{"category":"bug","priority":3}`), ""},
	{"JSON in a fence of its own", validation.Spec{JSONSchema: ticketSchema}, text("```json\n{\"category\":\"bug\",\"priority\":3}\n```\n"), ""},
	{"JSON in a fence without a language", validation.Spec{JSONSchema: ticketSchema}, text("```\n{\"category\":\"bug\",\"priority\":3}\n```"), ""},
	{"JSON between prose", validation.Spec{JSONSchema: ticketSchema}, text("Here you go:\n```json\n{\"category\":\"bug\",\"priority\":3}\n```"), validation.RuleJSONSchema},
	{"two fences", validation.Spec{JSONSchema: ticketSchema}, text("```json\n{\"category\":\"bug\",\"priority\":3}\n```\n```json\n{}\n```"), validation.RuleJSONSchema},
	{"a fence of another language", validation.Spec{JSONSchema: ticketSchema}, text("```yaml\n{\"category\":\"bug\",\"priority\":3}\n```"), validation.RuleJSONSchema},
	{"a member too few", validation.Spec{JSONSchema: ticketSchema}, text(`{"category":"bug"}`), validation.RuleJSONSchema},
	{"a member too many", validation.Spec{JSONSchema: ticketSchema}, text(`{"category":"bug","priority":3,"note":""}`), validation.RuleJSONSchema},
	{"a value out of range", validation.Spec{JSONSchema: ticketSchema}, text(`{"category":"bug","priority":9}`), validation.RuleJSONSchema},
	{"a number beyond float64 keeps its digits", validation.Spec{JSONSchema: `{"const": 9007199254740993}`}, text("9007199254740992"), validation.RuleJSONSchema},
	{"JSON that lacks its end", validation.Spec{JSONSchema: ticketSchema}, text(`{"category":"bug","priority":`), validation.RuleJSONSchema},
	{"two JSON documents", validation.Spec{JSONSchema: ticketSchema}, text(`{"category":"bug","priority":3} {}`), validation.RuleJSONSchema},
	{"prose for JSON", validation.Spec{JSONSchema: ticketSchema}, text("It is a bug of priority 3."), validation.RuleJSONSchema},
	{"nothing for JSON", validation.Spec{JSONSchema: ticketSchema}, text(""), validation.RuleJSONSchema},
	{"cut JSON is truncated first", validation.Spec{JSONSchema: ticketSchema, RejectTruncated: true}, validation.Answer{Text: `{"cat`, Truncated: true}, validation.RuleTruncated},
	{"cut, but nobody asked", validation.Spec{MinLength: 1}, validation.Answer{Text: "The", Truncated: true}, ""},
	{"whole", validation.Spec{RejectTruncated: true}, text("The end."), ""},
	{"long enough in characters, not bytes", validation.Spec{MinLength: 4}, text("日本語です"), ""},
	{"too short in characters, though not in bytes", validation.Spec{MinLength: 6}, text("日本語です"), validation.RuleMinLength},
	{"padded to length", validation.Spec{MinLength: 6}, text("no       \n\n"), validation.RuleMinLength},
	{"pattern found", validation.Spec{Pattern: `\bORD-\d{6}\b`}, text("Your order is ORD-123456."), ""},
	{"pattern not found", validation.Spec{Pattern: `\bORD-\d{6}\b`}, text("Your order is on its way."), validation.RulePattern},
	{"a tool call has no text", validation.Spec{MinLength: 10, Pattern: "x", JSONSchema: ticketSchema, RejectRefusals: true}, validation.Answer{ToolCalls: true}, ""},
	{"a tool call that was cut", validation.Spec{RejectTruncated: true}, validation.Answer{ToolCalls: true, Truncated: true}, validation.RuleTruncated},
	{"withheld by the provider", validation.Spec{RejectRefusals: true}, validation.Answer{Text: "Half an", Refused: true}, validation.RuleRefusal},
	{"refused in words", validation.Spec{RejectRefusals: true}, text("I'm sorry, but I can't help with that."), validation.RuleRefusal},
	{"refused, but nobody asked", validation.Spec{MinLength: 3}, text("I'm sorry, but I can't help with that."), ""},
}

func text(s string) validation.Answer { return validation.Answer{Text: s} }

func TestGoldenAnswersAreJudgedRight(t *testing.T) {
	for _, test := range golden {
		t.Run(test.name, func(t *testing.T) {
			checker, err := validation.New(test.spec)
			if err != nil {
				t.Fatal(err)
			}
			if got := checker.Check(&test.answer); got.Failed != test.want || got.Valid() != (got.Detail == "") {
				t.Errorf("got %+v, want %q", got, test.want)
			}
		})
	}
}

func TestRefusalsOfManyLanguages(t *testing.T) {
	checker, err := validation.New(validation.Spec{RejectRefusals: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, refusal := range []string{
		"I’m sorry, but I can’t assist with that request.",
		"I cannot provide instructions on how to do that. If you are in danger, call someone.",
		"As an AI language model, I can't engage in discussions of this kind.",
		"Unfortunately, I am unable to help with this.",
		"I understand this is important to you, but I'm not able to provide legal advice.",
		"**I must respectfully decline** this request.",
		"Your request goes against our usage policies.",
		"It would be inappropriate for me to answer this.",
		"Es tut mir leid, aber dabei kann ich dir nicht helfen.",
		"Tut mir leid, ich kann diese Anfrage nicht beantworten.",
		"Leider kann ich keine medizinischen Ratschläge geben.",
		"Je suis désolé, mais je ne peux pas vous aider avec cette demande.",
		"Lo siento, pero no puedo ayudarte con eso.",
		"Desculpe, mas não posso ajudar com isso.",
		"Mi dispiace, ma non posso aiutarti con questa richiesta.",
		"Sorry, maar ik kan je daar niet mee helpen.",
		"Przepraszam, ale nie mogę pomóc w tej sprawie.",
		"Извините, но я не могу помочь с этим запросом.",
		"Üzgünüm, bu konuda yardımcı olamam.",
		"很抱歉，我无法帮助您完成这个请求。",
		"作为一个人工智能助手，我无法提供这类信息。",
		"申し訳ありませんが、そのリクエストにはお答えできません。",
		"죄송하지만 그 요청은 도와드릴 수 없습니다.",
		"عذرًا، لا أستطيع المساعدة في ذلك.",
		"क्षमा करें, मैं इसमें मदद नहीं कर सकता।",
	} {
		if o := checker.Check(&validation.Answer{Text: refusal}); o.Failed != validation.RuleRefusal {
			t.Errorf("taken for an answer: %s", refusal)
		}
	}
	for _, answer := range []string{
		"I'm sorry to hear that your order is late. It will arrive on Tuesday.",
		"Sorry about the confusion! The total is 42.",
		"I can't help but admire this design: it is simple and fast.",
		"I cannot give an exact figure without your data, but here's an estimate: about 40 hours.",
		"Unfortunately, the function cannot provide a result for negative input, so it raises an error.",
		"You can't assist a thread that is blocked; join it instead.",
		"The customer wrote: \"I'm sorry, but I can't help with that.\" This is a refusal.",
		"No. The API will not provide it.",
		"Leider ist der Artikel ausverkauft. Er kommt am Montag wieder.",
		"Ich kann das bestätigen: die Rechnung ist bezahlt.",
		"Désolé pour le retard. Le colis arrive demain.",
		"Lo siento mucho por la demora; su pedido llega mañana.",
		"无法回答的问题并不等于没有意义的问题。",
		"申し訳ありません、配送が遅れています。明日届きます。",
		"I refuse to believe it is a coincidence, says the narrator.",
		"I'm sorry, but I can't help with that. " + strings.Repeat("Long analysis follows with much substance. ", 20),
		"",
	} {
		if o := checker.Check(&validation.Answer{Text: answer}); !o.Valid() {
			t.Errorf("taken for a refusal: %s", answer)
		}
	}
}

func TestOutcomesQuoteNothingOfTheAnswer(t *testing.T) {
	checker, err := validation.New(validation.Spec{JSONSchema: `{"additionalProperties": {"type": "integer"}, "propertyNames": {"maxLength": 9}}`})
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range []string{`{"secret": "secret"}`, `{"secret-that-is-long": 1}`, `"secret`, `secret`} {
		if o := checker.Check(&validation.Answer{Text: answer}); strings.Contains(o.Detail, "secret") {
			t.Errorf("%s: the detail quotes the answer: %s", answer, o.Detail)
		}
	}
}

func TestTheFirstOfSeveralAnswersThatFailsDecides(t *testing.T) {
	checker, err := validation.New(validation.Spec{MinLength: 3})
	if err != nil {
		t.Fatal(err)
	}
	if o := checker.CheckAll([]validation.Answer{text("good"), text("no"), text("good")}); o.Failed != validation.RuleMinLength {
		t.Errorf("got %+v", o)
	}
	if o := checker.CheckAll([]validation.Answer{text("good"), text("good")}); !o.Valid() {
		t.Errorf("got %+v", o)
	}
}

func TestSpecsThatCannotBeChecked(t *testing.T) {
	for name, test := range map[string]struct {
		spec  validation.Spec
		field validation.Rule
		says  string
	}{
		"no JSON":             {validation.Spec{JSONSchema: `{"type":}`}, validation.RuleJSONSchema, "is no JSON"},
		"an unknown type":     {validation.Spec{JSONSchema: `{"properties": {"a": {"type": "text"}}}`}, validation.RuleJSONSchema, "/properties/a/type"},
		"a pattern of JS":     {validation.Spec{JSONSchema: `{"pattern": "(?=a)"}`}, validation.RuleJSONSchema, "pattern"},
		"a remote reference":  {validation.Spec{JSONSchema: `{"$ref": "https://example.com/s.json"}`}, validation.RuleJSONSchema, "nothing is loaded from elsewhere"},
		"a file":              {validation.Spec{JSONSchema: `{"$ref": "file:///etc/passwd"}`}, validation.RuleJSONSchema, "nothing is loaded from elsewhere"},
		"a neighbour":         {validation.Spec{JSONSchema: `{"$ref": "other.json"}`}, validation.RuleJSONSchema, "nothing is loaded from elsewhere"},
		"a reference to none": {validation.Spec{JSONSchema: `{"$ref": "#/$defs/none"}`}, validation.RuleJSONSchema, "$defs/none"},
		"another meta schema": {validation.Spec{JSONSchema: `{"$schema": "https://example.com/meta"}`}, validation.RuleJSONSchema, "nothing is loaded from elsewhere"},
		"no RE2":              {validation.Spec{Pattern: "(?=a)"}, validation.RulePattern, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := validation.New(test.spec)
			var field *validation.FieldError
			if !errors.As(err, &field) || field.Field != test.field || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s: … %s", err, test.field, test.says)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	checker, err := validation.New(validation.Spec{JSONSchema: ticketSchema, RejectRefusals: true})
	if err != nil {
		f.Fatal(err)
	}
	for _, test := range golden {
		f.Add(test.answer.Text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o := checker.Check(&validation.Answer{Text: s})
		if o.Valid() && !strings.Contains(s, "priority") && !strings.Contains(s, `\u`) {
			t.Errorf("valid without the required member: %q", s)
		}
	})
}
