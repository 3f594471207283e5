// Package feedback reads what clients say of answers and keeps them from saying
// it too often: one vote a request, so many votes a second.
//
// It is pure: the clock is an argument. It must never keep a comment: what a
// person writes about an answer may hold anything, and nothing here needs it.
package feedback

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

const (
	// MaxBytes is how long the body of a vote may be.
	MaxBytes = 32 << 10
	// MaxComment is how many characters a comment may have.
	MaxComment = 4096
)

// Vote is what a client says of an answer.
type Vote struct {
	// RequestID is as the client gave it, not checked.
	RequestID string
	// Score is in [0,1].
	Score float64
}

// FieldError says what is wrong with a vote.
type FieldError struct {
	// Field is the member at fault; empty: the body as a whole.
	Field   string
	Problem string
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Problem
	}
	return e.Field + ": " + e.Problem
}

// Parse reads a vote. Members it does not know are passed over. The error is a
// *FieldError, and quotes nothing.
func Parse(body []byte) (Vote, error) {
	var in struct {
		RequestID *string  `json:"request_id"`
		Score     *float64 `json:"score"`
		Thumbs    *string  `json:"thumbs"`
		Comment   *string  `json:"comment"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return Vote{}, malformed(err)
	}
	switch {
	case in.RequestID == nil || *in.RequestID == "":
		return Vote{}, &FieldError{"request_id", "is missing: it is the x-tiershift-request-id of the answer"}
	case in.Comment != nil && utf8.RuneCountInString(*in.Comment) > MaxComment:
		return Vote{}, &FieldError{"comment", fmt.Sprintf("has more than %d characters", MaxComment)}
	case in.Score != nil && in.Thumbs != nil:
		return Vote{}, &FieldError{"thumbs", `say either score or thumbs, not both`}
	case in.Score != nil:
		return scored(*in.RequestID, *in.Score)
	case in.Thumbs != nil:
		return thumbed(*in.RequestID, *in.Thumbs)
	default:
		return Vote{}, &FieldError{"score", `is missing: say "score", a number from 0 to 1, or "thumbs", "up" or "down"`}
	}
}

func scored(id string, score float64) (Vote, error) {
	if !(score >= 0 && score <= 1) {
		return Vote{}, &FieldError{"score", "must be a number from 0 (useless) to 1 (could not be better)"}
	}
	return Vote{id, score}, nil
}

func thumbed(id, thumbs string) (Vote, error) {
	switch thumbs {
	case "up":
		return Vote{id, 1}, nil
	case "down":
		return Vote{id, 0}, nil
	}
	return Vote{}, &FieldError{"thumbs", `must be "up" or "down"`}
}

func malformed(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		kind := "a string"
		if wrong.Field == "score" {
			kind = "a number from 0 to 1"
		}
		return &FieldError{wrong.Field, "must be " + kind}
	case errors.As(err, &wrong):
		return &FieldError{"", "the body must be a JSON object"}
	default:
		return &FieldError{"", "the body is no JSON object"}
	}
}
