package patch

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// ErrorBody is OpenAI's error object. Empty members are null in JSON, but for
// the message.
type ErrorBody struct {
	Message, Type, Param, Code string
}

// Longer texts of a provider's error are cut: they end up in logs and headers,
// and some providers quote the request.
const (
	maxMessage = 1000
	maxWord    = 100
)

// errorReader gathers an error from the members of the many shapes that
// providers give it:
//
//	{"error":{"message","type","param","code"}}   OpenAI, and most
//	{"error":"…","code":"…"}                       xAI, Ollama
//	[{"error":{…}}]                                Gemini
//	{"object":"error","message":"…","type","code"} vLLM, Mistral
//	{"message":{"detail":[{"loc","msg"}]}}         Mistral
//	{"detail":"…"}, {"detail":[{"loc","msg"}]}     FastAPI
//
// What is found first counts.
type errorReader struct {
	reader
	ErrorBody
	// raw is what the provider behind OpenRouter said.
	raw string
}

// ScanError reads the error body of a provider, whatever its shape, even if it
// is cut. What is missing is empty.
func ScanError(body []byte) ErrorBody {
	return readError(body).ErrorBody
}

func readError(body []byte) *errorReader {
	e := &errorReader{reader: reader{b: body}}
	e.i = skipSpace(body, 0)
	switch e.peek() {
	case '{', '[':
		e.value()
	case '"':
		e.take(&e.Message, maxMessage)
	case '<': // a page for humans
	default:
		line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
		e.Message = clip(strings.ToValidUTF8(string(line), "\uFFFD"), maxMessage)
	}
	return e
}

// value reads the object at hand, or those of the array at hand.
func (e *errorReader) value() {
	switch e.peek() {
	case '{':
		e.open()
		for {
			key, ok := e.member()
			if !ok {
				return
			}
			e.errorMember(string(key))
		}
	case '[':
		e.open()
		for e.element() {
			e.value()
		}
	default:
		e.skip()
	}
}

func (e *errorReader) errorMember(key string) {
	switch key {
	case "error", "message", "detail", "msg":
		if e.peek() == '"' {
			e.take(&e.Message, maxMessage)
		} else {
			e.value()
		}
	case "type":
		e.take(&e.Type, maxWord)
	case "param":
		e.take(&e.Param, maxWord)
	case "loc":
		e.location()
	case "code":
		e.take(&e.Code, maxWord)
	case "metadata":
		e.value()
	case "raw":
		e.take(&e.raw, maxMessage)
	default:
		e.skip()
	}
}

// take reads a string or a number, unless to is found already.
func (e *errorReader) take(to *string, limit int) {
	c := e.peek()
	if c == '"' {
		if t, ok := e.optionalText(); ok && *to == "" {
			*to = clip(t.string(e.b), limit)
		}
		return
	}
	at := e.span()
	if !e.failed() && isDigit(c) && *to == "" {
		*to = clip(string(at.of(e.b)), limit)
	}
}

// location reads FastAPI's path of what is wrong: ["body","messages",0,"role"].
func (e *errorReader) location() {
	if e.peek() != '[' || e.Param != "" {
		e.skip()
		return
	}
	var path []string
	e.open()
	for e.element() {
		step := ""
		if e.take(&step, maxWord); step != "" && step != "body" {
			path = append(path, step)
		}
	}
	e.Param = clip(strings.Join(path, "."), maxWord)
}

// clip shortens s to limit bytes, whole characters, and says so.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// AppendError appends an error response body.
func AppendError(dst []byte, e ErrorBody) []byte {
	dst = append(dst, `{"error":{"message":`...)
	dst = appendString(dst, e.Message)
	dst = append(dst, `,"type":`...)
	dst = appendNullable(dst, e.Type)
	dst = append(dst, `,"param":`...)
	dst = appendNullable(dst, e.Param)
	dst = append(dst, `,"code":`...)
	dst = appendNullable(dst, e.Code)
	return append(dst, `}}`...)
}

func appendNullable(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return appendString(dst, s)
}

// AppendErrorEvent appends an event that tells the client of a stream that it
// failed. It has no name, so that OpenAI's SDKs for Python, Node and Go all look
// at its data, and raise an error for the error member. They would take an end
// without one for the end of the answer.
func AppendErrorEvent(dst []byte, e ErrorBody) []byte {
	dst = append(dst, "data: "...)
	dst = AppendError(dst, e)
	return append(dst, "\n\n"...)
}
