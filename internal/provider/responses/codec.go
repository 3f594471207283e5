package responses

import (
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// wire is what errors call this wire.
const wire = "OpenAI Responses"

type codec struct{}

// New returns the codec.
func New() chat.Codec { return codec{} }

// DecodeError reads a provider's error body of any shape, cut or not.
func (codec) DecodeError(status int, body []byte) *chat.Error {
	return openaiwire.DecodeError(status, body)
}

// EncodeError writes {"error":{"message","type","param","code"}}.
func (codec) EncodeError(e *chat.Error) []byte { return openaiwire.EncodeError(e) }

// The ids of reasoning items that this package makes say what their encrypted
// content is: the signature of a thought, a thought that only its provider can
// read, or the signature of the item before.
const (
	idThought   = "rs_ts0"
	idRedacted  = "rs_ts1"
	idSignature = "rs_ts2"
)

// tag marks the signatures of OpenAI's own reasoning items, which hold the item's
// id too: "openai:" id ":" encrypted content.
const tag = "openai:"

// sign is the signature of a thought: that of the item as it is, if this package
// made the item, or else one that says it is OpenAI's.
func sign(id, encrypted string) string {
	if strings.HasPrefix(id, idThought) || id == "" && encrypted == "" {
		return encrypted
	}
	return tag + id + ":" + encrypted
}

// signed splits a signature; false: it is not OpenAI's.
func signed(signature string) (id, encrypted string, ok bool) {
	rest, ok := strings.CutPrefix(signature, tag)
	if !ok {
		return "", "", false
	}
	id, encrypted, ok = strings.Cut(rest, ":")
	return id, encrypted, ok
}
