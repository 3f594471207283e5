// Package classifiers tells whether the trained classifiers that policies name can
// be used.
//
// ConfigMaps of others are not in the operator's cache: the few that policies name
// are read from the API server, and as a whole only once per version. It must
// never keep a classifier, only what there is to know of it.
package classifiers

import (
	"context"
	"fmt"
	"maps"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/compile"
)

// Reader reads ConfigMaps. It is safe for concurrent use.
type Reader struct {
	live client.Reader

	mu    sync.Mutex
	known map[types.NamespacedName]contents
}

// contents is what is known of a version of a ConfigMap.
type contents struct {
	version string
	keys    map[string]compile.Classifier
}

// NewReader returns a reader of the API server.
func NewReader(live client.Reader) *Reader {
	return &Reader{live: live, known: map[types.NamespacedName]contents{}}
}

// Read tells what the ConfigMap has under the key. exists is whether the ConfigMap
// does; one without the key has no entry.
func (r *Reader) Read(ctx context.Context, name types.NamespacedName, key string) (keys map[string]compile.Classifier, exists bool, err error) {
	metadata := &metav1.PartialObjectMetadata{}
	metadata.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	err = r.live.Get(ctx, name, metadata)
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the metadata of ConfigMap %s: %w", name, err)
	}
	if keys, known := r.recall(name, metadata.ResourceVersion, key); known {
		return keys, true, nil
	}
	var configMap corev1.ConfigMap
	err = r.live.Get(ctx, name, &configMap)
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read ConfigMap %s: %w", name, err)
	}
	return r.remember(name, configMap.ResourceVersion, compile.ReadClassifier(&configMap, key)), true, nil
}

// recall is false for another version, or for a key that was not looked at.
func (r *Reader) recall(name types.NamespacedName, version, key string) (keys map[string]compile.Classifier, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.known[name]
	if _, looked := c.keys[key]; !looked || c.version != version {
		return nil, false
	}
	return maps.Clone(c.keys), true
}

func (r *Reader) remember(name types.NamespacedName, version string, keys map[string]compile.Classifier) map[string]compile.Classifier {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[name] = contents{version, maps.Clone(keys)}
	return keys
}
