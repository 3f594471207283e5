package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tiershift/tiershift/internal/testenv"
)

const (
	module = "github.com/tiershift/tiershift"
	// user is whom the API server takes the operator for.
	user = "tiershift-operator"
)

// installation is the operator as it is built and what it may do.
type installation struct {
	root, binary, kubeconfig string
}

// install builds the operator.
func install(ctx context.Context, dir string) (installation, error) {
	i := installation{binary: filepath.Join(dir, "operator"), kubeconfig: filepath.Join(dir, "kubeconfig")}
	root, err := command(ctx, "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return i, err
	}
	i.root = strings.TrimSpace(root)
	_, err = command(ctx, "build", "-o", i.binary, module+"/cmd/operator")
	return i, err
}

// command runs the go command.
func command(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, problems.String())
	}
	return string(out), nil
}

// allow grants the operator what the generated role says, and nothing else.
func (i *installation) allow(ctx context.Context, env *testenv.Env) error {
	file, err := os.Open(filepath.Join(i.root, "config", "rbac", "role.yaml"))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // was only read
	decoder := yaml.NewYAMLOrJSONDecoder(file, 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if object.GetKind() == "ClusterRole" {
			if err := env.Client.Create(ctx, object); err != nil {
				return err
			}
		}
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "tiershift-operator"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	if err := env.Client.Create(ctx, binding); err != nil {
		return err
	}
	return writeKubeconfig(env.Config, i.kubeconfig)
}

func writeKubeconfig(config *rest.Config, file string) error {
	const name = "bench"
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	kubeconfig.AuthInfos[name] = &clientcmdapi.AuthInfo{
		ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken, Impersonate: user,
	}
	kubeconfig.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	kubeconfig.CurrentContext = name
	return clientcmd.WriteToFile(*kubeconfig, file)
}

// operator is a running one.
type operator struct {
	cmd            *exec.Cmd
	logs           tail
	ended          chan struct{}
	metrics, pprof string
	profiles       sync.WaitGroup
}

func (i *installation) start(o options, args []string) (*operator, error) {
	metrics, err := freeAddress()
	if err != nil {
		return nil, err
	}
	pprof, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &operator{metrics: metrics, pprof: pprof, ended: make(chan struct{})}
	args = append([]string{
		"-router-image=router:bench", "-leader-elect=false", "-probe-listen=0",
		"-metrics-listen=" + metrics, "-metrics-secure=false", "-log-level=error",
	}, args...)
	if o.workers > 0 {
		args = append(args, "-workers="+strconv.Itoa(o.workers))
	}
	if o.profiles != "" {
		args = append(args, "-pprof-listen="+pprof)
	}
	p.cmd = exec.Command(i.binary, args...)
	p.cmd.Env = append(os.Environ(), "KUBECONFIG="+i.kubeconfig)
	p.cmd.Stderr = &p.logs
	p.cmd.SysProcAttr = ownGroup()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the operator: %w", err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ends when told to is no news; one that was not is found missing
	}()
	return p, nil
}

func (p *operator) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// pid is 0 before there is a process.
func (p *operator) pid() int {
	if p == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// stop ends the process and waits until it is gone.
func (p *operator) stop() {
	if p == nil {
		return
	}
	p.profiles.Wait()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // one that has ended already needs none
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill() // as above
		<-p.ended
	}
}

// usage is what the process has spent since it started.
type usage struct {
	cpu        time.Duration
	peakBytes  float64
	nowBytes   float64
	requests   map[string]float64 // by HTTP method
	reconciles float64            // of policies
}

func (p *operator) usage() (usage, error) {
	u := usage{requests: map[string]float64{}}
	var err error
	if u.cpu, u.peakBytes, u.nowBytes, err = processUsage(p.cmd.Process.Pid); err != nil {
		return u, fmt.Errorf("%w; the operator says: %s", err, p.logs.String())
	}
	response, err := http.Get("http://" + p.metrics + "/metrics") //nolint:noctx // loopback answers or is not there
	if err != nil {
		return u, err
	}
	defer func() { _ = response.Body.Close() }() // was only read
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		u.count(lines.Text())
	}
	return u, lines.Err()
}

// count reads a line of the text format of metrics.
func (u *usage) count(line string) {
	name, rest, ok := strings.Cut(line, "{")
	labels, value, isValue := strings.Cut(rest, "} ")
	n, err := strconv.ParseFloat(value, 64)
	if !ok || !isValue || err != nil {
		return
	}
	switch name {
	case "rest_client_requests_total":
		u.requests[label(labels, "method")] += n
	case "controller_runtime_reconcile_total":
		if label(labels, "controller") == "routingpolicy" {
			u.reconciles += n
		}
	}
}

func label(labels, name string) string {
	_, rest, _ := strings.Cut(labels, name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// profile writes the CPU profile of the next seconds and the heap after them.
func (p *operator) profile(prefix string) {
	p.profiles.Go(func() {
		for range 100 { // until it listens
			if err := fetch("http://"+p.pprof+"/debug/pprof/profile?seconds=20", prefix+".cpu"); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if err := fetch("http://"+p.pprof+"/debug/pprof/heap", prefix+".heap"); err != nil {
			fmt.Fprintln(os.Stderr, "benchoperator: profile:", err)
		}
	})
}

func fetch(url, file string) error {
	response, err := http.Get(url) //nolint:noctx,gosec // loopback answers or is not there
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // was only read
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// tail keeps the last bytes that a process wrote.
type tail struct {
	mu   sync.Mutex
	data []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const keep = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if len(t.data) > keep {
		t.data = append(t.data[:0], t.data[len(t.data)-keep:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.data))
}
