package openaiwire

import (
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// EffortOf is the reasoning effort that stands for what the client asked; empty:
// nothing that an effort can say. A budget of tokens becomes the effort whose
// usual thinking it allows. An effort for the whole answer guides what can be
// guided here: how much a model thinks that thinks anyway. OpenAI has no effort
// "max".
func EffortOf(r chat.Reasoning) string {
	switch b := r.BudgetTokens; {
	case r.EffortOnly && r.Effort == "max":
		return "high"
	case r.Effort != "":
		return r.Effort
	case r.Disabled:
		return "none"
	case b <= 0:
		return ""
	case b <= 4096:
		return "low"
	case b <= 16384:
		return "medium"
	default:
		return "high"
	}
}

// FailedResult marks the result of a call that failed, for wires that have no
// member for it: the model is to know.
func FailedResult(text string) string {
	if len(text) >= 5 && strings.EqualFold(text[:5], "error") {
		return text
	}
	return "Error: " + text
}

// ResultText is the text of a tool's result; other lists the parts that are none.
func ResultText(r *chat.ToolResult) (text string, other []chat.Part) {
	var texts []string
	for _, p := range r.Parts {
		if p.Kind == chat.KindText {
			texts = append(texts, p.Text)
			continue
		}
		if p.Kind == chat.KindDocument {
			if plain, ok := PlainText(p.Media); ok {
				texts = append(texts, plain)
				continue
			}
		}
		other = append(other, p)
	}
	text = strings.Join(texts, "\n")
	if r.IsError {
		text = FailedResult(text)
	}
	return text, other
}

// Names are the functions that tool_choice demands one of.
func Names(tools []chat.Tool, names []string) (offered []chat.Tool) {
	for _, t := range tools {
		for _, name := range names {
			if t.Name == name {
				offered = append(offered, t)
				break
			}
		}
	}
	return offered
}

// CallID is the id of the nth call of an answer whose provider gives calls none.
// It has the answer's id in it, for no call of the conversation may have the same.
func CallID(answer string, n int64) string {
	return "call_" + answer + "_" + strconv.FormatInt(n, 10)
}
