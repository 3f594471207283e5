package embedded

import (
	"bytes"
	"io/fs"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/compile"
	"github.com/tiershift/tiershift/internal/manifest"
)

// Classifiers is the router's classifiers directory, held in memory: the file of
// the policy that was read last. It may be replaced while it is read.
type Classifiers struct {
	mu   sync.Mutex
	name string
	data []byte
	// changed counts the replacements by other content: a file's time.
	changed int64
}

// Replace puts the file that the policy names in place of the one before.
func (c *Classifiers) Replace(set *manifest.Set, policy *v1alpha1.RoutingPolicy) {
	name, data := "", []byte(nil)
	if ref := classifierRef(policy); ref != nil {
		if configMap := configMapNamed(set, policy.Namespace, ref.Name); configMap != nil {
			name = ref.Name + "/" + ref.Key
			data, _ = compile.ConfigMapValue(configMap, ref.Key)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != c.name || !bytes.Equal(data, c.data) {
		c.name, c.data = name, data
		c.changed++
	}
}

func classifierRef(policy *v1alpha1.RoutingPolicy) *v1alpha1.ConfigMapKeyReference {
	if c := policy.Spec.Classification; c != nil && c.Model != nil {
		return c.Model.ConfigMapRef
	}
	return nil
}

func configMapNamed(set *manifest.Set, namespace, name string) *corev1.ConfigMap {
	for i := range set.ConfigMaps {
		if c := &set.ConfigMaps[i]; c.Namespace == namespace && c.Name == name {
			return c
		}
	}
	return nil
}

// classifiersOf is what the compiler sees of the policy's classifier.
func classifiersOf(set *manifest.Set, policy *v1alpha1.RoutingPolicy) map[string]map[string]compile.Classifier {
	ref := classifierRef(policy)
	if ref == nil {
		return nil
	}
	configMap := configMapNamed(set, policy.Namespace, ref.Name)
	if configMap == nil {
		return nil
	}
	return map[string]map[string]compile.Classifier{ref.Name: compile.ReadClassifier(configMap, ref.Key)}
}

// Open implements fs.FS.
func (c *Classifiers) Open(name string) (fs.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != c.name || c.data == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &classifierFile{Reader: bytes.NewReader(c.data), name: name, size: int64(len(c.data)), changed: c.changed}, nil
}

// classifierFile is the file as it was when it was opened.
type classifierFile struct {
	*bytes.Reader
	name          string
	size, changed int64
}

func (f *classifierFile) Stat() (fs.FileInfo, error) { return fileInfo{f}, nil }
func (f *classifierFile) Close() error               { return nil }

type fileInfo struct{ file *classifierFile }

func (i fileInfo) Name() string       { return i.file.name[strings.LastIndexByte(i.file.name, '/')+1:] }
func (i fileInfo) Size() int64        { return i.file.size }
func (i fileInfo) Mode() fs.FileMode  { return 0o400 }
func (i fileInfo) ModTime() time.Time { return time.Unix(i.file.changed, 0) }
func (i fileInfo) IsDir() bool        { return false }
func (i fileInfo) Sys() any           { return nil }
