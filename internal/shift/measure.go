package shift

// measure is something that is tested: the mean of values in [0,1], of which more
// is better.
type measure int

const (
	// answered: the request got a whole answer.
	answered measure = iota
	// prompt: it took no longer than maxLatencyP95.
	prompt
	judged
	rated
	validated
	measures
)

// sources are the quality sources in the order in which they are trusted: a judge
// sees a random sample; clients who rate choose themselves; validation sees
// everything, but only the form.
var sources = [...]Source{SourceJudge, SourceFeedback, SourceValidation}

func measureOf(i int) measure { return judged + measure(i) }

const (
	// leastAnswered is the share of a tier's requests that must be answered. It
	// guards every route that shifts: tiers that fail have no quality to measure.
	leastAnswered = 0.95
	// leastPrompt is what a 95th percentile means.
	leastPrompt = 0.95
)

// name is how messages speak of the measure.
func (m measure) name() string {
	switch m {
	case answered:
		return "answered requests"
	case prompt:
		return "requests within the latency limit"
	case validated:
		return "valid answers"
	default:
		return "quality"
	}
}

// margin is how far below its target a tier has collapsed rather than failed.
func (m measure) margin() float64 {
	switch m {
	case answered:
		return 0.15
	case prompt:
		return 0.45
	default:
		return 0.05
	}
}

// objective is the kind of verdict that the measure leads to.
func (m measure) objective() Objective {
	switch m {
	case answered:
		return ObjectiveAnswered
	case prompt:
		return ObjectiveLatency
	default:
		return ObjectiveQuality
	}
}

// evidence is what a sample says of each measure.
func (s *Sample) evidence(latencyLimit float64) (out [measures]Evidence, err error) {
	out[answered] = twoPoint(s.Requests, s.Requests-s.Failed)
	if latencyLimit > 0 {
		n := s.Durations.Count()
		out[prompt] = twoPoint(n, s.Durations.within(latencyLimit))
	}
	for i, source := range sources {
		scores := s.Scores[source]
		if out[measureOf(i)], err = scores.evidence(); err != nil {
			return out, err
		}
	}
	return out, nil
}
