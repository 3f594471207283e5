package chat

import (
	"encoding/json"

	"github.com/tiershift/tiershift/internal/pricing"
)

// Response is a whole answer.
type Response struct {
	// ID and Model as the provider gave them.
	ID    string
	Model string
	// Created is in seconds of the Unix epoch; 0: the wire does not say.
	Created int64
	Choices []Choice
	// Usage is in the meaning of package pricing; HasUsage is false when the
	// provider reported none.
	Usage    pricing.Usage
	HasUsage bool
	// ServiceTier that served it, in OpenAI's words; empty: not told.
	ServiceTier string
	// SystemFingerprint of the backend; empty: not told.
	SystemFingerprint string
}

// Choice is one answer of those asked for.
type Choice struct {
	Index  int64
	Parts  []Part
	Finish Finish
	// StopSequence is the sequence that ended the answer, where told.
	StopSequence string
	// LogProbs is OpenAI's logprobs object; nil: none.
	LogProbs json.RawMessage
}

// Finish says why an answer ended.
type Finish uint8

// The reasons. FinishUnknown is one that the decoder does not know: encoders
// give the wire's word for an ordinary end only if the answer did end.
const (
	FinishUnknown Finish = iota
	FinishStop
	// FinishStopSequence: one of Request.Stop came.
	FinishStopSequence
	FinishLength
	FinishToolCalls
	// FinishContentFilter: the provider withheld the answer.
	FinishContentFilter
	// FinishRefusal: the model refused.
	FinishRefusal
	// FinishPause: the provider paused a long turn; the client may go on with it.
	FinishPause
	// FinishContextWindow: the context was full before MaxOutputTokens was.
	FinishContextWindow
	// FinishMalformedCall: the model wrote a call that cannot be read.
	FinishMalformedCall
)

// EventKind says what an [Event] is.
type EventKind uint8

// The events of a stream, in the order in which they come: one Start; for each
// part one PartStart, its deltas and one PartEnd (parts of one choice do not
// overlap, those of several may); one Finish a choice; at any time after Start
// Usage, of which the last is right, and Ping; one End or one Error, which ends
// the stream.
const (
	// EventStart: Response gives what is known of the whole (ID, Model, Created,
	// and of some wires the input's usage).
	EventStart EventKind = iota + 1
	// EventPartStart: Part gives Kind and, of a tool call, ID and Name.
	EventPartStart
	// EventText adds Text to a text, thinking or refusal part.
	EventText
	// EventArguments adds Text to the arguments of a tool call.
	EventArguments
	// EventSignature gives the part's signature, in Text.
	EventSignature
	// EventCitations adds JSON, an array, to the part's citations.
	EventCitations
	// EventLogProbs adds JSON, OpenAI's logprobs object of the tokens just told.
	EventLogProbs
	EventPartEnd
	// EventFinish gives Finish and StopSequence of the choice.
	EventFinish
	// EventUsage gives Response.Usage.
	EventUsage
	// EventPing keeps the connection alive.
	EventPing
	// EventEnd is the ordinary end.
	EventEnd
	// EventError is the provider's own error in the middle of a stream.
	EventError
)

// Event is one step of a streamed answer.
type Event struct {
	Kind   EventKind
	Choice int64
	// Part counts the parts of the choice from 0.
	Part         int64
	Start        *Part
	Text         string
	JSON         json.RawMessage
	Finish       Finish
	StopSequence string
	Response     *Response
	Err          *Error
}
