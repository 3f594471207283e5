package patch

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// run feeds a stream in the given pieces.
func run(o StreamOptions, pieces ...[]byte) (out []byte, s *Stream) {
	s = &Stream{}
	s.Reset(o)
	for _, p := range pieces {
		out = s.Feed(bytes.Clone(p), out) // a clone, so that the race detector and ASan see what is kept
	}
	return s.End(out), s
}

func (s *Stream) summary() string {
	usage, has := s.Usage()
	return fmt.Sprintf("complete=%v done=%v started=%v events=%d output=%d finish=%q usage=%v %+v\nerror=%v %+v\nfault=%q\n",
		s.Complete(), s.Done(), s.Started(), s.Events(), s.OutputBytes(), s.FinishReason(), has, usage, s.ErrorSeen(), s.ErrorEvent(), s.Fault())
}

func streams(t testing.TB) map[string][]byte {
	files, err := filepath.Glob("testdata/streams/*.sse")
	if err != nil || len(files) == 0 {
		t.Fatal("no streams", err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".sse")] = data
	}
	return all
}

// TestStreamsOfProviders compares what is left of a stream without usage, and
// what was booked, with the golden files.
func TestStreamsOfProviders(t *testing.T) {
	for name, data := range streams(t) {
		t.Run(name, func(t *testing.T) {
			out, s := run(StreamOptions{HideUsage: true}, data)
			got := string(out) + "----\n" + s.summary()
			golden := filepath.Join("testdata/streams", name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Without HideUsage a whole stream goes on byte for byte.
func TestStreamsGoOnByteForByte(t *testing.T) {
	for name, data := range streams(t) {
		out, s := run(StreamOptions{}, data)
		want := data
		switch name {
		case "odd":
			want = data[:bytes.Index(data, []byte("data: [DONE]\n\n"))+len("data: [DONE]\n\n")]
		case "no_done":
			want = append(bytes.Clone(data), '\n')
		case "cut":
			want = data[:bytes.LastIndex(data, []byte("data:"))]
		case "json_instead", "page":
			want = nil
		case "garbage":
			want = data[:bytes.Index(data, []byte("data: hello"))]
		}
		if !bytes.Equal(out, want) {
			t.Errorf("%s: got\n%q\nwant\n%q\n%s", name, out, want, s.summary())
		}
	}
}

// However the bytes arrive, what is passed on and booked is the same.
func TestStreamsSplitAnywhere(t *testing.T) {
	for name, data := range streams(t) {
		for _, o := range []StreamOptions{{}, {HideUsage: true}, {HideUsage: true, MaxEventBytes: 200}} {
			out, s := run(o, data)
			want, books := string(out), s.summary()
			check := func(how string, pieces ...[]byte) {
				t.Helper()
				out, s := run(o, pieces...)
				if string(out) != want || s.summary() != books {
					t.Fatalf("%s %+v, %s:\ngot  %q\n%s\nwant %q\n%s", name, o, how, out, s.summary(), want, books)
				}
			}
			for i := range len(data) + 1 {
				check(fmt.Sprint("split at ", i), data[:i], data[i:])
			}
			var singles [][]byte
			for i := range data {
				singles = append(singles, data[i:i+1], nil)
			}
			check("byte by byte", singles...)
			for seed := range int64(50) {
				check(fmt.Sprint("split by seed ", seed), split(data, seed)...)
			}
		}
	}
}

func split(data []byte, seed int64) [][]byte {
	g := rand.New(rand.NewSource(seed))
	var pieces [][]byte
	for len(data) > 0 {
		n := min(1+g.Intn(1+g.Intn(300)), len(data))
		pieces = append(pieces, data[:n])
		data = data[n:]
	}
	return pieces
}

func TestAnEventGoesOnAtOnce(t *testing.T) {
	s := &Stream{}
	s.Reset(StreamOptions{HideUsage: true})
	for _, step := range []struct{ in, out string }{
		{": pi", ""},
		{"ng\n", ": ping\n"},
		{"\n", "\n"},
		{`data: {"choices":[{"delta":{"content":"a"}}],"us`, ""},
		{"age\":null}\n", ""},
		{"\n", `data: {"choices":[{"delta":{"content":"a"}}]}` + "\n\n"},
		{"data: [DONE]\r\n\r", "data: [DONE]\r\n\r"},
		{"\n", "\n"},
		{"\n", ""},
		{"data: {}\n\n", ""},
	} {
		if got := string(s.Feed([]byte(step.in), nil)); got != step.out {
			t.Errorf("Feed(%q) = %q, want %q", step.in, got, step.out)
		}
	}
}

func TestAnEventOfUnknownShapeIsNoChunkOfAKnownOne(t *testing.T) {
	chunk := func(content, rest string) string {
		return `data: {"choices":[{"index":0,"delta":{"content":"` + content + `"},"finish_reason":` + rest + "\n\n"
	}
	same := `null}],"usage":null}`
	in := chunk("a", same) + chunk("b", same) + // the second has the shape of the first
		chunk(`c\n\u00e9`, same) + // so has one with escapes
		chunk(`d","refusal":"e`, same) + // one more member
		chunk("f", `"stop"}],"usage":null}`) +
		chunk("g", `null}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`) +
		chunk("h", `null}],"error":{"message":"x"},"usage":null}`) +
		chunk("i", same) + chunk("i", same) + chunk("j\x01", same)
	out, s := run(StreamOptions{HideUsage: true}, []byte(in))
	hidden := strings.NewReplacer(`,"usage":null`, "", `,"usage":{"prompt_tokens":1,"completion_tokens":2}`, "")
	want := hidden.Replace(in[:strings.LastIndex(in, "data:")])
	if string(out) != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	if usage, ok := s.Usage(); !ok || usage.OutputTokens != 2 || s.OutputBytes() != 13 || s.FinishReason() != "stop" || !s.ErrorSeen() || s.Events() != 8 || s.Fault() != FaultEventNotJSON {
		t.Errorf("books: %s", s.summary())
	}
}

// What the shape of one chunk tells of the next is what reading it would tell.
func TestShapesChangeNothing(t *testing.T) {
	for seed := range int64(3000) {
		g := generator{rand.New(rand.NewSource(seed))}
		data := g.stream()
		o := StreamOptions{HideUsage: g.Intn(2) == 0}
		plain := &Stream{}
		plain.Reset(o)
		plain.shape.misses = maxMisses // nothing is ever learnt
		want := plain.End(plain.Feed(data, nil))
		got, s := run(o, split(data, seed)...)
		if !bytes.Equal(got, want) || s.summary() != plain.summary() {
			t.Fatalf("seed %d: %s\ngot  %q\n%s\nwant %q\n%s", seed, data, got, s.summary(), want, plain.summary())
		}
	}
}

// stream makes up a stream whose chunks are much alike.
func (g generator) stream() []byte {
	var out strings.Builder
	end := g.pick("\n", "\n", "\r\n", "\r")
	templates := []string{g.chunk(), g.chunk()}
	for range g.Intn(12) {
		event := templates[g.Intn(len(templates))]
		event = strings.ReplaceAll(event, "SPEECH", strings.Trim(g.str(g.word()), `"`))
		event = strings.ReplaceAll(event, "NOISE", g.pick("", "x", "abc", `q\"`))
		if g.Intn(15) == 0 {
			event = g.pick("[DONE]", `{"error":{"message":"m"}}`, "null", `{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}`)
		}
		if g.Intn(10) == 0 {
			out.WriteString(g.pick(": ping", "id: 1", "event: error", "retry: 1") + end)
		}
		out.WriteString("data: " + event + end + end)
	}
	return []byte(out.String())
}

func (g generator) chunk() string {
	speech := g.pick(`"content":"SPEECH"`, `"content":"SPEECH"`, `"reasoning_content":"SPEECH","content":null`, `"role":"assistant","content":""`,
		`"tool_calls":[{"index":0,"function":{"arguments":"SPEECH"}}]`, `"content":"SPEECH","reasoning":"SPEECH"`, `"content":[{"text":"SPEECH"}]`)
	members := []string{
		`"id":"` + g.pick("a", "b") + `"`,
		`"choices":[{"index":` + g.pick("0", "0", "1") + `,"delta":{` + speech + `},"finish_reason":` + g.pick("null", "null", `"stop"`) + `}]`,
	}
	if g.Intn(2) == 0 {
		members = append(members, `"usage":`+g.pick("null", "null", `{"prompt_tokens":1,"completion_tokens":2}`))
	}
	if g.Intn(2) == 0 {
		members = append(members, `"obfuscation":"NOISE"`)
	}
	if g.Intn(8) == 0 {
		members = append(members, `"usage":null`)
	}
	return g.object(members...)
}

func TestFeedDoesNotAllocate(t *testing.T) {
	for name, data := range streams(t) {
		if strings.Contains(name, "error") {
			continue // the message is kept
		}
		s := &Stream{}
		out := make([]byte, 0, 2*len(data))
		if n := testing.AllocsPerRun(20, func() {
			s.Reset(StreamOptions{HideUsage: true})
			out = s.Feed(data[:len(data)/2], out[:0])
			out = s.Feed(data[len(data)/2:], out)
			out = s.End(out)
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestResetGivesBackTheMemoryOfAStream(t *testing.T) {
	s := &Stream{}
	s.Reset(StreamOptions{MaxEventBytes: 1 << 20})
	long := `data: {"choices":[{"delta":{"content":"` + strings.Repeat("x", 100<<10) + `"}}]}` + "\n\n"
	s.Feed([]byte(long[:90<<10]), nil)
	s.Feed([]byte(long[90<<10:]), nil)
	if s.OutputBytes() != 100<<10 || cap(s.shape.event) == 0 {
		t.Errorf("books: %s", s.summary())
	}
	s.Reset(StreamOptions{})
	if cap(s.buf) > 0 || cap(s.shape.event) > 0 || s.OutputBytes() != 0 {
		t.Error("Reset keeps too much")
	}
}

// An event that comes byte by byte costs each byte once: were it looked at from
// its start with each, this would take minutes.
func TestALongEventInSmallPiecesCostsNoMore(t *testing.T) {
	long := []byte(shortEvent + strings.Replace(shortEvent, "wonderful", strings.Repeat("x", 900<<10), 1))
	s := &Stream{}
	s.Reset(StreamOptions{HideUsage: true})
	n := 0
	for i := range long {
		n += len(s.Feed(long[i:i+1], nil))
	}
	if n != len(long) || s.OutputBytes() != int64(len(" wonderful ")+900<<10) {
		t.Errorf("passed on %d of %d bytes, %s", n, len(long), s.summary())
	}
}

func TestEventsHaveALimit(t *testing.T) {
	event := `data: {"choices":[{"delta":{"content":"` + strings.Repeat("x", 1<<20) + `"}}]}`
	for _, in := range []string{event, event + "\n\n", ":" + strings.Repeat("x", 1<<20) + "\n"} {
		out, s := run(StreamOptions{}, []byte(": ok\n"), []byte(in))
		if s.Fault() != FaultEventTooLarge || string(out) != ": ok\n" {
			t.Errorf("fault %q, %d bytes", s.Fault(), len(out))
		}
		if s.Complete() {
			t.Error("complete in spite of a fault")
		}
	}
}

func TestAFinishReasonOfErrorIsOne(t *testing.T) {
	for _, reason := range []string{"error", "content_filter", "function_call", "eos"} {
		_, s := run(StreamOptions{}, []byte(`data: {"choices":[{"finish_reason":"`+reason+`"}]}`+"\n\n"))
		if failed := reason == "error"; s.ErrorSeen() || s.Complete() == failed || s.FinishReason() != reason {
			t.Errorf("%s: %s", reason, s.summary())
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, data := range streams(f) {
		f.Add(data, int64(1), true)
	}
	for seed := range int64(8) {
		f.Add(generator{rand.New(rand.NewSource(seed))}.stream(), seed, seed%2 == 0)
	}
	f.Fuzz(func(t *testing.T, data []byte, seed int64, hide bool) {
		o := StreamOptions{HideUsage: hide, MaxEventBytes: 4096}
		out, s := run(o, data)
		again, other := run(o, split(data, seed)...)
		if !bytes.Equal(out, again) {
			t.Fatalf("got %q\nand %q", out, again)
		}
		// Which of two faults of an event is found first depends on the pieces.
		if s.Fault() == other.Fault() && s.summary() != other.summary() || (s.Fault() == "") != (other.Fault() == "") {
			t.Fatalf("booked %s\nand %s", s.summary(), other.summary())
		}
		if !hide && !bytes.HasPrefix(append(bytes.Clone(data), "\n\n"...), out) {
			t.Fatalf("%q is not how %q starts", out, data)
		}
	})
}
