package simulator

import (
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// AzureOpenAI is OpenAI's wire as Azure serves it: at
// /openai/deployments/{deployment}/chat/completions?api-version=… where the
// deployment is the model, and at /openai/v1/…; the key comes in api-key; answers
// tell what the content filters found; errors have codes of Azure's gateway
// (https://learn.microsoft.com/azure/ai-foundry/openai/reference).
const AzureOpenAI Dialect = "AzureOpenAI"

var azureDialect = dialect{
	id: chatID, extras: true, fingerprint: true, logprobs: true, rateLimits: true, usage: fullUsage, err: azureError,
	wire: &otherWire{route: serveAzure, validate: (*request).validate, document: azureDocument, frames: azureFrames},
}

// azurePath are the paths of Azure: with a deployment, or the version 1.
var azurePath = regexp.MustCompile(`/openai/(?:deployments/([^/]+)|(v1))/(chat/completions|responses|embeddings|models)$`)

var errAzureResource = newError(http.StatusNotFound, "", "404", "Resource not found")

// serveAzure answers a request, or returns the error to answer with.
func serveAzure(p *Provider, w http.ResponseWriter, r *http.Request, body []byte) *apiError {
	if err := p.authenticate(r.Header); err != nil {
		return err
	}
	switch azureOperation(r.URL) {
	case "":
		return errAzureResource
	case "models":
		p.listModels(w)
		return nil
	case "responses":
		return p.respond(w, r, body)
	case "embeddings":
		return p.embed(w, r, body)
	}
	if r.Method != http.MethodPost {
		return errMethod(http.MethodPost)
	}
	return p.chat(w, r, body)
}

// azureOperation is what a URL asks for, by the end of its path; empty: there is no
// such resource. All but the version 1 must name the version of the API.
func azureOperation(u *url.URL) string {
	m := azurePath.FindStringSubmatch(u.Path)
	isV1 := len(m) > 0 && m[2] != ""
	switch {
	case !isV1 && u.Query().Get("api-version") == "":
		return ""
	case strings.HasSuffix(u.Path, "/openai/models"):
		return "models"
	case len(m) == 0:
		return ""
	}
	return m[3]
}

// azureError writes errors as Azure's gateway does; those of the model's own API
// are as OpenAI writes them.
func azureError(e *apiError) (int, any) {
	d := detail(e)
	switch e.status {
	case http.StatusUnauthorized:
		d = errorDetail{Code: orNull("401"), Message: "Access denied due to invalid subscription key or wrong API endpoint. " +
			"Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}
	case http.StatusNotFound:
		if e.code == "model_not_found" {
			d = errorDetail{Code: orNull("DeploymentNotFound"), Message: "The API deployment for this resource does not exist. " +
				"If you created the deployment within the last 5 minutes, please wait a moment and try again."}
		}
	case http.StatusTooManyRequests:
		d = errorDetail{Code: orNull("429"), Message: "Requests to the ChatCompletions_Create Operation under Azure OpenAI API " +
			"have exceeded call rate limit of your current pricing tier. Please retry after 1 second."}
	}
	return e.status, errorObject{d}
}

// What the content filters found: nothing.
const (
	filterResults = `{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},` +
		`"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}`
	promptResults = `"prompt_filter_results":[{"prompt_index":0,"content_filter_results":` + filterResults + `}]`
)

// azureDocument adds to a completion what the filters found of the prompt.
func azureDocument(x *exchange) []byte {
	body := encodeJSON(x.c, x.dialect, x.req, x.fault.shape.NoUsage)
	return slices.Concat(body[:len(body)-1], []byte(","+promptResults+"}"))
}

// azureFrames puts a chunk before the others that tells only of the prompt, and
// ends with [DONE].
func azureFrames(x *exchange) (int, iter.Seq[frame]) {
	chunks := newChunker(x.c, x.dialect, x.req, &x.fault.shape)
	first := []byte(`{"choices":[],"created":0,"id":"","model":"","object":"",` + promptResults + `}`)
	all := []frame{{data: first}}
	all = append(all, slices.Collect(chunks.frames())...)
	if !x.fault.shape.NoDone {
		all = append(all, frame{data: []byte("[DONE]")})
	}
	return len(all), slices.Values(all)
}
