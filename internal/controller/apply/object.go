package apply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// FieldOwner is whom the API server records for everything that the operator
// applies. It never changes: fields of another owner would stay for good.
const FieldOwner = client.FieldOwner("tiershift-operator")

// appliedAnnotation holds a hash of what was applied last. It shows that a field
// is to be removed, which the object as it stands does not.
const appliedAnnotation = "tiershift.dev/applied-hash"

// Applier applies the objects of an owner. It is safe for concurrent use.
type Applier struct {
	// Client reads from the cache.
	Client client.Client
	// Live reads from the API server. It is asked when the cache, which holds
	// only the operator's own objects, has none of a name that is taken.
	Live client.Reader

	settled settled
}

// Item is an object as it is to be.
type Item struct {
	Object client.Object
	// Keep, if set, copies into desired what someone else may change in live but
	// must not lose when this object is applied. live is nil when there is none.
	Keep func(live, desired client.Object)
}

// ForeignError says that an object's name is taken.
type ForeignError struct {
	Kind, Namespace, Name string
	// Leftover is true when the object belongs to an owner of the same name that
	// was deleted: it goes away by itself.
	Leftover bool
}

// Error says what to do about it.
func (e *ForeignError) Error() string {
	if e.Leftover {
		return fmt.Sprintf("%s %s/%s of the deleted policy of this name is still being removed", e.Kind, e.Namespace, e.Name)
	}
	return fmt.Sprintf("%s %s/%s exists and was not made for this policy: delete or rename it, or rename the policy", e.Kind, e.Namespace, e.Name)
}

// Apply makes the object what it is to be, controlled by the owner, and reports
// whether that took a write. It returns a [*ForeignError] rather than touch what
// someone else made.
//
// What the cache does not have is most likely new. It is applied on the condition
// that there is none of the name, so that only a name that is taken costs a read.
func (a *Applier) Apply(ctx context.Context, owner client.Object, item Item) (written bool, err error) {
	live, err := a.read(ctx, a.Client, owner, item.Object)
	if err != nil {
		return false, err
	}
	if live == nil && !a.settled.isTaken(owner, item.Object) {
		written, err = a.bring(ctx, owner, item, nil)
		if !apierrors.IsConflict(err) {
			return written, err
		}
	}
	if live == nil {
		live, err = a.read(ctx, a.Live, owner, item.Object)
		_, foreign := errors.AsType[*ForeignError](err)
		a.settled.take(owner, item.Object, foreign)
		if err != nil {
			return false, err
		}
	}
	return a.bring(ctx, owner, item, live)
}

// bring makes live, which is nil when the cache has none, what the item is to be.
func (a *Applier) bring(ctx context.Context, owner client.Object, item Item, live client.Object) (written bool, err error) {
	gvk := item.Object.GetObjectKind().GroupVersionKind()
	desired, ok := item.Object.DeepCopyObject().(client.Object)
	if !ok {
		return false, fmt.Errorf("%s cannot be copied", gvk.Kind)
	}
	if item.Keep != nil {
		item.Keep(live, desired)
	}
	looked := look(owner, live, desired)
	if a.settled.has(owner, looked) {
		return false, nil
	}
	hash, err := hashOf(item.Object)
	if err != nil {
		return false, err
	}
	fields, err := appliedFields(desired)
	if err != nil {
		return false, err
	}
	mark(fields, a.Client.Scheme(), owner, hash)
	if live != nil {
		have, err := toFields(live)
		if err != nil {
			return false, err
		}
		if covers(have, fields) {
			a.settled.put(owner, looked)
			return false, nil
		}
	}
	if err := a.write(ctx, fields, live == nil); err != nil {
		return false, err
	}
	return true, nil
}

// noVersion is a version that no object has: the store counts from one, before it
// holds anything. An object that exists has another, which is a conflict; one that
// does not is created whatever version is asked for.
const noVersion = "1"

// write applies the fields; if they are new, only where there is no such object.
// Of what the object is then, the API server returns just the metadata, which saves
// both sides the encoding of the rest.
func (a *Applier) write(ctx context.Context, fields map[string]any, isNew bool) error {
	object := unstructured.Unstructured{Object: fields}
	if isNew {
		object.SetResourceVersion(noVersion)
	}
	document, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	answer := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}}
	answer.SetGroupVersionKind(object.GroupVersionKind())
	err = a.Client.Patch(ctx, answer, client.RawPatch(types.ApplyPatchType, document), FieldOwner, client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("apply %s %s/%s: %w", object.GetKind(), object.GetNamespace(), object.GetName(), err)
	}
	return nil
}

// Absent deletes the object of that kind and name if it is controlled by the
// owner, and reports whether there was one. Only the cache is asked: what is not
// in it is not the operator's.
func (a *Applier) Absent(ctx context.Context, owner, object client.Object) (deleted bool, err error) {
	err = a.Client.Get(ctx, client.ObjectKeyFromObject(object), object)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !metav1.IsControlledBy(object, owner) || !object.GetDeletionTimestamp().IsZero() {
		return false, nil
	}
	uid := object.GetUID()
	err = a.Client.Delete(ctx, object, client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	return err == nil, client.IgnoreNotFound(err)
}

// read returns the object as it stands, or nil when the reader has none.
func (a *Applier) read(ctx context.Context, from client.Reader, owner, desired client.Object) (client.Object, error) {
	gvk := desired.GetObjectKind().GroupVersionKind()
	created, err := a.Client.Scheme().New(gvk)
	if err != nil {
		return nil, err
	}
	live, ok := created.(client.Object)
	if !ok {
		return nil, fmt.Errorf("%s is no object", gvk)
	}
	key := client.ObjectKeyFromObject(desired)
	err = from.Get(ctx, key, live)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", gvk.Kind, key, err)
	}
	live.GetObjectKind().SetGroupVersionKind(gvk)
	return live, checkOwner(gvk.Kind, owner, live, desired)
}

// checkOwner lets pass what the owner controls, and what bears the operator's
// labels while no one controls it: someone removed its owner reference.
func checkOwner(kind string, owner, live, desired client.Object) error {
	controller := metav1.GetControllerOfNoCopy(live)
	switch {
	case controller != nil && controller.UID == owner.GetUID():
		return nil
	case controller == nil && len(desired.GetLabels()) > 0 && includes(live.GetLabels(), desired.GetLabels()):
		return nil
	}
	return &ForeignError{
		Kind: kind, Namespace: live.GetNamespace(), Name: live.GetName(),
		Leftover: controller != nil && controller.Name == owner.GetName() && controller.Kind == owner.GetObjectKind().GroupVersionKind().Kind,
	}
}

func includes(have, want map[string]string) bool {
	for name, value := range want {
		if have[name] != value {
			return false
		}
	}
	return true
}

// mark adds the hash and the owner.
func mark(fields map[string]any, scheme *runtime.Scheme, owner client.Object, hash string) {
	object := unstructured.Unstructured{Object: fields}
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[appliedAnnotation] = hash
	object.SetAnnotations(annotations)
	gvk := owner.GetObjectKind().GroupVersionKind()
	if kinds, _, err := scheme.ObjectKinds(owner); err == nil && len(kinds) > 0 {
		gvk = kinds[0] // a typed object from the cache need not say its kind
	}
	object.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(owner, gvk)})
}

func hashOf(object client.Object) (string, error) {
	fields, err := appliedFields(object)
	if err != nil {
		return "", err
	}
	document, err := json.Marshal(fields) // sorts keys
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:8]), nil
}
