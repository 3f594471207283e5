// Package embedded is the operator's line of work with files in place of the
// API server: manifests in, the same compiler, a router's config out.
//
// It must never implement anything a second time that the operator or the
// router does, and never write a secret to disk.
package embedded
