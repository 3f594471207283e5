package router

import (
	"errors"
	"net/url"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
	"github.com/tiershift/tiershift/internal/provider/openaichat"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// outgoing is a request as a model's provider is to get it.
type outgoing struct {
	wire  routerconfig.Wire
	codec chat.Codec
	// translated is that it is not in the client's own bytes.
	translated bool
	path       string
	// body is the sum of its segments' lengths.
	segments [][]byte
	length   int
	dropped  []string
}

// encode makes ready what the model's provider is sent: the client's bytes with the
// few changed that must change, where the provider speaks the client's wire, or
// else a translation. The error says what cannot be carried.
func (x *exchange) encode(m *model) *apiError {
	wire, codec := m.provider.speak(x.api.wire)
	x.out = outgoing{wire: wire, codec: codec, translated: wire != x.api.wire || x.request.Foreign(), segments: x.scratch.segments[:0]}
	x.out.path = m.provider.path(m.Name, wire, x.request.Stream, x.api.embeds)
	switch {
	case x.api.embeds && wire != routerconfig.WireOpenAI:
		return badRequest("unsupported_value", "model", "%s has no embeddings of OpenAI's wire", m.provider.Kind)
	case x.out.translated:
		return x.translate(m)
	}
	s := x.scratch
	edits := m.provider.edits(m.Name, x.request.Stream, x.outputCap(m))
	if wire != routerconfig.WireOpenAI {
		edits = patch.Edits{Model: m.Name, MaxOutputTokens: x.outputCap(m)}
	}
	edits.CachePrompt = m.tier.CachePrompts && wire == routerconfig.WireAnthropic && x.promptTokens >= leastCached
	x.out.segments, s.rewrite, x.out.length = x.request.Rewrite(edits, x.out.segments, s.rewrite[:0])
	s.segments = x.out.segments
	return nil
}

// leastCached is the least prompt, in tokens, that Anthropic caches
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
const leastCached = 1024

// translate writes the request in the wire of the model's provider.
func (x *exchange) translate(m *model) *apiError {
	request, err := x.decoded()
	if err != nil {
		return carryError(err)
	}
	encoded, err := x.out.codec.EncodeRequest(request, chat.Upstream{
		Model: m.Name, MaxOutputTokens: x.outputCap(m), ModelMaxOutputTokens: m.MaxOutputTokens,
		Reasons: m.reasons, CachePrompt: m.tier.CachePrompts && x.promptTokens >= leastCached,
	})
	if err != nil {
		return carryError(err)
	}
	x.out.segments = append(x.out.segments, encoded.Body)
	x.scratch.segments = x.out.segments
	x.out.length, x.out.dropped = len(encoded.Body), encoded.Dropped
	return nil
}

// decoded is the client's request in the neutral model, read once for all attempts.
func (x *exchange) decoded() (*chat.Request, error) {
	if x.neutral == nil && x.neutralErr == nil {
		x.neutral, x.neutralErr = x.api.codec.DecodeRequest(x.request.Body)
		if x.neutral != nil {
			x.neutral.Stream = x.request.Stream // which Gemini's wire says in the path
			x.neutral.Model = x.request.Model()
		}
	}
	return x.neutral, x.neutralErr
}

// carryError is the client's error of a request that cannot be understood, or not
// be carried to the provider.
func carryError(err error) *apiError {
	var field *chat.FieldError
	var unsupported *chat.Unsupported
	switch {
	case errors.As(err, &unsupported):
		return badRequest("unsupported_value", unsupported.Field, "%s", err)
	case errors.As(err, &field):
		return badRequest("invalid_request", field.Field, "%s", err)
	}
	return badRequest("invalid_request", "", "%s", err)
}

// speak returns the wire in which the provider is best spoken to by a client of the
// given wire, and its codec.
func (p *provider) speak(client routerconfig.Wire) (routerconfig.Wire, chat.Codec) {
	wire := p.Wire
	for _, also := range p.Also {
		if also == client {
			wire = also
		}
	}
	if wire == routerconfig.WireOpenAI {
		return wire, p.chatCodec
	}
	return wire, upstreamCodecs[wire]
}

// path is the one below the provider's base URL, with its query.
func (p *provider) path(model string, wire routerconfig.Wire, stream, embeds bool) string {
	path := "/chat/completions"
	switch {
	case wire == routerconfig.WireResponses:
		return "/responses"
	case wire == routerconfig.WireAnthropic:
		return "/messages"
	case wire == routerconfig.WireGemini:
		return strings.TrimPrefix(gemini.Path(model, stream), "/v1beta")
	case embeds:
		path = "/embeddings"
	}
	if p.APIVersion == "" {
		return path
	}
	return "/" + url.PathEscape(model) + path + "?api-version=" + p.APIVersion
}

// chatCodecOf is the codec of Chat Completions in the provider's dialect.
func chatCodecOf(d dialect) chat.Codec {
	return openaichat.Codec{LegacyMaxTokens: d.maxTokens == "max_tokens"}
}

// reasoners are the beginnings of the names of models that think before they
// answer, for tiers that do not say what their models can
// (https://platform.openai.com/docs/guides/reasoning,
// https://api-docs.deepseek.com/guides/reasoning_model, https://docs.x.ai/docs/models).
var reasoners = []string{"gpt-5", "gpt-oss", "o1", "o3", "o4", "deepseek-reasoner", "deepseek-r1", "grok-3-mini", "grok-4", "magistral"}

// reasons reports whether the model is known to think.
func reasons(m *routerconfig.Model) bool {
	if len(m.Capabilities) > 0 {
		return capabilities(m)&patch.NeedReasoning != 0
	}
	name := m.Name[strings.LastIndexByte(m.Name, '/')+1:] // aggregators put the maker before it
	for _, prefix := range reasoners {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
