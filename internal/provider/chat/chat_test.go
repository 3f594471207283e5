package chat_test

import (
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

func TestAStatusStandsForAClass(t *testing.T) {
	want := map[int]chat.ErrorClass{
		400: chat.ErrorInvalidRequest, 401: chat.ErrorAuthentication, 402: chat.ErrorPermission, 403: chat.ErrorPermission,
		404: chat.ErrorNotFound, 408: chat.ErrorTimeout, 409: chat.ErrorInvalidRequest, 413: chat.ErrorTooLarge,
		422: chat.ErrorInvalidRequest, 429: chat.ErrorRateLimited, 500: chat.ErrorInternal, 502: chat.ErrorInternal,
		503: chat.ErrorOverloaded, 504: chat.ErrorTimeout, 520: chat.ErrorInternal, 529: chat.ErrorOverloaded,
	}
	for status, class := range want {
		if got := chat.ClassOf(status); got != class {
			t.Errorf("%d is of class %d, want %d", status, got, class)
		}
	}
}

func TestErrorsNameTheField(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{&chat.FieldError{Field: "messages[2].role", Problem: "must be a string"}, "messages[2].role: must be a string"},
		{&chat.FieldError{Problem: "the body is empty"}, "the body is empty"},
		{
			chat.Native{Field: "logit_bias", Reason: "it names tokens of one model"}.Unsupported("Anthropic Messages"),
			"logit_bias: cannot be carried over Anthropic Messages: it names tokens of one model",
		},
		{
			chat.Native{Field: "safetySettings"}.Unsupported("OpenAI Responses"),
			"safetySettings: cannot be carried over OpenAI Responses: " +
				"only the wire of the request knows it; leave it out, or route the request to a provider of that wire",
		},
		{&chat.Error{Class: chat.ErrorRateLimited, Status: 429, Message: "slow down"}, "slow down"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q\nwant %q", got, tt.want)
		}
	}
}

func TestFieldsGoByTheNamesOfTheClientsWire(t *testing.T) {
	tests := []struct{ wire, name, want string }{
		{chat.WireOpenAIChat, "messages", "messages"},
		{chat.WireOpenAIChat, "reasoning_effort", "reasoning_effort"},
		{chat.WireResponses, "messages", "input"},
		{chat.WireResponses, "temperature", "temperature"},
		{chat.WireAnthropic, "stop", "stop_sequences"},
		{chat.WireAnthropic, "messages", "messages"},
		{chat.WireGemini, "max_tokens", "generationConfig.maxOutputTokens"},
		{chat.WireGemini, "tools", "tools"},
		{"", "messages", "messages"},
	}
	for _, tt := range tests {
		r := chat.Request{Wire: tt.wire}
		if got := r.FieldName(tt.name); got != tt.want {
			t.Errorf("%s of %q: got %s, want %s", tt.name, tt.wire, got, tt.want)
		}
	}
}

func TestReasoningIsGivenInAnyOfItsWays(t *testing.T) {
	hidden := false
	given := map[string]chat.Reasoning{
		"an effort": {Effort: "none"}, "a budget": {BudgetTokens: 1024}, "the model's own budget": {BudgetTokens: -1},
		"off": {Disabled: true}, "hidden": {Show: &hidden},
	}
	for name, r := range given {
		if !r.Given() {
			t.Errorf("%s is not given", name)
		}
	}
	if (chat.Reasoning{}).Given() {
		t.Error("nothing is given")
	}
}
