package patch

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"slices"
	"strconv"
	"testing"
)

func rewrite(t *testing.T, r *Request, e Edits) string {
	t.Helper()
	segs, scratch, total := r.Rewrite(e, [][]byte{[]byte("kept")}, []byte("kept"))
	if string(segs[0]) != "kept" || !bytes.HasPrefix(scratch, []byte("kept")) {
		t.Error("what was there before is gone")
	}
	out := bytes.Join(segs[1:], nil)
	if len(out) != total {
		t.Errorf("total = %d, want %d", total, len(out))
	}
	return string(out)
}

func TestRewrite(t *testing.T) {
	const m = oneMessage
	for _, c := range []struct {
		name, body string
		edits      Edits
		want       string
	}{
		{"nothing", `{"model":"a",` + m + `}`, Edits{}, `{"model":"a",` + m + `}`},
		{"the same model", `{"model":"\u0061",` + m + `}`, Edits{Model: "a"}, `{"model":"\u0061",` + m + `}`},
		{"the model", ` { "model" : "a" , ` + m + ` } `, Edits{Model: "b\"\\\n\x01\xff é"}, ` { "model" : "b\"\\\n\u0001` + "\uFFFD" + ` é" , ` + m + ` } `},
		{"usage of no stream", `{"model":"a",` + m + `}`, Edits{IncludeUsage: true}, `{"model":"a",` + m + `}`},
		{"usage", ` {"model":"a","stream":true,` + m + `}`, Edits{IncludeUsage: true}, ` {"stream_options":{"include_usage":true},"model":"a","stream":true,` + m + `}`},
		{"usage that is asked for", `{"model":"a","stream":true,"stream_options":{"include_usage":true},` + m + `}`, Edits{IncludeUsage: true}, `{"model":"a","stream":true,"stream_options":{"include_usage":true},` + m + `}`},
		{"usage that is not wanted", `{"model":"a","stream":true,"stream_options":{"x":1,"include_usage": false },` + m + `}`, Edits{IncludeUsage: true}, `{"model":"a","stream":true,"stream_options":{"x":1,"include_usage": true },` + m + `}`},
		{"usage of null", `{"model":"a","stream":true,"stream_options":{"include_usage":null},` + m + `}`, Edits{IncludeUsage: true}, `{"model":"a","stream":true,"stream_options":{"include_usage":true},` + m + `}`},
		{"options of null", `{"model":"a","stream":true,"stream_options":null,` + m + `}`, Edits{IncludeUsage: true}, `{"model":"a","stream":true,"stream_options":{"include_usage":true},` + m + `}`},
		{"empty options", `{"model":"a","stream":true,"stream_options":{ },` + m + `}`, Edits{IncludeUsage: true}, `{"model":"a","stream":true,"stream_options":{"include_usage":true },` + m + `}`},
		{"other options", `{"model":"a","stream":true,"stream_options":{"include_obfuscation":false},` + m + `}`, Edits{IncludeUsage: true}, `{"model":"a","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},` + m + `}`},
		{"dropped options", `{"model":"a","stream_options" : {"include_usage":true} ,` + m + `}`, Edits{DropStreamOptions: true, IncludeUsage: true}, `{"model":"a" ,` + m + `}`},
		{"dropped options that come first", `{ "stream_options":{} , "model":"a",` + m + `}`, Edits{DropStreamOptions: true, MaxOutputTokens: 5}, `{"max_completion_tokens":5,  "model":"a",` + m + `}`},
		{"dropped options that come first, without a space", `{"stream_options":{},"model":"a",` + m + `}`, Edits{DropStreamOptions: true, MaxOutputTokens: 5}, `{"max_completion_tokens":5,"model":"a",` + m + `}`},
		{"dropped options that come last", `{"model":"a",` + m + `,"stream_options":null}`, Edits{DropStreamOptions: true}, `{"model":"a",` + m + `}`},
		{"no options to drop", `{"model":"a",` + m + `}`, Edits{DropStreamOptions: true}, `{"model":"a",` + m + `}`},
		{"a bound", `{"model":"a",` + m + `}`, Edits{MaxOutputTokens: 7}, `{"max_completion_tokens":7,"model":"a",` + m + `}`},
		{"a bound of the old name", `{"model":"a",` + m + `}`, Edits{MaxOutputTokens: 7, MaxTokensField: "max_tokens"}, `{"max_tokens":7,"model":"a",` + m + `}`},
		{"a bound where null is", `{"model":"a","max_tokens":null,` + m + `}`, Edits{MaxOutputTokens: 7, MaxTokensField: "max_tokens"}, `{"model":"a","max_tokens":7,` + m + `}`},
		{"a bound beside null", `{"model":"a","max_tokens":null,` + m + `}`, Edits{MaxOutputTokens: 7}, `{"max_completion_tokens":7,"model":"a","max_tokens":null,` + m + `}`},
		{"a lower bound", `{"model":"a","max_tokens":3,` + m + `}`, Edits{MaxOutputTokens: 7}, `{"model":"a","max_tokens":3,` + m + `}`},
		{"higher bounds", `{"model":"a","max_tokens":9,"max_completion_tokens":8.5e0,` + m + `}`, Edits{MaxOutputTokens: 7}, `{"model":"a","max_tokens":7,"max_completion_tokens":7,` + m + `}`},
		{"no bound by -1", `{"model":"a","max_tokens":-1,` + m + `}`, Edits{MaxOutputTokens: 7}, `{"model":"a","max_tokens":7,` + m + `}`},
		{"a new name", `{"model":"a","max_tokens" :9,` + m + `}`, Edits{RenameMaxTokens: true}, `{"model":"a","max_completion_tokens" :9,` + m + `}`},
		{"an old name and a lower bound", `{"model":"a","max_completion_tokens":9,` + m + `}`, Edits{RenameMaxTokens: true, MaxTokensField: "max_tokens", MaxOutputTokens: 7}, `{"model":"a","max_tokens":7,` + m + `}`},
		{"a name that is right", `{"model":"a","max_tokens":9,` + m + `}`, Edits{RenameMaxTokens: true, MaxTokensField: "max_tokens"}, `{"model":"a","max_tokens":9,` + m + `}`},
		{"two names", `{"model":"a","max_tokens":9,"max_completion_tokens":8,` + m + `}`, Edits{RenameMaxTokens: true}, `{"model":"a","max_tokens":9,"max_completion_tokens":8,` + m + `}`},
		{"a new name where null is", `{"model":"a","max_tokens":9,"max_completion_tokens":null,` + m + `}`, Edits{RenameMaxTokens: true}, `{"model":"a","max_completion_tokens":9,"max_tokens":null,` + m + `}`},
		{
			"all at once", `{"max_tokens":900,"stream_options":{},"model":"a","stream":true,` + m + `}`,
			Edits{Model: "b", IncludeUsage: true, MaxOutputTokens: 7, RenameMaxTokens: true},
			`{"max_completion_tokens":7,"stream_options":{"include_usage":true},"model":"b","stream":true,` + m + `}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := rewrite(t, scan(t, c.body), c.edits); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if !json.Valid([]byte(c.want)) {
				t.Error("what is wanted is no JSON")
			}
		})
	}
}

func TestRewriteCopiesNoPrompt(t *testing.T) {
	body := textRequest(prose(200_000))
	var r Request
	if err := Scan(body, &r); err != nil {
		t.Fatal(err)
	}
	segs, scratch, _ := r.Rewrite(Edits{Model: "b", MaxOutputTokens: 5}, nil, nil)
	if len(scratch) > 64 || len(segs) > 5 {
		t.Errorf("%d bytes of scratch, %d segments", len(scratch), len(segs))
	}
	n := testing.AllocsPerRun(20, func() {
		segs, scratch, _ = r.Rewrite(Edits{Model: "b", MaxOutputTokens: 5, MaxTokensField: "max_tokens", RenameMaxTokens: true}, segs[:0], scratch[:0])
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// applied applies the edits to a tree as their documentation says.
func applied(n node, e Edits) node {
	out := node{kind: '{'}
	set := func(name string, v node) {
		if i := slices.Index(out.keys, name); i >= 0 {
			out.values[i] = v
			return
		}
		out.keys, out.values = append(out.keys, name), append(out.values, v)
	}
	for i, k := range n.keys {
		out.keys, out.values = append(out.keys, k), append(out.values, n.values[i])
	}
	if e.Model != "" {
		set("model", node{kind: '"', text: e.Model})
	}
	options, stream := n.one("stream_options"), n.one("stream")
	if e.DropStreamOptions {
		if i := slices.Index(out.keys, "stream_options"); i >= 0 {
			out.keys, out.values = slices.Delete(out.keys, i, i+1), slices.Delete(out.values, i, i+1)
		}
	} else if e.IncludeUsage && stream.truth {
		o := node{kind: '{'}
		for i, k := range options.keys {
			if k != "include_usage" {
				o.keys, o.values = append(o.keys, k), append(o.values, options.values[i])
			}
		}
		o.keys, o.values = append(o.keys, "include_usage"), append(o.values, node{kind: 't', truth: true})
		set("stream_options", o)
	}
	field := e.MaxTokensField
	if field == "" {
		field = "max_completion_tokens"
	}
	var given []string
	for _, name := range []string{"max_tokens", "max_completion_tokens"} {
		v := n.one(name)
		if v.kind != '0' {
			continue
		}
		given = append(given, name)
		if f, _ := v.number.Float64(); e.MaxOutputTokens > 0 && (f <= -1 || f >= float64(e.MaxOutputTokens)+1) {
			set(name, integer(e.MaxOutputTokens))
		}
	}
	switch {
	case len(given) == 0 && e.MaxOutputTokens > 0:
		set(field, integer(e.MaxOutputTokens))
	case len(given) == 1 && e.RenameMaxTokens && given[0] != field:
		at := slices.Index(out.keys, given[0])
		if other := slices.Index(out.keys, field); other >= 0 {
			out.keys[other] = given[0]
		}
		out.keys[at] = field
	}
	return out
}

func integer(n int64) node {
	return node{kind: '0', number: json.Number(strconv.FormatInt(n, 10))}
}

// canonical writes a tree with the members in order of their names.
func (n *node) canonical() string {
	switch n.kind {
	case '{':
		order := make([]int, len(n.keys))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return bytes.Compare([]byte(n.keys[a]), []byte(n.keys[b])) })
		out := "{"
		for _, i := range order {
			out += quoted(n.keys[i]) + ":" + n.values[i].canonical() + ","
		}
		return out + "}"
	case '[':
		out := "["
		for i := range n.values {
			out += n.values[i].canonical() + ","
		}
		return out + "]"
	case '"':
		return quoted(n.text)
	case '0':
		return n.number.String()
	case 't':
		return strconv.FormatBool(n.truth)
	}
	return "null"
}

func checkRewrite(t *testing.T, r *Request, tree *node, e Edits) {
	t.Helper()
	got := rewrite(t, r, e)
	again, ok := parse([]byte(got))
	if !ok {
		t.Fatalf("%+v of %s is no JSON: %s", e, r.Body, got)
	}
	want := applied(*tree, e)
	if again.canonical() != want.canonical() {
		t.Fatalf("%+v of %s\ngot  %s\nwant %s", e, r.Body, again.canonical(), want.canonical())
	}
	if err := Scan([]byte(got), &Request{}); err != nil {
		t.Fatalf("%+v of %s: %v", e, r.Body, err)
	}
}

func (g generator) edits() Edits {
	e := Edits{
		IncludeUsage: g.Intn(2) == 0, DropStreamOptions: g.Intn(4) == 0, RenameMaxTokens: g.Intn(2) == 0,
		MaxTokensField: g.pick("", "max_tokens", "max_completion_tokens"),
	}
	if g.Intn(3) > 0 {
		e.Model = g.pick("b", "deepseek-chat", "é\"\\", "gpt-4o")
	}
	if g.Intn(3) > 0 {
		e.MaxOutputTokens = int64(1 + g.Intn(600))
	}
	return e
}

// Thousands of made-up requests are read as encoding/json reads them, and
// rewritten without any other change to their meaning.
func TestScanAndRewriteAgreeWithEncodingJSON(t *testing.T) {
	const requests = 3_000
	accepted := 0
	var r Request
	for seed := range int64(requests) {
		g := generator{rand.New(rand.NewSource(seed))}
		body := g.request()
		tree, ok := parse(body)
		if !ok {
			t.Fatalf("seed %d makes up no JSON: %s", seed, body)
		}
		err := Scan(body, &r)
		if (err == nil) == refuses(&tree) {
			t.Fatalf("seed %d: Scan(%s) = %v", seed, body, err)
		}
		if err != nil {
			continue
		}
		accepted++
		compare(t, &r, expect(&tree))
		checkRewrite(t, &r, &tree, g.edits())
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, body)
		}
	}
	if accepted < requests/2 {
		t.Errorf("only %d of %d are acceptable", accepted, requests)
	}
}

func FuzzRewrite(f *testing.F) {
	for i, s := range scanSeeds() {
		f.Add([]byte(s), "b", i%2 == 0, i%3 == 0, int64(i*100), i%2 == 1, i%4 == 0)
	}
	f.Fuzz(func(t *testing.T, body []byte, model string, usage, drop bool, limit int64, old, rename bool) {
		var r Request
		if Scan(body, &r) != nil {
			return
		}
		e := Edits{Model: string(Unescape(nil, []byte(model))), IncludeUsage: usage, DropStreamOptions: drop, MaxOutputTokens: limit, RenameMaxTokens: rename}
		if e.Model != "" && !json.Valid(appendString(nil, e.Model)) {
			t.Fatalf("%q is written as no JSON", e.Model)
		}
		if json.Unmarshal(appendString(nil, e.Model), &e.Model) != nil {
			t.Fatal("cannot be read back")
		}
		if old {
			e.MaxTokensField = "max_tokens"
		}
		tree, _ := parse(body)
		checkRewrite(t, &r, &tree, e)
	})
}
