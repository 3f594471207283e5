package patch

import (
	"cmp"
	"strconv"
)

// Edits are the changes that a request needs on its way to a provider.
type Edits struct {
	// Model replaces the model; empty: it stays.
	Model string
	// IncludeUsage asks for usage at the end of a stream. It has no effect on a
	// request for no stream: OpenAI refuses that.
	IncludeUsage bool
	// DropStreamOptions takes stream_options out, for a provider that refuses
	// it, as Mistral does (it reports usage unasked). It overrules IncludeUsage.
	DropStreamOptions bool
	// MaxOutputTokens lowers the bound on output tokens, or sets one; 0: it stays.
	MaxOutputTokens int64
	// MaxTokensField is the member that a bound is set in when the request has
	// none: max_tokens or, if empty, max_completion_tokens.
	MaxTokensField string
	// RenameMaxTokens moves a bound that the request has under another name to
	// MaxTokensField. OpenAI's reasoning models refuse max_tokens, Mistral
	// refuses max_completion_tokens, and others silently do not honour it.
	RenameMaxTokens bool
	// CachePrompt asks Anthropic to cache the prompt for the next turn, unless the
	// client says itself what to cache
	// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
	CachePrompt bool
}

// edit replaces a part of the body; empty: it inserts. Its new text is in the
// scratch buffer, whose address may change until all edits are made.
type edit struct{ old, text span }

// rewriter collects edits, sorted by place.
type rewriter struct {
	r       *Request
	edits   [8]edit
	n       int
	scratch []byte
}

// Rewrite appends to segs the pieces of the edited body, in order. They refer to
// Body and to scratch, which it appends to. total is the sum of their lengths.
// Whatever the edits do not name is the client's, byte for byte.
func (r *Request) Rewrite(e Edits, segs [][]byte, scratch []byte) (_ [][]byte, _ []byte, total int) {
	w := rewriter{r: r, scratch: scratch}
	if e.Model != "" && r.given == "" {
		w.model(e.Model)
	}
	if e.CachePrompt && !r.cached {
		begin := w.insert("cache_control")
		w.scratch = append(w.scratch, `{"type":"ephemeral"}`...)
		w.endInsert(begin)
	}
	switch {
	case e.DropStreamOptions:
		w.dropStreamOptions()
	case e.IncludeUsage && r.Stream:
		w.includeUsage()
	}
	w.limits(&e)
	return w.pieces(segs)
}

// begin returns where the text of the next edit will start.
func (w *rewriter) begin() int { return len(w.scratch) }

// end makes the text since begin replace a part of the body. What is inserted
// before a part that goes away comes first.
func (w *rewriter) end(begin int, old span) {
	i := w.n
	for i > 0 && (w.edits[i-1].old.start > old.start ||
		w.edits[i-1].old.start == old.start && w.edits[i-1].old.end > old.end) {
		w.edits[i] = w.edits[i-1]
		i--
	}
	w.edits[i] = edit{old, span{begin, len(w.scratch)}}
	w.n++
}

func (w *rewriter) replace(old span, text string) {
	begin := w.begin()
	w.scratch = append(w.scratch, text...)
	w.end(begin, old)
}

func (w *rewriter) replaceInt(old span, n int64) {
	begin := w.begin()
	w.scratch = strconv.AppendInt(w.scratch, n, 10)
	w.end(begin, old)
}

func (w *rewriter) model(name string) {
	if w.r.model.is(w.r.Body, name) {
		return
	}
	at := w.r.model.span
	begin := w.begin()
	w.scratch = appendString(w.scratch, name)
	w.end(begin, span{at.start - 1, at.end + 1})
}

// insert starts a member before all others; its value, ended by endInsert, is
// to follow. There always are others: model and messages.
func (w *rewriter) insert(name string) (begin int) {
	begin = w.begin()
	w.scratch = append(w.scratch, '"')
	w.scratch = append(w.scratch, name...)
	w.scratch = append(w.scratch, `":`...)
	return begin
}

func (w *rewriter) endInsert(begin int) {
	w.scratch = append(w.scratch, ',')
	at := skipSpace(w.r.Body, 0) + 1
	w.end(begin, span{at, at})
}

func (w *rewriter) includeUsage() {
	const wanted = `{"include_usage":true}`
	o := &w.r.streamOptions
	inside := span{o.at.start + 1, o.at.start + 1}
	switch {
	case w.r.IncludeUsage:
	case o.at.end == 0:
		begin := w.insert("stream_options")
		w.scratch = append(w.scratch, wanted...)
		w.endInsert(begin)
	case !o.object:
		w.replace(o.at, wanted)
	case o.includeUsage.end > 0:
		w.replace(o.includeUsage, "true")
	case o.empty:
		w.replace(inside, `"include_usage":true`)
	default:
		w.replace(inside, `"include_usage":true,`)
	}
}

// dropStreamOptions takes the member out with one of the commas around it.
func (w *rewriter) dropStreamOptions() {
	o, b := &w.r.streamOptions, w.r.Body
	if o.at.end == 0 {
		return
	}
	member := span{o.key.start, o.at.end}
	before := member.start - 1
	for isSpace(b[before]) {
		before--
	}
	if b[before] == ',' {
		member.start = before
	} else {
		member.end = skipSpace(b, member.end) + 1
	}
	w.replace(member, "")
}

func (w *rewriter) limits(e *Edits) {
	field := cmp.Or(e.MaxTokensField, w.r.limitNames[completionLimit], w.r.limitNames[legacyLimit])
	given := 0
	for i := range w.r.limits {
		l := &w.r.limits[i]
		if !l.given {
			continue
		}
		given++
		if e.MaxOutputTokens > 0 && (l.value < 0 || l.value > e.MaxOutputTokens) {
			w.replaceInt(l.at, e.MaxOutputTokens)
		}
	}
	switch {
	case given == 0 && e.MaxOutputTokens > 0:
		w.setLimit(field, e.MaxOutputTokens)
	case given == 1 && e.RenameMaxTokens:
		w.rename(field)
	}
}

// setLimit bounds a request that has no bound.
func (w *rewriter) setLimit(field string, n int64) {
	for i := range w.r.limits {
		if l := &w.r.limits[i]; w.r.limitNames[i] == field && l.at.end > 0 {
			w.replaceInt(l.at, n) // it is null
			return
		}
	}
	if field == configLimit {
		w.setConfigLimit(n)
		return
	}
	begin := w.insert(field)
	w.scratch = strconv.AppendInt(w.scratch, n, 10)
	w.endInsert(begin)
}

// setConfigLimit puts a bound into the settings of a request of Gemini's.
func (w *rewriter) setConfigLimit(n int64) {
	c := &w.r.config
	begin := 0
	switch {
	case c.at.end == 0:
		begin = w.insert(configMember)
		w.configLimit(n)
		w.scratch = append(w.scratch, '}')
		w.endInsert(begin)
	case !c.object:
		begin = w.begin()
		w.configLimit(n)
		w.scratch = append(w.scratch, '}')
		w.end(begin, c.at)
	default:
		begin = w.begin()
		w.configLimit(n)
		w.scratch = append(w.scratch[:begin], w.scratch[begin+1:]...) // the object is open already
		if !c.empty {
			w.scratch = append(w.scratch, ',')
		}
		w.end(begin, span{c.at.start + 1, c.at.start + 1})
	}
}

func (w *rewriter) configLimit(n int64) {
	w.scratch = append(w.scratch, `{"`+configLimit+`":`...)
	w.scratch = strconv.AppendInt(w.scratch, n, 10)
}

// rename moves the only bound of the request to the field.
func (w *rewriter) rename(field string) {
	for i := range w.r.limits {
		l, other := &w.r.limits[i], &w.r.limits[1-i]
		if !l.given || w.r.limitNames[i] == field {
			continue
		}
		begin := w.begin()
		w.scratch = appendString(w.scratch, field)
		w.end(begin, l.key)
		if w.r.limitNames[1-i] == field && other.at.end > 0 {
			// The field is there as null: the names are swapped, so that none is
			// there twice.
			w.replace(other.key, `"`+w.r.limitNames[i]+`"`)
		}
	}
}

// pieces cuts the body at the edits.
func (w *rewriter) pieces(segs [][]byte) (_ [][]byte, _ []byte, total int) {
	from := 0
	add := func(piece []byte) {
		if len(piece) > 0 {
			segs = append(segs, piece)
			total += len(piece)
		}
	}
	for _, e := range w.edits[:w.n] {
		add(w.r.Body[from:e.old.start])
		add(e.text.of(w.scratch))
		from = e.old.end
	}
	add(w.r.Body[from:])
	return segs, w.scratch, total
}
