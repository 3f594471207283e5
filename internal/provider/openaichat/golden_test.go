package openaichat

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

var update = flag.Bool("update", false, "write the golden files anew")

// files are the bodies of a folder of testdata, by name.
func files(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/" + pattern)
	if err != nil || len(names) == 0 {
		t.Fatal("no files", pattern, err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(name, filepath.Ext(name))] = body
	}
	return all
}

// golden compares with a file, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name += ".golden"
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// show writes a value as indented JSON without the members that are empty.
func show(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var any any
	if err := json.Unmarshal(raw, &any); err != nil {
		t.Fatal(err)
	}
	out, _ := json.MarshalIndent(prune(any), "", " ")
	return out
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			switch e = prune(e); {
			case e == nil, e == "", e == float64(0), e == false:
				delete(v, k)
			default:
				v[k] = e
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	}
	return v
}

// indent writes an encoded body, which must be valid.
func indent(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", " "); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return b.Bytes()
}

// TestRequests shows what is understood of a request, and what a provider of the
// same wire is told, and one that is a stranger to the client's wire.
func TestRequests(t *testing.T) {
	for name, body := range files(t, "requests/*.json") {
		r, err := New().DecodeRequest(body)
		if err != nil {
			t.Fatal(name, err)
		}
		got := append(show(t, r), '\n')
		for _, wire := range []string{chat.WireOpenAIChat, chat.WireAnthropic} {
			r.Wire = wire
			e, err := New().EncodeRequest(r, chat.Upstream{Model: "gpt-x", MaxOutputTokens: 15, Reasons: true})
			got = fmt.Appendf(got, "---- for a client of %s: %v\n", wire, err)
			if err == nil {
				got = append(append(got, indent(t, e.Body)...), fmt.Sprintf("\ndropped: %q\n", e.Dropped)...)
			}
		}
		golden(t, name, got)
	}
}

func TestResponses(t *testing.T) {
	for name, body := range files(t, "responses/*.json") {
		r, err := New().DecodeResponse(body)
		if err != nil {
			t.Fatal(name, err)
		}
		out := New().EncodeResponse(r)
		golden(t, name, append(append(show(t, r), "\n----\n"...), indent(t, out)...))
		again, err := New().DecodeResponse(out)
		if err != nil || !bytes.Equal(show(t, again), show(t, r)) {
			t.Errorf("%s changes on its way: %v\n%s", name, err, show(t, again))
		}
	}
}

// events cuts a stream in the names and data of its events.
func events(stream []byte) (all [][2]string) {
	for _, block := range strings.Split(strings.ReplaceAll(string(stream), "\r\n", "\n"), "\n\n") {
		var e [2]string
		for _, line := range strings.Split(block, "\n") {
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				e[0] = name
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				e[1] += data
			}
		}
		if e[1] != "" {
			all = append(all, e)
		}
	}
	return all
}

// translate decodes a stream and encodes it again.
func translate(c chat.Codec, r *chat.Request, stream []byte) (told string, out []byte) {
	d, e := c.NewStreamDecoder(), c.NewStreamEncoder(r)
	var list []chat.Event
	tell := func() {
		for _, event := range list {
			told += describe(event) + "\n"
			out = e.Encode(out, event)
		}
		list = list[:0]
	}
	for _, event := range events(stream) {
		var err error
		if list, err = d.Decode(list, event[0], []byte(event[1])); err != nil {
			return told + "fault: " + err.Error() + "\n", out
		}
		tell()
	}
	list = d.End(list)
	tell()
	return told, out
}

var kinds = []string{
	"", "start", "part start", "text", "arguments", "signature", "citations", "logprobs", "part end", "finish", "usage", "ping", "end", "error",
}

func describe(e chat.Event) string {
	s := fmt.Sprintf("%d.%d %s", e.Choice, e.Part, kinds[e.Kind])
	switch {
	case e.Kind == chat.EventStart:
		s += fmt.Sprintf(" %s %s %d", e.Response.ID, e.Response.Model, e.Response.Created)
	case e.Kind == chat.EventUsage:
		s += fmt.Sprintf(" %+v", e.Response.Usage)
	case e.Start != nil:
		s += fmt.Sprintf(" %d %+v %s", e.Start.Kind, e.Start.Call, e.Start.Data)
	case e.Err != nil:
		s += fmt.Sprintf(" %+v", *e.Err)
	case e.Kind == chat.EventFinish:
		s += fmt.Sprintf(" %d", e.Finish)
	}
	return s + fmt.Sprintf(" %q %s", e.Text, e.JSON)
}

func TestStreams(t *testing.T) {
	for name, body := range files(t, "streams/*.sse") {
		r := &chat.Request{StreamUsage: true}
		told, out := translate(New(), r, body)
		golden(t, name, []byte(told+"----\n"+string(out)))
		again, _ := translate(New(), r, out)
		if !strings.Contains(told, "error") && !strings.Contains(told, "fault") && meaning(again) != meaning(told) {
			t.Errorf("%s changes on its way: got\n%s\nwant\n%s", name, meaning(again), meaning(told))
		}
	}
}

// meaning is what a stream says, but for when it says it.
func meaning(told string) string {
	var keep []string
	var usage string
	for _, line := range strings.Split(told, "\n") {
		switch {
		case strings.Contains(line, " usage "):
			usage = line
		case strings.Contains(line, " start "), strings.Contains(line, " logprobs "):
		default:
			keep = append(keep, line)
		}
	}
	return strings.Join(keep, "\n") + usage
}
