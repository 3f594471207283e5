package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/replay"
	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/simulator"
)

// board counts what the router did and shows it.
type board struct {
	providers *providers
	baseURL   string
	// config is what is in service.
	config func() *routerconfig.Config
	// routes are those that shift, as they stand.
	routes func() []v1alpha1.RouteStatus
	// shares are the splits as they were told last, by route.
	shares map[string]string

	mu    sync.Mutex
	tiers map[string]*tally
	// refused counts replayed requests that reached no tier, and refusal is why the
	// first did not.
	refused int64
	refusal error
	lines   int // of the table on the terminal
}

// tally is the account of a tier.
type tally struct {
	requests, failed int64
	cost, baseline   pricing.Total
	// durations are the latest, for the percentile.
	durations []time.Duration
	next      int
	// judged and well count simulated answers by their known truth.
	judged, well int64
}

// keepDurations bounds the memory of the percentile; it then is that of the
// latest requests.
const keepDurations = 2048

func newBoard(p *providers, routes func() []v1alpha1.RouteStatus) *board {
	return &board{providers: p, routes: routes, tiers: map[string]*tally{}}
}

// order lists the tiers from the highest rank to the lowest, and after them those
// that have answered and are no longer there.
func (b *board) order(c *routerconfig.Config) []string {
	var names []string
	for _, t := range slices.Backward(c.Tiers) {
		names = append(names, t.Name)
	}
	gone := slices.DeleteFunc(slices.Sorted(maps.Keys(b.tiers)), func(name string) bool { return slices.Contains(names, name) })
	return append(names, gone...)
}

// observe is the Observe of router.Options.
func (b *board) observe(r *router.Record) {
	if r.Tier == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tally(r.Tier)
	t.requests++
	if r.Status >= http.StatusBadRequest && r.Outcome != metricnames.OutcomeCancelled {
		t.failed++
	}
	t.cost, t.baseline = t.cost.Add(r.Cost), t.baseline.Add(r.Baseline)
	if len(t.durations) < keepDurations {
		t.durations = append(t.durations, r.Duration)
		return
	}
	t.durations[t.next] = r.Duration
	t.next = (t.next + 1) % keepDurations
}

func (b *board) tally(tier string) *tally {
	t, ok := b.tiers[tier]
	if !ok {
		t = &tally{}
		b.tiers[tier] = t
	}
	return t
}

// answered judges a replayed answer, where a simulated provider gave it and so
// the truth is known.
func (b *board) answered(r replay.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Tier == "" && r.Err != nil && !errors.Is(r.Err, context.Canceled) {
		b.refused++
		b.refusal = cmp.Or(b.refusal, r.Err)
	}
	if r.Err != nil || r.Tier == "" {
		return
	}
	verdict := simulator.Judge(r.Item.Prompt, r.Answer).Verdict
	if verdict == simulator.Unknown {
		return
	}
	t := b.tally(r.Tier)
	t.judged++
	if verdict == simulator.Well {
		t.well++
	}
}

func (b *board) header(w io.Writer) {
	c := b.config()
	fmt.Fprintf(w, "Policy %s/%s, baseline %s\n", c.Namespace, c.Policy, c.Baseline.Model)
	fmt.Fprintf(w, "Real providers:      %s\n", joinOr(b.providers.real, "none"))
	if b.providers.simulate {
		fmt.Fprintf(w, "Simulated providers: %s (about ten times as fast as real ones; prices are real)\n", joinOr(b.providers.simulated, "none"))
	}
	if len(b.providers.keyless) > 0 {
		fmt.Fprintf(w, "Without a real key:  %s (they will refuse: set OPENAI_API_KEY and the like, or add --simulate)\n", joinOr(b.providers.keyless, "none"))
	}
	fmt.Fprintln(w)
}

// live redraws the table until it is stopped: in place on a terminal, else
// every few seconds.
func (b *board) live(w io.Writer, total int) (stop func()) {
	interval, redraw := 5*time.Second, false
	if f, ok := w.(*os.File); ok && isTerminal(f) {
		interval, redraw = 250*time.Millisecond, true
	}
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				b.draw(w, total, redraw)
				return
			case <-ticker.C:
				b.draw(w, total, redraw)
			}
		}
	})
	return func() {
		close(done)
		group.Wait()
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

func (b *board) draw(w io.Writer, total int, redraw bool) {
	text := b.table(total)
	if redraw && b.lines > 0 {
		fmt.Fprintf(w, "\x1b[%dA\x1b[J", b.lines) // up to where the last table began, and clear
	}
	b.lines = strings.Count(text, "\n")
	fmt.Fprint(w, text)
}

// table is the state as text. total is the number of requests to come; 0: not
// known.
func (b *board) table(total int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.config()
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "TIER\tREQUESTS\tFAILED\tCOST USD\tP95\tANSWERED WELL\t")
	var sum tally
	for _, name := range b.order(c) {
		t := b.tally(name)
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t%s\t\n", name, t.requests, t.failed, t.cost.FormatUSD(6), t.p95(), t.wellShare())
		sum.requests += t.requests
		sum.failed += t.failed
		sum.cost, sum.baseline = sum.cost.AddTotal(t.cost), sum.baseline.AddTotal(t.baseline)
		sum.durations = append(sum.durations, t.durations...)
		sum.judged += t.judged
		sum.well += t.well
	}
	fmt.Fprintf(table, "total\t%d\t%d\t%s\t%s\t%s\t\n", sum.requests, sum.failed, sum.cost.FormatUSD(6), sum.p95(), sum.wellShare())
	_ = table.Flush() // a strings.Builder takes everything
	savings := pricing.Savings{Baseline: sum.baseline, Actual: sum.cost}
	fmt.Fprintf(&text, "baseline %s USD on %s   saved %s USD   saved %s %%\n",
		sum.baseline.FormatUSD(6), c.Baseline.Model, savings.Saved().FormatUSD(6), savings.Percent())
	for _, r := range b.routes() {
		fmt.Fprintln(&text, splitLine(&r))
	}
	if total > 0 {
		fmt.Fprintf(&text, "%d of %d requests\n", sum.requests, total)
	}
	if total > 0 && b.refused > 0 {
		fmt.Fprintf(&text, "%d more were refused, the first: %s\n", b.refused, strings.Join(strings.Fields(b.refusal.Error()), " "))
	}
	return text.String()
}

// shifted tells of the routes whose split is another than when it was called
// before, a line each. One goroutine calls it.
func (b *board) shifted() string {
	text, shares := "", map[string]string{}
	for _, r := range b.routes() {
		shares[r.Name] = sharesOf(&r)
		if shares[r.Name] != b.shares[r.Name] {
			text += splitLine(&r) + "\n"
		}
	}
	b.shares = shares
	return text
}

// splitLine is where the undecided of a route goes, and why.
func splitLine(r *v1alpha1.RouteStatus) string {
	return fmt.Sprintf("route %s, undecided: %s (%s)", r.Name, sharesOf(r), r.Reason)
}

func sharesOf(r *v1alpha1.RouteStatus) string {
	shares := make([]string, len(r.Split))
	for i, s := range r.Split {
		shares[i] = fmt.Sprintf("%s %d %%", s.Tier, s.Percent)
	}
	return strings.Join(shares, ", ")
}

func (t *tally) p95() string {
	if len(t.durations) == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(t.durations))
	return sorted[(len(sorted)*95-1)/100].Round(time.Millisecond).String()
}

func (t *tally) wellShare() string {
	if t.judged == 0 {
		return "-"
	}
	return fmt.Sprintf("%d %%", (t.well*100+t.judged/2)/t.judged)
}

// footer says how to go on.
func (b *board) footer(w io.Writer) {
	fmt.Fprintf(w, `
Serving on %s until interrupted (Ctrl-C). Point an OpenAI SDK at %s/v1, or try:

  curl -si %s/v1/chat/completions -H 'content-type: application/json' \
    -d '{"model":"auto","messages":[{"role":"user","content":"What is the capital of France?"}]}'

`, b.baseURL, b.baseURL, b.baseURL)
}

func (b *board) summary(w io.Writer) {
	fmt.Fprintf(w, "\nServed until interrupted:\n%s", b.table(0))
}
