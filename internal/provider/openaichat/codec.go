package openaichat

import (
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// wire is what errors call this wire.
const wire = "OpenAI Chat Completions"

// Codec translates Chat Completions. Its zero value speaks to OpenAI.
type Codec struct {
	// LegacyMaxTokens names the cap max_tokens instead of max_completion_tokens, for
	// the many servers that know no other.
	LegacyMaxTokens bool
}

var _ chat.Codec = Codec{}

// New returns the codec.
func New() chat.Codec { return Codec{} }

// DecodeError reads a provider's error body of any shape, cut or not.
func (Codec) DecodeError(status int, body []byte) *chat.Error {
	return openaiwire.DecodeError(status, body)
}

// EncodeError writes {"error":{"message","type","param","code"}}.
func (Codec) EncodeError(e *chat.Error) []byte { return openaiwire.EncodeError(e) }
