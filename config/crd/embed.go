// Package crd embeds the CustomResourceDefinitions that are generated from
// api/v1alpha1, so that the CLI can check manifests without a cluster. It must
// never hold anything but these files.
package crd

import "embed"

// FS holds the CustomResourceDefinitions, one YAML document in each file of
// bases.
//
//go:embed bases/*.yaml
var FS embed.FS
