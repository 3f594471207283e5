package patch

import "bytes"

// shape is what the chunks of a stream have in common: usually all but the text
// that each adds. A chunk that differs from one already read in nothing but the
// insides of such strings means the same, so that comparing bytes takes the
// place of reading JSON.
type shape struct {
	// event is the one that the shape was learnt from.
	event []byte
	// parts are, in event, what stands before, between and behind the strings.
	parts [maxStrings + 1]span
	// strings is how many there are; 0: no shape is known. spoken is the one
	// that the model wrote.
	strings, spoken int
	// cut is the part of event that is not passed on.
	cut span
	// misses counts the events in a row that did not fit.
	misses int
}

// One string is what the model wrote; the other is noise with which OpenAI hides
// the length of the first.
const maxStrings = 2

// maxMisses is when learning is given up: something else differs in each chunk.
const maxMisses = 8

func (h *shape) reset() {
	event := h.event[:0]
	if cap(event) > 16<<10 {
		event = nil
	}
	*h = shape{event: event}
}

// fit is an event that has the shape.
type fit struct {
	length int
	// cut is the part of it that is not passed on.
	cut    span
	spoken text
}

// match looks at the event at the start of src. It is false when the event does
// not have the shape, or is not whole.
func (h *shape) match(src []byte) (f fit, ok bool) {
	if h.strings == 0 || !bytes.HasPrefix(src, h.parts[0].of(h.event)) {
		return f, false
	}
	if h.cut.end <= h.parts[0].end {
		f.cut = h.cut
	}
	i := h.parts[0].end
	for n := range h.strings {
		end, saved := skipString(src, i)
		if end < 0 {
			return f, false
		}
		if n == h.spoken {
			f.spoken = text{span{i, end - 1}, saved}
		}
		i = end - 1
		part := h.parts[n+1]
		if !bytes.HasPrefix(src[i:], part.of(h.event)) {
			return f, false
		}
		if h.cut.start >= part.start && h.cut.end <= part.end {
			shift := i - part.start
			f.cut = span{h.cut.start + shift, h.cut.end + shift}
		}
		i += part.len()
	}
	f.length = i
	h.misses = 0
	return f, true
}

// learn takes the shape of an event, if it has one that others may have too.
// data is where its only data field starts; cuts are in terms of that.
func (h *shape) learn(event []byte, data int, a *answer, cuts []span) {
	if h.misses++; h.misses > maxMisses || !a.teaches() || len(cuts) > 1 || event[len(event)-1] != '\n' {
		return
	}
	inside := [maxStrings]span{a.speech.span, a.noise.span}
	h.strings, h.spoken = 1+a.noises, 0
	if a.noises == 1 && a.noise.start < a.speech.start {
		inside[0], inside[1], h.spoken = inside[1], inside[0], 1
	}
	h.event = append(h.event[:0], event...)
	from := 0
	for n, s := range inside[:h.strings] {
		h.parts[n] = span{from, data + s.start}
		from = data + s.end
	}
	h.parts[h.strings] = span{from, len(event)}
	h.cut = span{}
	if len(cuts) == 1 {
		h.cut = span{data + cuts[0].start, data + cuts[0].end}
	}
}

// teaches reports whether nothing but the text that it adds is to be booked of a
// chunk.
func (a *answer) teaches() bool {
	return a.speeches == 1 && a.noises <= 1 && a.finish.len() == 0 && a.error.len() == 0 && !a.reported().found
}
