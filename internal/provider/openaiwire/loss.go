package openaiwire

import (
	"slices"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// Loss keeps what an encoder cannot carry of a request.
type Loss struct {
	// Wire is the encoder's, in the words of errors.
	Wire    string
	req     *chat.Request
	dropped []string
	refused error
}

// NewLoss begins the books of one request.
func NewLoss(wire string, r *chat.Request) *Loss { return &Loss{Wire: wire, req: r} }

// Drop names a field, by its name in Chat Completions, that the answer does not
// need.
func (l *Loss) Drop(given bool, field string) {
	if given {
		l.dropped = append(l.dropped, l.req.FieldName(field))
	}
}

// DropPath names a field as the client wrote it.
func (l *Loss) DropPath(path string) { l.dropped = append(l.dropped, path) }

// Refuse refuses a request for a field, by its name in Chat Completions, that the
// answer does need. The first counts.
func (l *Loss) Refuse(given bool, field, reason string) {
	if given && l.refused == nil {
		l.refused = &chat.Unsupported{Field: l.req.FieldName(field), Wire: l.Wire, Reason: reason}
	}
}

// Native drops or refuses a member of another wire.
func (l *Loss) Native(n chat.Native) {
	switch {
	case n.Harmless:
		l.DropPath(n.Field)
	case l.refused == nil:
		l.refused = n.Unsupported(l.Wire)
	}
}

// Invalid refuses a request for a field that no wire can take.
func (l *Loss) Invalid(field, problem string) {
	if l.refused == nil {
		l.refused = &chat.FieldError{Field: field, Problem: problem}
	}
}

// Result is the encoded request, or why there is none.
func (l *Loss) Result(body []byte) (*chat.Encoded, error) {
	if l.refused != nil {
		return nil, l.refused
	}
	slices.Sort(l.dropped)
	return &chat.Encoded{Body: body, Dropped: slices.Compact(l.dropped)}, nil
}
