package router

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/anthropic"
	"github.com/tiershift/tiershift/internal/provider/gemini"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// modelEntries lists what a client may send as its model: auto, the routes, the
// tiers, and the concrete models.
func (e *Engine) modelEntries() []patch.ModelEntry {
	entries := []patch.ModelEntry{{ID: routerconfig.AutoModel, OwnedBy: "tiershift"}}
	add := func(id, owner string) {
		if !slices.ContainsFunc(entries, func(m patch.ModelEntry) bool { return m.ID == id }) {
			entries = append(entries, patch.ModelEntry{ID: id, OwnedBy: owner})
		}
	}
	for i := range e.config.Routes {
		add(e.config.Routes[i].Name, "tiershift")
		for _, name := range e.config.Routes[i].Match.ModelNames {
			add(name, "tiershift")
		}
	}
	for _, t := range e.tiers {
		add(routerconfig.TierModelPrefix+t.Name, "tiershift")
	}
	for _, t := range e.tiers {
		for _, m := range t.models {
			add(m.Name, m.provider.Kind)
		}
	}
	return entries
}

// modelList is the form in which an API lists models.
type modelList struct {
	api *api
	all func([]patch.ModelEntry) []byte
	one func(patch.ModelEntry) []byte
}

var (
	openaiModels = &modelList{
		api: chatAPI,
		all: func(list []patch.ModelEntry) []byte { return patch.AppendModelList(nil, list) },
		one: func(m patch.ModelEntry) []byte { return patch.AppendModel(nil, m) },
	}
	anthropicModels = &modelList{
		api: messagesAPI,
		all: func(list []patch.ModelEntry) []byte { return anthropic.AppendModelList(nil, modelIDs(list)) },
		one: func(m patch.ModelEntry) []byte { return anthropic.AppendModel(nil, m.ID) },
	}
	geminiModels = &modelList{
		api: generateAPI,
		all: func(list []patch.ModelEntry) []byte {
			entries := make([]gemini.ModelEntry, len(list))
			for i := range list {
				entries[i].ID = list[i].ID
			}
			return gemini.AppendModelList(nil, entries)
		},
		one: func(m patch.ModelEntry) []byte { return gemini.AppendModel(nil, gemini.ModelEntry{ID: m.ID}) },
	}
)

func modelIDs(list []patch.ModelEntry) []string {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// findModels reads the path of a request for the list of models, or for the one
// with the id. Anthropic's SDKs say which version of the API they speak, and
// Gemini's ask below a version of its own.
func findModels(r *http.Request) (list *modelList, id string, ok bool) {
	const beta = "/v1beta/models"
	if _, id, ok := strings.Cut(r.URL.Path, beta); ok && isModelPath(id) {
		return geminiModels, strings.TrimPrefix(id, "/"), true
	}
	_, id, ok = strings.Cut(r.URL.Path, pathModels)
	if !ok || !isModelPath(id) {
		return nil, "", false
	}
	if r.Header.Get("Anthropic-Version") != "" {
		return anthropicModels, strings.TrimPrefix(id, "/"), true
	}
	return openaiModels, strings.TrimPrefix(id, "/"), true
}

func isModelPath(id string) bool { return id == "" || id[0] == '/' }

// serveModels answers GET /v1/models and GET /v1/models/{id}.
func (e *Engine) serveModels(w http.ResponseWriter, r *http.Request, list *modelList, id string) {
	if _, err := e.authenticate(r); err != nil {
		list.api.writeError(w, err)
		return
	}
	entries := e.modelEntries()
	var body []byte
	if id == "" {
		body = list.all(entries)
	} else {
		i := slices.IndexFunc(entries, func(m patch.ModelEntry) bool { return m.ID == id })
		if i < 0 {
			list.api.writeError(w, e.unknownModel(id))
			return
		}
		body = list.one(entries[i])
	}
	w.Header()["Content-Type"] = contentTypeJSON
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client that went away needs no list
}
