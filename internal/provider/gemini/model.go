package gemini

import (
	"strconv"
	"strings"
)

// model is what a model's name tells of what it takes
// (https://ai.google.dev/gemini-api/docs/models).
type model struct {
	name string
	// series is ten times the version, such as 25 of gemini-2.5-pro; 0 if the name
	// states none: that of an alias for the newest, or of another family.
	series int
}

func modelOf(name string) model {
	name = strings.ToLower(name[strings.LastIndexByte(name, '/')+1:])
	m := model{name: name}
	version, _, _ := strings.Cut(strings.TrimPrefix(name, "gemini-"), "-")
	if f, err := strconv.ParseFloat(version, 64); err == nil && m.isGemini() && f < 100 {
		m.series = int(f*10 + 0.5)
	}
	return m
}

func (m model) isGemini() bool { return strings.HasPrefix(m.name, "gemini-") }

func (m model) isPro() bool { return strings.Contains(m.name, "-pro") }

// early reports whether the model is older than Gemini 3. These take a thinking
// budget but no level, no media in function responses, and no JSON format beside
// tools.
func (m model) early() bool { return m.series > 0 && m.series < 30 }

// thinks reports whether the model takes a thinkingConfig at all; the others
// refuse it.
func (m model) thinks() bool { return m.isGemini() && (m.series == 0 || m.series >= 25) }

// thinksUnasked reports whether the model thinks unless told not to: all that think
// but Gemini 2.5 Flash-Lite (https://ai.google.dev/gemini-api/docs/thinking#set-budget).
func (m model) thinksUnasked() bool { return !m.early() || !strings.Contains(m.name, "lite") }

// checksSignatures reports whether the model refuses a turn with calls of which
// the first has no thoughtSignature
// (https://ai.google.dev/gemini-api/docs/thought-signatures).
func (m model) checksSignatures() bool { return m.isGemini() && !m.early() }

// level is the thinkingLevel for an effort. Thinking cannot be switched off from
// Gemini 3 on: the lowest level is the nearest. The Pro models have no MINIMAL,
// and the first has no MEDIUM
// (https://ai.google.dev/gemini-api/docs/thinking#thinking-levels).
func (m model) level(effort string) string {
	switch effort {
	case "none", "minimal":
		if m.isPro() {
			return "LOW"
		}
		return "MINIMAL"
	case "low":
		return "LOW"
	case "medium":
		if m.isPro() && m.series == 30 {
			return "HIGH"
		}
		return "MEDIUM"
	}
	return "HIGH"
}

// budgets are the thinking tokens for an effort, as Google's OpenAI endpoint has
// them (https://ai.google.dev/gemini-api/docs/openai#thinking); the dearer ones
// are cut to what the model takes.
var budgets = map[string]int64{
	"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 32768,
}

// budget brings a budget within what the model takes; -1 lets the model decide
// (https://ai.google.dev/gemini-api/docs/thinking#set-budget).
func (m model) budget(tokens int64) int64 {
	switch {
	case tokens < 0 || !m.early():
		return tokens
	case m.isPro():
		return min(max(tokens, 128), 32768)
	case strings.Contains(m.name, "lite") && tokens > 0:
		return min(max(tokens, 512), 24576)
	}
	return min(tokens, 24576)
}
