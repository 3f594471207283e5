package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/pricing"
)

// members are those of a JSON object, as they are written.
type members map[string]json.RawMessage

// document is a JSON object of which paths are asked for. Its inner objects are
// read once.
type document struct {
	raw     json.RawMessage
	members members
	inner   map[string]*document // nil: is no object
}

// whole is the path of the document itself.
const whole = "."

func parseDocument(line []byte) (*document, error) {
	d := &document{raw: line}
	if err := json.Unmarshal(line, &d.members); err != nil {
		return nil, notJSON(err)
	}
	if d.members == nil {
		return nil, errors.New("is null, not a JSON object")
	}
	return d, nil
}

// notJSON says what is wrong without quoting the line.
func notJSON(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("is no whole JSON object: at byte %d", syntax.Offset)
	}
	return errors.New("is not a JSON object")
}

// at is the value at a path; nil: there is none, or it is empty: null, "", {} or
// []. Objects that are written as strings, as databases export them, are read.
func (d *document) at(path string) json.RawMessage {
	if path == whole {
		return d.raw
	}
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return unwrapped(d.members[name])
	}
	if inner := d.object(name); inner != nil {
		return inner.at(rest)
	}
	return nil
}

// object is the member if it is an object, or nil.
func (d *document) object(name string) *document {
	if inner, known := d.inner[name]; known {
		return inner
	}
	inner := &document{raw: unwrapped(d.members[name])}
	if inner.raw == nil || json.Unmarshal(inner.raw, &inner.members) != nil {
		inner = nil
	}
	if d.inner == nil {
		d.inner = map[string]*document{}
	}
	d.inner[name] = inner
	return inner
}

// unwrapped is the value without the string around it if what is in it is an
// object or an array, and nil if the value is empty.
func unwrapped(v json.RawMessage) json.RawMessage {
	v = bytes.TrimSpace(v)
	if len(v) > 2 && v[0] == '"' {
		if s, ok := text(v); ok {
			if inner := strings.TrimSpace(s); inner != "" && (inner[0] == '{' || inner[0] == '[') && json.Valid([]byte(inner)) {
				v = []byte(inner)
			}
		}
	}
	switch string(v) {
	case "", "null", `""`, "{}", "[]":
		return nil
	}
	return v
}

func text(v json.RawMessage) (string, bool) {
	var s string
	if len(v) == 0 || v[0] != '"' || json.Unmarshal(v, &s) != nil {
		return "", false
	}
	return s, true
}

// word is a value as text, whether it is written as string, number or boolean.
func word(v json.RawMessage) string {
	if s, ok := text(v); ok {
		return strings.TrimSpace(s)
	}
	return string(v)
}

// number reads a number that may be written as a string.
func number(v json.RawMessage, name string) (x float64, ok bool, err error) {
	s := word(v)
	if s == "" {
		return 0, false, nil
	}
	x, parseErr := strconv.ParseFloat(s, 64)
	if parseErr != nil || math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
		return 0, false, fmt.Errorf("%s: must be a number from 0 on", name)
	}
	return x, true, nil
}

// maxCount is above any count of tokens that a log can mean.
const maxCount = 1 << 40

func count(v json.RawMessage, name string) (int64, bool, error) {
	x, ok, err := number(v, name)
	if err == nil && x > maxCount {
		return 0, false, fmt.Errorf("%s: is more than any request has", name)
	}
	return int64(x), ok, err
}

// dollars reads an amount in USD, which logs write as floating point numbers.
func dollars(v json.RawMessage, name string) (pricing.Picodollars, bool, error) {
	x, ok, err := number(v, name)
	if err != nil || !ok {
		return 0, false, err
	}
	const perUSD, most = 1e12, 1e6
	if x > most {
		return 0, false, fmt.Errorf("%s: is more than a million USD for one request", name)
	}
	return pricing.Picodollars(math.Round(x * perUSD)), true, nil
}
