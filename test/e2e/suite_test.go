// Package e2e tells the operator's stories on a real cluster: installed by the
// chart, with real pods, Services and kubelets, simulated providers inside the
// cluster, and an application that calls the gateway through its Service. `make
// e2e` runs it against the cluster of KUBECONFIG; docs/e2e.md says what it needs.
//
// It must never reach past what a user can: kubectl, helm, objects and their
// conditions, and what routers answer.
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/controller"
)

const (
	// release is of Helm, and the prefix of the operator's objects.
	release         = "tiershift"
	systemNamespace = "tiershift-system"
	operatorName    = "tiershift-operator"
	patience        = 2 * time.Minute
	// prompt is how soon a change must be everywhere.
	promptly = 5 * time.Second
)

// settings come from the environment, as the Makefile's other settings do.
var settings = struct {
	// enabled keeps `go test ./...` away from whatever cluster KUBECONFIG names.
	enabled bool
	// loadImage is the command that brings an image to the nodes, with {image} and
	// {binary} for what it is of. Empty: the images are there, as images say.
	loadImage string
	// imagePrefix and imageTag name images that are there already.
	imagePrefix, imageTag string
	// keep leaves everything in the cluster in the end.
	keep bool
}{
	enabled: os.Getenv("TIERSHIFT_E2E") != "", loadImage: os.Getenv("E2E_LOAD_IMAGE"),
	imagePrefix: os.Getenv("E2E_IMAGE_PREFIX"), imageTag: os.Getenv("E2E_IMAGE_TAG"), keep: os.Getenv("E2E_KEEP") != "",
}

var (
	api    client.Client
	direct kubernetes.Interface
	images map[string]image
)

func TestE2E(t *testing.T) {
	if !settings.enabled {
		t.Skip("needs a cluster: make e2e")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "Tiershift on a cluster")
}

var _ = BeforeSuite(func(ctx context.Context) {
	SetDefaultEventuallyTimeout(patience)
	SetDefaultEventuallyPollingInterval(250 * time.Millisecond)
	EnforceDefaultTimeoutsWhenUsingContexts()
	connect()
	images = imagesOf(ctx)
	install(ctx)
})

func connect() {
	GinkgoHelper()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	Expect(err).NotTo(HaveOccurred(), "KUBECONFIG must name a cluster that may be used for this")
	config.QPS = -1
	api, err = client.New(config, client.Options{Scheme: controller.NewScheme()})
	Expect(err).NotTo(HaveOccurred())
	direct, err = kubernetes.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
}

// install installs the chart as docs/install.md does, for images that are on the
// nodes already.
func install(ctx context.Context) {
	GinkgoHelper()
	helm(ctx, "upgrade", "--install", release, "../../charts/tiershift", "--namespace", systemNamespace, "--create-namespace",
		"--set", "image.repository="+images["operator"].repository+",image.tag="+images["operator"].tag+",image.pullPolicy=IfNotPresent",
		"--set", "router.image.repository="+images["router"].repository+",router.image.tag="+images["router"].tag+",router.image.pullPolicy=IfNotPresent",
		"--wait", "--timeout", patience.String())
	if !settings.keep {
		DeferCleanup(func(ctx context.Context) {
			helm(ctx, "uninstall", release, "--namespace", systemNamespace, "--wait")
			kubectl(ctx, "delete", "crd", "modeltiers.tiershift.dev", "providercredentials.tiershift.dev", "routingpolicies.tiershift.dev")
			kubectl(ctx, "delete", "namespace", systemNamespace, "--wait=false")
		})
	}
}

// newNamespace is one that no other story uses.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "tiershift-e2e-",
		// What the operator makes must pass where only restricted pods may run.
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	Expect(api.Create(ctx, namespace)).To(Succeed())
	if !settings.keep {
		DeferCleanup(func(ctx context.Context) { kubectl(ctx, "delete", "namespace", namespace.Name, "--wait=false") })
	}
	return namespace.Name
}

// inPod sends a request to a pod by way of the API server, so that the tests need
// no route to the pod network, and returns what came back.
func inPod(ctx context.Context, namespace, pod string, port int, verb, path string, params map[string]string, body any) ([]byte, error) {
	request := direct.CoreV1().RESTClient().Verb(verb).Namespace(namespace).Resource("pods").
		Name(fmt.Sprintf("%s:%d", pod, port)).SubResource("proxy").Suffix(path)
	for name, value := range params {
		request.Param(name, value)
	}
	if body != nil {
		document, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		request.SetHeader("Content-Type", "application/json").Body(document)
	}
	return request.Do(ctx).Raw()
}
