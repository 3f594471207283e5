package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/tiershift/tiershift/internal/testenv"
)

func TestParseRefusesWhatCannotWork(t *testing.T) {
	for args, want := range map[string]string{
		"": "-router-image is required",
		"-router-image=r -router-image-pull-policy=Sometimes": "it is Always, IfNotPresent, Never or empty",
		"-router-image=r -router-drain-delay=-1s":             "are not negative",
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

// The operator takes the lease, answers its probes, and gives the lease back when
// it ends.
func TestRunLeadsAndEndsInOrder(t *testing.T) {
	env := testenv.Start(t)
	namespace := env.Namespace(t)
	probes := freeAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{
			"-router-image=router:test", "-metrics-listen=0", "-probe-listen=" + probes, "-leader-election-namespace=" + namespace,
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
	stop()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if holder, err := lease(); err != nil || holder != "" {
		t.Errorf("the lease is still held by %q, %v", holder, err)
	}
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
