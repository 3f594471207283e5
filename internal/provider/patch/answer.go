package patch

// answer is what a JSON answer and a chunk of a stream have in common.
type answer struct {
	// object is false if the document is no JSON object.
	object bool
	// hasChoices says that choices is an array, of this many.
	hasChoices bool
	choices    int
	// finish is the first finish reason; empty: none.
	finish text
	model  text
	// spoke and finished have a bit for each choice at hand, by index, and for
	// each that has a finish reason. Choices beyond the 64th share a bit.
	spoke, finished uint64
	usage           usage
	// choiceUsage is usage within a choice, where Moonshot puts it in streams.
	choiceUsage usage
	// error is a member of that name other than null, false and "".
	error span
	// outputBytes is the length of what the model wrote, unescaped.
	outputBytes int64
	// speech is the last of so many strings that the model wrote, and noise the
	// last of so many that hide its length.
	speech, noise    text
	speeches, noises int
	// cuts are the parts to take out so that no usage is left.
	cuts [4]span
	ncut int
	// kept is whether a member that stays precedes the one at hand.
	kept bool
}

// finishError is the finish reason that OpenRouter gives an answer that a model
// failed to end (https://openrouter.ai/docs/api/reference/streaming).
const finishError = "error"

// reported returns the usage that the answer reports.
func (a *answer) reported() *usage {
	if !a.usage.found && a.choiceUsage.found {
		return &a.choiceUsage
	}
	return &a.usage
}

// answer reads a document, which must be nothing but a JSON object.
func (d *reader) answer(a *answer) {
	d.i = skipSpace(d.b, 0)
	if d.peek() != '{' {
		d.skip()
		d.end()
		return
	}
	a.object = true
	d.open()
	for {
		before := d.i
		key, ok := d.member()
		if !ok {
			break
		}
		switch string(key) {
		case "choices":
			d.choices(a)
		case "usage":
			d.usage(&a.usage)
			d.cut(a, before)
			continue
		case "error":
			d.errorMember(a)
		case "model":
			a.model, _ = d.optionalText()
		case "obfuscation":
			if t, ok := d.optionalText(); ok {
				a.noise = t
				a.noises++
			}
		default:
			d.skip()
		}
		a.kept = true
	}
	d.end()
}

// cut marks the member that ends here for taking out, with one comma. before is
// where the member before it ended.
func (d *reader) cut(a *answer, before int) {
	if d.failed() {
		return
	}
	c := span{before, d.i}
	if !a.kept {
		c.start = d.keyAt.start
		if i := skipSpace(d.b, d.i); i < len(d.b) && d.b[i] == ',' {
			c.end = i + 1
		}
	}
	if a.ncut == len(a.cuts) { // nobody writes usage five times
		d.i = newFault(unexpectedByte, d.keyAt.start)
		return
	}
	a.cuts[a.ncut] = c
	a.ncut++
}

func (d *reader) errorMember(a *answer) {
	c := d.peek()
	at := d.span()
	if c != 'n' && c != 'f' && at.len() > len(`""`) {
		a.error = at
	}
}

func (d *reader) choices(a *answer) {
	if d.peek() != '[' {
		d.skip()
		return
	}
	a.hasChoices = true
	d.open()
	for d.element() {
		a.choices++
		d.choice(a)
	}
}

func (d *reader) choice(a *answer) {
	if d.peek() != '{' {
		d.skip()
		return
	}
	index, finished := int64(0), false
	d.open()
	for {
		key, ok := d.member()
		if !ok {
			break
		}
		switch string(key) {
		case "delta", "message":
			d.speech(a)
		case "finish_reason":
			finished = d.finish(a)
		case "index":
			index, _ = d.optionalInt()
		case "usage":
			d.usage(&a.choiceUsage)
		default:
			d.skip()
		}
	}
	bit := uint64(1) << min(max(index, 0), 63)
	a.spoke |= bit
	if finished {
		a.finished |= bit
	}
}

// finish reads a finish reason; false: there is none yet.
func (d *reader) finish(a *answer) bool {
	t, ok := d.optionalText()
	if !ok || t.len() == 0 {
		return false
	}
	if a.finish.len() == 0 {
		a.finish = t
	}
	return true
}

// speech reads a message or a part of one.
func (d *reader) speech(a *answer) {
	if d.peek() != '{' {
		d.skip()
		return
	}
	// Of these two a provider uses either, or both for the same text.
	var reasoning, reasoningContent int64
	d.open()
	for {
		key, ok := d.member()
		if !ok {
			break
		}
		switch string(key) {
		case "content":
			a.outputBytes += d.spoken(a)
		case "reasoning_content":
			reasoningContent = d.written(a)
		case "reasoning":
			reasoning = d.written(a)
		case "refusal":
			a.outputBytes += d.written(a)
		case "tool_calls":
			d.toolCalls(a)
		case "function_call":
			d.function(a)
		default:
			d.skip()
		}
	}
	a.outputBytes += max(reasoning, reasoningContent)
}

// written returns the length of the string at hand; 0: it is none.
func (d *reader) written(a *answer) int64 {
	t, ok := d.optionalText()
	if !ok {
		return 0
	}
	a.speech = t
	a.speeches++
	return int64(t.len() - t.saved)
}

// spoken is written for content, which may be in parts. Mistral nests those of
// its reasoning: {"type":"thinking","thinking":[{"type":"text","text":"…"}]}.
func (d *reader) spoken(a *answer) int64 {
	if d.peek() != '[' {
		return d.written(a)
	}
	n := int64(0)
	d.open()
	for d.element() {
		if d.peek() != '{' {
			n += d.written(a)
			continue
		}
		d.open()
		for {
			key, ok := d.member()
			if !ok {
				break
			}
			switch string(key) {
			case "text", "thinking", "refusal":
				n += d.spoken(a)
			default:
				d.skip()
			}
		}
	}
	return n
}

func (d *reader) toolCalls(a *answer) {
	if d.peek() != '[' {
		d.skip()
		return
	}
	d.open()
	for d.element() {
		if d.peek() != '{' {
			d.skip()
			continue
		}
		d.open()
		for {
			key, ok := d.member()
			if !ok {
				break
			}
			switch string(key) {
			case "function", "custom":
				d.function(a)
			default:
				d.skip()
			}
		}
	}
}

// function reads what the model wrote of a tool call.
func (d *reader) function(a *answer) {
	if d.peek() != '{' {
		d.skip()
		return
	}
	d.open()
	for {
		key, ok := d.member()
		if !ok {
			return
		}
		switch string(key) {
		case "name", "arguments", "input":
			a.outputBytes += d.written(a)
		default:
			d.skip()
		}
	}
}
