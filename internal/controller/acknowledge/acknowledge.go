// Package acknowledge asks routers which config they serve. What a router says
// itself is the only proof that a config arrived: a mounted file may be old, and
// a new one may have been refused.
package acknowledge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/tiershift/tiershift/internal/workload"
)

// Served is what a router says of itself.
type Served struct {
	// Digest and Generation are of the config in service.
	Digest     string
	Generation int64
	// Error says why a newer config was refused; empty: none was.
	Error string
	// Stale is true of an answer that is repeated for a router which gives none at
	// the moment.
	Stale bool
}

// Acknowledger asks the router in a pod which config it serves.
type Acknowledger interface {
	Served(ctx context.Context, pod *corev1.Pod) (Served, error)
}

const (
	// patience is how long one router may take to answer.
	patience = 2 * time.Second
	// atOnce is how many routers of a policy are asked at the same time.
	atOnce = 16
	// maxBytes bounds what is read of an answer. Nothing that is wanted is longer.
	maxBytes = 256 << 10
)

// HTTP asks GET /config on the admin port of the pod.
type HTTP struct {
	client *http.Client
	// address says where a pod's admin port is.
	address func(*corev1.Pod) string
}

// AdminAddress is where a pod's admin port is: host and port.
func AdminAddress(pod *corev1.Pod) string {
	return net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(workload.AdminPort))
}

// NewHTTP returns an acknowledger that asks each pod at the address. nil: at its
// IP and the routers' admin port.
func NewHTTP(address func(*corev1.Pod) string) *HTTP {
	if address == nil {
		address = AdminAddress
	}
	// Pods come and go, and one is asked about once a minute: connections are not
	// worth keeping. A proxy knows nothing of pod addresses.
	transport := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: patience}).DialContext}
	return &HTTP{address: address, client: &http.Client{Transport: transport, Timeout: patience}}
}

// Served implements Acknowledger. Its errors name no port of this side, so that
// the same fault always reads the same.
func (h *HTTP) Served(ctx context.Context, pod *corev1.Pod) (Served, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.address(pod)+"/config", http.NoBody)
	if err != nil {
		return Served{}, err
	}
	response, err := h.client.Do(request)
	if err != nil {
		return Served{}, plain(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return Served{}, fmt.Errorf("GET /config answered %s", response.Status)
	}
	served, err := readServed(io.LimitReader(response.Body, maxBytes))
	if err != nil || served.Digest == "" {
		return Served{}, errors.New("GET /config did not answer with a config")
	}
	return served, nil
}

// readServed reads the answer up to the document itself, which is long, comes
// last, and is not wanted.
func readServed(body io.Reader) (served Served, err error) {
	decoder := json.NewDecoder(body)
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return Served{}, errors.Join(err, errors.New("no object"))
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return Served{}, err
		}
		var into any = &json.RawMessage{}
		switch name {
		case "digest":
			into = &served.Digest
		case "generation":
			into = &served.Generation
		case "error":
			into = &served.Error
		case "config":
			return served, nil
		}
		if err := decoder.Decode(into); err != nil {
			return Served{}, err
		}
	}
	return served, nil
}

// plain is the cause of a failed call without addresses.
func plain(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) && failed.Timeout() {
		return fmt.Errorf("the admin port did not answer within %s", patience)
	}
	return errors.New("the admin port cannot be reached")
}

// Answer is what one pod said.
type Answer struct {
	Pod    *corev1.Pod
	Served Served
	Err    error
}

// All asks all pods, and answers in their order.
func All(ctx context.Context, a Acknowledger, pods []corev1.Pod) []Answer {
	answers := make([]Answer, len(pods))
	slots := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i := range pods {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			served, err := a.Served(ctx, &pods[i])
			answers[i] = Answer{Pod: &pods[i], Served: served, Err: err}
		})
	}
	group.Wait()
	return answers
}
