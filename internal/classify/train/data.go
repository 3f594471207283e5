package train

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tiershift/tiershift/internal/classify/model"
)

// Row is one prompt and what is known of it: outcomes, a label, or both.
type Row struct {
	ID, Prompt string
	Signals    model.Signals
	// Group keeps prompts together in cross-validation; empty: by themselves.
	Group string
	// Source is where the row comes from: metrics are given by source too.
	Source string
	// Outcomes are how well tiers answered, each in [0,1].
	Outcomes map[string]float64
	// Label is the class, or empty.
	Label string
	// Weight is how often the row counts; 1 by default.
	Weight float64
}

// Format is a format of learning data.
type Format string

// The formats, all JSON Lines. Auto takes what each line has.
const (
	Auto Format = "auto"
	// Outcomes: {"prompt", "outcomes": {TIER: 0..1}}.
	Outcomes Format = "outcomes"
	// Labels: {"prompt", "label": "SIMPLE" | "MODERATE" | "COMPLEX"}.
	Labels Format = "labels"
	// Pairs: {"prompt", "weak_score", "strong_score"}, and perhaps "mid_score".
	Pairs Format = "pairs"
)

// Formats lists the formats.
var Formats = []Format{Auto, Outcomes, Labels, Pairs}

// record is a line of any format. Other fields are left aside.
type record struct {
	ID          string             `json:"id"`
	Prompt      *string            `json:"prompt"`
	Group       string             `json:"group"`
	Source      string             `json:"source"`
	Weight      *float64           `json:"weight"`
	Tokens      int64              `json:"tokens"`
	Turns       int                `json:"turns"`
	Tools       bool               `json:"tools"`
	Images      bool               `json:"images"`
	JSONSchema  bool               `json:"json_schema"`
	Outcomes    map[string]float64 `json:"outcomes"`
	WeakScore   *float64           `json:"weak_score"`
	MidScore    *float64           `json:"mid_score"`
	StrongScore *float64           `json:"strong_score"`
	Label       string             `json:"label"`
}

// MaxLine is how long a line may be, in bytes.
const MaxLine = 8 << 20

// Lines calls do with each line that is not empty and its number from 1. It reads
// gzip when the data is gzip. Errors name the line.
func Lines(r io.Reader, do func(number int, line []byte) error) error {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return err
		}
		buffered = bufio.NewReaderSize(unzipped, 64<<10)
	}
	scanner := bufio.NewScanner(buffered)
	scanner.Buffer(nil, MaxLine)
	number := 0
	for scanner.Scan() {
		number++
		if line := bytes.TrimSpace(scanner.Bytes()); len(line) > 0 {
			if err := do(number, line); err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
		}
	}
	if err := scanner.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("line %d: is longer than %d bytes", number+1, MaxLine)
	} else if err != nil {
		return fmt.Errorf("after line %d: %w", number, err)
	}
	return nil
}

// Data is learning data, of one or several files.
type Data struct {
	Rows   []Row
	digest [sha256.Size]byte
}

// Digest is the SHA-256 of all lines read, in their order.
func (d *Data) Digest() string { return "sha256:" + hex.EncodeToString(d.digest[:]) }

// Add reads a file into the data. Errors name the line and the field.
func (d *Data) Add(r io.Reader, format Format) error {
	h := sha256.New()
	h.Write(d.digest[:])
	before := len(d.Rows)
	err := Lines(r, func(_ int, line []byte) error {
		h.Write(line)
		h.Write([]byte{'\n'})
		row, err := parseRow(line, format)
		if err == nil {
			d.Rows = append(d.Rows, row)
		}
		return err
	})
	if err == nil && len(d.Rows) == before {
		err = errors.New("has no lines")
	}
	h.Sum(d.digest[:0])
	return err
}

func parseRow(line []byte, format Format) (Row, error) {
	var rec record
	if err := json.Unmarshal(line, &rec); err != nil {
		return Row{}, fmt.Errorf("is not a JSON object of the expected fields: %w", err)
	}
	if rec.Prompt == nil || *rec.Prompt == "" {
		return Row{}, errors.New("prompt: is missing or empty")
	}
	row := Row{
		ID: rec.ID, Prompt: *rec.Prompt, Group: rec.Group, Source: rec.Source, Weight: 1, Label: rec.Label, Outcomes: map[string]float64{},
		Signals: model.Signals{Tokens: rec.Tokens, Turns: rec.Turns, Tools: rec.Tools, Images: rec.Images, JSONSchema: rec.JSONSchema},
	}
	if rec.Weight != nil {
		row.Weight = *rec.Weight
	}
	if !(row.Weight > 0 && row.Weight <= maxRowWeight) {
		return Row{}, fmt.Errorf("weight: is %g, must be above 0 and at most %d", row.Weight, maxRowWeight)
	}
	maps.Copy(row.Outcomes, rec.Outcomes)
	for tier, score := range map[string]*float64{"weak": rec.WeakScore, "mid": rec.MidScore, "strong": rec.StrongScore} {
		if score != nil && format != Outcomes {
			row.Outcomes[tier] = *score
		}
	}
	if err := row.check(format); err != nil {
		return Row{}, err
	}
	return row, nil
}

const maxRowWeight = 1000

// check reports what the format asks for and the row has not, and what is out of
// range. It forgets what the format does not ask for.
func (r *Row) check(format Format) error {
	switch format {
	case Labels:
		r.Outcomes = nil
	case Outcomes, Pairs:
		r.Label = ""
	}
	if err := r.checkOutcomes(); err != nil {
		return err
	}
	if r.Label != "" && !slices.Contains(model.Classes[:], r.Label) {
		return fmt.Errorf("label: is %q, must be one of %q", r.Label, model.Classes)
	}
	if len(r.Outcomes) == 0 && r.Label == "" {
		return missing(format)
	}
	return nil
}

func (r *Row) checkOutcomes() error {
	for tier, score := range r.Outcomes {
		if !(score >= 0 && score <= 1) {
			return fmt.Errorf("outcome of %q: is %g, must be from 0 to 1", tier, score)
		}
		if tier == "" {
			return errors.New("outcomes: a tier has no name")
		}
	}
	return nil
}

// missing is what a row lacks that has nothing to learn from.
func missing(format Format) error {
	switch format {
	case Labels:
		return errors.New("label: is missing")
	case Outcomes:
		return errors.New("outcomes: is missing or empty")
	case Pairs:
		return errors.New("weak_score and strong_score: are missing")
	}
	return errors.New("has none of outcomes, weak_score and strong_score, and label")
}
