package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// ownerVariable holds the settings, as JSON, that turn a test binary into the
// owner of a control plane. Being a process of its own is what lets the owner act
// after the test process ended in a way that runs no cleanup.
const ownerVariable = "TIERSHIFT_TESTENV_OWNER"

// startTimeout applies to each process. A process that exits is noticed at once,
// so it only has to be longer than a start on a machine that is busy compiling.
const startTimeout = 2 * time.Minute

// settings are the paths that the owner starts a control plane from.
type settings struct {
	APIServer string `json:"apiServer"`
	Etcd      string `json:"etcd"`
	// CRDDirectory is empty if no CRDs are wanted.
	CRDDirectory string `json:"crdDirectory,omitempty"`
}

// answer is the one document that the owner writes to stdout, when the control
// plane is ready or has failed to start.
type answer struct {
	Kubeconfig []byte `json:"kubeconfig,omitempty"`
	Error      string `json:"error,omitempty"`
}

// owner is the test process' side of the process that owns a control plane.
type owner struct {
	kubeconfig []byte
	process    *exec.Cmd
	// stdin is never written to. The owner stops the plane when it is closed, which
	// the operating system does if the test process does not.
	stdin io.Closer
}

// startOwner returns when the control plane answers. If ctx ends first, the owner
// cleans up on its own.
func startOwner(ctx context.Context, crds bool) (*owner, error) {
	settings, err := findSettings(crds)
	if err != nil {
		return nil, err
	}
	o, stdout, err := spawnOwner(settings)
	if err != nil {
		return nil, fmt.Errorf("start the process that owns the control plane: %w", err)
	}
	answers := make(chan answer, 1)
	go func() { answers <- readAnswer(stdout) }()
	select {
	case a := <-answers:
		if a.Error != "" {
			return nil, errors.Join(fmt.Errorf("start the control plane: %s", a.Error), o.stop())
		}
		o.kubeconfig = a.Kubeconfig
		return o, nil
	case <-ctx.Done():
		go func() { _ = o.stop() }()
		return nil, fmt.Errorf("start the control plane: %w", ctx.Err())
	}
}

func spawnOwner(s settings) (*owner, io.Reader, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	document, err := json.Marshal(s)
	if err != nil {
		return nil, nil, err
	}
	process := exec.Command(executable)
	process.Env = append(os.Environ(), ownerVariable+"="+string(document))
	// With stderr inherited, go test does not return before the owner is done.
	process.Stderr = os.Stderr
	stdin, err := process.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return &owner{process: process, stdin: stdin}, stdout, process.Start()
}

func readAnswer(r io.Reader) answer {
	var a answer
	if err := json.NewDecoder(r).Decode(&a); err != nil {
		return answer{Error: fmt.Sprintf("its owner ended without an answer: %v", err)}
	}
	return a
}

// stop returns when the processes of the control plane have ended.
func (o *owner) stop() error {
	if err := errors.Join(o.stdin.Close(), o.process.Wait()); err != nil {
		return fmt.Errorf("stop the control plane: %w", err)
	}
	return nil
}

// init runs before any test can, so that in the owner none does.
func init() {
	document, ok := os.LookupEnv(ownerVariable)
	if !ok {
		return
	}
	if err := own(document, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// own runs a control plane until in ends. It tells out how the start went.
func own(document string, in io.Reader, out io.Writer) error {
	var s settings
	if err := json.Unmarshal([]byte(document), &s); err != nil {
		return fmt.Errorf("parse %s: %w", ownerVariable, err)
	}
	outliveSignals()
	// envtest can attach the output of the control plane, but stdout has the answer.
	os.Stdout = os.Stderr
	log.SetLogger(logr.Discard())
	cleanUp, err := keepFilesTogether()
	if err != nil {
		return err
	}

	env, err := startControlPlane(s)
	if err != nil {
		return errors.Join(json.NewEncoder(out).Encode(answer{Error: err.Error()}), cleanUp())
	}
	// If the answer cannot be written, the test process is gone, and in has ended.
	_ = json.NewEncoder(out).Encode(answer{Kubeconfig: env.KubeConfig})
	_, err = io.Copy(io.Discard, in)
	return errors.Join(err, env.Stop(), cleanUp())
}

// keepFilesTogether gives the owner a temporary directory of its own, because
// envtest forgets those of a start that it had to repeat.
func keepFilesTogether() (cleanUp func() error, err error) {
	directory, err := os.MkdirTemp("", "tiershift-testenv-")
	if err != nil {
		return nil, err
	}
	return func() error { return os.RemoveAll(directory) }, os.Setenv("TMPDIR", directory)
}

// outliveSignals makes the end of stdin the only thing that ends the owner. Dying
// of an interrupt, which reaches every process of the terminal, or of the SIGPIPE
// for an answer that no one reads any more would leave the control plane running.
func outliveSignals() {
	signal.Notify(make(chan os.Signal, 1),
		os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE)
}

func startControlPlane(s settings) (*envtest.Environment, error) {
	env := &envtest.Environment{
		// Otherwise USE_EXISTING_CLUSTER=true would point the tests at the cluster of
		// the developer's kubeconfig.
		UseExistingCluster:       new(false),
		ControlPlaneStartTimeout: startTimeout,
		ErrorIfCRDPathMissing:    true,
		ControlPlane: envtest.ControlPlane{
			APIServer: &envtest.APIServer{Path: s.APIServer},
			Etcd:      &envtest.Etcd{Path: s.Etcd},
		},
	}
	if s.CRDDirectory != "" {
		env.CRDDirectoryPaths = []string{s.CRDDirectory}
	}
	if _, err := env.Start(); err != nil {
		err = fmt.Errorf("%w (KUBEBUILDER_ATTACH_CONTROL_PLANE_OUTPUT=true shows what its processes print)", err)
		return nil, errors.Join(err, env.Stop())
	}
	return env, nil
}
