// Package replay makes a mixed workload and sends it to a router as an
// application would: over HTTP, with the OpenAI wire schema.
//
// It must never send more requests than it was asked for, and never know how
// the router decides.
package replay

import (
	"math/rand/v2"
	"strings"
)

// Item is one request of a workload.
type Item struct {
	// Path is the prefix before /v1/chat/completions; empty: none.
	Path string
	// Model is what the application asks for.
	Model  string
	Prompt string
	// MaxTokens caps the answer; 0: no cap.
	MaxTokens int
	Stream    bool
}

// kind is one sort of request that an application sends.
type kind struct {
	// share is its part of the workload, in percent.
	share       int
	path, model string
	maxTokens   int
	streamed    bool
	prompts     []string
}

// kinds are those of a support application: much that is simple, some that is
// not. {product}, {customer}, {city}, {number} and {language} are filled in.
var kinds = []kind{
	{share: 22, path: "/api/classify-ticket", model: "auto", prompts: []string{
		"Ticket: \"My {product} stopped charging after the update.\" Which category: billing, hardware, software or other? Answer in one sentence.",
		"Ticket: \"I was charged {number} dollars twice for my {product}.\" Which category: billing, hardware, software or other? Answer in one sentence.",
		"Ticket: \"How do I change the address for the delivery to {city}?\" Which category: billing, delivery, account or other? Answer in one sentence.",
	}},
	{share: 10, model: "extraction", maxTokens: 200, prompts: []string{
		"Give name and email as JSON: \"Hi, {customer} here, write to {customer}@example.com about order {number}.\"",
		"Give name and email as JSON: \"Regards, {customer} ({customer}@mail.example), {city}\"",
	}},
	{share: 27, model: "auto", streamed: true, prompts: []string{
		"What are your opening hours in {city}? One sentence, please.",
		"Is the {product} in stock? One sentence, please.",
		"Translate to {language}: Your parcel arrives on day {number}.",
		"Format this as a bulleted list: {product}, charger, cable, manual",
		"Where is my order {number}? One sentence, please.",
		"Fix the spelling: We recieved you're {product} yesterday.",
	}},
	{share: 28, model: "auto", streamed: true, prompts: []string{
		"Write a friendly reply to {customer}, who asks whether the {product} can be returned after {number} days without the box.",
		"Summarize this conversation in three sentences: {customer} bought a {product} in {city}, found that the screen flickers, called twice, and was promised a call back that never came.",
		"Draft a short announcement for customers in {city}: deliveries of the {product} are late by {number} days, and shipping is free as an apology.",
		"Suggest five names for a newsletter about the {product} and say in a few words what each evokes.",
	}},
	{share: 6, model: "auto", prompts: []string{
		"Analyze why returns of the {product} rose by {number} percent in {city} while sales stayed flat. Weigh at least four explanations against each other, say which data would tell them apart, and recommend what to do first.",
		"Compare a flat subscription with usage-based pricing for the {product}: step by step, derive the break-even for a customer with {number} calls a month, and explain why heavy users may still prefer the flat rate.",
		"Design a rollout plan for moving support of the {product} to {language}: dependencies, risks, a schedule for {number} weeks, and how to measure whether it worked. Justify each trade-off.",
	}},
	{share: 3, path: "/api/code-review", model: "auto", prompts: []string{
		"Review this change:\n```go\nfunc (c *cart) total() (sum int64) {\n\tfor _, l := range c.lines {\n\t\tgo func() { sum += l.price * {number} }()\n\t}\n\treturn sum\n}\n```\nExplain what can go wrong and propose a fix.",
	}},
	{share: 4, model: "auto", prompts: []string{
		"A customer asks whether the {product} affects the dosage of her blood pressure prescription, {number} mg a day. What should the reply say?",
		"{customer} reports a rash as a symptom after wearing the {product} for {number} hours. What do we answer?",
	}},
}

var fillings = map[string][]string{
	"{product}":  {"smart kettle", "tablet", "fitness watch", "headset", "thermostat", "e-reader"},
	"{customer}": {"amara", "bo", "chen", "dilek", "elif", "farid", "greta"},
	"{city}":     {"Lagos", "Lyon", "Osaka", "Porto", "Quito", "Tampere"},
	"{language}": {"French", "Japanese", "Portuguese", "Swahili"},
}

// Mixed returns n requests, the same for the same seed.
func Mixed(seed uint64, n int) []Item {
	random := rand.New(rand.NewPCG(seed, 0))
	items := make([]Item, n)
	for i := range items {
		k := pick(random)
		items[i] = Item{
			Path: k.path, Model: k.model, MaxTokens: k.maxTokens, Stream: k.streamed,
			Prompt: fill(random, k.prompts[random.IntN(len(k.prompts))]),
		}
	}
	return items
}

func pick(random *rand.Rand) *kind {
	at := random.IntN(100)
	for i := range kinds {
		if at -= kinds[i].share; at < 0 {
			return &kinds[i]
		}
	}
	return &kinds[len(kinds)-1]
}

func fill(random *rand.Rand, prompt string) string {
	for _, slot := range []string{"{product}", "{customer}", "{city}", "{language}"} { // a map's order would not repeat
		values := fillings[slot]
		prompt = strings.ReplaceAll(prompt, slot, values[random.IntN(len(values))])
	}
	digits := string(rune('1'+random.IntN(9))) + string(rune('0'+random.IntN(10)))
	return strings.ReplaceAll(prompt, "{number}", digits)
}
