package router

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tiershift/tiershift/internal/provider/anthropic"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
	"github.com/tiershift/tiershift/internal/provider/openaichat"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/provider/responses"
	"github.com/tiershift/tiershift/internal/provider/translate"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// api is an API that clients speak to the router: how its requests are read, and
// how its answers and errors are written.
type api struct {
	// wire is the one whose providers take its requests as they are.
	wire  routerconfig.Wire
	codec chat.Codec
	scan  func([]byte, *patch.Request) error
	// content is the media type of streams.
	content []string
	// translateAlways is for streams that no provider is asked for in this form.
	translateAlways bool
	// form is what the official SDK asks of streams.
	form translate.Form
	// idHeader is where the SDKs look for the id of a request.
	idHeader string
	// embeds marks the API of embeddings, whose answers are no conversation.
	embeds bool
}

var (
	chatAPI = &api{
		wire: routerconfig.WireOpenAI, codec: openaichat.New(), scan: patch.Scan,
		content: contentTypeSSE, idHeader: "X-Request-Id",
	}
	responsesAPI = &api{
		wire: routerconfig.WireResponses, codec: responses.New(), scan: patch.ScanResponses,
		content: contentTypeSSE, idHeader: "X-Request-Id",
	}
	messagesAPI = &api{
		wire: routerconfig.WireAnthropic, codec: anthropic.New(), scan: patch.ScanMessages,
		content: contentTypeSSE, idHeader: "Request-Id",
		form: translate.Form{Last: "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"},
	}
	generateAPI = &api{
		wire: routerconfig.WireGemini, codec: gemini.New(), scan: patch.ScanGenerate,
		content: contentTypeSSE, form: translate.Form{Silent: true}, idHeader: "X-Request-Id",
	}
	// generateArrayAPI streams one JSON array, as Gemini does without alt=sse.
	generateArrayAPI = &api{
		wire: routerconfig.WireGemini, codec: gemini.NewArray(), scan: patch.ScanGenerate,
		content: contentTypeJSON, form: translate.Form{Silent: true}, translateAlways: true, idHeader: "X-Request-Id",
	}
	embeddingsAPI = &api{
		wire: routerconfig.WireOpenAI, codec: openaichat.New(), scan: patch.ScanEmbeddings,
		embeds: true, idHeader: "X-Request-Id",
	}
)

// upstreamCodecs write to providers and read from them.
var upstreamCodecs = map[routerconfig.Wire]chat.Codec{
	routerconfig.WireOpenAI:    openaichat.New(),
	routerconfig.WireResponses: responses.New(),
	routerconfig.WireAnthropic: anthropic.New(),
	routerconfig.WireGemini:    gemini.New(),
}

// target is what a request's path asks for.
type target struct {
	api *api
	// prefix is the path before the API's own.
	prefix string
	// model and stream, of APIs that have them in the path.
	model  string
	stream bool
}

// The endpoints, each of which may stand below any path prefix.
const (
	pathChat       = "/v1/chat/completions"
	pathResponses  = "/v1/responses"
	pathMessages   = "/v1/messages"
	pathEmbeddings = "/v1/embeddings"
	pathModels     = "/v1/models"
	pathExplain    = "/v1/explain"
	pathFeedback   = "/v1/feedback"
	// pathGemini begins the paths of Gemini's API, of this version or a later one.
	pathGemini = "/v1"
)

var jsonAPIs = []struct {
	path string
	api  *api
}{
	{pathChat, chatAPI},
	{pathMessages, messagesAPI},
	{pathResponses, responsesAPI},
	{pathEmbeddings, embeddingsAPI},
}

// findTarget reads the path of a request for an answer; false: it is for something
// else.
func findTarget(r *http.Request) (target, bool) {
	path := r.URL.Path
	for i := range jsonAPIs {
		if prefix, ok := strings.CutSuffix(path, jsonAPIs[i].path); ok {
			return target{api: jsonAPIs[i].api, prefix: prefix}, true
		}
	}
	model, action, ok := gemini.ParsePath(path)
	if !ok || action != gemini.Generate && action != gemini.StreamGenerate {
		return target{}, false
	}
	t := target{api: generateAPI, prefix: path[:strings.LastIndex(path, pathGemini)], model: model, stream: action == gemini.StreamGenerate}
	if t.stream && !strings.Contains(r.URL.RawQuery, "alt=sse") {
		t.api = generateArrayAPI
	}
	return t, true
}

// writeError sends the error in the API's own shape. Nothing may have been written
// before.
func (a *api) writeError(w http.ResponseWriter, err *apiError) {
	body := a.codec.EncodeError(err.neutral())
	h := w.Header()
	h["Content-Type"] = contentTypeJSON
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if err.retryAfter > 0 {
		// Whole seconds, rounded up: coming early is what it is to prevent.
		h.Set("Retry-After", strconv.FormatInt(int64((err.retryAfter+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(err.status)
	_, _ = w.Write(body) // the client that went away has no use for the error
}

// neutral is the error in the words that every wire translates.
func (e *apiError) neutral() *chat.Error {
	return &chat.Error{
		Class: chat.ClassOf(e.status), Status: e.status, Message: e.Message, Type: e.Type, Code: e.Code, Param: e.Param,
	}
}
