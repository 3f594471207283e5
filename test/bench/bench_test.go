package main

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for _, test := range []struct {
		name   string
		values []float64
		q      float64
		want   float64
	}{
		{"none", nil, 0.5, 0},
		{"one", []float64{7}, 0.99, 7},
		{"the least", values, 0, 1},
		{"the middle", values, 0.5, 3},
		{"the most", values, 1, 5},
		{"between two", values, 0.9, 4.6},
		{"the middle of an even number", []float64{4, 1, 2, 3}, 0.5, 2.5},
	} {
		if got := quantile(test.values, test.q); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if values[0] != 5 {
		t.Error("quantile sorted the values of its caller")
	}
}

func TestSpreadTakesRoundsPairwise(t *testing.T) {
	// Twice as slow in one round as in another, yet the ratio is always 1/2.
	router, proxy := []float64{10, 20, 40}, []float64{20, 40, 80}
	if got := spreadOf(combine(router, proxy, ratio)); got != (spread{0.5, 0.5, 0.5}) {
		t.Errorf("ratio %+v", got)
	}
	if got := spreadOf(combine(router, []float64{5, 5}, difference)); got.Median != 10 {
		t.Errorf("difference %+v", got)
	}
	if got := ratio(1, 0); got != 0 {
		t.Errorf("over nothing: %v", got)
	}
}

func TestQuietHalfIsChosenByTheMachineAlone(t *testing.T) {
	turns := []openTurn{{[]float64{1}, 0.5}, {[]float64{9}, 0.1}, {[]float64{2}, 2}, {[]float64{8}, 0.2}, {[]float64{3}, 1.5}}
	quiet, most := quietHalf(turns, func(t openTurn) float64 { return t.busy })
	if got := pooled(quiet, 0.5); len(quiet) != 3 || most != 0.5 || got != 8 {
		t.Errorf("%v, up to %v, median %v", quiet, most, got)
	}
	if s, parts := pooledSpread(turns, 1); s.Median != 9 || len(parts) != 5 {
		t.Errorf("%+v of %v", s, parts)
	}
}

func TestJudge(t *testing.T) {
	l := limit{Must: 1.2, Aim: 0.6}
	for _, test := range []struct {
		name    string
		value   spread
		errors  int
		verdict string
		met     bool
	}{
		{"at aim", spread{0.6, 0.5, 0.7}, 0, "PASS, at aim", true},
		{"between", spread{1.2, 1.1, 1.2}, 0, "PASS", true},
		{"missed", spread{1.4, 1.3, 1.5}, 0, "MISS", false},
		{"perhaps missed", spread{1.4, 1.1, 1.5}, 0, "MISS?", true},
		{"perhaps not missed", spread{1.1, 1.0, 1.5}, 0, "PASS?", true},
		{"less than none", spread{-1, -2, 0}, 0, "PASS?", true},
		{"a failed request", spread{0.1, 0.1, 0.1}, 1, "MISS", false},
	} {
		f := figure{limit: l, Value: test.value, Router: side{Errors: test.errors}}
		f.judge()
		if got := f.verdict(); got != test.verdict {
			t.Errorf("%s: %s, want %s", test.name, got, test.verdict)
		}
		r := report{Figures: []figure{f}}
		if r.met() != test.met {
			t.Errorf("%s: met is %v", test.name, r.met())
		}
	}
}

// serveBench serves a handler, and returns a connection to it.
func serveBench(t *testing.T, handler http.HandlerFunc) (*conn, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	c, err := dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return c, address
}

func TestClientReadsAnswersWhole(t *testing.T) {
	long := strings.Repeat("0123456789", 2000)
	c, address := serveBench(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch string(body) {
		case "json":
			_, _ = io.WriteString(w, "short")
		case "chunks":
			for range 3 {
				_, _ = io.WriteString(w, long)
				_ = http.NewResponseController(w).Flush()
			}
		case "refused":
			http.Error(w, "no", http.StatusTeapot)
		}
	})
	for range 2 { // the connection is kept
		for kind, size := range map[string]int{"json": 5, "chunks": 3 * len(long)} {
			r, err := c.exchange(requestBytes(address, "key", []byte(kind)))
			if err != nil || len(r.body) < size || r.first.IsZero() || r.end.Before(r.first) {
				t.Errorf("%s: %v, %d bytes", kind, err, len(r.body))
			}
		}
	}
	if _, err := c.exchange(requestBytes(address, "key", []byte("refused"))); err == nil || !strings.Contains(err.Error(), "418") {
		t.Errorf("an answer other than 200: %v", err)
	}
}

func TestClientNoticesCutAnswers(t *testing.T) {
	c, address := serveBench(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	if _, err := c.exchange(requestBytes(address, "key", nil)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestOpenLoopKeepsItsRateWhateverAnswersTake(t *testing.T) {
	const requests, rate, delay = 40, 200, 50 * time.Millisecond
	var under, most atomic.Int64
	_, address := serveBench(t, func(w http.ResponseWriter, _ *http.Request) {
		n := under.Add(1)
		defer under.Add(-1)
		if n > most.Load() {
			most.Store(n)
		}
		time.Sleep(delay)
		_, _ = io.WriteString(w, "{}")
	})
	w, err := connect(t.Context(), &target{address: address}, [][]byte{[]byte("{}")}, false, requests)
	if err != nil {
		t.Fatal(err)
	}
	defer w.done()
	begun := time.Now()
	sum, err := w.open(t.Context(), requests, rate)
	took := time.Since(begun)
	if err != nil || sum.errors > 0 || sum.requests != requests || len(sum.latencies) != requests {
		t.Fatalf("%v, %+v", err, sum)
	}
	if least := (requests - 1) * time.Second / rate; took < least {
		t.Errorf("took %v, faster than the rate", took)
	}
	if most.Load() < 2 {
		t.Error("each request waited for the answer to the one before")
	}
	if got := median(sum.latencies); got < milliseconds(delay) {
		t.Errorf("median latency %v ms", got)
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	_, address := serveBench(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	w, err := connect(ctx, &target{address: address}, [][]byte{[]byte("{}")}, true, 4)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := w.closed(ctx, 100, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestProcessesEnd(t *testing.T) {
	if !supported {
		t.Skip("measured on Linux only")
	}
	address, err := freeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Errorf("%s is not free", address)
	}
	c, err := start("sleep", "sleep", "60")
	if err != nil {
		t.Skip(err)
	}
	if _, err := c.cpu(); err != nil {
		t.Error(err)
	}
	if m, err := c.memory(); err != nil || m.resident <= 0 || m.peak < m.resident {
		t.Errorf("%+v, %v", m, err)
	}
	c.stop()
	if _, err := c.cpu(); err == nil {
		t.Error("the process is still there")
	}
}
