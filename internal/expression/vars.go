package expression

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// Vars are the values that an expression may read. Nothing is converted or
// called unless an expression asks for it. Once evaluated, a Vars may only be
// changed by assigning it as a whole; it must not be shared by goroutines.
type Vars struct {
	Request Request
	Prompt  Prompt

	// text is Prompt.Text once an expression has read it.
	text string
}

// Request is what the HTTP request says of itself.
type Request struct {
	Path, Method, Model, User, Client string
	Stream                            bool
	// Headers has names in canonical form, as an http.Header has; expressions
	// see them in lower case, each with its first value.
	Headers map[string][]string
	// Metadata returns the request's metadata object; nil: it has none. It is
	// called when an expression reads it.
	Metadata func() map[string]string
}

// Prompt is what the request asks.
type Prompt struct {
	// Text is all user messages.
	Text []byte
	// Tokens is an estimate over the whole prompt.
	Tokens int64
	// Turns counts user messages.
	Turns               int
	HasTools, HasImages bool
	// HasCode is called when an expression reads prompt.hasCode; nil: false.
	HasCode func() bool
}

// activation resolves the variables of an expression on demand.
type activation Vars

// Parent implements cel.Activation.
func (a *activation) Parent() cel.Activation { return nil }

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "request.path":
		return types.String(a.Request.Path), true
	case "request.method":
		return types.String(a.Request.Method), true
	case "request.model":
		return types.String(a.Request.Model), true
	case "request.headers":
		return &headers{values: a.Request.Headers}, true
	case "request.metadata":
		return types.NewStringStringMap(types.DefaultTypeAdapter, a.metadata()), true
	case "request.stream":
		return types.Bool(a.Request.Stream), true
	case "request.user":
		return types.String(a.Request.User), true
	case "request.client":
		return types.String(a.Request.Client), true
	default:
		return a.resolvePrompt(name)
	}
}

func (a *activation) resolvePrompt(name string) (any, bool) {
	switch name {
	case "prompt.text":
		if a.text == "" {
			a.text = string(a.Prompt.Text)
		}
		return types.String(a.text), true
	case "prompt.tokens":
		return types.Int(a.Prompt.Tokens), true
	case "prompt.hasCode":
		return types.Bool(a.Prompt.HasCode != nil && a.Prompt.HasCode()), true
	case "prompt.turns":
		return types.Int(a.Prompt.Turns), true
	case "prompt.hasTools":
		return types.Bool(a.Prompt.HasTools), true
	case "prompt.hasImages":
		return types.Bool(a.Prompt.HasImages), true
	default:
		return nil, false
	}
}

func (a *activation) metadata() map[string]string {
	if a.Request.Metadata == nil {
		return nil
	}
	return a.Request.Metadata()
}
