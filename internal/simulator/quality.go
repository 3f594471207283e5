package simulator

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Slope is how steeply the chance of a good answer rises with the distance
// between a model's capability and a prompt's difficulty.
const Slope = 12.0

// GoodQuality is the least quality of a good answer.
const GoodQuality = 0.75

// Verdict says how an answer turned out.
type Verdict string

// The verdicts. Unknown is an answer that carries no truth: a bare label, a
// number, or JSON whose schema leaves no room for a reference.
const (
	Well      Verdict = "well"
	Wrong     Verdict = "wrong"
	Truncated Verdict = "truncated"
	OffTopic  Verdict = "off-topic"
	Refusal   Verdict = "refusal"
	Unknown   Verdict = "unknown"
)

// failures are the ways to fail, each with its share of all failures.
var failures = []struct {
	verdict Verdict
	share   float64
	quality float64
}{
	{Wrong, 0.45, 0.30},
	{Truncated, 0.25, 0.40},
	{OffTopic, 0.15, 0.10},
	{Refusal, 0.15, 0.05},
}

// Result is how one model answers one prompt.
type Result struct {
	Verdict Verdict
	// Quality is in [0,1], rounded to hundredths.
	Quality float64
}

// SuccessProbability returns the chance that a model of this capability answers
// a prompt of this difficulty well; both are in [0,1].
func SuccessProbability(capability, difficulty float64) float64 {
	return 1 / (1 + math.Exp(-Slope*(capability-difficulty)))
}

// Outcome settles how a model of this capability answers a prompt of this
// difficulty. It is fixed by its arguments; give each model a seed of its own.
// The package comment describes the formula.
func Outcome(seed uint64, capability, difficulty float64, promptHash uint64) Result {
	r := draws(seed, promptHash)
	p, u, kind := SuccessProbability(capability, difficulty), r.Float64(), r.Float64()
	if u < p {
		return Result{Well, hundredths(GoodQuality + (1-GoodQuality)*(1-u/p))}
	}
	for _, f := range failures {
		if kind < f.share {
			return Result{f.verdict, f.quality}
		}
		kind -= f.share
	}
	return Result{Wrong, qualityOf(Wrong)}
}

func hundredths(v float64) float64 { return math.Round(v*100) / 100 }

func qualityOf(v Verdict) float64 {
	for _, f := range failures {
		if f.verdict == v {
			return f.quality
		}
	}
	return 0.5
}

// Judge reads the truth about an answer from the answer itself. The prompt is
// the text of the last user message, or "" if it is not known; then an
// off-topic answer is still told by the quality it carries.
func Judge(prompt, answer string) Result {
	ref, ok := findReference(answer)
	switch {
	case !ok:
		v := verdictWithoutReference(prompt, answer)
		return Result{v, qualityOf(v)}
	case prompt != "" && ref.fingerprint != fingerprint(prompt):
		return Result{OffTopic, qualityOf(OffTopic)}
	case ref.quality >= GoodQuality:
		return Result{Well, ref.quality}
	}
	for _, f := range failures {
		if f.quality == ref.quality {
			return Result{f.verdict, f.quality}
		}
	}
	return Result{Wrong, ref.quality}
}

const refusalText = "I'm sorry, but I can't help with that."

func verdictWithoutReference(prompt, answer string) Verdict {
	answer = strings.TrimSpace(answer)
	switch {
	case strings.HasPrefix(answer, "I'm sorry"):
		return Refusal
	case bareAnswer(prompt) || strings.HasSuffix(answer, "}") || isNumber(answer):
		return Unknown
	default:
		return Truncated
	}
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// reference is what an answer says about itself.
type reference struct {
	fingerprint uint32 // 24 bits
	quality     float64
}

var referenceForm = regexp.MustCompile(`\(ref ([0-9a-f]{6})([0-9a-f]{2})([0-9a-f]{2})\)`)

// String writes the reference as answers carry it. The quality is masked, so
// that nobody takes it for a number that a model would print.
func (r reference) String() string {
	q := byte(math.Round(r.quality*100)) ^ byte(r.fingerprint)
	return fmt.Sprintf("(ref %06x%02x%02x)", r.fingerprint, q, checksum(r.fingerprint, q))
}

func checksum(fingerprint uint32, quality byte) byte {
	return byte(mix(uint64(fingerprint), uint64(quality)))
}

// findReference returns the last reference in a text, if it is a true one.
func findReference(text string) (reference, bool) {
	all := referenceForm.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return reference{}, false
	}
	last := all[len(all)-1]
	f, _ := strconv.ParseUint(last[1], 16, 32)
	q, _ := strconv.ParseUint(last[2], 16, 8)
	c, _ := strconv.ParseUint(last[3], 16, 8)
	if checksum(uint32(f), byte(q)) != byte(c) {
		return reference{}, false
	}
	return reference{uint32(f), float64(byte(q)^byte(f)) / 100}, true
}

// fingerprint identifies a prompt by 24 bits, whatever its white space.
func fingerprint(prompt string) uint32 {
	return uint32(hashText(strings.Join(strings.Fields(prompt), " ")) & 0xffffff)
}
