package anthropic

import (
	"bytes"
	"net/http"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/patch"
)

// errorTypes are the types of errors by class, with the status that each stands
// for (https://platform.claude.com/docs/en/api/errors).
var errorTypes = []struct {
	word   string
	class  chat.ErrorClass
	status int
}{
	{"invalid_request_error", chat.ErrorInvalidRequest, http.StatusBadRequest},
	{"authentication_error", chat.ErrorAuthentication, http.StatusUnauthorized},
	{"permission_error", chat.ErrorPermission, http.StatusForbidden},
	{"billing_error", chat.ErrorPermission, http.StatusPaymentRequired},
	{"not_found_error", chat.ErrorNotFound, http.StatusNotFound},
	{"request_too_large", chat.ErrorTooLarge, http.StatusRequestEntityTooLarge},
	{"rate_limit_error", chat.ErrorRateLimited, http.StatusTooManyRequests},
	{"timeout_error", chat.ErrorTimeout, http.StatusGatewayTimeout},
	{"overloaded_error", chat.ErrorOverloaded, 529},
	{"api_error", chat.ErrorInternal, http.StatusInternalServerError},
}

// DecodeError implements [chat.Codec]. The status decides the class; in the
// middle of a stream, where there is none, the type does.
func (Codec) DecodeError(status int, body []byte) *chat.Error {
	found := scanError(body)
	e := &chat.Error{Status: status, Message: found.Message, Type: found.Type, Code: found.Code, Param: found.Param}
	if status != 0 {
		e.Class = chat.ClassOf(status)
		return e
	}
	e.Class = chat.ErrorInternal
	for _, t := range errorTypes {
		if t.word == e.Type {
			e.Class = t.class
		}
	}
	return e
}

// scanError reads an error body of any shape. Of Anthropic's, whose envelope has
// a type of its own, it reads the error within.
func scanError(body []byte) patch.ErrorBody {
	found := patch.ScanError(body)
	if found.Type != "error" {
		return found
	}
	found.Type = ""
	if _, inner, ok := bytes.Cut(body, []byte(`"error":`)); ok {
		if e := patch.ScanError(inner); e.Message != "" || e.Type != "" {
			return e
		}
	}
	return found
}

// EncodeError implements [chat.Codec].
func (Codec) EncodeError(e *chat.Error) []byte { return appendError(nil, e) }

// appendError appends an error body. Its type is the wire's word for the class,
// unless the error has one already; the code is no member of the wire, and harms
// none of its clients.
func appendError(dst []byte, e *chat.Error) []byte {
	word := "api_error"
	for _, t := range errorTypes {
		if t.class == e.Class {
			word = t.word
			break
		}
	}
	for _, t := range errorTypes {
		if t.class == e.Class && t.word == e.Type {
			word = t.word
		}
	}
	dst = append(dst, `{"type":"error","error":{"type":`...)
	dst = appendString(dst, word)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	if e.Code != "" {
		dst = append(dst, `,"code":`...)
		dst = appendString(dst, e.Code)
	}
	return append(dst, `}}`...)
}
