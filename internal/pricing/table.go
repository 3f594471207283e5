package pricing

import (
	"iter"
	"strconv"
	"strings"
	"time"
)

// table is one embedded CSV file without quotes, read in place: a lookup walks
// the rows of one provider and parses those of one model, so that nothing is
// kept in memory.
type table struct {
	name string
	csv  string
}

// row is a line of a table. The columns after the model are cut only when needed.
type row struct {
	model string
	rest  string
}

// Columns after provider and model.
const (
	columnDisplayName = iota
	columnEffectiveFrom
	columnConstraint
	columnInput
	columnCachedInput
	columnCacheWrite
	columnCacheWrite1h
	columnOutput
	columnReasoningOutput
	columnContextTokens
	columnPriceChecked
	columnDeprecated
	columns
)

// Constraints of a row: what its effective_from means.
const (
	constraintStartDate = "start_date"
	constraintTimeOfDay = "time"
)

// rows are the lines of a provider, which stand together.
func (t table) rows(provider string) iter.Seq[row] {
	return func(yield func(row) bool) {
		prefix := "\n" + provider + ","
		start := strings.Index(t.csv, prefix)
		if start < 0 || strings.ContainsAny(provider, ",\n") {
			return
		}
		for line := range strings.Lines(t.csv[start+1:]) {
			cells, same := strings.CutPrefix(line, prefix[1:])
			model, rest, _ := strings.Cut(strings.TrimRight(cells, "\r\n"), ",")
			if !same || !yield(row{model, rest}) {
				return
			}
		}
	}
}

// find are the rows of the first of the names that the provider has.
func (t table) find(provider string, names []string) []row {
	var found []row
	best := len(names)
	for r := range t.rows(provider) {
		for i, name := range names[:min(best+1, len(names))] {
			if !strings.EqualFold(r.model, name) {
				continue
			}
			if i < best {
				best, found = i, nil
			}
			found = append(found, r)
			break
		}
	}
	return found
}

// entry is the price in force, given all rows of a model; false: it has none.
func (t table) entry(provider string, rows []row, at time.Time) (Entry, bool) {
	chosen, from, until := inForce(rows, at)
	rates, ok := chosen.rates(provider)
	cells := chosen.cells()
	entry := Entry{
		Provider: provider, Model: chosen.model, DisplayName: cells[columnDisplayName], Rates: rates,
		Source: t.name, EffectiveFrom: from, EffectiveUntil: until, Deprecated: cells[columnDeprecated] == "True",
	}
	entry.ContextTokens, _ = strconv.ParseInt(cells[columnContextTokens], 10, 64)
	if cells[columnConstraint] == constraintTimeOfDay {
		entry.Source += ", peak price"
	}
	return entry, ok
}

// inForce picks a model's row by date. A time-of-day row, which the table gives
// after the off-peak row, replaces it: it is the peak price.
func inForce(rows []row, at time.Time) (chosen row, from, until time.Time) {
	for _, r := range rows {
		day := r.startDate()
		switch {
		case day.After(at):
			if until.IsZero() || day.Before(until) {
				until = day
			}
		case chosen.model == "" || !day.Before(from):
			chosen, from = r, day
		}
	}
	return chosen, from, until
}

// startDate is the day the row takes force; zero: always was.
func (r row) startDate() time.Time {
	cells := r.cells()
	if cells[columnConstraint] != constraintStartDate {
		return time.Time{}
	}
	day, _ := time.Parse(time.DateOnly, cells[columnEffectiveFrom])
	return day
}

func (r row) cells() (cells [columns]string) {
	rest := r.rest
	for i := range cells {
		cells[i], rest, _ = strings.Cut(rest, ",")
	}
	return cells
}

// rates are those of the row; false: the input or the output price is unknown.
func (r row) rates(provider string) (Rates, bool) {
	cells := r.cells()
	written := RateStrings{
		Input: cells[columnInput], CachedInput: cells[columnCachedInput], CacheWrite: cells[columnCacheWrite],
		CacheWrite1h: cells[columnCacheWrite1h], Output: cells[columnOutput], ReasoningOutput: cells[columnReasoningOutput],
	}
	if written.Output == "" && strings.Contains(r.model, "embed") {
		// An embedding has no output tokens, so its price is all input.
		written.Output = "0"
	}
	if provider == "anthropic" && written.CacheWrite != "" && written.CacheWrite1h == "" {
		written.CacheWrite1h = twice(written.Input)
	}
	rates, err := NewRates(written)
	return rates, err == nil
}

// twice is Anthropic's price of one-hour cache writes, which the catalogue
// leaves out: two times that of input (the standard write is 1.25 times), see
// https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#pricing.
func twice(written string) string {
	s, problem := parseSeries(written)
	if problem != "" || !s.known {
		return ""
	}
	text := appendPrice(nil, 2*s.base)
	for _, next := range s.steps {
		text = append(text, ";>"...)
		text = strconv.AppendInt(text, next.above, 10)
		text = append(text, ':')
		text = appendPrice(text, 2*next.price)
	}
	return string(text)
}
