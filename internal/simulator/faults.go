package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultHeader is the request header that asks for a fault, if the provider
// allows it. Its value is a list, separated by commas or semicolons, of
//
//	status=429  retry-after=2  (seconds or a duration, with a status)
//	hang  reset  cut=3  stall=3  error-event=3  garbage=html  garbage=json
//	no-usage  usage-with-choices  no-done  crlf  split  keep-alive
//
// where the number after cut, stall and error-event is how many events of a
// stream go out before (half of them if it is left out). A list that cannot be
// read is answered by an error that says so.
const FaultHeader = "x-simulator-fault"

// Faults are what goes wrong at a provider. The rates are shares of requests
// in [0,1]; at most one of these faults meets a request, so that they may add
// up to 1. The flags hold for every answer.
type Faults struct {
	// ErrorRates are the shares answered with an error, by HTTP status.
	ErrorRates map[int]float64
	// RetryAfter is what errors 429 and 503 ask the client to wait; 0: nothing.
	RetryAfter time.Duration
	// TimeoutRate is the share never answered at all.
	TimeoutRate float64
	// ConnectionResetRate is the share whose connection is reset at once.
	ConnectionResetRate float64
	// CutRate is the share whose connection breaks halfway through the answer.
	CutRate float64
	// StallRate is the share whose answer stops halfway, the connection open.
	StallRate float64
	// ErrorEventRate is the share of streams that end in an error event; requests
	// that want no stream get a 500.
	ErrorEventRate float64
	// GarbageRate is the share answered 200 with HTML or half a JSON document.
	GarbageRate float64

	// NoUsage leaves out the usage, asked for or not.
	NoUsage bool
	// UsageInLastChunkWithChoices states a stream's usage beside the last finish
	// reason, and not in a chunk of its own.
	UsageInLastChunkWithChoices bool
	// NoDone leaves out the [DONE] that ends a stream.
	NoDone bool
	// CRLF ends the lines of a stream with carriage return and line feed.
	CRLF bool
	// ChunkSplitting writes streams in pieces of a few bytes that end anywhere,
	// within characters too.
	ChunkSplitting bool
	// KeepAliveComments sends a comment (in JSON: an empty line) before the first
	// token, as DeepSeek and OpenRouter do.
	KeepAliveComments bool
}

// clone is a copy that shares nothing with f.
func (f Faults) clone() *Faults {
	f.ErrorRates = maps.Clone(f.ErrorRates)
	return &f
}

func (f Faults) validate() error {
	var errs []error
	sum := 0.0
	for _, rate := range []struct {
		name  string
		value float64
	}{
		{"timeoutRate", f.TimeoutRate},
		{"connectionResetRate", f.ConnectionResetRate},
		{"cutRate", f.CutRate},
		{"stallRate", f.StallRate},
		{"errorEventRate", f.ErrorEventRate},
		{"garbageRate", f.GarbageRate},
	} {
		sum += rate.value
		errs = append(errs, validShare(rate.name, rate.value))
	}
	for status, rate := range f.ErrorRates {
		sum += rate
		if status < 400 || status > 599 {
			errs = append(errs, fmt.Errorf("errorRates: %d is not an error status", status))
		}
		errs = append(errs, validShare(fmt.Sprintf("errorRates[%d]", status), rate))
	}
	if sum > 1+1e-9 {
		errs = append(errs, fmt.Errorf("the rates add up to %.3f, more than 1", sum))
	}
	return errors.Join(errs...)
}

// faultKind is what goes wrong with one request.
type faultKind string

const (
	noFault         faultKind = ""
	faultStatus     faultKind = "status"
	faultHang       faultKind = "hang"
	faultReset      faultKind = "reset"
	faultCut        faultKind = "cut"
	faultStall      faultKind = "stall"
	faultErrorEvent faultKind = "error-event"
	faultGarbage    faultKind = "garbage"
)

// fault is what goes wrong with one request, and the shape of its answer.
type fault struct {
	kind   faultKind
	status int
	// after is how many events go out before; below zero: half of them.
	after int
	// html makes garbage HTML, and not half a JSON document.
	html  bool
	shape Faults
}

// name is what the fault is counted as.
func (f fault) name() string {
	if f.kind == faultStatus {
		return strconv.Itoa(f.status)
	}
	return string(f.kind)
}

// draw settles the fault that meets a request.
func (f *Faults) draw(r *rand.Rand) fault {
	out := fault{after: -1, html: r.IntN(2) == 0, shape: *f}
	u := r.Float64()
	for _, status := range slices.Sorted(maps.Keys(f.ErrorRates)) {
		if u < f.ErrorRates[status] {
			out.kind, out.status = faultStatus, status
			return out
		}
		u -= f.ErrorRates[status]
	}
	for _, rate := range []struct {
		kind  faultKind
		value float64
	}{
		{faultHang, f.TimeoutRate},
		{faultReset, f.ConnectionResetRate},
		{faultCut, f.CutRate},
		{faultStall, f.StallRate},
		{faultErrorEvent, f.ErrorEventRate},
		{faultGarbage, f.GarbageRate},
	} {
		if u < rate.value {
			out.kind = rate.kind
			return out
		}
		u -= rate.value
	}
	return out
}

// parseFault reads a [FaultHeader]; the flags of the provider hold as well.
func parseFault(value string, f *Faults) (fault, error) {
	out := fault{after: -1, html: true, shape: *f}
	for _, item := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ';' }) {
		name, arg, _ := strings.Cut(strings.TrimSpace(item), "=")
		if err := out.set(name, arg); err != nil {
			return fault{}, fmt.Errorf("%s: %w", FaultHeader, err)
		}
	}
	return out, nil
}

func (f *fault) set(name, arg string) error {
	if flag := f.flag(name); flag != nil {
		*flag = true
		return nil
	}
	switch faultKind(name) {
	case faultStatus:
		return f.setStatus(arg)
	case faultHang, faultReset:
		f.kind = faultKind(name)
	case faultCut, faultStall, faultErrorEvent:
		n, err := strconv.Atoi(cmp.Or(arg, "-1"))
		if err != nil {
			return fmt.Errorf("%s=%s is not a number of events", name, arg)
		}
		f.kind, f.after = faultKind(name), n
	case faultGarbage:
		if !slices.Contains([]string{"", "html", "json"}, arg) {
			return fmt.Errorf("garbage=%s is neither html nor json", arg)
		}
		f.kind, f.html = faultGarbage, arg != "json"
	case "retry-after":
		return f.setRetryAfter(arg)
	default:
		return fmt.Errorf("%q is unknown", name)
	}
	return nil
}

func (f *fault) setStatus(arg string) error {
	status, err := strconv.Atoi(arg)
	if err != nil || status < 400 || status > 599 {
		return fmt.Errorf("status=%s is not an error status", arg)
	}
	f.kind, f.status = faultStatus, status
	return nil
}

func (f *fault) flag(name string) *bool {
	return map[string]*bool{
		"no-usage": &f.shape.NoUsage, "usage-with-choices": &f.shape.UsageInLastChunkWithChoices, "no-done": &f.shape.NoDone,
		"crlf": &f.shape.CRLF, "split": &f.shape.ChunkSplitting, "keep-alive": &f.shape.KeepAliveComments,
	}[name]
}

func (f *fault) setRetryAfter(arg string) error {
	if seconds, err := strconv.ParseFloat(arg, 64); err == nil && seconds >= 0 {
		f.shape.RetryAfter = time.Duration(seconds * float64(time.Second))
		return nil
	}
	d, err := time.ParseDuration(arg)
	if err != nil || d < 0 {
		return fmt.Errorf("retry-after=%s is neither seconds nor a duration", arg)
	}
	f.shape.RetryAfter = d
	return nil
}
