package router

import (
	"encoding/json"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tiershift/tiershift/internal/router/reload"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// served is the answer of GET /config. It holds no secret, since a config names
// keys only by their files; static provider headers are redacted all the same,
// because people put keys where they do not belong.
type served struct {
	reload.Status
	Config *routerconfig.Config `json:"config,omitempty"`
}

// AdminHandler serves /metrics, /healthz, /readyz and /config.
func (s *Server) AdminHandler(gatherer prometheus.Gatherer, status func() reload.Status) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // the prober that went away will come again
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		switch {
		case s.draining.Load():
			http.Error(w, "draining", http.StatusServiceUnavailable)
		case s.Engine() == nil:
			http.Error(w, "no config: "+status().Error, http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("ok\n")) // as above
		}
	})
	mux.HandleFunc("GET /config", func(w http.ResponseWriter, _ *http.Request) {
		out := served{Status: status()}
		if e := s.Engine(); e != nil {
			out.Config = redacted(e.config)
		}
		w.Header()["Content-Type"] = contentTypeJSON
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(out) // fails only when the reader went away
	})
	return mux
}

func redacted(c *routerconfig.Config) *routerconfig.Config {
	out := *c
	out.Providers = append([]routerconfig.Provider(nil), c.Providers...)
	for i := range out.Providers {
		p := &out.Providers[i]
		p.Headers = append([]routerconfig.KeyValue(nil), p.Headers...)
		for j := range p.Headers {
			p.Headers[j].Value = "REDACTED"
		}
	}
	return &out
}
