package credential

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

func TestListModelsSendsTheKeyAsEachProviderExpectsIt(t *testing.T) {
	for _, test := range []struct {
		provider     v1alpha1.Provider
		path, header string
		want         string
	}{
		{v1alpha1.ProviderOpenAI, "/v1", "Authorization", "Bearer key"},
		{v1alpha1.ProviderAnthropic, "/v1", "X-Api-Key", "key"},
		{v1alpha1.ProviderAnthropic, "/v1", "Anthropic-Version", anthropicVersion},
		{v1alpha1.ProviderAzureOpenAI, "/openai/v1/", "Api-Key", "key"},
		{v1alpha1.ProviderGemini, "/v1beta/openai", "Authorization", "Bearer key"},
		{v1alpha1.ProviderGemini, "/v1beta", "X-Goog-Api-Key", "key"},
		{v1alpha1.ProviderOpenAICompatible, "/v1", "X-Team", "search"},
	} {
		t.Run(string(test.provider)+" "+test.header, func(t *testing.T) {
			var got http.Header
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Header
				_, _ = w.Write([]byte(`{"data":[{},{}]}`))
			}))
			defer server.Close()
			models, err := NewHTTPProber().ListModels(t.Context(), Account{
				Provider: test.provider, BaseURL: server.URL + test.path, Key: "key", Headers: map[string]v1alpha1.HeaderValue{"x-team": "search"},
			})
			if err != nil || models != 2 || got.Get(test.header) != test.want {
				t.Errorf("%d models, %v, %s: %q", models, err, test.header, got.Get(test.header))
			}
		})
	}
}

func TestListModelsTellsARejectedKeyFromAFault(t *testing.T) {
	for _, test := range []struct {
		name     string
		handler  http.HandlerFunc
		rejected bool
		want     string
	}{
		{"401", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, true, "the provider answered 401 to the key"},
		{"403", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, true, "the provider answered 403 to the key"},
		{"500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, false, "it answered 500 to GET /models"},
		{"a redirect is not followed", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.invalid/", http.StatusFound)
		}, false, "it answered 302 to GET /models"},
		{"no JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, false, "its answer to GET /models is no JSON"},
		{"cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, "it could not be reached"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			defer server.Close()
			_, err := NewHTTPProber().ListModels(t.Context(), Account{Provider: v1alpha1.ProviderOpenAI, BaseURL: server.URL, Key: "key"})
			var rejected *RejectedError
			if err == nil || err.Error() != test.want || errors.As(err, &rejected) != test.rejected {
				t.Errorf("got %v", err)
			}
		})
	}
}
