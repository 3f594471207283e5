package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

// feature is one row of the matrix.
type feature struct {
	name string
	// thinks asks a model that thinks.
	thinks bool
	ask    func() *ask
	// marks are what the provider must be sent, unless the router says that it was
	// dropped.
	marks []string
	// check looks at the answer.
	check func(a *ask, g *got) error
	// own is that the provider's own refusal shows that it was carried.
	own bool
	// next, if set, asks once more, after what was answered.
	next func(a *ask, g *got) *ask
	// nextMarks and nextCheck hold for the second answer.
	nextMarks []string
	nextCheck func(a *ask, g *got) error
}

var (
	errNoEnd         = errors.New("the stream has no end")
	errStreamDiffers = errors.New("the deltas differ from the whole that the stream ends with")
)

func says(prompt string) *ask { return &ask{turns: []turn{{user: prompt}}} }

const story = "Explain how tidal locks work, for the café, in 40 words."

// with is a plain question with something changed.
func with(change func(*ask)) func() *ask {
	return func() *ask {
		a := says(story)
		change(a)
		return a
	}
}

func number[T any](v T) *T { return &v }

// answered checks that there is a whole answer in words.
func answered(a *ask, g *got) error {
	switch {
	case g.text() == "":
		return errors.New("no text")
	case g.finish != "stop":
		return fmt.Errorf("finish %q, want stop", g.finish)
	case len(g.calls) > 0:
		return errors.New("a call that was not asked for")
	}
	return told(a, g)
}

// told checks that usage is told exactly where it was asked for.
func told(a *ask, g *got) error {
	switch {
	case g.hasUsage == a.hideUsage && a.stream:
		return fmt.Errorf("usage told: %v", g.hasUsage)
	case a.stream && a.hideUsage:
		return nil
	case !g.hasUsage || g.usage.input == 0 || g.usage.output == 0:
		return fmt.Errorf("usage: %+v", g.usage)
	}
	return nil
}

func finished(with string) func(*ask, *got) error {
	return func(_ *ask, g *got) error {
		if g.finish != with {
			return fmt.Errorf("finish %q, want %q", g.finish, with)
		}
		return nil
	}
}

// calls checks that there are so many calls, each with arguments.
func calls(n int) func(*ask, *got) error {
	return func(_ *ask, g *got) error {
		if len(g.calls) != n || n > 0 && g.finish != "tool_calls" && g.finish != "stop" {
			return fmt.Errorf("%d calls, want %d, finish %q", len(g.calls), n, g.finish)
		}
		for _, c := range g.calls {
			var arguments struct{ Location string }
			if err := json.Unmarshal([]byte(c.arguments), &arguments); err != nil || arguments.Location == "" || c.name != "get_weather" {
				return fmt.Errorf("call %s(%s)", c.name, c.arguments)
			}
		}
		return nil
	}
}

var weather = function{name: "get_weather", about: "Current weather of a place", schema: map[string]any{
	"type": "object", "properties": map[string]any{"location": map[string]any{"type": "string"}}, "required": []string{"location"},
	"additionalProperties": false,
}}

func askWeather(prompt, choice string) func() *ask {
	return func() *ask {
		a := says(prompt)
		a.tools, a.choice = []function{weather}, choice
		return a
	}
}

// bring answers the calls and asks on.
func bring(change func(*result)) func(*ask, *got) *ask {
	return func(a *ask, g *got) *ask {
		next := *a
		back := turn{answered: g}
		for _, c := range g.calls {
			r := result{call: c, text: "21 degrees RESULT-MARK"}
			change(&r)
			back.results = append(back.results, r)
		}
		next.turns = append(next.turns[:len(next.turns):len(next.turns)], back)
		return &next
	}
}

var guest = map[string]any{
	"type": "object", "additionalProperties": false, "required": []string{"name", "email"},
	"properties": map[string]any{"name": map[string]any{"type": "string"}, "email": map[string]any{"type": "string"}},
}

// Images and documents need only be recognisable.
const (
	imageData    = "aW1hZ2UtbWFyaw=="
	documentData = "JVBERi0xLjQgcGRmLW1hcms="
	imageURL     = "https://example.com/IMAGE-MARK.png"
)

var longSystem = strings.Repeat("The rules of the harbour are as follows, and every guest keeps them. ", 260)

func plainFeatures() []feature {
	return []feature{
		{name: "text", ask: with(func(*ask) {}), marks: []string{"tidal locks", "café"}, check: answered},
		{name: "system message", ask: with(func(a *ask) { a.system = "Be brief, SYSTEM-MARK." }), marks: []string{"SYSTEM-MARK"}, check: answered},
		{name: "developer message", ask: with(func(a *ask) { a.developer = "Be brief, DEVELOPER-MARK." }), marks: []string{"DEVELOPER-MARK"}, check: answered},
		{name: "several turns", ask: with(func(a *ask) {
			a.turns = []turn{{user: "USER-MARK one"}, {assistant: "ASSISTANT-MARK two", user: "And three?"}}
		}), marks: []string{"USER-MARK", "ASSISTANT-MARK", "And three?"}, check: answered},
		{name: "usage of a stream not asked for", ask: with(func(a *ask) { a.hideUsage = true }), check: func(a *ask, g *got) error {
			a.hideUsage = a.hideUsage && g.header != nil
			return answered(a, g)
		}},
		{name: "image by URL", ask: with(func(a *ask) { a.turns[0].imageURL = imageURL }), marks: []string{"IMAGE-MARK"}, check: answered},
		{name: "image in base64", ask: with(func(a *ask) { a.turns[0].image = imageData }), marks: []string{imageData}, check: answered},
		{name: "document (PDF)", ask: with(func(a *ask) { a.turns[0].document = documentData }), marks: []string{documentData}, check: answered},
		{name: "structured output (json_schema)", ask: with(func(a *ask) {
			a.turns[0].user, a.schema = "Extract the guest from: Ada Lovelace (ada@example.org) arrives on Monday.", guest
		}), marks: []string{`"email"`}, check: func(_ *ask, g *got) error {
			var who struct{ Name, Email string }
			if err := json.Unmarshal([]byte(g.text()), &who); err != nil || who.Email != "ada@example.org" {
				return fmt.Errorf("answer %q: %w", g.text(), err)
			}
			return nil
		}},
	}
}

func settingFeatures() []feature {
	return []feature{
		{name: "temperature", ask: with(func(a *ask) { a.temperature = number(0.25) }), marks: []string{"0.25"}, check: answered},
		{name: "top_p", ask: with(func(a *ask) { a.topP = number(0.75) }), marks: []string{"0.75"}, check: answered},
		{name: "top_k", ask: with(func(a *ask) { a.topK = number(int64(37)) }), marks: []string{"37"}, check: answered},
		{name: "seed", ask: with(func(a *ask) { a.seed = number(int64(424242)) }), marks: []string{"424242"}, check: answered},
		{name: "frequency penalty", ask: with(func(a *ask) { a.frequencyPenalty = number(0.375) }), marks: []string{"0.375"}, check: answered},
		{name: "stop sequence", ask: with(func(a *ask) { a.stop = []string{"tidal"} }), marks: []string{`["tidal"]`}, check: func(_ *ask, g *got) error {
			if strings.Contains(g.text(), "tidal") || g.finish != "stop" && g.finish != "stop_sequence" {
				return fmt.Errorf("finish %q: %q", g.finish, g.text())
			}
			return nil
		}},
		{name: "output cap", ask: with(func(a *ask) { a.max = 20 }), marks: []string{"20"}, check: finished("length")},
		{name: "several answers (n)", ask: with(func(a *ask) { a.n = 2 }), marks: []string{"2"}, check: func(_ *ask, g *got) error {
			if len(g.texts) != 2 || g.texts[0] == "" || g.texts[1] == "" || g.texts[0] == g.texts[1] {
				return fmt.Errorf("%d answers", len(g.texts))
			}
			return nil
		}},
		{name: "log probabilities", ask: with(func(a *ask) { a.logprobs = true }), check: func(_ *ask, g *got) error {
			if g.logprobs == 0 {
				return errors.New("no log probabilities")
			}
			return nil
		}},
		{name: "user", ask: with(func(a *ask) { a.user = "user-mark-7" }), marks: []string{"user-mark-7"}, check: answered},
		{name: "metadata", ask: with(func(a *ask) { a.metadata = map[string]string{"team": "metadata-mark"} }), marks: []string{"metadata-mark"}, check: answered},
		{name: "service tier", ask: with(func(a *ask) { a.tier = "default" }), check: answered},
		{name: "prompt cache key", ask: with(func(a *ask) { a.cacheKey = "cache-key-mark" }), marks: []string{"cache-key-mark"}, check: answered},
		{name: "unknown field", own: true, ask: with(func(a *ask) { a.extra = map[string]any{"x_field_of_tomorrow": "extra-mark"} }), marks: []string{"extra-mark"}},
	}
}

func toolFeatures() []feature {
	one, two := "How is the weather in Lisbon today?", "How is the weather in Lisbon and New York today?"
	return []feature{
		{name: "tool call", ask: askWeather(one, ""), marks: []string{"get_weather", "Current weather"}, check: calls(1)},
		{name: "parallel tool calls", ask: askWeather(two, "auto"), check: calls(2)},
		{name: "one call at a time", ask: func() *ask {
			a := askWeather(two, "auto")()
			a.oneCall = true
			return a
		}, check: calls(1)},
		{name: "tool choice none", ask: askWeather(one, "none"), check: calls(0)},
		{name: "tool choice required", ask: askWeather("Write a limerick about rain.", "required"), check: calls(1)},
		{name: "tool choice by name", ask: askWeather("Write a limerick about rain.", "get_weather"), check: calls(1)},
		{name: "tool result", ask: askWeather(two, ""), check: calls(2), next: bring(func(*result) {}), nextMarks: []string{"RESULT-MARK"}, nextCheck: answered},
		{name: "failed tool result", ask: askWeather(one, ""), check: calls(1), next: bring(func(r *result) {
			r.fails, r.text = true, "no such city RESULT-MARK"
		}), nextMarks: []string{"RESULT-MARK"}, nextCheck: answered},
		{name: "image as a tool's result", ask: askWeather(one, ""), check: calls(1), next: bring(func(r *result) {
			r.image = imageData
		}), nextMarks: []string{"RESULT-MARK", imageData}, nextCheck: func(_ *ask, g *got) error {
			if g.text() == "" && len(g.calls) == 0 {
				return errors.New("no answer")
			}
			return nil
		}},
	}
}

func reasoned(_ *ask, g *got) error {
	if g.usage.reasoning == 0 {
		return errors.New("no reasoning")
	}
	return nil
}

func thinkingFeatures() []feature {
	return []feature{
		{name: "reasoning effort", thinks: true, ask: with(func(a *ask) { a.effort = "high" }), check: func(a *ask, g *got) error {
			return answered(a, g)
		}},
		{name: "thinking budget", thinks: true, ask: with(func(a *ask) { a.budget = 10000 }), check: reasoned},
		{name: "thoughts shown", thinks: true, ask: with(func(a *ask) { a.effort, a.thoughts = "high", true }), check: func(a *ask, g *got) error {
			if g.thinking == "" {
				return errors.New("no thoughts")
			}
			return reasoned(a, g)
		}},
		{name: broughtBack, thinks: true, ask: func() *ask {
			a := askWeather("How is the weather in Lisbon today?", "")()
			a.effort, a.thoughts = "high", true
			return a
		}, check: calls(1), next: bring(func(*result) {}), nextMarks: []string{"RESULT-MARK"}, nextCheck: answered},
	}
}

// lacks says what a provider does not have, so that nothing can be carried; "": it has
// the feature.
func (u *upstream) lacks(f *feature, c client) string {
	chat := u.wire == routerconfig.WireOpenAI && (len(u.also) == 0 || c.name() != "Responses")
	switch {
	case f.name == "log probabilities" && u.name == "mistral":
		return "the provider has no log probabilities"
	case f.name == "thinking budget" && u.name == "mistral":
		return "the provider does not report what it thinks"
	case f.name == "thoughts shown" && chat && u.name != "deepseek" && u.name != "xai":
		return "the provider's Chat Completions tell no thoughts"
	case f.name == broughtBack && chat:
		return "the provider's Chat Completions sign no thoughts"
	case f.name == broughtBack && u.name == "gemini" && c.name() == "Messages":
		return "no place for Gemini's signature of a call: Google's stand-in for one is sent"
	}
	return ""
}

const broughtBack = "thoughts brought back with a tool's result"

func cacheFeatures() []feature {
	again := func(a *ask, _ *got) *ask { return a }
	cached := func(_ *ask, g *got) error {
		if g.usage.cached < 1024 {
			return fmt.Errorf("usage: %+v", g.usage)
		}
		return nil
	}
	return []feature{
		{name: "prompt cache, unmarked", ask: with(func(a *ask) { a.system = longSystem }), check: answered, next: again, nextCheck: func(*ask, *got) error { return nil }},
		{name: "prompt cache, marked", ask: with(func(a *ask) { a.system, a.cacheTTL = "Marked. "+longSystem, "5m" }), check: answered, next: again, nextCheck: cached},
	}
}

func features() []feature {
	var all []feature
	for _, group := range [][]feature{plainFeatures(), settingFeatures(), toolFeatures(), thinkingFeatures(), cacheFeatures()} {
		all = append(all, group...)
	}
	return all
}
