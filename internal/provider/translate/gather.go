package translate

import (
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/sse"
)

// Gatherer reads along with a stream and keeps the answer, for those who must see
// the whole of it.
type Gatherer struct {
	reader  sse.Reader
	decoder chat.StreamDecoder
	limit   int

	events []chat.Event
	// parts find the parts of the response by choice and part.
	parts    map[[2]int64]*gathered
	order    [][2]int64
	finishes map[int64]chat.Finish
	bytes    int
	lost     bool
	ended    bool
}

// gathered is a part and its text so far.
type gathered struct {
	part chat.Part
	text []byte
}

// NewGatherer keeps at most so many bytes of what the model writes.
func NewGatherer(decoder chat.StreamDecoder, limit int) *Gatherer {
	return &Gatherer{decoder: decoder, limit: limit, parts: map[[2]int64]*gathered{}, finishes: map[int64]chat.Finish{}}
}

// Feed takes the next bytes of the stream.
func (g *Gatherer) Feed(chunk []byte) {
	if g.lost || g.ended {
		return
	}
	g.reader.Feed(chunk)
	for !g.lost && !g.ended {
		e, ok, err := g.reader.Next()
		if err != nil {
			g.lost = true
		}
		if err != nil || !ok {
			return
		}
		g.event(e)
	}
}

func (g *Gatherer) event(e sse.Event) {
	if e.Data == nil {
		return
	}
	events, err := g.decoder.Decode(g.events[:0], string(e.Name), e.Data)
	g.lost = g.lost || err != nil
	g.take(events)
}

func (g *Gatherer) take(events []chat.Event) {
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case chat.EventPartStart:
			g.part(e)
		case chat.EventText, chat.EventArguments:
			p := g.part(e)
			p.text = append(p.text, e.Text...)
			g.bytes += len(e.Text)
			g.lost = g.lost || g.bytes > g.limit
		case chat.EventFinish:
			g.finishes[e.Choice] = e.Finish
		case chat.EventEnd:
			g.ended = true
		case chat.EventError:
			g.lost = true
		}
	}
	clear(events)
	g.events = events
}

func (g *Gatherer) part(e *chat.Event) *gathered {
	key := [2]int64{e.Choice, e.Part}
	p, ok := g.parts[key]
	if !ok {
		p = &gathered{}
		g.parts[key] = p
		g.order = append(g.order, key)
	}
	if e.Start != nil {
		p.part = *e.Start
	}
	return p
}

// Response is the answer, once the stream has ended; nil: it was not whole, or
// longer than the limit. Its usage is not told.
func (g *Gatherer) Response() *chat.Response {
	if !g.lost && !g.ended {
		if e, ok := g.reader.End(); ok {
			g.event(e)
		}
		g.take(g.decoder.End(g.events[:0]))
	}
	if g.lost || !g.ended {
		return nil
	}
	r := &chat.Response{}
	at := map[int64]int{}
	choice := func(index int64) *chat.Choice {
		i, ok := at[index]
		if !ok {
			i = len(r.Choices)
			at[index] = i
			r.Choices = append(r.Choices, chat.Choice{Index: index, Finish: g.finishes[index]})
		}
		return &r.Choices[i]
	}
	for _, key := range g.order {
		c := choice(key[0])
		c.Parts = append(c.Parts, g.parts[key].finished())
	}
	for index := range g.finishes {
		choice(index)
	}
	return r
}

func (p *gathered) finished() chat.Part {
	out := p.part
	if out.Call != nil {
		call := *out.Call
		call.Arguments += string(p.text)
		out.Call = &call
		return out
	}
	if out.Kind == 0 {
		out.Kind = chat.KindText
	}
	out.Text += string(p.text)
	return out
}
