package gemini

import "github.com/tiershift/tiershift/internal/provider/chat"

// finishes are the finish reasons
// (https://ai.google.dev/api/generate-content#FinishReason). LANGUAGE, OTHER,
// TOO_MANY_TOOL_CALLS and the rest say nothing that the neutral model has a word
// for.
var finishes = map[string]chat.Finish{
	"STOP":                     chat.FinishStop,
	"MAX_TOKENS":               chat.FinishLength,
	"SAFETY":                   chat.FinishContentFilter,
	"RECITATION":               chat.FinishContentFilter,
	"BLOCKLIST":                chat.FinishContentFilter,
	"PROHIBITED_CONTENT":       chat.FinishContentFilter,
	"SPII":                     chat.FinishContentFilter,
	"MODEL_ARMOR":              chat.FinishContentFilter,
	"IMAGE_SAFETY":             chat.FinishContentFilter,
	"IMAGE_PROHIBITED_CONTENT": chat.FinishContentFilter,
	"IMAGE_RECITATION":         chat.FinishContentFilter,
	"MALFORMED_FUNCTION_CALL":  chat.FinishMalformedCall,
	"UNEXPECTED_TOOL_CALL":     chat.FinishMalformedCall,
	"CONTINUATION":             chat.FinishPause,
}

// finishOf is the reason, which the wire calls STOP for calls as well.
func finishOf(reason string, called bool) chat.Finish {
	f := finishes[reason]
	if f == chat.FinishStop && called {
		return chat.FinishToolCalls
	}
	return f
}

// reasonOf is the wire's word for the end of an answer.
func reasonOf(f chat.Finish) string {
	switch f {
	case chat.FinishStop, chat.FinishStopSequence, chat.FinishToolCalls:
		return "STOP"
	case chat.FinishLength, chat.FinishContextWindow:
		return "MAX_TOKENS"
	case chat.FinishContentFilter, chat.FinishRefusal:
		return "SAFETY"
	case chat.FinishMalformedCall:
		return "MALFORMED_FUNCTION_CALL"
	}
	return "OTHER"
}
