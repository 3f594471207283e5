package chart

import (
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/tiershift/tiershift/internal/testenv"
)

// recorder passes requests on to the API server, as whoever sends them, and keeps
// which rights they took.
type recorder struct {
	url         string
	certificate []byte

	mu       sync.Mutex
	rights   map[string]bool
	rejected map[string]bool
}

// record starts one in front of the control plane.
func record(t *testing.T, env *testenv.Env) *recorder {
	t.Helper()
	target, err := url.Parse(env.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	// Without the administrator's own credentials.
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(env.Config))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{rights: map[string]bool{}, rejected: map[string]bool{}}
	proxy := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) },
		ModifyResponse: func(response *http.Response) error {
			r.keep(response.Request, response.StatusCode)
			return nil
		},
		// A watch that ends with the test is no error.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewTLSServer(proxy) // a client shows its token to no other
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	r.url = server.URL
	r.certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return r
}

func (r *recorder) keep(request *http.Request, status int) {
	right, ok := rightOf(request)
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok {
		r.rights[right] = true
	}
	// An apply that creates takes the right to create as well:
	// https://kubernetes.io/docs/reference/using-api/server-side-apply/#api-implementation
	if verb, what, _ := strings.Cut(right, " "); verb == "patch" && status == http.StatusCreated {
		r.rights["create "+what] = true
	}
	if status == http.StatusForbidden || status == http.StatusUnauthorized {
		r.rejected[request.Method+" "+request.URL.Path] = true
	}
}

func (r *recorder) used() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.rights))
}

func (r *recorder) refused() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.rejected))
}

// rightOf is what the API server checks for the request. It is false of discovery,
// which every account may do.
//
// Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
func rightOf(request *http.Request) (string, bool) {
	group, rest, ok := resourcePath(request.URL.Path)
	if !ok {
		return "", false
	}
	if rest[0] == "namespaces" && len(rest) > 2 {
		rest = rest[2:]
	}
	resource, named := rest[0], len(rest) > 1
	if len(rest) > 2 {
		resource += "/" + rest[2]
	}
	return right(verbOf(request, named), group, resource), true
}

// resourcePath splits a path into its group and what follows the version.
func resourcePath(path string) (group string, rest []string, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2:
		return "", parts[2:], true
	case parts[0] == "apis" && len(parts) > 3:
		return parts[1], parts[3:], true
	}
	return "", nil, false
}

func verbOf(request *http.Request, named bool) string {
	switch request.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	switch {
	case request.URL.Query().Get("watch") == "true" || request.URL.Query().Get("watch") == "1":
		return "watch"
	case named:
		return "get"
	}
	return "list"
}
