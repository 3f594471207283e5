package chat

import (
	"fmt"
	"net/http"
)

// Upstream is what the router's choice adds to a request when it is encoded for
// a provider.
type Upstream struct {
	// Model as the provider calls it.
	Model string
	// MaxOutputTokens caps the answer; 0: what the request says.
	MaxOutputTokens int64
	// ModelMaxOutputTokens is the most the model can write, for wires that demand
	// a cap (Anthropic); 0: unknown.
	ModelMaxOutputTokens int64
	// Reasons says that the model is known to reason; encoders need it where a
	// setting is refused by models that do not.
	Reasons bool
	// CachePrompt asks the encoder to mark long system prompts and tools as
	// cacheable where the client marked nothing.
	CachePrompt bool
}

// Encoded is a request in the bytes of a wire.
type Encoded struct {
	Body []byte
	// Dropped are the request's fields, by the client's names, that this wire
	// cannot carry and that the answer does not need. Sorted, each once.
	Dropped []string
}

// Codec translates between one wire schema and the neutral model. Its methods
// are pure and safe for concurrent use.
type Codec interface {
	// DecodeRequest reads a client's request. The error is a *FieldError.
	DecodeRequest(body []byte) (*Request, error)
	// EncodeRequest writes the request for a provider of this wire. The error is
	// a *Unsupported or a *FieldError.
	EncodeRequest(r *Request, up Upstream) (*Encoded, error)
	// DecodeResponse reads a provider's whole answer. It refuses what is none,
	// such as an error body with status 200.
	DecodeResponse(body []byte) (*Response, error)
	// EncodeResponse writes the answer for a client of this wire.
	EncodeResponse(r *Response) []byte
	// DecodeError reads a provider's error body of any shape, cut or not.
	DecodeError(status int, body []byte) *Error
	// EncodeError writes an error for a client of this wire.
	EncodeError(e *Error) []byte
	// NewStreamDecoder reads one streamed answer.
	NewStreamDecoder() StreamDecoder
	// NewStreamEncoder writes one streamed answer to a client whose request was r.
	NewStreamEncoder(r *Request) StreamEncoder
}

// StreamDecoder turns the events of one provider's stream into neutral ones.
type StreamDecoder interface {
	// Decode reads the data (and of wires that name events the name) of one
	// server-sent event and appends what it says to dst. The slices in the
	// appended events are good until the next call. An error means that the
	// stream is not what it claims to be; it holds no content.
	Decode(dst []Event, name string, data []byte) ([]Event, error)
	// End appends what the end of the body says: an EventEnd if the answer was
	// whole, nothing if it was cut.
	End(dst []Event) []Event
}

// StreamEncoder writes one streamed answer as server-sent events.
type StreamEncoder interface {
	// Encode appends the bytes, whole server-sent events, that tell the client of
	// the event; none if this wire has nothing to say.
	Encode(dst []byte, e Event) []byte
}

// FieldError is a request that cannot be understood. It never quotes content.
type FieldError struct {
	// Field is the path, such as "messages[2].content[0].image_url"; empty: the
	// body as a whole.
	Field string
	// Problem says what is wrong and what is expected.
	Problem string
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Problem
	}
	return e.Field + ": " + e.Problem
}

// Unsupported is a request that a wire cannot carry without changing what it
// asks.
type Unsupported struct {
	// Field is the client's name of what cannot be carried.
	Field string
	// Wire is the provider's wire, such as "Anthropic Messages".
	Wire string
	// Reason says why, and what to do.
	Reason string
}

func (e *Unsupported) Error() string {
	return fmt.Sprintf("%s: cannot be carried over %s: %s", e.Field, e.Wire, e.Reason)
}

// ErrorClass is what an error is about, in a form that every wire has a word
// for.
type ErrorClass uint8

// The classes of errors.
const (
	ErrorInvalidRequest ErrorClass = iota + 1
	ErrorAuthentication
	ErrorPermission
	ErrorNotFound
	ErrorTooLarge
	ErrorRateLimited
	ErrorTimeout
	ErrorOverloaded
	ErrorInternal
)

// Error is an API error.
type Error struct {
	Class ErrorClass
	// Status is the HTTP status; 0 in the middle of a stream.
	Status  int
	Message string
	// Type, Code and Param are the provider's or the router's own words.
	Type, Code, Param string
}

func (e *Error) Error() string { return e.Message }

// ClassOf is the class that an HTTP status stands for.
func ClassOf(status int) ErrorClass {
	switch status {
	case http.StatusUnauthorized:
		return ErrorAuthentication
	case http.StatusForbidden, http.StatusPaymentRequired:
		return ErrorPermission
	case http.StatusNotFound:
		return ErrorNotFound
	case http.StatusRequestEntityTooLarge:
		return ErrorTooLarge
	case http.StatusTooManyRequests:
		return ErrorRateLimited
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return ErrorTimeout
	case http.StatusServiceUnavailable, 529: // 529 is Anthropic's "overloaded"
		return ErrorOverloaded
	}
	if status >= http.StatusInternalServerError {
		return ErrorInternal
	}
	return ErrorInvalidRequest
}
