package chat

import "encoding/json"

// Request asks for an answer.
type Request struct {
	// Wire is the folder name of the client's wire, such as [WireAnthropic], set by
	// the decoder: encoders name members as the client does ([Request.FieldName]).
	// Empty: not told.
	Wire string
	// Model as the client named it.
	Model    string
	Messages []Message
	Tools    []Tool
	// ToolChoice says whether and which tools are to be called.
	ToolChoice ToolChoice
	// ParallelToolCalls allows or forbids several calls in one turn; nil: the
	// provider's default, which is to allow them.
	ParallelToolCalls *bool
	// Format is the form that the answer is to have.
	Format Format

	// Stream asks for the answer in events.
	Stream bool
	// StreamUsage is true when the client wants the usage of a stream told.
	StreamUsage bool

	// MaxOutputTokens caps the answer, reasoning included; 0: not given.
	MaxOutputTokens int64
	Temperature     *float64
	TopP            *float64
	TopK            *int64
	FrequencyPenalty,
	PresencePenalty *float64
	Seed *int64
	// Stop are the sequences that end the answer.
	Stop []string
	// Candidates is how many answers are asked for ("n"); 0: one.
	Candidates int64
	// LogProbs asks for the probabilities of the tokens, and TopLogProbs for as
	// many alternatives at each.
	LogProbs    bool
	TopLogProbs int64
	Reasoning   Reasoning

	// User identifies the end user to the provider.
	User string
	// Metadata are the client's own labels.
	Metadata map[string]string
	// PromptCacheKey steers requests of one prefix to one cache.
	PromptCacheKey string
	// ServiceTier is the provider's processing tier, in OpenAI's words: auto,
	// default, flex, priority. Empty: not given.
	ServiceTier string

	// Native are members that only the inbound wire knows.
	Native []Native
}

// Native is a member of a request that has no place in the neutral model.
type Native struct {
	// Field is its path as the client wrote it, such as "logit_bias" or
	// "tools[1]".
	Field string
	// Value is its JSON.
	Value json.RawMessage
	// Harmless says that an answer without it is still an answer to what was
	// asked: an encoder that cannot carry it may drop it, and says so.
	Harmless bool
	// Wire is the folder name of the wire that knows it, such as "gemini": its
	// encoder puts the member back where it was. Empty: not told.
	Wire string
	// Reason says why no other wire carries it and what to do; empty: because only
	// its own wire knows it.
	Reason string
}

// Role is who speaks in a message.
type Role uint8

// The roles. A system or developer message may stand anywhere; encoders of wires
// that know only one instruction at the top say what they do with later ones.
const (
	RoleSystem Role = iota + 1
	RoleDeveloper
	RoleUser
	RoleAssistant
	// RoleTool messages hold only parts of [KindToolResult]. On wires where
	// results stand in a user's message (Anthropic, Gemini) the decoder cuts such
	// a message in a RoleTool and a RoleUser message, and the encoder joins them.
	RoleTool
)

// Message is one turn.
type Message struct {
	Role  Role
	Parts []Part
	// Name of the participant, where the wire knows one.
	Name string
}

// Kind says what a part is.
type Kind uint8

// The kinds of parts.
const (
	KindText Kind = iota + 1
	// KindImage, KindDocument and KindAudio use Media.
	KindImage
	KindDocument
	KindAudio
	// KindToolCall uses Call, and stands in assistant messages.
	KindToolCall
	// KindToolResult uses Result, and stands in tool messages.
	KindToolResult
	// KindThinking is reasoning that was shown: Text, and the Signature by which
	// the provider knows its own thought again in the next turn.
	KindThinking
	// KindRedactedThinking is reasoning that only its provider can read: Data.
	KindRedactedThinking
	// KindRefusal is a refusal's Text.
	KindRefusal
	// KindNative uses Native: a part that only its own wire knows, such as the
	// trace of a tool that the provider runs itself. Encoders of other wires
	// treat it as a [Native] member of the request.
	KindNative
)

// Part is a piece of a message.
type Part struct {
	Kind Kind
	// Text of KindText, KindThinking (or its summary) and KindRefusal.
	Text   string
	Media  *Media
	Call   *ToolCall
	Result *ToolResult
	// Signature proves to the provider that a thought, or with Gemini any part,
	// is its own. It means nothing to another provider.
	Signature string
	// Data of KindRedactedThinking, opaque.
	Data string
	// Native of KindNative.
	Native *Native
	// Citations of a text, as the provider gave them: a JSON array. Encoders of
	// another wire carry what they can or drop them.
	Citations json.RawMessage
	// Cache marks the end of a prefix that the provider should cache.
	Cache *CacheControl
}

// CacheControl asks a provider to cache what comes before
// (https://docs.claude.com/en/docs/build-with-claude/prompt-caching).
type CacheControl struct {
	// TTL is "5m" or "1h"; empty: the provider's default, 5m.
	TTL string
}

// Media is an image, a document or a sound: exactly one of Data, URL and FileID
// is set.
type Media struct {
	// MIMEType such as "image/png"; empty: unknown, as with most URLs.
	MIMEType string
	// Data is base64, in the standard alphabet with padding.
	Data string
	URL  string
	// FileID is the provider's own name of an uploaded file. It means nothing to
	// another provider.
	FileID string
	// Name of a document's file.
	Name string
	// Detail is OpenAI's "low", "high" or "auto" of an image.
	Detail string
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string
	Description string
	// Parameters is a JSON Schema object; nil: the function takes none.
	Parameters json.RawMessage
	// Strict asks that calls keep to the schema; nil: not given.
	Strict *bool
	Cache  *CacheControl
}

// ToolCall is a call that the model makes.
type ToolCall struct {
	// ID pairs the call with its result. Wires without ids (older Gemini) get
	// one made of the call's position, by the decoder: "call_0", "call_1", ….
	ID   string
	Name string
	// Arguments is a JSON object, as text. What a model wrote need not be valid:
	// encoders that must send an object say so.
	Arguments string
}

// ToolResult is what a call brought.
type ToolResult struct {
	// CallID is the ToolCall.ID it answers, and Name the function's name where
	// the wire says it; encoders that need it look it up in the calls before.
	CallID string
	Name   string
	// Parts are texts, images and documents.
	Parts   []Part
	IsError bool
}

// ToolMode says whether tools are to be called.
type ToolMode uint8

// The tool modes; the zero value leaves the choice to the provider.
const (
	ToolModeDefault ToolMode = iota
	ToolModeAuto
	ToolModeNone
	// ToolModeRequired demands a call of any tool.
	ToolModeRequired
	// ToolModeNamed demands a call of one of ToolChoice.Names.
	ToolModeNamed
)

// ToolChoice is a mode and, for ToolModeNamed, the tools.
type ToolChoice struct {
	Mode  ToolMode
	Names []string
}

// FormatKind is the kind of form that an answer is to have.
type FormatKind uint8

// The formats; the zero value is free text.
const (
	FormatText FormatKind = iota
	// FormatJSON is any JSON object.
	FormatJSON
	// FormatSchema is JSON that keeps to a schema.
	FormatSchema
)

// Format is the form that an answer is to have.
type Format struct {
	Kind        FormatKind
	Name        string
	Description string
	Schema      json.RawMessage
	Strict      *bool
}

// Reasoning says how much a model should think, in whichever of both ways the
// client gave it.
type Reasoning struct {
	// Effort is none, minimal, low, medium, high, xhigh or max; empty: not given.
	Effort string
	// BudgetTokens bounds thinking; 0 with Disabled unset: not given, -1: the
	// model decides.
	BudgetTokens int64
	// Disabled switches thinking off.
	Disabled bool
	// EffortOnly says that Effort is for the whole answer and was given without a
	// word on thinking, as Anthropic's output_config.effort may be. It guides models
	// that think anyway, but is no reason to make one think that does so only when
	// asked, nor to show thoughts.
	EffortOnly bool
	// Show asks that thoughts, or summaries of them, are part of the answer; nil:
	// the provider's default.
	Show *bool
}

// Given reports whether the client said anything about reasoning.
func (r Reasoning) Given() bool {
	return r.Effort != "" || r.BudgetTokens != 0 || r.Disabled || r.Show != nil
}
