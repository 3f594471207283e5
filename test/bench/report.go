package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"
)

// report is everything that a run found.
type report struct {
	Started    time.Time `json:"started"`
	Seconds    float64   `json:"seconds"`
	Quick      bool      `json:"quick"`
	Go         string    `json:"go"`
	Platform   string    `json:"platform"`
	Processors int       `json:"processors"`
	LoadBefore string    `json:"loadBefore"`
	LoadAfter  string    `json:"loadAfter"`
	OpenFiles  uint64    `json:"openFiles"`
	Figures    []figure  `json:"figures"`
}

func newReport(o options) report {
	return report{
		Started: time.Now(), Quick: o.quick, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Processors: runtime.NumCPU(), LoadBefore: loadAverage(),
	}
}

func (r *report) finish() {
	r.Seconds = time.Since(r.Started).Seconds()
	r.LoadAfter = loadAverage()
}

// met reports whether no figure is surely missed.
func (r *report) met() bool {
	for i := range r.Figures {
		if f := &r.Figures[i]; f.Sure && !f.Pass {
			return false
		}
	}
	return true
}

// add judges a figure and says it at once, since the whole takes its time.
func (b *bench) add(f figure) {
	f.judge()
	b.report.Figures = append(b.report.Figures, f)
	b.say("%s: %s", f.Name, amount(f.Value.Median, f.Unit))
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *report) writeTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "FIGURE\tROUTER\tREVERSE PROXY\tDIRECT\tVALUE\tQUARTILES\tMUST\tAIM\tVERDICT\tNOTE") // Flush has the error
	for i := range r.Figures {
		f := &r.Figures[i]
		direct := "-"
		if f.Direct != nil {
			direct = amount(f.Direct.Median, f.RawUnit)
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", // as above
			f.Name, amount(f.Router.Median, f.RawUnit), amount(f.Proxy.Median, f.RawUnit), direct,
			amount(f.Value.Median, f.Unit), f.quartiles(), amount(f.Must, f.Unit), amount(f.Aim, f.Unit), f.verdict(), f.note())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s %s, %d processors, load average %s before and %s after, %.0f s.\n",
		r.Go, r.Platform, r.Processors, r.LoadBefore, r.LoadAfter, r.Seconds)
	if r.Quick && err == nil {
		_, err = fmt.Fprintln(w, "A quick run: too short for the figures to mean much.")
	}
	return err
}

func (f *figure) quartiles() string {
	if f.Value.Low == f.Value.High {
		return "-"
	}
	return fmt.Sprintf("%.2f–%.2f", f.Value.Low, f.Value.High)
}

func (f *figure) note() string {
	note := f.Note
	for _, s := range []struct {
		name string
		side *side
	}{{"router", &f.Router}, {"reverse proxy", &f.Proxy}} {
		if s.side.Errors > 0 {
			note += fmt.Sprintf(" %s: %d of %d requests failed (%s)", s.name, s.side.Errors, s.side.Requests, s.side.FirstError)
		}
	}
	return note
}

// amount writes a value with as many digits as mean something.
func amount(v float64, unit string) string {
	switch {
	case unit == "x":
		return fmt.Sprintf("%.2fx", v)
	case v >= 100:
		return fmt.Sprintf("%.0f %s", v, unit)
	case v >= 10:
		return fmt.Sprintf("%.1f %s", v, unit)
	default:
		return fmt.Sprintf("%.2f %s", v, unit)
	}
}
