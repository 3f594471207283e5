package routingpolicy

import (
	"context"
	"crypto/rand"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/tiershift/tiershift/internal/controller/secrets"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/workload"
)

// gatherRequestIDSecret sees whether the key of request ids exists. Only its
// metadata is looked at: routers read the key, the operator never does.
func (r *Reconciler) gatherRequestIDSecret(ctx context.Context, f *facts) error {
	name := types.NamespacedName{Namespace: f.policy.Namespace, Name: routerconfig.RequestIDSecret(f.policy.Name)}
	contents, err := r.Secrets.Presence(ctx, name)
	if err != nil {
		return err
	}
	if contents.Exists {
		f.secrets[name.Name] = contents
	}
	return nil
}

// createRequestIDKey makes the key by which the routers of the policy sign the
// ids of requests, once: ids that clients hold must be good for as long as the
// policy exists. One that is there, whoever made it, stays what it is.
//
// A key that was made is from then on among the facts, and in the plan.
func (r *Reconciler) createRequestIDKey(ctx context.Context, f *facts, p *plan) error {
	name := routerconfig.RequestIDSecret(f.policy.Name)
	if f.secrets[name].Exists || !workload.HasGateway(f.policy) {
		return nil
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.policy.Namespace, Name: name, Labels: workload.ObjectLabels(f.policy.Name)},
		Type:       corev1.SecretTypeOpaque,
		Data:       map[string][]byte{routerconfig.RequestIDKey: []byte(rand.Text() + rand.Text())}, // 260 random bits
	}
	if err := controllerutil.SetControllerReference(f.policy, secret, r.Client.Scheme()); err != nil {
		return err
	}
	err := r.Client.Create(ctx, secret)
	if apierrors.IsAlreadyExists(err) { // the cache has not seen it yet
		return nil
	}
	if err != nil {
		return fmt.Errorf("create Secret %s/%s: %w", f.policy.Namespace, name, err)
	}
	f.secrets[name] = secrets.Contents{Exists: true, Version: secret.ResourceVersion}
	p.secretsVersion = secretsVersion(f, workload.SecretKeys(p.compiled.Config, f.credentials))
	return nil
}
