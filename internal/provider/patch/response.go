package patch

import (
	"strconv"

	"github.com/tiershift/tiershift/internal/pricing"
)

// Completion is what [ScanResponse] found in an answer.
type Completion struct {
	Usage pricing.Usage
	// HasUsage says whether the provider reported usage.
	HasUsage bool
	// Choices counts the choices.
	Choices int
	// Model and FinishReason are views of the body as they stand there;
	// FinishReason is the first that a choice gives.
	Model, FinishReason []byte
	// OutputBytes is the length of everything the model wrote, unescaped.
	OutputBytes int64
}

// ResponseFault is why a body is no chat completion.
type ResponseFault uint8

// The faults of a response.
const (
	// FaultNotJSON: an HTML page, say.
	FaultNotJSON ResponseFault = iota + 1
	// FaultTruncated: it ends too early.
	FaultTruncated
	// FaultNoChoices: it is JSON, but holds no answer.
	FaultNoChoices
	// FaultError: it is a provider's error object.
	FaultError
)

// ResponseError says why a body with status 200 is no chat completion. It
// quotes nothing of the body but a provider's error message.
type ResponseError struct {
	Fault ResponseFault
	// Offset is the byte that FaultNotJSON and FaultTruncated were found at.
	Offset int
	// Reported is the provider's error, if Fault is FaultError.
	Reported ErrorBody
	reason   string
}

func (e *ResponseError) Error() string {
	switch e.Fault {
	case FaultTruncated:
		return "JSON that ends too early, at byte " + strconv.Itoa(e.Offset)
	case FaultNoChoices:
		return "JSON without choices"
	case FaultError:
		if e.Reported.Message == "" {
			return "an error without a message"
		}
		return "an error: " + e.Reported.Message
	default:
		return "no JSON: " + e.reason + " at byte " + strconv.Itoa(e.Offset)
	}
}

// ScanResponse checks that a body is a chat completion and reads the books in
// it. The error is a *[ResponseError]; usage that was found before the fault is
// returned with it.
func ScanResponse(body []byte) (Completion, error) {
	d := reader{b: body}
	var a answer
	d.answer(&a)
	c := Completion{Choices: a.choices, OutputBytes: a.outputBytes}
	if u := a.reported(); u.found {
		c.Usage, c.HasUsage = u.record(), true
	}
	if d.failed() {
		return c, syntaxError(d.i)
	}
	if a.finish.len() > 0 {
		c.FinishReason = a.finish.of(body)
	}
	if a.model.len() > 0 {
		c.Model = a.model.of(body)
	}
	switch {
	case a.choices > 0 && string(c.FinishReason) != finishError:
		return c, nil
	case a.error.len() > 0 || a.choices > 0:
		return c, &ResponseError{Fault: FaultError, Reported: ScanError(body)}
	default:
		return c, &ResponseError{Fault: FaultNoChoices}
	}
}

func syntaxError(fault int) error {
	kind, at := splitFault(fault)
	if kind == unexpectedEnd {
		return &ResponseError{Fault: FaultTruncated, Offset: at}
	}
	return &ResponseError{Fault: FaultNotJSON, Offset: at, reason: kind.String()}
}
