package testenv_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/testenv"
)

// abandonVariable tells the test binary to leave a control plane behind, in one of
// the ways of abandon, and to exit with the code abandoned.
const (
	abandonVariable = "TIERSHIFT_TESTENV_ABANDON"
	abandoned       = 3
)

func TestObjectsAreStored(t *testing.T) {
	env := testenv.Start(t, testenv.WithoutCRDs())
	want := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: env.Namespace(t), Name: "prices"},
		Data:       map[string]string{"small": "0.05"},
	}
	if err := env.Client.Create(t.Context(), want); err != nil {
		t.Fatal(err)
	}

	got := &corev1.ConfigMap{}
	if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(want), got); err != nil {
		t.Fatal(err)
	}
	if got.Data["small"] != "0.05" || got.UID != want.UID {
		t.Errorf("read back %v with UID %s, want %v with UID %s", got.Data, got.UID, want.Data, want.UID)
	}
}

func TestServerReportsTheVersionItWasBuiltFrom(t *testing.T) {
	env := testenv.Start(t, testenv.WithoutCRDs())
	server, err := discovery.NewDiscoveryClientForConfigOrDie(env.Config).ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if got := server.Major + "." + server.Minor; got != "1.37" {
		t.Errorf("the API server is %s (%s), want 1.37", got, server.GitVersion)
	}
}

func TestTestsShareOneControlPlaneButNotANamespace(t *testing.T) {
	first, second := testenv.Start(t, testenv.WithoutCRDs()), testenv.Start(t, testenv.WithoutCRDs())
	if first.Config.Host != second.Config.Host {
		t.Errorf("two starts led to two control planes, %s and %s", first.Config.Host, second.Config.Host)
	}
	if a, b := first.Namespace(t), second.Namespace(t); a == b {
		t.Errorf("two tests were given the namespace %s", a)
	}
}

func TestRunInstallsTheCRDsAndStops(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	env, stop, err := testenv.Run(t.Context(), testenv.WithScheme(scheme))
	if err != nil {
		t.Fatal(err)
	}
	var crds apiextensionsv1.CustomResourceDefinitionList
	if err := env.Client.List(t.Context(), &crds); err != nil {
		t.Error(err)
	}
	if len(crds.Items) == 0 {
		t.Error("no CRDs are installed")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if answers(env.Config.Host) {
		t.Errorf("%s still answers after stop", env.Config.Host)
	}
}

// abandon says how a test process leaves a control plane behind. None of them
// cleans up, as after a panic or when go test kills a test for its timeout.
var abandon = map[string]func(t *testing.T){
	"after its start": func(t *testing.T) {
		testenv.Start(t, testenv.WithoutCRDs())
	},
	"during its start": func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := testenv.Run(ctx, testenv.WithoutCRDs()); !errors.Is(err, context.Canceled) {
			t.Fatalf("error = %v, want %v", err, context.Canceled)
		}
	},
}

func TestAnAbandonedControlPlaneStops(t *testing.T) {
	if when, ok := os.LookupEnv(abandonVariable); ok {
		abandon[when](t)
		os.Exit(abandoned)
	}
	for when := range abandon {
		t.Run(when, func(t *testing.T) {
			directory := t.TempDir()
			process := exec.Command(os.Args[0], "-test.run=^TestAnAbandonedControlPlaneStops$")
			process.Env = append(os.Environ(), abandonVariable+"="+when, "TMPDIR="+directory)
			// This returns when the last process that inherited stderr has ended.
			out, err := process.CombinedOutput()
			if process.ProcessState.ExitCode() != abandoned {
				t.Fatalf("the process that leaves its control plane behind: %v\n%s", err, out)
			}
			// etcd and the API server keep their files there until they have stopped.
			left, err := os.ReadDir(directory)
			if err != nil {
				t.Fatal(err)
			}
			if len(left) != 0 {
				t.Errorf("%v is left; the process printed:\n%s", left, out)
			}
		})
	}
}

// answers reports whether anything listens at the address of the URL host.
func answers(host string) bool {
	address, err := url.Parse(host)
	if err != nil {
		return false
	}
	connection, err := net.DialTimeout("tcp", address.Host, time.Second)
	if err != nil {
		return false
	}
	return connection.Close() == nil
}
