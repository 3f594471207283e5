package credential

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/secrets"
)

// provider answers probes by key and counts them.
type provider struct {
	answers map[string]error
	asked   int
}

func (p *provider) ListModels(_ context.Context, account Account) (int, error) {
	p.asked++
	return 5, p.answers[account.Key]
}

func setUp(t *testing.T, p *provider, at *time.Time) (*Reconciler, *v1alpha1.ProviderCredential) {
	t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "keys"},
		Data:       map[string][]byte{"current": []byte("old"), "next": []byte("new")},
	}
	c := fake.NewClientBuilder().WithScheme(clientgoscheme.Scheme).WithObjects(secret).Build()
	credential := &v1alpha1.ProviderCredential{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "openai", Generation: 1}}
	credential.Spec.Provider = v1alpha1.ProviderOpenAI
	credential.Spec.SecretRef = &v1alpha1.SecretKeyReference{Name: "keys", Key: "current"}
	credential.Spec.NextSecretRef = &v1alpha1.SecretKeyReference{Name: "keys", Key: "next"}
	credential.Spec.Probe = &v1alpha1.CredentialProbe{Mode: v1alpha1.ProbeListModels}
	return &Reconciler{Secrets: secrets.NewReader(c, c), Prober: p, Now: func() time.Time { return *at }}, credential
}

func TestProbeFindsWhetherTheKeyIsAccepted(t *testing.T) {
	rejected := &RejectedError{Status: 401}
	for _, test := range []struct {
		name    string
		answers map[string]error
		want    string
		ready   metav1.ConditionStatus
	}{
		{"accepted", nil, "True Authenticated", metav1.ConditionTrue},
		{"rejected", map[string]error{"old": rejected, "new": rejected}, "False KeyRejected", metav1.ConditionFalse},
		{"the next key takes over", map[string]error{"old": rejected}, "True NextKeyInUse", metav1.ConditionTrue},
		{"no clear answer says nothing about the key", map[string]error{"old": errors.New("it could not be reached")}, "Unknown ProbeFailed", metav1.ConditionTrue},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			r, credential := setUp(t, &provider{answers: test.answers}, &at)
			f, err := r.gather(t.Context(), credential)
			if err != nil {
				t.Fatal(err)
			}
			status, _ := decide(f)
			for _, c := range status.Conditions {
				if c.Type == v1alpha1.ConditionAuthenticated && string(c.Status)+" "+c.Reason != test.want {
					t.Errorf("got %s %s: %s", c.Status, c.Reason, c.Message)
				}
				if c.Type == v1alpha1.ConditionReady && c.Status != test.ready {
					t.Errorf("Ready is %s: %s", c.Status, c.Message)
				}
			}
			if status.Endpoint != "https://api.openai.com/v1" {
				t.Errorf("the endpoint is %s", status.Endpoint)
			}
		})
	}
}

func TestProbeIsMadeOncePerIntervalAndForEveryChange(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := &provider{}
	r, credential := setUp(t, p, &at)
	look := func(want int, recheck time.Duration) {
		t.Helper()
		f, err := r.gather(t.Context(), credential)
		if err != nil || p.asked != want || f.recheck != recheck {
			t.Fatalf("asked %d times, next in %s, %v", p.asked, f.recheck, err)
		}
	}
	look(1, v1alpha1.DefaultProbeInterval)
	at = at.Add(time.Minute)
	look(1, v1alpha1.DefaultProbeInterval-time.Minute)
	at = at.Add(v1alpha1.DefaultProbeInterval)
	look(2, v1alpha1.DefaultProbeInterval)
	credential.Generation++
	look(3, v1alpha1.DefaultProbeInterval)
	p.answers = map[string]error{"old": errors.New("it could not be reached")}
	credential.Generation++
	look(4, retryProbe)
	credential.Spec.Probe.Mode = v1alpha1.ProbeDisabled
	look(4, 0)
}

func TestNoKeyIsNotProbed(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := &provider{}
	r, credential := setUp(t, p, &at)
	credential.Spec.SecretRef.Key = "missing"
	f, err := r.gather(t.Context(), credential)
	if err != nil || p.asked != 0 {
		t.Fatalf("asked %d times, %v", p.asked, err)
	}
	status, changed := decide(f)
	if len(changed) != 1 || status.AvailableModels != nil {
		t.Errorf("got %+v", status)
	}
}
