package gemini

import (
	"bytes"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// Longer texts of a provider's error are cut: they end up in logs.
const (
	maxMessage = 1000
	maxWord    = 100
)

// statuses are the canonical codes of an error by its HTTP status
// (https://ai.google.dev/gemini-api/docs/troubleshooting,
// https://cloud.google.com/apis/design/errors#handling_errors).
var statuses = map[string]int{
	"INVALID_ARGUMENT":    http.StatusBadRequest,
	"FAILED_PRECONDITION": http.StatusBadRequest,
	"OUT_OF_RANGE":        http.StatusBadRequest,
	"UNAUTHENTICATED":     http.StatusUnauthorized,
	"PERMISSION_DENIED":   http.StatusForbidden,
	"NOT_FOUND":           http.StatusNotFound,
	"RESOURCE_EXHAUSTED":  http.StatusTooManyRequests,
	"CANCELLED":           499,
	"INTERNAL":            http.StatusInternalServerError,
	"UNKNOWN":             http.StatusInternalServerError,
	"UNIMPLEMENTED":       http.StatusNotImplemented,
	"UNAVAILABLE":         http.StatusServiceUnavailable,
	"DEADLINE_EXCEEDED":   http.StatusGatewayTimeout,
}

// DecodeError implements [chat.Codec]. Type is Google's status, such as
// RESOURCE_EXHAUSTED, and Code the reason of its details, such as
// API_KEY_INVALID.
func (Codec) DecodeError(status int, body []byte) *chat.Error {
	e := &chat.Error{Status: status}
	body = bytes.TrimSpace(body)
	switch v := document(body); v.kind() {
	case '{', '[':
		readError(e, v, 0)
	case '"':
		e.Message = clip(v.text(), maxMessage)
	case '<', 0: // a page for humans
	default:
		line, _, _ := bytes.Cut(body, []byte("\n"))
		e.Message = clip(strings.ToValidUTF8(string(line), "\uFFFD"), maxMessage)
	}
	e.Class = classOf(status, e)
	if e.Message == "" {
		e.Message = strings.TrimSpace("the provider gave no reason " + http.StatusText(status))
	}
	return e
}

// maxErrorDepth is how deep an error may be nested in others.
const maxErrorDepth = 4

// readError reads an error of Google's, {"error":{"code","message","status",
// "details"}}, alone or in an array, or of what stands before it: {"error":"…"},
// {"message":"…"}, {"detail":"…"}. What comes first counts.
func readError(e *chat.Error, v value, depth int) {
	if v.kind() == '[' {
		for _, first := range v.elements {
			readError(e, first, depth)
			return
		}
	}
	for m := range v.members {
		switch m.field() {
		case "error", "message", "detail":
			if e.Message == "" && m.kind() == '"' {
				e.Message = clip(m.text(), maxMessage)
			} else if depth < maxErrorDepth {
				readError(e, m.value, depth+1)
			}
		case "status":
			e.Type = clip(m.text(), maxWord)
		case "details":
			readDetails(e, m.value)
		}
	}
}

// readDetails reads the reason of an ErrorInfo and the field of a BadRequest
// (https://cloud.google.com/apis/design/errors#error_details).
func readDetails(e *chat.Error, v value) {
	for _, d := range v.elements {
		if reason := d.get("reason").text(); reason != "" && e.Code == "" {
			e.Code = clip(reason, maxWord)
		}
		for _, violation := range d.get("fieldViolations").elements {
			if field := violation.get("field").text(); field != "" && e.Param == "" {
				e.Param = clip(field, maxWord)
			}
		}
	}
}

// classOf is the class of the HTTP status, or in a stream of Google's. A wrong key
// is a 400 at Google.
func classOf(status int, e *chat.Error) chat.ErrorClass {
	switch e.Code {
	case "API_KEY_INVALID", "API_KEY_EXPIRED":
		return chat.ErrorAuthentication
	}
	if status < http.StatusBadRequest {
		status = statuses[e.Type]
		if status == 0 {
			status = http.StatusInternalServerError
		}
	}
	return chat.ClassOf(status)
}

// clip shortens s to limit bytes, whole characters.
func clip(s string, limit int) string {
	const dots = "…"
	if len(s) <= limit {
		return s
	}
	limit -= len(dots)
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + dots
}

// classStatuses are Google's words for a class, and the HTTP status of each where
// the error has none.
var classStatuses = map[chat.ErrorClass]struct {
	name   string
	status int
}{
	chat.ErrorInvalidRequest: {"INVALID_ARGUMENT", http.StatusBadRequest},
	chat.ErrorAuthentication: {"UNAUTHENTICATED", http.StatusUnauthorized},
	chat.ErrorPermission:     {"PERMISSION_DENIED", http.StatusForbidden},
	chat.ErrorNotFound:       {"NOT_FOUND", http.StatusNotFound},
	chat.ErrorTooLarge:       {"INVALID_ARGUMENT", http.StatusRequestEntityTooLarge},
	chat.ErrorRateLimited:    {"RESOURCE_EXHAUSTED", http.StatusTooManyRequests},
	chat.ErrorTimeout:        {"DEADLINE_EXCEEDED", http.StatusGatewayTimeout},
	chat.ErrorOverloaded:     {"UNAVAILABLE", http.StatusServiceUnavailable},
	chat.ErrorInternal:       {"INTERNAL", http.StatusInternalServerError},
}

// EncodeError implements [chat.Codec]. What the wire has no member for, the
// type, the code and the field, goes into its details.
func (Codec) EncodeError(e *chat.Error) []byte {
	w := &writer{}
	writeError(w, e)
	return w.b
}

func writeError(w *writer, e *chat.Error) {
	class := classStatuses[e.Class]
	if class.name == "" {
		class = classStatuses[chat.ErrorInternal]
	}
	status := e.Status
	if status < http.StatusBadRequest {
		status = class.status
	}
	w.open("", '{')
	w.open("error", '{')
	w.int("code", int64(status))
	w.text("message", e.Message)
	w.text("status", class.name)
	writeDetails(w, e)
	w.close('}')
	w.close('}')
}

func writeDetails(w *writer, e *chat.Error) {
	reason := e.Code
	if reason == "" {
		reason = e.Type
	}
	if reason == "" && e.Param == "" {
		return
	}
	w.open("details", '[')
	if reason != "" {
		w.open("", '{')
		w.text("@type", "type.googleapis.com/google.rpc.ErrorInfo")
		w.text("reason", reason)
		w.close('}')
	}
	if e.Param != "" {
		w.open("", '{')
		w.text("@type", "type.googleapis.com/google.rpc.BadRequest")
		w.open("fieldViolations", '[')
		w.open("", '{')
		w.text("field", e.Param)
		w.text("description", e.Message)
		w.close('}')
		w.close(']')
		w.close('}')
	}
	w.close(']')
}
