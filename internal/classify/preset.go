package classify

import "github.com/tiershift/tiershift/internal/routerconfig"

// MinConfidence is what a rule's confidence must reach for its verdict to be
// followed. Below it a verdict is only a best guess.
const MinConfidence = 0.7

// assumed is the confidence of preset rules for which the labelled data has too
// few prompts to measure it.
const assumed = MinConfidence

// presetRule is one rule of the Standard preset.
type presetRule struct {
	name       string
	class      routerconfig.Class
	confidence float64
	fires      func(e *evidence) bool
}

// standardPreset is the preset in the order in which the rules are tried. The
// package documentation has the same table with what was measured.
var standardPreset = []presetRule{
	{"translation", routerconfig.ClassSimple, 0.83, isTranslation},
	{"keyword-prove", routerconfig.ClassComplex, 0.95, isProof},
	{"code-block-long", routerconfig.ClassComplex, assumed, hasLongCode},
	{"many-requirements", routerconfig.ClassComplex, 0.95, hasManyRequirements},
	{"keyword-design", routerconfig.ClassComplex, 0.89, isDesign},
	{"keyword-analyze", routerconfig.ClassComplex, 0.78, isAnalysis},
	{"keyword-reason", routerconfig.ClassComplex, assumed, isReasoning},
	{"brief-answer", routerconfig.ClassSimple, 0.85, wantsBriefAnswer},
	{"greeting", routerconfig.ClassSimple, 0.77, isGreeting},
	{"code-block", routerconfig.ClassModerate, assumed, hasAnyCode},
	{"extraction", routerconfig.ClassSimple, assumed, isExtraction},
	{"formatting", routerconfig.ClassSimple, assumed, isFormatting},
	{"keyword-compare", routerconfig.ClassModerate, 0.92, isComparison},
	{"keyword-summarize", routerconfig.ClassModerate, 0.91, isSummary},
	{"keyword-work", routerconfig.ClassModerate, 0.95, isWork},
	{"keyword-explain", routerconfig.ClassModerate, 0.95, isExplanation},
	{"advice", routerconfig.ClassModerate, assumed, isAdvice},
	{"long-conversation", routerconfig.ClassModerate, assumed, isLongConversation},
	{"long-prompt", routerconfig.ClassModerate, assumed, isLongPrompt},
	{"short-question", routerconfig.ClassSimple, 0.95, isShortQuestion},
	{"keyword-code", routerconfig.ClassModerate, 0.74, isAboutCode},
	{"short-input", routerconfig.ClassSimple, 0.87, isShortInput},
}

// evidence is what preset rules judge by.
type evidence struct {
	in *Input
	*features
	// hits are the keyword sets found in the text, asks those found where the
	// text asks for something.
	hits, asks uint64
}

func (e *evidence) has(s keywordSet) bool     { return e.hits>>s&1 != 0 }
func (e *evidence) asksFor(s keywordSet) bool { return e.asks>>s&1 != 0 }

// Limits of the rules, in tokens of the last message unless said otherwise.
const (
	longCode          = 1500 // bytes
	modestAtMost      = 40
	analysisAtLeast   = 6 // fewer are arithmetic
	reasoningAtLeast  = 24
	reasoningAtMost   = 200 // more are about a text that has the words
	briefAtMost       = 80
	adviceAtMost      = 40
	greetingAtMost    = 8
	questionAtMost    = 20
	shortAtMost       = 4
	shortQueryAtMost  = 12
	standaloneAtMost  = 1500 // of the whole request
	standaloneTurns   = 4
	longPromptAtLeast = 4000 // of the whole request
)

// standalone reports whether the last message can be judged by itself: a short
// message within a long conversation, after long instructions, or with tools to
// call is not simple because it is short.
func (e *evidence) standalone() bool {
	return e.tokens > 0 && e.in.Turns <= standaloneTurns && e.in.Tokens <= standaloneAtMost && !e.in.Tools && !e.in.Images
}

// modest reports whether what is asked for is said to be small. In a long
// message such words may be about anything.
func (e *evidence) modest() bool { return e.has(setModest) && e.tokens <= modestAtMost }

func isTranslation(e *evidence) bool {
	return e.asksFor(setTranslate) && !e.has(setCode) && !e.hasCode()
}

func isProof(e *evidence) bool { return e.asksFor(setProve) || e.has(setProof) }

func hasLongCode(e *evidence) bool { return e.codeBytes > longCode }

func hasManyRequirements(e *evidence) bool {
	return (e.asksFor(setBuild) || e.asksFor(setDesign)) && (e.parts >= 3 || e.parts == 2 && !e.modest())
}

func isDesign(e *evidence) bool { return e.asksFor(setDesign) && !e.modest() }

func isAnalysis(e *evidence) bool {
	return e.asksFor(setAnalyze) && e.tokens >= analysisAtLeast || e.has(setAudit)
}

func isReasoning(e *evidence) bool {
	return e.has(setReason) && e.tokens >= reasoningAtLeast && e.tokens <= reasoningAtMost
}

func wantsBriefAnswer(e *evidence) bool {
	return e.has(setBrief) && e.tokens <= briefAtMost && e.standalone()
}

func isGreeting(e *evidence) bool {
	return e.asksFor(setGreeting) && e.tokens <= greetingAtMost && e.standalone()
}

func isExtraction(e *evidence) bool {
	return e.asksFor(setExtract) && (e.payload || e.in.JSONSchema)
}

func isFormatting(e *evidence) bool { return e.asksFor(setFormat) && e.payload }

func hasAnyCode(e *evidence) bool { return e.hasCode() }

func isComparison(e *evidence) bool { return e.has(setCompare) }

func isSummary(e *evidence) bool { return e.has(setSummarize) }

func isWork(e *evidence) bool {
	return e.asksFor(setWork) || e.asksFor(setDesign) || e.asksFor(setExtract) || e.asksFor(setFormat)
}

func isExplanation(e *evidence) bool { return e.asksFor(setExplain) }

// isAdvice holds for questions that look like ones of fact but for which there
// is more than one answer.
func isAdvice(e *evidence) bool {
	return e.asksFor(setFact) && e.has(setAdvice) && e.tokens <= adviceAtMost
}

func isLongConversation(e *evidence) bool { return e.in.Turns > standaloneTurns }

func isLongPrompt(e *evidence) bool { return e.in.Tokens >= longPromptAtLeast }

func isShortQuestion(e *evidence) bool {
	return e.asksFor(setFact) && e.tokens <= questionAtMost && e.standalone()
}

func isAboutCode(e *evidence) bool { return e.has(setCode) && !e.asksFor(setFact) }

func isShortInput(e *evidence) bool {
	return e.standalone() && (e.tokens <= shortAtMost || e.tokens <= shortQueryAtMost && e.question)
}
