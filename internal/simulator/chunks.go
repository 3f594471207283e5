package simulator

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// frame is the data of one event of a stream, and the tokens it brings.
type frame struct {
	data   []byte
	tokens int
}

// delta is what a chunk adds to one choice.
type delta struct {
	body     string
	logprobs []byte
	finish   string
	tokens   int
}

// chunker writes a completion as the chunks of a stream.
type chunker struct {
	c    *completion
	d    dialect
	r    *request
	head []byte    // all up to the choices
	rows [][]delta // by choice
	// nulls puts "usage":null on chunks without usage.
	nulls bool
	// usage is the usage to state, nil if none; inLast puts it into the last
	// chunk with choices.
	usage     []byte
	inLast    bool
	obfuscate bool
}

func newChunker(c *completion, d dialect, r *request, f *Faults) *chunker {
	k := &chunker{c: c, d: d, r: r, inLast: d.usageWithChoices || f.UsageInLastChunkWithChoices}
	asked := r.StreamOptions != nil && r.StreamOptions.IncludeUsage
	if (asked || d.usageAlways) && !f.NoUsage {
		k.usage = encode(d.usage(c.usage), "")
		k.nulls = asked && !d.usageAlways
	}
	k.obfuscate = d.extras && (r.StreamOptions == nil || r.StreamOptions.IncludeObfuscation == nil || *r.StreamOptions.IncludeObfuscation)
	k.head = k.header()
	for _, ch := range c.choices {
		k.rows = append(k.rows, k.deltas(ch))
	}
	return k
}

// events is how many chunks there are.
func (k *chunker) events() int {
	n := 0
	for _, row := range k.rows {
		n += len(row)
	}
	if k.usage != nil && !k.inLast {
		n++
	}
	return n
}

func (k *chunker) header() []byte {
	b := appendString([]byte(`{"id":`), k.c.id)
	b = append(b, `,"object":"chat.completion.chunk","created":`...)
	b = strconv.AppendInt(b, k.c.created, 10)
	b = appendString(append(b, `,"model":`...), k.c.model)
	if k.d.extras {
		b = appendString(append(b, `,"service_tier":`...), k.c.tier)
	}
	if k.d.fingerprint {
		b = appendString(append(b, `,"system_fingerprint":`...), k.c.fingerprint)
	}
	return append(b, `,"choices":[`...)
}

// frames yields the chunks in order; those of several choices alternate.
func (k *chunker) frames() iter.Seq[frame] {
	return func(yield func(frame) bool) {
		longest := 0
		for _, row := range k.rows {
			longest = max(longest, len(row))
		}
		left := k.events()
		for n := range longest {
			for i, row := range k.rows {
				if n >= len(row) {
					continue
				}
				left--
				if !yield(k.chunk(i, row[n], left == 0)) {
					return
				}
			}
		}
		if left > 0 {
			yield(frame{k.finish(slices.Concat(k.head, []byte("]")), k.usage), 0})
		}
	}
}

// chunk writes one delta. The last chunk of all states the usage, if there is
// any.
func (k *chunker) chunk(i int, d delta, last bool) frame {
	b := slices.Concat(k.head, []byte(`{"index":`))
	b = strconv.AppendInt(b, int64(i), 10)
	b = append(append(b, `,"delta":`...), d.body...)
	if d.logprobs != nil {
		b = append(append(b, `,"logprobs":`...), d.logprobs...)
	}
	b = append(b, `,"finish_reason":`...)
	if d.finish == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, d.finish)
	}
	b = append(b, "}]"...)
	if last {
		return frame{k.finish(b, k.usage), d.tokens}
	}
	return frame{k.finish(b, nil), d.tokens}
}

// finish writes what follows the choices. The obfuscation pads chunks to a
// multiple of 16 bytes, so that their size tells nothing of the token.
func (k *chunker) finish(b, usage []byte) []byte {
	switch {
	case usage != nil:
		b = append(append(b, `,"usage":`...), usage...)
	case k.nulls:
		b = append(b, `,"usage":null`...)
	}
	if k.obfuscate {
		n := 16 - len(b)%16
		b = append(b, `,"obfuscation":"`...)
		for i := range n {
			b = append(b, base62[(len(b)*7+i*13)%len(base62)])
		}
		b = append(b, '"')
	}
	return append(b, '}')
}

// deltas are what the chunks of one choice add.
func (k *chunker) deltas(ch choice) []delta {
	var out []delta
	switch {
	case len(ch.calls) > 0:
		out = k.callDeltas(ch.calls)
	default:
		out = k.textDeltas(ch)
	}
	out = append(out, delta{body: "{}", finish: ch.finish})
	if k.d.logprobs {
		for i := range out {
			if out[i].logprobs == nil {
				out[i].logprobs = null
			}
		}
	}
	return out
}

func (k *chunker) textDeltas(ch choice) []delta {
	role := `{"role":"assistant","content":""}`
	if k.d.extras {
		role = `{"role":"assistant","content":"","refusal":null}`
	}
	out := append([]delta{{body: role, logprobs: k.logprobs(nil)}}, k.thoughtDeltas()...)
	member := `{"content":`
	if ch.refused && k.d.extras {
		member = `{"refusal":`
	}
	for _, p := range ch.content {
		out = append(out, delta{
			body:     string(append(appendString([]byte(member), p), '}')),
			logprobs: k.logprobs([]string{p}),
			tokens:   1,
		})
	}
	return out
}

// thoughtDeltas tell what the model thought, of the providers that do.
func (k *chunker) thoughtDeltas() (out []delta) {
	for _, p := range pieces(thoughtOf(k.c, k.d, k.r)) {
		out = append(out, delta{body: string(append(appendString([]byte(`{"content":null,"reasoning_content":`), p), '}'))})
	}
	return out
}

// thoughtOf is what the model thought before it answered; "": nothing that is told.
// What it cost is counted as reasoning.
func thoughtOf(c *completion, d dialect, r *request) string {
	if !d.thoughts || c.usage.reasoning == 0 {
		return ""
	}
	return "This is about " + strings.Join(topics(r.prompt()), ", ") + ". A short, complete answer fits."
}

// logprobs of the tokens of a chunk; nil if not asked for.
func (k *chunker) logprobs(tokens []string) []byte {
	if !k.r.Logprobs || !k.d.logprobs {
		return nil
	}
	return logprobs(tokens, k.r)
}

// callDeltas writes tool calls: each begins with its id and name, and its
// arguments follow in parts. A single call begins in the first chunk.
func (k *chunker) callDeltas(calls []generatedCall) []delta {
	refusal := ""
	if k.d.extras {
		refusal = `,"refusal":null`
	}
	role := `{"role":"assistant","content":null`
	var out []delta
	thoughts := k.thoughtDeltas()
	first := len(calls) == 1 && len(thoughts) == 0
	if !first {
		out = append(append(out, delta{body: role + refusal + "}"}), thoughts...)
	}
	for i, call := range calls {
		begin := `"tool_calls":[{"index":` + strconv.Itoa(i) + `,"id":"` + call.id +
			`","type":"function","function":{"name":` + string(appendString(nil, call.name)) + `,"arguments":""}}]`
		body := "{" + begin + "}"
		if first {
			body = role + "," + begin + refusal + "}"
		}
		out = append(out, delta{body: body, tokens: callOverhead + Tokens(call.name)})
		for _, p := range call.arguments {
			out = append(out, delta{
				body: `{"tool_calls":[{"index":` + strconv.Itoa(i) + `,"function":{"arguments":` +
					string(appendString(nil, p)) + `}}]}`,
				tokens: 1,
			})
		}
	}
	return out
}
