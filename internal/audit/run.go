package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/tiershift/tiershift/internal/pricing"
)

// Decision is what a policy makes of a request.
type Decision struct {
	Route, Tier, Model, Provider string
	// Class is SIMPLE, MODERATE or COMPLEX. Judged says that the policy did not
	// classify the request, or was not sure, and the embedded classifier did.
	Class  string
	Judged bool
	// InputTokens and OutputTokens are the router's estimates.
	InputTokens, OutputTokens int64
	// Rates are the prices of the model, and Baseline those of the policy's
	// baseline.
	Rates, Baseline pricing.Rates
}

// Decide is the routing decision for a Chat Completions body. What it draws at
// random follows from the seed alone. An error is a request that the router would
// refuse; it quotes nothing of the prompt.
type Decide func(seed uint64, body []byte) (*Decision, error)

// Options say how a log is read.
type Options struct {
	Fields Map
	// KeepModel says which model names the policy knows as more than a model:
	// routes, tiers, names that routes match.
	KeepModel func(string) bool
	Prices    *Prices
	// NewDecide returns the decision for one goroutine.
	NewDecide func() Decide
	// Workers is how many goroutines decide at once.
	Workers int
	// MaxLine is how long a line may be, in bytes; longer ones are skipped.
	MaxLine int
	// MaxMalformed is how many malformed lines are passed over before the log is
	// taken for something else.
	MaxMalformed int64
}

// batch is a piece of the log on its way to a worker.
type batch struct {
	first int    // number of the first line
	data  []byte // the lines, one after the other
	ends  []int  // where each ends; an empty one was too long
}

// A batch is handed on when it has that many bytes or lines: enough that handing
// on costs nothing, few enough that memory stays small.
const (
	batchBytes = 256 << 10
	batchLines = 256
)

// TooManyMalformedError ends the reading of what is not the log it is taken for.
type TooManyMalformedError struct {
	// Limit is how many malformed lines were allowed, and First the first. Most
	// says that more than half of the lines are malformed, however few there are.
	Limit int64
	First Problem
	Most  bool
}

func (e *TooManyMalformedError) Error() string {
	if e.Most {
		return fmt.Sprintf("most lines are malformed, the first is line %d: %s", e.First.Line, e.First.Problem)
	}
	return fmt.Sprintf("more than %d lines are malformed, the first is line %d: %s", e.Limit, e.First.Line, e.First.Problem)
}

// Run reads a log, plain or gzip, to its end.
func Run(ctx context.Context, log io.Reader, o *Options) (*Report, error) {
	lines, err := newLineReader(log, o.MaxLine)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work, free := make(chan *batch), sync.Pool{New: func() any { return new(batch) }}
	tallies := make([]*tally, o.Workers)
	malformed := atomic.Int64{}
	var group sync.WaitGroup
	for i := range tallies {
		w := &worker{options: o, parser: parser{fields: o.Fields, keep: o.KeepModel}, decide: o.NewDecide(), tally: newTally()}
		tallies[i] = w.tally
		group.Go(func() {
			for b := range work {
				if malformed.Add(w.take(b)) > o.MaxMalformed {
					stop(&TooManyMalformedError{Limit: o.MaxMalformed})
				}
				free.Put(b)
			}
		})
	}
	readErr := deal(ctx, lines, work, &free)
	group.Wait()
	total := newTally()
	for _, t := range tallies {
		total.merge(t)
	}
	switch {
	case readErr == nil && ctx.Err() != nil:
		readErr = context.Cause(ctx)
	case readErr == nil && total.malformed > total.lines/2:
		readErr = &TooManyMalformedError{Most: true}
	}
	if readErr != nil {
		return nil, explain(readErr, total, lines.number)
	}
	return newReport(total), nil
}

func explain(err error, t *tally, line int) error {
	var many *TooManyMalformedError
	if errors.As(err, &many) {
		many.First = t.unreadable.first()[0]
		return many
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("after line %d: %w", line, err)
}

// deal reads the lines and hands them out. It closes work.
func deal(ctx context.Context, lines *lineReader, work chan<- *batch, free *sync.Pool) error {
	defer close(work)
	for {
		b := free.Get().(*batch)
		err := b.fill(lines)
		if len(b.ends) > 0 {
			select {
			case work <- b:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// fill reads the next lines into the batch.
func (b *batch) fill(lines *lineReader) error {
	if cap(b.data) > 4*batchBytes {
		b.data = nil // a rare long line must not hold its memory for ever
	}
	b.first, b.data, b.ends = lines.number+1, b.data[:0], b.ends[:0]
	for len(b.data) < batchBytes && len(b.ends) < batchLines {
		data, whole, err := lines.next(b.data)
		if err != nil {
			return err
		}
		if b.data = data; !whole {
			b.ends = append(b.ends, tooLong)
			continue
		}
		b.ends = append(b.ends, len(b.data))
	}
	return nil
}

// tooLong stands for the end of a line that was skipped.
const tooLong = -1
