package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/testenv"
)

func TestParseRefusesWhatCannotWork(t *testing.T) {
	for args, want := range map[string]string{
		"": "-router-image is required",
		"-router-image=r -router-image-pull-policy=Sometimes": "it is Always, IfNotPresent, Never or empty",
		"-router-image=r -router-drain-delay=-1s":             "are not negative",
		"-router-image=r -resync=0s":                          "-resync is at least 1s",
		"-router-image=r -workers=0":                          "-workers is at least 1",
		"-router-image=r extra":                               `unexpected argument "extra"`,
		"-no-such-flag":                                       "flag provided but not defined",
	} {
		t.Run(args, func(t *testing.T) {
			if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestParseReadsNamespaces(t *testing.T) {
	o, err := parse([]string{"-router-image=r", "-namespaces=a, b,"})
	if err != nil || o.namespaces.String() != "a,b" {
		t.Errorf("got %v, %v", o, err)
	}
}

func TestVersionNeedsNoCluster(t *testing.T) {
	err := run(t.Context(), []string{"-version"}, func() (*rest.Config, error) { return nil, errors.New("asked for a cluster") }, quietly)
	if err != nil {
		t.Error(err)
	}
}

func TestNoClusterIsSaid(t *testing.T) {
	err := run(t.Context(), []string{"-router-image=r"}, func() (*rest.Config, error) { return nil, errors.New("no kubeconfig") }, quietly)
	if err == nil || err.Error() != "find the cluster: no kubeconfig" {
		t.Errorf("got %v", err)
	}
}

// The operator takes the lease, answers its probes, tells its metrics to those
// whom the cluster allows to read them, and gives the lease back when it ends.
func TestRunLeadsAndEndsInOrder(t *testing.T) {
	env := testenv.Start(t)
	namespace := env.Namespace(t)
	probes, metrics := freeAddress(t), freeAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{
			"-router-image=router:test", "-metrics-listen=" + metrics, "-probe-listen=" + probes, "-leader-election-namespace=" + namespace,
			"-namespaces=" + namespace, "-log-level=error",
		}, func() (*rest.Config, error) { return rest.CopyConfig(env.Config), nil }, quietly)
	}()
	lease := func() (string, error) {
		var lease coordinationv1.Lease
		if err := env.Client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: leaseName}, &lease); err != nil {
			return "", err
		}
		if lease.Spec.HolderIdentity == nil {
			return "", nil
		}
		return *lease.Spec.HolderIdentity, nil
	}
	await(t, ended, func() error {
		if holder, err := lease(); err != nil || holder == "" {
			return fmt.Errorf("no one holds the lease: %w", err)
		}
		return answers(t.Context(), "http://"+probes+"/readyz")
	})
	metricsAskWhoReadsThem(t, env, namespace, metrics, ended)
	stop()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if holder, err := lease(); err != nil || holder != "" {
		t.Errorf("the lease is still held by %q, %v", holder, err)
	}
}

func metricsAskWhoReadsThem(t *testing.T, env *testenv.Env, namespace, metrics string, ended <-chan error) {
	t.Helper()
	allowed, stranger := account(t, env, namespace, "prometheus"), account(t, env, namespace, "stranger")
	create(t, env, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: namespace}, Rules: []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}},
	}, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: namespace}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: namespace},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: "prometheus"}},
	})
	for _, test := range []struct {
		name, token string
		want        int
	}{
		{"nobody", "", http.StatusUnauthorized},
		{"a made-up token", "made-up", http.StatusInternalServerError}, // so controller-runtime says that the review failed
		{"an account without the right", stranger, http.StatusForbidden},
		{"an account with the right", allowed, http.StatusOK},
	} {
		await(t, ended, func() error { // the right takes a moment to be known
			status, body, err := read(t.Context(), "https://"+metrics+"/metrics", test.token)
			if err != nil {
				return fmt.Errorf("%s: %w", test.name, err)
			}
			if status != test.want {
				return fmt.Errorf("%s gets %d, want %d", test.name, status, test.want)
			}
			if told := strings.Contains(body, "controller_runtime_"); told != (test.want == http.StatusOK) {
				return fmt.Errorf("%s is told metrics: %t", test.name, told)
			}
			return nil
		})
	}
	if status, body, _ := read(t.Context(), "http://"+metrics+"/metrics", allowed); status != http.StatusBadRequest {
		t.Errorf("without TLS: %d, %s", status, body)
	}
}

// account creates a service account and returns a token of it.
func account(t *testing.T, env *testenv.Env, namespace, name string) string {
	t.Helper()
	serviceAccount := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	create(t, env, serviceAccount)
	request := &authenticationv1.TokenRequest{}
	if err := env.Client.SubResource("token").Create(t.Context(), serviceAccount, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

func create(t *testing.T, env *testenv.Env, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := env.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

// read trusts the certificate that the operator made itself.
func read(ctx context.Context, url, token string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, string(data), err
}

func await(t *testing.T, ended <-chan error, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("ended early: %v", err)
		default:
		}
		if err = check(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func answers(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: %s", url, response.Status, body)
	}
	return nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// quietly leaves the process's loggers alone: the test's own client reads them
// meanwhile.
func quietly(logr.Logger) {}
