package gemini_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file, or writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s", path, got)
	}
}

func indented(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inputs are the golden inputs of a folder, by name without ending.
func inputs(t *testing.T, folder, ending string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*"+ending))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	out := map[string][]byte{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(p, ending)] = b
	}
	return out
}

func TestRequestsAreDecodedAndEncodedAsBefore(t *testing.T) {
	for name, body := range inputs(t, "request", ".in.json") {
		r, err := gemini.New().DecodeRequest(body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		golden(t, name+".neutral.json", indented(t, tree(r)))
		out, err := gemini.New().EncodeRequest(r, chat.Upstream{Model: "gemini-3-pro"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		golden(t, name+".out.json", indented(t, struct {
			Body    json.RawMessage
			Dropped []string
		}{out.Body, out.Dropped}))

		again, err := gemini.New().DecodeRequest(out.Body)
		if err != nil {
			t.Fatalf("%s: decoded again: %v", name, err)
		}
		twice, err := gemini.New().EncodeRequest(again, chat.Upstream{Model: "gemini-3-pro"})
		if err != nil || string(twice.Body) != string(out.Body) {
			t.Errorf("%s: the second round changes the request: %v\n%s\n%s", name, err, out.Body, twice.Body)
		}
	}
}

func TestResponsesAreDecodedAndEncodedAsBefore(t *testing.T) {
	for name, body := range inputs(t, "response", ".in.json") {
		r, err := gemini.New().DecodeResponse(body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		golden(t, name+".neutral.json", indented(t, tree(r)))
		golden(t, name+".out.json", indented(t, json.RawMessage(gemini.New().EncodeResponse(r))))
	}
}

// TestStreamsAreDecodedAndEncodedAsBefore takes the data of one event a line.
func TestStreamsAreDecodedAndEncodedAsBefore(t *testing.T) {
	for name, body := range inputs(t, "stream", ".in.txt") {
		var events []string
		var sse, array []byte
		d := gemini.New().NewStreamDecoder()
		toSSE, toArray := gemini.New().NewStreamEncoder(&chat.Request{}), gemini.NewArray().NewStreamEncoder(&chat.Request{})
		take := func(all []chat.Event) {
			for _, e := range all {
				events = append(events, told(t, e))
				sse, array = toSSE.Encode(sse, e), toArray.Encode(array, e)
			}
		}
		for line := range bytes.Lines(body) {
			all, err := d.Decode(nil, "", bytes.TrimSpace(line))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			take(all)
		}
		take(d.End(nil))
		golden(t, name+".neutral.txt", []byte(strings.Join(events, "\n")+"\n"))
		golden(t, name+".out.txt", sse)
		var elements []json.RawMessage
		if err := json.Unmarshal(array, &elements); err != nil {
			t.Errorf("%s: the array is none: %v\n%s", name, err, array)
		}
		for i, data := range strings.Split(strings.TrimSpace(string(sse)), "\n\n") {
			if data != "data: "+string(elements[i]) {
				t.Errorf("%s: element %d: %s, event %s", name, i, elements[i], data)
			}
		}
	}
}

var kinds = map[chat.EventKind]string{
	chat.EventStart: "start", chat.EventPartStart: "part start", chat.EventText: "text", chat.EventArguments: "arguments",
	chat.EventSignature: "signature", chat.EventCitations: "citations", chat.EventLogProbs: "logprobs", chat.EventPartEnd: "part end",
	chat.EventFinish: "finish", chat.EventUsage: "usage", chat.EventPing: "ping", chat.EventEnd: "end", chat.EventError: "error",
}

// told is what an event says, without what is empty, on one line.
func told(t *testing.T, e chat.Event) string {
	t.Helper()
	fields := tree(e).(map[string]any)
	fields["Kind"] = kinds[e.Kind]
	b, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tree is a value as maps and lists, without the fields that are zero: so that a
// golden file does not change with every field that the neutral model gets.
func tree(v any) any { return branch(reflect.ValueOf(v)) }

func branch(v reflect.Value) any {
	if raw, ok := v.Interface().(json.RawMessage); ok {
		return raw
	}
	switch v.Kind() {
	case reflect.Pointer:
		return branch(v.Elem())
	case reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = branch(v.Index(i))
		}
		return out
	case reflect.Struct:
		out := map[string]any{}
		for i := range v.NumField() {
			if f := v.Field(i); !f.IsZero() {
				out[v.Type().Field(i).Name] = branch(f)
			}
		}
		return out
	default:
		return v.Interface()
	}
}
