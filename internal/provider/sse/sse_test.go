package sse_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/sse"
)

// read feeds the stream in pieces of the given size and returns the events as
// "name|data", and the raw bytes of them all.
func read(t *testing.T, stream string, size int) (events []string, raw string) {
	t.Helper()
	var r sse.Reader
	add := func(e sse.Event) {
		raw += string(e.Raw)
		if e.Data != nil {
			events = append(events, string(e.Name)+"|"+string(e.Data))
		}
	}
	for piece := range slices.Chunk([]byte(stream), size) {
		r.Feed(piece)
		for {
			e, ok, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			add(e)
		}
	}
	if e, ok := r.End(); ok {
		add(e)
	}
	return events, raw
}

func TestEventsAreFoundHoweverTheStreamIsCut(t *testing.T) {
	for _, tc := range []struct {
		name, stream string
		want         []string
	}{
		{"line feeds", "event: a\ndata: 1\n\ndata: 2\n\n", []string{"a|1", "|2"}},
		{"carriage returns and line feeds", "event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", []string{"a|1", "|2"}},
		{"comments and pings", ": ping\n\ndata: 1\n\n:\n\n", []string{"|1"}},
		{"several data lines", "data: {\ndata: }\n\n", []string{"|{\n}"}},
		{"three data lines", "data: 1\ndata: 2\ndata:3\n\n", []string{"|1\n2\n3"}},
		{"no space after the colon", "data:x\n\n", []string{"|x"}},
		{"a byte order mark", "\uFEFFdata: x\n\n", []string{"|x"}},
		{"a split character", "data: héé…\n\n", []string{"|héé…"}},
		{"no blank line at the end", "data: 1\n\ndata: 2\n", []string{"|1", "|2"}},
		{"a last line that is cut", "data: 1\n\ndata: 2", []string{"|1"}},
	} {
		for size := 1; size <= len(tc.stream); size++ {
			if got, _ := read(t, tc.stream, size); !slices.Equal(got, tc.want) {
				t.Errorf("%s, pieces of %d: %q, want %q", tc.name, size, got, tc.want)
			}
		}
	}
}

func TestRawBytesAreTheStream(t *testing.T) {
	const stream = ": hello\n\nevent: a\ndata: 1\n\n\ndata: 2\r\n\r\n"
	if _, raw := read(t, stream, 3); raw != stream {
		t.Errorf("raw %q", raw)
	}
}

func TestWhatIsNoStreamIsRefused(t *testing.T) {
	for _, body := range []string{`{"error":"x"}`, "<html>", "[1]", "\n {}  "} {
		var r sse.Reader
		r.Feed([]byte(body))
		if _, _, err := r.Next(); !errors.Is(err, sse.ErrNotStream) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestHugeEventsAreRefused(t *testing.T) {
	r := sse.Reader{MaxEvent: 100}
	r.Feed([]byte("data: " + strings.Repeat("x", 200)))
	if _, _, err := r.Next(); !errors.Is(err, sse.ErrTooLarge) {
		t.Error(err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add("event: a\ndata: 1\r\n\r\ndata: 2\n\n", 3)
	f.Fuzz(func(t *testing.T, stream string, size int) {
		if size < 1 || size > 1<<16 {
			return
		}
		if strings.ContainsAny(stream[:min(len(stream), 1)], "{<[ \r\n\t\uFEFF") || len(stream) < 8 {
			return
		}
		whole, _ := read(t, stream, len(stream))
		pieces, _ := read(t, stream, size)
		if !slices.Equal(whole, pieces) {
			t.Fatalf("whole %q, pieces %q", whole, pieces)
		}
	})
}
