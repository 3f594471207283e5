package simulator

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// A request may ask for the grades of several texts at once, each between lines
// that begin and end it, and give the form of the reply:
//
//	…BEGIN NAME
//	the text
//	…END NAME
//
//	NAME=GRADE
var (
	gradeForm  = regexp.MustCompile(`(?m)^([A-Z]{2,20})=GRADE$`)
	gradeRange = regexp.MustCompile(`\bfrom 0\b[^.]{0,20}\bto ([1-9][0-9]{0,2})\b`)
)

// grades replies to a request for the grades of several texts; false: it asks for
// something else. Each grade is the truth, but the less capable the model the
// further off.
func (t *task) grades() (reply string, ok bool) {
	instructions := t.req.instructions()
	names := gradeForm.FindAllStringSubmatch(instructions, -1)
	highest := 1.0
	if m := gradeRange.FindStringSubmatch(instructions); m != nil {
		_, _ = fmt.Sscan(m[1], &highest) // digits, as was matched
	}
	var lines []string
	for _, name := range names {
		_, rest, begins := strings.Cut(t.prompt, "BEGIN "+name[1]+"\n")
		text, _, ends := strings.Cut(rest, "END "+name[1])
		if !begins || !ends {
			return "", false
		}
		truth := Judge("", text[:max(strings.LastIndexByte(text, '\n'), 0)]).Quality
		grade := clampShare(truth + (1-t.capability)*(t.rand.Float64()-0.5))
		lines = append(lines, fmt.Sprintf("%s=%.0f", name[1], math.Round(grade*highest)))
	}
	return strings.Join(lines, "\n"), len(lines) > 0
}
