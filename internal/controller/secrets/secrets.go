// Package secrets tells which keys of a Secret can be used.
//
// The operator watches the metadata of Secrets only, so no value is ever in its
// cache. It reads a Secret as a whole once per version, and only one that a
// resource names, to see which keys are not empty. It must never keep a value,
// log one, or put one into an error.
package secrets

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Contents is what may be known of a Secret.
type Contents struct {
	Exists bool
	// Version changes with every write to the Secret.
	Version string
	// Keys have a value, Empty have none but white space. Both are sorted.
	Keys, Empty []string
}

// Reader reads Secrets. It is safe for concurrent use.
type Reader struct {
	// metadata is a cache, live the API server.
	metadata, live client.Reader

	mu    sync.Mutex
	known map[types.NamespacedName]Contents
}

// NewReader returns a reader that sees from metadata, a cache, whether it has to
// ask live, the API server.
func NewReader(metadata, live client.Reader) *Reader {
	return &Reader{metadata: metadata, live: live, known: map[types.NamespacedName]Contents{}}
}

// Metadata is the object by which a Secret's metadata is watched and read.
func Metadata() *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return object
}

// Contents tells what the Secret holds. One that does not exist is no error.
func (r *Reader) Contents(ctx context.Context, name types.NamespacedName) (Contents, error) {
	object := Metadata()
	err := r.metadata.Get(ctx, name, object)
	if apierrors.IsNotFound(err) {
		return r.remember(name, Contents{}), nil
	}
	if err != nil {
		return Contents{}, fmt.Errorf("read the metadata of Secret %s: %w", name, err)
	}
	r.mu.Lock()
	known := r.known[name]
	r.mu.Unlock()
	if known.Exists && known.Version == object.ResourceVersion {
		return known, nil
	}
	var secret corev1.Secret
	err = r.live.Get(ctx, name, &secret)
	if apierrors.IsNotFound(err) {
		return r.remember(name, Contents{}), nil
	}
	if err != nil {
		return Contents{}, fmt.Errorf("read Secret %s: %w", name, err)
	}
	return r.remember(name, inspect(&secret)), nil
}

// Presence tells whether the Secret exists, and its version, by its metadata
// alone: Keys and Empty are not known.
func (r *Reader) Presence(ctx context.Context, name types.NamespacedName) (Contents, error) {
	object := Metadata()
	err := r.metadata.Get(ctx, name, object)
	if apierrors.IsNotFound(err) {
		return Contents{}, nil
	}
	if err != nil {
		return Contents{}, fmt.Errorf("read the metadata of Secret %s: %w", name, err)
	}
	return Contents{Exists: true, Version: object.ResourceVersion}, nil
}

// Value returns the trimmed value of a key, or "" when there is none. The caller
// uses it at once and keeps no copy.
func (r *Reader) Value(ctx context.Context, name types.NamespacedName, key string) (string, error) {
	var secret corev1.Secret
	err := r.live.Get(ctx, name, &secret)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("read Secret %s: %w", name, err)
	}
	return string(bytes.TrimSpace(secret.Data[key])), nil
}

func (r *Reader) remember(name types.NamespacedName, contents Contents) Contents {
	r.mu.Lock()
	defer r.mu.Unlock()
	if contents.Exists {
		r.known[name] = contents
	} else {
		delete(r.known, name)
	}
	return contents
}

func inspect(secret *corev1.Secret) Contents {
	contents := Contents{Exists: true, Version: secret.ResourceVersion}
	for key, value := range secret.Data {
		if len(bytes.TrimSpace(value)) == 0 {
			contents.Empty = append(contents.Empty, key)
		} else {
			contents.Keys = append(contents.Keys, key)
		}
	}
	slices.Sort(contents.Keys)
	slices.Sort(contents.Empty)
	return contents
}
