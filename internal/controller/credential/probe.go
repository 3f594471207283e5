package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// retryProbe is when a provider that gave no clear answer is asked again, if the
// interval of the spec is longer.
const retryProbe = time.Minute

// Account is what a probe needs to reach a provider.
type Account struct {
	Provider v1alpha1.Provider
	// BaseURL is what "/models" is appended to.
	BaseURL string
	// APIVersion is the api-version of Azure OpenAI's older API; empty: none.
	APIVersion string
	// Key is empty when the provider asks for none.
	Key     string
	Headers map[string]v1alpha1.HeaderValue
}

// RejectedError says that the provider did not accept the key.
type RejectedError struct {
	// Status is the HTTP status, 401 or 403.
	Status int
}

// Error names the status.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("the provider answered %d to the key", e.Status)
}

// Prober asks a provider.
type Prober interface {
	// ListModels counts the models that the account may use. The error is a
	// [*RejectedError] when the key is not accepted. Its text is the same each
	// time that the fault is.
	ListModels(ctx context.Context, account Account) (int, error)
}

// outcome is what a probe found, as the condition Authenticated says it.
type outcome struct {
	status          metav1.ConditionStatus
	reason, message string
	models          *int32
}

// probeLog remembers the last probe of each credential, so that one that is
// reconciled for another reason is not asked again.
type probeLog struct {
	mu   sync.Mutex
	last map[types.NamespacedName]probeRecord
}

type probeRecord struct {
	at time.Time
	// of is what was probed: a new key or a new spec is probed at once.
	of      string
	outcome outcome
	next    time.Duration
}

func (l *probeLog) get(name types.NamespacedName) (probeRecord, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	record, ok := l.last[name]
	return record, ok
}

func (l *probeLog) put(name types.NamespacedName, record probeRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[types.NamespacedName]probeRecord{}
	}
	l.last[name] = record
}

func (l *probeLog) forget(name types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.last, name)
}

// probe puts the outcome of the last probe into the facts, after making one if
// that is due.
func (r *Reconciler) probe(ctx context.Context, f *facts) error {
	name := types.NamespacedName{Namespace: f.credential.Namespace, Name: f.credential.Name}
	of := subject(f)
	record, ok := r.probes.get(name)
	if !ok || record.of != of || f.now.Sub(record.at) >= record.next {
		result, err := r.ask(ctx, f)
		if err != nil {
			return err
		}
		record = probeRecord{at: f.now, of: of, outcome: result, next: interval(f.credential)}
		if result.reason == v1alpha1.ReasonProbeFailed {
			record.next = min(record.next, retryProbe)
		}
		r.probes.put(name, record)
	}
	f.probe = &record.outcome
	f.recheck = max(record.next-f.now.Sub(record.at), time.Second)
	return nil
}

func interval(credential *v1alpha1.ProviderCredential) time.Duration {
	if d := credential.Spec.Probe.Interval; d != nil && d.Duration > 0 {
		return d.Duration
	}
	return v1alpha1.DefaultProbeInterval
}

func subject(f *facts) string {
	parts := []string{string(f.credential.UID), fmt.Sprint(f.credential.Generation)}
	for i := range f.keys {
		parts = append(parts, f.keys[i].contents.Version)
	}
	return strings.Join(parts, " ")
}

// ask tries the key and, when that is rejected, the one that is to take over, as
// routers do.
func (r *Reconciler) ask(ctx context.Context, f *facts) (outcome, error) {
	models, err := r.list(ctx, f, 0)
	var rejected *RejectedError
	switch {
	case err == nil:
		return outcome{metav1.ConditionTrue, v1alpha1.ReasonAuthenticated, "the provider accepts the key", &models}, nil
	case !errors.As(err, &rejected):
		return failed(err), ctx.Err()
	}
	if len(f.keys) > 1 && f.keys[1].usable() {
		if models, err := r.list(ctx, f, 1); err == nil {
			return outcome{
				metav1.ConditionTrue, v1alpha1.ReasonNextKeyInUse,
				"the provider rejects the key of spec.secretRef and accepts that of spec.nextSecretRef: move the new key to spec.secretRef", &models,
			}, nil
		}
	}
	return outcome{
		metav1.ConditionFalse, v1alpha1.ReasonKeyRejected,
		rejected.Error() + ": put a valid key into the Secret", nil,
	}, ctx.Err()
}

func failed(err error) outcome {
	return outcome{metav1.ConditionUnknown, v1alpha1.ReasonProbeFailed, fmt.Sprintf("the provider could not be asked: %v", err), nil}
}

func (r *Reconciler) list(ctx context.Context, f *facts, key int) (int32, error) {
	account := Account{Provider: f.credential.Spec.Provider, BaseURL: f.endpoint, APIVersion: f.credential.Spec.APIVersion, Headers: f.credential.Spec.Headers}
	if key < len(f.keys) {
		ref := f.keys[key].ref
		value, err := r.Secrets.Value(ctx, types.NamespacedName{Namespace: f.credential.Namespace, Name: ref.Name}, ref.Key)
		if err != nil {
			return 0, errors.New("its key could not be read")
		}
		account.Key = value
	}
	models, err := r.Prober.ListModels(ctx, account)
	return int32(min(models, 1<<20)), err
}
