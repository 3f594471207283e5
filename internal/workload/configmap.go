package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

const (
	// MaxConfigBytes is the most that the API server takes as the data of a
	// ConfigMap, keys included:
	// https://kubernetes.io/docs/concepts/configuration/configmap/#motivation
	MaxConfigBytes = 1 << 20

	// maxPlainBytes is up to where a config stands in its ConfigMap as text, which
	// people read and compare. A longer one is compressed: nobody reads it, and
	// the API server keeps and sends a tenth.
	maxPlainBytes = 64 << 10
)

// ConfigTooLargeError says that a config does not fit into a ConfigMap.
type ConfigTooLargeError struct {
	// Bytes is the size of the document, Compressed that of the ConfigMap's data.
	Bytes, Compressed int
}

// Error names the sizes and the way out.
func (e *ConfigTooLargeError) Error() string {
	return fmt.Sprintf("the compiled config takes %d bytes, %d compressed, and a router reads at most %d, a ConfigMap holds %d: "+
		"split the policy in two, or shorten its keyword lists and schemas", e.Bytes, e.Compressed, routerconfig.MaxDocumentBytes, MaxConfigBytes)
}

// renderConfigMap puts a short config in as text, a long one compressed.
func renderConfigMap(in Input) (*corev1.ConfigMap, error) {
	document, err := routerconfig.Encode(in.Config)
	if err != nil {
		return nil, err
	}
	digest, err := routerconfig.Digest(in.Config)
	if err != nil {
		return nil, err
	}
	configMap := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: objectMeta(in)}
	configMap.Name = configName(in)
	configMap.Annotations = map[string]string{ConfigDigestAnnotation: digest}
	if len(document) <= maxPlainBytes {
		configMap.Data = map[string]string{ConfigKey: string(document)}
		return configMap, nil
	}
	compressed, err := routerconfig.Compress(document)
	if err != nil {
		return nil, err
	}
	if size := len(ConfigKey) + len(compressed); size > MaxConfigBytes || len(document) > routerconfig.MaxDocumentBytes {
		return nil, &ConfigTooLargeError{Bytes: len(document), Compressed: size}
	}
	configMap.BinaryData = map[string][]byte{ConfigKey: compressed}
	return configMap, nil
}

// configName is that of the ConfigMap. It changes with what a pod needs to serve
// the config, the router's version, the key files and the trained classifier, as
// the pod template does: a config is given only to pods that can serve it, while
// those of the template before keep theirs until they are replaced, and can even be
// restarted with it.
func configName(in Input) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%q\n", in.Router.Image)
	wanted := SecretKeys(in.Config, in.Credentials)
	for _, secret := range slices.Sorted(maps.Keys(wanted)) {
		fmt.Fprintf(&text, "%q %q\n", secret, wanted[secret])
	}
	if name, key, ok := Classifier(in.Config); ok {
		fmt.Fprintf(&text, "classifier %q %q\n", name, key)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return Name(in.Policy.Name) + "-" + hex.EncodeToString(sum[:4])
}

// ConfigMounted is the name of the ConfigMap that pods of the spec read their
// config from; "" when it mounts none.
func ConfigMounted(spec *corev1.PodSpec) string {
	for i := range spec.Volumes {
		if v := &spec.Volumes[i]; v.Name == configVolume && v.ConfigMap != nil {
			return v.ConfigMap.Name
		}
	}
	return ""
}
