package openaiwire

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/patch"
)

// maxMessage bounds what is quoted of a provider's error, in bytes.
const maxMessage = 1000

// DecodeError reads an error body of any shape, cut or not.
func DecodeError(status int, body []byte) *chat.Error {
	said := patch.ScanError(body)
	e := &chat.Error{
		Status: status, Message: clip(said.Message, maxMessage), Type: clip(said.Type, 100), Param: clip(said.Param, 100), Code: clip(said.Code, 100),
	}
	e.Class = classOf(status, e.Type+" "+e.Code)
	if e.Message == "" {
		e.Message = "the provider gave no reason"
		if text := http.StatusText(status); text != "" && status >= http.StatusBadRequest {
			e.Message = "the provider answered " + text + " and gave no reason"
		}
	}
	return e
}

// classWords tell the class of an error without a status of its own, by a part
// of its type or code.
var classWords = []struct {
	word  string
	class chat.ErrorClass
}{
	{"rate_limit", chat.ErrorRateLimited},
	{"insufficient_quota", chat.ErrorRateLimited},
	{"invalid_api_key", chat.ErrorAuthentication},
	{"authentication", chat.ErrorAuthentication},
	{"permission", chat.ErrorPermission},
	{"not_found", chat.ErrorNotFound},
	{"overloaded", chat.ErrorOverloaded},
	{"timeout", chat.ErrorTimeout},
	{"too_large", chat.ErrorTooLarge},
	{"invalid", chat.ErrorInvalidRequest},
	{"context_length", chat.ErrorInvalidRequest},
}

func classOf(status int, words string) chat.ErrorClass {
	if status >= http.StatusBadRequest {
		return chat.ClassOf(status)
	}
	words = strings.ToLower(words)
	for _, w := range classWords {
		if strings.Contains(words, w.word) {
			return w.class
		}
	}
	return chat.ErrorInternal
}

// words are the type and code that OpenAI uses for a class
// (https://platform.openai.com/docs/guides/error-codes).
var words = map[chat.ErrorClass][2]string{
	chat.ErrorInvalidRequest: {"invalid_request_error", ""},
	chat.ErrorAuthentication: {"invalid_request_error", "invalid_api_key"},
	chat.ErrorPermission:     {"invalid_request_error", "permission_denied"},
	chat.ErrorNotFound:       {"invalid_request_error", "not_found"},
	chat.ErrorTooLarge:       {"invalid_request_error", "request_too_large"},
	chat.ErrorRateLimited:    {"requests", "rate_limit_exceeded"},
	chat.ErrorTimeout:        {"server_error", "timeout"},
	chat.ErrorOverloaded:     {"server_error", "overloaded"},
	chat.ErrorInternal:       {"server_error", ""},
}

// ErrorBody is the error in OpenAI's words: its own where it has some, or else
// those of its class.
func ErrorBody(e *chat.Error) patch.ErrorBody {
	b := patch.ErrorBody{Message: e.Message, Type: e.Type, Param: e.Param, Code: e.Code}
	w := words[e.Class]
	if b.Type == "" && b.Code == "" {
		b.Code = w[1]
	}
	if b.Type == "" {
		b.Type = w[0]
	}
	return b
}

// EncodeError writes the error body of both wires.
func EncodeError(e *chat.Error) []byte { return patch.AppendError(nil, ErrorBody(e)) }

// clip shortens s to limit bytes, whole characters.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	limit -= len("…")
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}
