package routerconfig

import "time"

// APIVersion is the version of the document that this package reads and writes.
// A router refuses any other, and keeps the config it has.
const APIVersion = "router.tiershift.dev/v1"

// Config is everything a router needs to serve one policy. An empty list and an
// absent one are the same, in meaning and in the encoding.
type Config struct {
	// APIVersion is always [APIVersion].
	APIVersion string `json:"apiVersion"`
	// Digest identifies the document: see [Digest].
	Digest string `json:"digest"`
	// Namespace and Policy name the RoutingPolicy this was compiled from.
	Namespace string `json:"namespace"`
	Policy    string `json:"policy"`
	// Generation is the metadata.generation of that RoutingPolicy.
	Generation int64 `json:"generation"`

	// Providers are the provider accounts, sorted by name.
	Providers []Provider `json:"providers,omitempty"`
	// Tiers are sorted by ascending rank: the next element is one tier up.
	Tiers []Tier `json:"tiers,omitempty"`
	// DefaultTier serves what nothing else decided.
	DefaultTier string `json:"defaultTier"`
	// Baseline is the model that savings are measured against.
	Baseline Baseline `json:"baseline"`

	Classification Classification `json:"classification"`
	// Routes are tried in this order; the first match wins. A request that
	// matches none is served by an implicit route named [ImplicitRoute].
	Routes   []Route  `json:"routes,omitempty"`
	Fallback Fallback `json:"fallback"`
	Auth     Auth     `json:"auth"`
	// RequestIDs says how ids of requests are signed.
	RequestIDs RequestIDs `json:"requestIDs,omitzero"`
}

// ImplicitRoute is the name of the route of requests that match no listed route.
const ImplicitRoute = "default"

// AutoModel is the model name by which a client leaves the choice to the policy.
const AutoModel = "auto"

// TierModelPrefix marks a model name that pins a tier, as in "tier:nano".
const TierModelPrefix = "tier:"

// Wire names a wire schema that a provider speaks.
type Wire string

// The wire schemas.
const (
	// WireOpenAI is OpenAI Chat Completions, POST /chat/completions.
	WireOpenAI Wire = "openai"
	// WireResponses is OpenAI Responses, POST /responses.
	WireResponses Wire = "responses"
	// WireAnthropic is Anthropic Messages, POST /messages.
	WireAnthropic Wire = "anthropic"
	// WireGemini is Gemini's POST /models/{model}:generateContent.
	WireGemini Wire = "gemini"
)

// KeyScheme says how a provider expects its key.
type KeyScheme string

const (
	// KeyBearer sends "Authorization: Bearer KEY".
	KeyBearer KeyScheme = "bearer"
	// KeyAPIKeyHeader sends "api-key: KEY", as Azure OpenAI expects.
	KeyAPIKeyHeader KeyScheme = "api-key"
	// KeyXAPIKeyHeader sends "x-api-key: KEY", as Anthropic expects.
	KeyXAPIKeyHeader KeyScheme = "x-api-key"
	// KeyGoogHeader sends "x-goog-api-key: KEY", as Gemini expects.
	KeyGoogHeader KeyScheme = "x-goog-api-key"
)

// Provider is one provider account: where it answers and which key opens it.
type Provider struct {
	// Name is the ProviderCredential's name, unique in the document.
	Name string `json:"name"`
	// Kind is the provider as the API names it (OpenAI, DeepSeek, …). It is the
	// "provider" label of metrics and of the x-tiershift-provider header.
	Kind string `json:"kind"`
	// Wire is the schema that requests of other wires are translated to.
	Wire Wire `json:"wire"`
	// Also are further wires that the provider speaks, sorted: a request that
	// comes in one of them is passed on as it is.
	Also []Wire `json:"also,omitempty"`
	// BaseURL is the absolute http or https URL that endpoint paths such as
	// "/chat/completions" are appended to. No trailing slash.
	BaseURL string `json:"baseURL"`
	// APIVersion, if set, is sent as the query api-version, and the model is a
	// deployment in the path, as Azure OpenAI's older API has it.
	APIVersion string    `json:"apiVersion,omitempty"`
	KeyScheme  KeyScheme `json:"keyScheme"`
	// KeyFile is the slash-separated path of the key below the router's secrets
	// directory. Empty: the provider asks for no key.
	KeyFile string `json:"keyFile,omitempty"`
	// NextKeyFile is the key that takes over once the provider rejects the one
	// in KeyFile, so that keys rotate with overlap.
	NextKeyFile string `json:"nextKeyFile,omitempty"`
	// Headers are static and non-secret, sorted by name.
	Headers []KeyValue `json:"headers,omitempty"`
}

// KeyValue is one entry of what is a map in the API: sorted lists keep the
// encoding canonical.
type KeyValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Selection says how a tier orders its models for a request.
type Selection string

// The selections of the ModelTier API.
const (
	SelectionWeighted      Selection = "Weighted"
	SelectionLowestCost    Selection = "LowestCost"
	SelectionLowestLatency Selection = "LowestLatency"
	SelectionOrdered       Selection = "Ordered"
)

// Tier is one capability level and the models that provide it.
type Tier struct {
	Name      string    `json:"name"`
	Rank      int32     `json:"rank"`
	Selection Selection `json:"selection"`
	// CachePrompts has prompts marked for caching that the client left unmarked,
	// for providers that cache only what is marked.
	CachePrompts bool `json:"cachePrompts,omitempty"`
	// Models are at most [MaxModels].
	Models []Model `json:"models,omitempty"`
}

// MaxModels is how many models a tier may have: the router tells them apart by
// the bits of a word.
const MaxModels = 32

// Baseline is the model that savings are measured against. It carries its own
// price, since it need not be usable to be compared with.
type Baseline struct {
	Tier  string `json:"tier"`
	Model string `json:"model"`
	Price Price  `json:"price"`
}

// Model is one model of a tier at one provider account.
type Model struct {
	// Name is what the provider calls the model.
	Name string `json:"name"`
	// Provider is a [Provider.Name].
	Provider string `json:"provider"`
	// Weight is the share among the tier's models under SelectionWeighted.
	Weight int32 `json:"weight"`
	Price  Price `json:"price"`
	// ContextTokens and MaxOutputTokens are the model's limits; 0: unknown.
	ContextTokens   int64 `json:"contextTokens,omitempty"`
	MaxOutputTokens int64 `json:"maxOutputTokens,omitempty"`
	// Capabilities are sorted, of: Embeddings, JSONSchema, Reasoning, Tools,
	// Vision.
	// Empty: not stated, so nothing is ruled out.
	Capabilities []string `json:"capabilities,omitempty"`
	Timeouts     Timeouts `json:"timeouts"`
}

// Price is USD per million tokens as decimal strings. A value may carry
// long-context steps, "BASE;>N:PRICE": the price of requests whose input
// exceeds N tokens. An empty string means unknown: package pricing says what
// stands in for it. Input and Output are always known here.
type Price struct {
	Input                string `json:"input"`
	CachedInput          string `json:"cachedInput,omitempty"`
	CacheWrite           string `json:"cacheWrite,omitempty"`
	CacheWrite1h         string `json:"cacheWrite1h,omitempty"`
	Output               string `json:"output"`
	ReasoningOutput      string `json:"reasoningOutput,omitempty"`
	BatchDiscountPercent int32  `json:"batchDiscountPercent,omitempty"`
}

// Timeouts bound one upstream call.
type Timeouts struct {
	// FirstToken is how long the response head, and of a stream the first
	// event, may take, counted from the start of the call.
	FirstToken Duration `json:"firstToken"`
	// Idle is the longest silence within a response.
	Idle Duration `json:"idle"`
	// Request bounds the whole call.
	Request Duration `json:"request"`
}

// Duration is a time.Duration that encodes as a Go duration string ("20s").
type Duration time.Duration

// Classification decides the tier of requests whose route pins none.
type Classification struct {
	// Preset is "Standard" or "None".
	Preset RulesPreset `json:"preset"`
	// Custom rules are tried before the preset, in this order.
	Custom []Rule `json:"custom,omitempty"`
	// Model is the trained classifier; nil: none is asked.
	Model *ClassifierModel `json:"model,omitempty"`
	// LLM is the model that is asked where rules and classifier are not sure; nil:
	// none is.
	LLM *LLMClassifier `json:"llm,omitempty"`
	// TargetQuality is the probability of a good answer, in [0,1], that a tier must
	// be predicted to reach; 0: none is asked for, and the class decides.
	TargetQuality float64 `json:"targetQuality,omitempty"`
	// ConsiderOutputLength lets the predicted length of the answer weigh in what a
	// tier costs.
	ConsiderOutputLength bool `json:"considerOutputLength,omitempty"`
	// LowConfidenceTier serves what no step decided. Empty: DefaultTier does.
	LowConfidenceTier string `json:"lowConfidenceTier,omitempty"`
}

// ClassifierModel is a trained classifier.
type ClassifierModel struct {
	// File is the slash-separated path of its file below the router's classifiers
	// directory. Empty: the one that is part of the router.
	File string `json:"file,omitempty"`
	// MinConfidence is in [0,1]: below it a verdict is not taken.
	MinConfidence float64 `json:"minConfidence"`
}

// LLMClassifier is a model that is asked how demanding a request is.
type LLMClassifier struct {
	Tier string `json:"tier"`
	// Timeout is how long a request may wait for the verdict.
	Timeout Duration `json:"timeout"`
	// CacheTTL is how long a verdict serves equal prompts; 0: it does not.
	CacheTTL Duration `json:"cacheTTL"`
}

// RulesPreset names a built-in set of rules.
type RulesPreset string

// The presets of the RoutingPolicy API.
const (
	PresetStandard RulesPreset = "Standard"
	PresetNone     RulesPreset = "None"
)

// Class is a verdict on how demanding a request is.
type Class string

// The classes, from least to most demanding.
const (
	ClassSimple   Class = "SIMPLE"
	ClassModerate Class = "MODERATE"
	ClassComplex  Class = "COMPLEX"
)

// Rule is one custom classification rule: when Match holds, Class is the verdict.
type Rule struct {
	Name  string `json:"name"`
	Class Class  `json:"class"`
	// Confidence is in [0,1].
	Confidence float64     `json:"confidence"`
	Match      PromptMatch `json:"match"`
	// Expression is CEL over request and prompt, and must also hold. Empty: it does.
	Expression string `json:"expression,omitempty"`
}

// Route says which requests it takes and which tier may answer them.
type Route struct {
	Name  string `json:"name"`
	Match Match  `json:"match"`
	// Tier pins the tier; empty: classify.
	Tier string `json:"tier,omitempty"`
	// MinTier and MaxTier bound every choice, fallback and escalation included.
	MinTier string `json:"minTier,omitempty"`
	MaxTier string `json:"maxTier,omitempty"`
	// Unavailable says why the route can serve nothing, such as a floor whose
	// tier is missing. Requests that match it are refused with it rather than
	// served below the floor. Empty: the route serves.
	Unavailable string `json:"unavailable,omitempty"`
	// MaxOutputTokens caps what a request may ask for; 0: no cap.
	MaxOutputTokens int64 `json:"maxOutputTokens,omitempty"`
	// Split is the live traffic split, by ascending rank, in percent summing to
	// 100. It places the requests that classification left undecided. Empty:
	// LowConfidenceTier does.
	Split []Share `json:"split,omitempty"`
	// Validate says what answers must be; nil: they are not checked.
	Validate *Validation `json:"validate,omitempty"`
	// Judge scores a sample of the answers; nil: none are.
	Judge *Judge `json:"judge,omitempty"`
	// Models are how tiers that were too slow for the route spread what it sends
	// them over their models, in place of the tier's selection; sorted by rank of
	// the tier, model and provider, those of each tier summing to 100.
	Models []ModelShare `json:"models,omitempty"`
}

// ModelShare is the part of a model, by its name and the kind of its provider, of
// what a route sends to a tier. Models that are alike in both share it by weight.
type ModelShare struct {
	Tier     string `json:"tier"`
	Model    string `json:"model"`
	Provider string `json:"provider"`
	Percent  int32  `json:"percent"`
}

// Share is one tier's part of a split.
type Share struct {
	Tier    string `json:"tier"`
	Percent int32  `json:"percent"`
}

// Match holds when every condition given in it holds. An empty Match holds always.
type Match struct {
	// Paths are path prefixes on segment boundaries; any may match.
	Paths []string `json:"paths,omitempty"`
	// ModelNames are values of the request's model; any may match.
	ModelNames []string `json:"modelNames,omitempty"`
	// Headers must all be present with exactly this value; names are lower case.
	Headers []KeyValue `json:"headers,omitempty"`
	// Metadata must all be present in the request's metadata object.
	Metadata []KeyValue  `json:"metadata,omitempty"`
	Prompt   PromptMatch `json:"prompt,omitzero"`
	// Expression is CEL over request and prompt. Empty: holds.
	Expression string `json:"expression,omitempty"`
}

// PromptMatch looks at what the request asks.
type PromptMatch struct {
	// MinTokens and MaxTokens bound the estimated prompt tokens, inclusive; 0: no bound.
	MinTokens int64 `json:"minTokens,omitempty"`
	MaxTokens int64 `json:"maxTokens,omitempty"`
	// Keywords match on word boundaries without regard to case; any may match.
	Keywords []string `json:"keywords,omitempty"`
	// Pattern is an RE2 expression.
	Pattern string `json:"pattern,omitempty"`
	// HasCode asks for (or against) code in the prompt; nil: either.
	HasCode *bool `json:"hasCode,omitempty"`
}

// Cause is why an attempt failed, and what a fallback may answer to.
type Cause string

// The causes of the RoutingPolicy API.
const (
	CauseTimeout         Cause = "Timeout"
	CauseRateLimited     Cause = "RateLimited"
	CauseServerError     Cause = "ServerError"
	CauseConnectionError Cause = "ConnectionError"
	CauseContextExceeded Cause = "ContextExceeded"
)

// Fallback bounds what happens when an upstream call fails before its first byte.
type Fallback struct {
	// On are the causes that lead to a next attempt, sorted.
	On []Cause `json:"on,omitempty"`
	// MaxAttempts is the most upstream calls one request may cause.
	MaxAttempts int32 `json:"maxAttempts"`
	// Backoff is the pause before the second attempt, doubled before each
	// further one; 0: none.
	Backoff Duration `json:"backoff"`
}

// AuthMode says how clients prove who they are.
type AuthMode string

const (
	// AuthNone lets everybody in.
	AuthNone AuthMode = "None"
	// AuthAPIKeys asks for one of the keys in ClientsDir.
	AuthAPIKeys AuthMode = "APIKeys"
	// AuthClosed lets nobody in: the policy asks for something that cannot be
	// honoured, and an open gateway is no substitute.
	AuthClosed AuthMode = "Closed"
)

// Auth is how clients authenticate.
type Auth struct {
	Mode AuthMode `json:"mode"`
	// ClientsDir is, below the secrets directory, a directory with one file per
	// client: its name is the client's name in metrics, its content the key.
	ClientsDir string `json:"clientsDir,omitempty"`
	// Reason says why the gateway is closed.
	Reason string `json:"reason,omitempty"`
}
