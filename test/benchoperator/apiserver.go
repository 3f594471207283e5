package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// apiServer is asked what it has done: most of what a policy costs is its work.
type apiServer struct {
	client   *rest.RESTClient
	profiles sync.WaitGroup
}

func newAPIServer(config *rest.Config) (*apiServer, error) {
	config = rest.CopyConfig(config)
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	client, err := rest.UnversionedRESTClientFor(config)
	return &apiServer{client: client}, err
}

func (s *apiServer) get(ctx context.Context, path string, params ...string) ([]byte, error) {
	request := s.client.Get().AbsPath(path)
	for i := 0; i+1 < len(params); i += 2 {
		request.Param(params[i], params[i+1])
	}
	return request.Do(ctx).Raw()
}

// served counts the requests since it started, each as "PATCH configmaps". An API
// server that does not answer has served none.
func (s *apiServer) served(ctx context.Context) map[string]float64 {
	counts := map[string]float64{}
	text, err := s.get(ctx, "/metrics")
	if err != nil {
		return counts
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text))
	for lines.Scan() {
		countServed(lines.Text(), counts)
	}
	return counts
}

// countServed reads a line of the text format of metrics.
func countServed(line string, counts map[string]float64) {
	labels, value, ok := strings.Cut(line, "} ")
	n, err := strconv.ParseFloat(value, 64)
	if !ok || err != nil || !strings.HasPrefix(labels, "apiserver_request_total{") {
		return
	}
	resource := label(labels, "resource")
	if sub := label(labels, "subresource"); sub != "" {
		resource += "/" + sub
	}
	counts[label(labels, "verb")+" "+resource] += n
}

// less is what came to now since before.
func less(now, before map[string]float64) map[string]float64 {
	since := map[string]float64{}
	for what, n := range now {
		if n -= before[what]; n > 0 {
			since[what] = n
		}
	}
	return since
}

// profile writes the CPU profile of the next seconds.
func (s *apiServer) profile(ctx context.Context, prefix string) {
	s.profiles.Go(func() {
		data, err := s.get(ctx, "/debug/pprof/profile", "seconds", "20")
		if err == nil {
			err = os.WriteFile(prefix+".apiserver.cpu", data, 0o600)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "benchoperator: profile of the API server:", err)
		}
	})
}

func (s *apiServer) wait() error {
	s.profiles.Wait()
	return nil
}
