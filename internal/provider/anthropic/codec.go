package anthropic

import (
	"github.com/tiershift/tiershift/internal/provider/chat"
)

// Wire is the name of this wire in [chat.Native].
const Wire = chat.WireAnthropic

// wireName is the name of this wire for humans.
const wireName = "Anthropic Messages"

// DefaultMaxTokens caps an answer when neither the request nor the route nor the
// model says how long it may be, for this wire demands a cap. Every model that is
// served can write as much.
const DefaultMaxTokens = 8192

// Codec translates between the neutral model and Anthropic's Messages. Its zero
// value is ready for use.
type Codec struct{}

var _ chat.Codec = Codec{}

// New returns a Codec.
func New() chat.Codec { return Codec{} }

// answerTool is the tool by which models without structured outputs are made to
// answer in JSON. A call of it is read as text.
const answerTool = "tiershift_answer"

func problem(field, text string) error { return &chat.FieldError{Field: field, Problem: text} }

func unsupported(field, reason string) error {
	return &chat.Unsupported{Field: field, Wire: wireName, Reason: reason}
}
