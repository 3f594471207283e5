package simulator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"iter"
	"math/rand/v2"
	"strings"
)

func geminiID(r *rand.Rand) string { return token(r, base62, 22) }

type geminiAnswer struct {
	Candidates    []geminiCandidate `json:"candidates"`
	UsageMetadata *geminiUsage      `json:"usageMetadata,omitempty"`
	ModelVersion  string            `json:"modelVersion"`
	ResponseID    string            `json:"responseId"`
}

type geminiCandidate struct {
	Content        geminiAnswerContent `json:"content"`
	FinishReason   string              `json:"finishReason,omitempty"`
	Index          int                 `json:"index"`
	LogprobsResult any                 `json:"logprobsResult,omitempty"`
}

type geminiAnswerContent struct {
	Parts []geminiAnswerPart `json:"parts"`
	Role  string             `json:"role"`
}

type geminiAnswerPart struct {
	Text             *string           `json:"text,omitempty"`
	Thought          bool              `json:"thought,omitempty"`
	FunctionCall     *geminiAnswerCall `json:"functionCall,omitempty"`
	ThoughtSignature string            `json:"thoughtSignature,omitempty"`
}

type geminiAnswerCall struct {
	ID   string          `json:"id,omitempty"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"`
}

type geminiUsage struct {
	PromptTokenCount        int                `json:"promptTokenCount"`
	CandidatesTokenCount    int                `json:"candidatesTokenCount,omitempty"`
	TotalTokenCount         int                `json:"totalTokenCount"`
	CachedContentTokenCount int                `json:"cachedContentTokenCount,omitempty"`
	PromptTokensDetails     []geminiTokenCount `json:"promptTokensDetails"`
	ThoughtsTokenCount      int                `json:"thoughtsTokenCount,omitempty"`
}

type geminiTokenCount struct {
	Modality   string `json:"modality"`
	TokenCount int    `json:"tokenCount"`
}

// geminiFinishes are the finish reasons in Google's words.
var geminiFinishes = map[string]string{finishStop: "STOP", finishToolCalls: "STOP", finishLength: "MAX_TOKENS"}

// usage is what so many tokens of the answer have cost.
func (x *exchange) geminiUsage(sent int) *geminiUsage {
	if x.fault.shape.NoUsage {
		return nil
	}
	u := x.c.usage
	return &geminiUsage{
		PromptTokenCount: u.prompt, CandidatesTokenCount: sent, ThoughtsTokenCount: u.reasoning,
		TotalTokenCount: u.prompt + sent + u.reasoning, CachedContentTokenCount: u.cached,
		PromptTokensDetails: []geminiTokenCount{{"TEXT", u.prompt}},
	}
}

func (x *exchange) geminiAnswer(sent int, candidates ...geminiCandidate) geminiAnswer {
	return geminiAnswer{candidates, x.geminiUsage(sent), x.c.model, x.c.id}
}

func candidate(index int, finish string, parts ...geminiAnswerPart) geminiCandidate {
	return geminiCandidate{Content: geminiAnswerContent{parts, "model"}, FinishReason: finish, Index: index}
}

func geminiText(s string) geminiAnswerPart { return geminiAnswerPart{Text: &s} }

// thoughts is the summary of what was thought, if that is asked for.
func (x *exchange) thoughts() []geminiAnswerPart {
	if !x.req.showThoughts || x.c.usage.reasoning == 0 {
		return nil
	}
	about := strings.Join(topics(x.req.prompt()), ", ")
	p := geminiText("**Considering the request**\n\nI look at what is asked — " + about + " — and settle on an answer.\n")
	p.Thought = true
	return []geminiAnswerPart{p}
}

// signature is the thought signature of a model that thinks.
func (x *exchange) signature() string {
	if x.c.usage.reasoning == 0 && !isGemini3(x.model.Name) {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte("thought of " + x.c.id))
}

// geminiCalls are the parts of an answer's calls. The first is signed; Gemini 3
// gives each an id.
func (x *exchange) geminiCalls(ch choice) []geminiAnswerPart {
	var out []geminiAnswerPart
	for i, c := range ch.calls {
		args := json.RawMessage(joined(c.arguments))
		if !json.Valid(args) { // cut by the limit of tokens
			continue
		}
		p := geminiAnswerPart{FunctionCall: &geminiAnswerCall{Name: c.name, Args: args}}
		if isGemini3(x.model.Name) {
			p.FunctionCall.ID = strings.TrimPrefix(c.id, "call_")
		}
		if i == 0 {
			p.ThoughtSignature = x.signature()
		}
		out = append(out, p)
	}
	return out
}

// geminiDocument is the whole answer: one response, or of a stream without
// alt=sse the array of its events.
func geminiDocument(x *exchange) []byte {
	if x.req.array {
		return geminiArray(x)
	}
	var all []geminiCandidate
	for i, ch := range x.c.choices {
		parts := append(x.thoughts(), x.geminiCalls(ch)...)
		if len(ch.content) > 0 {
			text := geminiText(joined(ch.content))
			text.ThoughtSignature = x.signature()
			parts = append(parts, text)
		}
		c := candidate(i, geminiFinishes[ch.finish], parts...)
		c.LogprobsResult = geminiLogprobs(ch.content, x.req)
		all = append(all, c)
	}
	return encode(x.geminiAnswer(x.c.usage.completion-x.c.usage.reasoning, all...), x.dialect.indent)
}

func geminiArray(x *exchange) []byte {
	var events [][]byte
	_, frames := geminiFrames(x)
	for f := range frames {
		events = append(events, f.data)
	}
	return append(append([]byte("["), bytes.Join(events, []byte("\n,\r\n"))...), "\n]\n"...)
}

// geminiPieces is how many tokens an event brings.
const geminiPieces = 4

// geminiFrames are the events of a stream. Those of several candidates follow
// one another; the last of each says why it ended, and each what was used so far.
func geminiFrames(x *exchange) (int, iter.Seq[frame]) {
	var out []frame
	sent := 0
	add := func(tokens int, c geminiCandidate) {
		sent += tokens
		out = append(out, frame{encode(x.geminiAnswer(sent, c), ""), tokens})
	}
	for i, ch := range x.c.choices {
		for _, p := range x.thoughts() {
			add(0, candidate(i, "", p))
		}
		for j, p := range x.geminiCalls(ch) {
			add(callOverhead+Tokens(p.FunctionCall.Name)+len(ch.calls[j].arguments), candidate(i, "", p))
		}
		for rest := ch.content; len(rest) > 0; {
			n := min(geminiPieces, len(rest))
			c := candidate(i, "", geminiText(joined(rest[:n])))
			c.LogprobsResult = geminiLogprobs(rest[:n], x.req)
			add(n, c)
			rest = rest[n:]
		}
		end := geminiText("")
		if len(ch.calls) == 0 {
			end.ThoughtSignature = x.signature()
		}
		add(0, candidate(i, geminiFinishes[ch.finish], end))
	}
	return len(out), func(yield func(frame) bool) {
		for _, f := range out {
			if !yield(f) {
				return
			}
		}
	}
}

// geminiLogprobs are the log probabilities of tokens; nil if not asked for.
func geminiLogprobs(tokens []string, r *request) any {
	type token struct {
		Token          string  `json:"token"`
		TokenID        int     `json:"tokenId"`
		LogProbability float64 `json:"logProbability"`
	}
	type top struct {
		Candidates []token `json:"candidates"`
	}
	if !r.Logprobs {
		return nil
	}
	result := struct {
		TopCandidates    []top   `json:"topCandidates,omitempty"`
		ChosenCandidates []token `json:"chosenCandidates"`
	}{}
	for _, t := range tokens {
		result.ChosenCandidates = append(result.ChosenCandidates, token{t, int(hashText(t) % 256000), logprobOf(t)})
		var alternatives top
		for k := range r.TopLogprobs {
			a := alternative(t, k)
			alternatives.Candidates = append(alternatives.Candidates, token{a, int(hashText(a) % 256000), logprobOf(t) - float64(k)})
		}
		if r.TopLogprobs > 0 {
			result.TopCandidates = append(result.TopCandidates, alternatives)
		}
	}
	return result
}
