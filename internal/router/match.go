package router

import (
	"net/http"
	"net/textproto"
	"slices"

	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// matcher is the part of a route's match that needs no look at the prompt.
// What the prompt says is the analyzer's to judge.
type matcher struct {
	paths      []string
	modelNames []string
	headers    []routerconfig.KeyValue // names canonical
	metadata   []routerconfig.KeyValue
}

func newMatcher(m *routerconfig.Match) matcher {
	headers := make([]routerconfig.KeyValue, len(m.Headers))
	for i, h := range m.Headers {
		headers[i] = routerconfig.KeyValue{Name: textproto.CanonicalMIMEHeaderKey(h.Name), Value: h.Value}
	}
	return matcher{paths: m.Paths, modelNames: m.ModelNames, headers: headers, metadata: m.Metadata}
}

// namesModel reports whether the route takes the model name for its own.
func (m *matcher) namesModel(name string) bool { return slices.Contains(m.modelNames, name) }

func (m *matcher) matches(prefix, modelName string, header http.Header, request *patch.Request) bool {
	if len(m.paths) > 0 && !slices.ContainsFunc(m.paths, func(p string) bool { return pathUnder(prefix, p) }) {
		return false
	}
	if len(m.modelNames) > 0 && !m.namesModel(modelName) {
		return false
	}
	for _, want := range m.headers {
		if !slices.Contains(header[want.Name], want.Value) {
			return false
		}
	}
	for _, want := range m.metadata {
		if got, ok := request.Metadata(want.Name); !ok || got != want.Value {
			return false
		}
	}
	return true
}
