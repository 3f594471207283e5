package simulator

import (
	"iter"
	"math/rand/v2"
	"net/http"
)

// Dialect is a provider whose wire format is OpenAI's with deviations of its own.
type Dialect string

// The dialects; the zero value is OpenAI.
//
//   - DeepSeek: UUIDs as ids, no service tier, no refusals; thoughts in reasoning_content; usage with its cache
//     hit and miss counts in the last chunk that has choices; unknown models are
//     a 400; its own authentication error.
//   - Mistral: usage in the last chunk that has choices, asked for or not; no
//     fingerprint, service tier or logprobs; errors without the "error" object.
//   - XAI: thoughts in reasoning_content; errors are {"code","error"} with prose as the code; a wrong key is a 400.
//   - Gemini: not OpenAI's wire but Google's own, models.generateContent.
const (
	OpenAI   Dialect = "OpenAI"
	DeepSeek Dialect = "DeepSeek"
	Mistral  Dialect = "Mistral"
	XAI      Dialect = "XAI"
	Gemini   Dialect = "Gemini"
)

// dialect is how a provider writes things.
type dialect struct {
	id     func(*rand.Rand) string
	indent string // of completions
	// extras are the service tier, refusals, annotations and obfuscation.
	extras      bool
	fingerprint bool
	logprobs    bool
	rateLimits  bool // headers
	embeddings  bool // beside chat completions
	// thoughts are told beside the answer, in reasoning_content.
	thoughts bool
	// usageWithChoices puts a stream's usage into the last chunk with choices.
	usageWithChoices bool
	// usageAlways does so without being asked.
	usageAlways bool
	usage       func(usage) wireUsage
	// err adapts an error: its status and its body.
	err func(*apiError) (int, any)
	// wire is a wire other than OpenAI's; nil: OpenAI's.
	wire *otherWire
}

// otherWire is how a provider that does not speak OpenAI's wire is spoken to.
type otherWire struct {
	// route answers a request, or returns the error to answer with.
	route func(*Provider, http.ResponseWriter, *http.Request, []byte) *apiError
	// validate checks the lengths of a request against its model.
	validate func(r *request, m *Model, promptTokens int) *apiError
	// document is the whole answer.
	document func(*exchange) []byte
	// frames are the events of a stream, and how many they are. Nothing follows
	// them.
	frames func(*exchange) (int, iter.Seq[frame])
	// failure is the event that ends a stream in an error; nil: as OpenAI's.
	failure func(*apiError) frame
	// name is that of an event; nil: events have none.
	name func(frame) string
}

var dialects = map[Dialect]dialect{
	"":        openAIDialect,
	OpenAI:    openAIDialect,
	DeepSeek:  {id: uuid, fingerprint: true, logprobs: true, thoughts: true, usageWithChoices: true, usage: deepSeekUsage, err: deepSeekError},
	Mistral:   {id: hexID, embeddings: true, usageWithChoices: true, usageAlways: true, usage: plainUsage, err: mistralError},
	Gemini:    geminiDialect,
	Anthropic: anthropicDialect,

	AzureOpenAI: azureDialect,
	XAI:         {id: uuid, extras: true, fingerprint: true, logprobs: true, thoughts: true, rateLimits: true, usage: fullUsage, err: xaiError},
}

var openAIDialect = dialect{
	id: chatID, indent: "  ", extras: true, fingerprint: true, logprobs: true, rateLimits: true, embeddings: true,
	usage: fullUsage, err: openAIError,
}

func chatID(r *rand.Rand) string { return "chatcmpl-" + token(r, base62, 29) }

func hexID(r *rand.Rand) string { return token(r, hexDigits, 32) }

func uuid(r *rand.Rand) string {
	h := hexID(r)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}

type wireUsage struct {
	PromptTokens            int                `json:"prompt_tokens"`
	CompletionTokens        int                `json:"completion_tokens"`
	TotalTokens             int                `json:"total_tokens"`
	PromptTokensDetails     *promptDetails     `json:"prompt_tokens_details,omitempty"`
	CompletionTokensDetails *completionDetails `json:"completion_tokens_details,omitempty"`
	PromptCacheHitTokens    *int               `json:"prompt_cache_hit_tokens,omitempty"`
	PromptCacheMissTokens   *int               `json:"prompt_cache_miss_tokens,omitempty"`
}

type promptDetails struct {
	CachedTokens     int  `json:"cached_tokens"`
	AudioTokens      *int `json:"audio_tokens,omitempty"`
	CacheWriteTokens *int `json:"cache_write_tokens,omitempty"`
}

type completionDetails struct {
	ReasoningTokens          int  `json:"reasoning_tokens"`
	AudioTokens              *int `json:"audio_tokens,omitempty"`
	AcceptedPredictionTokens *int `json:"accepted_prediction_tokens,omitempty"`
	RejectedPredictionTokens *int `json:"rejected_prediction_tokens,omitempty"`
}

// plainUsage is what all of them state.
func plainUsage(u usage) wireUsage {
	return wireUsage{
		PromptTokens: u.prompt, CompletionTokens: u.completion, TotalTokens: u.prompt + u.completion,
		PromptTokensDetails: &promptDetails{CachedTokens: u.cached},
	}
}

func fullUsage(u usage) wireUsage {
	w, zero := plainUsage(u), new(int)
	w.PromptTokensDetails.AudioTokens = zero
	if u.reportWrites {
		w.PromptTokensDetails.CacheWriteTokens = &u.cacheWritten
	}
	w.CompletionTokensDetails = &completionDetails{u.reasoning, zero, zero, zero}
	return w
}

func deepSeekUsage(u usage) wireUsage {
	w, miss := plainUsage(u), u.prompt-u.cached
	w.CompletionTokensDetails = &completionDetails{ReasoningTokens: u.reasoning}
	w.PromptCacheHitTokens, w.PromptCacheMissTokens = &u.cached, &miss
	return w
}

type errorDetail struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

type errorObject struct {
	Error errorDetail `json:"error"`
}

func detail(e *apiError) errorDetail {
	return errorDetail{e.message, e.kind, orNull(e.param), orNull(e.code)}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func openAIError(e *apiError) (int, any) { return e.status, errorObject{detail(e)} }

func deepSeekError(e *apiError) (int, any) {
	d := detail(e)
	status := e.status
	switch status {
	case http.StatusUnauthorized:
		d.Message, d.Type = "Authentication Fails, Your api key: ****0000 is invalid", "authentication_error"
	case http.StatusNotFound:
		d.Message, status = "Model Not Exist", http.StatusBadRequest
	}
	if status < http.StatusInternalServerError {
		d.Param, d.Code = nil, orNull(invalidRequest)
	}
	return status, errorObject{d}
}

// mistralError writes errors as Mistral does: the object is the body, the codes
// are numbers in quotes, and its gateway answers for wrong keys.
func mistralError(e *apiError) (int, any) {
	if e.status == http.StatusUnauthorized {
		return e.status, struct {
			Detail string `json:"detail"`
		}{"Unauthorized"}
	}
	body := struct {
		Object string `json:"object"`
		errorDetail
	}{"error", detail(e)}
	body.Param = nil
	switch {
	case e.status == http.StatusTooManyRequests:
		body.Message, body.Type, body.Code = "Rate limit exceeded", "rate_limited", orNull("1300")
	case e.code == "model_not_found":
		body.Message, body.Type, body.Code = "Invalid model: "+e.subject, "invalid_model", orNull("1500")
		return http.StatusBadRequest, body
	}
	return e.status, body
}

// xaiCodes are the prose that xAI puts where others have a code.
var xaiCodes = map[int]string{
	http.StatusNotFound:           "Some requested entity was not found",
	http.StatusTooManyRequests:    "Some resource has been exhausted",
	http.StatusServiceUnavailable: "The service is currently unavailable",
}

func xaiError(e *apiError) (int, any) {
	status, code := e.status, xaiCodes[e.status]
	switch {
	case status == http.StatusUnauthorized:
		status, code = http.StatusBadRequest, "Client specified an invalid argument"
	case code == "" && status < http.StatusInternalServerError:
		code = "Client specified an invalid argument"
	case code == "":
		code = "Internal error"
	}
	return status, struct {
		Code  string `json:"code"`
		Error string `json:"error"`
	}{code, e.message}
}
