package simulator

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// stopWords are words that say nothing of a topic.
var stopWords = set(`about after also answer because been briefly change classify compare could define derive describe
	detail does each every explain extract from give have identify into json just label like list make more most must
	name only please prove provide reply return sentence sentences should show some step summarise summarize tell than
	that their them then there these they this ticket today translate using what when where which will with word words
	would write your`)

func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// topicScan bounds how much of a prompt is read for topics, in bytes.
const topicScan = 4 << 10

// excerpt is the beginning and the end of a text, where people say what they
// want; what stands between them in a long prompt is its material.
func excerpt(text string) string {
	if len(text) <= 2*topicScan {
		return text
	}
	return strings.ToValidUTF8(text[:topicScan]+"\n"+text[len(text)-topicScan:], "")
}

// topics returns up to six salient words of a text, in their order.
func topics(text string) []string {
	var out []string
	for _, w := range words(text) {
		if len(w) < 4 || stopWords[strings.ToLower(w)] || containsFold(out, w) {
			continue
		}
		if out = append(out, w); len(out) == 6 {
			break
		}
	}
	return out
}

func words(text string) []string {
	if len(text) > topicScan {
		text = strings.ToValidUTF8(text[:topicScan], "")
	}
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' })
}

func containsFold(list []string, word string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, word) })
}

var properName = regexp.MustCompile(`[\p{Ll}\d,;:"'’)] +((?:\p{Lu}[\p{L}'’-]+)(?: \p{Lu}[\p{L}'’-]+)*)`)

// properNames returns the names in a text: runs of capitalised words that do
// not begin a sentence.
func properNames(text string) []string {
	if len(text) > topicScan {
		text = text[:topicScan]
	}
	var out []string
	for _, m := range properName.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(out, m[1]) && !stopWords[strings.ToLower(m[1])] {
			out = append(out, m[1])
		}
	}
	return out
}

var emailForm = regexp.MustCompile(`[\w.+-]+@[\w-]+(?:\.[\w-]+)+`)

var gradeNames = []string{"score", "rating", "grade", "quality"}

func isGradeName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(gradeNames, func(g string) bool { return strings.Contains(name, g) })
}

var (
	gradingVerb   = regexp.MustCompile(`(?i)\b(score|rate|grade|judge|evaluate|rubric)\b`)
	gradingObject = regexp.MustCompile(`(?i)\b(answer|response|reply|completion)\b`)
	gradingScale  = regexp.MustCompile(`(\d+(?:\.\d+)?)\s*(?:-|–|to|and)\s*(\d+(?:\.\d+)?)`)
)

// asksToGrade reports whether the request wants an answer to be graded.
func asksToGrade(text string) bool {
	return gradingVerb.MatchString(text) && gradingObject.MatchString(text)
}

// scaleOf returns the scale of grades that a text states; 0 to 1 if none.
func scaleOf(text string) (low, high float64) {
	m := gradingScale.FindStringSubmatch(text)
	if m == nil {
		return 0, 1
	}
	low, _ = strconv.ParseFloat(m[1], 64)
	high, _ = strconv.ParseFloat(m[2], 64)
	if high <= low {
		return 0, 1
	}
	return low, high
}

var labelList = regexp.MustCompile(`(?i)(?:\bone of(?: these| the following)?(?: labels| classes| categories)?:?|` +
	`\b(?:labels?|classes|categories|options)(?: are)?:|\beither) +([^.\n?]{3,200})`)

// labelsIn returns the labels that a text asks to choose from; nil if it names
// fewer than two.
func labelsIn(text string) []string {
	m := labelList.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	list := strings.NewReplacer(" or ", ",", " and ", ",", "|", ",", "/", ",").Replace(m[1])
	var out []string
	for l := range strings.SplitSeq(list, ",") {
		if l = strings.Trim(l, " \t\"'`()[]*"); l != "" && len(l) <= 30 {
			out = append(out, l)
		}
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

var labelOrder = regexp.MustCompile(`(?i)\b(?:respond|answer|reply|output|say|write|return|classify (?:this|it|me) as|sort (?:this|it|me) as|(?:this|it) is)\b[^.\n]{0,60}`)

// orderedLabel is the label that the last order in a prompt names; empty: none
// does.
func orderedLabel(prompt string, labels []string) (label string) {
	for _, words := range labelOrder.FindAllString(excerpt(prompt), -1) {
		for word := range strings.FieldsFuncSeq(words, func(r rune) bool { return !unicode.IsLetter(r) }) {
			for _, l := range labels {
				if strings.EqualFold(word, l) {
					label = l
				}
			}
		}
	}
	return label
}

// scaleWords order labels that speak of difficulty.
var scaleWords = [][]string{
	{"trivial", "simple", "easy", "low", "nano", "small", "basic", "cheap"},
	{"medium", "moderate", "mid", "standard", "normal", "average"},
	{"hard", "complex", "difficult", "high", "flagship", "large", "advanced", "expert"},
}

// pickLabel chooses a label: by the difficulty if the labels are a scale of it,
// by chance otherwise. A wrong choice is the neighbour of the right one.
func pickLabel(labels []string, difficulty float64, right bool, r *rand.Rand) string {
	if len(labels) == 0 {
		return ""
	}
	i := r.IntN(len(labels))
	if ranks := ranksOf(labels); ranks != nil {
		i = slices.Index(ranks, nearest(ranks, difficulty))
	}
	if !right {
		i = (i + 1) % len(labels)
	}
	return labels[i]
}

// ranksOf places labels on the scale 0 to 2, or returns nil if one has no place.
func ranksOf(labels []string) []int {
	out := make([]int, len(labels))
	for i, l := range labels {
		out[i] = slices.IndexFunc(scaleWords, func(words []string) bool { return slices.Contains(words, strings.ToLower(l)) })
		if out[i] < 0 {
			return nil
		}
	}
	return out
}

// nearest returns the rank among ranks that is nearest to a difficulty.
func nearest(ranks []int, difficulty float64) int {
	want := int(difficulty * 3)
	best := ranks[0]
	for _, r := range ranks {
		if abs(r-want) < abs(best-want) {
			best = r
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

var bareCues = []string{"one word", "only the", "only with", "nothing else", "exactly one", "just the", "single word"}

// bareAnswer reports whether the prompt leaves no room beside the answer.
func bareAnswer(prompt string) bool {
	prompt = strings.ToLower(prompt)
	return slices.ContainsFunc(bareCues, func(c string) bool { return strings.Contains(prompt, c) })
}

var (
	jsonCue      = regexp.MustCompile(`(?i)\b(?:as|in|valid|return|output|with|only)(?: a)? json\b|json object`)
	jsonMember   = regexp.MustCompile(`["'` + "`" + `]([A-Za-z_][A-Za-z0-9_]*)["'` + "`" + `]`)
	jsonKeyWords = regexp.MustCompile(`(?i)\b(?:keys|fields|properties|members|extract)(?: named| are| the)?:? +` +
		`((?:[a-z_]\w*(?:, and |, | and ))*[a-z_]\w*)`)
)

// asksForJSON reports whether a prompt wants JSON without a response format.
func asksForJSON(prompt string) bool { return jsonCue.MatchString(prompt) }

// keysIn returns the members that a prompt wants in its JSON: the quoted names,
// or else the list after words like "keys", or else "answer".
func keysIn(prompt string) []string {
	var out []string
	for _, m := range jsonMember.FindAllStringSubmatch(prompt, 12) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	if len(out) > 0 {
		return out
	}
	if m := jsonKeyWords.FindStringSubmatch(prompt); m != nil {
		list := strings.NewReplacer(", and ", ",", " and ", ",", ", ", ",").Replace(m[1])
		return strings.Split(list, ",")
	}
	return []string{"answer"}
}
