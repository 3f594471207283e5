package judge

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// ErrReply is a reply that is not just the two grades that were asked for. What a
// judge says otherwise is no verdict, however it may be meant.
var ErrReply = errors.New("the judge did not reply with two grades")

// Read reads the grades of the first and the second answer, each from 0 to
// [Highest].
func Read(reply string, n Names) (first, second int, err error) {
	grades := map[string]int{}
	for line := range strings.Lines(reply) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		grade, err := strconv.Atoi(strings.TrimSpace(value))
		name = strings.TrimSpace(name)
		if _, again := grades[name]; !ok || err != nil || again || grade < 0 || grade > Highest {
			return 0, 0, ErrReply
		}
		grades[name] = grade
	}
	first, hasFirst := grades[n.First]
	second, hasSecond := grades[n.Second]
	if len(grades) != 2 || !hasFirst || !hasSecond {
		return 0, 0, ErrReply
	}
	return first, second, nil
}

// Score is how good an answer is beside a dearer one, in [0,1]: 1 when its grade
// is as high or higher, and a tenth less for each grade below. Two answers that
// are equally bad score 1: nothing is lost by taking the cheaper.
func Score(grade, reference int) float64 {
	return float64(Highest-max(reference-grade, 0)) / Highest
}

// Courts reports whether a text speaks of grades or to a judge. Most of those are
// harmless, but none of them can be judged by a model that may listen: the result
// would be worth less than none. It errs to true, which costs a sample.
func Courts(text string) bool {
	return courting().MatchString(strings.ToLower(text))
}

// courting is compiled when it is first needed: most policies have no judge.
var courting = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(strings.Join(courtingWords, "|")) })

var courtingWords = []string{
	`\b(10|ten)( out of |/| of )(10|ten)\b`, `\b(100|hundred)( out of |/)(100|hundred)\b`, `\b(5|five)( out of |/)(5|five)\b`,
	`\b(highest|maximum|perfect|top|full|best|lowest|minimum) (possible )?(score|grade|rating|marks?|points)\b`,
	`\b(dear|attention|note to( the)?|message to( the)?|instructions? (to|for)( the)?|hey|hello) (judge|grader|evaluator|reviewer|rater|assessor)s?\b`,
	`\b(as|you are|for|to) (an? |the )?(impartial |llm |ai )*(judge|grader|evaluator|rater)s?\b`,
	`\b(judge|grader|evaluator|rater)s? (should|must|will|shall|has to|have to|please)\b`,
	`\b(grade|rate|score|mark|rank|evaluate|prefer|choose|select|favou?r) (this|the following|the above|my|the first|the second|the other|me|answer|response)\b`,
	`\b(give|assign|award|deserves?|gets?|receives?|output|reply with|respond with|return|print) (this |it |me |my |the )?(answer |response |other )?(an? |the )?(grade|score|rating|mark|[0-9]+ ?(points|/))`,
	`\b(ignore|disregard|forget|override) (all |any |the |your |every )*(previous|prior|above|earlier|other|preceding|instructions|rubric|rules|criteria)`,
	`\b(this|the|other|first|second|my) (answer|response) is (better|worse|best|superior|inferior|the best|correct and the other)\b`,
	`\bgrade *[:=]|\bscore *[:=] *[0-9]|\brating *[:=]`, `\bsystem (prompt|message|override|instruction)`, `<\|?(im_start|im_end|system|assistant)`,
	`\b(note|bewertung|punktzahl|höchstnote|calificación|puntuación|puntaje|nota máxima|la note|note maximale)\b.{0,20}\b10\b`,
	`满分|最高分|打10分|评分者|裁判|満点|採点者|評価者|만점|채점`,
}
