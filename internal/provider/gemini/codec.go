package gemini

import (
	"net/url"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// wire is how errors name the wire.
const wire = "the Gemini API"

// Codec implements [chat.Codec] for the wire.
type Codec struct {
	// array streams a JSON array and not server-sent events.
	array bool
}

var _ chat.Codec = Codec{}

// New returns the codec whose streams are server-sent events, as requests with
// alt=sse ask for: the official SDKs do.
func New() chat.Codec { return Codec{} }

// NewArray returns the codec whose streams to clients are one JSON array, sent
// element by element, as requests without alt=sse ask for. Its media type is
// application/json.
func NewArray() chat.Codec { return Codec{array: true} }

// Action is what a path of the API asks of a model.
type Action string

// The actions that this package has the bodies of.
const (
	Generate       Action = "generateContent"
	StreamGenerate Action = "streamGenerateContent"
)

// Path is the path, from the version on, and the query at which a model
// generates. The model may be named with its collection ("models/…",
// "tunedModels/…") or without.
func Path(model string, stream bool) string {
	collection, name, ok := strings.Cut(model, "/")
	if !ok || collection != "models" && collection != "tunedModels" {
		collection, name = "models", model
	}
	path := "/v1beta/" + collection + "/" + url.PathEscape(name)
	if stream {
		return path + ":" + string(StreamGenerate) + "?alt=sse"
	}
	return path + ":" + string(Generate)
}

// ParsePath reads the model and the action of a decoded path such as
// /team-a/v1beta/models/gemini-2.5-flash:generateContent. ok is false for
// another path. The action may be one that this package has no bodies of, such as
// countTokens.
func ParsePath(path string) (model string, action Action, ok bool) {
	const collection = "/models/"
	i := strings.LastIndex(path, "/v1")
	if i < 0 {
		return "", "", false
	}
	_, rest, found := strings.Cut(path[i+1:], collection)
	colon := strings.LastIndexByte(rest, ':')
	if !found || colon <= 0 || colon == len(rest)-1 {
		return "", "", false
	}
	return rest[:colon], Action(rest[colon+1:]), true
}
