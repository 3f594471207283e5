package router

import (
	"net/http"
	"strings"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

// authenticate returns the name of the client, or why it is refused.
func (e *Engine) authenticate(r *http.Request) (string, *apiError) {
	switch e.config.Auth.Mode {
	case routerconfig.AuthNone:
		return "", nil
	case routerconfig.AuthAPIKeys:
		key := clientKey(r)
		if key == "" {
			return "", unauthorized("no API key: send one as \"Authorization: Bearer KEY\"")
		}
		if name, ok := e.keys.client(key); ok {
			return name, nil
		}
		return "", unauthorized("the API key is not one that this gateway knows")
	default:
		return "", unauthorized("this gateway lets nobody in: %s", e.config.Auth.Reason)
	}
}

// clientKey finds the key as each provider's SDK sends it: Authorization:
// Bearer (OpenAI), x-api-key (Anthropic), api-key (Azure), x-goog-api-key
// (Gemini), or as Gemini's documentation does, in the query.
func clientKey(r *http.Request) string {
	h := r.Header
	if v := h["Authorization"]; len(v) > 0 {
		const scheme = "bearer "
		if len(v[0]) > len(scheme) && strings.EqualFold(v[0][:len(scheme)], scheme) {
			return strings.TrimSpace(v[0][len(scheme):])
		}
	}
	for _, name := range []string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		if v := h[name]; len(v) > 0 {
			return v[0]
		}
	}
	if r.URL.RawQuery == "" {
		return ""
	}
	return r.URL.Query().Get("key")
}
