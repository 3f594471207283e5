package acknowledge_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/internal/controller/acknowledge"
)

// at answers every pod's address with that of a server.
func at(t *testing.T, handler http.HandlerFunc) *acknowledge.HTTP {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return acknowledge.NewHTTP(func(*corev1.Pod) string { return strings.TrimPrefix(server.URL, "http://") })
}

func TestHTTPReadsWhatTheRouterServes(t *testing.T) {
	routers := at(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/config" {
			t.Errorf("asked %s %s", r.Method, r.URL.Path)
		}
		_, _ = w.Write([]byte(`{"digest":"sha256:1","generation":4,"error":"no","config":{"apiVersion":"x"}}`))
	})
	got, err := routers.Served(t.Context(), &corev1.Pod{})
	if want := (acknowledge.Served{Digest: "sha256:1", Generation: 4, Error: "no"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

// It comes last, is long, and need not even make sense.
func TestHTTPReadsNothingOfTheDocument(t *testing.T) {
	routers := at(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"digest":"sha256:1","loadedAt":{"any":["thing"]},"config":{` + strings.Repeat(" ", 1<<20)))
	})
	if got, err := routers.Served(t.Context(), &corev1.Pod{}); err != nil || got.Digest != "sha256:1" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHTTPFaultsReadTheSameEachTime(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"GET /config answered 503 Service Unavailable": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"GET /config did not answer with a config":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
		"the admin port cannot be reached":             func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := at(t, handler).Served(t.Context(), &corev1.Pod{})
			if err == nil || err.Error() != name {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAllAnswersInTheOrderOfThePods(t *testing.T) {
	pods := make([]corev1.Pod, 50)
	for i := range pods {
		pods[i] = corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: string(rune('a' + i))}}
	}
	routers := at(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"digest":"d"}`)) })
	for i, answer := range acknowledge.All(t.Context(), routers, pods) {
		if answer.Pod != &pods[i] || answer.Err != nil || answer.Served.Digest != "d" {
			t.Fatalf("answer %d is %+v", i, answer)
		}
	}
}
