package simulator

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// task is one answer to be written, and all that it depends on.
type task struct {
	req        *request
	prompt     string
	model      *Model
	capability float64
	difficulty float64
	result     Result
	rand       *rand.Rand
}

// choice is one answer, cut into tokens.
type choice struct {
	content []string
	refused bool // content is a refusal that the API keeps apart
	calls   []generatedCall
	finish  string
	quality float64
}

// generatedCall is a tool call whose arguments are cut into tokens.
type generatedCall struct {
	id, name  string
	arguments []string
}

const (
	finishStop      = "stop"
	finishLength    = "length"
	finishToolCalls = "tool_calls"
)

// answer writes an answer of at most limit tokens; a limit below zero is none.
func (t *task) answer(limit int) choice {
	if calls := t.toolCalls(); len(calls) > 0 {
		c := choice{calls: calls, finish: finishToolCalls, quality: t.result.Quality}
		if t.req.ToolChoice.forced {
			c.finish = finishStop
		}
		return c.limit(limit)
	}
	c := choice{finish: finishStop, quality: t.result.Quality}
	text := t.text()
	switch t.result.Verdict {
	case Refusal:
		text, c.refused = refusalText, t.schemaFormat() != nil
	case Truncated:
		all := pieces(text)
		text, c.finish = strings.Join(all[:len(all)*2/5], ""), finishLength
	}
	c.content = pieces(untilStop(text, t.req.Stop))
	return c.limit(limit)
}

// limit cuts a choice to so many tokens. An answer that lost its end is as good
// as any truncated one.
func (c choice) limit(limit int) choice {
	if limit < 0 || c.tokens() <= limit {
		return c
	}
	c.finish, c.quality = finishLength, min(c.quality, qualityOf(Truncated))
	if len(c.content) > limit {
		c.content = c.content[:limit]
	}
	for i := range c.calls {
		call := &c.calls[i]
		limit = max(limit-callOverhead-Tokens(call.name), 0)
		call.arguments = call.arguments[:min(limit, len(call.arguments))]
		limit -= len(call.arguments)
	}
	return c
}

// callOverhead is what a tool call costs beside its name and arguments.
const callOverhead = 7

// tokens counts what the choice costs.
func (c choice) tokens() int {
	n := len(c.content)
	for _, call := range c.calls {
		n += callOverhead + Tokens(call.name) + len(call.arguments)
	}
	return n
}

func untilStop(text string, stop []string) string {
	for _, s := range stop {
		if before, _, found := strings.Cut(text, s); found && s != "" {
			text = before
		}
	}
	return text
}

// text writes what a complete answer says.
func (t *task) text() string {
	if reply, ok := t.grades(); ok {
		return reply
	}
	asked := excerpt(t.req.instructions()) + "\n" + excerpt(t.prompt)
	labels := labelsIn(asked)
	switch {
	case t.schemaFormat() != nil || t.wantsJSON(asked):
		return t.json(asked, labels)
	case asksToGrade(asked):
		low, high := scaleOf(asked)
		return strconv.FormatFloat(hundredths(low+t.grade()*(high-low)), 'f', -1, 64)
	case len(labels) > 0:
		label := t.labelOf(labels)
		if bareAnswer(asked) {
			return label
		}
		return label + " " + t.reference().String()
	default:
		return t.prose()
	}
}

// labelOf chooses one of the labels.
func (t *task) labelOf(labels []string) string {
	if t.model.Gullible {
		if ordered := orderedLabel(t.prompt, labels); ordered != "" {
			return ordered
		}
	}
	return pickLabel(labels, t.difficulty, t.result.Verdict == Well, t.rand)
}

func (t *task) schemaFormat() *schema {
	if f := t.req.ResponseFormat; f != nil && f.Type == "json_schema" {
		return parseSchema(f.JSONSchema.Schema)
	}
	return nil
}

// wantsJSON reports whether the answer is to be JSON of no stated schema. A
// model that misses the point answers in prose, unless the API holds it to JSON.
func (t *task) wantsJSON(asked string) bool {
	if f := t.req.ResponseFormat; f != nil && f.Type == "json_object" {
		return true
	}
	return asksForJSON(asked) && t.result.Verdict != OffTopic
}

// json writes a JSON answer. A wrong one lacks a member, unless the API holds
// the model to a strict schema; then it is only as wrong as its reference says.
func (t *task) json(asked string, labels []string) string {
	s := t.sampler(t.topics())
	if t.result.Verdict != OffTopic {
		s.names = properNames(t.prompt)
	}
	s.root = t.schemaFormat()
	strict := s.root != nil && t.req.ResponseFormat.JSONSchema.Strict
	if s.root == nil {
		s.root = impliedSchema(keysIn(asked))
	}
	s.reference = t.reference().String()
	s.drop = t.result.Verdict == Wrong && !strict
	if asksToGrade(asked) {
		s.grade, s.drop = t.grade(), false
	}
	s.label = t.labelFor(s.root, labels)
	return string(s.value(nil, s.root, "", 0))
}

// labelFor chooses among the values that the schema offers for one of its
// members, or else among the labels of the prompt.
func (t *task) labelFor(root *schema, labels []string) string {
	for _, p := range root.Properties {
		if len(p.schema.Enum) > 1 {
			labels = nil
			for _, v := range p.schema.Enum {
				labels = append(labels, strings.Trim(string(v), `"`))
			}
			break
		}
	}
	return pickLabel(labels, t.difficulty, t.result.Verdict == Well, t.rand)
}

func (t *task) sampler(topics []string) *sampler {
	return &sampler{rand: t.rand, topics: topics, email: emailForm.FindString(t.prompt), grade: -1}
}

// reference is the truth that the answer carries.
func (t *task) reference() reference {
	f := fingerprint(t.prompt)
	if t.result.Verdict == OffTopic {
		f ^= 0x5a5a5a
	}
	return reference{f, t.result.Quality}
}

// grade is the grade that the model gives to the answer in the prompt: the
// truth, but the less capable the model the further off.
func (t *task) grade() float64 {
	truth := qualityOf(Truncated)
	ref, ok := findReference(t.prompt)
	switch {
	case ok:
		truth = ref.quality
	case strings.Contains(t.prompt, "I'm sorry, but I can't"):
		truth = qualityOf(Refusal)
	}
	return clampShare(truth + (1-t.capability)*(t.rand.Float64()-0.5))
}

// aside are the topics of answers that miss theirs.
var aside = []string{"sourdough", "tide tables", "lighthouses", "beekeeping"}

func (t *task) topics() []string {
	if t.result.Verdict == OffTopic {
		return aside
	}
	found := topics(t.prompt)
	if len(found) < 2 {
		found = append(found, "the question", "its details")
	}
	return found
}

// Sentences of prose; %1 and %2 stand for topics.
var sentences = []string{
	"The short version is that %1 depends on %2.",
	"In practice %1 comes first, and %2 follows from it.",
	"A careful look at %1 shows where %2 matters most.",
	"Most of the effort — roughly two thirds — goes into %1.",
	"It helps to separate %1 from %2 before going on.",
	"When %1 changes, %2 has to be checked again.",
	"There is a trade-off here: more %1 usually means less %2.",
	"One example: a small team measured %1 and then adjusted %2.",
	"Keep %1 simple at first; refine %2 once the numbers are in.",
	"The usual mistake is to treat %1 and %2 as the same thing.",
	"A naïve reading of %1 misses the role of %2.",
	"Seen over a year, %1 weighs ≈ 3 times as much as %2.",
}

// prose writes sentences about the topics until they are as long as the prompt
// seems to ask for, and ends them with the reference.
func (t *task) prose() string {
	about, target := t.topics(), t.targetTokens()
	ref := " " + t.reference().String()
	var b strings.Builder
	if target < 20 {
		return "This comes down to " + strings.Join(about[:min(len(about), 2)], " and ") + "." + ref
	}
	left := target - Tokens(ref)
	for i := t.rand.IntN(len(sentences)); left > 0; i++ {
		s := strings.NewReplacer("%1", about[i%len(about)], "%2", about[(i+1)%len(about)]).Replace(sentences[i%len(sentences)])
		if b.Len() > 0 {
			s = " " + s
		}
		b.WriteString(s)
		left -= Tokens(s)
	}
	return capitalised(b.String()) + ref
}

func capitalised(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

var (
	wordCount     = regexp.MustCompile(`(?i)\b(\d{1,5})[ -]words?\b`)
	sentenceCount = regexp.MustCompile(`(?i)\b(\d{1,3}|one|two|three) sentences?\b`)
	shortCue      = regexp.MustCompile(`(?i)\b(classify|label|extract|yes or no|true or false|one word|briefly|translate|capital of|spell|sentiment|tl;?dr)\b`)
	longCue       = regexp.MustCompile(`(?i)\b(essay|detailed|in detail|step by step|comprehensive|report|architecture|implement|explain|design|article|story)\b`)
)

// longestAnswer is the longest that a prompt is given, in tokens.
const longestAnswer = 16 << 10

// targetTokens is the length of the answer that the prompt asks for, in tokens:
// what it states, or else short, middling or long by its wording, and longer
// for harder prompts and wordier models.
func (t *task) targetTokens() int {
	prompt := excerpt(t.prompt)
	if m := wordCount.FindStringSubmatch(prompt); m != nil {
		n, _ := strconv.Atoi(m[1])
		return min(max(n*4/3, 1), longestAnswer)
	}
	if m := sentenceCount.FindStringSubmatch(prompt); m != nil {
		n, named := map[string]int{"one": 1, "two": 2, "three": 3}[strings.ToLower(m[1])]
		if !named {
			n, _ = strconv.Atoi(m[1])
		}
		return max(n*16, 20)
	}
	low, spread := 70, 90
	switch {
	case longCue.MatchString(prompt):
		low, spread = 200, 200
	case shortCue.MatchString(prompt):
		low, spread = 6, 8
	}
	verbosity := t.model.Verbosity
	if verbosity == 0 {
		verbosity = 1
	}
	return int(float64(low+t.rand.IntN(spread)) * verbosity * (0.8 + 0.4*t.difficulty))
}
