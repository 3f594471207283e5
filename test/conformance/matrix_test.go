package conformance

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/simulator"
)

var update = flag.Bool("update", false, "write docs/conformance.md")

const document = "../../docs/conformance.md"

// verdict is what became of a cell.
type verdict struct {
	kind   kind
	reason string
}

type kind string

const (
	passes  kind = "✓"
	absent  kind = "–"
	refused kind = "refused"
	drops   kind = "dropped"
	fails   kind = "FAILS"
)

func failing(format string, args ...any) verdict { return verdict{fails, fmt.Sprintf(format, args...)} }

// cell is a feature, asked by a client of a provider.
type cell struct {
	w *world
	f *feature
	c client
	u *upstream
}

func TestMatrix(t *testing.T) {
	w := newWorld(t, options{})
	clients := w.clients(clientKey)
	rows := features()
	tables := make([]*table, len(clients))
	for i, c := range clients {
		tables[i] = newTable(c.name(), w.upstreams)
		for k := range rows {
			for _, u := range w.upstreams {
				v := (&cell{w, &rows[k], c, u}).run(t)
				if v.kind == fails {
					t.Errorf("%s, %s of %s: %s", rows[k].name, c.name(), u.title, v.reason)
				}
				tables[i].put(rows[k].name, u, v)
			}
		}
	}
	checkDocument(t, tables)
}

func checkDocument(t *testing.T, tables []*table) {
	t.Helper()
	text := render(tables)
	if *update {
		if err := os.WriteFile(document, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("docs/conformance.md says something else; run `make conformance` and look at what has changed:\n%s", difference(string(have), text))
	}
}

// difference is the first line that differs.
func difference(have, want string) string {
	a, b := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "- " + a[i] + "\n+ " + b[i]
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}

// run asks for a document and for a stream, which must come to the same.
func (c *cell) run(t *testing.T) verdict {
	whole, streamed := c.once(t, false), c.once(t, true)
	if whole.kind == fails {
		whole.reason = "document: " + whole.reason
		return whole
	}
	if streamed.kind == fails {
		streamed.reason = "stream: " + streamed.reason
		return streamed
	}
	if whole != streamed {
		return failing("document %v, stream %v", whole, streamed)
	}
	return whole
}

func (c *cell) once(t *testing.T, stream bool) verdict {
	a := c.f.ask()
	a.model, a.stream = "tier:"+c.u.tier(c.f.thinks), stream
	g, v := c.ask(t, a, c.f.marks, c.f.check)
	if c.f.next == nil || v.kind == fails || g.err != nil {
		return v
	}
	next := c.f.next(a, g)
	_, second := c.ask(t, next, c.f.nextMarks, c.f.nextCheck)
	return worse(v, second)
}

// worse is what two answers come to.
func worse(a, b verdict) verdict {
	if b.kind == passes || a.kind == drops && b.kind == drops && a.reason == b.reason {
		return a
	}
	if a.kind == drops && b.kind == drops {
		return verdict{drops, a.reason + "; then " + b.reason}
	}
	return b
}

func (c *cell) ask(t *testing.T, a *ask, marks []string, check func(*ask, *got) error) (*got, verdict) {
	before := c.u.simulated.Stats()
	g := c.c.ask(t.Context(), a)
	var no cannot
	switch {
	case errors.As(g.err, &no):
		return g, verdict{absent, string(no)}
	case g.err != nil && strings.Contains(g.message, "cannot be carried over"):
		return g, verdict{refused, g.message}
	case g.err != nil && c.f.own && g.status == 400 && strings.Contains(c.sent(), marks[0]):
		return g, verdict{kind: passes} // the provider itself looked at it
	case g.err != nil && g.code == "" && g.status == 0:
		return g, failing("no error of the API: %v", g.err)
	case g.err != nil:
		return g, failing("%d %s: %s", g.status, g.code, g.message)
	}
	if err := c.booked(g, before); err != nil {
		return g, failing("%v", err)
	}
	if c.f.name == broughtBack && !g.signed && len(g.calls) > 0 && c.u.lacks(c.f, c.c) == "" {
		return g, failing("no signature to bring back")
	}
	dropped := g.header.Get("X-Tiershift-Dropped")
	lacks := c.u.lacks(c.f, c.c)
	if check != nil {
		err := check(a, g)
		if err != nil && lacks != "" {
			return g, verdict{absent, lacks}
		}
		if err != nil {
			return g, failing("%v (dropped %q)", err, dropped)
		}
	}
	if dropped != "" {
		return g, verdict{drops, dropped}
	}
	if lacks != "" {
		return g, verdict{absent, lacks}
	}
	sent := c.sent()
	if i := slices.IndexFunc(marks, func(mark string) bool { return !strings.Contains(sent, mark) }); i >= 0 {
		return g, failing("%q was lost without a word: %.400s", marks[i], sent)
	}
	return g, verdict{kind: passes}
}

// sent is what the provider got last.
func (c *cell) sent() string {
	all := c.u.simulated.Requests()
	last := all[len(all)-1]
	return last.Path + " " + string(last.Body)
}

// booked checks that what the router charged is what the provider did.
func (c *cell) booked(g *got, before simulator.Stats) error {
	record, err := c.w.record(g.header.Get("X-Tiershift-Request-Id"))
	if err != nil {
		return err
	}
	model := c.u.plain
	if c.f.thinks {
		model = c.u.thinker
	}
	rates, err := pricing.NewRates(pricing.RateStrings{
		Input: price.Input, CachedInput: price.CachedInput, CacheWrite: price.CacheWrite, CacheWrite1h: price.CacheWrite1h,
		Output: price.Output, ReasoningOutput: price.ReasoningOutput,
	})
	if err != nil {
		return err
	}
	spent := c.u.spent(model, before)
	for n := 0; n < 500 && rates.Cost(spent) != record.Cost; n++ {
		time.Sleep(time.Millisecond) // the simulator counts when its answer has gone
		spent = c.u.spent(model, before)
	}
	if want := rates.Cost(spent); record.Cost != want || record.Cost == 0 || record.Usage.Estimated {
		return fmt.Errorf("charged %s for %+v, the provider charged %s for %+v", record.Cost, record.Usage, want, spent)
	}
	return nil
}
