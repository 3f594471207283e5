package simulator

import (
	"slices"
	"strings"
)

// maxCalls bounds the tool calls of one answer.
const maxCalls = 4

// toolCalls writes the tool calls of an answer; none if it is to be text.
//
// A call is made when the client demands one. When the model may choose, it
// calls the tools whose name or description shares a salient word with the
// prompt, unless it fails by refusing or missing the point; an answer that
// follows tool results is text. One tool is called twice for a prompt that
// joins two names, such as two cities.
func (t *task) toolCalls() []generatedCall {
	offered := t.offeredTools()
	if len(offered) == 0 || t.req.ToolChoice.mode == "none" {
		return nil
	}
	chosen := t.matchingTools(offered)
	switch {
	case t.req.ToolChoice.mode != "required" && t.declinesTools():
		return nil
	case t.req.ToolChoice.mode == "required" && len(chosen) == 0:
		chosen = offered[:1]
	}
	names := properNames(t.prompt)
	if len(chosen) == 1 && t.joinsNames(names) {
		chosen = append(chosen, chosen[0])
	}
	var calls []generatedCall
	for i, tl := range chosen[:min(len(chosen), t.callLimit())] {
		calls = append(calls, t.call(tl, names, i))
	}
	return calls
}

// joinsNames reports whether the prompt asks the same of two names.
func (t *task) joinsNames(names []string) bool {
	return len(names) > 1 && strings.Contains(t.prompt, " and ") && !t.req.ToolChoice.forced
}

func (t *task) callLimit() int {
	if p := t.req.ParallelToolCalls; p != nil && !*p {
		return 1
	}
	return maxCalls
}

// declinesTools reports whether a model that may choose answers in text.
func (t *task) declinesTools() bool {
	last := t.req.Messages[len(t.req.Messages)-1].Role
	return last == "tool" || t.result.Verdict == Refusal || t.result.Verdict == OffTopic
}

// offeredTools are the functions that the request lets the model call.
func (t *task) offeredTools() []tool {
	var out []tool
	for _, tl := range t.req.Tools {
		allowed := t.req.ToolChoice.names
		if tl.Type == "function" && (allowed == nil || slices.Contains(allowed, tl.Function.Name)) {
			out = append(out, tl)
		}
	}
	return out
}

func (t *task) matchingTools(offered []tool) []tool {
	asked := topics(t.prompt)
	var out []tool
	for _, tl := range offered {
		name := strings.NewReplacer("_", " ", "-", " ").Replace(tl.Function.Name)
		about := topics(name + " " + tl.Function.Description)
		if slices.ContainsFunc(asked, func(w string) bool { return containsFold(about, w) }) {
			out = append(out, tl)
		}
	}
	return out
}

// call writes the nth call, whose arguments fit the tool's schema.
func (t *task) call(tl tool, names []string, n int) generatedCall {
	s := t.sampler(topics(t.prompt))
	if len(names) > 0 {
		i := n % len(names)
		s.names = slices.Concat(names[i:], names[:i])
	}
	arguments := "{}"
	if len(tl.Function.Parameters) > 0 {
		s.root = parseSchema(tl.Function.Parameters)
		arguments = string(s.value(nil, s.root, "", 0))
	}
	return generatedCall{
		id:        "call_" + token(t.rand, base62, 24),
		name:      tl.Function.Name,
		arguments: pieces(arguments),
	}
}
