package classify

import (
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

const (
	simple   = routerconfig.ClassSimple
	moderate = routerconfig.ClassModerate
	complex_ = routerconfig.ClassComplex
	// undecided stands for no verdict that is sure enough.
	undecided routerconfig.Class = ""
)

var longSnippet = "```go\n" + strings.Repeat("func add(a, b int) int {\n\treturn a + b // plain\n}\n\n", 40) + "```"

// golden are prompts as people write them, with the class that is wanted and the
// rule that has to give it.
var golden = []struct {
	prompt string
	class  routerconfig.Class
	rule   string
}{
	// Questions of fact and small talk.
	{"What is the capital of Mongolia?", simple, "short-question"},
	{"who painted the ceiling of the Sistine Chapel", simple, "short-question"},
	{"When did the Berlin Wall fall?", simple, "short-question"},
	{"How many litres are in a gallon?", simple, "short-question"},
	{"Is 97 a prime number?", simple, "short-input"},
	{"capital of france", simple, "short-input"},
	{"2+2", simple, "short-input"},
	{"hi there", simple, "greeting"},
	{"Thanks, that's all!", simple, "greeting"},
	{"My colleague says our service is idempotent and I only nod along. What does that mean, in one sentence?", simple, "brief-answer"},
	{"What does the S in HTTPS stand for?", simple, "brief-answer"},
	{"Was ist ein Primzahlzwilling?", simple, "short-question"},
	{"¿Qué es la fotosíntesis?", simple, "short-question"},
	{"什么是光合作用？", simple, "short-question"},
	{"Что такое квазар?", simple, "short-question"},
	{"设计模式是什么？", simple, "short-question"},
	// Mechanical work on given text.
	{"Translate to German: The invoice is overdue, please pay within ten days.", simple, "translation"},
	{"Could you translate \"prove that you are human\" into Italian?", simple, "translation"},
	{"How do you say 'good luck' in Portuguese?", simple, "translation"},
	{"Traduis en anglais : la réunion est reportée à jeudi.", simple, "translation"},
	{"把下面这句话翻译成英文：会议改到星期四。", simple, "translation"},
	{"Extract the order number and the delivery date from this mail:\n\nHello, my parcel 4711-A should have come on 3 May.", simple, "extraction"},
	{"Classify the sentiment of this review: \"The battery died after two days and nobody answered my mails.\"", simple, "extraction"},
	{"Fix the grammar: me and him goes to the same school every days since we was little", simple, "formatting"},
	{"Convert this list to CSV:\nAnna 34 Berlin\nTom 29 Graz\nMia 41 Basel", simple, "formatting"},
	{"List all names in this text: Mr. Smith met Mrs. Jones and her son Peter in the park.", simple, "extraction"},
	{"Extract the totals from\n```json\n{\"items\": [{\"total\": 3}, {\"total\": 4}]}\n```", simple, "extraction"},
	// Ordinary writing, explaining and coding.
	{"Explain how TLS session resumption works", moderate, "keyword-explain"},
	{"Why does bread dough rise more slowly in a cold kitchen?", moderate, "keyword-explain"},
	{"Describe the water cycle to a ten-year-old", moderate, "keyword-explain"},
	{"How do I undo the last git commit without losing my changes?", moderate, "keyword-explain"},
	{"Write a polite email declining a meeting invitation", moderate, "keyword-work"},
	{"Please draft a job advertisement for a night-shift nurse", moderate, "keyword-work"},
	{"Give me five names for a bakery that only sells rye bread", moderate, "keyword-work"},
	{"Write a Python function that merges two sorted lists", moderate, "keyword-work"},
	{"Can you review my cover letter and suggest a stronger opening?", moderate, "keyword-work"},
	{"I need to write a birthday card for my boss", moderate, "keyword-work"},
	{"Design a simple logo for a chess club", moderate, "keyword-work"},
	{"Summarize the following minutes in three bullet points:\nThe chair opened the meeting.\nThe budget was approved.", moderate, "keyword-summarize"},
	{"Compare Postgres and MySQL for a small web shop", moderate, "keyword-compare"},
	{"What are the pros and cons of heat pumps in old houses?", moderate, "keyword-compare"},
	{"tabs vs spaces", moderate, "keyword-compare"},
	{"my pytest fixtures run twice, no idea what is going on", moderate, "keyword-code"},
	{"Why does this panic?\n```go\nvar m map[string]int\nm[\"a\"] = 1\n```", moderate, "code-block"},
	{"This query is slow:\nSELECT * FROM orders WHERE lower(mail) = 'x';\nCREATE INDEX ON orders (mail);\nAny hint?", moderate, "code-block"},
	{"What is the best tool to sharpen a kitchen knife?", moderate, "advice"},
	{"Which database should I use for a bookkeeping app?", moderate, "advice"},
	{"Translate this Java method to Kotlin, keeping the comments", moderate, "keyword-code"},
	{"Find all places where this can divide by zero:\n```c\nint f(int a) { return 10 / a; }\n```", moderate, "code-block"},
	{"Does `strings.Split(s, \"\")` allocate for every rune?", moderate, "code-block"},
	{"Write a cheerful text about a dog, a cat, a goose and a very patient farmer", moderate, "keyword-work"},
	{"Schreibe eine Absage an einen Bewerber", moderate, "keyword-work"},
	{"Explique la différence entre un bail et une licence", moderate, "keyword-explain"},
	{"解释一下垃圾回收的工作原理", moderate, "keyword-explain"},
	{"Напиши короткое поздравление для коллеги", moderate, "keyword-work"},
	// Reasoning, design, analysis.
	{"Prove that the square root of three is irrational.", complex_, "keyword-prove"},
	{"Given a biased coin, derive the expected number of tosses until two heads in a row.", complex_, "keyword-prove"},
	{"Show by induction that every tree with n nodes has n-1 edges", complex_, "keyword-prove"},
	{"Beweise, dass es unendlich viele Primzahlen gibt.", complex_, "keyword-prove"},
	{"证明任意两个有理数之间存在无理数", complex_, "keyword-prove"},
	{"Design a rate limiter that works across three regions and survives the loss of one", complex_, "keyword-design"},
	{"We run a ticket shop. Please design the checkout so that no seat is ever sold twice.", complex_, "keyword-design"},
	{"Diseña la arquitectura de un servicio de pagos con conciliación diaria", complex_, "keyword-design"},
	{"Implement a job scheduler with priorities, retries, dead letters, and a web page that shows the backlog", complex_, "many-requirements"},
	{"Create a storage engine with a write-ahead log, snapshots, compaction, and crash recovery", complex_, "many-requirements"},
	{"Build a lending app for a library:\n- members reserve books\n- late fees\n- reports", complex_, "many-requirements"},
	{"Analyze last quarter's churn figures and work out which of the three price changes caused it", complex_, "keyword-analyze"},
	{"Evaluate whether we should move from a data centre to the cloud within two years", complex_, "keyword-analyze"},
	{"Our login page was defaced last night. We need a root cause analysis from these facts and a plan for the week.", complex_, "keyword-analyze"},
	{"What are the trade-offs of event sourcing for a ledger that auditors must be able to read for ten years and that three teams write to?", complex_, "keyword-reason"},
	{"A farmer has to cross a river with a wolf, a goat and a cabbage, and the boat takes only one of them. Solve it step by step.", complex_, "keyword-reason"},
	{"Find the race in this code.\n" + longSnippet, complex_, "code-block-long"},
	// What rules cannot tell.
	{"The meeting with the new supplier has gone well and they will send us an offer next week, so we will see", undecided, ""},
	{"", undecided, ""},
}

func TestStandardPresetOnGoldenPrompts(t *testing.T) {
	z := mustAnalyzer(t, nil, routerconfig.Classification{Preset: routerconfig.PresetStandard})
	var a Analysis
	for _, g := range golden {
		z.Analyze(textInput(g.prompt), &a)
		v, ok := a.Classify()
		if !ok {
			v = Verdict{}
		}
		if v.Class != g.class || v.Rule != g.rule {
			t.Errorf("%.90q is %s by %q, want %s by %q", g.prompt, v.Class, v.Rule, g.class, g.rule)
		}
	}
}

func mustAnalyzer(t testing.TB, routes []routerconfig.Route, cfg routerconfig.Classification) *Analyzer {
	t.Helper()
	z, err := NewAnalyzer(routes, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// textInput is the input of a conversation of one message.
func textInput(text string) *Input {
	b := []byte(text)
	return &Input{Text: b, UserText: b, Tokens: EstimateTokens(b), Turns: 1}
}
