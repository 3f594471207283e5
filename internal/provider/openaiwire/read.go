package openaiwire

import (
	"maps"
	"slices"
	"strconv"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// Path is the place of a value in a request. The zero Path is the whole body.
type Path struct {
	parent *Path
	name   string
	index  int
}

// Member is the path of a member.
func (p *Path) Member(name string) *Path { return &Path{parent: p, name: name} }

// Element is the path of an element.
func (p *Path) Element(i int) *Path { return &Path{parent: p, index: i} }

// String writes the path as "messages[2].content".
func (p *Path) String() string {
	switch {
	case p == nil || p.parent == nil && p.name == "":
		return ""
	case p.name == "":
		return p.parent.String() + "[" + strconv.Itoa(p.index) + "]"
	}
	if before := p.parent.String(); before != "" {
		return before + "." + p.name
	}
	return p.name
}

// Reader reads leaves and keeps the first fault.
type Reader struct{ fault *chat.FieldError }

// Fail keeps a fault if it is the first.
func (r *Reader) Fail(at *Path, problem string) {
	if r.fault == nil {
		r.fault = &chat.FieldError{Field: at.String(), Problem: problem}
	}
}

// Err is the first fault; nil: none.
func (r *Reader) Err() error {
	if r.fault == nil {
		return nil
	}
	return r.fault
}

// Failed reports whether there was a fault.
func (r *Reader) Failed() bool { return r.fault != nil }

// Text reads a string; null is empty.
func (r *Reader) Text(at *Path, v Value) string {
	if v.Given() && !v.IsString() {
		r.Fail(at, "expected a string")
	}
	return v.Text()
}

// Required reads a string that is not to be empty.
func (r *Reader) Required(at *Path, v Value) string {
	s := r.Text(at, v)
	if s == "" {
		r.Fail(at, "is required: expected a string that is not empty")
	}
	return s
}

// Int reads a whole number; null is nil.
func (r *Reader) Int(at *Path, v Value) *int64 {
	if !v.Given() {
		return nil
	}
	n, ok := v.Int()
	if !ok {
		r.Fail(at, "expected a whole number")
	}
	return &n
}

// Count reads a whole number of at least 1; null is 0.
func (r *Reader) Count(at *Path, v Value) int64 {
	n := r.Int(at, v)
	if n == nil {
		return 0
	}
	if *n < 1 {
		r.Fail(at, "expected a whole number of at least 1")
	}
	return *n
}

// Float reads a number; null is nil.
func (r *Reader) Float(at *Path, v Value) *float64 {
	if !v.Given() {
		return nil
	}
	f, ok := v.Float()
	if !ok {
		r.Fail(at, "expected a number")
	}
	return &f
}

// Bool reads true or false; null is nil.
func (r *Reader) Bool(at *Path, v Value) *bool {
	if !v.Given() {
		return nil
	}
	b, ok := v.Bool()
	if !ok {
		r.Fail(at, "expected true or false")
	}
	return &b
}

// Flag reads true or false; null is false.
func (r *Reader) Flag(at *Path, v Value) bool {
	b := r.Bool(at, v)
	return b != nil && *b
}

// Object demands an object; false: the value is not there, null or a fault.
func (r *Reader) Object(at *Path, v Value) bool {
	if v.Given() && !v.IsObject() {
		r.Fail(at, "expected an object")
	}
	return v.IsObject()
}

// Array demands an array; false: the value is not there, null or a fault.
func (r *Reader) Array(at *Path, v Value) bool {
	if v.Given() && !v.IsArray() {
		r.Fail(at, "expected an array")
	}
	return v.IsArray()
}

// Labels reads an object of strings; null is nil.
func (r *Reader) Labels(at *Path, v Value) map[string]string {
	if !r.Object(at, v) {
		return nil
	}
	labels := map[string]string{}
	for name, value := range v.Members() {
		if !value.IsString() {
			r.Fail(at.Member(string(name)), "expected a string")
			return nil
		}
		labels[string(name)] = value.Text()
	}
	return labels
}

// Labels writes an object of strings, sorted, unless it is empty.
func (o *Object) Labels(name string, labels map[string]string) {
	if len(labels) == 0 {
		return
	}
	o.Name(name)
	inner := NewObject(o.B)
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		inner.String(key, labels[key])
	}
	o.B = inner.End()
}

// efforts are the reasoning efforts that OpenAI knows.
var efforts = []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}

// Effort reads a reasoning effort; "default", which some servers know, is the
// same as none given.
func (r *Reader) Effort(at *Path, v Value) string {
	effort := r.Text(at, v)
	switch {
	case effort == "" || effort == "default":
		return ""
	case !slices.Contains(efforts, effort):
		r.Fail(at, "unknown; expected none, minimal, low, medium, high, xhigh or max")
	}
	return effort
}

// Schema reads a JSON Schema, which is an object here; null is nil.
func (r *Reader) Schema(at *Path, v Value) []byte {
	if !r.Object(at, v) {
		return nil
	}
	return v.Raw()
}
