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
	gvk, err := c.GroupVersionKindFor(object)
	if err != nil {
		return err
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(status)
	if err != nil {
		return fmt.Errorf("convert %T: %w", status, err)
	}
	document, err := json.Marshal(map[string]any{
		"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind,
		// The UID keeps it from another object that has taken the name in the meantime.
		"metadata": map[string]any{"namespace": object.GetNamespace(), "name": object.GetName(), "uid": object.GetUID()},
		"status":   fields,
	})
	if err != nil {
		return err
	}
	answer := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}}
	answer.SetGroupVersionKind(gvk)
	err = c.Status().Patch(ctx, answer, client.RawPatch(types.ApplyPatchType, document), FieldOwner, client.ForceOwnership)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status of %s %s: %w", gvk.Kind, client.ObjectKeyFromObject(object), err)
	}
	return nil
}
