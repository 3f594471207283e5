package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// mountedFiles are the volumes of a router and where they are mounted. Each
// Secret has a directory of its own, so that it can be mounted with just the keys
// that the config names, and changes without a restart.
func mountedFiles(in Input) ([]corev1.Volume, []corev1.VolumeMount) {
	volumes := []corev1.Volume{{Name: configVolume, VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: configName(in)}},
	}}}
	mounts := []corev1.VolumeMount{{Name: configVolume, MountPath: configDir, ReadOnly: true}}
	wanted := SecretKeys(in.Config, in.Credentials)
	for _, secret := range slices.Sorted(maps.Keys(wanted)) {
		name := volumeName(secret)
		volumes = append(volumes, secretVolume(name, secret, wanted[secret]))
		mounts = append(mounts, corev1.VolumeMount{Name: name, MountPath: secretsDir + "/" + secret, ReadOnly: true})
	}
	if name, key, ok := Classifier(in.Config); ok {
		volumes = append(volumes, classifierVolume(name, key))
		mounts = append(mounts, corev1.VolumeMount{Name: classifierVolumeName, MountPath: classifiersDir + "/" + name, ReadOnly: true})
	}
	return volumes, mounts
}

// Classifier names the ConfigMap, and the key in it, that the router's trained
// classifier comes from; ok is false for the embedded one.
func Classifier(config *routerconfig.Config) (name, key string, ok bool) {
	if config.Classification.Model == nil {
		return "", "", false
	}
	return strings.Cut(config.Classification.Model.File, "/")
}

const classifierVolumeName = "classifier"

// classifierVolume is optional: without the file a router asks the embedded
// classifier, which is no reason not to start.
func classifierVolume(name, key string) corev1.Volume {
	return corev1.Volume{Name: classifierVolumeName, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Optional: new(true),
		Items: []corev1.KeyToPath{{Key: key, Path: key}},
	}}}
}

// SecretKeys maps each Secret that a router may read to the keys that are mounted,
// sorted; none means the Secret as a whole. A credential's keys are mounted before
// they exist, so that a router finds them without a restart once they do.
func SecretKeys(config *routerconfig.Config, credentials []v1alpha1.ProviderCredential) map[string][]string {
	wanted := map[string][]string{}
	for i := range config.Providers {
		for _, file := range []string{config.Providers[i].KeyFile, config.Providers[i].NextKeyFile} {
			if secret, key, ok := strings.Cut(file, "/"); ok {
				wanted[secret] = append(wanted[secret], key)
			}
		}
	}
	if secret, key, ok := strings.Cut(config.RequestIDs.KeyFile, "/"); ok {
		wanted[secret] = append(wanted[secret], key)
	}
	for i := range credentials {
		for _, ref := range []*v1alpha1.SecretKeyReference{credentials[i].Spec.SecretRef, credentials[i].Spec.NextSecretRef} {
			if ref != nil {
				wanted[ref.Name] = append(wanted[ref.Name], ref.Key)
			}
		}
	}
	for secret, keys := range wanted {
		slices.Sort(keys)
		wanted[secret] = slices.Compact(keys)
	}
	if clients := config.Auth.ClientsDir; clients != "" {
		wanted[clients] = nil // each of its keys is a client's
	}
	return wanted
}

// secretVolume is optional: a Secret, or a key of it, that goes away must not
// hold up a pod whose other providers work.
func secretVolume(name, secret string, keys []string) corev1.Volume {
	projection := &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Optional: new(true)}
	for _, key := range keys {
		projection.Items = append(projection.Items, corev1.KeyToPath{Key: key, Path: key})
	}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		// Readable whichever user the image or the cluster picks, and by no one
		// outside the container.
		DefaultMode: new(int32(0o444)),
		Sources:     []corev1.VolumeProjection{{Secret: projection}},
	}}}
}

// volumeName is a DNS label, which the name of a Secret need not be.
func volumeName(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return "secret-" + hex.EncodeToString(sum[:5])
}
