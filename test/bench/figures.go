package main

// limit is what a figure must be and what it aims to be, at most, as the
// project's contract has it.
type limit struct {
	Name string  `json:"name"`
	Unit string  `json:"unit"`
	Must float64 `json:"must"`
	Aim  float64 `json:"aim"`
}

// The figures. Unit "x" is the router's CPU time per request over the reverse
// proxy's.
var (
	idleMemory   = limit{"RSS idle", "MB", 20, 15}
	coldStart    = limit{"cold start to first answer", "ms", 50, 20}
	latencyP50   = limit{"added latency p50, 300 requests/s", "ms", 0.40, 0.25}
	latencyP99   = limit{"added latency p99, 300 requests/s", "ms", 1.0, 0.5}
	firstToken   = limit{"added time to first token, p50", "ms", 0.45, 0.33}
	loadMemory   = limit{"RSS under load, highest", "MB", 45, 30}
	streamMemory = limit{"memory per concurrent stream", "KB", 40, 40}
)

// cpuScenario is a load under which CPU time is measured.
type cpuScenario struct {
	limit
	file   string // of its profiles
	size   int
	stream bool
	// gap is the upstream's pause after each event.
	gap         string
	connections int
}

var cpuScenarios = []cpuScenario{
	{limit{"CPU, 2 KB JSON", "x", 1.2, 0.6}, "2kb", 2 << 10, false, "0s", 8},
	{limit{"CPU, 20 KB JSON", "x", 1.3, 0.6}, "20kb", 20 << 10, false, "0s", 8},
	{limit{"CPU, 200 KB JSON", "x", 1.5, 0.7}, "200kb", 200 << 10, false, "0s", 8},
	{limit{"CPU, stream of 50 tokens at once", "x", 1.1, 0.95}, "stream", 2 << 10, true, "0s", 8},
	{limit{"CPU, stream of 50 tokens, 1 ms apart", "x", 1.1, 0.95}, "stream-paced", 2 << 10, true, "1ms", 32},
}

func cpuLimits() []limit {
	out := make([]limit, len(cpuScenarios))
	for i, s := range cpuScenarios {
		out[i] = s.limit
	}
	return out
}

// side is what was measured of one side of a comparison, in the unit of the raw
// measurement ("µs", "ms", "MB", "KB").
type side struct {
	spread
	Requests int `json:"requests,omitempty"`
	Errors   int `json:"errors,omitempty"`
	// FirstError says what the first error was.
	FirstError string `json:"firstError,omitempty"`
	// CPUSeconds is the CPU time that was spent in all.
	CPUSeconds float64 `json:"cpuSeconds,omitempty"`
}

func (s *side) count(t *tally) {
	s.Requests += t.requests
	s.Errors += t.errors
	if s.FirstError == "" && t.firstError != nil {
		s.FirstError = t.firstError.Error()
	}
}

// figure is a limit and what was measured.
type figure struct {
	limit
	RawUnit string `json:"rawUnit"`
	Router  side   `json:"router"`
	Proxy   side   `json:"reverseProxy"`
	// Direct is the upstream without anything between, where that is measured.
	Direct *side `json:"direct,omitempty"`
	// Value is what must hold the limits.
	Value spread `json:"value"`
	Note  string `json:"note,omitempty"`
	Pass  bool   `json:"pass"`
	AtAim bool   `json:"atAim"`
	// Sure is false when another run may well say the opposite.
	Sure bool `json:"sure"`
}

// judge holds the value to the limits. A figure that cost a request is missed,
// whatever it is. One whose quartiles lie on both sides of the limit is not sure,
// nor is a router that seems to take less time than none at all.
func (f *figure) judge() {
	whole := f.Router.Errors == 0
	f.Pass = f.Value.Median <= f.Must && whole
	f.AtAim = f.Value.Median <= f.Aim && whole
	f.Sure = !whole || f.Value.Median >= 0 && (f.Value.Low > f.Must || f.Value.High <= f.Must)
}

// verdict is in words. A question mark says that it is not sure.
func (f *figure) verdict() string {
	verdict := "MISS"
	if f.Pass {
		verdict = "PASS"
	}
	switch {
	case !f.Sure:
		return verdict + "?"
	case f.AtAim:
		return verdict + ", at aim"
	}
	return verdict
}
