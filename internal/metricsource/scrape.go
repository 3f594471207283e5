package metricsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tiershift/tiershift/internal/shift"
)

// Target is a router that is scraped.
type Target struct {
	// ID tells routers apart, also those that have an address after one another:
	// a pod's UID.
	ID string
	// URL is where its metrics are, such as http://10.0.0.7:8081/metrics.
	URL string
}

// ScrapeOptions say how routers are scraped.
type ScrapeOptions struct {
	Selection
	// Client is asked; nil: http.DefaultClient.
	Client *http.Client
	// Timeout bounds one router's answer; 0: 5s.
	Timeout time.Duration
	// Stale is how old samples with a time of their own may be; 0: 5m.
	Stale time.Duration
}

// Scrape measures by reading the routers' own counters, and keeping what they said
// last. It may be used by several goroutines.
type Scrape struct {
	options ScrapeOptions

	mu sync.Mutex
	// last are the latest readings by target; nil: it was never reached.
	last map[string]*reading
	// at is when routers were last asked.
	at time.Time
	// begun is when they were first asked.
	begun  time.Time
	routes map[string]*window
}

// window is what a route did since it began.
type window struct {
	start time.Time
	grown counts
	// asked and answered count routers in the worst of its scrapes.
	asked, answered int
	fault           string
}

// NewScrape returns a source that has seen nothing: its first Collect learns where
// the counters stand.
func NewScrape(options ScrapeOptions) *Scrape {
	if options.Client == nil {
		options.Client = http.DefaultClient
	}
	if options.Timeout <= 0 {
		options.Timeout = 5 * time.Second
	}
	if options.Stale <= 0 {
		options.Stale = 5 * time.Minute
	}
	return &Scrape{options: options, last: map[string]*reading{}, routes: map[string]*window{}}
}

// maxExposition bounds one router's answer in bytes.
const maxExposition = 64 << 20

// scrapers bounds how many routers are asked at a time.
const scrapers = 8

// Collect asks all targets now and adds what they counted since they were last
// asked. A target that is new has counted from zero; one that is gone keeps what
// it had counted; one that began anew is seen by counters that fell, or by its
// start. Collect as often as the shortest interval asks for, and then look at
// the Window of the routes that are due. The error tells of targets that did not answer; their
// counts are not lost, but come with their next answer.
func (s *Scrape) Collect(ctx context.Context, targets []Target, now time.Time) error {
	readings, errs := s.ask(ctx, targets, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	grown, answered := counts{}, 0
	for i, t := range targets {
		current := readings[i]
		if current == nil {
			if _, known := s.last[t.ID]; !known {
				s.last[t.ID] = nil // where it stands is not known: it may have counted for days
			}
			continue
		}
		answered++
		s.account(t.ID, current, grown)
	}
	s.forget(targets)
	first := s.at.IsZero()
	s.at = now
	if first {
		s.begun = now
		return errors.Join(errs...)
	}
	for _, w := range s.routes {
		w.add(grown, len(targets), answered)
	}
	for k := range grown {
		if s.routes[k.route] == nil {
			w := &window{start: s.begun, grown: counts{}}
			w.add(grown.of(k.route), len(targets), answered)
			s.routes[k.route] = w
		}
	}
	return errors.Join(errs...)
}

func (c counts) of(route string) counts {
	out := counts{}
	for k, v := range c {
		if k.route == route {
			out[k] = v
		}
	}
	return out
}

func (w *window) add(grown counts, asked, answered int) {
	for k, v := range grown {
		w.grown[k] += v
	}
	if w.asked == 0 || answered*w.asked < w.answered*asked {
		w.asked, w.answered = asked, answered
	}
	if asked == 0 {
		w.fault = "there is no router to ask"
	}
}

// account adds what a router counted since its last reading.
func (s *Scrape) account(id string, current *reading, grown counts) {
	previous, known := s.last[id]
	s.last[id] = current
	var base counts
	switch {
	case s.at.IsZero(), known && previous == nil, !known && s.older(current):
		return // the first reading: what it counted before is not of this window
	case !known || restarted(previous, current):
	default:
		base = previous.counts
		for k, v := range base {
			if _, there := current.counts[k]; !there {
				current.counts[k] = v // it may come back
			}
		}
	}
	for k, v := range current.counts {
		grown[k] += max(v-base[k], 0) // an empty bucket says where the next begins
	}
}

// skew is how far a router's clock may be off.
const skew = 30 * time.Second

// older holds for a router that says it ran before the last scrape, which did not
// know of it.
func (s *Scrape) older(r *reading) bool {
	return !r.started.IsZero() && r.started.Before(s.at.Add(-skew))
}

// restarted holds when the process began anew: all of its counters then began at
// zero.
func restarted(previous, current *reading) bool {
	if !current.started.IsZero() && !previous.started.IsZero() && current.started.Sub(previous.started) > time.Second {
		return true
	}
	for k, v := range previous.counts {
		if now, there := current.counts[k]; there && now < v {
			return true
		}
	}
	return false
}

func (s *Scrape) forget(targets []Target) {
	for id := range s.last {
		if !slices.ContainsFunc(targets, func(t Target) bool { return t.ID == id }) {
			delete(s.last, id)
		}
	}
}

// Window is what the route did since its window was begun, or since the first
// Collect, up to the latest Collect.
func (s *Scrape) Window(route string) shift.Window {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.routes[route]
	if w == nil {
		w = &window{start: s.begun, asked: 1, answered: 1}
	}
	out := shift.Window{Start: w.start, End: s.at, Samples: w.grown.samples(route), Fault: w.fault}
	switch {
	case out.Fault != "":
	case !s.at.After(w.start):
		out.Fault = "there is no second scrape of the routers yet to compare with"
	case 2*w.answered < w.asked:
		out.Fault = fmt.Sprintf("only %d of %d routers answered", w.answered, w.asked)
	}
	return out
}

// Begin begins the route's next window at the latest Collect. It is called when
// what was decided on the one before is kept; until then that one grows.
func (s *Scrape) Begin(route string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.routes[route] = &window{start: s.at, grown: counts{}}
}

// Keep forgets the windows of all routes but these.
func (s *Scrape) Keep(routes map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.routes, func(route string, _ *window) bool { return !routes[route] })
}

// ask reads all targets; the readings are parallel to them, nil where there is none.
func (s *Scrape) ask(ctx context.Context, targets []Target, now time.Time) ([]*reading, []error) {
	readings, errs := make([]*reading, len(targets)), make([]error, len(targets))
	limit := make(chan struct{}, scrapers)
	var group sync.WaitGroup
	for i := range targets {
		group.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			var err error
			if readings[i], err = s.read(ctx, targets[i].URL, now); err != nil {
				errs[i] = fmt.Errorf("router %s: %w", targets[i].URL, err)
			}
		})
	}
	group.Wait()
	return readings, errs
}

func (s *Scrape) read(ctx context.Context, url string, now time.Time) (*reading, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/plain;version=0.0.4")
	response, err := s.options.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %s", response.Status)
	}
	if kind := response.Header.Get("Content-Type"); kind != "" && !strings.HasPrefix(kind, "text/plain") {
		return nil, fmt.Errorf("answered with %s, not with metrics", kind)
	}
	body := &io.LimitedReader{R: response.Body, N: maxExposition + 1}
	r, err := parse(body, &s.options.Selection, now.Add(-s.options.Stale))
	if body.N <= 0 {
		return nil, fmt.Errorf("answered with more than %d MiB", maxExposition>>20)
	}
	return r, err
}
