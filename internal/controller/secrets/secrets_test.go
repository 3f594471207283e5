package secrets_test

import (
	"context"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/tiershift/tiershift/internal/controller/secrets"
)

var name = types.NamespacedName{Namespace: "default", Name: "openai-key"}

// counting counts the reads of whole Secrets.
type counting struct {
	client.Client
	reads int
}

func (c *counting) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if _, whole := object.(*corev1.Secret); whole {
		c.reads++
	}
	return c.Client.Get(ctx, key, object, options...)
}

func TestASecretIsReadOncePerVersion(t *testing.T) {
	c := &counting{Client: fake.NewClientBuilder().WithScheme(clientgoscheme.Scheme).Build()}
	reader := secrets.NewReader(c, c)
	if got, err := reader.Contents(t.Context(), name); err != nil || got.Exists || c.reads != 0 {
		t.Fatalf("a missing Secret: %+v, %v, %d reads", got, err, c.reads)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Data:       map[string][]byte{"b": []byte("key"), "a": []byte("key"), "blank": []byte(" \n"), "empty": nil},
	}
	if err := c.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got, err := reader.Contents(t.Context(), name)
		if err != nil || !got.Exists || !slices.Equal(got.Keys, []string{"a", "b"}) || !slices.Equal(got.Empty, []string{"blank", "empty"}) {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	if c.reads != 1 {
		t.Errorf("%d reads of one version", c.reads)
	}
	secret.Data["c"] = []byte("key")
	if err := c.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if got, err := reader.Contents(t.Context(), name); err != nil || !slices.Contains(got.Keys, "c") || c.reads != 2 {
		t.Errorf("got %+v, %v, %d reads", got, err, c.reads)
	}
	if err := c.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if got, err := reader.Contents(t.Context(), name); err != nil || got.Exists {
		t.Errorf("after it is gone: %+v, %v", got, err)
	}
}

func TestValueIsTrimmedAndMissingIsEmpty(t *testing.T) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}, Data: map[string][]byte{"key": []byte(" sk-1\n")},
	}
	c := fake.NewClientBuilder().WithScheme(clientgoscheme.Scheme).WithObjects(secret).Build()
	reader := secrets.NewReader(c, c)
	for _, test := range []struct{ secret, key, want string }{{name.Name, "key", "sk-1"}, {name.Name, "other", ""}, {"other", "key", ""}} {
		got, err := reader.Value(t.Context(), types.NamespacedName{Namespace: name.Namespace, Name: test.secret}, test.key)
		if err != nil || got != test.want {
			t.Errorf("%s/%s: got %q, %v", test.secret, test.key, got, err)
		}
	}
}
