package apply

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Status applies the status to the object. Fields that the operator applied
// before and that status leaves out are removed; those of other owners stay. The
// caller compares first. An object that is gone is no error.
func Status(ctx context.Context, c client.Client, object client.Object, status any) error {
	return applyStatus(ctx, c, object, status, FieldOwner, "")
}

// SplitOwner is whom the API server records for the splits in a policy's status.
// Who applies them owns nothing else, so that neither writer undoes the other's.
const SplitOwner = client.FieldOwner("tiershift-operator-shift")

// StatusAsRead is Status for an owner of its own, onto the object just as it was
// read: if anything of it changed since, the error is a conflict and nothing is
// written.
func StatusAsRead(ctx context.Context, c client.Client, object client.Object, status any, owner client.FieldOwner) error {
	return applyStatus(ctx, c, object, status, owner, object.GetResourceVersion())
}

func applyStatus(ctx context.Context, c client.Client, object client.Object, status any, owner client.FieldOwner, version string) error {
	gvk, err := c.GroupVersionKindFor(object)
	if err != nil {
		return err
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(status)
	if err != nil {
		return fmt.Errorf("convert %T: %w", status, err)
	}
	// The UID keeps it from another object that has taken the name in the meantime.
	metadata := map[string]any{"namespace": object.GetNamespace(), "name": object.GetName(), "uid": object.GetUID()}
	if version != "" {
		metadata["resourceVersion"] = version
	}
	document, err := json.Marshal(map[string]any{
		"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind, "metadata": metadata, "status": fields,
	})
	if err != nil {
		return err
	}
	answer := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}}
	answer.SetGroupVersionKind(gvk)
	err = c.Status().Patch(ctx, answer, client.RawPatch(types.ApplyPatchType, document), owner, client.ForceOwnership)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status of %s %s: %w", gvk.Kind, client.ObjectKeyFromObject(object), err)
	}
	return nil
}
