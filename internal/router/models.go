package router

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/tiershift/tiershift/internal/provider/openai"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// modelEntries lists what a client may send as its model: auto, the routes, the
// tiers, and the concrete models.
func (e *Engine) modelEntries() []openai.ModelEntry {
	entries := []openai.ModelEntry{{ID: routerconfig.AutoModel, OwnedBy: "tiershift"}}
	add := func(id, owner string) {
		if !slices.ContainsFunc(entries, func(m openai.ModelEntry) bool { return m.ID == id }) {
			entries = append(entries, openai.ModelEntry{ID: id, OwnedBy: owner})
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

func (e *Engine) renderModels() []byte { return openai.AppendModelList(nil, e.modelEntries()) }

// serveModels answers GET /v1/models and GET /v1/models/{id}.
func (e *Engine) serveModels(w http.ResponseWriter, r *http.Request, id string) {
	if _, err := e.authenticate(r); err != nil {
		writeError(w, err)
		return
	}
	body := e.models
	if id != "" {
		entries := e.modelEntries()
		i := slices.IndexFunc(entries, func(m openai.ModelEntry) bool { return m.ID == id })
		if i < 0 {
			writeError(w, e.unknownModel(id))
			return
		}
		body = openai.AppendModel(nil, entries[i])
	}
	w.Header()["Content-Type"] = contentTypeJSON
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client that went away needs no list
}
