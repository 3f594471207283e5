package chart

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/testenv"
)

// patience is how long the operator may take for a step on a busy machine.
const patience = time.Minute

// process is the operator's binary, run as the Deployment of an installation runs
// it: with its flags, and as its ServiceAccount.
type process struct {
	apiServer *recorder
	metrics   string
	log       *logBuffer
	ended     chan error
}

// logBuffer is written by the process while tests read it.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var buildOperator = sync.OnceValues(func() (string, error) {
	directory, err := os.MkdirTemp("", "tiershift-operator-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(directory, "operator")
	out, err := exec.Command("go", "build", "-o", binary, "../../cmd/operator").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return binary, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binary, err := buildOperator(); err == nil {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// install creates the objects of the installation, but for what no kube-apiserver
// knows, and removes them after the test.
func install(t *testing.T, env *testenv.Env, objects []*unstructured.Unstructured) {
	t.Helper()
	newNamespaces(t, env)
	for _, object := range objects {
		if object.GroupVersionKind().Group == monitoringGroup || object.GetKind() == "Namespace" {
			continue
		}
		object := object.DeepCopy()
		if err := env.Client.Create(t.Context(), object); err != nil {
			t.Fatalf("%s: %v", key(object), err)
		}
		t.Cleanup(func() {
			if err := env.Client.Delete(context.Background(), object); err != nil {
				t.Errorf("%s: %v", key(object), err)
			}
		})
	}
}

// start runs the operator of the installation until the test ends.
func start(t *testing.T, env *testenv.Env, objects []*unstructured.Unstructured) *process {
	t.Helper()
	binary, err := buildOperator()
	if err != nil {
		t.Fatal(err)
	}
	deployment := one[appsv1.Deployment](t, objects, "Deployment")
	p := &process{apiServer: record(t, env), metrics: freeAddress(t), log: &logBuffer{}, ended: make(chan error, 1)}
	token := tokenOf(t, env, deployment.Namespace, deployment.Spec.Template.Spec.ServiceAccountName)
	// Ports are those of a machine that does more than this, and there is no pod to
	// tell the namespace.
	args := append(argsOf(&deployment.Spec.Template.Spec.Containers[0]),
		"-metrics-listen="+p.metrics, "-probe-listen="+freeAddress(t), "-leader-election-namespace="+deployment.Namespace)
	command := exec.Command(binary, args...)
	// An API server that cannot stream lists is asked for them in the old way, which
	// takes one right more.
	command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig(t, p.apiServer, token), "KUBE_FEATURE_WatchListClient=false")
	command.Stdout, command.Stderr = p.log, p.log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- command.Wait() }()
	t.Cleanup(func() {
		defer deleteLease(t, env, deployment.Namespace)
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-p.ended:
			if err != nil {
				t.Errorf("the operator ended with %v", err)
			}
		case <-time.After(patience):
			_ = command.Process.Kill()
			t.Error("the operator does not end")
		}
		if t.Failed() {
			t.Logf("args %q\n%s", args, p.log)
		}
	})
	return p
}

// deleteLease leaves none for the next operator of the namespace, which has to be
// able to create its own.
func deleteLease(t *testing.T, env *testenv.Env, namespace string) {
	t.Helper()
	if err := env.Client.DeleteAllOf(context.Background(), &coordinationv1.Lease{}, client.InNamespace(namespace)); err != nil {
		t.Error(err)
	}
}

// argsOf expands $(NAME) as a kubelet does.
func argsOf(c *corev1.Container) []string {
	args := slices.Clone(c.Args)
	for i := range args {
		for _, env := range c.Env {
			args[i] = strings.ReplaceAll(args[i], "$("+env.Name+")", env.Value)
		}
	}
	return args
}

func tokenOf(t *testing.T, env *testenv.Env, namespace, account string) string {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	holder := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: account}}
	if err := env.Client.SubResource("token").Create(t.Context(), holder, request); err != nil {
		t.Fatalf("a token of %s/%s: %v", namespace, account, err)
	}
	return request.Status.Token
}

func kubeconfig(t *testing.T, server *recorder, token string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: server.url, CertificateAuthorityData: server.certificate}
	config.AuthInfos["operator"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "operator"}
	config.CurrentContext = "test"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
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

// eventually repeats the check until it passes.
func (p *process) eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		select {
		case err := <-p.ended:
			p.ended <- err
			t.Fatalf("%s: the operator ended: %v", what, err)
		default:
		}
		if err = check(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

// scrape gets /metrics with the token, if there is one.
func (p *process) scrape(t *testing.T, token string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+p.metrics+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	// The certificate is of the operator's own making.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// notSeen are the rights that the stories need not show in use, with the reason.
var notSeen = map[string]string{
	"update tiershift.dev/routingpolicies/finalizers": "asked by an admission plugin, OwnerReferencesPermissionEnforcement, that some distributions turn on",
	"patch core/events":          "sent when the same event comes again within minutes",
	"patch events.k8s.io/events": "sent when the same event comes again within minutes",
}

// TestTheOperatorGetsByWithItsRights runs the binary with the token of the
// ServiceAccount, which can do what the rendered roles say: it must do its work,
// be refused nothing, and need each of its rights.
func TestTheOperatorGetsByWithItsRights(t *testing.T) {
	env := testenv.Start(t)
	for name, namespace := range map[string]string{"defaults": env.Namespace(t), "namespaces": "team-a"} {
		t.Run(name, func(t *testing.T) {
			objects := manifests(t, filepath.Join(golden, name+".yaml"))
			install(t, env, objects)
			p := start(t, env, objects)
			tell(t, env, p, namespace)
			scrapes(t, env, p)
			if got := p.apiServer.refused(); len(got) > 0 {
				t.Errorf("the API server refused %q", got)
			}
			used := p.apiServer.used()
			for scope, rights := range granted(t, objects, "tiershift-operator") {
				for _, right := range rights {
					if !slices.Contains(used, right) && notSeen[right] == "" {
						t.Errorf("%q in %s is granted and not used", right, scope)
					}
				}
			}
		})
	}
}

// tell takes a policy through everything that makes the operator create, change
// or delete something.
func tell(t *testing.T, env *testenv.Env, p *process, namespace string) {
	t.Helper()
	for _, object := range manifests(t, "../../config/samples/quickstart/quickstart.yaml") {
		object.SetNamespace(namespace)
		// A key that is no key is not shown to a provider.
		unstructured.RemoveNestedField(object.Object, "spec", "probe")
		if err := env.Client.Create(t.Context(), object); err != nil {
			t.Fatalf("%s: %v", key(object), err)
		}
		t.Cleanup(func() { _ = env.Client.Delete(context.Background(), object) })
	}
	there := func(kind, version string, want int) func() error {
		return func() error {
			list := &unstructured.UnstructuredList{}
			list.SetAPIVersion(version)
			list.SetKind(kind + "List")
			err := env.Client.List(t.Context(), list, client.InNamespace(namespace), client.MatchingLabels{"app.kubernetes.io/managed-by": "tiershift"})
			if err == nil && len(list.Items) != want {
				err = fmt.Errorf("there are %d, not %d", len(list.Items), want)
			}
			return err
		}
	}
	await := func(kind, version string, want int) {
		t.Helper()
		p.eventually(t, kind, there(kind, version, want))
	}
	patch := func(kind, name, document string) {
		t.Helper()
		object := &unstructured.Unstructured{}
		object.SetAPIVersion("tiershift.dev/v1alpha1")
		object.SetKind(kind)
		object.SetNamespace(namespace)
		object.SetName(name)
		if err := env.Client.Patch(t.Context(), object, client.RawPatch("application/merge-patch+json", []byte(document))); err != nil {
			t.Fatal(err)
		}
	}
	// An object that lost its label is out of the operator's sight until it asks who
	// has taken the name.
	unlabel := func(kind, version string) {
		t.Helper()
		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion(version)
		list.SetKind(kind + "List")
		if err := env.Client.List(t.Context(), list, client.InNamespace(namespace), client.MatchingLabels{"app.kubernetes.io/managed-by": "tiershift"}); err != nil {
			t.Fatal(err)
		}
		for i := range list.Items {
			document := []byte(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`)
			if err := env.Client.Patch(t.Context(), &list.Items[i], client.RawPatch("application/merge-patch+json", document)); err != nil {
				t.Fatal(err)
			}
		}
		await(kind, version, len(list.Items))
	}
	always := map[string]string{
		"Deployment": "apps/v1", "ServiceAccount": "v1", "Service": "v1", "PodDisruptionBudget": "policy/v1", "NetworkPolicy": "networking.k8s.io/v1",
	}
	await("ConfigMap", "v1", 1)
	unlabel("ConfigMap", "v1")
	for kind, version := range always {
		await(kind, version, 1)
		unlabel(kind, version)
	}
	pod := createPod(t, env, namespace)
	p.eventually(t, "the pod is asked to mount the config", func() error {
		if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		if pod.Annotations["tiershift.dev/config-digest"] == "" {
			return fmt.Errorf("its annotations are %v", pod.Annotations)
		}
		return nil
	})
	if err := env.Client.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	patch("RoutingPolicy", "support", `{"spec":{"gateway":{"replicas":null,"autoscaling":{"maxReplicas":3}}}}`)
	await("HorizontalPodAutoscaler", "autoscaling/v2", 1)
	unlabel("HorizontalPodAutoscaler", "autoscaling/v2")
	patch("RoutingPolicy", "support", `{"spec":{"gateway":{"replicas":0,"autoscaling":null}}}`)
	await("HorizontalPodAutoscaler", "autoscaling/v2", 0)
	for kind, version := range always {
		await(kind, version, 0)
	}
	// Another set of mounted keys is another ConfigMap; the one before goes.
	var before string
	p.eventually(t, "one ConfigMap", func() (err error) { before, err = configName(t, env, namespace); return err })
	next := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "openai-next"}, StringData: map[string]string{"api-key": "sk-next"}}
	if err := env.Client.Create(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Client.Delete(context.Background(), next) })
	patch("ProviderCredential", "openai", `{"spec":{"nextSecretRef":{"name":"openai-next","key":"api-key"}}}`)
	p.eventually(t, "another ConfigMap", func() error {
		name, err := configName(t, env, namespace)
		if err == nil && name == before {
			err = fmt.Errorf("it is still %s", name)
		}
		return err
	})
}

// configName is the name of the only ConfigMap that the operator made.
func configName(t *testing.T, env *testenv.Env, namespace string) (string, error) {
	var list corev1.ConfigMapList
	err := env.Client.List(t.Context(), &list, client.InNamespace(namespace), client.MatchingLabels{"app.kubernetes.io/managed-by": "tiershift"})
	if err != nil || len(list.Items) != 1 {
		return "", fmt.Errorf("there are %d ConfigMaps, %w", len(list.Items), err)
	}
	return list.Items[0].Name, nil
}

// createPod makes the pod that the controllers of Deployments and ReplicaSets
// would.
func createPod(t *testing.T, env *testenv.Env, namespace string) *corev1.Pod {
	t.Helper()
	var deployment appsv1.Deployment
	if err := env.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "support-gateway"}, &deployment); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: *deployment.Spec.Template.ObjectMeta.DeepCopy(), Spec: deployment.Spec.Template.Spec}
	pod.Namespace, pod.Name = namespace, "support-gateway-1-1"
	pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = "1"
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "support-gateway-1", UID: "1", Controller: new(true)}}
	if err := env.Client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	pod.Status.Phase, pod.Status.PodIP, pod.Status.PodIPs = corev1.PodRunning, "10.0.0.1", []corev1.PodIP{{IP: "10.0.0.1"}}
	if err := env.Client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

// scrapes asks for metrics as nobody, as somebody, and as whom the metrics-reader
// role is bound to, who finds there what the alerts ask for.
func scrapes(t *testing.T, env *testenv.Env, p *process) {
	t.Helper()
	tokens := map[string]string{}
	for _, name := range []string{"somebody", "prometheus"} {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: name}}
		if err := env.Client.Create(t.Context(), account); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = env.Client.Delete(context.Background(), account) })
		tokens[name] = tokenOf(t, env, "platform", name)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "prometheus-reads-metrics"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "tiershift-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "platform", Name: "prometheus"}},
	}
	if err := env.Client.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Client.Delete(context.Background(), binding) })
	if status, _ := p.scrape(t, ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	if status, _ := p.scrape(t, tokens["somebody"]); status != http.StatusForbidden {
		t.Errorf("as somebody: %d", status)
	}
	var body string
	p.eventually(t, "the reader's binding takes effect", func() error {
		status, text := p.scrape(t, tokens["prometheus"])
		if body = text; status != http.StatusOK {
			return fmt.Errorf("status %d", status)
		}
		return nil
	})
	for _, name := range metricsOfAlerts(t, "tiershift-operator") {
		if name != "up" && !regexp.MustCompile(`(?m)^`+name+`(\{|_bucket\{| )`).MatchString(body) {
			t.Errorf("an alert is about %s, which the operator does not have", name)
		}
	}
}
