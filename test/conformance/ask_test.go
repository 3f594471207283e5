package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// ask is what a feature wants of a model. Each client says it in its own words.
type ask struct {
	model             string
	system, developer string
	turns             []turn
	stream            bool
	// hideUsage is that the client does not ask for the usage of a stream.
	hideUsage bool

	tools   []function
	choice  string // auto, none, required, or the name of a tool
	oneCall bool
	schema  map[string]any

	stop                           []string
	temperature, topP              *float64
	frequencyPenalty               *float64
	topK, seed                     *int64
	effort                         string
	budget                         int64
	thoughts                       bool
	n                              int64
	logprobs                       bool
	max                            int64
	user, cacheKey, tier, cacheTTL string
	metadata                       map[string]string
	extra                          map[string]any
	header                         map[string]string
	// onEvent, if set, is called at each event of a stream.
	onEvent func()
}

// turn is one message. An assistant's is what a client was answered.
type turn struct {
	user      string
	assistant string
	answered  *got
	// imageURL, image and document are attached to what the user says; the latter
	// two in base64.
	imageURL, image, document string
	results                   []result
}

type function struct {
	name, about string
	schema      map[string]any
}

type result struct {
	call  call
	text  string
	image string
	fails bool
}

type call struct{ id, name, arguments string }

// got is what a client was answered, as its SDK reads it.
type got struct {
	texts    []string // one a choice
	thinking string
	signed   bool
	calls    []call
	finish   string // stop, length, tool_calls, stop_sequence, refusal
	usage    tokens
	hasUsage bool
	logprobs int
	events   int
	// raw is the SDK's own form of the answer, for the next turn.
	raw any

	header http.Header
	err    error
	// status and the rest are what the SDK's own error says.
	status        int
	code, message string
}

// came counts an event.
func (g *got) came(a *ask) {
	g.events++
	if a.onEvent != nil {
		a.onEvent()
	}
}

type tokens struct{ input, cached, written, output, reasoning int64 }

func (g *got) text() string { return strings.Join(g.texts, "") }

// cannot is that a client has no words for what is asked.
type cannot string

func (c cannot) Error() string { return string(c) }

// client is an official SDK at work.
type client interface {
	name() string
	ask(ctx context.Context, a *ask) *got
	// models lists the models.
	models(ctx context.Context) ([]string, error)
}

// tap is the transport of an SDK. It keeps the head of the last answer, and keeps
// requests to the tier that they ask for.
type tap struct {
	mu     sync.Mutex
	tier   string
	header http.Header
}

// RoundTrip implements [http.RoundTripper].
func (t *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	t.mu.Lock()
	if t.tier != "" {
		r.Header.Set("X-Tiershift-Max-Tier", t.tier)
	}
	t.mu.Unlock()
	response, err := http.DefaultTransport.RoundTrip(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.header = response.Header
	}
	return response, err
}

// keep lets no request go beyond the tier that the model names.
func (t *tap) keep(model string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.header = nil
	if tier, pinned := strings.CutPrefix(model, "tier:"); pinned {
		t.tier = tier
	} else {
		t.tier = ""
	}
}

// exchange asks by way of the tap, for a stream or for the whole answer, which read
// takes note of.
func exchange[Answer any](t *tap, a *ask, stream func(*got), whole func() (Answer, error), read func(*got, Answer)) *got {
	g := &got{}
	t.keep(a.model)
	if a.stream {
		stream(g)
	} else if answer, err := whole(); err != nil {
		g.err = err
	} else {
		read(g, answer)
	}
	g.header = t.last()
	return g
}

func (t *tap) last() http.Header {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.header
}

func (t *tap) client() *http.Client { return &http.Client{Transport: t} }

func (a *ask) refuse(conditions ...any) error {
	for i := 0; i < len(conditions); i += 2 {
		if conditions[i].(bool) {
			return cannot(fmt.Sprint(conditions[i+1]))
		}
	}
	return nil
}
