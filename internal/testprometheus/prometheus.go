// Package testprometheus runs a real Prometheus for tests.
//
// It must never be imported by anything but tests.
package testprometheus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrMissing says that this machine has no Prometheus. Tests skip then; CI installs
// one, and names it in the environment variable PROMETHEUS, so that none is skipped
// there.
var ErrMissing = errors.New("no prometheus in PATH: install Debian's package prometheus, or name a binary in PROMETHEUS")

// Find returns the binary that PROMETHEUS names, or else the one in PATH.
func Find() (string, error) {
	if named := os.Getenv("PROMETHEUS"); named != "" {
		return named, nil
	}
	path, err := exec.LookPath("prometheus")
	if err != nil {
		return "", ErrMissing
	}
	return path, nil
}

// patience is how long a Prometheus may take to start.
const patience = 30 * time.Second

// Start runs the binary in dir, scraping the targets (host:port) at the interval,
// and returns its base URL once it is ready. stop ends it, and returns what it
// logged.
func Start(binary, dir string, interval time.Duration, targets ...string) (url string, stop func() string, err error) {
	quoted := make([]string, len(targets))
	for i, target := range targets {
		quoted[i] = fmt.Sprintf("%q", target)
	}
	config := fmt.Sprintf("global: {scrape_interval: %dms, scrape_timeout: %dms}\nscrape_configs:\n- job_name: routers\n  static_configs: [{targets: [%s]}]\n",
		interval.Milliseconds(), interval.Milliseconds(), strings.Join(quoted, ", "))
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return "", nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	arguments := []string{"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address}
	command := exec.CommandContext(ctx, binary, arguments...) //nolint:gosec // the binary is the test's own choice
	var log strings.Builder
	command.Stderr = &log
	if err := command.Start(); err != nil {
		cancel()
		return "", nil, err
	}
	stop = func() string {
		cancel()
		_ = command.Wait() // it was killed
		return log.String()
	}
	url = "http://" + address
	if !ready(url) {
		return "", nil, fmt.Errorf("prometheus did not get ready within %s: %s", patience, stop())
	}
	return url, stop, nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func ready(url string) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		response, err := http.Get(url + "/-/ready")
		if err != nil {
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return true
		}
	}
	return false
}
