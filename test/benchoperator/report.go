package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// What the operator is held to, with a thousand policies on two processors.
const (
	programSeconds    = 60
	operatorMegabytes = 300
)

// methods are the HTTP methods of the operator's requests, reads first. A watch is
// one GET.
var methods = []string{"GET", "POST", "PATCH", "PUT", "DELETE"}

// report is everything that a run found.
type report struct {
	Started    time.Time `json:"started"`
	Seconds    float64   `json:"seconds"`
	Policies   int       `json:"policies"`
	Replicas   int       `json:"replicas"`
	Go         string    `json:"go"`
	Processors int       `json:"processors"`
	LoadBefore string    `json:"loadBefore"`
	LoadAfter  string    `json:"loadAfter"`
	Phases     []phase   `json:"phases"`
}

// phase is what the operator spent until something was done.
type phase struct {
	Name       string  `json:"name"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpuSeconds"`
	// APIServerCPUSeconds, EtcdCPUSeconds and BenchCPUSeconds are what the others
	// on the machine took meanwhile for the same work.
	APIServerCPUSeconds float64 `json:"apiServerCPUSeconds"`
	EtcdCPUSeconds      float64 `json:"etcdCPUSeconds"`
	BenchCPUSeconds     float64 `json:"benchCPUSeconds"`
	// PeakMegabytes is the highest resident size of the process so far, Megabytes
	// the one at the end of the phase.
	PeakMegabytes float64            `json:"peakMegabytes"`
	Megabytes     float64            `json:"megabytes"`
	Requests      map[string]float64 `json:"requests"`
	Reconciles    float64            `json:"reconciles"`
	// Served are the requests that the API server answered to anyone, the bench
	// included, by verb and resource.
	Served map[string]float64 `json:"served"`
	Missed []string           `json:"missed,omitempty"`

	atRest                  bool
	mustSeconds, mustMemory float64
}

// otherCPU is the CPU time of the processes that the operator shares the machine
// with, by which they are.
type otherCPU struct{ apiServer, etcd, bench time.Duration }

func (c *otherCPU) add(process string, cpu time.Duration) {
	switch process {
	case "kube-apiserver":
		c.apiServer += cpu
	case "etcd":
		c.etcd += cpu
	default:
		c.bench += cpu
	}
}

func (p *phase) othersSpent(before, after otherCPU) {
	p.APIServerCPUSeconds = (after.apiServer - before.apiServer).Seconds()
	p.EtcdCPUSeconds = (after.etcd - before.etcd).Seconds()
	p.BenchCPUSeconds = (after.bench - before.bench).Seconds()
}

func newReport(o options) report {
	return report{
		Started: time.Now(), Policies: o.policies, Replicas: o.replicas, Go: runtime.Version(),
		Processors: runtime.NumCPU(), LoadBefore: loadAverage(),
	}
}

// must says what the phase is held to; 0: to nothing.
func (p *phase) must(seconds, megabytes float64) { p.mustSeconds, p.mustMemory = seconds, megabytes }

func (p *phase) spent(before, after usage) {
	const mega = 1e6
	p.CPUSeconds = (after.cpu - before.cpu).Seconds()
	p.PeakMegabytes, p.Megabytes = after.peakBytes/mega, after.nowBytes/mega
	p.Reconciles = after.reconciles - before.reconciles
	p.Requests = map[string]float64{}
	for method, n := range after.requests {
		if n -= before.requests[method]; n > 0 {
			p.Requests[method] = n
		}
	}
}

// writes are the requests that are no reads.
func (p *phase) writes() float64 {
	n := 0.0
	for method, count := range p.Requests {
		if method != "GET" {
			n += count
		}
	}
	return n
}

// judge holds the phase to what it must be.
func (p *phase) judge() {
	if p.mustSeconds > 0 && p.Seconds > p.mustSeconds {
		p.Missed = append(p.Missed, fmt.Sprintf("takes %.1f s, must take %.0f s", p.Seconds, p.mustSeconds))
	}
	if p.mustMemory > 0 && p.PeakMegabytes > p.mustMemory {
		p.Missed = append(p.Missed, fmt.Sprintf("takes %.0f MB, must take %.0f MB", p.PeakMegabytes, p.mustMemory))
	}
	if p.atRest && p.writes() > 0 {
		p.Missed = append(p.Missed, fmt.Sprintf("writes %.0f times, must not write", p.writes()))
	}
}

func (r *report) add(p phase) {
	p.judge()
	r.Phases = append(r.Phases, p)
}

func (r *report) finish() {
	r.Seconds = time.Since(r.Started).Seconds()
	r.LoadAfter = loadAverage()
}

func (r *report) met() bool {
	for i := range r.Phases {
		if len(r.Phases[i].Missed) > 0 {
			return false
		}
	}
	return true
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *report) writeTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	// Flush has the errors of all lines.
	_, _ = fmt.Fprintf(t, "PHASE\tTIME\tCPU: OPERATOR\tAPI SERVER\tETCD\tBENCH\tRSS PEAK\tRSS NOW\tRECONCILES\t%s\tVERDICT\n", strings.Join(methods, "\t"))
	for i := range r.Phases {
		p := &r.Phases[i]
		verdict := "PASS"
		if len(p.Missed) > 0 {
			verdict = "MISS: " + strings.Join(p.Missed, "; ")
		}
		counts := make([]string, len(methods))
		for j, method := range methods {
			counts[j] = fmt.Sprintf("%.0f", p.Requests[method])
		}
		_, _ = fmt.Fprintf(t, "%s\t%.1f s\t%.1f s\t%.1f s\t%.1f s\t%.1f s\t%.0f MB\t%.0f MB\t%.0f\t%s\t%s\n",
			p.Name, p.Seconds, p.CPUSeconds, p.APIServerCPUSeconds, p.EtcdCPUSeconds, p.BenchCPUSeconds,
			p.PeakMegabytes, p.Megabytes, p.Reconciles, strings.Join(counts, "\t"), verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if err := r.writeServed(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d policies of %d routers, %s, %d processors, load average %s before and %s after, %.0f s.\n",
		r.Policies, r.Replicas, r.Go, r.Processors, r.LoadBefore, r.LoadAfter, r.Seconds)
	return err
}

// writeServed lists what each phase asked the API server for, the most frequent
// first. What came up less than once in ten policies is left out.
func (r *report) writeServed(w io.Writer) error {
	for i := range r.Phases {
		p := &r.Phases[i]
		var list []string
		for _, what := range slices.SortedFunc(maps.Keys(p.Served), func(a, b string) int {
			return cmp.Or(cmp.Compare(p.Served[b], p.Served[a]), cmp.Compare(a, b))
		}) {
			if n := p.Served[what]; n*10 >= float64(r.Policies) {
				list = append(list, fmt.Sprintf("%s %.0f", what, n))
			}
		}
		if len(list) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s: the API server answered, the bench's requests included:\n  %s\n", p.Name, strings.Join(list, ", ")); err != nil {
			return err
		}
	}
	return nil
}
